"""What this machine offers, as commands show it and as models are told."""

from __future__ import annotations

import os
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


def present(directory: Path, excluded: Path | None) -> Capabilities:
    """The machine's commands without their versions, as the command policy needs them: now, and
    nothing is run.
    """
    return caps.find_present(os.environ.get("PATH", ""), directory, excluded)


def described(found: Capabilities) -> list[str]:
    """Lines for people and prompts: commands with versions, languages, operating system."""
    commands = [
        f"{each.name} {each.version}" if each.version else each.name
        for each in found.commands
        if each.available
    ]
    return [
        f"Commands: {', '.join(commands)}",
        f"Languages: {', '.join(found.languages)}",
        f"OS: {found.os} {found.arch}",
    ]
