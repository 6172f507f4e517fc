"""What protects this machine from what plans run: tried in a scratch repository, told as one answer
a line.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from git_orch import errors
from git_orch.flow.machine import machine
from git_orch.flow.machine import sandbox as confinement
from git_orch.plans.plan import Command
from git_orch.repo import git as gits
from git_orch.repo import repository, settings
from git_orch.repo.places import state_directory
from git_orch.repo.repository import Repository
from git_orch.repo.settings import Settings
from git_orch.repo.worktree import enclosed
from git_orch.sandbox import probes
from git_orch.sandbox.probes import Answer, Place
from git_orch.sandbox.process import tools
from git_orch.sandbox.walls import environment, sandboxes
from git_orch.sandbox.walls.launcher import Launcher

_US = "git orch doctor"  # the hint of those who know that we know more
_MOST_FILES = 100  # of the home directory that are tried
_INNER = (".ssh", ".gnupg", ".aws", ".config/gh", ".docker", ".kube")  # where people keep keys
_PERSON = {
    f"GIT_{who}_{what}": "doctor" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


def answers(around: Repository | None) -> Iterator[Answer]:
    """What holds for plans of a repository, or of none. Takes a second or two.

    Raises UsageError for a value that a setting cannot have.
    """
    with scratch() as (found, place):
        in_force = settings.of_user(around or found)
        yield from confine(found, in_force, place)
    yield probes.probe_keys()
    yield git_version(_git_says())
    yield policy()
    yield from weakening(in_force)
    yield from ([] if around is None else without_effect(around))
    yield man_pages(os.environ.get("PATH", ""))


@contextlib.contextmanager
def scratch() -> Iterator[tuple[Repository, Place]]:
    """A repository with a linked worktree, where plans have theirs: removed afterwards."""
    base = state_directory()
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix="doctor-", dir=base))
    except OSError as failed:
        raise repository.unwritable(failed, base) from failed
    try:
        yield _repository(directory)
    finally:
        enclosed.discard(directory)


def _repository(directory: Path) -> tuple[Repository, Place]:
    source = gits.environment(os.environ)  # without what says where the user's repository is
    made = gits.start(
        ["git", "init", "-q", "--template=", "repository"], source, str(directory), None
    )
    if made.status != 0:
        raise gits.GitFailed("init", made.status, made.stderr.decode("utf-8", "replace"))
    found = repository.discover(directory / "repository", source)
    tree = found.git.run("mktree", stdin=b"").decode().strip()
    commit = found.git.run("commit-tree", "-m", "doctor", tree, variables=_PERSON).decode().strip()
    worktree = directory / "worktree"
    found.git.run("worktree", "add", "-q", "--detach", str(worktree), commit)
    return found, Place(directory, worktree, found.common_dir)


# -- the sandbox -----------------------------------------------------------------------------------


def confine(found: Repository, in_force: Settings, place: Place) -> Iterator[Answer]:
    """The sandbox, and what it holds against a command in it."""
    try:
        launcher = confinement.launcher(found, in_force)
    except errors.Refused as refused:
        hint = sandboxes.advice(refused.cause) if refused.hint == _US else refused.hint
        yield Answer("sandbox", "no", f"{refused.cause}; nothing is run", hint)
        return
    yield _sandbox(launcher)
    yield from probes.probe_walls(launcher, place, _home_files(launcher))
    yield probes.probe_process_limit(launcher, place.worktree)
    yield probes.probe_memory_limit(launcher, place.worktree)


def _sandbox(launcher: Launcher) -> Answer:
    sandbox = launcher.sandbox
    if not launcher.sandboxed:
        return Answer(
            "sandbox",
            "no",
            "orch.sandbox is none: commands run as you",
            "git config --global orch.sandbox auto",
        )
    return Answer("sandbox", "ok", f"{sandbox.name} {_version(launcher)}".rstrip())


def _version(launcher: Launcher) -> str:
    program = getattr(launcher.sandbox, "program", "")  # Seatbelt is a part of macOS and has none
    if not program:
        return ""
    said = tools.capture(
        [program, "--version"], env={"PATH": environment.DEFAULT_PATH}
    ).stdout.decode()
    number = re.search(r"\d+(\.\d+)+", said)
    return f"{number[0] if number else ''} ({program})"


def _home_files(launcher: Launcher) -> list[Path]:
    """Files of the user's home that commands have not been shown on purpose."""
    home = environment.home(os.environ)
    found: list[Path] = []
    for directory in [home, *(home / name for name in _INNER)] if home is not None else []:
        with contextlib.suppress(OSError):
            found += sorted(
                path
                for path in directory.iterdir()
                if _is_plain(path) and not _shown(path, launcher)
            )
    return found[:_MOST_FILES]


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode) and os.access(path, os.R_OK)


def _shown(path: Path, launcher: Launcher) -> bool:
    return any(path.is_relative_to(shown) for shown in launcher.readable)


# -- the rest of the machine -----------------------------------------------------------------------


def _git_says() -> str:
    return (
        gits.start(["git", "--version"], dict(os.environ), None, None)
        .stdout.decode("utf-8", "replace")
        .strip()
    )


def git_version(said: str) -> Answer:
    """Whether git, which says `git version 2.39.5`, is new enough."""
    number = re.search(r"(\d+)\.(\d+)(\.\d+)*", said)
    if number is None or [int(number[1]), int(number[2])] < [
        int(part) for part in gits.OLDEST.split(".")
    ]:
        return Answer(
            "git",
            "no",
            f"{said or 'git tells no version'}: {gits.OLDEST} or newer is needed",
            "update git",
        )
    return Answer("git", "ok", number[0])


def policy() -> Answer:
    """Whether the command policy can read a command line."""
    try:
        verdicts = _verdicts("ls -la", "ls; sudo ls")
    except ImportError as missing:
        hint = "reinstall git-orch, for example: python3 -m pip install --force-reinstall git-orch"
        return Answer("policy", "no", f"command lines cannot be parsed: {missing}", hint)
    if verdicts != ["allow", "deny"]:
        seen = f"it says {' and '.join(verdicts)} where it has to allow and to deny"
        return Answer("policy", "no", seen, "git orch allow --list")
    return Answer("policy", "ok", "command lines are parsed")


def _verdicts(*lines: str) -> list[str]:
    from git_orch.sandbox.policy import decision, whitelist

    known = whitelist.of(machine.present(Path(os.sep), None))
    return [decision.decide(Command(shell=line), known).decision for line in lines]


# -- settings and pages ----------------------------------------------------------------------------


def weakening(in_force: Settings) -> Iterator[Answer]:
    """What the user's own settings show to commands."""
    for path in in_force.readable:
        yield Answer("settings", "note", f"orch.readable shows '{path}' to commands")
    for name in in_force.environment:
        yield Answer("settings", "note", f"orch.environment passes {name} on to commands")


def without_effect(around: Repository) -> Iterator[Answer]:
    """Settings that somebody wrote where they do not count."""
    for name in dict.fromkeys(settings.without_effect(around)):
        hint = f"git config --global {name} VALUE, if it is what you want"
        yield Answer(
            "settings", "note", f"{name} of the repository's own configuration does not count", hint
        )


def man_pages(path: str) -> Answer:
    """Whether man finds the pages; *git orch help* works without them."""
    man = environment.program("man", path)
    if man is None:
        return Answer("man", "note", "there is no man here", "git orch help")
    told = tools.capture([man, "-w", "git-orch"], env=os.environ)
    if told.status == 0:
        return Answer("man", "ok", told.stdout.decode("utf-8", "replace").strip())
    pages = Path(sys.prefix) / "share" / "man"
    if not (pages / "man1" / "git-orch.1").is_file():
        return Answer("man", "note", "man does not find the pages", "git orch help")
    return Answer("man", "note", "man does not find the pages", f'export MANPATH="{pages}:"')
