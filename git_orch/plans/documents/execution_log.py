"""The log of an execution of a spec, made from the events of its plan: what ran, what it cost, what
failed, and what people noted.

One begins with each `git orch exec` and goes on until the next: what people hand in, note or change
after a run stands in the log of that run. What they noted before the first run stands in the first.
"""

from __future__ import annotations

import bisect
import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from git_orch.plans import document, ids, one_line, plan_document, reasons, sentences
from git_orch.plans.document import BadDocument
from git_orch.plans.documents import names
from git_orch.plans.history import acts, taken_back
from git_orch.plans.history.events import Event
from git_orch.plans.plan import Plan

# The sections of notes, by the kind of a note.
NOTES = {"decision": "Decisions", "blocker": "Blockers", "progress": "Progress", "note": "Notes"}
_LINES = 12  # of a failed check's output
_WIDEST = 200  # characters of such a line
_LAST_SECOND = 253_402_300_799  # of the year 9999, which is the last of datetime
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_RUN = re.compile("`+")
_OID = 10  # digits that are shown
_BESIDE = frozenset({"run.started", "plan.noted", "comment.made", "plan.created", "spec.written"})


class Entry(NamedTuple):
    """Something that happened at the time of the event with this ID; `lines` say more of it."""

    at: str
    text: str
    lines: tuple[str, ...] = ()


@dataclass(slots=True)
class ExecutionLog:
    """One log. `run` is the ID of its first run, `began` that of the event, `outcome` how the last
    run ended.
    """

    id: str
    run: str
    began: str
    title: str
    owner: str
    outcome: str = ""
    ended: str | None = None  # the ID of an event
    entries: list[Entry] = field(default_factory=list)
    failures: list[Entry] = field(default_factory=list)
    notes: dict[str, list[Entry]] = field(default_factory=dict)  # by kind
    costs: dict[str, float] = field(default_factory=dict)  # USD, by what it was paid for

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.id}.md"


def of(plan_id: str, events: Sequence[Event]) -> list[ExecutionLog]:
    """The logs of a plan, the oldest first."""
    writer = _Writer(plan_id)
    for event in taken_back.standing(events):
        writer.take(event)
    if not writer.logs:
        return []
    _add_acts(writer.logs, events)
    last = writer.logs[-1]
    for log in writer.logs:
        log.entries.sort(key=lambda entry: entry.at)
        log.outcome = log.outcome or ("executing" if log is last else "interrupted")
    return writer.logs


def _add_acts(logs: Sequence[ExecutionLog], events: Sequence[Event]) -> None:
    """Add what people did to the plan beside runs: edits, rollbacks, landings."""
    beside = {event.id for event in events if event.name in _BESIDE}
    begun = [log.began for log in logs]
    for act in acts.history(events):
        place = bisect.bisect_right(begun, act.id) - 1
        if place >= 0 and act.id not in beside:
            by = f" ({act.actor})" if act.actor else ""
            logs[place].entries.append(Entry(act.id, f"{act.text}{by}"))


def note_entry(at: str, text: str, who: str) -> Entry:
    """The entry of a note."""
    first, *rest = text.strip().splitlines() or [""]
    name = one_line.of(who.partition(" <")[0])
    by = f" ({name})" if name else ""
    return Entry(at, f"{clean(first)}{by}", tuple(map(clean, rest)))


@dataclass(slots=True)
class _Writer:
    """Reads the events of a plan in order. `early` are notes from before the first log."""

    plan_id: str
    logs: list[ExecutionLog] = field(default_factory=list)
    plan: Plan | None = None
    owner: str = ""
    early: dict[str, list[Entry]] = field(default_factory=dict)
    runs: dict[str, ExecutionLog] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)  # of runs
    seconds: set[int] = field(default_factory=set)  # that a name says

    def take(self, event: Event) -> None:
        reader = _READERS.get(event.name)
        if reader is not None:
            with contextlib.suppress(BadDocument):  # the fold counts it as damage
                reader(self, event)

    def log_of(self, event: Event) -> ExecutionLog | None:
        """The log that an event belongs to: that of its run, else the last one."""
        run = event.body.get("run")
        last = self.logs[-1] if self.logs else None
        return self.runs.get(run, last) if isinstance(run, str) else last

    def step(self, event: Event) -> str:
        """The step of an event by its present number, else its ID."""
        step = document.text(event.body, "step")
        steps = self.plan.steps if self.plan is not None else ()
        numbers = (number for number, one in enumerate(steps, 1) if one.id == step)
        return f"step {next(numbers, step)}"

    # -- the plan ----------------------------------------------------------------------------------

    def take_text(self, event: Event) -> None:
        if event.name == "spec.written" and self.plan is not None and self.plan.steps:
            return  # another clone had written one
        self.plan = plan_document.from_document(event.body.get("plan"))
        self.owner = document.optional_text(event.body, "owner") or self.owner

    def own(self, event: Event) -> None:
        self.owner = document.text(event.body, "owner")

    def note(self, event: Event) -> None:
        kind, text = document.text(event.body, "kind"), document.text(event.body, "text")
        who = document.optional_text(event.body, "who") or ""
        about = f"{self.step(event)}: " if event.body.get("step") else ""
        entry = note_entry(event.id, f"{about}{text.strip()}", who)
        log = self.log_of(event)
        notes = log.notes if log is not None else self.early
        notes.setdefault(kind if kind in NOTES else "note", []).append(entry)

    # -- runs --------------------------------------------------------------------------------------

    def start(self, event: Event) -> None:
        run = document.text(event.body, "run")
        command = document.optional_text(event.body, "command")
        if command is None or not self.logs:
            title = self.plan.title if self.plan is not None else ""
            log_id = names.log_id(self.plan_id, self._moment(event))
            self.logs.append(ExecutionLog(log_id, run, event.id, title, self.owner))
            if len(self.logs) == 1:
                self.logs[0].notes.update(self.early)
        log = self.runs[run] = self.logs[-1]
        self.commands[run] = command or "exec"
        actor = (document.optional_text(event.body, "actor") or "").partition(" <")[0]
        by = f" ({one_line.of(actor)})" if actor else ""
        log.entries.append(Entry(event.id, f"{self.commands[run]} began{by}"))
        log.outcome, log.ended = "", None

    def _moment(self, event: Event) -> str:
        """The second of an event, or the next one that no other log has."""
        second = min(ids.ulid_ms(event.id) // 1000, _LAST_SECOND)
        onward = 1 if second + len(self.seconds) < _LAST_SECOND else -1
        while second in self.seconds:
            second += onward
        self.seconds.add(second)
        return _time(second, "%Y%m%d-%H%M%S")

    def end(self, event: Event) -> None:
        run = document.text(event.body, "run")
        log = self.runs.get(run)
        if log is not None:
            log.outcome = one_line.of(document.text(event.body, "outcome")) or "ended"
            log.ended = event.id
            seconds = document.optional_number(event.body, "seconds") or 0.0
            text = f"{self.commands[run]} ended: {log.outcome} ({seconds:.1f} s)"
            log.entries.append(Entry(event.id, text))

    def land(self, event: Event) -> None:
        log, step = self.log_of(event), self.step(event)
        if log is None:
            return
        one = self.plan.step(document.text(event.body, "step")) if self.plan is not None else None
        title = f": {one_line.of(one.title)}" if one is not None else ""
        commit = (document.optional_text(event.body, "commit") or "")[:_OID]
        facts = [commit] if commit else []
        files = document.optional_integer(event.body, "files")
        facts += [sentences.count(files, "file")] if files is not None else []
        facts.append(f"{document.optional_number(event.body, 'seconds') or 0.0:.1f} s")
        lines = [f"check passed: {_code(command)}" for command, _ in _checks(event, passed=True)]
        summary = document.optional_text(event.body, "summary") or ""
        lines += [clean(line) for line in summary.splitlines()[:1] if line.strip()]
        lines += [f"review: {clean(why)}" for why in document.texts(event.body, "review")]
        log.entries.append(
            Entry(event.id, f"{step} done{title} ({', '.join(facts)})", tuple(lines))
        )

    def fail(self, event: Event) -> None:
        log = self.log_of(event)
        if log is None:
            return
        reason = document.optional_text(event.body, "reason")
        word = "stopped" if reason in reasons.STOPPED else "failed"
        error = (document.optional_text(event.body, "error") or "no reason").strip()
        first, *rest = error.splitlines() or ["no reason"]
        text = f"{self.step(event)} {word}: {clean(first)}"
        log.entries.append(Entry(event.id, text))
        lines = [clean(line) for line in rest[:_LINES]]
        for command, output in _checks(event, passed=False):
            lines += [f"check failed: {_code(command)}", *_block(output)]
        commit = document.optional_text(event.body, "commit")
        lines += [f"its work is kept: {commit[:_OID]}"] if commit else []
        log.failures.append(Entry(event.id, text, tuple(lines)))

    def ask(self, event: Event) -> None:
        log = self.log_of(event)
        if log is not None:
            first, *rest = document.text(event.body, "question").splitlines() or [""]
            text = f"{self.step(event)} asks: {clean(first)}"
            log.entries.append(Entry(event.id, text, tuple(map(clean, rest))))

    def check_tip(self, event: Event) -> None:
        log = self.log_of(event)
        if log is None:
            return
        items = document.sequence(event.body, "failed")
        failed = [document.text(document.mapping(item, "failed"), "command") for item in items]
        word = "failed" if failed else "passed"
        lines = tuple(f"check failed: {_code(command)}" for command in failed)
        entry = Entry(event.id, f"all checks ran on the result: {word}", lines)
        log.entries.append(entry)
        if failed:
            log.failures.append(entry)

    def pay(self, event: Event) -> None:
        log = self.log_of(event)
        usd = document.optional_number(event.body, "usd") or 0.0
        if log is not None and usd > 0:
            of = self.step(event) if event.body.get("step") else "planning"
            purpose = "" if event.body.get("purpose") != "review" else ", review"
            model = one_line.of(document.optional_text(event.body, "model") or "a model")
            name = f"{of}{purpose}, {model}"
            log.costs[name] = log.costs.get(name, 0.0) + usd


_READERS: Mapping[str, Callable[[_Writer, Event], None]] = {
    "plan.created": _Writer.take_text,
    "spec.written": _Writer.take_text,
    "plan.revised": _Writer.take_text,
    "plan.owned": _Writer.own,
    "plan.noted": _Writer.note,
    "run.started": _Writer.start,
    "run.ended": _Writer.end,
    "step.landed": _Writer.land,
    "step.asked": _Writer.ask,
    "attempt.failed": _Writer.fail,
    "tip.checked": _Writer.check_tip,
    "model.called": _Writer.pay,
}


def _checks(event: Event, *, passed: bool) -> list[tuple[str, str]]:
    """The commands of the checks that passed or failed, with the ends of their outputs."""
    results: list[tuple[str, str]] = []
    for item in document.sequence(event.body, "checks"):
        check = document.mapping(item, "checks")
        if (check.get("passed") is True) == passed:
            output = document.optional_text(check, "output") or ""
            results.append((document.text(check, "command"), output))
    return results


def _block(output: str) -> list[str]:
    """The end of an output as a block of code."""
    lines = [clean(line.expandtabs()).rstrip() for line in output.strip("\n").splitlines()]
    shown = [line[:_WIDEST] for line in lines[-_LINES:]]
    if not any(shown):
        return []
    fence = "`" * max(3, *(len(run) + 1 for run in _RUN.findall("\n".join(shown))), 3)
    return [f"{fence}text", *shown, fence]


def _code(command: str) -> str:
    """A command between backquotes, on one line."""
    line = one_line.of(command)
    marks = "`" * max(1, *(len(run) + 1 for run in _RUN.findall(line)), 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{marks}{pad}{line}{pad}{marks}"


def clean(line: str) -> str:
    """A line without control characters."""
    return _CONTROL.sub(" ", line).replace("\n", " ")


def stamp(event_id: str) -> str:
    """The time of an event, in UTC, such as 2026-11-21T00:46:42Z."""
    second = min(ids.ulid_ms(event_id) // 1000, _LAST_SECOND)
    return _time(second, "%Y-%m-%dT%H:%M:%SZ")


def _time(second: int, form: str) -> str:
    import datetime  # costs milliseconds that a plan without runs need not pay

    return datetime.datetime.fromtimestamp(second, datetime.UTC).strftime(form)
