"""git orch acp: serve editors by the Agent Client Protocol."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.views import answer


@click.command("acp")
def command() -> None:
    """Be an agent for an editor on standard input and output, until the input ends. An editor starts
    this, in the way of its other agents.
    """
    if answer.current() is not None:
        raise errors.UsageError("git orch acp speaks its own protocol, not --json", "git orch acp")
    try:
        from git_orch.cli import acp_server
    except ImportError as missing:
        raise errors.UnfitRepository(
            f"git orch acp needs the package agent-client-protocol: {missing}",
            "pip install 'git-orch[acp]'",
        ) from missing
    acp_server.serve()
