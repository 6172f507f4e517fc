"""Running a plan: what has to be true before, the workers and their worktrees, how it ends.

Workers make objects, this thread moves refs. After a signal nothing new is started, and what runs is kept.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection
from concurrent import futures
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Literal, NamedTuple

from git_orch import errors
from git_orch.flow import approval, basing, inplace, recording, signals, sites, verification, worker
from git_orch.flow import run as books
from git_orch.flow.agentstep import Service
from git_orch.flow.approval import Grant
from git_orch.flow.driver import Drive
from git_orch.flow.openplan import OpenPlan
from git_orch.flow.reporting import Note
from git_orch.flow.run import Options, Run
from git_orch.plans import graph, ids
from git_orch.plans.budget import Book
from git_orch.plans.plan import Step
from git_orch.plans.schedule import Phase, Schedule
from git_orch.plans.status import Status, StepState
from git_orch.repo import ledger, results, settings, snapshot, worktrees

# Seconds. A signal that comes just before a lock is waited for does not end the wait: Python looks for it only when the
# wait is over, so no wait for a worker may be without an end.
_GLANCE = 0.5

Outcome = Literal["complete", "failed", "interrupted", "waiting", "review"]


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended: steps landed by it, the first failed one, seconds on a clock that only goes forward.

    `failed` are all that failed, `blocked` those that could not start because of them, `review` those to be looked at.
    """

    outcome: Outcome
    landed: tuple[int, ...]
    failed: tuple[int, ...]
    error: str | None
    seconds: float
    hint: str | None = None
    exit_code: int = 0
    blocked: tuple[int, ...] = ()
    review: tuple[int, ...] = ()


def execute(
    plan: OpenPlan, options: Options, service: Service | None = None, workers: Callable[[int], Executor] | None = None
) -> Summary:
    """Run the chosen steps that are not done. Raises Interrupted on a signal, Refused, Busy.

    `service` is where the replies for agent steps come from, `workers` makes something to run so many steps at once in:
    threads, where it is None.
    """
    grant = _granted(plan)
    if options.in_place:
        return _in_place(plan, options, grant, service)
    status = _based(plan)
    plan.refuse_checked_out()
    _keep_results(plan, status)
    left = [each.step.id for each in status.steps if each.step.id not in status.satisfied()]
    if not left or status.branch is None or grant is None:
        return _nothing_to_do(plan, status, options)
    schedule = _schedule(status, options)
    if not schedule.startable(1):
        _refuse_claimed(status)
        _refuse_unreachable(status, options)
        return _handed_over(plan, status)
    spare = 1 if options.jobs > 1 else 0  # where results are verified that landed on another base than theirs
    means = sites.means(plan, service, use_cache=options.use_cache)
    with sites.taken(plan, options.jobs + spare) as names:
        open_ledger(plan, status, options, grant)
        run = books.begun(plan, status, options, grant, list(names[: options.jobs]))
        run.verifying = names[-1] if spare else None
        run.with_setup = means.with_setup
        begun = run.tip
        summary = carried_out(run, schedule, means, workers or _threads)
    if summary.outcome == "failed" and options.roll_back:
        _roll_back(plan, begun)
    if summary.outcome == "waiting" and options.chosen is None:
        status = plan.status()
        _refuse_claimed(status)
        _handed_over(plan, status)
    return summary


def _in_place(plan: OpenPlan, options: Options, grant: Grant | None, service: Service | None) -> Summary:
    """The same in the user's own checkout, one step after the other; before each what is uncommitted is committed."""
    status = plan.status()
    _keep_results(plan, status)
    schedule = _schedule(status, options)
    if grant is None or status.branch is None or not schedule.startable(1):
        return _nothing_to_do(plan, status, options)
    inplace.refuse_unfit(plan, grant)
    means = sites.means(plan, service, use_cache=options.use_cache)
    open_ledger(plan, status, options, grant)
    run = books.begun(plan, status, options, grant, [None])
    run.checkpoint = functools.partial(inplace.checkpoint, plan, means)
    return carried_out(run, schedule, means, _threads)


def _roll_back(plan: OpenPlan, tip: str) -> None:
    """After a failure the branch goes back to where it was when the run began, if the user wants that."""
    from git_orch.flow import rollback

    moved = rollback.roll_back_run(plan, tip)
    if moved is not None:
        steps = ", ".join(map(str, moved.steps))
        again = f"git orch rollback --undo {ids.short(plan.id)}"
        plan.reporter.emit(
            Note(f"step {steps} taken back: the branch is at {moved.new[:10]} again; {again} brings it back")
        )


def hand_in(plan: OpenPlan, options: Options) -> Summary:
    """Verify and land what a person did for the manual step that is next. Raises Refused when none is."""
    status = plan.status()
    step = next((each for each in graph.ready(status.plan, status.satisfied()) if each.kind == "manual"), None)
    if step is None or status.branch is None:
        raise errors.Refused("no manual step is waiting for its work", f"git orch exec {ids.short(plan.id)}")
    grant = approval.required(plan, status)
    plan.refuse_checked_out()
    worktree = sites.handed_over(plan, status.branch.tip)
    head = worktrees.head(worktree)
    if not plan.is_ancestor(status.branch.tip, head):
        raise errors.Busy(
            f"the branch has moved on since the work in '{worktree.path}' began",
            f"git -C '{worktree.path}' checkout --merge --detach {status.branch.tip[:12]}",
        )
    if head != status.branch.tip:
        plan.keep([head], f"commits made for step {status.plan.position(step.id)}")
    run = books.begun(plan, status, options, grant, [None])
    schedule = Schedule(status.plan, status.satisfied(), [step.id])
    summary = carried_out(run, schedule, sites.means(plan), _threads)
    if run.landed_now:
        worktrees.remove(plan.repository, plan.id, "manual")
    else:
        worktrees.hold(worktree, run.tip)  # a person goes on with the same files
    return summary


# -- before a run -----------------------------------------------------------------------------------------------------


def _granted(plan: OpenPlan) -> Grant | None:
    """What is approved, asked before anything moves; None when nothing is left to run."""
    status = plan.status()
    left = len(status.satisfied()) < len(status.steps)
    return approval.required(plan, status) if left else None


def _based(plan: OpenPlan) -> Status:
    status = plan.status()
    basing.follow(plan, status)
    uncommitted = snapshot.uncommitted(plan.repository)
    if uncommitted and not status.base.snapshot:
        noun = "file is" if uncommitted == 1 else "files are"
        plan.reporter.emit(Note(f"{uncommitted} uncommitted {noun} not part of it"))
    return plan.status()


def _keep_results(plan: OpenPlan, status: Status) -> None:
    """Results that a killed run did not take: what is not on the branch is kept."""
    left = results.left(plan.repository, plan.id)
    known = {attempt.id for attempt in status.attempts}
    unknown = [oid for attempt, oid in left.items() if attempt not in known]
    if unknown:
        plan.keep(unknown, "results of attempts that were cut off")
        plan.reporter.emit(
            Note(f"what attempts that were cut off made is kept: {', '.join(oid[:10] for oid in unknown)}")
        )
    results.forget(plan.repository, plan.id, left)


def open_ledger(plan: OpenPlan, status: Status, options: Options, grant: Grant) -> None:
    """What the plan may cost: what was typed, else what was approved, else what is set; and what it has cost."""
    chosen = settings.of_user(plan.repository)
    set_for_plan = grant.max_usd if grant.max_usd > 0 else chosen.maxUsd
    spent, steps = 0.0, dict[str, float]()
    for call in status.calls:
        usd = max(0.0, call.usd)  # a log from elsewhere does not refill the purse
        spent += usd
        if call.step is not None:
            steps[call.step] = steps.get(call.step, 0.0) + usd
    book = Book(
        limit=options.max_usd if options.max_usd is not None else set_for_plan,
        step_limit=options.max_step_usd if options.max_step_usd is not None else chosen.maxStepUsd,
        spent=spent,
        steps=steps,
    )
    ledger.Ledger(plan.repository, plan.id).begin(book)


def _schedule(status: Status, options: Options) -> Schedule:
    """The steps that a run is about: chosen, not done, not a person's, not claimed by a commit unknown to the log."""
    claimed = {each.step.id for each in status.steps if each.state is StepState.CLAIMED}
    chosen = [
        step.id
        for step in status.plan.steps
        if step.kind != "manual" and step.id not in claimed and (options.chosen is None or step.id in options.chosen)
    ]
    parallel = options.jobs > 1
    weights = graph.critical_weights(status.plan, _weight) if parallel else None
    keep_going = parallel or options.keep_going
    return Schedule(status.plan, status.satisfied(), chosen, weights=weights, keep_going=keep_going)


def _weight(step: Step) -> float:
    """Roughly how long a step takes, in seconds: only which way through the plan is the longest matters."""
    return {"agent": 120.0, "run": 20.0, "files": 1.0, "manual": 0.0}[step.kind]


def _refuse_claimed(status: Status) -> None:
    claimed = next((each for each in status.steps if each.state is StepState.CLAIMED), None)
    if claimed is not None:
        raise errors.Refused(
            f"a commit on the branch claims step {claimed.number}, but the log does not know it",
            f"git orch verify {ids.short(status.id)} --accept {claimed.number}",
        )


def _refuse_unreachable(status: Status, options: Options) -> None:
    """Raises Refused when none of the chosen steps can start without one that was not chosen."""
    if options.chosen is None:
        return
    satisfied = status.satisfied()
    for each in status.steps:
        needed = [other for other in each.step.depends_on if other not in satisfied and other not in options.chosen]
        if each.step.id in options.chosen - satisfied and needed:
            numbers = ",".join(str(status.plan.position(other)) for other in needed)
            raise errors.Refused(
                f"step {each.number} needs step {numbers}, which is not done and not chosen",
                f"git orch exec {ids.short(status.id)} --steps {numbers},{each.number}",
            )


def _handed_over(plan: OpenPlan, status: Status) -> Summary:
    """Only manual steps can go on: say where their work is to be done."""
    tip = status.branch.tip if status.branch is not None else ""
    step = next((each for each in graph.ready(status.plan, status.satisfied()) if each.kind == "manual"), None)
    if step is None:
        return Summary("waiting", (), (), None, 0.0)
    number = status.plan.position(step.id)
    path = sites.handed_over(plan, tip).path
    plan.reporter.emit(Note(f"step {number} is done by a person: {step.title}; its worktree is {path}"))
    if step.prompt:
        plan.reporter.emit(Note(step.prompt.rstrip()))
    return Summary("waiting", (), (), None, 0.0)


def _nothing_to_do(plan: OpenPlan, status: Status, options: Options) -> Summary:
    """Put in order what a run left that was killed after its last landing: its end untold, its worktrees there."""
    sites.put_away(plan)
    broken = broken_tip(plan, options)
    outcome: Outcome = "complete" if broken is None else "failed"
    if status.open_run is not None:
        recording.end(plan, status.open_run, outcome, 0.0)
    if broken is None:
        return Summary(outcome, (), (), None, 0.0)
    return Summary(outcome, (), broken.steps, broken.error, 0.0, broken.hint, 1)


class Broken(NamedTuple):
    """Checks that passed on the trees of their steps and fail on the tip."""

    steps: tuple[int, ...]
    error: str
    hint: str


def broken_tip(plan: OpenPlan, options: Options) -> Broken | None:
    """All checks once more on the tip of a plan whose steps are all done; None when they pass."""
    status = plan.status()
    if not options.check_tip or status.branch is None or not status.branch.commits:
        return None
    checked = verification.check_tip(plan, status, use_cache=options.use_cache)
    if checked.passed:
        return None
    numbers = tuple(sorted({status.plan.position(each.step) for each in checked.failed}))
    first = checked.failed[0]
    number = status.plan.position(first.step)
    error = f"on the tip, check '{first.command}' of step {number} fails: a later step broke what it verifies"
    return Broken(numbers, error, f"git orch redo {number} {ids.short(plan.id)}")


# -- the run ----------------------------------------------------------------------------------------------------------


def _threads(count: int) -> Executor:
    return futures.ThreadPoolExecutor(count, "attempt")


def carried_out(run: Run, schedule: Schedule, means: sites.Means, workers: Callable[[int], Executor]) -> Summary:
    hint = f"git orch exec {ids.short(run.plan.id)}"
    with (
        signals.once(hint) as listen,
        worker.in_threads(run.id, means),
        _Crew(lambda: workers(run.options.jobs + 1)) as crew,
    ):
        drive = Drive(schedule, run, crew.submit, glanced, run.options.jobs)
        try:
            drive.to_the_end()
        except errors.Interrupted as stopped:
            listen()
            means.stop.set()
            _wind_down(run, drive)
            _end(run, schedule, "interrupted")
            raise errors.Interrupted(stopped.signal_number, hint) from stopped
        except (errors.Busy, errors.Refused):  # the branch or the text was changed under us; what was to land is kept
            means.stop.set()
            _wind_down(run, drive)
            _end(run, schedule, "failed")
            raise
        except BaseException:
            means.stop.set()
            raise
    return _end(run, schedule, _outcome(run))


def glanced(running: Collection[Future[str]]) -> Collection[Future[str]]:
    """The futures that have ended, after a while at the latest."""
    return futures.wait(running, _GLANCE, return_when=futures.FIRST_COMPLETED).done


class _Crew:
    """The workers; when a process of theirs dies and takes all of them along, there are new ones."""

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make = make
        self._executor = make()

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def submit(self, job: str) -> Future[str]:
        """Start a job."""
        try:
            return self._executor.submit(worker.run_step, job)
        except futures.BrokenExecutor:
            self._executor.shutdown(wait=False)
            self._executor = self._make()
            return self._executor.submit(worker.run_step, job)


def _wind_down(run: Run, drive: Drive) -> None:
    """Take what the running attempts give back, so that their work is kept."""
    futures.wait(drive.running)
    for future, task in list(drive.running.items()):
        if not task.verifies:
            run.wound_down(task.step, future)
    run.keep_finished()


def _outcome(run: Run) -> Outcome:
    if run.failures:
        return "failed"
    return "review" if run.reviews and run.options.strict else "complete"


def _end(run: Run, schedule: Schedule, outcome: Outcome) -> Summary:
    done = run.status.satisfied() | set(schedule.in_phase(Phase.LANDED))
    if outcome == "complete" and len(done) < len(run.status.steps):
        outcome = "waiting"
    broken = broken_tip(run.plan, run.options) if outcome == "complete" else None
    if broken is not None:
        outcome = "failed"
    seconds = time.monotonic() - run.began
    recording.end(run.plan, run.id, outcome, seconds)
    run.forget_settled()
    if broken is not None:
        return Summary(outcome, tuple(run.landed_now), broken.steps, broken.error, seconds, broken.hint, 1)
    first = run.failures[0] if run.failures else None

    def numbers(steps: Collection[str]) -> tuple[int, ...]:
        return tuple(sorted(run.status.plan.position(step) for step in steps))

    return Summary(
        outcome,
        tuple(run.landed_now),
        numbers([each.step for each in run.failures]),
        first.error if first is not None else None,
        seconds,
        first.hint if first is not None else None,
        first.exit_code if first is not None else 0,
        numbers(schedule.in_phase(Phase.BLOCKED)),
        tuple(run.reviews),
    )
