"""Reviews outside of a run: of commits that are there already, such as those of a person."""

from __future__ import annotations

from contextlib import ExitStack

from git_orch.flow.approval import required
from git_orch.flow.attempt.verify import Asking
from git_orch.flow.model import service as models
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.run import preconditions
from git_orch.flow.run.options import Options
from git_orch.repo import settings
from git_orch.repo.local.approvals import Limits


def asking(stack: ExitStack, plan: OpenPlan, typed: Limits) -> Asking:
    """How to get verdicts, within what the plan and its steps may cost; some limits were `typed`.
    The stack closes the service, which is opened with the first verdict that nobody has paid for.
    """
    chosen = settings.of_user(plan.repository)

    def open_ledger() -> None:
        status = plan.status()
        grant = required.require_approval(plan, status)
        options = Options(chosen.model, max_usd=typed.plan, max_step_usd=typed.step)
        preconditions.open_ledger(plan, status, options, grant)

    return Asking(models.opened_later(stack, chosen, open_ledger), chosen.model)
