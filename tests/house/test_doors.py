"""Doors to processes: what can start one is named in three modules only, and used nowhere else."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

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
ALLOWED = {
    "cli/main.py": ["os.execv"],  # the entry begins itself again, in UTF-8
    "agents/agent_client.py": ["asyncio"],  # for pipes that are open
    "cli/acp_server.py": ["asyncio"],  # for the streams of an editor
    "cli/own_command.py": ["asyncio"],  # for a thread that waits for a command
}
FUNCTIONS = {"system", "popen", "fork", "forkpty", "startfile", "ProcessPoolExecutor", "__import__"}
PREFIXES = ("exec", "spawn", "posix_spawn")


class Module(NamedTuple):
    """What the tests look at in a module: `starters`, attributes of what by name, `recursive`."""

    starters: list[str]
    attributes: set[tuple[str, str]]
    recursive: set[str]


@functools.cache
def look(path: Path) -> Module:
    """Read a module, once for all tests."""
    nodes = nodes_of(path.read_text())
    attributes = {
        (_name(node.value), node.attr) for node in nodes if isinstance(node, ast.Attribute)
    }
    return Module(list(starters(nodes)), attributes, recursive(nodes))


def nodes_of(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


def starters(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """What in a module could start a process."""
    for node in nodes:
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
    module = str(path.relative_to(PACKAGE))
    if module not in DOORS:
        assert look(path).starters == ALLOWED.get(module, [])


@pytest.mark.parametrize(
    "module", ["agents/agent_client.py", "cli/own_command.py", "cli/acp_server.py"]
)
def test_a_user_of_asyncio_starts_nothing_by_it(module: str) -> None:
    names = {name for _, name in look(PACKAGE / module).attributes}
    assert not {name for name in names if "subprocess" in name or "child" in name}


@pytest.mark.parametrize("door", sorted(DOORS))
def test_the_doors_are_seen(door: str) -> None:
    assert look(PACKAGE / door).starters


@pytest.mark.parametrize(
    "source",
    ["import subprocess", "from subprocess import run", "import os; os.system('x')", "from os import execv",
     "os.fork()", "exec('x')", "__import__('subprocess')", "futures.ProcessPoolExecutor()"],
)  # fmt: skip
def test_every_way_to_start_one_is_seen(source: str) -> None:
    assert list(starters(nodes_of(source)))


TREES = "sandbox/trees.py"  # walks and removes whatever commands left, however deep it is
WALKS = {"walk", "fwalk", "rmtree", "rglob", "TemporaryDirectory"}
# Directories that nobody but us and our git writes to, and not deep.
OWN_DIRECTORIES = {
    "repo/approval_signatures.py",
    "repo/objects/merge_attributes.py",
    "repo/objects/partial.py",
    "repo/worktree/half_moved.py",
}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_other_module_walks_trees(path: Path) -> None:
    module = str(path.relative_to(PACKAGE))
    used = {name for owner, name in look(path).attributes if owner != "trees"}
    allowed = {"TemporaryDirectory"} if module in OWN_DIRECTORIES else set[str]()
    assert module == TREES or used & WALKS <= allowed


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


# Functions that call themselves, and what bounds how often: never what others wrote alone.
# `loads._DEEPEST`: scripts that run scripts
LOADS = """
    line _command _make _makefile _module _package _python _script _scripts _scripts_of_text _shell
"""
RECURSIVE = {
    "agents/trace.py": {"cleaned"},  # JSON that the SDK has read: 200 levels
    "flow/move.py": {"reason"},
    "plans/approval.py": {"_differing", "_differing_lists"},  # documents: `document.MOST_LEVELS`
    "plans/documents/templates.py": {"_filled"},  # `source.MAX_DEPTH`
    "plans/file/emitter.py": {"_texts"},  # a plan: 6 levels
    "plans/file/schema.py": {"_without_titles", "_without_absent"},  # `source.MAX_DEPTH`
    "plans/history/events.py": {"_readable_value"},  # ours, and usage that the SDK has read
    "plans/history/status.py": {"tip_failures"},  # a property of the same name
    "plans/loads.py": set(LOADS.split()),
    "plans/phrases/matching.py": {"_readings"},  # the parts of a form of ours
    "repo/local/conversations.py": {"_clean"},  # JSON that the SDK has read: 200 levels
    "repo/objects/catfile.py": {"_read_many"},  # one more level
    "repo/worktree/ingest.py": {"changes"},  # a function of the same name
    "repo/worktree/snapshot.py": {"_taken"},  # each time without the files that it found unchanged
    "repo/worktree/standing.py": {"footprint"},  # a function of the same name
    "sandbox/policy/shell.py": {"_heredoc", "_redirect"},  # a redirection in a here-document
    "sandbox/policy/source.py": {"_piece", "_string"},  # strings in strings: 20,000 bytes
    "templates/template.py": {"_with_texts", "converted"},  # `source.MAX_DEPTH`, a schema of ours
}


def calls(nodes: Sequence[ast.AST]) -> dict[str, set[str]]:
    """By function, the functions of the module that it may call, by their bare names."""
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    names = {function.name for function in functions}
    called: dict[str, set[str]] = {name: set() for name in names}
    for function in functions:
        for node in ast.walk(function):
            match node:
                case ast.Call(ast.Name(name)) | ast.Call(
                    ast.Attribute(ast.Name("self" | "cls"), name)
                ):
                    called[function.name] |= {name} & names
    return called


def recursive(nodes: Sequence[ast.AST]) -> set[str]:
    """The functions that may call themselves, directly or through others of the module."""
    called = calls(nodes)
    again = set()
    for start in called:
        waiting, seen = [start], set[str]()
        while waiting:
            for name in called[waiting.pop()] - seen:
                seen.add(name)
                waiting.append(name)
        if start in seen:
            again.add(start)
    return again


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_what_calls_itself_is_bounded_by_more_than_what_others_wrote(path: Path) -> None:
    module = str(path.relative_to(PACKAGE))
    assert look(path).recursive <= RECURSIVE.get(module, set())


# Where commands of steps look for programs, inside of the sandbox or under its rules.
OF_COMMANDS = {
    "flow/attempt/dependencies.py",  # their files' times: none is started
    "flow/machine/command_policy.py",  # in the same directories
    "flow/planning/validate.py",
    "sandbox/capabilities.py",  # in the directories of the project that commands see
    "sandbox/walls/landlock.py",  # in the directories of the system alone
    "sandbox/walls/launcher.py",
}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_other_module_looks_for_programs_of_the_host(path: Path) -> None:
    module = str(path.relative_to(PACKAGE))
    finders = {("environment", "program"), ("shutil", "which")}
    looked = {name for _, name in look(path).attributes & finders}
    assert not looked or (module in OF_COMMANDS and looked == {"program"})


def test_every_trusted_tool_is_found_by_the_finder() -> None:
    tree = ast.parse((PACKAGE / "sandbox/process/tools.py").read_text())
    started = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "subprocess.Popen"
    ]
    assert [ast.unparse(argument) for argument in started] == ["_found(argv, env)"] * 4
