"""The scheduler: ready steps go to workers, one thread lands what they made, in plan order, until nothing is left.

Workers make objects, this thread moves refs. After a failure nothing new is started; what runs is let finish.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent import futures
from dataclasses import dataclass, field
from typing import Literal

from git_orch import errors
from git_orch.flow import approval, attempt, basing, signals, sites
from git_orch.flow.agentstep import Service
from git_orch.flow.approval import Grant
from git_orch.flow.attempt import Earlier, Job, Result, Site
from git_orch.flow.openplan import OpenPlan
from git_orch.flow.reporting import Note, StepLanded, StepNotLanded, StepStarted
from git_orch.plans import graph, ids
from git_orch.plans.plan import Document, Plan, Step
from git_orch.plans.status import CheckResult, PlanState, Status, StepState
from git_orch.repo import snapshot, worktrees
from git_orch.repo.git import GitFailed

# Seconds. A signal that comes just before a lock is waited for does not end the wait: Python looks for it only when the
# wait is over, so no wait for a worker may be without an end.
_GLANCE = 0.5

_NAMES_IN_LOG = 40  # changed paths of a step; later steps are told of them, the commit has them all

Outcome = Literal["complete", "failed", "interrupted", "waiting"]

ALL_TOOLS = frozenset({"read", "write", "command"})


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose for this run. `tools` narrows what a model may use; `model` is the default model's name.

    `max_usd` is what the plan may cost, all its runs together, instead of what was approved; 0 is no limit.
    """

    model: str
    tools: frozenset[str] = ALL_TOOLS
    max_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended: steps landed by it, the failed one, seconds on a clock that only goes forward."""

    outcome: Outcome
    landed: tuple[int, ...]
    failed: int | None
    error: str | None
    seconds: float
    hint: str | None = None
    exit_code: int = 0


@dataclass
class _Run:
    """One run's books; only the landing thread touches them."""

    plan: OpenPlan
    status: Status
    options: Options
    grant: Grant
    site: Site
    id: str
    tip: str
    done: set[str]
    began: float = field(default_factory=time.monotonic)
    running: dict[futures.Future[Result], Job] = field(default_factory=dict)
    landed: list[int] = field(default_factory=list)
    earlier: list[Earlier] = field(default_factory=list)
    failed: Job | None = None
    error: str | None = None
    hint: str | None = None
    exit_code: int = 0
    by_hand: Step | None = None  # the manual step whose work a person hands in; then no other one is run


def execute(plan: OpenPlan, options: Options, service: Service | None = None) -> Summary:
    """Run every step that is not done, in order; stop at the first failure. Raises Interrupted on a signal.

    `service` is where the replies for agent steps come from.
    """
    grant = _granted(plan)
    status = _based(plan)
    plan.refuse_checked_out()
    waiting = [each for each in status.steps if each.step.id not in status.satisfied()]
    if not waiting or status.branch is None or grant is None:
        return _nothing_to_do(plan, status)
    if not _next(status.plan, set(status.satisfied()), _claimed(status)):
        _refuse_claimed(status)
        return _handed_over(plan, status)
    return _carried_out(_begun(plan, status, options, grant, sites.opened(plan, status.branch.tip, service)))


def hand_in(plan: OpenPlan, options: Options) -> Summary:
    """Verify and land what a person did for the manual step that is next. Raises Refused when none is."""
    status = plan.status()
    step = next((each for each in graph.ready(status.plan, status.satisfied()) if each.kind == "manual"), None)
    if step is None or status.branch is None:
        raise errors.Refused("no manual step is waiting for its work", f"git orch exec {ids.short(plan.id)}")
    grant = approval.required(plan, status)
    plan.refuse_checked_out()
    site = sites.handed_over(plan, status.branch.tip)
    head = worktrees.head(site.worktree)
    if not plan.is_ancestor(status.branch.tip, head):
        raise errors.Busy(
            f"the branch has moved on since the work in '{site.worktree.path}' began",
            f"git -C '{site.worktree.path}' checkout --merge --detach {status.branch.tip[:12]}",
        )
    if head != status.branch.tip:
        plan.keep([head], f"commits made for step {status.plan.position(step.id)}")
    run = _begun(plan, status, options, grant, site)
    run.by_hand = step
    return _carried_out(run)


def _handed_over(plan: OpenPlan, status: Status) -> Summary:
    """Only manual steps can go on: say where their work is to be done."""
    tip = status.branch.tip if status.branch is not None else ""
    step = next(each for each in graph.ready(status.plan, status.satisfied()) if each.kind == "manual")
    number = status.plan.position(step.id)
    path = sites.handed_over(plan, tip).worktree.path
    plan.reporter.emit(Note(f"step {number} is done by a person: {step.title}; its worktree is {path}"))
    if step.prompt:
        plan.reporter.emit(Note(step.prompt.rstrip()))
    return Summary("waiting", (), None, None, 0.0)


def _granted(plan: OpenPlan) -> Grant | None:
    """What is approved, asked before anything moves; None when nothing is left to run."""
    status = plan.status()
    left = len(status.satisfied()) < len(status.steps)
    return approval.required(plan, status) if left else None


def _begun(plan: OpenPlan, status: Status, options: Options, grant: Grant, site: Site) -> _Run:
    tip = status.branch.tip if status.branch is not None else ""
    run = _Run(plan, status, options, grant, site, _began(plan, status), tip, set(status.satisfied()))
    run.earlier = list(attempt.earlier(status))
    return run


def _carried_out(run: _Run) -> Summary:
    plan = run.plan
    hint = f"git orch exec {ids.short(plan.id)}"
    with signals.once(hint) as listen, futures.ThreadPoolExecutor(1, "attempt") as workers:
        try:
            _loop(run, workers)
        except errors.Interrupted as stopped:
            listen()
            run.site.stop.set()
            _wind_down(run)
            _ended(run, "interrupted")
            raise errors.Interrupted(stopped.signal_number, hint) from stopped
        except (errors.Busy, errors.Refused):  # the branch or the text was changed under us; what was to land is kept
            run.site.stop.set()
            _ended(run, "failed")
            raise
        except BaseException:
            run.site.stop.set()
            raise
    summary = _ended(run, "failed" if run.failed is not None else "complete")
    if summary.outcome == "waiting" and run.by_hand is None:
        status = plan.status()
        _refuse_claimed(status)
        _handed_over(plan, status)
    return summary


def _nothing_to_do(plan: OpenPlan, status: Status) -> Summary:
    """Put in order what a run left that was killed after its last landing: its end untold, its worktree there."""
    if status.open_run is not None:
        ended = plan.event("run.ended", run=status.open_run, outcome="complete", seconds=0)
        plan.record((plan.home, ended))
    sites.put_away(plan)
    return Summary("complete", (), None, None, 0.0)


def _based(plan: OpenPlan) -> Status:
    status = plan.status()
    basing.follow(plan, status)
    uncommitted = snapshot.uncommitted(plan.repository)
    if uncommitted and not status.base.snapshot:
        noun = "file is" if uncommitted == 1 else "files are"
        plan.reporter.emit(Note(f"{uncommitted} uncommitted {noun} not part of it"))
    return plan.status()


def _claimed(status: Status) -> frozenset[str]:
    """Steps that a commit on the branch claims without the log knowing it: they wait, and what needs them."""
    return frozenset(each.step.id for each in status.steps if each.state is StepState.CLAIMED)


def _refuse_claimed(status: Status) -> None:
    claimed = next((each for each in status.steps if each.state is StepState.CLAIMED), None)
    if claimed is not None:
        raise errors.Refused(
            f"a commit on the branch claims step {claimed.number}, but the log does not know it",
            f"git orch verify {ids.short(status.id)} --accept {claimed.number}",
        )


def _began(plan: OpenPlan, status: Status) -> str:
    """Write down what this run is: validation and approval, where the plan has neither yet, and its beginning."""
    begun = []
    if status.recorded_state is PlanState.CREATED:
        begun = [plan.event("plan.validated"), plan.event("plan.approved", by="exec")]
    elif status.recorded_state is PlanState.VALIDATED:
        begun = [plan.event("plan.approved", by="exec")]
    run_id = plan.new_id()
    plan.record(*((plan.home, event) for event in [*begun, plan.event("run.started", run=run_id)]))
    return run_id


# -- the loop ---------------------------------------------------------------------------------------------------------


def _loop(run: _Run, workers: futures.Executor) -> None:
    while True:
        for step in _next_steps(run):
            _submit(run, workers, step)
        if not run.running:
            return
        finished, _ = futures.wait(run.running, _GLANCE, return_when=futures.FIRST_COMPLETED)
        for future in sorted(finished, key=lambda each: run.status.plan.position(run.running[each].step.id)):
            _take(run, run.running[future], future.result())
            del run.running[future]  # not before: a signal in the middle of it finds the job here


def _next_steps(run: _Run) -> Sequence[Step]:
    if run.failed is not None or run.running:
        return ()
    if run.by_hand is not None:
        return () if run.by_hand.id in run.done else (run.by_hand,)
    return _next(run.status.plan, run.done, _claimed(run.status))[:1]


def _next(plan: Plan, done: set[str], claimed: frozenset[str]) -> list[Step]:
    """Steps that can start now and need no person."""
    return [step for step in graph.ready(plan, done, claimed) if step.kind != "manual"]


def _submit(run: _Run, workers: futures.Executor, step: Step) -> None:
    number = run.status.plan.position(step.id)
    now = approval.refuse_changed(run.plan, run.status, run.grant)
    job = Job(
        plan_id=run.plan.id,
        plan=run.status.plan,
        step=step,
        attempt=run.plan.new_id(),
        base=run.tip,
        tools=run.options.tools,
        model=step.model or run.options.model,
        earlier=tuple(run.earlier),
        network=run.grant.of(step),
        spent=now.usd(),
        max_usd=run.options.max_usd if run.options.max_usd is not None else run.grant.max_usd,
    )
    run.plan.reporter.emit(StepStarted(number, len(run.status.steps), step.title, step.kind))
    run.running[workers.submit(attempt.run, job, run.site)] = job


def _take(run: _Run, job: Job, result: Result) -> None:
    if result.outcome == "verified":
        _land(run, job, result)
    else:
        _not_landed(run, job, result)


def _land(run: _Run, job: Job, result: Result) -> None:
    commit = result.commit or ""
    number = run.status.plan.position(job.step.id)
    body: Document = {
        "step": job.step.id,
        "attempt": job.attempt,
        "run": run.id,
        "commit": commit,
        "tree": result.tree,
        "checks": [_check_document(each) for each in result.checks],
        "seconds": round(result.seconds, 3),
        "files": len(result.changed),
        "changed": list(result.changed[:_NAMES_IN_LOG]),
    }
    if result.summary:
        body["summary"] = result.summary
    if result.code:
        body["code"] = list(result.code[:_NAMES_IN_LOG])
    landed = (commit, run.plan.event("step.landed", **body))
    run.plan.move(run.tip, commit, f"land step {number}", [landed])
    worktrees.clean(run.site.worktree)
    run.tip = commit
    run.done.add(job.step.id)
    run.landed.append(number)
    run.earlier.append(Earlier(job.step.title, result.changed))
    count = len(result.changed)
    run.plan.reporter.emit(StepLanded(number, job.step.title, commit, count, result.seconds, result.usd, result.code))


def _not_landed(run: _Run, job: Job, result: Result) -> None:
    number = run.status.plan.position(job.step.id)
    if result.commit is not None:
        run.plan.keep([result.commit], f"a failed attempt at step {number}")
    body: Document = {
        "step": job.step.id,
        "attempt": job.attempt,
        "run": run.id,
        "reason": result.reason,
        "error": result.error or result.reason,
        "checks": [_check_document(each) for each in result.checks],
        "seconds": round(result.seconds, 3),
    }
    if result.commit is not None:
        body["commit"] = result.commit
    run.plan.record((run.plan.home, run.plan.event("attempt.failed", **body)))
    run.failed, run.error, run.hint, run.exit_code = job, result.error, result.hint, result.exit_code
    run.plan.reporter.emit(StepNotLanded(number, job.step.title, result.error or result.reason, result.commit))


def _check_document(result: CheckResult) -> Document:
    return {
        "type": result.type,
        "command": result.command,
        "exit": result.exit,
        "passed": result.passed,
        "seconds": round(result.seconds, 3),
        "output": result.output,
        "reason": result.reason,
    }


def _wind_down(run: _Run) -> None:
    """After a signal: take what the running attempts give back, so that their work is kept."""
    known = {attempt.id for attempt in run.plan.status().attempts}
    for future, job in list(run.running.items()):
        try:
            result = future.result()
        except (errors.Interrupted, GitFailed):  # a Ctrl-C reaches git as well, and ends it
            left = sites.leftover(run.plan, run.site.worktree)
            result = Result("interrupted", 0.0, left, error="interrupted", reason="interrupted")
        if result.outcome == "verified" and result.commit is not None:
            run.plan.keep([result.commit], "an attempt that a signal cut off before it landed")
            run.plan.reporter.emit(Note(f"the work that did not land any more is kept as {result.commit[:10]}"))
        elif job.attempt not in known:
            _take(run, job, result)


def _ended(run: _Run, outcome: Outcome) -> Summary:
    if outcome == "complete" and len(run.done) < len(run.status.steps):
        outcome = "waiting"
    seconds = time.monotonic() - run.began
    ended = run.plan.event("run.ended", run=run.id, outcome=outcome, seconds=round(seconds, 3))
    run.plan.record((run.plan.home, ended))
    if run.by_hand is None:
        worktrees.remove(run.plan.repository, run.plan.id)
    elif run.by_hand.id in run.done:
        worktrees.remove(run.plan.repository, run.plan.id, "manual")
    else:
        worktrees.hold(run.site.worktree, run.tip)  # a person goes on with the same files
    failed = run.status.plan.position(run.failed.step.id) if run.failed is not None else None
    return Summary(outcome, tuple(run.landed), failed, run.error, seconds, run.hint, run.exit_code)
