"""Reports of a run to its watcher: verbs emit these values, views decide how they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from git_orch.plans.history.status import CheckResult


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the user, about something that git-orch met, moved or left out."""

    text: str


class Upcoming(NamedTuple):
    """A step that a run may do."""

    number: int
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run of a plan, which has so many steps (`count`), begins; it may do `steps`."""

    plan: str
    title: str
    count: int
    steps: tuple[Upcoming, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """The limit of a plan in USD, 0 for none, and what its calls have cost before."""

    limit: float
    spent: float


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins."""

    number: int
    count: int
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class Phase:
    """A step, or the run beside its steps (None), does this from now on: a command, a check.
    `about` is the command, where there is one.
    """

    number: int | None
    name: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Wrote:
    """A piece of what a model writes, as it arrives; None is the model that plans. It may hold
    secrets, and a part of one.
    """

    number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Printed:
    """A piece of what a command prints, as it arrives. It may hold secrets, and a part of one."""

    number: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A call of a model has ended, or was lost, and was paid for."""

    number: int | None
    model: str
    tokens_in: int
    tokens_out: int
    usd: float


@dataclass(frozen=True, slots=True)
class StepProgress:
    """Progress inside a step: a tool call, a line of the model's text."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class StepPrompted:
    """A model of a step gets these texts, the rules first, before it begins; `tools` are the names
    of those that it may use.
    """

    number: int
    model: str
    tools: tuple[str, ...]
    texts: tuple[str, ...]


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
    `pause` is the seconds until the next attempt (None: the last one). `turn` says which repetition
    that is, for a step that is repeated until a check passes.
    """

    number: int
    title: str
    error: str
    commit: str | None
    pause: float | None = None
    word: str = "failed"
    turn: str = ""


@dataclass(frozen=True, slots=True)
class StepAsked:
    """The model of a step asks a person, and the step waits."""

    number: int
    title: str
    question: str


Momentary = RunStarted | Budget | Phase | Wrote | Printed | ModelCalled
Lasting = (
    Note
    | StepStarted
    | StepProgress
    | StepPrompted
    | CheckEnded
    | TipChecking
    | StepLanded
    | StepDone
    | StepNotLanded
    | StepAsked
)
Report = Momentary | Lasting


class Reporter(Protocol):
    """The watcher of a run; several threads call it."""

    def emit(self, report: Report) -> None:
        """Take one report."""
        ...


class Nobody:
    """Takes reports that nobody reads: what comes of the work says all that there is to say."""

    def emit(self, report: Report) -> None:
        """Take one report."""
