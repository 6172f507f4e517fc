"""What happened to a plan lately and what runs now, for people and programs that look again and
again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import ids, sentences
from git_orch.plans.document import Document
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Status, StepStatus
from git_orch.views import documents, report
from git_orch.views.console import Styled, indented
from git_orch.views.report import Line

if TYPE_CHECKING:
    from git_orch.repo.local.live import Now
    from git_orch.repo.local.runs import Run

_SHORT = ("from", "to", "commit", "now", "tree")  # object IDs
_TOLD = (
    "step",
    "why",
    "from",
    "to",
    "commit",
    "outcome",
    "passed",
    "error",
    "model",
    "usd",
    "seconds",
    "now",
)


class Live(NamedTuple):
    """What this machine knows of a plan right now; `run` is None when none goes on, `said` is what
    it printed last.
    """

    running: bool
    run: Run | None = None
    attempts: Sequence[Now] = ()
    said: Sequence[str] = ()


def event_line(event: Event) -> str:
    """One event: when, its name, what matters of it; what others wrote begins no line of its own."""
    return f"{report.when(event.id)}  {event.name:<16} {indented(_gist(event.body), 4)}"


def _gist(body: Mapping[str, object]) -> str:
    parts = []
    for name in _TOLD:
        value = body.get(name)
        if value is None:
            continue
        shown = value if isinstance(value, str) else json.dumps(value)
        parts.append(f"{name} {shown[:10] if name in _SHORT else shown}")
    return ", ".join(sorted(parts, key=lambda part: "\n" in part))  # several lines come last


def lines(status: Status, since: str, live: Live) -> list[Line]:
    """The plan, what happened after the event `since`, and what runs now."""
    told: list[Line] = [report.headline(status, running=live.running)]
    told += [(event_line(event),) for event in _after(status, since)]
    for each in live.attempts:
        told.append((Styled("now      ", "bold"), _doing(status, each)))
        told += [(Styled("         " + line, "dim"),) for line in each.lines]
    told.append((f"last event: {documents.last_event(status)}",))
    return [*told, report.next_command(status, running=live.running)]


def _doing(status: Status, now: Now) -> str:
    step = _step(status, now.step)
    what = (
        f"step {step.number} {indented(step.step.title, 9)}"
        if step is not None
        else f"step {now.step}"
    )
    cost = f", {sentences.usd(now.usd)}" if now.usd else ""
    return f"{what}, for {max(time.time() - ids.ulid_ms(now.since) / 1000, 0):.0f} s{cost}"


def _step(status: Status, wanted: str) -> StepStatus | None:
    return next((each for each in status.steps if each.step.id == wanted), None)


def _after(status: Status, since: str) -> list[Event]:
    return [event for event in status.log.events if event.id > since]


def document(status: Status, since: str, live: Live) -> Document:
    """The same as plain values: what `show --json` prints, and `events`, `now` and `run`."""
    return {
        **documents.document(status, running=live.running),
        "events": [json.loads(event.line()) for event in _after(status, since)],
        "now": [_now_document(status, each) for each in live.attempts],
        "run": None
        if live.run is None
        else {"pid": live.run.pid, "began": _moment(live.run.began), "said": list(live.said)},
    }


def _now_document(status: Status, now: Now) -> Document:
    step = _step(status, now.step)
    return {
        "step": now.step,
        "number": step.number if step is not None else None,
        "attempt": now.attempt,
        "since": report.when(now.since),
        "usd": round(now.usd, 9),
        "lines": list(now.lines),
    }


def _moment(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
