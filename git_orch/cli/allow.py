"""git orch allow: the verdict of the command policy on a command; runs nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans.plan import Command
from git_orch.repo import settings
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.sandbox.policy.whitelist import Whitelist

_REFUSED = 3  # as for every refusal


@click.command("allow")
@click.argument("words", nargs=-1, metavar="-- CMD...", type=click.UNPROCESSED)
@click.option("--list", "as_list", is_flag=True, help="Print the programs that may run here.")
@here.json_option
def command(words: tuple[str, ...], *, as_list: bool, as_json: bool) -> int:
    """Print the policy's verdict on a command: allow, sandbox-only or deny. Nothing runs. CMD is
    one text for the shell, or a program and its words. The exit code is 0 for allow and 3 for the
    others.
    """
    if as_list == bool(words):
        raise errors.UsageError("give either a command or --list", "git orch allow -- 'ls -la'")
    from git_orch.sandbox.policy import decision

    programs, top = _programs()
    if as_list:
        _print_list(programs, as_json=as_json)
        return 0
    asked = Command(shell=words[0]) if len(words) == 1 else Command(argv=words)
    verdict = decision.decide(asked, programs, str(top or ""))
    runs = decision.refused_in_sandbox(asked, programs, str(top or "")) is None
    if as_json:
        here.print_json({"command": asked.text(), **verdict.document(), "sandbox": runs})
    else:
        console.out(verdict.decision)
    if verdict.decision == "allow":
        return 0
    if not as_json:
        span = verdict.span
        if span is not None:
            console.err(f"part: {span.text} (characters {span.start} to {span.end})")
        also = "; in the sandbox it runs" if runs and verdict.decision == "deny" else ""
        console.failure(f"{verdict.reason} [{verdict.code}]{also}", str(verdict.hint))
    return _REFUSED


def _programs() -> tuple[Whitelist, Path | None]:
    """The programs that may run, and the top of the user's tree, if there is one."""
    from git_orch.flow.machine import machine, shares
    from git_orch.sandbox.policy import whitelist

    try:
        repository = here.find_repository()
    except errors.UnfitRepository:  # works anywhere: the policy is this machine's
        return whitelist.of(machine.find_present(Path(os.sep), None)), None
    top = repository.top
    shared = shares.of(repository, settings.of_user(repository)).programs
    return whitelist.of(machine.find_present(top or Path(os.sep), top, shared)), top


def _print_list(programs: Whitelist, *, as_json: bool) -> None:
    if as_json:
        here.print_json(programs.document())
        return
    for name in programs.document():
        console.out(name)
