"""Giving up a landing or a rebase that waits for a conflict to be resolved."""

from __future__ import annotations

from git_orch.cli import here, words
from git_orch.views import console


def give_up(plan: str | None, command: str) -> None:
    """Give up a command that waits for a conflict to be resolved."""
    from git_orch.flow.branch import conflict

    repository = here.find_repository()
    with here.open_plan(plan or words.plan_here(repository)) as opened:
        path, work = conflict.give_up(opened, command)
    console.out(f"given up; nothing has moved. The work in {path} is kept as {work[:10]}")
