"""The time that the steps of a plan will take, as far as the logs of this repository tell."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_orch.plans.history import forecast
from git_orch.repo import refs
from git_orch.repo.log import catalog
from git_orch.repo.objects import objects

if TYPE_CHECKING:
    from git_orch.plans.history.status import Status
    from git_orch.repo.repository import Repository

_MOST = 50  # plans, the newest


def expected(repository: Repository, status: Status) -> dict[int, float]:
    """Seconds by the number of a step; a step that nothing is known of is left out."""
    plans = refs.of_plans(repository)
    newest = {plan: plans[plan] for plan in [*plans][-_MOST:] if plan != status.id}
    with contextlib.closing(objects.opened(repository)) as database:
        past = catalog.statuses(repository, database, newest)
    return forecast.seconds_by_step(status, past)
