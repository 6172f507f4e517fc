"""The programs of this machine, for people and for prompts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from git_orch.repo.places import cache_directory
from git_orch.sandbox import capabilities as caps
from git_orch.sandbox.capabilities import Capabilities, Loaded


def capabilities(directory: Path, excluded: Path | None, *, refresh: bool = False) -> Loaded:
    """The machine's commands and languages; programs inside `excluded` (the work tree) do not
    count.
    """
    return caps.load_or_discover(
        cache_directory(), os.environ.get("PATH", ""), directory, excluded, refresh=refresh
    )


def find_present(
    directory: Path, excluded: Path | None, shared: Sequence[str] = ()
) -> Capabilities:
    """Look for the machine's commands without their versions, as the command policy needs them;
    runs nothing. Programs in the directories `shared` count wherever they are.
    """
    present = caps.find_present(os.environ.get("PATH", ""), directory, excluded)
    return caps.with_programs(present, shared)


def description(machine: Capabilities) -> list[str]:
    """Lines for people and prompts: commands with versions, languages, operating system."""
    commands = [
        f"{command.name} {command.version}" if command.version else command.name
        for command in machine.commands
        if command.available
    ]
    return [
        f"Commands: {', '.join(commands)}",
        f"Languages: {', '.join(machine.languages)}",
        f"OS: {machine.os} {machine.arch}",
    ]
