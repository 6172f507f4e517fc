"""Files that installers put where man and the shells do not look: pages and completions."""

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

_DIRECTORY = Path(git_orch.__file__).parent / "views" / "completion"
_COMPLETION = _DIRECTORY / "git-orch"
_DATA = "/usr/local/share:/usr/share"  # $XDG_DATA_DIRS, by the XDG Base Directory Specification
_STARTS = (".bashrc", ".bash_profile", ".profile", ".bash_completion")
_ZSH = "_git-orch"
_FISH_QUESTION = "complete -C 'git orch statu'"
_PATIENCE = 5.0  # seconds, for what a user has their shell do at its start
_ZSH_STARTS = (".zshrc", ".zprofile", ".zshenv")
_ZSH_DIRECTORIES = ("zsh/site-functions", "zsh/vendor-completions")


def answers(variables: Mapping[str, str]) -> Iterator[Answer]:
    """Whether the manual and the completion are found, and the line that helps where not."""
    yield man_pages(variables)
    yield bash_completion(variables)
    if programs.find("zsh", variables.get("PATH", "")) is not None:
        yield zsh_completion(variables)
    fish = programs.find("fish", variables.get("PATH", ""))
    if fish is not None:
        yield fish_completion(fish, variables)


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
    hint = f"in ~/.bashrc: . {shlex.quote(str(_COMPLETION))}"
    return Answer("completion", "note", "bash does not find it by itself", hint)


def zsh_completion(variables: Mapping[str, str]) -> Answer:
    """Whether zsh finds the completion: in the directories that zsh has from the start, or because a
    file that it starts with names its directory.
    """
    home = environment.home(variables)
    start = Path(variables.get("ZDOTDIR") or home or "/")
    texts = "\n".join(_text(start / name) for name in _ZSH_STARTS)
    own = variables.get("XDG_DATA_HOME") or f"{home}/.local/share"
    for directory in (str(_DIRECTORY), f"{own}/zsh/site-functions"):
        shown = directory.replace(f"{home}/", "")  # people write ~/ or $HOME/ before it
        if shown in texts and Path(directory, _ZSH).is_file():
            return Answer("completion-zsh", "ok", f"{directory}/{_ZSH} (by {start})")
    shared = [f"{data}/{name}" for data in _DATA.split(":") for name in _ZSH_DIRECTORIES]
    for directory in (*variables.get("FPATH", "").split(":"), *shared):
        if directory and Path(directory, _ZSH).is_file():
            return Answer("completion-zsh", "ok", f"{directory}/{_ZSH}")
    line = f"fpath=({shlex.quote(str(_DIRECTORY))} $fpath)"
    hint = f"in ~/.zshrc, before compinit: {line}"
    return Answer("completion-zsh", "note", "zsh does not find it by itself", hint)


def fish_completion(fish: str, variables: Mapping[str, str]) -> Answer:
    """Whether fish completes `git orch`: fish itself answers."""
    with contextlib.suppress(TimeoutError):
        asked = tools.capture([fish, "-c", _FISH_QUESTION], env=variables, timeout=_PATIENCE)
        if asked.stdout.startswith(b"status\t"):
            return Answer("completion-fish", "ok", "fish finds it")
    line = f"source {shlex.quote(str(_DIRECTORY / 'git-orch.fish'))}"
    hint = f"in ~/.config/fish/config.fish: {line}"
    return Answer("completion-fish", "note", "fish does not find it by itself", hint)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


def _completions(variables: Mapping[str, str]) -> Iterator[Path]:
    """Where bash-completion looks, in its order."""
    home = environment.home(variables)
    own = variables.get("XDG_DATA_HOME") or (f"{home}/.local/share" if home is not None else "")
    users = variables.get("BASH_COMPLETION_USER_DIR")
    for directory in users.split(os.pathsep) if users else [f"{own}/bash-completion"]:
        yield Path(directory, "completions")
    for directory in (variables.get("XDG_DATA_DIRS") or _DATA).split(os.pathsep):
        yield Path(directory, "bash-completion", "completions")
