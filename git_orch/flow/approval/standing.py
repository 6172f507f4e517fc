"""The state of a plan as this machine sees it: a log from elsewhere does not make it approved."""

from __future__ import annotations

import time

from git_orch.plans import approval
from git_orch.plans.history.status import PlanState, Status
from git_orch.repo.local import approvals
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository


def seen_here(repository: Repository, status: Status, *, with_signatures: bool = False) -> Status:
    """The status; a plan that nobody approved on this machine is not APPROVED, whatever its log
    says. Only `with_signatures` it verifies those in the log, which starts programs.
    """
    if status.state is not PlanState.APPROVED or _is_approved(repository, status):
        return status
    if with_signatures:
        from git_orch.flow.approval import signature  # with all that changes a plan

        if signature.find_signed(repository, status)[0] is not None:
            return status
    return status._replace(state=PlanState.VALIDATED)


def _is_approved(repository: Repository, status: Status) -> bool:
    given = approvals.read(PlanPlace(repository, status.id)).approved
    if given is None or given.expires <= time.time():
        return False
    now = approval.of_status(status, given.grants(), given.tree())
    return approval.digest(now.document()) == given.digest
