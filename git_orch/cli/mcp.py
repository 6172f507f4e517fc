"""git orch mcp: serve agents by the Model Context Protocol."""

from __future__ import annotations

import os

import click

from git_orch import errors
from git_orch.views import answer


@click.command("mcp")
def command() -> None:
    """Serve the repository of the current directory on standard input and output, until the input
    ends. An agent's program starts this: claude mcp add git-orch -- git orch mcp
    """
    if answer.current() is not None:
        raise errors.UsageError("git orch mcp speaks its own protocol, not --json", "git orch mcp")
    try:
        from git_orch.cli import mcp_server
    except ImportError as missing:
        raise errors.UnfitRepository(
            f"git orch mcp needs the package mcp, version 2: {missing}",
            "pip install 'git-orch[mcp]'",
        ) from missing
    mcp_server.serve(os.getcwd())
