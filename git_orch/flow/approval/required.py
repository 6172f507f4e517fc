"""git-orch runs only plans approved on this machine, or with a signature that its user trusts.

Notes, trailers and refs never approve: they may come from anybody. The present text in the log
counts; it has to equal the approved one byte for byte.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from git_orch import errors
from git_orch.flow.approval import ground
from git_orch.flow.approval.grant import Grant, extent, refuse_rejected
from git_orch.flow.approval.ground import Ground
from git_orch.flow.approval.signature import find_signed_grant
from git_orch.flow.machine import shares
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import approval, ids, sentences
from git_orch.plans.history.status import Status
from git_orch.plans.plan import Plan
from git_orch.repo import refs, settings
from git_orch.repo.local import approvals, setup_approvals
from git_orch.repo.local.approvals import Record
from git_orch.repo.objects import objects as odb
from git_orch.repo.repository import Repository

_NAMED = 3  # differing fields that a message names


# -- is it approved? -------------------------------------------------------------------------------


def require_approval(
    plan: OpenPlan, status: Status, start: str | None = None, *, by_running: bool = True
) -> Grant:
    """The grant for the plan as it is now. Running a plan that was made here and asks for nothing
    out of the ordinary approves it, which is written down. `start` is the tree that a step would
    start from (None: the tip's). Without `by_running`, or without orch.approveByRunning, only an
    approval counts that is recorded.

    Raises Refused, which names the field that differs, before anything runs.
    """
    refuse_rejected(status)
    by_running = by_running and settings.of_user(plan.repository).approveByRunning
    record = approvals.read(plan.place)
    if record.problem is not None:
        plan.reporter.emit(Note(f"the approval in {record.problem}"))
    grant = _recorded_grant(plan, status, record)
    if by_running and (grant is None or _starts_from_own_branch(grant, status, start)):
        grant = _approve_by_running(plan, status, record, start) or grant
    if grant is not None:
        return _require_setup(plan, status, grant)
    grant, doubts = find_signed_grant(plan, status)
    if grant is None:
        for doubt in doubts:
            plan.reporter.emit(Note(f"a signature in the log does not count: {doubt}"))
        if not by_running and record.approved is None:
            raise _refusal_unapproved(status)
        raise _refusal(plan, status, record)
    return _require_setup(plan, status, grant)


def options_needed(repository: Repository, plan: Plan) -> list[str]:
    """The options of `git orch approve` that a plan needs which was just made here; none where
    running it approves it.
    """
    network = [plan.position(step.id) for step in approval.network_steps(plan)]
    options = [f"--network {','.join(map(str, network))}"] if network else []
    has_setup = settings.of_user(repository).setup is not None
    if has_setup and setup_approvals.current(repository) is None:
        options.append("--setup")
    return options


def _require_setup(plan: OpenPlan, status: Status, grant: Grant) -> Grant:
    """The grant with the setup command, which the user approved with the plan or for the
    repository. Raises Refused where they did not.
    """
    command = settings.of_user(plan.repository).setup
    if command is None:
        return grant
    granted = [grant.what.grants.setup, setup_approvals.read(plan.repository)]
    covering = [setup for setup in granted if setup is not None and setup.command == command]
    if not covering:
        raise _setup_refusal(status, command)
    return replace(grant, setup=max(covering, key=lambda setup: setup.network))


def _setup_refusal(status: Status, command: str) -> errors.Refused:
    name = ids.short(status.id)
    return errors.Refused(
        f"orch.setup ('{command}') needs approval before it may run in this repository",
        f"git orch approve {name} --setup",
    )


def _recorded_grant(plan: OpenPlan, status: Status, record: Record) -> Grant | None:
    given = record.approved
    if given is None or given.expires <= time.time():
        return None
    now = approval.of_status(status, given.grants(), given.tree())
    if approval.digest(now.document()) != given.digest:
        return None
    return Grant(now, ground.of_approved(plan, now), given.max_usd)


def recorded_ground(plan: OpenPlan, status: Status) -> Ground | None:
    """The trees that the grants of the approval given here hold on; None without one."""
    given = approvals.read(plan.place).approved
    if given is None:
        return None
    now = approval.of_status(status, given.grants(), given.tree())
    return (
        ground.of_approved(plan, now) if approval.digest(now.document()) == given.digest else None
    )


def _starts_from_own_branch(grant: Grant, status: Status, start: str | None) -> bool:
    """Whether only the user's own branch has moved on since an approval, and the plan follows it."""
    tip = _tip_tree(status)
    return (
        start is not None
        and tip is not None
        and grant.ground.holds_on(tip)
        and not grant.ground.holds_on(start)
    )


def _tip_tree(status: Status) -> str | None:
    branch = status.branch
    return branch.commits[-1].tree if branch is not None and branch.commits else None


def _approve_by_running(
    plan: OpenPlan, status: Status, record: Record, start: str | None
) -> Grant | None:
    """Approve a text that the user made here, as long as it asks for nothing out of the ordinary."""
    made = approval.of_status(status).document()
    if record.rejected or approval.network_steps(status.plan) or made not in record.made:
        return None
    chosen = settings.of_user(plan.repository)
    unsafe = chosen.sandbox == "none"
    ours = _is_all_ours(plan, status)
    # Dependencies that a setup command makes from others' files would serve later plans.
    if (unsafe or chosen.setup is not None) and not ours:
        return None
    if chosen.setup is not None and setup_approvals.current(plan.repository) is None:
        return None
    # In the sandbox what others put there may run; it is no ground for a later run without one.
    what = approval.of_status(status, tree=(start or _tip_tree(status)) if ours else None)
    content = what.document()
    where = "without a sandbox (orch.sandbox = none)" if unsafe else "in the sandbox, no network"
    plan.reporter.emit(
        Note(f"running it approves {extent(status.plan)}; commands and checks run {where}")
    )
    if not unsafe:
        tell_of_shares(plan)
    # An edit does not lift a budget.
    max_usd = record.approved.max_usd if record.approved is not None else 0.0
    approvals.write_approved(plan.place, content, max_usd, plan.identity.committer)
    return Grant(what, ground.of_approved(plan, what), max_usd)


def tell_of_shares(plan: OpenPlan) -> None:
    """Report what commands see of the user's own besides the tree."""
    line = shares.of(plan.repository, settings.of_user(plan.repository)).line()
    if line:
        plan.reporter.emit(Note(f"shared with them, copy on write: {line}"))


def _is_all_ours(plan: OpenPlan, status: Status) -> bool:
    """Whether the branch is just the cover commit, on a commit of the branch that it follows, or on
    the one that the plan was made on: then nobody else has put anything there.
    """
    branch = status.branch
    if branch is None or len(branch.commits) != 1 or branch.commits[0].message.cover_of != plan.id:
        return False
    below, cover = branch.base, branch.commits[0]
    if below is None:
        return cover.tree == plan.repository.empty_tree and status.first_base is None
    if plan.objects.read_many([below])[0] is None:
        return False
    if odb.commit(plan.objects, below).tree != cover.tree:
        return False
    followed = refs.value(plan.repository, status.base.ref) if status.base.ref is not None else None
    return below == status.first_base or (
        followed is not None and plan.is_ancestor(below, followed)
    )


def refuse_changed(plan: OpenPlan, status: Status, grant: Grant) -> None:
    """Raises Refused when the text that a run holds, or the log has, is not the approved one."""
    _refuse_difference(status, grant)
    if not plan.log.is_current():  # somebody wrote to it during the run
        plan.log.reload()
    if plan.log.anew:
        plan.log.anew = False
        now = plan.status()
        refuse_rejected(now)
        _refuse_difference(now, grant)


def _refuse_difference(status: Status, grant: Grant) -> None:
    current = approval.of_status(status, grant.what.grants, grant.what.tree)
    if current != grant.what:
        names = _field_names(approval.differences(grant.what.document(), current.document()))
        cause = f"{names} differs from the approval: somebody changed it meanwhile"
        raise errors.Refused(cause, _approve_hint(status))


def _refusal_unapproved(status: Status) -> errors.Refused:
    name = ids.short(status.id)
    return errors.Refused(
        f"'{name}' has no approval on this machine", f"git orch approve --dry-run {name}"
    )


def _refusal(plan: OpenPlan, status: Status, record: Record) -> errors.Refused:
    name = ids.short(status.id)
    given, made = record.approved, record.made
    as_made = approval.of_status(status).document() in made and not record.rejected
    if given is None and as_made and not approval.network_steps(status.plan):
        command = settings.of_user(plan.repository).setup
        if command is not None and setup_approvals.current(plan.repository) is None:
            return _setup_refusal(status, command)
        more = "orch.setup" if command is not None else "no sandbox (orch.sandbox = none)"
        return errors.Refused(
            f"'{name}' gets {more}, and its branch has commits that nobody here approved",
            _approve_hint(status),
        )
    if given is not None:
        now = approval.of_status(status, given.grants(), given.tree()).document()
        changed = approval.differences(given.content, now)
        if changed:
            return errors.Refused(
                f"{_field_names(changed)} differs from the approval", _approve_hint(status)
            )
        day = time.strftime("%Y-%m-%d", time.gmtime(given.expires))
        return errors.Refused(f"the approval of '{name}' ended on {day}", _approve_hint(status))
    if made and not record.rejected:
        now = approval.of_status(status).document()
        changed = approval.differences(made[-1], now)
        if changed and now not in made:
            return errors.Refused(
                f"{_field_names(changed)} differs from the plan made here", _approve_hint(status)
            )
        numbers = [status.plan.position(step.id) for step in approval.network_steps(status.plan)]
        asking = f"{sentences.steps(numbers)} {sentences.verb(len(numbers), 'asks', 'ask')}"
        return errors.Refused(
            f"{asking} for the network, which only an approval gives",
            f"git orch approve {name} --network {','.join(map(str, numbers))}",
        )
    return errors.Refused(
        f"'{name}' has no approval on this machine: its commands may be somebody else's",
        _approve_hint(status),
    )


def _approve_hint(status: Status) -> str:
    name = ids.short(status.id)
    return f"git orch show --tasks {name}; then, if it is good: git orch approve {name}"


def _field_names(changed: Sequence[str]) -> str:
    """Fields in the words of people: `step 2, run`, `step 2, check 1, timeout`, `base`."""
    return sentences.names([sentences.field(name) for name in changed], _NAMED)
