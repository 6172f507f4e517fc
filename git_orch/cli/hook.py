"""git orch hook: what the optional git hooks call."""

from __future__ import annotations

import sys

import click

from git_orch import errors
from git_orch.cli import here


@click.command("hook")
@click.argument("name")
@click.argument("arguments", nargs=-1)
def command(name: str, arguments: tuple[str, ...]) -> None:
    """Called by hooks/reference-transaction: keeps the tip that a plan branch is about to leave."""
    if name != "reference-transaction":
        raise errors.UsageError(
            f"there is no hook '{name}'", "git orch hook reference-transaction prepared"
        )
    if arguments != ("prepared",):
        return  # what was prepared is kept already; what was not may not happen
    from git_orch.flow.branch import keep_tips

    keep_tips.keep_left_tips(
        here.find_repository(), sys.stdin.read().splitlines() if sys.stdin is not None else []
    )
