"""Preconditions of a run: the approval, the base, the money, and the steps that may start."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence, Set

from git_orch import checkpoints, errors
from git_orch.flow.approval import ground, required
from git_orch.flow.approval.grant import Grant
from git_orch.flow.machine import sandbox
from git_orch.flow.model.service import Service
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import base
from git_orch.flow.reports import Budget, Note
from git_orch.flow.run.options import Options
from git_orch.plans import agents, graph, ids, sentences, step_retry
from git_orch.plans.history.persons_turn import waits_for_person
from git_orch.plans.history.status import SATISFIED, Status, StepState, StepStatus
from git_orch.plans.money.budget import Book
from git_orch.plans.plan import Step
from git_orch.plans.schedule import Schedule
from git_orch.repo import settings
from git_orch.repo.local import approvals, ledger
from git_orch.repo.log import kept, results
from git_orch.repo.objects import objects as odb
from git_orch.repo.worktree import snapshot


def grant_to_run(plan: OpenPlan, status: Status, options: Options) -> Grant | None:
    """The grant of the plan, required before anything moves; None when nothing is left to run."""
    if len(status.satisfied_steps()) == len(status.steps):
        return None
    if settings.is_only_of_repository(plan.repository, "setup"):
        cause = "orch.setup in the repository's own configuration does not count"
        plan.reporter.emit(Note(f"{cause}; to set your own: git orch setup"))
    start = _start(plan, status, options)
    grant = required.require_approval(plan, status, start, by_running=not options.approved)
    _tell_of_no_network(plan, status, grant)
    return grant


def _tell_of_no_network(plan: OpenPlan, status: Status, grant: Grant) -> None:
    """Report the steps that ask for the network and will run without it."""
    numbers = [
        step.number
        for step in status.steps
        if step.state not in SATISFIED and step.step.network and not grant.of(step.step)
    ]
    if numbers:
        asking = f"{sentences.steps(numbers)} {sentences.verb(len(numbers), 'asks', 'ask')}"
        kept = [step.number for step in status.steps if grant.of(step.step)]
        listed = ",".join(map(str, sorted([*kept, *numbers])))
        approving = f"git orch approve {plan.name} --network {listed}"
        text = f"{asking} for the network, which the approval does not give: {approving}"
        plan.reporter.emit(Note(text))


def refuse_unknown_models(
    plan: OpenPlan, steps: Iterable[StepStatus], options: Options, service: Service | None
) -> None:
    """Raises UnpricedModel where one of the steps, or a further attempt at it, would ask a model
    without a price.
    """
    asking = [step for step in steps if options.asks_model(step.step)]
    if service is None or not asking:
        return
    for step, model in _models(asking, options):
        try:
            service.prices.facts(model or options.model)
        except errors.UnpricedModel as unknown:
            if model is None:
                raise
            known = ", ".join(service.prices.models)
            raise errors.UnpricedModel(
                f"step {step.number}: {unknown.cause}",
                f"git orch edit {ids.short(plan.id)}  # choose one of {known}",
            ) from unknown
    retry_model = _retry_model(asking, options)
    if retry_model is not None:
        service.prices.facts(retry_model)


def _retry_model(steps: Iterable[StepStatus], options: Options) -> str | None:
    """The model for further attempts at one of these steps, where somebody chose one."""
    has_agent = any(step.kind == "agent" and not options.agent_of(step.step) for step in steps)
    tries_again = has_agent and step_retry.attempts("agent", options.retries) > 1
    return options.retry_model if tries_again else None


def _models(
    steps: Iterable[StepStatus], options: Options
) -> Iterator[tuple[StepStatus, str | None]]:
    """The models that git-orch asks for these steps; None where the plan names none."""
    for step in steps:
        if step.kind == "agent" and not options.agent_of(step.step):
            yield step, step.step.model
        for review in step.step.reviews:
            yield step, review.model


def require_key(steps: Iterable[StepStatus], options: Options, service: Service | None) -> None:
    """Raises KeyRefused where one of the steps needs a model, and there is no key for one."""
    for step, named in _models(steps, options):
        if service is None:
            return
        try:
            service.require_key(named or options.model)
        except errors.KeyRefused as without:
            if step.kind == "agent" and not options.agent_of(step.step):
                raise
            cause = f"step {step.number} has a review, which a model does: {without.cause}"
            raise errors.KeyRefused(cause, without.hint) from without


def require_models(
    plan: OpenPlan,
    status: Status,
    steps: Sequence[StepStatus],
    options: Options,
    service: Service | None,
) -> None:
    """Raises UnknownModel and KeyRefused where the service says that it lacks a model of the steps
    or of further attempts, or does not take the key. A model that has answered in this plan before
    is not asked for.
    """
    looked = {call.model for call in status.calls}
    for step, named in _models(steps, options):
        name = named or options.model
        if service is None or name in looked:
            continue
        looked.add(name)
        try:
            service.require_model(name)
        except errors.UnknownModel as unknown:
            if named is None:
                raise
            hint = f"git orch edit {ids.short(plan.id)}  # name another model in step {step.number}"
            raise errors.UnknownModel(f"step {step.number}: {unknown.cause}", hint) from unknown
    retry_model = _retry_model(steps, options)
    if service is not None and retry_model is not None and retry_model not in looked:
        service.require_model(retry_model)


def require_agents(
    plan: OpenPlan, status: Status, steps: Iterable[Step], options: Options, grant: Grant
) -> None:
    """Raises Refused where an agent program would get a key without the user's approval."""
    named = settings.of_user(plan.repository).agentKey
    needed = agents.grants_needed(steps, options.agent, named)
    for said, step_ids in needed.items():
        if said not in grant.what.grants.agents:
            numbers = sentences.steps(map(status.plan.position, step_ids))
            choice = f" --agent {shlex.quote(options.agent)}" if options.agent else ""
            raise errors.Refused(
                f"{numbers} would give a key to an agent program: '{said}'",
                f"git orch approve {ids.short(plan.id)}{choice}",
            )


def require_ground(plan: OpenPlan, status: Status, options: Options, grant: Grant) -> None:
    """Raises Refused where a step would get more than the sandbox gives on a tree that nobody here
    approved.
    """
    steps = [step.step for step in steps_to_run(status, options)]
    start = _start(plan, status, options)
    if start is not None:
        ground.require_ground(plan, status, grant, start, steps, in_place=options.in_place)


def steps_to_run(status: Status, options: Options) -> list[StepStatus]:
    """The chosen steps that are not done."""
    return [
        step
        for step in status.steps
        if step.state not in SATISFIED and (options.chosen is None or step.id in options.chosen)
    ]


def _start(plan: OpenPlan, status: Status, options: Options) -> str | None:
    """The tree that the run starts from: in place no base is followed."""
    if options.in_place and status.branch is not None:
        return odb.commit(plan.objects, status.branch.tip).tree
    return base.start_tree(plan, status)


def follow_base(plan: OpenPlan, status: Status) -> Status:
    """Move the plan to the tip of its base branch, if it can follow; gives the status then."""
    moved = base.follow_base(plan, status)
    repository = plan.repository
    uncommitted = snapshot.uncommitted(repository, lambda: sandbox.boundary(repository))
    if uncommitted and not status.base.snapshot:
        plan.reporter.emit(Note(f"{sentences.uncommitted_files(uncommitted)} not part of it"))
    return plan.status() if moved else status


@checkpoints.around("keep results")
def keep_results(plan: OpenPlan, status: Status) -> None:
    """Results that a killed run did not take: what is not on the branch is kept."""
    left = results.left(plan.place)
    logged = {attempt.id for attempt in status.attempts}
    unknown = [oid for attempt, oid in left.items() if attempt not in logged]
    if unknown:
        plan.keep(unknown, kept.INTERRUPTED_RESULTS)
        plan.reporter.emit(
            Note(
                f"kept the results of interrupted attempts: {', '.join(oid[:10] for oid in unknown)}"
            )
        )
    results.forget(plan.place, left)


def open_ledger(plan: OpenPlan, status: Status, options: Options, grant: Grant) -> None:
    """Write the limits of the plan and its cost so far into the ledger: limits that were typed now,
    else for an earlier run, else approved, else set.
    """
    chosen = settings.of_user(plan.repository)
    set_for_plan = grant.max_usd if grant.max_usd > 0 else chosen.maxUsd
    spent, steps = 0.0, dict[str, float]()
    for call in status.calls:
        usd = max(0.0, call.usd)  # a log from elsewhere does not refill the purse
        spent += usd
        if call.step is not None:
            steps[call.step] = steps.get(call.step, 0.0) + usd
    typed = approvals.Limits(options.max_usd, options.max_step_usd)
    remembered = approvals.write_limits(plan.place, typed)
    book = Book(
        limit=set_for_plan if remembered.plan is None else remembered.plan,
        step_limit=chosen.maxStepUsd if remembered.step is None else remembered.step,
        spent=spent,
        steps=steps,
        largest_report=max((call.usd for call in status.calls if call.reported_by), default=0.0),
    )
    ledger.Ledger(plan.place).begin(book)
    plan.reporter.emit(Budget(book.limit, book.spent))


def schedule(status: Status, options: Options) -> Schedule:
    """The steps that a run is about: chosen, not done, not waiting for a person or behind a manual
    one, not claimed by a commit unknown to the log.
    """
    claimed = {step.id for step in status.steps if step.state is StepState.CLAIMED}
    parallel = options.jobs > 1
    behind = set() if parallel else _behind_a_person(status, options)
    chosen = [
        step.id
        for step in status.steps
        if not waits_for_person(step)
        and step.id not in claimed | behind
        and (options.chosen is None or step.id in options.chosen)
    ]
    weights = graph.critical_weights(status.plan, _weight) if parallel else None
    keep_going = parallel or options.keep_going
    done = status.satisfied_steps()
    if options.force and options.chosen is not None:
        done |= {step.id for step in status.steps} - options.chosen
    return Schedule(status.plan, done, chosen, weights=weights, keep_going=keep_going)


def _behind_a_person(status: Status, options: Options) -> set[str]:
    """The steps that wait for a manual step of this run."""
    satisfied = status.satisfied_steps()
    manual = {
        step.id
        for step in status.plan.steps
        if step.waits_for_person
        and step.id not in satisfied
        and (options.chosen is None or step.id in options.chosen)
    }
    return {step for step, needs in graph.waits(status.plan).items() if needs & manual}


def _weight(step: Step) -> float:
    """Roughly how long a step takes, in seconds: only which way through the plan is the longest
    matters.
    """
    return {"agent": 120.0, "run": 20.0, "files": 1.0, "manual": 0.0, "wait": 0.0}[step.kind]


def refuse_claimed(status: Status) -> None:
    claimed = next((step for step in status.steps if step.state is StepState.CLAIMED), None)
    if claimed is not None:
        raise errors.Refused(
            f"a commit on the branch is marked as step {claimed.number}, but git-orch did not make it",
            f"git orch adopt {ids.short(status.id)} {claimed.number}",
        )


def refuse_unreachable(status: Status, chosen: Set[str] | None) -> None:
    """Raises Refused when one of the chosen steps waits for one that was not chosen."""
    if chosen is None:
        return
    satisfied = status.satisfied_steps()
    for step in status.steps:
        needed = [
            other
            for other in step.step.depends_on
            if other not in satisfied and other not in chosen
        ]
        if step.id in chosen - satisfied and needed:
            needed_steps = ({step.id} | graph.prerequisites(status.plan, step.id)) - satisfied
            numbers = ",".join(
                str(number) for number in sorted(map(status.plan.position, needed_steps))
            )
            missing = sentences.steps(map(status.plan.position, needed))
            raise errors.Refused(
                f"step {step.number} needs {missing}, neither done nor chosen",
                f"git orch exec {ids.short(status.id)} --steps {numbers}  # --force does without",
            )
