"""How a run ended, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import ids, sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import SATISFIED, Status, StepState
from git_orch.plans.money import cost
from git_orch.views import report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_orch.flow.run.execute import Summary
    from git_orch.plans.history.status import Call


class Money(NamedTuple):
    """What a run has cost in USD and tokens, and what the steps that it tried were to cost: 0 where
    nobody knows.
    """

    usd: float
    estimate_usd: float
    tokens_in: int
    tokens_out: int


def money(calls: Iterable[Call], estimate_usd: float) -> Money:
    """The money of a run that has made these calls."""
    usd, usage = 0.0, cost.Usage()
    for call in calls:
        usd += call.usd
        usage += cost.Usage.from_mapping(call.usage)
    return Money(round(usd, 9), round(estimate_usd, 9), usage.prompt, usage.output)


def lines(status: Status, summary: Summary, spent: Money) -> list[str]:
    """How far the plan is, what the run has cost, and the steps that are not done because of it."""
    done = sum(1 for step in status.steps if step.state in SATISFIED)
    state = f"{ids.short(status.id)} {report.state_word(status, running=False)}"
    now = f"{len(summary.landed)} in this run ({summary.seconds:.1f} s)"
    shown = [f"{state}: {done}/{len(status.steps)} steps done, {now}"]
    if spent.usd or spent.estimate_usd:
        tokens = f"{sentences.count(spent.tokens_in, 'token')} in, {spent.tokens_out} out"
        usd = sentences.usd(spent.usd)
        if spent.estimate_usd:
            usd += f" (estimated {sentences.usd(spent.estimate_usd)})"
        in_all = round(status.usd(), 9)
        before = f"; the plan so far: {sentences.usd(in_all)}" if in_all != spent.usd else ""
        shown.append(f"this run: {tokens}, {usd}{before}")
    for word, numbers in _by_word(status, summary).items():
        shown.append(f"{word}: {sentences.steps(numbers)}")
    if summary.failed and summary.blocked:
        shown.append(f"not started: {sentences.steps(summary.blocked)}")
    return shown


def _by_word(status: Status, summary: Summary) -> dict[str, list[int]]:
    """The steps that failed or were stopped, by the word that people read for it."""
    words: dict[str, list[int]] = {}
    for number in summary.failed:
        step = status.steps[number - 1]
        ended = step.state in (StepState.FAILED, StepState.STOPPED)
        words.setdefault(step.word if ended else "failed", []).append(number)
    return words


def document(status: Status, summary: Summary, spent: Money) -> Document:
    """The end of a run as `exec --json` gives it, under `summary`; see
    `documents.schema`.
    """
    return {
        "outcome": summary.outcome,
        "done": list(summary.landed),
        "failed": list(summary.failed),
        "not_started": list(summary.blocked),
        "skipped": [
            step.number
            for step in status.steps
            if step.id in status.skipped and step.state not in SATISFIED
        ],
        "review": list(summary.review),
        "seconds": round(summary.seconds, 3),
        "tokens": {"input": spent.tokens_in, "output": spent.tokens_out},
        "usd": spent.usd,
        "estimate_usd": spent.estimate_usd,
    }
