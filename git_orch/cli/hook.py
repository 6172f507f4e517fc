"""git orch hook: serve the optional git hooks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from git_orch import errors
from git_orch.cli import here


@click.command("hook")
@click.argument("name")
@click.argument("arguments", nargs=-1)
def command(name: str, arguments: tuple[str, ...]) -> None:
    """Do the work of one of git-orch's hooks; the scripts of 'git orch init --hooks' call this."""
    first = arguments[0] if arguments else ""
    if name == "reference-transaction":
        if first == "prepared":  # what was prepared is kept already; what was not may not happen
            from git_orch.flow.branch import keep_tips

            keep_tips.keep_left_tips(here.find_repository(), _lines())
        return
    from git_orch.flow.run import git_hooks

    match name, len(arguments):
        case "post-rewrite", 1:
            git_hooks.record_rewrite(here.find_repository(), first, _lines())
        case "prepare-commit-msg", 1 | 2 | 3:
            source = arguments[1] if len(arguments) > 1 else ""
            git_hooks.add_claim(here.find_repository(), Path(first).absolute(), source)
        case "pre-push", 1 | 2:
            git_hooks.check_push(here.find_repository(), first, _lines())
        case _:
            raise errors.UsageError(
                f"there is no hook '{name}' with these arguments", "git orch init --hooks"
            )


def _lines() -> list[str]:
    return sys.stdin.read().splitlines() if sys.stdin is not None else []
