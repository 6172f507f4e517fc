"""Running a plan: what has to be true before, the workers and their worktrees, how it ends.

Workers make objects, this thread moves refs. After a signal nothing new is started, and what runs
is kept.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Sequence
from concurrent import futures
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Literal

from git_orch import checkpoints, errors
from git_orch.agents import telemetry
from git_orch.flow.approval import ground, required
from git_orch.flow.approval.grant import Grant
from git_orch.flow.attempt import leftovers, prepare, verify
from git_orch.flow.attempt.means import Means
from git_orch.flow.attempt.verify import Broken
from git_orch.flow.model.service import Service
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note, RunStarted, StepAsked, Upcoming
from git_orch.flow.run import fix, in_place, log_entries, preconditions, signals, worker
from git_orch.flow.run.dispatch import Dispatch, Terms, earlier_steps, tip_at
from git_orch.flow.run.loop import Drive, Steps
from git_orch.flow.run.options import Options
from git_orch.flow.run.run import Run
from git_orch.plans import ids, sentences
from git_orch.plans.history.persons_turn import persons_turn
from git_orch.plans.history.status import Status, StepState
from git_orch.plans.schedule import Phase, Schedule
from git_orch.repo import refs
from git_orch.repo.local import phases

# Seconds. A signal that comes just before a lock is waited for does not end the wait: Python looks
# for it only when the wait is over, so no wait for a worker may be without an end.
_GLANCE = 0.5

_AWAITS_PERSON = errors.AwaitsPerson.exit_code

Outcome = Literal["complete", "failed", "interrupted", "waiting", "review"]


@dataclass(frozen=True, slots=True)
class Summary:
    """The end of a run: steps landed by it, the first failed one, seconds on a clock that only goes
    forward.

    `failed` are all that failed, `blocked` those that could not start because of them, `review`
    those to be looked at, `tried` those that it began. `paid_before` are the calls that were paid
    for when it began.
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
    tried: tuple[int, ...] = ()
    paid_before: frozenset[str] = frozenset()


def execute(
    plan: OpenPlan,
    options: Options,
    service: Service | None = None,
    workers: Callable[[int], Executor] | None = None,
) -> Summary:
    """Run the chosen steps that are not done. Raises Interrupted on a signal, Refused, Busy.

    `service` is where the replies for agent steps come from, `workers` makes something to run so
    many steps at once in: threads, where it is None.
    """
    summary, goes_on = _one_run(plan, options, service, workers)
    while goes_on:
        more, goes_on = _one_run(plan, options, service, workers)
        landed, seconds = (*summary.landed, *more.landed), summary.seconds + more.seconds
        tried = tuple(sorted({*summary.tried, *more.tried}))
        before = summary.paid_before
        summary = replace(more, landed=landed, seconds=seconds, tried=tried, paid_before=before)
    return summary


def _one_run(
    plan: OpenPlan,
    options: Options,
    service: Service | None,
    workers: Callable[[int], Executor] | None,
) -> tuple[Summary, bool]:
    """Run them once; also whether there are answers now, with which another run can go on."""
    status = plan.status()
    refs.refuse_in_the_way(plan.repository)
    to_run = preconditions.steps_to_run(status, options)
    preconditions.refuse_unknown_models(plan, to_run, options, service)
    preconditions.require_key(to_run, options, service)
    grant = preconditions.grant_to_run(plan, status, options)
    if grant is not None:
        steps = [step.step for step in to_run]
        preconditions.require_agents(plan, status, steps, options, grant)
    if options.in_place:
        return _in_place(plan, options, grant, service), False
    if grant is not None:
        preconditions.require_ground(plan, status, options, grant)
    status = preconditions.follow_base(plan, status)
    plan.refuse_checked_out()
    preconditions.keep_results(plan, status)
    left = [step.id for step in status.steps if step.id not in status.satisfied_steps()]
    if not left or status.branch is None or grant is None:
        return _nothing_to_do(plan, status, options), False
    schedule = preconditions.schedule(status, options)
    if not schedule.startable_steps(1):
        preconditions.refuse_claimed(status)
        preconditions.refuse_unreachable(status, options.chosen)
        log_entries.hand_over(plan, status, options.left_out)
        return _hand_over(plan, plan.status(), options), False
    # One more worktree, to verify results that land on another base than they were made on.
    spare = 1 if options.jobs > 1 else 0
    preconditions.require_models(plan, status, to_run, options, service)
    fix.note_abandoned(plan, status, options.chosen)
    means = prepare.means(plan, service, use_cache=options.use_cache)
    with prepare.take_worktrees(plan, options.jobs + spare) as names:
        preconditions.open_ledger(plan, status, options, grant)
        terms = begin(plan, status, options, grant, means)
        dispatch = start_dispatch(terms, status.branch.tip, names[: options.jobs])
        run = Run(terms, dispatch, verifying=names[-1] if spare else None)
        summary = carry_out(run, schedule, means, workers or in_threads)
    if summary.outcome == "failed" and options.roll_back:
        _roll_back(plan, status.branch.tip)
    if summary.outcome == "waiting" and _has_answers(plan, run):
        return summary, True
    return _conclude(plan, run, summary), False


def _has_answers(plan: OpenPlan, run: Run) -> bool:
    """Whether a person has answered a question of this run while it went on."""
    if run.asked and not plan.log.is_current():
        plan.log.reload()
    steps = plan.status().steps if run.asked else ()
    return any(
        step.id in run.asked and step.attempt is not None and step.attempt.is_answered
        for step in steps
    )


def _in_place(
    plan: OpenPlan, options: Options, grant: Grant | None, service: Service | None
) -> Summary:
    """Run in the user's own checkout, one step after the other. Before every step, commit the
    uncommitted changes.
    """
    status = plan.status()
    preconditions.keep_results(plan, status)
    if grant is None or status.branch is None:
        return _nothing_to_do(plan, status, options)
    schedule = preconditions.schedule(status, options)
    if not schedule.startable_steps(1):
        preconditions.refuse_claimed(status)
        preconditions.refuse_unreachable(status, options.chosen)
        log_entries.hand_over(plan, status, options.left_out)
        return _hand_over(plan, plan.status(), options)
    in_place.refuse_unfit(plan, grant)
    in_place.refuse_waits(status, options.chosen)
    in_place.refuse_moves(status, options.chosen)
    preconditions.require_ground(plan, status, options, grant)
    to_run = preconditions.steps_to_run(status, options)
    preconditions.require_models(plan, status, to_run, options, service)
    means = prepare.means(plan, service, use_cache=options.use_cache)
    preconditions.open_ledger(plan, status, options, grant)
    terms = begin(plan, status, options, grant, means)
    dispatch = start_dispatch(terms, status.branch.tip, [None])
    run = Run(terms, dispatch, checkpoint=functools.partial(in_place.checkpoint, plan, means))
    return _conclude(plan, run, carry_out(run, schedule, means, in_threads))


def _roll_back(plan: OpenPlan, tip: str) -> None:
    """After a failure the branch goes back to where it was when the run began, if the user wants
    that.
    """
    from git_orch.flow.branch import rollback

    moved = rollback.roll_back_run(plan, tip)
    if moved is not None:
        again = f"git orch undo {ids.short(plan.id)}"
        taken = sentences.steps(moved.steps)
        plan.reporter.emit(
            Note(f"rolled back {taken}: the branch is at {moved.new[:10]} again; to undo: {again}")
        )


def _hand_over(
    plan: OpenPlan, status: Status, options: Options, heard: Collection[str] = ()
) -> Summary:
    """Nothing can go on by itself: say what a person has to do. The questions of the steps in
    `heard` were shown already.
    """
    steps = persons_turn(status, options.chosen)
    for step in steps:
        question = step.attempt.question if step.attempt is not None else None
        if step.state is StepState.ASKED and question is not None and step.id not in heard:
            plan.reporter.emit(Note(f"step {step.number} waits for an answer: {step.title}"))
            plan.reporter.emit(StepAsked(step.number, step.title, question))
    for step in steps:
        if step.step.wait is not None:
            again = f"git orch done {ids.short(plan.id)} {step.number}"
            text = f"step {step.number} waits for {step.step.wait.text()}. Then: {again}"
            plan.reporter.emit(Note(text))
    manual = next((step for step in steps if step.kind == "manual"), None)
    if manual is not None:
        tip = status.branch.tip if status.branch is not None else ""
        path = prepare.manual_worktree(plan, tip).path
        where = f"Work in {path}, then: git orch done"
        plan.reporter.emit(Note(f"step {manual.number} is manual: {manual.title}. {where}"))
        if manual.step.prompt:
            plan.reporter.emit(Note(manual.step.prompt.rstrip()))
    code = _AWAITS_PERSON if steps else 0
    return Summary("waiting", (), (), None, 0.0, exit_code=code)


def _conclude(plan: OpenPlan, run: Run, summary: Summary) -> Summary:
    """The summary of a run after which it may be a person's turn, who hears what to do."""
    options = run.terms.options
    if summary.outcome != "waiting":
        return summary
    status = plan.status()
    if options.chosen is None:
        preconditions.refuse_claimed(status)
    turn = _hand_over(plan, status, options, run.asked)
    return replace(summary, exit_code=turn.exit_code or summary.exit_code)


def _nothing_to_do(plan: OpenPlan, status: Status, options: Options) -> Summary:
    """Put in order what a run left that was killed after its last landing: its end untold, its
    worktrees there.
    """
    leftovers.put_away(plan)
    broken = _broken_tip(plan, options) if _may_check(plan, status, options) else None
    outcome: Outcome = "complete" if broken is None else "failed"
    if status.open_run is not None:
        log_entries.end(plan, status.open_run, outcome, 0.0)
    if broken is None:
        return Summary(outcome, (), (), None, 0.0)
    return Summary(outcome, (), broken.steps, broken.error, 0.0, broken.hint, 1)


def _may_check(plan: OpenPlan, status: Status, options: Options) -> bool:
    """Whether the checks of a plan with nothing left to run are approved: they may be somebody
    else's commands.
    """
    if not options.check_tip or not any(step.checks for step in status.plan.steps):
        return False
    commits = status.branch.commits if status.branch is not None else ()
    try:
        grant = required.require_approval(plan, status, by_running=not options.approved)
        if commits:
            ground.require_ground_for_checks(plan, status, grant, commits[-1].tree)
    except errors.Refused as refused:
        plan.reporter.emit(
            Note(f"its checks did not run on the tip: {refused.cause}; {refused.hint}")
        )
        return False
    return True


# -- the run ---------------------------------------------------------------------------------------


def in_threads(count: int) -> Executor:
    return futures.ThreadPoolExecutor(count, "attempt")


def begin(
    plan: OpenPlan,
    status: Status,
    options: Options,
    grant: Grant,
    means: Means,
    command: str | None = None,
) -> Terms:
    """Write the beginning of a run into the log; gives what holds for it. `command` is the one that
    runs a step where that is not exec.
    """
    phases.begin_run(plan.place)
    run = log_entries.begin(plan, status, options.left_out, command)
    to_run = preconditions.steps_to_run(status, options)
    steps = tuple(Upcoming(step.number, step.title, step.kind) for step in to_run)
    plan.reporter.emit(RunStarted(plan.id, status.plan.title, len(status.steps), steps))
    again = f"git orch exec {ids.short(plan.id)}{' --in-place' if options.in_place else ''}"
    return Terms(plan, status, options, grant, run, means.made, means.with_setup, again=again)


def start_dispatch(terms: Terms, tip: str, worktrees: Sequence[str | None]) -> Dispatch:
    """The dispatch of a run that starts at `tip`, where all satisfied steps have landed."""
    earlier = earlier_steps(terms.status.steps)
    return Dispatch(terms, tip_at(terms.plan, tip), worktrees, earlier)


def carry_out(
    run: Run,
    schedule: Schedule,
    means: Means,
    workers: Callable[[int], Executor],
    steps: Steps | None = None,
) -> Summary:
    """Run what is scheduled to its end, with the run's own books or those `steps`."""
    with telemetry.run(run.terms.plan.id, run.terms.run) as span:
        span.note(run__id=run.terms.run)
        summary = _carry_out(run, schedule, means, workers, steps)
        span.note(run__outcome=summary.outcome, run__steps_landed=len(summary.landed))
        span.failed = summary.outcome if summary.outcome == "failed" else None
    return summary


def _carry_out(
    run: Run,
    schedule: Schedule,
    means: Means,
    workers: Callable[[int], Executor],
    steps: Steps | None,
) -> Summary:
    plan, options = run.terms.plan, run.terms.options
    hint = run.terms.again
    with (
        signals.once(hint) as listener,
        refs.session(plan.repository, "orch: exec"),
        worker.in_threads(run.terms.run, means),
        _Crew(lambda: workers(options.jobs + 1)) as crew,
    ):
        drive = Drive(schedule, steps or run, crew.submit, glance, options.jobs, listener.held)
        try:
            drive.run_to_end()
        except errors.Interrupted as stopped:
            listener.listen()
            means.stop.set()
            _wind_down(run, drive)
            _end(run, schedule, "interrupted")
            raise errors.Interrupted(stopped.signal_number, hint) from stopped
        except (errors.Busy, errors.Refused):
            # Somebody changed the branch or the text under us; the results are kept.
            means.stop.set()
            _wind_down(run, drive)
            _end(run, schedule, "failed")
            raise
        except BaseException:
            means.stop.set()
            raise
    return _end(run, schedule, _outcome(run))


def glance(running: Collection[Future[str]]) -> Collection[Future[str]]:
    """The futures that have ended, after a while at the latest."""
    if not running:  # all that is left waits for events
        time.sleep(_GLANCE)
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
    return "review" if run.landing.reviews and run.terms.options.strict else "complete"


def _broken_tip(plan: OpenPlan, options: Options) -> Broken | None:
    """All checks once more on the tip, unless the user turned that off."""
    return verify.broken_tip(plan, use_cache=options.use_cache) if options.check_tip else None


@checkpoints.around("end run")
def _end(run: Run, schedule: Schedule, outcome: Outcome) -> Summary:
    terms, landing = run.terms, run.landing
    done = terms.status.satisfied_steps() | set(schedule.in_phase(Phase.LANDED))
    if outcome == "complete" and len(done) < len(terms.status.steps):
        outcome = "waiting"
    broken = _broken_tip(terms.plan, terms.options) if outcome == "complete" else None
    if broken is not None:
        outcome = "failed"
    seconds = time.monotonic() - run.began
    log_entries.end(terms.plan, terms.run, outcome, seconds)
    run.results.forget_settled()
    numbers = tuple(landing.numbers)
    ended = Summary(
        outcome,
        numbers,
        (),
        None,
        seconds,
        tried=_positions(terms, run.tried),
        paid_before=frozenset(call.id for call in terms.status.calls),
    )
    if broken is not None:
        return replace(
            ended, failed=broken.steps, error=broken.error, hint=broken.hint, exit_code=1
        )
    first = run.failures[0] if run.failures else None
    code = _AWAITS_PERSON if outcome == "review" or run.asked else 0
    return replace(
        ended,
        failed=_positions(terms, [failure.step for failure in run.failures]),
        error=first.error if first is not None else None,
        hint=first.hint if first is not None else None,
        exit_code=first.exit_code if first is not None else code,
        blocked=_positions(terms, schedule.in_phase(Phase.BLOCKED)),
        review=tuple(landing.reviews),
    )


def _positions(terms: Terms, steps: Collection[str]) -> tuple[int, ...]:
    return tuple(sorted(terms.number(step) for step in steps))
