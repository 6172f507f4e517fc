"""Ctrl-C, SIGTERM, and standard streams that are closed: one error, one hint, the right status, and
exec goes on.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import Repo, data, writing

# A command tells what is outside that it has begun.
pytestmark = pytest.mark.usefixtures("unsandboxed")
DIRECT = (sys.executable, "-m", "git_orch")


@pytest.fixture
def through_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """git-orch as people start it: git finds it on PATH, and passes on the signals that it gets
    itself.
    """
    program = tmp_path / "bin" / "git-orch"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.join(DIRECT)} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return ("git", "orch")


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """Where a step says that it has begun, with its process ID."""
    path = tmp_path / "ready"
    os.mkfifo(path)
    return path


def waiting(fifo: Path, *, in_check: bool) -> dict[str, object]:
    """A plan whose second step, or its check, says that it has begun and then waits until it is
    ended, once.
    """
    marker = fifo.with_name("second-time")
    command = f"test -e {marker} || {{ touch {marker}; echo $$ > {fifo}; exec sleep 600; }}"
    step = {"title": "Wait", "depends_on": [1]}
    how = {"run": "echo b > b.txt", "checks": [{"command": command}]} if in_check else {
        "run": f"echo b > b.txt; {command}"
    }  # fmt: skip
    return {"title": "Wait", "steps": [{"title": "Write a", "files": {"a.txt": "a\n"}}, step | how]}


def started(repo: Repo, program: Sequence[str], *args: str) -> subprocess.Popen[str]:
    """git-orch in a process group of its own, as a shell with job control starts it."""
    return subprocess.Popen(
        [*program, *args],
        cwd=repo.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def process_id(fifo: Path) -> int:
    """What the step wrote; waits until it has."""
    said = b""
    while not said:  # nothing was said by a writer that was cut off
        reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert select.select([reading], [], [], 120)[0], "the step has not begun"
            said = os.read(reading, 100)
        finally:
            os.close(reading)
    return int(said)


def lines_with(word: str, text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(word)]


def is_alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def assert_interrupted(repo: Repo, plan: str, stderr: str, *, late: bool = False) -> None:
    """One error, one hint; the attempt is shown and its work kept; exec goes on to the end.

    Where a second signal may come `late`, after two seconds, somebody means it: then the run ends
    before the attempt has its commit, and the work is kept as what was left.
    """
    assert "Traceback" not in stderr
    assert len(lines_with("error: ", stderr)) == 1
    assert lines_with("hint: ", stderr) == [f"hint: git orch exec {repo.handle(plan)}"]
    [landed, cut_off] = data(repo.orch("show", plan, "--attempts", "--json").stdout)["attempts"]
    assert (landed["step"], landed["outcome"], cut_off["step"], cut_off["outcome"]) == (
        "s1",
        "landed",
        "s2",
        "failed",
    )
    kept = repo.git("rev-list", f"refs/orch/kept/{plan}").splitlines()
    if late and cut_off["commit"] is None:
        assert "b" in [repo.git("show", f"{commit}:b.txt", expect=None) for commit in kept]
    else:
        assert cut_off["commit"] in kept
        assert repo.git("show", f"{cut_off['commit']}:b.txt") == "b"
    assert len(repo.git("worktree", "list").splitlines()) == 1

    repo.orch("exec", plan)
    assert repo.step_states(plan) == ["done", "done"]
    assert repo.status(plan)["state"] == "COMPLETE"


@pytest.mark.parametrize("in_check", [False, True], ids=["in a step", "in a check"])
def test_ctrl_c_ends_what_runs_and_keeps_its_work(
    repo: Repo, fifo: Path, *, in_check: bool
) -> None:
    """S1-158: the terminal sends SIGINT to the whole process group; exit 130, nobody survives, exec
    goes on.
    """
    plan = repo.plan(waiting(fifo, in_check=in_check))
    process = started(repo, DIRECT, "exec", plan)
    command = process_id(fifo)

    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert not is_alive(command)
    assert_interrupted(repo, plan, stderr)


@pytest.mark.parametrize("in_check", [False, True], ids=["in a step", "in a check"])
def test_sigterm_ends_what_runs_and_keeps_its_work(
    repo: Repo, fifo: Path, *, in_check: bool
) -> None:
    """S1-158: exit 143."""
    plan = repo.plan(waiting(fifo, in_check=in_check))
    process = started(repo, DIRECT, "exec", plan)
    command = process_id(fifo)

    process.terminate()
    _, stderr = process.communicate()
    assert process.returncode == 143, stderr
    assert not is_alive(command)
    assert_interrupted(repo, plan, stderr)


def test_ctrl_c_that_git_passes_on_a_second_time_is_one_ctrl_c(
    repo: Repo, fifo: Path, through_git: Sequence[str]
) -> None:
    """S1-158: below `git orch` every Ctrl-C arrives twice, from the terminal and from git."""
    plan = repo.plan(waiting(fifo, in_check=False))
    process = started(repo, through_git, "exec", plan)
    command = process_id(fifo)

    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode in (130, -signal.SIGINT), stderr
    assert not is_alive(command)
    assert_interrupted(repo, plan, stderr)


def test_a_second_ctrl_c_at_once_does_not_lose_the_attempt(repo: Repo, fifo: Path) -> None:
    """S1-158: it comes while the attempt is being kept; people press twice, and git passes on what
    we have already.
    """
    # Opening a FIFO is cut off by the SIGCHLD of the sleep that is ended as well; bash does not try
    # again by itself.
    trap = f"trap 'until echo 0 > {fifo}; do :; done' TERM; echo $$ > {fifo}; while true; do sleep 60 & wait; done"
    marker = fifo.with_name("second-time")
    command = f"echo b > b.txt; test -e {marker} || {{ touch {marker}; {trap}; }}"
    plan = repo.plan({"title": "Wait", "steps": [
        {"title": "Write a", "files": {"a.txt": "a\n"}},
        {"title": "Wait", "depends_on": [1], "run": command},
    ]})  # fmt: skip
    process = started(repo, DIRECT, "exec", plan)
    process_id(fifo)

    os.killpg(process.pid, signal.SIGINT)
    assert process_id(fifo) == 0  # the command was asked to end, and does not
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert_interrupted(repo, plan, stderr, late=True)


def test_a_run_killed_in_the_middle_of_a_command_leaves_no_process(repo: Repo, fifo: Path) -> None:
    """S1-159: after kill -9 the lock is free, what the step had made is kept, and exec goes on."""
    plan = repo.plan(waiting(fifo, in_check=False))
    process = started(repo, DIRECT, "exec", plan)
    command = process_id(fifo)
    ended = os.pidfd_open(command)

    process.kill()
    process.communicate()
    assert select.select([ended], [], [], 120)[0], "the command survived"
    os.close(ended)
    assert "INTERRUPTED" in repo.orch("status", plan).stdout

    again = repo.orch("exec", plan)
    assert "kept the work of an interrupted attempt" in again.stderr
    kept = repo.git("log", "--format=%H", "--grep=interrupted", f"refs/orch/kept/{plan}").split()
    assert any(repo.git("show", f"{commit}:b.txt", expect=None) == "b" for commit in kept)
    assert repo.status(plan)["state"] == "COMPLETE"


def shell(repo: Repo, script: str) -> subprocess.CompletedProcess[str]:
    """A line of shell, with $ORCH for git-orch."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd=repo.path,
        env={**os.environ, "ORCH": shlex.join(DIRECT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "command", ["ls", "status", "show", "log", "exec", "rollback", "--version"]
)
def test_closed_standard_output_is_an_error_and_no_traceback(repo: Repo, command: str) -> None:
    repo.plan(writing("a.txt"))
    repo.orch("exec")
    plan = repo.orch("ls").stdout.split()[0]
    done = shell(repo, f"$ORCH {command} {plan if command not in ('ls', '--version') else ''} >&-")
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 128), done.stderr
    assert len(lines_with("error: ", done.stderr)) == (1 if done.returncode else 0)


def test_exec_with_all_standard_streams_closed_does_its_work(repo: Repo) -> None:
    """Files that are opened get the numbers 0, 1 and 2: nothing of ours may be written into them."""
    plan = repo.plan(writing("a.txt", "b.txt"))
    shell(repo, f"$ORCH exec {plan} <&- >&- 2>&-")
    assert repo.step_states(plan) == ["done", "done"]
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_closed_standard_input_is_no_task(repo: Repo) -> None:
    done = shell(repo, "$ORCH plan <&-")
    assert (done.returncode, len(lines_with("hint: ", done.stderr))) == (2, 1)
    assert "nothing to plan" in done.stderr


def test_closed_standard_input_does_not_hinder_exec(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    assert shell(repo, f"$ORCH exec {plan} <&-").returncode == 0
    assert repo.step_states(plan) == ["done"]


@pytest.mark.parametrize("command", ["ls", "status", "show", "log", "ls --json"])
def test_a_reader_that_has_gone_ends_us_as_it_ends_git(repo: Repo, command: str) -> None:
    """Exit 141 and not a word: `git orch ls | head`."""
    plan = repo.plan(writing("a.txt"))
    argument = plan if command in ("show", "log") else ""
    reading, writing_end = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*DIRECT, *command.split(), *argument.split()],
        cwd=repo.path, stdout=writing_end, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing_end)
    assert (done.returncode, done.stderr) == (141, "")
