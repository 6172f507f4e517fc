"""(c) Many plans in one repository, and a long log."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import measure
from benchmarks.measure import Row, Table, Times
from benchmarks.scratch import Scratch
from git_orch.flow.planning import base as basing
from git_orch.plans import ids, messages, plan_document, trailers
from git_orch.plans.document import Document
from git_orch.plans.history import events
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Base
from git_orch.plans.plan import Plan
from git_orch.repo import refs
from git_orch.repo.identity import Identity
from git_orch.repo.log import log as store
from git_orch.repo.log.log import LogWriter
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw
from git_orch.repo.objects.catfile import Found
from git_orch.repo.objects.objects import Objects
from git_orch.repo.objects.raw import CommitObject, Entry
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository, discover

_COUNTS = (10, 1_000, 10_000)
_LIVE = 5  # plans beside those in the archive
_DAY = 1_790_000_000_000  # milliseconds since 1970: when the first of the plans was made
_ADA = Identity(
    "Ada Bench <ada@example.com>",
    "Ada Bench <ada@example.com>",
    "1790000000 +0000",
    "1790000000 +0000",
)


def table(scratch: Scratch, *, quick: bool) -> Table:
    """`ls` and `status` with 10 to 10,000 plans, live and archived; writing a log of 1,000 steps."""
    rows = []
    for packed in (False, True):
        rows += _listing(scratch, packed=packed, rounds=3 if quick else 5)
    rows += _archived(scratch, 1_000 if quick else 10_000, rounds=3 if quick else 5)
    rows += _writing(scratch, steps=100 if quick else 1_000)
    notes = (
        "Plans: three steps each, in flight; of three plans one has no landed step, one has one, one has two.",
        "Archived: five live plans, packed refs; each archived plan has left a ref to what it kept. The archive is",
        "read only for a name that no live plan has.",
        "Log writes: one write is what a landing writes (a confirmation, a landing and an intent), synced to disk.",
    )
    return Table("(c) many plans, and a long log", rows, notes)


# -- reading ---------------------------------------------------------------------------------------


def _listing(scratch: Scratch, *, packed: bool, rounds: int) -> list[Row]:
    kind = "packed" if packed else "loose"
    places = {count: _with_plans(scratch, count, packed=packed) for count in _COUNTS}
    cases = {
        f"{command} {count}": partial(scratch.seconds, "git", "orch", command, cwd=places[count])
        for command in ("ls", "status")
        for count in _COUNTS
    }
    few, some, many = _COUNTS
    for command in ("ls", "status"):
        cases[f"{command}, first"] = partial(_first, scratch, places[many], command)
    times = measure.side_by_side(cases, rounds)
    rows = []
    for command in ("ls", "status"):
        at = {count: times[f"{command} {count}"] for count in _COUNTS}
        first = times[f"{command}, first"]
        rows += [
            measure.compared(
                f"{command}, {many:,} plans, {kind} refs, again beside the first time",
                at[many],
                first,
            ),
            measure.compared(
                f"{command}, {some:,} plans beside {few}, {kind} refs",
                at[some],
                at[few],
                some / few,
            ),
            measure.compared(
                f"{command}, {many:,} plans beside {some:,}, {kind} refs", at[many], at[some], 10
            ),
        ]
    for place in places.values():
        scratch.remove(place)
    return rows


def _first(scratch: Scratch, place: Path, command: str) -> list[float]:
    """A command that remembers nothing of the plans."""
    (place / ".git" / "orch" / "summaries").unlink(missing_ok=True)
    return scratch.seconds("git", "orch", command, cwd=place)


def _archived(scratch: Scratch, count: int, rounds: int) -> list[Row]:
    """What plans that were put away cost the commands that are not about them, and those that are."""
    few, many = (_with_plans(scratch, _LIVE, packed=True, archived=number) for number in (0, count))
    name = ids.short(_plan_id(_LIVE))
    cases = {
        "ls": ("ls",),
        "status": ("status",),
        "show of a live plan": ("show", ids.short(_plan_id(0))),
        "ls --all": ("ls", "--all"),
        "show of an archived plan": ("show", name),
    }
    beside = {"show of an archived plan": cases["show of a live plan"]}
    turns = {
        what: partial(scratch.seconds, "git", "orch", *words, cwd=many)
        for what, words in cases.items()
    }
    turns |= {
        f"{what}, none": partial(scratch.seconds, "git", "orch", *beside.get(what, words), cwd=few)
        for what, words in cases.items()
    }
    times = measure.side_by_side(turns, rounds)
    aims = {"ls": 1.2, "status": 1.2, "show of a live plan": 1.2}
    rows = [
        measure.compared(
            f"{what}, {count:,} archived plans beside none",
            times[what],
            times[f"{what}, none"],
            aims.get(what),
        )
        for what in cases
    ]
    for place in (few, many):
        scratch.remove(place)
    return rows


def _with_plans(scratch: Scratch, count: int, *, packed: bool, archived: int = 0) -> Path:
    path = scratch.repository(f"plans-{count}-{archived}", 10)
    base = scratch.run("git", "rev-parse", "main", cwd=path).decode("ascii").strip()
    tree = scratch.run("git", "rev-parse", "main^{tree}", cwd=path).decode("ascii").strip()
    pack = Pack(
        {base: Found("commit", raw.commit_bytes(CommitObject(tree))), tree: Found("tree", b"")}
    )
    where = Base(base, "refs/heads/main")
    moves = [line for number in range(count) for line in _refs(_stored(pack, number, where))]
    moves += _put_away(
        pack, [_stored(pack, number, where) for number in range(count, count + archived)]
    )
    scratch.run("git", "index-pack", "--stdin", cwd=path, stdin=pack.bytes())
    scratch.run("git", "update-ref", "--stdin", cwd=path, stdin="".join(moves).encode("ascii"))
    if packed:
        scratch.run("git", "pack-refs", "--all", cwd=path)
    return path


class Pack:
    """New objects, by the interface that git-orch writes them through, collected for one pack."""

    oid_length = 40

    def __init__(self, known: dict[str, Found]) -> None:
        self._known = known
        self._new: dict[str, Found] = {}

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Objects of the pack, and the few that were given."""
        return [self._new.get(oid) or self._known.get(oid) for oid in oids]

    def sizes(self, oids: Sequence[str]) -> list[int | None]:
        """Their bytes."""
        return [found and len(found.data) for found in self.read_many(oids)]

    def write(self, kind: str, data: bytes) -> str:
        """Put an object into the pack."""
        oid = hashlib.sha1(
            f"{kind} {len(data)}\0".encode("ascii") + data, usedforsecurity=False
        ).hexdigest()
        self._new[oid] = Found(kind, data)
        return oid

    def flush(self) -> None:
        """The pack is stored when it is whole."""

    def bytes(self) -> bytes:
        """The pack, as gitformat-pack(5) describes it."""
        parts = [b"PACK", struct.pack(">II", 2, len(self._new))]
        for kind, data in self._new.values():
            parts += [
                _pack_head(("commit", "tree", "blob").index(kind) + 1, len(data)),
                zlib.compress(data, 1),
            ]
        packed = b"".join(parts)
        return packed + hashlib.sha1(packed, usedforsecurity=False).digest()


def _pack_head(kind: int, size: int) -> bytes:
    byte, size = (kind << 4) | (size & 15), size >> 4
    head = bytearray()
    while size:
        head.append(byte | 128)
        byte, size = size & 127, size >> 7
    head.append(byte)
    return bytes(head)


class _Stored(NamedTuple):
    """A plan in flight whose objects are in a pack: its ID, its tip, and its events by what they
    hang on.
    """

    plan: str
    tip: str
    notes: dict[str, list[Event]]
    log: str
    story: _Story


def _refs(stored: _Stored) -> list[str]:
    """The lines for `git update-ref` that make a plan's refs."""
    return [
        f"create {refs.BRANCHES}{stored.plan} {stored.tip}\n",
        f"create {refs.LOGS}{stored.plan} {stored.log}\n",
    ]


def _put_away(pack: Pack, plans: Sequence[_Stored]) -> list[str]:
    """The plans in an archive; gives the lines that make its ref, and those of what is kept of
    each.
    """
    if not plans:
        return []
    notes = {}
    for each in plans:
        body = {
            "plan": each.plan,
            "state": "EXECUTING",
            "tip": each.tip,
            "done": [],
            "why": "landed",
        }
        found = [event for events_of_one in each.notes.values() for event in events_of_one]
        notes[next(iter(each.notes))] = [*found, each.story.event("plan.archived", **body)]
    kept = [f"create {refs.KEPT}{each.plan} {each.tip}\n" for each in plans]
    return [f"create {refs.ARCHIVE} {_log(pack, notes)}\n", *kept]


def _plan_id(number: int) -> str:
    return ids.plan_id(f"change part {number}", _DAY + number * 1000, number)


def _stored(pack: Pack, number: int, base: Base) -> _Stored:
    """A plan in flight, put into the pack."""
    plan_id = _plan_id(number)
    described = _plan(number, steps=3)
    cover = basing.write_cover(pack, _ADA, plan_id, described, base)
    story = _Story(number)
    notes = {cover: [story.created(described, base)]}
    notes[cover] += story.moved(refs.BRANCHES + plan_id, None, cover, "create")
    tip = cover
    if number % 3:
        notes[cover] += [story.event(name) for name in ("plan.validated", "plan.approved")]
        notes[cover].append(story.event("run.started", run=story.ulid()))
    for step in described.steps[: number % 3]:
        attempt = story.ulid()
        message = messages.step_message(step, trailers.Claim(plan_id, step.id, attempt), (), ())
        blob = pack.write("blob", b"new\n")
        tree = odb.write_tree(pack, [Entry(raw.BLOB_MODE, f"{step.id}.txt".encode("ascii"), blob)])
        commit = odb.write_commit(pack, CommitObject(tree, (tip,), *_ADA.now(), message))
        landed = story.landed(step.id, attempt, commit, tree)
        notes[commit] = [landed, *story.moved(refs.BRANCHES + plan_id, tip, commit, "land")]
        tip = commit
    return _Stored(plan_id, tip, notes, _log(pack, notes), story)


def _log(pack: Objects, notes: dict[str, list[Event]]) -> str:
    """The log commit of these events, whose tree is the one that a writer of the log makes."""
    blobs = {
        target: pack.write("blob", events.with_events(b"", found))
        for target, found in notes.items()
    }
    person = _ADA.now()
    tree = store.write_notes(pack, store.Notes(blobs), set(), {})
    return odb.write_commit(pack, CommitObject(tree, (), person.author, person.committer, "log\n"))


class _Story:
    """Events of one plan, a second apart."""

    def __init__(self, number: int) -> None:
        self._now = _DAY + number * 1000

    def ulid(self) -> str:
        """The next ID."""
        self._now += 1000
        return ids.ulid(self._now, self._now)

    def event(self, name: str, **body: object) -> Event:
        """The next event."""
        return Event(self.ulid(), name, "0123456789abcdef", body)

    def created(self, described: Plan, base: Base) -> Event:
        """The first event of a plan."""
        estimate = {"tokens_in": 0, "tokens_out": 0, "usd": 0}
        document = plan_document.to_document(described)
        return self.event(
            "plan.created",
            plan=document,
            base=basing.document(base),
            origin="file",
            estimate=estimate,
        )

    def moved(self, ref: str, old: str | None, new: str, why: str) -> list[Event]:
        """A move of the branch that was confirmed."""
        before = {} if old is None else {"from": old}
        intent = self.event("move.intended", ref=ref, **before, to=new, why=why)
        return [intent, self.event("move.done", move=intent.id)]

    def landed(self, step: str, attempt: str, commit: str, tree: str) -> Event:
        """A landing as a run writes it."""
        check = {
            "type": "run",
            "command": "true",
            "exit": 0,
            "passed": True,
            "seconds": 0.1,
            "output": "",
        }
        body: Document = {
            "step": step,
            "attempt": attempt,
            "run": attempt,
            "commit": commit,
            "tree": tree,
        }
        return self.event("step.landed", **body, checks=[check], seconds=0.3, files=1)


def _plan(number: int, steps: int) -> Plan:
    described: list[Document] = [
        {
            "id": f"s{position}",
            "title": f"Write part {position}",
            "kind": "files",
            "files": {f"s{position}.txt": "new\n"},
            "checks": [{"type": "run", "command": "true"}],
        }
        for position in range(1, steps + 1)
    ]
    document = {
        "title": f"Change part {number}",
        "objective": f"Part {number} is new.",
        "steps": described,
    }
    return plan_document.from_document(document)


# -- writing ---------------------------------------------------------------------------------------


def _writing(scratch: Scratch, steps: int) -> list[Row]:
    rows = []
    for name in ("log",):
        path = scratch.repository(name, 10)
        found = discover(path, scratch.variables)
        before = _size(path)
        with closing(odb.opened(found)) as database:
            seconds = _written(found, database, steps)
        grown = _size(path) - before
        scratch.run("git", "gc", "-q", "--prune=now", cwd=path)
        packed, written = _size(path) - before, 3 * steps
        tenth = max(steps // 10, 1)
        first, last = seconds[:tenth], seconds[-tenth:]
        rows += [
            Row(
                f"log of {steps:,} steps: writes",
                f"{steps / sum(seconds):,.0f} per second",
            ),
            measure.compared(
                "  a write at the end, beside one at the start", _times(last), _times(first)
            ),
            Row(
                "  bytes for each event",
                f"{grown / written:,.0f}",
                f"{packed / written:,.0f} after gc",
            ),
        ]
        scratch.remove(path)
    return rows


def _written(found: Repository, database: odb.Database, steps: int) -> list[float]:
    plan_id = ids.plan_id("a long log", _DAY, 1)
    writer = LogWriter(PlanPlace(found, plan_id), database, _ADA)
    described = _plan(0, steps)
    cover = hashlib.sha1(b"cover", usedforsecurity=False).hexdigest()
    story, seconds, last = _Story(0), list[float](), cover
    writer.append(
        [(cover, writer.event("plan.created", **story.created(described, Base(None, None)).body))]
    )
    confirmed = writer.event("move.done", move=story.ulid())
    for step in described.steps:
        commit = hashlib.sha1(step.id.encode("ascii"), usedforsecurity=False).hexdigest()
        landed = writer.event(
            "step.landed", **story.landed(step.id, story.ulid(), commit, commit).body
        )
        intent = writer.event(
            "move.intended", ref=refs.BRANCHES + plan_id, **{"from": last}, to=commit, why="land"
        )
        entries = [(last, confirmed), (commit, landed), (commit, intent)]
        seconds += measure.timed(partial(writer.append, entries))
        confirmed = writer.event("move.done", move=intent.id)
        last = commit
    return seconds


def _times(samples: Sequence[float]) -> Times:
    return Times(sorted(samples)[len(samples) // 2], min(samples))


def _size(repository: Path) -> int:
    """Bytes of the files below .git, not of the blocks that they take."""
    return sum(path.stat().st_size for path in (repository / ".git").rglob("*") if path.is_file())
