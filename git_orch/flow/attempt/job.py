"""A job: the JSON that a worker gets: workers may be threads, processes or other machines.

No secret is in it: a worker has its own keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from git_orch.plans import plan_document, reasons
from git_orch.plans.approval import Setup
from git_orch.plans.history.status import SATISFIED, Status, StepStatus
from git_orch.plans.hosts import Network
from git_orch.plans.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class Earlier:
    """A done step, as the prompts of later steps have it."""

    title: str
    changed: tuple[str, ...]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class LastTry:
    """Why the last attempt at the step failed, and the commit that keeps what it made. Its files
    may have `stayed`.
    """

    reason: str
    output: str = ""
    commit: str | None = None
    stayed: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that an attempt at the step asked, and the answer of a person."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Continued:
    """The attempt that another one goes on from: `tree` is what the worktree is to hold, `answer` is
    for the question that it ended with, `remarks` are what a person says now. Steps have `landed`
    since where its work was picked onto them.
    """

    attempt: str
    tree: str
    answer: str | None = None
    landed: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a step, or with `verify` only the checks of the step on `base`.

    `directory` is where the repository is found from, `worktree` the name of the one to work in
    (None: where a person did the step or, with `in_place`, the user's own checkout), `base` the
    commit to start from and `tree` its tree. `plan` has all steps where a model is to know of them,
    else only this one; `plan_checks` are the commands of all checks. `after` is the greatest event
    ID known. `answered` are questions of earlier attempts; the model `may_ask` where somebody can
    answer later. `delay` is in seconds, `again` the command that goes on after a stop. What the
    attempt makes is `held` by a ref where it may have to wait for its turn to land, or whoever does
    it may die alone. `remarks` are what a person typed about the step, `task` what they typed to
    have the plan made. `reviewer` is the model of reviews that name none. `agent` is the choice of
    the program that does the step ("": git-orch does it). `span` is that of the run, as W3C Trace
    Context. The worktree `holds` that tree when it is not `tree`: what the repetition before made.
    A step whose job `shows_prompt` reports the prompt that its model gets.
    A step that waits fails at `waited_until`, in seconds since 1970; CI is asked about the commit
    `waited_on`, the tip when it began: others that land meanwhile nobody has pushed.
    """

    directory: str
    run: str
    plan_id: str
    plan: Plan
    step_id: str
    number: int
    attempt: str
    base: str
    tree: str
    worktree: str | None
    after: str
    model: str
    tools: frozenset[str] = frozenset()
    earlier: tuple[Earlier, ...] = ()
    network: Network = False
    plan_checks: tuple[str, ...] = ()
    last: LastTry | None = None
    setup: Setup | None = None
    in_place: bool = False
    delay: float = 0.0
    again: str = "git orch exec"
    verify: bool = False
    held: bool = True
    answered: tuple[Answered, ...] = ()
    may_ask: bool = True
    remarks: tuple[str, ...] = ()
    task: str = ""
    continued: Continued | None = None
    reviewer: str = ""
    agent: str = ""
    span: Mapping[str, str] = field(default_factory=dict)
    holds: str | None = None
    shows_prompt: bool = False
    waited_until: float | None = None
    waited_on: str | None = None

    @property
    def by_hand(self) -> bool:
        """Whether a person has done the step in a worktree of theirs."""
        return self.worktree is None and not self.in_place

    @property
    def step(self) -> Step:
        """The step to do."""
        return next(step for step in self.plan.steps if step.id == self.step_id)

    def text(self) -> str:
        """The job as JSON."""
        document = {name: getattr(self, name) for name in self.__slots__}
        document |= {"plan": plan_document.to_document(self.plan), "tools": sorted(self.tools)}
        document["earlier"] = [asdict(step) for step in self.earlier]
        document["answered"] = [asdict(item) for item in self.answered]
        document["continued"] = asdict(self.continued) if self.continued is not None else None
        document["last"] = asdict(self.last) if self.last is not None else None
        document["setup"] = self.setup._asdict() if self.setup is not None else None
        return json.dumps(document)


def read(text: str) -> Job:
    """The job that `Job.text` wrote."""
    document = json.loads(text)
    document["plan"] = plan_document.from_document(document["plan"])
    document["tools"] = frozenset(document["tools"])
    document["plan_checks"] = tuple(document["plan_checks"])
    network = document["network"]
    document["network"] = network if isinstance(network, bool) else tuple(network)
    document["earlier"] = tuple(
        Earlier(fields["title"], tuple(fields["changed"]), fields["summary"])
        for fields in document["earlier"]
    )
    document["answered"] = tuple(Answered(**fields) for fields in document["answered"])
    document["remarks"] = tuple(document["remarks"])
    document["setup"] = Setup(**document["setup"]) if document["setup"] is not None else None
    continued = document["continued"]
    if continued is not None:
        remarks = tuple(continued["remarks"])
        document["continued"] = Continued(**{**continued, "remarks": remarks})
    document["last"] = LastTry(**document["last"]) if document["last"] is not None else None
    return Job(**document)


def earlier(status: Status) -> tuple[Earlier, ...]:
    """The steps of a plan that are done, in the plan's order."""
    return tuple(as_earlier(step) for step in status.steps if step.state in SATISFIED)


def task_of(status: Status) -> str:
    """What a person typed to have the plan made; "" for a plan of a file or a template."""
    made = (event.body.get("task") for event in status.log.events if event.name == "plan.created")
    return next((task for task in made if isinstance(task, str)), "")


def last_try(step: StepStatus) -> LastTry | None:
    """Why the last attempt at an agent step failed; None where it made no mistake."""
    attempt = step.attempt
    if attempt is None or attempt.outcome != "failed" or step.step.kind != "agent":
        return None
    if attempt.reason in reasons.STOPPED:
        return None
    output = attempt.checks[-1].text if attempt.checks else ""
    return LastTry(attempt.error or "failed", output, attempt.commit)


def answered(status: Status, step_id: str) -> tuple[Answered, ...]:
    """What a person has answered to attempts at a step."""
    return tuple(
        Answered(attempt.question, attempt.answer)
        for attempt in status.attempts
        if attempt.step == step_id and attempt.question and attempt.answer
    )


def as_earlier(step: StepStatus) -> Earlier:
    """A step that is done, for later ones."""
    attempt = step.attempt
    if attempt is None:
        return Earlier(step.title, ())
    return Earlier(step.title, attempt.changed, attempt.summary)
