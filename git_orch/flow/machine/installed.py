"""What installers put where man and bash do not look: the pages, and the completion."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import git_orch
from git_orch.sandbox.probes import Answer
from git_orch.sandbox.process import programs, tools
from git_orch.sandbox.walls import environment

_COMPLETION = Path(git_orch.__file__).parent / "views" / "completion" / "git-orch"
_DATA = "/usr/local/share:/usr/share"  # $XDG_DATA_DIRS, by the XDG Base Directory Specification
_STARTS = (".bashrc", ".bash_profile", ".profile", ".bash_completion")


def answers(variables: Mapping[str, str]) -> Iterator[Answer]:
    """Whether the manual and the completion are found, and the line that helps where not."""
    yield man_pages(variables)
    yield bash_completion(variables)


def man_pages(variables: Mapping[str, str]) -> Answer:
    """Whether man finds the pages; *git orch help* works without them."""
    man = programs.find("man", variables.get("PATH", ""))
    if man is None:
        return Answer("man", "note", "there is no man here", "git orch help")
    answer = tools.capture([man, "-w", "git-orch"], env=variables)
    if answer.status == 0:
        return Answer("man", "ok", answer.stdout.decode("utf-8", "replace").strip())
    pages = Path(sys.prefix) / "share" / "man"
    if not (pages / "man1" / "git-orch.1").is_file():
        return Answer("man", "note", "man does not find the pages", "git orch help")
    return Answer("man", "note", "man does not find the pages", f'export MANPATH="{pages}:"')


def bash_completion(variables: Mapping[str, str]) -> Answer:
    """Whether bash finds the completion: in the directories of bash-completion, or because a file
    that bash starts with names it.
    """
    for directory in _completions(variables):
        if (directory / _COMPLETION.name).is_file():
            return Answer("completion", "ok", str(directory / _COMPLETION.name))
    home = environment.home(variables)
    for start in [home / name for name in _STARTS] if home is not None else []:
        with contextlib.suppress(OSError):
            if str(_COMPLETION) in start.read_text("utf-8", "replace"):
                return Answer("completion", "ok", f"{_COMPLETION} (by {start})")
    line = f". {shlex.quote(str(_COMPLETION))}"
    return Answer("completion", "note", "bash does not find it by itself", f"in ~/.bashrc: {line}")


def _completions(variables: Mapping[str, str]) -> Iterator[Path]:
    """Where bash-completion looks, in its order."""
    home = environment.home(variables)
    own = variables.get("XDG_DATA_HOME") or (f"{home}/.local/share" if home is not None else "")
    users = variables.get("BASH_COMPLETION_USER_DIR")
    for directory in users.split(os.pathsep) if users else [f"{own}/bash-completion"]:
        yield Path(directory, "completions")
    for directory in (variables.get("XDG_DATA_DIRS") or _DATA).split(os.pathsep):
        yield Path(directory, "bash-completion", "completions")
