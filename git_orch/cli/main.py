"""The entry point and the one error boundary."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from git_orch import __version__, errors, notices
from git_orch.plans import sentences
from git_orch.sandbox import secrecy
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.views.events import Stream

_CLOSED_PIPE = 141
_DEAF = 2.0  # seconds after a signal in which another one is taken for its echo


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run git-orch and leave with its exit code."""
    _require_utf8()
    _signals()
    status = _status(list(sys.argv[1:] if argv is None else argv))
    _let_go_of_output()
    sys.exit(status)


def _require_utf8() -> None:
    """Begin again in UTF-8 where the locale and PYTHONUTF8 say otherwise: names of files and texts of
    git are in it, whatever the terminal shows.
    """
    if sys.getfilesystemencoding().lower() in ("utf-8", "utf8"):
        return
    os.environ["PYTHONUTF8"] = "1"  # for our own processes
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606


def _signals() -> None:
    heard: list[float] = []

    def end(number: int, _frame: FrameType | None) -> None:
        # git passes a Ctrl-C on that the terminal sent us as well: its echo must not disturb the
        # way out.
        if heard and time.monotonic() - heard[0] < _DEAF:
            return
        heard[:] = [time.monotonic()]
        raise errors.Interrupted(number, "git orch status")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and a script's `&` leave it
            signal.signal(number, end)


def _status(argv: list[str]) -> int:
    """The exit code of a command; with --json the answer to it is printed, however it ended."""
    if argv[:2] == ["plan", "diff"]:  # no task begins so
        argv = ["diff", "--plan", *argv[2:]]
    if argv[:2] in (["template", "init"], ["templates", "init"]):
        argv = ["templates", "--init", *argv[2:]]
    if "--json" not in argv and "--stream" not in argv:
        return _guarded(lambda: _outcome(argv))
    import contextlib
    import io

    from git_orch.views import answer

    typed = argv[: argv.index("--")] if "--" in argv else argv
    streams = typed[:1] == ["exec"] and "--stream" in typed
    if "--json" not in typed and not streams:
        return _guarded(lambda: _outcome(argv))
    name, argv = _asked(argv, typed)
    asked = answer.begin(name, _stream() if streams else None)
    if name == "version":
        asked.give({"version": __version__})
    content = io.BytesIO()  # what libraries print, such as help
    direct = io.TextIOWrapper(content, encoding="utf-8", errors="surrogateescape")
    try:
        with contextlib.redirect_stdout(direct):
            status = _guarded(lambda: _outcome(argv))
        direct.flush()
        text = content.getvalue().decode("utf-8", "replace").rstrip("\n")
        if asked is answer.current():
            if text:
                asked.result(text)
            document = asked.document(status)
            stream = asked.stream
            if stream is not None:
                ended = _guarded(lambda: stream.end(status, document))
                return status if ended == 0 else ended
            text = answer.text(document)
        printed = _guarded(lambda: console.write(text)) if text else 0
        return status if printed == 0 else printed
    finally:
        answer.end()


def _stream() -> Stream:
    from git_orch.views import events

    return events.Stream()


def _say(level: str, text: str) -> None:
    console.err(f"{level}: ", text)


def _asked(argv: list[str], typed: list[str]) -> tuple[str, list[str]]:
    """The name of the answer, and the command line with --json behind the command's name, where
    there is one: `typed` are the words that may be options.
    """
    place = next((place for place, word in enumerate(typed) if not word.startswith("-")), None)
    leading = typed if place is None else typed[:place]
    name = "version" if "--version" in leading else "help"
    if "--json" not in leading:
        return (name if leading else typed[0]), argv
    before = [word for word in leading if word != "--json"]
    if place is None or before:
        return name, [*before, *argv[len(leading) :]]
    return argv[place], [argv[place], "--json", *argv[place + 1 :]]


def _guarded(act: Callable[[], object]) -> int:
    """The exit code of what `act` does: the one place where exceptions become messages."""
    try:
        secrecy.hide_keys()  # here, so that no command can forget to
        notices.listen(_say)
        console.choose_colour(_colour)
        outcome = act()
        if sys.stdout is not None:
            sys.stdout.flush()
    except errors.Interrupted as stopped:
        _complain(stopped.cause, stopped.hint)
        return 128 + stopped.signal_number
    except errors.OrchError as expected:
        for line in expected.details:
            console.err("also: ", line)
        _complain(expected.cause, expected.hint)
        return expected.exit_code
    except KeyboardInterrupt:
        _complain("interrupted", "git orch status")
        return 130
    except BrokenPipeError:
        _silence()
        return _CLOSED_PIPE
    except OSError as failed:
        _complain(*_system_failure(failed))
        return 128
    except Exception as bug:  # noqa: BLE001 - the boundary: a person gets a sentence, the traceback goes to a file
        return _bug(bug)
    return outcome if isinstance(outcome, int) else 0


def _outcome(argv: list[str]) -> object:
    """Run the command; gives what it returns. Not by click's own main(), which ends with 1 for
    every closed pipe.
    """
    if argv == ["--version"]:  # what scripts ask for does not wait for click
        console.out(f"git-orch version {__version__}")
        return 0
    if argv[:1] in (["ls"], ["status"]):
        from git_orch.cli import listing

        if tuple(argv) in listing.PLAIN:  # nor does what people and prompts ask for all the time
            listing.plain(argv)
            return 0
    import click

    from git_orch.cli.table import program

    try:
        with program.make_context("git orch", argv) as context, _pages(argv):
            return program.invoke(context)
    except errors.PlanUnnamed as unnamed:
        from git_orch.cli import words

        if unnamed.newest is not None:
            unnamed.hint = words.naming(unnamed.newest, argv)
        raise
    except click.exceptions.Exit as left:  # after -h and --help
        return left.exit_code
    except click.UsageError as wrong:
        command = (
            wrong.ctx.info_name if wrong.ctx is not None and wrong.ctx.parent is not None else ""
        )
        help_on = f"git orch {command} -h".replace("  ", " ")
        raise errors.UsageError(_lower(wrong.format_message()), help_on) from wrong


_LONG = frozenset(("approve", "audit", "context", "diff", "log", "scout", "show"))


@contextlib.contextmanager
def _pages(argv: Sequence[str]) -> Iterator[None]:
    """Show the result in the user's pager, where it is long and a person looks at it."""
    if not _LONG.intersection(argv[:1]) or sys.stdout is None or not sys.stdout.isatty():
        yield
        return
    from git_orch.repo import terminal

    pager = terminal.pager()
    if pager is None:
        yield
        return
    import shlex

    import click

    from git_orch.sandbox.process import programs

    def show(text: str) -> None:
        # As git has it: less ends where all fits on the screen, keeps colours, clears nothing.
        path = programs.host_path(os.environ.get("PATH", os.defpath))
        through_shell = shlex.join(["sh", "-c", pager])
        variables = {"LESS": "FRX", "LV": "-c", **os.environ, "PAGER": through_shell, "PATH": path}
        before = dict(os.environ)
        os.environ.update(variables)
        try:
            click.echo_via_pager(text.rstrip("\n"), color=True)
        finally:
            os.environ.clear()
            os.environ.update(before)

    with console.page(show):
        yield


def _colour(on_terminal: bool) -> str:  # noqa: FBT001 - the console's one question
    from git_orch.repo import terminal

    return terminal.colour(on_terminal=on_terminal)


def _complain(cause: str, hint: str) -> None:
    try:
        console.failure(cause, hint)
    except OSError:
        _silence()  # nobody listens any more; the exit code still tells


def _lower(message: str) -> str:
    line = " ".join(message.split()).rstrip(".")
    return line[:1].lower() + line[1:]


def _let_go_of_output() -> None:
    """Drop output that could not be printed from the buffer: Python would try again, and end with a
    status of its own.
    """
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            _silence()


def _silence() -> None:
    """Python flushes standard output at exit; with the reader gone that would be a second error."""
    null = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(null, number)


def _system_failure(failed: OSError) -> tuple[str, str]:
    name = f" {sentences.quoted(os.fsdecode(failed.filename))}" if failed.filename else ""
    message = (failed.strerror or str(failed)).lower()
    if errors.is_disk_full(failed):
        full = errors.disk_full(f"writing{name}" if name else message)
        return full.cause, full.hint
    return f"the system refused{name}: {message}", "git orch status"


def _bug(bug: Exception) -> int:
    import tempfile
    import traceback

    cause = f"a bug in git-orch: {type(bug).__name__}: {bug}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="git-orch-bug-", suffix=".txt", delete=False
        ) as file:
            file.write(f"git-orch {__version__}, Python {sys.version}\n\n")
            file.write("".join(traceback.format_exception(bug)))
    except OSError:
        _complain(cause, "df -h; the traceback could not be written")
        return 70
    _complain(cause, f"report it with the file {file.name}")
    return 70
