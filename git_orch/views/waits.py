"""The limit of the model provider that a run waits for, for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_orch.repo.plan_place import PlanPlace
from git_orch.views.console import Styled, indented

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_orch.plans.document import Document
    from git_orch.repo.repository import Repository
    from git_orch.views.headlines import Line


def lines(repository: Repository, plan: str, running: Collection[str]) -> list[Line]:
    """A line below the plan's headline; none where it is not among those that run, or waits for no
    limit.
    """
    if plan not in running:
        return []
    from git_orch.repo.local import live

    waiting = live.waiting(PlanPlace(repository, plan))
    if waiting is None:
        return []
    return [(Styled("waits    ", "yellow"), f"until {indented(waiting.text(), 9)}")]


def document(repository: Repository, plan: str) -> Document | None:
    """The limit that the run of a plan waits for; None where it waits for none."""
    from git_orch.repo.local import live

    waiting = live.waiting(PlanPlace(repository, plan))
    return waiting.document() if waiting is not None else None
