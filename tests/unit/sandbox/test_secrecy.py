"""Keys that no other process of the same user can read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_orch.sandbox import secrecy

CANARY = "canary-5d1c0a7e"
PLAIN = "an-ordinary-value"
SANDBOX = Path(secrecy.__file__).parent
PYTHON = next(path for path in ("/usr/bin/python3", sys.executable) if os.path.exists(path))
STRANGER = 31337  # a user ID that nobody has
USERS = [0, STRANGER] if os.geteuid() == 0 else [os.geteuid()]

HIDING = """
import os, sys
sys.path.insert(0, sys.argv[1])
import secrecy
print(secrecy.hide(["LLM_KEY", "NOT_SET"]), "LLM_KEY" in os.environ, os.environ["PLAIN"], flush=True)
if sys.stdin.readline():
    import ctypes
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: readable again
    print("open", flush=True)
    sys.stdin.readline()
"""


def as_user(user: int) -> list[str]:
    """What goes in front of a command to run it as that user, with that user's rights alone."""
    if user == os.geteuid():
        return []
    return ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", "--"]


@pytest.fixture
def modules() -> Iterator[Path]:
    """The module where every user can import it."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)  # noqa: S103 - the other user reads it
        shutil.copy(SANDBOX / "secrecy.py", place)
        yield Path(place)


@pytest.fixture(params=USERS, ids=lambda user: "root" if user == 0 else "ordinary user")
def hiding(
    request: pytest.FixtureRequest, modules: Path
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A program that has hidden its key and waits, and its user."""
    variables = {"PATH": os.environ["PATH"], "BEFORE": "1", "LLM_KEY": CANARY, "PLAIN": PLAIN}
    with subprocess.Popen(
        [*as_user(request.param), PYTHON, "-B", "-c", HIDING, str(modules)],
        env=variables, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as program:  # fmt: skip
        yield request.param, program


def said(program: subprocess.Popen[str]) -> str:
    """The line that tells that the key is hidden."""
    assert program.stdout is not None
    return program.stdout.readline().strip()


def test_the_value_is_given_back_and_not_inherited(
    hiding: tuple[int, subprocess.Popen[str]],
) -> None:
    assert said(hiding[1]) == f"{{'LLM_KEY': '{CANARY}'}} False {PLAIN}"


def test_the_process_table_does_not_show_the_key_to_its_user(
    hiding: tuple[int, subprocess.Popen[str]],
) -> None:
    user, program = hiding
    said(program)
    read = subprocess.run(
        [*as_user(user), "cat", f"/proc/{program.pid}/environ"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert CANARY not in read.stdout
    assert (read.returncode == 0) == (user == 0)


def test_the_bytes_themselves_are_gone(hiding: tuple[int, subprocess.Popen[str]]) -> None:
    """Whoever may read the file nevertheless finds the other variables only."""
    user, program = hiding
    said(program)
    assert program.stdin is not None
    program.stdin.write("open\n")
    program.stdin.flush()
    said(program)
    read = subprocess.run(
        [*as_user(user), "cat", f"/proc/{program.pid}/environ"], capture_output=True, check=True
    )
    entries = read.stdout.split(b"\0")
    assert f"PLAIN={PLAIN}".encode() in entries
    assert not any(CANARY.encode() in entry or entry.startswith(b"LLM_KEY") for entry in entries)


def test_the_memory_is_closed_to_other_processes_of_the_user(
    hiding: tuple[int, subprocess.Popen[str]],
) -> None:
    user, program = hiding
    said(program)
    opened = subprocess.run(
        [*as_user(user), "head", "-c0", f"/proc/{program.pid}/mem"],
        capture_output=True,
        check=False,
    )
    assert (opened.returncode == 0) == (user == 0)


def test_a_variable_that_was_set_later_is_taken_too() -> None:
    variables = {"A": "1", "LC_ALL": "C.UTF-8"}
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import secrecy, os; os.environ['KEY'] = 'x'; "
    )
    script += "print(secrecy.hide(iter(['KEY'])), os.getenv('KEY'), sorted(os.environ))"
    done = subprocess.run(
        [PYTHON, "-B", "-c", script, str(SANDBOX)],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "{'KEY': 'x'} None ['A', 'LC_ALL']"


def test_a_command_that_is_not_trusted_finds_our_memory_closed_without_a_key_as_well() -> None:
    script = """
import ctypes
from pathlib import Path
from git_orch.sandbox.process import command, limits
dumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
print(dumpable())
command.run(["true"], env={}, cwd=Path("/"), bounds=limits.Bounds(60))
print(dumpable())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "0"]
