"""A test of the sandbox and of the machine around it, in a scratch repository."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from git_orch.agents import spans
from git_orch.flow.machine import installed, machine, shares
from git_orch.flow.machine import sandbox as confinement
from git_orch.plans import sentences
from git_orch.plans.plan import Command
from git_orch.repo import git as gits
from git_orch.repo import places, repository, settings
from git_orch.repo.places import state_directory
from git_orch.repo.repository import Repository
from git_orch.repo.settings import Settings
from git_orch.repo.worktree import enclosed
from git_orch.sandbox import private, probes
from git_orch.sandbox.probes import Answer, Place
from git_orch.sandbox.process import tools
from git_orch.sandbox.shares import choice
from git_orch.sandbox.walls import environment, sandboxes
from git_orch.sandbox.walls.launcher import Launcher

_MOST_FILES = 100  # of the home directory that are tried
_INNER = (".ssh", ".gnupg", ".aws", ".config/gh", ".docker", ".kube")  # where people keep keys
_PERSON = dict.fromkeys(
    ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), "doctor"
)


def answers(around: Repository | None) -> Iterator[Answer]:
    """Test the protections for plans of a repository, or of none. Takes a second or two.

    Raises UsageError for a value that a setting cannot have.
    """
    with make_scratch() as (scratch, place):
        in_force = settings.of_user(around or scratch)
        yield from sandbox_answers(scratch, in_force, place)
    yield probes.probe_keys()
    yield git_version(_git_version_line())
    yield policy()
    yield from telemetry(os.environ)
    yield from weakening_settings(in_force)
    yield from ([] if around is None else ineffective_settings(around))
    yield from shared_directories(around or scratch, in_force)
    yield from installed.answers(os.environ)


@contextlib.contextmanager
def make_scratch() -> Iterator[tuple[Repository, Place]]:
    """A repository with a linked worktree, where plans have theirs: removed afterwards."""
    base = state_directory()
    try:
        private.make_directory(base)
        directory = Path(tempfile.mkdtemp(prefix="doctor-", dir=base))
    except OSError as error:
        raise repository.unwritable(error, base) from error
    try:
        yield _make_repository(directory)
    finally:
        enclosed.discard(directory)


def _make_repository(directory: Path) -> tuple[Repository, Place]:
    source = gits.environment(os.environ)  # without what says where the user's repository is
    init = gits.start(
        ["git", "init", "-q", "--template=", "repository"], source, str(directory), None
    )
    if init.status != 0:
        raise gits.failure("init", init.status, init.stderr.decode("utf-8", "replace"))
    repo = repository.discover(directory / "repository", source)
    tree = repo.git.run("mktree", stdin=b"").decode().strip()
    commit = repo.git.run("commit-tree", "-m", "doctor", tree, variables=_PERSON).decode().strip()
    worktree = directory / "worktree"
    repo.git.run("worktree", "add", "-q", "--detach", str(worktree), commit)
    return repo, Place(directory, worktree, repo.common_dir)


# -- the sandbox -----------------------------------------------------------------------------------


def sandbox_answers(scratch: Repository, in_force: Settings, place: Place) -> Iterator[Answer]:
    """Test the sandbox, and its walls and limits with a command inside it."""
    try:
        plain = confinement.launcher(scratch, in_force)
        launcher = replace(plain, checkout=places.checkout(scratch))
    except sandboxes.NoSandbox as refused:
        hint = refused.hint if refused.trouble is None else sandboxes.advice(refused.trouble)
        yield Answer("sandbox", "no", f"{refused.cause}; nothing is run", hint)
        return
    yield _sandbox(launcher)
    launcher = confinement.with_shares(launcher, scratch, in_force)
    yield from probes.probe_walls(launcher, place, _home_files(launcher))
    yield probes.probe_repositories(launcher, place)
    yield probes.probe_sockets(launcher, place)
    yield probes.probe_second_wall(launcher, place.worktree)
    if not choice.of_values(in_force.share, "").nothing:
        yield probes.probe_copies(launcher, place)
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
    instead = getattr(sandbox, "instead", None)
    which = f", which came with git-orch: {instead}" if instead else ""
    return Answer("sandbox", "ok", f"{sandbox.name} {_version(launcher)}".rstrip() + which)


def _version(launcher: Launcher) -> str:
    program = getattr(launcher.sandbox, "program", "")  # Seatbelt is a part of macOS and has none
    if not program:
        return ""
    answer = tools.capture(
        [program, "--version"], env={"PATH": environment.DEFAULT_PATH}
    ).stdout.decode()
    number = re.search(r"\d+(\.\d+)+", answer)
    return f"{number[0] if number else ''} ({program})"


def _home_files(launcher: Launcher) -> list[Path]:
    """Files of the user's home that no setting shows to commands."""
    home = environment.home(os.environ)
    files: list[Path] = []
    for directory in [home, *(home / name for name in _INNER)] if home is not None else []:
        with contextlib.suppress(OSError):
            files += sorted(
                path
                for path in directory.iterdir()
                if _is_plain(path) and not _is_shown(path, launcher)
            )
    return files[:_MOST_FILES]


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode) and os.access(path, os.R_OK)


def _is_shown(path: Path, launcher: Launcher) -> bool:
    return any(path.is_relative_to(shown) for shown in launcher.readable)


# -- the rest of the machine -----------------------------------------------------------------------


def _git_version_line() -> str:
    return (
        gits.start(["git", "--version"], dict(os.environ), None, None)
        .stdout.decode("utf-8", "replace")
        .strip()
    )


def git_version(line: str) -> Answer:
    """Whether git, which says `git version 2.39.5`, is new enough."""
    number = re.search(r"(\d+)\.(\d+)(\.\d+)*", line)
    if number is None or [int(number[1]), int(number[2])] < [
        int(part) for part in gits.OLDEST.split(".")
    ]:
        return Answer(
            "git",
            "no",
            f"{line or 'git tells no version'}: {gits.OLDEST} or newer is needed",
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
        seen = f"it says {' and '.join(verdicts)} where it must allow and deny"
        return Answer("policy", "no", seen, "git orch allow --list")
    return Answer("policy", "ok", "command lines are parsed")


def telemetry(environment: Mapping[str, str]) -> Iterator[Answer]:
    """Whether the exporters of spans and metrics work that the environment names."""
    names = {name for signal in spans.SIGNALS for name in spans.exporters(environment, signal)}
    if not names:
        return
    from git_orch.agents import otel

    missing = otel.unusable(environment)
    if missing:
        seen = f"nothing is installed for the exporter {sentences.quoted_names(missing)}"
        hint = "install git-orch with its extra: git-orch[otel]"
        yield Answer("telemetry", "note", seen, hint)
    else:
        exported = sentences.quoted_names(sorted(names))
        yield Answer("telemetry", "ok", f"spans and metrics go to the exporter {exported}")


def _verdicts(*lines: str) -> list[str]:
    from git_orch.sandbox.policy import decision, whitelist

    programs = whitelist.of(machine.find_present(Path(os.sep), None))
    return [decision.decide(Command(shell=line), programs).decision for line in lines]


# -- settings and pages ----------------------------------------------------------------------------


def weakening_settings(in_force: Settings) -> Iterator[Answer]:
    """The user's own settings that show more to commands."""
    for path in in_force.readable:
        yield Answer(
            "settings", "note", f"orch.readable shows {sentences.quoted(path)} to commands"
        )
    for name in in_force.environment:
        yield Answer("settings", "note", f"orch.environment passes {name} on to commands")


def shared_directories(around: Repository, in_force: Settings) -> Iterator[Answer]:
    """What commands see of the checkout's dependencies and of the user's tools."""
    if in_force.sandbox == sandboxes.NONE:
        return
    shared = shares.of(around, in_force)
    yield Answer("shared", "ok", shared.text() or "nothing")
    if shared.tools.hidden:
        yield Answer("shared", "note", shared.hidden_text())


def ineffective_settings(around: Repository) -> Iterator[Answer]:
    """Settings that somebody wrote where they do not count."""
    for name in dict.fromkeys(settings.ineffective(around)):
        hint = f"git config --global {name} VALUE, if it is what you want"
        yield Answer(
            "settings", "note", f"{name} of the repository's own configuration does not count", hint
        )
