"""The latest events of a plan and its running attempts, for people and programs that look again and
again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans.document import Document
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Status, StepStatus
from git_orch.views import activity, documents, report
from git_orch.views.console import Styled, excerpt, indented
from git_orch.views.headlines import Line

if TYPE_CHECKING:
    from git_orch.repo.local.live import Now
    from git_orch.repo.local.runs import Run

_SHORT = ("from", "to", "commit", "now", "tree")  # object IDs
_FIELDS = (
    "step",
    "why",
    "from",
    "to",
    "commit",
    "outcome",
    "passed",
    "error",
    "question",
    "answer",
    "until",
    "cause",
    "model",
    "usd",
    "seconds",
    "now",
    "actor",
)


class Live(NamedTuple):
    """The activity of a plan on this machine: `run` is None when none goes on, `output` holds its
    last lines, `phase` what it does beside its attempts.
    """

    running: bool
    run: Run | None = None
    attempts: Sequence[Now] = ()
    output: Sequence[str] = ()
    phase: str | None = None


def event_line(event: Event) -> str:
    """A line for an event: time, name, main fields. Text of others begins no line of its own."""
    return f"{report.when(event.id)}  {event.name:<16} {indented(_gist(event.body), 4)}"


def _gist(body: Mapping[str, object]) -> str:
    parts = []
    for name in _FIELDS:
        value = body.get(name)
        if value is None:
            continue
        shown = excerpt(value if isinstance(value, str) else json.dumps(value))
        parts.append(f"{name} {shown[:10] if name in _SHORT else shown}")
    return ", ".join(sorted(parts, key=lambda part: "\n" in part))  # several lines come last


def lines(status: Status, since: str, live: Live) -> list[Line]:
    """The plan, its events after the event `since`, and its running attempts."""
    shown: list[Line] = [report.headline(status, running=live.running)]
    shown += [(event_line(event),) for event in _after(status, since)]
    for now in live.attempts:
        shown += now_lines(status, now)
        shown += [(Styled("         " + line, "dim"),) for line in now.lines]
    shown.append((f"last event: {documents.last_event(status)}",))
    return [*shown, report.next_command(status, running=live.running)]


def now_lines(status: Status, now: Now) -> list[Line]:
    """A running attempt without what its command printed."""
    return activity.lines(now, _name(status, now))


def _name(status: Status, now: Now) -> str | None:
    step = _step(status, now.step)
    return activity.step_name(step.number, step.title) if step is not None else None


def _step(status: Status, step_id: str) -> StepStatus | None:
    return next((step for step in status.steps if step.id == step_id), None)


def _after(status: Status, since: str) -> list[Event]:
    return [event for event in status.log.events if event.id > since]


def document(status: Status, since: str, live: Live) -> Document:
    """The plan as `show --json` prints it, with `events` after `since`, `now` and `run`."""
    return {
        **documents.document(status, running=live.running),
        "events": [json.loads(event.line()) for event in _after(status, since)],
        "now": [_now_document(status, now) for now in live.attempts],
        "run": None
        if live.run is None
        else {
            "pid": live.run.pid,
            "began": _moment(live.run.began),
            "said": list(live.output),
            "phase": live.phase,
        },
    }


def _now_document(status: Status, now: Now) -> Document:
    step = _step(status, now.step)
    return {
        "step": now.step,
        "number": step.number if step is not None else None,
        "attempt": now.attempt,
        "since": report.when(now.since),
        "usd": round(now.usd, 9),
        "phase": now.phase.name,
        "worktree": now.phase.worktree,
        "lines": list(now.lines),
    }


def _moment(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
