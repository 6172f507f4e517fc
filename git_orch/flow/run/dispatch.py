"""The jobs of one run: each is a step, the worktree it gets, and the commit that it starts from."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from git_orch.agents import telemetry
from git_orch.flow.approval import ground
from git_orch.flow.approval.grant import Grant
from git_orch.flow.attempt.job import (
    Earlier,
    Job,
    LastTry,
    answered,
    as_earlier,
    last_try,
    task_of,
)
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import StepStarted
from git_orch.flow.run import continuation, preconditions
from git_orch.flow.run.options import Options
from git_orch.plans import step_retry
from git_orch.plans.history.status import SATISFIED, Status, StepStatus
from git_orch.plans.plan import Plan, Step
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Written


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a whole run. `made` are the objects of attempts, by attempt, that no ref holds;
    where it `keeps_results`, each result gets a ref, even if it can land at once. A model `may_ask`
    where the next run can go on with the answer. `again` is the command that goes on after a stop.
    """

    plan: OpenPlan
    status: Status
    options: Options
    grant: Grant
    run: str
    made: dict[str, Written] = field(default_factory=dict)
    with_setup: bool = False
    keeps_results: bool = False
    may_ask: bool = True
    again: str = ""

    def number(self, step_id: str) -> int:
        """The position of a step, as people type it."""
        return self.status.plan.position(step_id)

    def step(self, step_id: str) -> StepStatus:
        """A step as it was when the run began."""
        return self.status.steps[self.number(step_id) - 1]


class Tip(NamedTuple):
    """The tip of the plan branch: a commit and its tree."""

    commit: str
    tree: str


def tip_at(plan: OpenPlan, commit: str) -> Tip:
    """The tip of a branch that is at `commit`."""
    return Tip(commit, odb.commit(plan.objects, commit).tree)


class Dispatch:
    """Makes the jobs of a run. `tip` is what a job starts from; whoever lands something moves it.

    `worktrees` are the names of those that the run may use at once (None: where a person works).
    """

    def __init__(
        self,
        terms: Terms,
        tip: Tip,
        worktrees: Sequence[str | None],
        earlier: Mapping[str, Earlier],
    ) -> None:
        self._terms = terms
        self._free = list(worktrees)
        self._earlier = dict(earlier)
        self._tries: Counter[str] = Counter()
        self._since: dict[str, float] = {}  # by step that waits, when it began to
        self._waited_on: dict[str, str] = {}  # by step that waits, the commit at its first look
        self._task = task_of(terms.status)
        calls = terms.status.calls
        self._paid_attempts = frozenset(call.attempt for call in calls if call.attempt is not None)
        self._plan_checks = _check_commands(terms.status.plan)
        self.tip = tip

    def start(self, step: Step, last: LastTry | None) -> Job:
        """The first job for a step, with what it failed with the last time."""
        terms = self._terms
        by_hand = self._free[0] is None and not terms.options.in_place
        kind = "by hand" if by_hand and step.kind not in ("manual", "wait") else step.kind
        if step.id in self._since:  # it looks again
            return self.retry(step.id, None)
        started = StepStarted(terms.number(step.id), len(terms.status.steps), step.title, kind)
        terms.plan.reporter.emit(started)
        return self.retry(step.id, last or last_try(terms.step(step.id)))

    def retry(self, step_id: str, last: LastTry | None) -> Job:
        """The next job for a step, on the present tip. Raises Refused where it would get more than
        the sandbox gives, and nobody here approved the tree that it starts from.
        """
        terms = self._terms
        step = terms.step(step_id).step
        failed = 0 if step.kind == "wait" else self._tries[step_id]
        delay = self.pause(step_id) if failed else 0.0
        self._tries[step_id] += 1
        escalated = terms.options.retry_model if failed else None
        with_model = step.kind == "agent"
        alone = terms.status.plan._replace(steps=(step._replace(depends_on=()),))
        repository = terms.plan.repository
        ground.require_ground(
            terms.plan,
            terms.status,
            terms.grant,
            self.tip.tree,
            [step],
            in_place=terms.options.in_place,
        )
        preconditions.require_agents(terms.plan, terms.status, [step], terms.options, terms.grant)
        job = Job(
            directory=str(repository.top or repository.common_dir),
            run=terms.run,
            plan_id=terms.plan.id,
            plan=terms.status.plan if with_model else alone,
            step_id=step_id,
            number=terms.number(step_id),
            attempt=terms.plan.new_id(),
            base=self.tip.commit,
            tree=self.tip.tree,
            worktree=self._free.pop(0),
            in_place=terms.options.in_place,
            after=terms.plan.new_id(),
            model=escalated or step.model or terms.options.model,
            tools=terms.options.tools,
            earlier=tuple(self._earlier_steps()) if with_model else (),
            network=terms.grant.of(step),
            plan_checks=self._plan_checks if step.kind in ("agent", "run") else (),
            last=last if with_model else None,
            task=self._task if with_model else "",
            setup=terms.grant.setup if terms.with_setup else None,
            delay=delay,
            again=terms.again,
            held=terms.options.jobs > 1 or terms.keeps_results,
            answered=answered(terms.status, step_id) if with_model else (),
            may_ask=terms.may_ask,
            remarks=self._remarks(step_id) if with_model else (),
            reviewer=terms.options.model,
            waited_until=self._waited_until(step),
            waited_on=self._waited_on.setdefault(step_id, self.tip.commit)
            if step.kind == "wait"
            else None,
            agent=terms.options.agent_of(step),
            span=telemetry.carrier(),
            shows_prompt=step_id == terms.options.debug_step,
        )
        if not with_model or failed or job.by_hand or job.agent:
            return job
        make = continuation.anew_in_place if job.in_place else continuation.continued
        return make(terms.plan, job, terms.step(step_id), self._paid_attempts)

    def _waited_until(self, step: Step) -> float | None:
        if step.kind != "wait":
            return None
        since = self._since.setdefault(step.id, time.time())
        return since + step.timeout if step.timeout is not None else None

    def give_back(self, job: Job) -> None:
        """The worktree of a job is free again; the next job gets it."""
        self._free.insert(0, job.worktree)

    def may_retry(self, job: Job) -> bool:
        """Whether the step has tries left."""
        alone = self._terms.options.in_place or job.by_hand
        return not alone and self._tries[job.step_id] < self._most(job.step)

    def turn(self, job: Job) -> str:
        """Which repetition of a step comes next; "" for a step that is not repeated."""
        tries = self._tries[job.step_id]
        return f"{tries + 1} of {self._most(job.step)}" if job.step.times else ""

    def _most(self, step: Step) -> int:
        return step_retry.attempts(step.kind, self._terms.options.retries, step.times)

    def repeat(self, job: Job, last: LastTry) -> Job:
        """The next repetition of a step, which goes on from the files of this one and, beside other
        steps, from its base.
        """
        objects = self._terms.plan.objects
        made = odb.commit(objects, last.commit).tree if last.commit is not None else None
        again = self.retry(job.step_id, replace(last, stayed=made is not None))
        return replace(again, base=job.base, tree=job.tree, holds=made)

    def pause(self, step_id: str) -> float:
        """Seconds that the next try waits, after all that failed so far."""
        return step_retry.delay(self._terms.options.backoff, self._tries[step_id])

    def forgive(self, job: Job) -> None:
        """A conflict with other steps is no failure of the step's own."""
        self._tries[job.step_id] -= 1

    def note_landing(self, job: Job, tip: Tip, changed: Sequence[str], summary: str = "") -> None:
        """Later jobs start from `tip`, and their models hear of the step."""
        self.tip = tip
        self._earlier[job.step_id] = Earlier(job.step.title, tuple(changed), summary)

    def _earlier_steps(self) -> Iterable[Earlier]:
        for step in self._terms.status.plan.steps:
            if step.id in self._earlier:
                yield self._earlier[step.id]

    def _remarks(self, step_id: str) -> tuple[str, ...]:
        """What a person typed about the step, now or before an earlier attempt."""
        typed = self._terms.options.remarks.get(step_id)
        return self._terms.status.remarks.get(step_id, ()) if typed is None else typed


def earlier_steps(steps: Iterable[StepStatus]) -> dict[str, Earlier]:
    """Facts for the models of later steps about the satisfied ones among these, by step."""
    return {step.id: as_earlier(step) for step in steps if step.state in SATISFIED}


def _check_commands(plan: Plan) -> tuple[str, ...]:
    """The commands of all checks of a plan, each once."""
    commands = dict[str, None]()
    for step in plan.steps:
        for check in step.checks:
            commands[check.command.text()] = None
    return tuple(commands)
