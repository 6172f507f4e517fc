"""git orch audit: list the tool calls of models on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import click

from git_orch import notices
from git_orch.agents import spans
from git_orch.cli import here, reading, words
from git_orch.plans import document, ids, sentences
from git_orch.plans.document import BadDocument, Document
from git_orch.plans.history import fates, life
from git_orch.plans.history.status import Status
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import console

_INPUT = 200  # characters
_EVENTS = (b'"event": "used"', b'"event": "replied"')
# Of a line in a trace, what an entry has: what the tool answered is for the model.
_FIELDS = (
    "time", "plan", "run", "step", "attempt", "turn", "tool", "tool_use_id", "input", "verdict",
    "exit", "seconds", "dry_run",
)  # fmt: skip


class Wanted(NamedTuple):
    """The calls to be shown: those of a step, of a tool or of a run (None: of any), only those that
    `failed`, also those of attempts that were taken back (`everything`).
    """

    step: str | None
    tool: str | None
    run: str | None
    failed: bool
    everything: bool

    def has(self, call: Document) -> bool:
        """Whether a call is shown, if its attempt stands."""
        asked = {"step": self.step, "tool": self.tool, "run": self.run}
        same = all(value in (None, call.get(name)) for name, value in asked.items())
        return same and not (self.failed and call.get("verdict") == "done")


@click.command("audit")
@words.plan_and_step_arguments
@click.option("-n", "--max-count", type=click.IntRange(min=1), help="Print only the last N calls.")
@click.option("--all", "everything", is_flag=True, help="Print calls that were rolled back, too.")
@click.option("--tool", metavar="NAME", help="Print only calls of this tool.")
@click.option("--run", metavar="ID", help="Print only calls of this run.")
@click.option("--failed", is_flag=True, help="Print only calls that did not succeed.")
@here.json_option
def command(
    plan: str | None,
    step: str | None,
    *,
    max_count: int | None,
    everything: bool,
    tool: str | None,
    run: str | None,
    failed: bool,
    as_json: bool,
) -> None:
    """List every tool call of a model with its time, step, input and result. Only this machine has
    them.
    """
    repository = here.find_repository()
    plan, number = words.plan_and_step(plan, step)
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    step_id = life.numbered_step(status, number).id if number is not None else None
    wanted = Wanted(step_id, tool, run, failed, everything)
    calls = [
        call for call in _entries(PlanPlace(repository, status.id), status) if wanted.has(call)
    ]
    hidden = [] if everything else [call for call in calls if call["rolled_back"]]
    shown = [call for call in calls if everything or not call["rolled_back"]]
    shown = shown[-max_count:] if max_count else shown
    if hidden:
        count = sentences.count(len(hidden), "call")
        all_of_them = f"git orch audit --all {ids.short(status.id)}"
        notices.tell(f"{count} of attempts that were rolled back: {all_of_them}")
    if as_json:
        here.print_json(shown)
        return
    for call in shown:
        _print(call)


def _print(call: Document) -> None:
    exit_status = f", exit {call['exit']}" if call.get("exit") is not None else ""
    took = f"{call['seconds']} s" if call.get("seconds") is not None else "-"
    parts = (
        call.get("time"),
        call.get("step") or "plan",
        call.get("tool"),
        f"{call.get('verdict')}{exit_status}",
        took,
        str(call.get("commit") or "-")[:10],
        json.dumps(call.get("input"))[:_INPUT],
    )
    line = "  ".join(map(str, parts))
    console.out(line, *([console.Styled("  rolled back", "dim")] if call["rolled_back"] else []))


def _entries(place: PlanPlace, status: Status) -> Iterator[Document]:
    """The tool calls of a plan, oldest first, each with the commit that holds the work of its
    attempt.
    """
    known = fates.fates(status)
    for path in sorted(place.traces.glob("*.jsonl")):
        for call in _calls(path):
            fate = known.get((str(call.get("step")), str(call.get("attempt"))))
            entry = {name: call.get(name) for name in _FIELDS}
            entry["plan"] = place.id
            entry["trace_id"] = spans.trace_id(str(entry["run"])) if entry["run"] else None
            entry["span_id"] = _span(call)
            entry["commit"] = fate.commit if fate is not None else None
            entry["rolled_back"] = fate is not None and fate.taken_back
            yield entry


def _span(call: Document) -> str | None:
    """The span of the request whose reply asked for a call, as git orch trace shows it."""
    attempt, turn = call.get("attempt"), call.get("turn")
    known = isinstance(attempt, str) and isinstance(turn, int)
    return spans.span_id(str(attempt), int(str(turn))) if known else None


def _calls(path: Path) -> Iterator[Document]:
    """The calls in a trace. One that a reply asks for and that has no result was not run, or was
    cut off.
    """
    asked: dict[str, Document] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as failed:
        why = (failed.strerror or str(failed)).lower()
        notices.tell(f"{sentences.quoted(path.name)} cannot be read: {why}")
        return
    for line in lines:
        if not any(event in line for event in _EVENTS):  # most of them are long
            continue
        try:
            entry = document.parse(line, "trace")
            if entry.get("event") == "replied":
                asked |= _asked(entry)
            elif entry.get("event") == "used":
                asked.pop(str(entry.get("tool_use_id")), None)
                yield {"dry_run": False, **entry}
        except BadDocument:  # the last line of a run that was killed
            notices.tell(f"a line of {sentences.quoted(path.name)} was cut off")
    yield from asked.values()


def _asked(entry: Mapping[str, object]) -> dict[str, Document]:
    """The calls that a reply asks for, by their IDs."""
    calls: dict[str, Document] = {}
    about = {name: value for name, value in entry.items() if name not in ("content", "call")}
    for item in document.sequence(entry, "content"):
        block = document.mapping(item, "content")
        if block.get("type") == "tool_use":
            call = {"tool": block.get("name"), "input": block.get("input")}
            call["tool_use_id"] = block.get("id")
            no_result = {"verdict": "no-result", "dry_run": False}
            calls[str(block.get("id"))] = {**about, **call, **no_result}
    return calls
