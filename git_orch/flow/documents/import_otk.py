"""The plans of orchestrator-toolkit become plans of the repository.

All that a file says is one entry of the log, with the intent of the branch where there is a spec:
killed at any point, the plan is there or it is not. The ID of a plan is made from the old one, and
one import is at work at a time, so that no second import makes anything twice.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.branch import archive, opening
from git_orch.flow.documents import spec
from git_orch.flow.model import typed_text
from git_orch.flow.move import Entry
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import base as basing
from git_orch.flow.planning import create
from git_orch.flow.reports import Reporter
from git_orch.plans import approval, ids, plan_document, sentences
from git_orch.plans.documents import front_matter, names, otk_files, otk_import
from git_orch.plans.documents.otk_import import TOOL, Files, Item, Problem
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Base, MoveKind, PlanState, Status
from git_orch.repo import identity, localfiles, refs
from git_orch.repo.documents_folder import DocumentsFolder, Unread
from git_orch.repo.local import approvals
from git_orch.repo.log import log as store
from git_orch.repo.objects import objects as odb
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository

WHY = f"finished in {TOOL}"  # why a plan is put away
TASKS = "tasks"
REPORTS = (names.REPORTS, names.LOGS)
FOLDERS = (TASKS, *names.FOLDERS)
_TOP = "."
_FOLDER_OF = {"t-": TASKS, "p-": names.PLANS, "plan-": names.PLANS, "spec-": names.SPECS}
_HINT = "git orch docs --import ai_docs"
_MOST_CHARACTERS = 200_000_000
_WAIT_SECONDS, _TRIES = 0.05, 1200


class Imported(NamedTuple):
    """A file that became a plan: the old ID, the new one."""

    old: str
    plan: str
    file: str
    state: str


@dataclass(slots=True)
class Outcome:
    """What an import made, what was there before, and the files that it left alone."""

    imported: list[Imported] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # what no folder of that tool has
    ours: int = 0  # files of git-orch


def folder_of(typed: str) -> DocumentsFolder:
    """The directory that was typed. Raises NotFound, and Refused for a link."""
    path = os.path.abspath(os.path.expanduser(typed))
    shown = sentences.quoted(typed)
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):
        raise errors.NotFound(f"there is no directory {shown}", _HINT) from None
    if stat.S_ISLNK(mode):
        raise errors.Refused(f"{shown} is a link: type where it leads", _HINT)
    if not stat.S_ISDIR(mode):
        raise errors.NotFound(f"{shown} is not a directory", _HINT)
    top, name = os.path.split(path)
    return DocumentsFolder(top, (name,) if name else ())


@contextlib.contextmanager
def alone(repository: Repository) -> Iterator[None]:
    """Import in no other process at the same time; waits for one that does. Raises Busy after a
    minute.
    """
    path = repository.state_dir / "documents" / "import"
    for _ in range(_TRIES):
        with localfiles.hold(path) as is_ours:
            if is_ours:
                yield
                return
        time.sleep(_WAIT_SECONDS)
    raise errors.Busy("another 'git orch docs --import' is at work", _HINT)


def read(folder: DocumentsFolder, shown: str, outcome: Outcome) -> list[Item]:
    """The plans of a directory that is called `shown`. Raises NotFound where it has no folder of
    orchestrator-toolkit.
    """
    files = Files()
    there = False
    for name in FOLDERS:
        try:
            there = folder.is_there(name) or there
            listed = folder.names(name)
        except (errors.Refused, OSError):
            there = True
            why = "is a link, or no directory that can be read"
            outcome.problems.append(Problem(f"{shown}/{name}", 1, why))
            continue
        for file in listed:
            _read_file(folder, name, file, files, outcome)
        outcome.unread += [f"{name}/{other}" for other in folder.others(name)]
    there = _read_top(folder, files, outcome) or there
    if not there:
        folders = sentences.names(FOLDERS)
        raise errors.NotFound(f"{sentences.quoted(shown)} has none of {folders}", _HINT)
    items = otk_import.assemble(files)
    for problem in files.problems:
        outcome.problems.append(problem._replace(file=f"{shown}/{problem.file}"))
    return items


def _read_top(folder: DocumentsFolder, files: Files, outcome: Outcome) -> bool:
    """Read the files that lie in no folder and whose names and heads tell what they are; whether
    there are any. Others begin with `plan-` as well.
    """
    there = False
    for file in folder.names(_TOP):
        of = next((of for begin, of in _FOLDER_OF.items() if file.lower().startswith(begin)), None)
        if of is None or not _has_front_matter(folder, file):
            outcome.unread.append(file)
        else:
            there = True
            _read_file(folder, _TOP, file, files, outcome, of)
    others = (other for other in folder.others(_TOP) if other.rstrip("/") not in FOLDERS)
    outcome.unread += others
    return there


def _has_front_matter(folder: DocumentsFolder, file: str) -> bool:
    """Whether a file has a head, or one that cannot be read."""
    text = folder.read(_TOP, file)
    try:
        return isinstance(text, str) and front_matter.read(text) is not None
    except front_matter.Malformed:
        return True


def _read_file(
    folder: DocumentsFolder, name: str, file: str, files: Files, outcome: Outcome, of: str = ""
) -> None:
    """Read one file of a folder; `of` is the one that it belongs into, where it lies in none."""
    place = file if of else f"{name}/{file}"
    if file.endswith(".summary.md") or file.startswith("orchestrate-"):
        return  # a table of contents of that tool, and its log of itself
    text = folder.read(name, file)
    if isinstance(text, str):
        files.characters += len(text)
        if files.characters > _MOST_CHARACTERS:
            text = Unread(file, f"all files have more than {_MOST_CHARACTERS:,} characters")
    if isinstance(text, Unread):
        files.problems.append(Problem(place, 1, text.problem))
    elif text is not None:
        try:
            _take(of or name, place, text, files, outcome)
        except front_matter.Malformed as wrong:
            files.problems.append(Problem(place, wrong.line, wrong.problem))


def _take(name: str, place: str, text: str, files: Files, outcome: Outcome) -> None:
    """Add a file of a folder to the others. Raises front_matter.Malformed."""
    file = place.rpartition("/")[2]
    if name in REPORTS:
        report = otk_files.report(place, text)
        if names.is_ours(report.spec):
            outcome.ours += 1
        else:
            files.reports.append(report)
        return
    artefact = otk_files.artefact(place, text)
    if artefact is None and file.lower().startswith((*_FOLDER_OF,)):
        raise front_matter.Malformed(1, "has no front matter: lines between two '---'")
    if artefact is None:
        outcome.notes.append(f"{place} has no front matter, and is left alone")
    elif names.is_ours(artefact.id):
        outcome.ours += 1
    else:
        {TASKS: files.tasks, names.PLANS: files.plans, names.SPECS: files.specs}[name].append(
            artefact
        )


def store_all(
    repository: Repository,
    items: Sequence[Item],
    statuses: Sequence[Status],
    shown: str,
    reporter: Reporter,
    outcome: Outcome,
) -> None:
    """Store the plans that the repository does not have; whoever calls it is `alone` and has read
    `statuses` since. Raises UnfitRepository.
    """
    create.refuse_unready(repository, include_dirty=False)
    known = {old.casefold(): status for status in statuses for old in status.old_ids}
    base: Base | None = None
    for item in items:
        there = known.get(item.ids[0].casefold())
        if there is not None:
            outcome.present.append(item.ids[0])
            if there.pending_moves or (item.done and there.archived is None):
                _complete(repository, there.id, item, reporter)
            continue
        if item.plan.steps and base is None:
            base = basing.choose_base(repository, None)
        try:
            plan = _store(repository, item, base, reporter)
        except (errors.Refused, errors.UsageError, errors.Busy) as refused:
            text = f"{refused.cause} ({refused.hint})"
            outcome.problems.append(Problem(f"{shown}/{item.file}", 1, text))
            continue
        if item.done:
            _complete(repository, plan, item, reporter)
        word = "done" if item.done else _word(item)
        outcome.imported.append(Imported(item.ids[0], plan, item.file, word))


def _word(item: Item) -> str:
    return "in-spec" if item.state is PlanState.CREATED else item.state.value.lower()


def _store(repository: Repository, item: Item, base: Base | None, reporter: Reporter) -> str:
    """Store a plan; gives its ID. Raises Refused for a secret, Busy."""
    create.refuse_secrets(repository, item.plan)
    now_ms = time.time_ns() // 1_000_000
    place = PlanPlace(repository, item.new_id(now_ms))
    ids.see([place.id])
    person = identity.of_user(repository)
    with localfiles.lock(place), contextlib.closing(odb.opened(repository)) as database:
        if refs.value(repository, place.log) is not None:
            raise errors.Refused(
                f"there is a plan '{place.id}', which was not imported", f"git orch show {place.id}"
            )
        log = store.LogWriter(place, database, person)
        plan = OpenPlan(place, database, person, reporter, log, None)
        if item.plan.steps:
            _make_branch(plan, item, base or Base(None, None), now_ms)
        else:
            plan.record(*((None, event) for event in _events(plan, item, now_ms)))
    return place.id


def _make_branch(plan: OpenPlan, item: Item, base: Base, now_ms: int) -> None:
    """Store a plan that has a spec, and make its branch."""
    written = odb.Written(plan.objects)
    cover = basing.write_cover(written, plan.identity, plan.id, item.plan, base)
    made = approval.Approved(plan.id, item.plan, base.commit, base.ref)
    approvals.write_made(plan.place, made.document())
    events = _events(plan, item, now_ms)
    draft = spec.Draft(item.plan, "file", {"tokens_in": 0, "tokens_out": 0, "usd": 0.0})
    specified = spec.event(plan, item.owner, draft, base)
    entries: list[Entry] = [(cover, event) for event in (*events, specified)]
    plan.move(None, cover, spec.WHY, entries, kind=MoveKind.CREATE, written=written)
    plan.home = cover
    plan.confirm()


def _events(plan: OpenPlan, item: Item, now_ms: int) -> list[Event]:
    """The events that a file of the earlier tool is, each at its time."""
    idea = item.plan._replace(steps=(), spec=None, objective=item.plan.title)
    state = item.state if item.state is PlanState.DRAFT else PlanState.READY
    created = plan.event(
        "plan.created",
        plan=plan_document.to_document(idea),
        base=basing.document(Base(None, None)),
        origin="idea",
        state=state.value,
        owner=item.owner,
        imported={"ids": list(item.ids), "file": item.file},
    )
    created = _at(created, item.created, now_ms, None)
    events = [created]
    for said in item.notes:
        text = "\n\n".join(typed_text.paragraphs([said.text], _HINT))
        noted = plan.event("plan.noted", kind=said.kind, text=text, who=said.who or item.owner)
        events.append(_at(noted, said.at, now_ms, created.id))
    ticked = (plan.event("item.ticked", item=tick, who=item.owner) for tick in item.ticks)
    return [*events, *ticked]


def _at(event: Event, moment: int | None, now_ms: int, after: str | None) -> Event:
    """The event at a time that has passed, and after another one."""
    if moment is None or moment > now_ms:
        return event
    return event._replace(id=ids.ulid_after(after, moment, int.from_bytes(os.urandom(10), "big")))


def _complete(repository: Repository, plan_id: str, item: Item, reporter: Reporter) -> None:
    """Do what is left of an import: make the branch, and put a plan away that was done in the
    earlier tool, unless somebody brought it back.
    """
    place = PlanPlace(repository, plan_id)
    with opening.open_for_writing(place, reporter, put_away=True) as plan:
        is_back = any(event.name == "plan.unarchived" for event in plan.log.log.events)
        if item.done and not is_back:
            archive.archive(plan, WHY)
