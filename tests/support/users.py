"""Whom tests can be: root is also an ordinary user; an ordinary user is only that."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import git_orch

STRANGER = 31337  # a user ID that nobody has
USERS = [0, STRANGER] if os.geteuid() == 0 else [os.geteuid()]
_PACKAGE = Path(git_orch.__file__).parent
# Modules outside of git_orch.sandbox that it uses.
_USED = (
    "__init__.py", "checkpoints.py", "errors.py",
    *(f"plans/{module.name}" for module in sorted((_PACKAGE / "plans").glob("*.py"))),
)  # fmt: skip
# One that all may run.
PYTHON = next(path for path in ("/usr/bin/python3", sys.executable) if os.path.exists(path))


def name(user: int) -> str:
    """For the names of tests."""
    return "root" if user == 0 else "ordinary user"


def as_user(user: int) -> list[str]:
    """What goes in front of a command to run it as that user, with that user's rights alone."""
    if user == os.geteuid():
        return []
    return ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", "--"]


def give_name(directory: Path, patch: pytest.MonkeyPatch) -> None:
    """Let ssh-keygen know whoever runs the tests: it works for nobody whose user ID has no name."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        known = directory / "ssh-keygen"
        real = shlex.quote(shutil.which("ssh-keygen") or "ssh-keygen")
        known.write_text(f'#!/bin/sh\nexec unshare --map-root-user -- {real} "$@"\n')
        known.chmod(0o755)
        patch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")


@contextmanager
def directory_of(user: int) -> Iterator[Path]:
    """A directory that the user owns, below no directory that is closed to him."""
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, user, user if user == STRANGER else -1)
        yield Path(place)


def give_sandbox(directory: Path) -> None:
    """Put a copy of git_orch.sandbox, and of the modules that it uses, into a directory: a checkout
    may be closed to other users.
    """
    source = Path(git_orch.__file__).parent
    shutil.copytree(
        source / "sandbox",
        directory / "git_orch/sandbox",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (directory / "git_orch/plans").mkdir()
    for name in _USED:
        shutil.copy(source / name, directory / "git_orch" / name)
