"""Doors to processes: what can start one is named in three modules only, and used nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import git_orch

PACKAGE = Path(git_orch.__file__).parent
DOORS = {
    "sandbox/process/command.py",  # the commands of steps and checks
    "sandbox/process/tools.py",  # git and other tools of ours
    "sandbox/process/guard.py",  # is started by what it guards against dying
}
MODULES = {
    "subprocess",
    "multiprocessing",
    "pty",
    "asyncio",
    "_posixsubprocess",
    "concurrent.futures.process",
}
FUNCTIONS = {"system", "popen", "fork", "forkpty", "startfile", "ProcessPoolExecutor", "__import__"}
PREFIXES = ("exec", "spawn", "posix_spawn")


def starters(source: str) -> Iterator[str]:
    """What in a module could start a process."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names):
                yield from (each.name for each in names if each.name in MODULES)
            case ast.ImportFrom(module, names):
                if module in MODULES:
                    yield str(module)
                yield from (each.name for each in names if module == "os" and _starts(each.name))
            case ast.Attribute(ast.Name("os"), name) if _starts(name):
                yield f"os.{name}"
            case ast.Name(name) | ast.Attribute(_, name) if name in {
                "exec",
                "ProcessPoolExecutor",
                "__import__",
            }:
                yield name


def _starts(name: str) -> bool:
    return name in FUNCTIONS or name.startswith(PREFIXES)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_other_module_starts_a_process(path: Path) -> None:
    if str(path.relative_to(PACKAGE)) not in DOORS:
        assert list(starters(path.read_text())) == []


@pytest.mark.parametrize("door", sorted(DOORS))
def test_the_doors_are_seen(door: str) -> None:
    assert list(starters((PACKAGE / door).read_text()))


@pytest.mark.parametrize(
    "source",
    ["import subprocess", "from subprocess import run", "import os; os.system('x')", "from os import execv",
     "os.fork()", "exec('x')", "__import__('subprocess')", "futures.ProcessPoolExecutor()"],
)  # fmt: skip
def test_every_way_to_start_one_is_seen(source: str) -> None:
    assert list(starters(source))
