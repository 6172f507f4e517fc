"""The entry point: a lazy table of commands and the one error boundary."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from git_orch import __version__, errors
from git_orch.views import console

# Name and one line of help; a command's module is imported when it is used, so that none pays for another.
COMMANDS = {
    "plan": "turn a task, a file or a template into a plan",
    "check": "look for what would make a plan fail",
    "exec": "run the steps that are not done",
    "status": "open plans and what to do next",
    "ls": "all plans, one a line",
    "show": "one plan: steps, checks, states, commits",
    "log": "what happened to a plan",
    "diff": "what a plan, or one of its steps, changed",
    "edit": "change a plan's text",
    "rollback": "take steps back, or take a rollback back",
    "verify": "run a step's checks again, or accept a commit that claims a step",
    "cost": "estimate and actual cost of a plan",
    "context": "what a model is told for a step",
    "audit": "tool calls of models, on this machine",
    "caps": "commands and languages of this machine",
    "tools": "the tools a model may use",
    "templates": "the built-in plan templates",
    "schema": "the JSON schemas of plan files and output",
    "config": "the settings in force",
    "hook": "called by the optional git hooks",
    "help": "help on a command or a topic",
}


class _Table(click.Group):
    """Commands by name, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"git_orch.cli.{cmd_name}")
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            raise errors.UsageError(
                f"'{args[0]}' is not a git-orch command", f"git orch {near[0]}" if near else "git orch help"
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
def _program(ctx: click.Context) -> None:
    """Turn a task into a plan, and the plan into commits."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run git-orch and leave with its exit code."""
    _signals()
    sys.exit(_status(list(sys.argv[1:] if argv is None else argv)))


def _signals() -> None:
    def end(number: int, _frame: FrameType | None) -> None:
        raise errors.Interrupted(number, "git orch status")

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    # A terminal's Ctrl-C must work even when we were started in the background with it ignored by a script's `&`.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _status(argv: list[str]) -> int:
    """The exit code of a command: the one place where exceptions become messages."""
    try:
        outcome = _program.main(args=argv, prog_name="git orch", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except errors.Interrupted as stopped:
        _complain(stopped.cause, stopped.hint)
        return 128 + stopped.signal_number
    except errors.OrchError as known:
        _complain(known.cause, known.hint)
        return known.exit_code
    except click.UsageError as wrong:
        command = wrong.ctx.info_name if wrong.ctx is not None and wrong.ctx.parent is not None else ""
        _complain(_lower(wrong.format_message()), f"git orch {command} -h".replace("  ", " "))
        return 2
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted", "git orch status")
        return 130
    except BrokenPipeError:
        _silence()
        return 141
    except OSError as failed:
        _complain(*_system_failure(failed))
        return 128
    except Exception as bug:  # noqa: BLE001 - the boundary: a person gets a sentence, the traceback goes to a file
        return _bug(bug)
    return outcome if isinstance(outcome, int) else 0


def _complain(cause: str, hint: str) -> None:
    try:
        console.err(console.Styled("error: ", "red"), " ".join(cause.split("\n")))
        console.err("hint: ", hint)
    except OSError:
        _silence()  # nobody listens any more; the exit code still tells


def _lower(message: str) -> str:
    line = " ".join(message.split()).rstrip(".")
    return line[:1].lower() + line[1:]


def _silence() -> None:
    """Python flushes standard output at exit; with the reader gone that would be a second error."""
    null = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(null, number)


def _system_failure(failed: OSError) -> tuple[str, str]:
    name = f" '{os.fsdecode(failed.filename)}'" if failed.filename else ""
    said = (failed.strerror or str(failed)).lower()
    if failed.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full{name}", "df -h . && git orch status"
    return f"the system refused{name}: {said}", "git orch status"


def _bug(bug: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="git-orch-bug-", suffix=".txt", delete=False) as file:
        file.write(f"git-orch {__version__}, Python {sys.version}\n\n")
        file.write("".join(traceback.format_exception(bug)))
    _complain(f"a bug in git-orch: {type(bug).__name__}: {bug}", f"report it with the file {file.name}")
    return 70
