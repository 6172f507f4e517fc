"""Commands of steps and checks, as they are written in a plan."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_orch.flow.machine.sandbox import boundary
from git_orch.plans.plan import Command
from git_orch.repo.repository import discover
from git_orch.sandbox.process.outcome import Outcome
from git_orch.sandbox.walls import launcher

if TYPE_CHECKING:
    from conftest import Repo

LONG = 60.0  # seconds


def shell(text: str) -> Command:
    """A command that a plan gives as shell text."""
    return Command(shell=text)


def launch(command: Command, worktree: Path, source: dict[str, str] | None = None) -> Outcome:
    """How a command of a plan ended."""
    started = launcher.Launcher(
        {"PATH": os.environ["PATH"], **(source or {})}, home=worktree.parent
    )
    return started.run(command, worktree=worktree, timeout=LONG)


def test_argv_runs_without_a_shell(tmp_path: Path) -> None:
    assert (
        launch(Command(argv=("printf", "%s|", "$HOME", "a b", ";", "-rf")), tmp_path).output
        == b"$HOME|a b|;|-rf|"
    )


def test_shell_text_runs_in_bash(tmp_path: Path) -> None:
    assert launch(shell("x=(1 2 3); echo ${#x[@]} | cat"), tmp_path).output == b"3\n"


def test_bash_reads_no_file_of_the_user(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name in (".bashrc", ".bash_profile", ".profile"):
        (tmp_path / name).write_text("echo planted\n")
    source = {"BASH_ENV": str(tmp_path / ".bashrc"), "ENV": str(tmp_path / ".bashrc")}
    assert launch(shell("echo mine"), work, source).output == b"mine\n"


def test_the_status_is_the_one_of_the_command(tmp_path: Path) -> None:
    assert launch(shell("exit 42"), tmp_path).status == 42


@pytest.mark.parametrize("name", ["no-such-program", "./no-such-program", "/no/such/program", ""])
def test_a_missing_program_ends_with_127(name: str, tmp_path: Path) -> None:
    outcome = launch(Command(argv=(name, "x")), tmp_path)
    assert (outcome.status, outcome.reason) == (127, "exited")
    assert outcome.excerpt(1000) == f"{name}: command not found\n"


@pytest.mark.parametrize(
    "argv",
    [("echo", "a\0b"), ("echo", "\ud800"), ("./plain",), ("echo", "x" * 3_000_000)],
    ids=["NUL", "not text", "not executable", "too long"],
)
def test_what_cannot_be_started_ends_with_126(argv: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    outcome = launch(Command(argv=argv), tmp_path)
    assert (outcome.status, outcome.reason) == (126, "exited")
    assert outcome.total > 0


def test_the_message_is_in_the_output_file_too(tmp_path: Path) -> None:
    path = tmp_path / "output"
    started = launcher.Launcher({"PATH": os.environ["PATH"]}, home=tmp_path)
    started.run(Command(argv=("nothing-here",)), worktree=tmp_path, timeout=LONG, output_path=path)
    assert path.read_text() == "nothing-here: command not found\n"


def test_a_program_of_the_worktree_runs_when_it_is_named_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho from the worktree\n")
    (tmp_path / "tool").chmod(0o755)
    assert launch(Command(argv=("./tool",)), tmp_path).output == b"from the worktree\n"


def test_a_program_of_the_worktree_never_stands_in_for_another(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho planted\n")
    (tmp_path / "git").chmod(0o755)
    outcome = launch(
        Command(argv=("git", "--version")), tmp_path, {"PATH": f"{tmp_path}:.:{os.environ['PATH']}"}
    )
    assert outcome.output.startswith(b"git version")


@pytest.mark.parametrize("command", [Command(argv=("env",)), shell("env; cat /proc/self/environ")])
def test_no_key_reaches_a_command(command: Command, tmp_path: Path) -> None:
    """S1-143: what `env` and the command's own /proc entry show."""
    secrets = {"ANTHROPIC_API_KEY": "CANARY1", "GITHUB_TOKEN": "CANARY2", "FOO_PASSWORD": "CANARY3"}
    outcome = launch(command, tmp_path, secrets)
    assert outcome.total > 0
    assert b"CANARY" not in outcome.output


@pytest.mark.parametrize(("option", "most"), [("-c", 0), ("-f", 1024 * 1024), ("-n", 4096)])
def test_limits_hold_inside_a_command(option: str, most: int, tmp_path: Path) -> None:
    assert int(launch(shell(f"ulimit {option}"), tmp_path).output) <= most


def test_a_script_with_git_has_the_limits_of_a_command(repo: Repo) -> None:
    started = boundary(discover(repo.path)).launcher
    program = Command(argv=("cat", "/proc/self/limits"))
    expected = started.run(program, worktree=repo.path, timeout=LONG)
    shown = started.git_tool(
        script=("cat /proc/self/limits",),
        worktree=repo.path,
        variables={},
        writable=(),
        timeout=LONG,
    )
    assert b"Max core file size        0 " in shown.output
    assert shown.output == expected.output


def test_a_file_larger_than_the_limit_is_not_written(tmp_path: Path) -> None:
    outcome = launch(shell("truncate -s 1T big"), tmp_path)
    assert outcome.status != 0
    assert (tmp_path / "big").stat().st_size == 0


@pytest.mark.parametrize(
    "command",
    [
        Command(argv=("cat",)),
        shell("read x"),
        Command(argv=("python3", "-c", "input()")),
        Command(argv=("git", "commit", "--allow-empty")),
        Command(argv=("git", "-p", "log")),
        shell("$PAGER README.md"),
        Command(argv=("git", "clone", "https://127.0.0.1:1/x")),
    ],
    ids=Command.text,
)
def test_no_command_waits_for_a_person(command: Command, repo: Repo) -> None:
    """A16: an end of input or an error, never a prompt."""
    assert launch(command, repo.path).reason == "exited"


def test_git_finds_the_repository_it_runs_in(repo: Repo) -> None:
    outcome = launch(
        Command(argv=("git", "log", "--format=%s")), repo.path, {"GIT_DIR": "/nowhere"}
    )
    assert outcome.output == b"first\n"


def test_a_timeout_is_reported_with_what_was_written(tmp_path: Path) -> None:
    """S1-141"""
    started = launcher.Launcher({"PATH": os.environ["PATH"]}, home=tmp_path)
    outcome = started.run(shell("echo partial; sleep 60 | cat"), worktree=tmp_path, timeout=0.3)
    assert outcome.reason == "timeout"
    assert outcome.output.startswith(b"partial\n")


def test_an_event_that_is_set_already_stops_at_once(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    started = launcher.Launcher({"PATH": os.environ["PATH"]}, home=tmp_path)
    assert (
        started.run(shell("sleep 60"), worktree=tmp_path, timeout=LONG, stop=stop).reason
        == "stopped"
    )


def test_without_prlimit_commands_still_run(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    for name in ("bash", "true"):
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}")
    outcome = launch(shell("true && echo ok"), tmp_path / "work", {"PATH": f"{tmp_path}/bin"})
    assert outcome.output == b"ok\n"


def test_without_bash_shell_text_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    outcome = launch(shell("true"), tmp_path / "work", {"PATH": f"{tmp_path}/bin"})
    assert (outcome.status, outcome.output) == (127, b"bash: command not found\n")
