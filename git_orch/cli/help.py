"""git orch help: works where an installer hides the man pages."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import table
from git_orch.views import console

_EXIT_CODES = """\
0    done, or nothing to do
1    a step or a check failed; check found errors
2    usage, or input that does not parse
3    refused: a policy or a missing approval
4    a budget or a limit is reached; run the command again to go on
5    plan or step not found, or its name is ambiguous
6    another process is at work, or somebody moved, deleted or checked out the branch
7    conflict: a pick or a landing does not merge
8    the model provider failed after all retries, or refused the request
9    the plan waits for a person: a manual step, or a question
70   a bug in git-orch; the message names the file with the traceback
128  not a repository, or one that git-orch cannot work in
130  interrupted (SIGINT); 143 terminated (SIGTERM); 141 closed pipe"""


@click.command("help")
@click.argument("topic", required=False)
@click.pass_context
def command(ctx: click.Context, topic: str | None) -> None:
    """Print help on a command, or on the topic exit-codes."""
    if topic == "exit-codes":
        console.out(_EXIT_CODES)
        return
    parent = ctx.parent
    if parent is None or not isinstance(parent.command, click.Group):
        raise errors.UsageError("help is a command of git orch", "git orch help")
    if topic is None:
        console.out(parent.get_help())
        return
    topic_command = parent.command.get_command(parent, topic)
    if topic_command is None:
        raise errors.UsageError(
            f"there is no help on '{topic}'", f"git orch help {next(iter(table.COMMANDS))}"
        )
    with click.Context(topic_command, info_name=topic, parent=parent) as inner:
        console.out(topic_command.get_help(inner))
