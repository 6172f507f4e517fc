"""Specs for all plans that are ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.branch import opening
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Reporter
from git_orch.plans import ids
from git_orch.plans.documents import names, words
from git_orch.plans.history.status import PlanState, Status
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository


class Skipped(NamedTuple):
    """A plan that gets no spec now: why, and the command that helps."""

    plan: str
    why: str
    command: str


class Outcome(NamedTuple):
    """The plans that got their specs, and those that failed, each with its error."""

    made: list[str]
    skipped: list[Skipped]
    failed: list[tuple[str, errors.OrchError]]


_End = Skipped | errors.OrchError | None


def is_due(status: Status) -> bool:
    """Whether a plan is ready and has no spec."""
    return status.recorded_state is PlanState.READY and status.archived is None


def reason(plan: str, state: PlanState) -> Skipped:
    """Why a plan in this state gets no spec."""
    name = ids.short(plan)
    if state is PlanState.DRAFT:
        return Skipped(plan, "is a draft", f"git orch ready {name}")
    if state is PlanState.REJECTED:
        return Skipped(plan, "was rejected", f"git orch edit {name}")
    spec = ids.without_slug(names.spec_id(plan))
    why = f"has {spec} already ({words.of_state(state)})"
    return Skipped(plan, why, f"git orch show {name}")


def write_each(
    repository: Repository,
    plans: Iterable[str],
    reporter: Reporter,
    write: Callable[[OpenPlan], None],
    jobs: int,
) -> Outcome:
    """Write the spec of each plan that is still due once it is locked, `jobs` at a time."""
    outcome = Outcome([], [], [])

    def work(plan: str) -> _End:
        place = PlanPlace(repository, plan)
        if localfiles.is_held(place):
            return Skipped(plan, "is worked on by another process", "git orch orchestrate")
        try:
            with opening.open_for_writing(place, reporter, idea=True) as opened:
                status = opened.status()
                if not is_due(status):
                    return reason(plan, status.state)
                write(opened)
        except errors.Busy as busy:
            return Skipped(plan, busy.cause, "git orch orchestrate")
        except errors.OrchError as failed:
            return failed
        return None

    for plan, end in _ends(work, [*plans], jobs):
        if end is None:
            outcome.made.append(plan)
        elif isinstance(end, Skipped):
            outcome.skipped.append(end)
        else:
            outcome.failed.append((plan, end))
    return outcome


def _ends(
    work: Callable[[str], _End], plans: Sequence[str], jobs: int
) -> Iterator[tuple[str, _End]]:
    """The plans with what the work on each ends with, in their order."""
    if jobs == 1 or len(plans) < 2:  # here, where a signal ends it at once
        yield from ((plan, work(plan)) for plan in plans)
        return
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            yield from zip(plans, pool.map(work, plans), strict=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
