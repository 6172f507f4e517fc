"""Commands of git-orch itself, as processes that answer in JSON: for agents and editors.

A process of its own keeps what a command prints, its locks and its end away from the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from git_orch.cli import here
from git_orch.flow.run import background
from git_orch.plans.document import Document
from git_orch.sandbox import secrecy
from git_orch.sandbox.process import tools
from git_orch.views import answer

_BUG = 70
_LONGEST = 2000  # characters of a complaint


class Typed(NamedTuple):
    """A command line: options cannot come out of `words`, which stand behind `--`."""

    name: str
    options: Sequence[str] = ()
    words: Sequence[str] = ()
    stdin: str = ""


class Ended(NamedTuple):
    """A command that has ended, with its answer."""

    exit_code: int
    answer: Document

    @property
    def text(self) -> str:
        """What the command said, for a person."""
        if self.error is not None:
            cause, hint = self.error
            return f"error: {cause}\nhint: {hint}"
        data, said = self.answer["data"], list[str]()
        if isinstance(data, dict) and isinstance(data.get("lines"), list):
            said += map(str, data["lines"])
        diagnostics = self.answer["diagnostics"]
        if isinstance(diagnostics, list):
            said += [entry["message"] for entry in diagnostics if entry["level"] == "note"]
            said += [
                f"{entry['level']}: {entry['message']}; {entry['fix'] or ''}".rstrip("; ")
                for entry in diagnostics
                if entry["level"] != "note"
            ]
        return "\n".join(said)

    @property
    def error(self) -> tuple[str, str] | None:
        """The error and its hint, if the command failed with nothing else to say."""
        data = self.answer["data"]
        if isinstance(data, dict) and {"error", "hint"} <= data.keys():
            return str(data["error"]), str(data["hint"])
        return None


async def run(directory: str, typed: Typed) -> Ended:
    """Run a command in a directory, to its end; whoever cancels this asks the command to end."""
    child: list[tuple[int, str | None]] = []
    try:
        return await asyncio.to_thread(_run, directory, typed, child)
    except asyncio.CancelledError:
        for pid, birth in child:
            if birth is not None:
                tools.ask_to_end(pid, birth)
        raise


def _run(directory: str, typed: Typed, child: list[tuple[int, str | None]]) -> Ended:
    done = tools.capture(
        _argv(typed, "--json"),
        env=_environment(),
        cwd=directory,
        stdin=typed.stdin.encode("utf-8", "surrogateescape"),
        started=lambda pid: child.append((pid, tools.birth(pid))),
    )
    try:
        document = json.loads(done.stdout)
    except ValueError:
        return _killed(typed, done)
    return Ended(done.status, document)


async def stream(directory: str, typed: Typed, hear: Callable[[Document], None]) -> Ended:
    """Run `git orch exec` in a directory, to its end, and hear its events; whoever cancels this asks
    the run to end, and waits for that.
    """
    session = tools.Session(_argv(typed, "--stream"), env=_environment(), cwd=directory)
    born, loop = tools.birth(session.pid), asyncio.get_running_loop()
    reading = asyncio.ensure_future(
        asyncio.to_thread(
            _read, session, typed, lambda event: loop.call_soon_threadsafe(hear, event)
        )
    )
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        if born is not None:
            tools.ask_to_end(session.pid, born)
        await reading
        raise


def _read(session: tools.Session, typed: Typed, hear: Callable[[Document], object]) -> Ended:
    """Read the events of a run; its last one has the answer."""
    last: Document = {}
    with session, contextlib.suppress(EOFError):
        while line := session.read_line():
            last = json.loads(line)
            hear(last)
    answered, status = last.get("answer"), last.get("exit")
    if not isinstance(answered, dict) or not isinstance(status, int):
        return _killed(typed, tools.Finished(_BUG, b"", b""))
    return Ended(status, answered)


def _environment() -> dict[str, str]:
    """Our own variables: no command approves a plan by running it, since nobody reads its notes."""
    variables = dict(secrecy.all_variables())
    return {**variables, **here.with_setting(variables, "orch.approveByRunning", "false")}


def _argv(typed: Typed, form: str) -> list[str]:
    words = ["--", *typed.words] if typed.words else []
    return [*background.OURSELVES, typed.name, form, *typed.options, *words]


def _killed(typed: Typed, done: tools.Finished) -> Ended:
    """The end of a command that could not answer."""
    complaint = done.stderr.decode("utf-8", "replace").strip()[-_LONGEST:]
    asked = answer.Answer(typed.name)
    asked.diagnosis(f"error: git orch {typed.name} ended without an answer ({done.status})")
    asked.diagnosis("hint: git orch status")
    if complaint:
        asked.diagnose("note", "note", complaint)
    return Ended(done.status or _BUG, asked.document(_BUG))
