"""The commands by name; a command's module is imported on its first use."""

from __future__ import annotations

import importlib

import click

from git_orch import __version__, errors
from git_orch.cli import json_flag

# Name and one line of help; a command's module is imported when it is used, so that none pays for
# another.
COMMANDS = {
    "plan": "turn a task, a file or a template into a plan",
    "ready": "mark an idea ready for its spec",
    "spec": "write the spec of a plan: its steps",
    "orchestrate": "write the spec of every plan that is ready",
    "scout": "show what a plan asks for, as a checklist",
    "comment": "comment on a part of a plan, for its next version",
    "note": "write a note into a plan's log",
    "owner": "show or set whom new plans belong to",
    "docs": "exchange plans with Markdown files",
    "agent-docs": "print a skill file that teaches agents git-orch",
    "do": "run the command that a sentence means",
    "otk": "run a command of orchestrator-toolkit",
    "check": "find mistakes that would make a plan fail",
    "approve": "allow a plan to run on this machine",
    "reject": "the old name of archive --why",
    "exec": "run the steps that are not done",
    "fix": "mend a failed step by hand",
    "adopt": "take a commit of yours as a step",
    "done": "check and commit your work on a manual step",
    "answer": "answer the question of a step's model",
    "wait": "wait until a plan's run has ended",
    "stop": "stop a run cleanly",
    "status": "show open plans and the next command",
    "ls": "list all plans, one a line",
    "show": "show a plan: steps, checks, states, commits",
    "log": "show the history of a plan",
    "diff": "show the changes of a plan or a step",
    "edit": "change a plan's text",
    "rollback": "take back steps",
    "undo": "take back the last change of a plan, or bring it again",
    "redo": "run one step again, in the middle of a plan",
    "drop": "take one step off the branch",
    "reorder": "change the order of the steps",
    "rebase": "put a plan onto another base",
    "land": "bring a finished plan to your branch",
    "pick": "put some steps of a plan onto a branch",
    "archive": "put a plan away, or bring it back",
    "unarchive": "the old name of archive --undo",
    "verify": "run a step's checks again",
    "state": "show a plan's state and its possible next states",
    "graph": "show which steps wait for which",
    "report": "write a plan as one HTML page",
    "cost": "show estimated and actual cost",
    "context": "show the prompt of a step",
    "audit": "list the tool calls of models on this machine",
    "trace": "show what a recorded run asked its models",
    "caps": "list the commands and languages of this machine",
    "allow": "ask the policy about a command",
    "setup": "make a project's dependencies available to steps",
    "doctor": "test the sandbox on this machine",
    "models": "list the models of the provider, with their prices",
    "tools": "list the tools a model may use",
    "template": "list, show, make and check templates of plans",
    "templates": "list them too, and write those of documents",
    "schema": "print the JSON schemas of plan files and output",
    "config": "print the settings in force",
    "init": "have git fetch bring plans along, and install hooks",
    "mcp": "serve agents by the Model Context Protocol",
    "acp": "serve editors by the Agent Client Protocol",
    "fsck": "find and repair damage, leftovers and risky settings",
    "prune": "remove old files and commits that no plan needs",
    "hook": "serve the optional git hooks",
    "tour": "walk through a plan in a scratch repository",
    "help": "print help on a command or a topic",
}


# What `git orch -h` lists; the rest is named below it.
GROUPS = {
    "Plan": ("plan", "approve", "edit"),
    "Run": ("exec", "answer", "fix", "done", "stop"),
    "Look": ("status", "ls", "show", "log", "diff", "report"),
    "Change what is done": (
        "undo", "rollback", "redo", "drop", "reorder", "rebase", "adopt", "verify",
    ),
    "Documents": (
        "ready", "spec", "orchestrate", "scout", "comment", "note", "owner", "docs", "agent-docs",
        "do",
    ),
    "Finish": ("land", "pick", "archive"),
    "This machine": ("setup", "doctor", "init", "fsck", "prune"),
}  # fmt: skip


def load(name: str) -> click.Command:
    """The command called `name`; every one has --json."""
    command: click.Command = importlib.import_module(
        f"git_orch.cli.{name.replace('-', '_')}"
    ).command
    return json_flag.added(command)


class _Table(click.Group):
    """Commands by name, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return load(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for heading, names in GROUPS.items():
            with formatter.section(heading):
                rows = [(name.ljust(width), COMMANDS[name]) for name in names if name in COMMANDS]
                formatter.write_dl(rows)
        listed = {name for names in GROUPS.values() for name in names}
        with formatter.section("For programs, and for a closer look"):
            formatter.write_text(", ".join(name for name in COMMANDS if name not in listed))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from git_orch.cli import near_words

            raise errors.UsageError(
                f"'{args[0]}' is not a git-orch command", near_words.suggestion(args, COMMANDS)
            )
        return super().resolve_command(ctx, args)


@click.group(
    name="git orch",
    cls=_Table,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="git-orch", message="%(prog)s version %(version)s")
@click.pass_context
def program(ctx: click.Context) -> None:
    """Turn a task into a plan, and the plan into commits."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
