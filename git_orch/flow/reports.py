"""Reports of a run to its watcher: verbs emit these values, views decide how they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from git_orch.plans.history.status import CheckResult


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the user, about something that git-orch met, moved or left out."""

    text: str


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins."""

    number: int
    count: int
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class StepProgress:
    """Progress inside a step: a tool call, a line of the model's text."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class CheckEnded:
    """A check of a step ended."""

    number: int
    result: CheckResult


@dataclass(frozen=True, slots=True)
class TipChecking:
    """All checks of the plan, as many as `count`, begin to run once more, on the tip."""

    count: int


@dataclass(frozen=True, slots=True)
class StepLanded:
    """A step's commit is on the plan branch; `seconds` is the whole attempt, `usd` what its calls
    cost.

    `code` are the changed files that run code where somebody uses the tree, `review` reasons to
    look at it.
    """

    number: int
    title: str
    commit: str
    files: int
    seconds: float
    usd: float
    code: tuple[str, ...] = ()
    review: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step is done in a run that records nothing."""

    number: int


@dataclass(frozen=True, slots=True)
class StepNotLanded:
    """An attempt failed, or something stopped it, as the `word` says; `commit` keeps its work,
    `pause` is the seconds until the next attempt (None: the last one).
    """

    number: int
    title: str
    error: str
    commit: str | None
    pause: float | None = None
    word: str = "failed"


@dataclass(frozen=True, slots=True)
class StepAsked:
    """The model of a step asks a person, and the step waits."""

    number: int
    title: str
    question: str


Report = (
    Note
    | StepStarted
    | StepProgress
    | CheckEnded
    | TipChecking
    | StepLanded
    | StepDone
    | StepNotLanded
    | StepAsked
)


class Reporter(Protocol):
    """The watcher of a run; several threads call it."""

    def emit(self, report: Report) -> None:
        """Take one report."""
        ...
