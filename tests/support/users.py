"""Whom tests can be: root is also an ordinary user; an ordinary user is only that."""

from __future__ import annotations

import functools
import os
import pwd
import shlex
import shutil
import subprocess
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
    "__init__.py", "checkpoints.py", "errors.py", "notices.py",
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


@functools.cache
def compiled() -> Path:
    """A copy of git_orch, compiled for PYTHON: whoever may not write beside the sources would
    compile them again at each start.
    """
    place = tempfile.TemporaryDirectory()
    _copies.append(place)
    package = Path(place.name) / "git_orch"
    shutil.copytree(_PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([PYTHON, "-m", "compileall", "-q", package], check=True)
    return package


_copies: list[tempfile.TemporaryDirectory[str]] = []  # gone when the tests are


def give_sandbox(directory: Path) -> None:
    """Put a copy of git_orch.sandbox, and of the modules that it uses, into a directory: a checkout
    may be closed to other users.
    """
    source, target = compiled(), directory / "git_orch"
    shutil.copytree(source / "sandbox", target / "sandbox")
    for name in _USED:
        path = Path(name)
        cached = path.parent / "__pycache__"
        (target / cached).mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / path, target / path)
        for code in (source / cached).glob(f"{path.stem}.*.pyc"):
            shutil.copy2(code, target / cached)
