"""An agent program on this machine, and what it gets in the sandbox: its own files, to read, and
the one key that its user names for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.model import key_helper
from git_orch.plans import agents, sentences
from git_orch.plans.agents import Program
from git_orch.repo.settings import Settings
from git_orch.sandbox import secrecy
from git_orch.sandbox.process import programs
from git_orch.sandbox.walls.launcher import Launcher

_MODULES = "node_modules"
_FIRST_LINE = 512  # bytes, as far as the kernel looks for an interpreter
_DEPTH = 3  # a script's interpreter may be a script
_HELPED = "ANTHROPIC_API_KEY"  # the key that orch.keyCommand prints


class Installed(NamedTuple):
    """A program with the path that starts it, the places that it is made of, and the variables that
    it gets with keys.
    """

    program: Program
    path: str
    places: tuple[Path, ...]
    keys: tuple[str, ...]


def chosen(choice: str) -> Program:
    """The program of a choice. Raises UsageError."""
    try:
        program = agents.program(choice)
    except ValueError as unfit:
        raise errors.UsageError(
            f"'{choice}' is no agent: {unfit}", "git orch help exec  # --agent"
        ) from unfit
    if program is None:
        raise errors.UsageError(f"'{choice}' is git-orch itself", "git orch exec")
    return program


def find(choice: str, user_settings: Settings) -> Installed:
    """The program of a choice. Raises UsageError where it is not on PATH outside of the
    repository.
    """
    program = chosen(choice)
    name = program.argv[0]
    path = programs.find(name, os.environ.get("PATH", ""))
    if path is None or not os.path.isfile(path):
        raise errors.UsageError(
            f"the program of the agent '{program.name}' is not there: {sentences.quoted(name)}",
            "install it, or choose another one: git orch exec --agent NAME",
        )
    keys = agents.keys(program, user_settings.agentKey)
    return Installed(program, path, tuple(dict.fromkeys(_places(path))), keys)


def launcher_of(launcher: Launcher, installed: Installed, user_settings: Settings) -> Launcher:
    """The launcher that starts the program with what it gets. Raises UsageError for a key that is
    named and not set.
    """
    given = secrecy.all_variables()
    secret = secrecy.keys()
    values: dict[str, str] = dict(installed.program.variables)
    for name in installed.keys:
        if name == _HELPED and name not in given and name not in secret:
            command = user_settings.keyCommand
            if command is not None:
                key_helper.take_key(command)
                secret = secrecy.keys()
        value = secret.get(name, given.get(name))
        if value is None:
            raise errors.UsageError(
                f"'orch.agentKey' names '{name}', which is not set", f"export {name}=..."
            )
        values[name] = value
    home = os.path.realpath(launcher.home)
    places = [place for place in installed.places if not _holds(place, home)]
    return replace(
        launcher,
        source={**launcher.source, **values},
        extra=(*launcher.extra, *values),
        readable=(*launcher.readable, *places),
        hear=None,
    )


def secret_values(installed: Installed) -> tuple[str, ...]:
    """The values of the keys that the program gets: whatever their names, they are secrets."""
    given = {**secrecy.all_variables(), **secrecy.keys()}
    values = (given.get(name, "") for name in installed.keys if not name.endswith("_URL"))
    return tuple(value for value in values if value)


def _holds(place: Path, home: str) -> bool:
    """Whether showing a place would show the home directory."""
    return Path(home).is_relative_to(os.path.realpath(place))


def _places(path: str) -> Iterator[Path]:
    """The places of the host that a program is made of, and its interpreter, and that of this."""
    files = [path]
    for _ in range(_DEPTH):
        for file in files:
            yield from _places_of(file)
        files = [
            interpreter for file in files for interpreter in _interpreters(os.path.realpath(file))
        ]


def _places_of(path: str) -> Iterator[Path]:
    """The places that one file is made of: its package, its environment, itself."""
    real = os.path.realpath(path)
    before, modules, _ = real.partition(f"/{_MODULES}/")
    environment = os.path.dirname(os.path.dirname(path))
    if modules:
        yield Path(before, _MODULES)
    elif os.path.isfile(os.path.join(environment, "pyvenv.cfg")):
        yield Path(environment)
    else:
        yield Path(real)
    if os.path.basename(real).startswith("python"):
        yield from _python(real)


def _interpreters(script: str) -> Iterator[str]:
    """The interpreter of a script, by its first line."""
    try:
        with open(script, "rb") as file:
            first = file.readline(_FIRST_LINE)
    except OSError:
        return
    if not first.startswith(b"#!"):
        return
    words = os.fsdecode(first[2:]).split()
    name = _named(words)
    interpreter = programs.find(name, os.environ.get("PATH", "")) if name else None
    if interpreter is not None and os.path.isfile(interpreter):
        yield interpreter


def _named(words: Sequence[str]) -> str | None:
    """The interpreter of a first line, also behind env(1)."""
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    return words[0] if words else None


def _python(real: str) -> Iterator[Path]:
    """The installation of a Python, whose library lies beside its program."""
    prefix = os.path.dirname(os.path.dirname(real))
    if os.path.isdir(os.path.join(prefix, "lib")) and prefix not in ("/", "/usr"):
        yield Path(prefix)
