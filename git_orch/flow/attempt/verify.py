"""Running the checks of landed steps again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from git_orch import errors
from git_orch.flow.approval import ground, required
from git_orch.flow.approval.grant import Grant
from git_orch.flow.attempt import checks, prepare
from git_orch.flow.attempt.prepare import Bench
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import CheckEnded, Phase, TipChecking
from git_orch.plans import approval, ids, missing, sentences, trailers
from git_orch.plans.history import life
from git_orch.plans.history.status import (
    SATISFIED,
    CheckResult,
    Commit,
    Status,
    StepStatus,
    TipCheck,
    TipFailure,
)
from git_orch.plans.plan import Check, Review, Step
from git_orch.repo import tree_records
from git_orch.repo.local import phases
from git_orch.repo.objects import objects as odb

if TYPE_CHECKING:
    from git_orch.flow.model.service import Service


@dataclass(frozen=True, slots=True)
class Verified:
    """The results of one step's checks on the tree its commit has now."""

    number: int
    title: str
    tree: str
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(result.passed for result in self.results)


class Asking(NamedTuple):
    """How to get verdicts of reviews: the service, opened when it is needed, and the model of
    reviews that name none.
    """

    service: Callable[[], Service]
    model: str


class Terms(NamedTuple):
    """How to verify. With `use_cache` receipts count instead of running a check again; `record`
    writes the results into the log; `announce` reports every check. `asking` is how to get verdicts
    that nobody has paid for.
    """

    use_cache: bool = True
    record: bool = False
    announce: bool = False
    asking: Asking | None = None


def verify(
    plan: OpenPlan, steps: Sequence[int], check: int | None = None, terms: Terms | None = None
) -> list[Verified]:
    """Run the checks of `steps` (none: of every step with a commit), or only check number `check`
    of each.

    The plan does not change unless the terms say so; then trees that pass count as verified.
    """
    terms = terms or Terms()
    status = plan.status()
    chosen = [life.numbered_step(status, number) for number in steps] or [
        step for step in status.steps if step.commit is not None
    ]
    if check is not None:
        chosen = [step for step in chosen if _count(step.step) >= check] or _without(check, plan)
    if not chosen:
        return []
    grant = required.require_approval(plan, status)
    verified = []
    with places(plan, terms) as where:
        for step in chosen:
            commit = _commit_of(plan, step)
            _require_ground_of_step(plan, status, grant, step)
            results = where.results(_chosen(step.step, check), commit)
            if all(result.passed for result in results):
                asked = step.step._replace(reviews=_chosen_reviews(step.step, check))
                again = f"git orch verify {plan.name} {step.number}"
                results += review(plan, step, asked, commit.oid, terms, again)
            verified.append(Verified(step.number, step.title, commit.tree, results))
            if terms.record and verified[-1].passed and check is None:
                tree, name = commit.tree, approval.step_digest(step.step)
                tree_records.add(plan.place, verified=[(step.id, name, tree)])
                plan.record((commit.oid, plan.event("step.verified", step=step.id, tree=tree)))
    return verified


def _require_ground(plan: OpenPlan, status: Status, grant: Grant, commit: Commit) -> None:
    ground.require_ground_for_checks(plan, status, grant, commit.tree)


def _require_ground_of_step(plan: OpenPlan, status: Status, grant: Grant, step: StepStatus) -> None:
    """An approval is of the tip's tree: where that is approved another one would not help, and the
    checks can run on the tip.
    """
    commit = _commit_of(plan, step)
    tip = status.branch.commits[-1] if status.branch is not None else commit
    holds_on = grant.ground.holds_on
    if ground.reaches_checks(grant) and not holds_on(commit.tree) and holds_on(tip.tree):
        raise errors.Refused(
            f"the tip is approved, and the tree of step {step.number} is not",
            f"git orch verify {ids.short(status.id)} --tip --record",
        )
    _require_ground(plan, status, grant, commit)


def _count(step: Step) -> int:
    """The number of all checks of a step."""
    return len(step.checks) + len(step.reviews)


def _chosen(step: Step, check: int | None) -> tuple[Check, ...]:
    """The checks of a step, or the one with that number; after what makes what they need."""
    every = step.verification
    if check is None or check > len(step.checks):  # a review comes after all commands
        return every
    making = every[: len(every) - len(step.checks)]
    return (*making, *step.checks[check - 1 : check])


def _chosen_reviews(step: Step, check: int | None) -> tuple[Review, ...]:
    """The reviews of a step, or the one with that number among its checks."""
    if check is None:
        return step.reviews
    number = check - len(step.checks)
    return step.reviews[number - 1 : number] if number > 0 else ()


def review(
    plan: OpenPlan, of: StepStatus, step: Step, commit: str, terms: Terms, again: str
) -> tuple[CheckResult, ...]:
    """The results of the reviews of a step on the change that a commit makes; `again` is the command
    that goes on after a stop.

    Raises ProviderFailed, LimitReached, UsageError, and Refused for verdicts that nobody may ask
    for.
    """
    if not step.reviews:
        return ()
    from git_orch.flow.attempt import paid_model, reviews  # only plans with reviews pay

    reviews.refuse_alone(step, plan.id)
    parents = odb.commit(plan.objects, commit).parents
    before = parents[0] if parents else plan.repository.empty_tree
    change = reviews.change_between(plan.repository, before, commit)
    known = reviews.known(plan.repository, step, change) if terms.use_cache else None
    if known is not None:
        return tuple(known)
    if terms.asking is None:
        raise errors.Refused(f"the review of step {of.number} has no verdict", again)
    attempt = plan.new_id()
    reviewer = reviews.Reviewer(
        paid_model.Payer(plan.place, step.id, attempt, "", again),
        of.number,
        terms.asking.service,
        terms.asking.model,
        plan.reporter,
        threading.Event(),
        plan.new_id(),
        plan.status().remarks.get(step.id, ()),
        terms.use_cache,
    )
    try:
        return tuple(reviewer.results(step, change))
    finally:
        plan.take_spool(attempt)


def _without(check: int, plan: OpenPlan) -> NoReturn:
    raise errors.NotFound(f"no step has a check {check}", f"git orch show {plan.name}")


def _commit_of(plan: OpenPlan, step: StepStatus) -> Commit:
    if step.commit is None:
        raise errors.NotFound(f"step {step.number} has no commit yet", f"git orch exec {plan.name}")
    return step.commit


# -- the tip ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tip:
    """The results of all checks on the tip, each with the number of the step that asks for it."""

    checked: TipCheck
    results: tuple[tuple[int, CheckResult], ...]

    @property
    def failures(self) -> list[CheckResult]:
        """The results of the checks that failed."""
        return [result for _, result in self.results if not result.passed]


class Broken(NamedTuple):
    """Checks that passed on the trees of their steps and fail on the tip."""

    steps: tuple[int, ...]
    error: str
    hint: str


def broken_tip(plan: OpenPlan, *, use_cache: bool) -> Broken | None:
    """All checks once more on the tip of a plan whose steps are all done; None when they pass. The
    log tells how they ended.

    What the plan's steps do together may break what each of them has done alone.
    """
    status = plan.status()
    if status.branch is None or not status.branch.commits:
        return None
    tip = _tip(plan, status, Terms(use_cache, record=True, announce=True))
    checked = tip.checked
    if checked.passed:
        return None
    numbers = tuple(sorted({status.plan.position(failure.step) for failure in checked.failed}))
    first = checked.failed[0]
    number = status.plan.position(first.step)
    failing = sentences.command(first.command)
    error = f"check {failing} of step {number} fails on the finished branch"
    usual = f"git orch edit {plan.name}  # add a step that repairs it"
    return Broken(numbers, error, missing.hint_of(tip.failures) or usual)


def verify_tip(plan: OpenPlan, terms: Terms) -> Tip:
    """All checks of all satisfied steps on the tip, by the terms of the caller. Raises NotFound
    without a branch, Refused for a plan that is not approved.
    """
    status = plan.status()
    grant = required.require_approval(plan, status)
    if status.branch is not None and status.branch.commits:
        _require_ground(plan, status, grant, status.branch.commits[-1])
    return _tip(plan, status, terms)


def _tip(plan: OpenPlan, status: Status, terms: Terms) -> Tip:
    if status.branch is None or not status.branch.commits:
        raise errors.NotFound(f"'{plan.name}' has no branch", f"git orch show {plan.name}")
    commit = status.branch.commits[-1]
    pairs = _checks_by_command(status)
    with places(plan, terms) as where:
        results = where.results(
            [check for _, check in pairs], commit, [step.number for step, _ in pairs]
        )
    failed = [
        TipFailure(step.id, result.command)
        for (step, _), result in zip(pairs, results, strict=True)
        if not result.passed
    ]
    checked = TipCheck(commit.tree, tuple(failed))
    record = (approval.tip_digest(status), commit.tree)
    new = checked.passed and record not in tree_records.read(plan.place).tips
    if terms.record and new:
        tree_records.add(plan.place, tips=[record])
    # What this machine knows is told again, so that whoever remembers what the log says looks.
    if terms.record and (new or checked != status.tip_checked):
        failures = [failure._asdict() for failure in failed]
        event = plan.event("tip.checked", tree=checked.tree, passed=checked.passed, failed=failures)
        plan.record((plan.home, event))
    return Tip(
        checked,
        tuple((step.number, result) for (step, _), result in zip(pairs, results, strict=True)),
    )


def failed_on(plan: OpenPlan, oid: str, only: str | None) -> CheckResult | None:
    """The first check that fails on a commit: of all checks or, with `only`, of those of the steps
    whose commit that is. Raises Refused for a plan that is not approved.
    """
    status = plan.status()
    grant = required.require_approval(plan, status)
    commit = Commit(oid, odb.commit(plan.objects, oid).tree, (), trailers.Message())
    pairs = [
        (step, check)
        for step in status.steps
        if step.commit is not None and step.commit.oid == only
        for check in step.step.verification
    ]
    pairs = _checks_by_command(status) if only is None else pairs
    if not pairs:
        return None
    _require_ground(plan, status, grant, commit)
    with places(plan, Terms(announce=True)) as where:
        asked, numbers = [check for _, check in pairs], [step.number for step, _ in pairs]
        results = where.results(asked, commit, numbers)
    return next((result for result in results if not result.passed), None)


def _checks_by_command(status: Status) -> list[tuple[StepStatus, Check]]:
    """Each command once, in the plan's order. What the last step that has it expects counts: a test
    may have to fail until a later step makes it pass.
    """
    by_command: dict[object, tuple[StepStatus, Check]] = {}
    for step in status.steps:
        for check in step.step.verification if step.state in SATISFIED else ():
            before = by_command.get(check.command)
            longest = max(check.timeout, before[1].timeout if before is not None else 0)
            by_command[check.command] = (step, check._replace(timeout=longest))
    return list(by_command.values())


# -- where -----------------------------------------------------------------------------------------


class Places:
    """Where checks run on commits: nowhere as long as receipts know all results, then in one
    worktree.
    """

    def __init__(self, plan: OpenPlan, terms: Terms, bench: Bench) -> None:
        self._plan = plan
        self._terms = terms
        self._bench = bench

    def results(
        self, asked: Sequence[Check], commit: Commit, steps: Sequence[int] = ()
    ) -> tuple[CheckResult, ...]:
        """The results on a commit, from a clean worktree. `steps` are the numbers of those that ask
        for them.
        """
        if not asked:
            return ()
        stage = self._bench.stage(commit.oid, commit.tree)
        if self._terms.use_cache:
            site = stage.site
            book = checks.book_of(site.repository, site.launcher, site.path, commit.tree)
            cached = checks.known(asked, book)
            if cached is not None:
                return tuple(cached)
        announced = self._terms.announce
        if announced:
            self._plan.reporter.emit(TipChecking(len(asked)))
        ended: list[CheckResult] = []
        with phases.of_run(self._plan.place, "final checks"):
            for result in checks.sequence(asked, stage, self._plan.new_id()):
                if announced:
                    self._plan.reporter.emit(CheckEnded(steps[len(ended)], result))
                ended.append(result)
        if announced:
            self._plan.reporter.emit(Phase(None, phases.BETWEEN))
        return tuple(ended)


@contextlib.contextmanager
def places(plan: OpenPlan, terms: Terms) -> Iterator[Places]:
    """Where checks run on commits, removed afterwards."""
    with prepare.bench(plan, use_cache=terms.use_cache) as bench:
        yield Places(plan, terms, bench)
