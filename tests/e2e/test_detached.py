"""A run in the background: started, waited for, watched, ended, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import Repo, data, writing

from git_orch.sandbox.process import tools

BEGINNING = "0" * 26


class Background(NamedTuple):
    """A plan whose only step says `half way` and then waits until `go` is called."""

    repo: Repo
    plan: str
    fifo: Path
    held: ExitStack  # open files

    def exec(self) -> int:
        """Run it in the background; gives the process."""
        started = data(self.repo.orch("exec", "--detach", "--json", self.plan).stdout)
        pid: int = started["pid"]
        return pid

    def go(self) -> None:
        """Let the step end: back when it reads."""
        self.fifo.write_text("go\n")

    def waits(self) -> None:
        """Back when the step reads; it goes on waiting."""
        self.held.enter_context(self.fifo.open("w"))

    def live(self, since: str) -> Any:
        """What `git orch status --since` tells programs."""
        [told] = data(self.repo.orch("status", self.plan, "--since", since, "--json").stdout)
        return told

    def half_way(self) -> Any:
        """The same from the beginning, when the step has said its word."""
        self.waits()
        told = self.live(BEGINNING)
        while not any(each["lines"] for each in told["now"]):
            told = self.live(BEGINNING)
        return told


@pytest.fixture
def background(repo: Repo, tmp_path: Path, unsandboxed: None) -> Iterator[Background]:
    """The plan, and nothing runs on it afterwards."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = (
        f"echo half > made; echo half way > /dev/stdout; read answer < {fifo}; echo whole > made"
    )
    plan = repo.plan({"title": "Wait", "steps": [{"title": "Wait for it", "run": command}]})
    with ExitStack() as held:
        yield Background(repo, plan, fifo, held)
        repo.orch("stop", plan)


def test_a_run_in_the_background_survives_a_hang_up(background: Background) -> None:
    pid = background.exec()
    os.kill(pid, signal.SIGHUP)
    background.go()
    background.repo.orch("wait", background.plan)
    assert background.repo.step_states(background.plan) == ["done"]


def test_a_run_in_the_background_holds_nothing_of_its_callers(background: Background) -> None:
    """Neither its input, which nobody reads any more, nor its output, which has come to its end."""
    reader, writer = os.pipe()
    argv = [sys.executable, "-m", "git_orch", "exec", "--detach", "--json", background.plan]
    with os.fdopen(reader) as lent:
        done = subprocess.run(
            argv, cwd=background.repo.path, stdin=lent, capture_output=True, check=True
        )
    pid = data(done.stdout)["pid"]
    assert os.getsid(pid) == pid
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"to nobody\n")
    os.close(writer)
    log = background.repo.path / f".git/orch/runs/{background.plan}.log"
    assert "step 1/1" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_while_it_runs_no_other_run_begins_and_its_output_stays(background: Background) -> None:
    background.exec()
    log = background.repo.path / f".git/orch/runs/{background.plan}.log"
    before = log.read_text()
    background.repo.orch("exec", "--detach", background.plan, expect=6)
    assert log.read_text() == before


def test_a_wait_that_is_over_leaves_the_run_alone(background: Background) -> None:
    pid = background.exec()
    told = background.repo.orch("wait", background.plan, "--timeout", "0", expect=4).stderr
    assert f"hint: git orch wait {background.repo.handle(background.plan)}" in told
    os.kill(pid, 0)


def test_a_stopped_run_ends_in_order_and_keeps_its_work(background: Background) -> None:
    background.exec()
    background.half_way()
    told = background.repo.orch("stop", background.plan).stdout
    kept = next(line for line in told.splitlines() if line.startswith("kept "))
    assert background.repo.git("show", f"{kept.split()[1]}:made") == "half"
    assert "INTERRUPTED" in told
    background.repo.orch("wait", background.plan, expect=143)


def test_a_killed_run_has_failed(background: Background) -> None:
    os.kill(background.exec(), signal.SIGKILL)
    told = background.repo.orch("wait", background.plan, expect=1).stderr
    assert "was killed" in told
    assert f"hint: git orch exec {background.repo.handle(background.plan)}" in told


def test_status_since_an_event_tells_what_came_after_it_and_what_runs(
    background: Background,
) -> None:
    pid = background.exec()
    first = background.half_way()
    second = background.live(first["last_event"])
    assert [event["event"] for event in first["events"]][-1] == "run.started"
    assert second["events"] == []
    assert (second["now"][0]["number"], second["run"]["pid"]) == (1, pid)
    assert "step 1/1 Wait for it [run]" in second["run"]["said"]


def test_status_shows_the_running_step_with_its_phase_and_worktree(background: Background) -> None:
    background.exec()
    [now] = background.half_way()["now"]
    shown = background.repo.orch("status").stdout
    assert "\nnow      step 1 Wait for it: command, for " in shown
    assert f"\n         worktree: {now['worktree']}\n" in shown
    assert (Path(now["worktree"]) / "made").read_text() == "half\n"
    assert now["lines"] == ["half way"]


def follow(background: Background) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "git_orch", "status", "-f"]
    return subprocess.Popen(argv, cwd=background.repo.path, stdout=subprocess.PIPE, text=True)


def test_status_follows_a_run_until_it_ends(background: Background) -> None:
    background.exec()
    background.half_way()
    with follow(background) as following:
        assert following.stdout is not None
        before = [following.stdout.readline() for _ in range(2)]
        background.go()
        after = following.stdout.read()
    assert "step 1 Wait for it: command, for " in before[1]
    assert "  step.landed " in after
    assert "COMPLETE" in after
    assert following.returncode == 0


def test_an_interrupted_status_that_follows_leaves_the_run_alone(background: Background) -> None:
    pid = background.exec()
    with follow(background) as following:
        assert following.stdout is not None
        following.stdout.readline()
        following.send_signal(signal.SIGINT)
    assert following.returncode == 130
    os.kill(pid, 0)


def test_status_that_follows_has_no_json(repo: Repo) -> None:
    repo.plan(writing("a.txt"))
    assert "--follow" in repo.orch("status", "--follow", "--json", expect=2).stdout
    assert "next: git orch exec" in repo.orch("status", "--follow").stdout


def test_what_exec_refuses_is_refused_in_the_background_the_same_way(repo: Repo) -> None:
    plan = repo.plan({"title": "T", "steps": [{"title": "A", "run": "true", "network": True}]})
    done = repo.orch("exec", "--detach", plan, expect=3)
    assert f"hint: git orch approve {repo.handle(plan)} " in done.stderr
    assert not list(repo.path.glob(".git/orch/runs/*.log*"))


def test_a_run_that_fails_gives_its_exit_code_to_who_waits(repo: Repo) -> None:
    plan = repo.plan({"title": "T", "steps": [{"title": "A", "run": "false"}]})
    repo.orch("exec", "--detach", "--retries", "0", plan)
    repo.orch("wait", plan, expect=1)


def test_there_is_nothing_to_wait_for_in_a_complete_plan(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("exec", plan)
    assert "is complete" in repo.orch("wait", plan).stdout


def test_nothing_is_stopped_where_nothing_runs(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    assert "nothing runs" in repo.orch("stop", plan).stdout


def test_a_process_with_the_number_of_another_is_left_alone() -> None:
    """If it were not, this process would end."""
    assert tools.ask_to_end(os.getpid(), "1") is False
