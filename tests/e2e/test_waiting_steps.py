"""Steps of kind `wait` pass when an event comes: a command, a time, a file, a person, the CI."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, data

# The first look gives no verdict, the second one does.
GH = """#!/bin/sh
echo "$@" >> '{log}'
if [ -e '{log}.seen' ]; then echo '{last}'; else : > '{log}.seen'; echo '[]'; fi
"""
# `gh pr list --search COMMIT ...`
CLOSED = """#!/bin/sh
printf '[{"number": 3, "state": "CLOSED", "headRefOid": "%s"}]' "$4"
"""


def waiting(**wait: Any) -> dict[str, Any]:
    """A plan whose second step waits, and whose third one comes after it."""
    steps: list[dict[str, Any]] = [{"title": "One", "run": "echo 1 > one"}]
    steps += [
        {"title": "Wait", "wait": {"every": 1, **wait}},
        {"title": "Two", "run": "cp one two"},
    ]
    return {"title": "W", "steps": steps}


def words(here: Here) -> list[str]:
    """The states of the steps of the only plan."""
    return [step["state"] for step in data(here("show", "--json").out)["steps"]]


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for a scripted gh, first on PATH."""
    place = tmp_path / "programs"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return place


def script(place: Path, last: str) -> Path:
    """Put a gh there whose second answer is the last; gives the file of its arguments."""
    log = place / "asked"
    program = place / "gh"
    program.write_text(GH.format(log=log, last=last))
    program.chmod(0o755)
    return log


def test_a_command_a_time_and_a_file_let_a_plan_go_on(here: Here) -> None:
    here.repo.path.joinpath("there").touch()
    events = ({"command": "test -f one"}, {"time": "2020-01-01T00:00Z"}, {"file": "there"})
    steps: list[dict[str, Any]] = [{"title": "One", "run": "echo 1 > one"}]
    steps += [{"title": "Wait", "wait": event} for event in events]
    plan = here.repo.plan({"title": "W", "steps": steps})
    here("exec")
    assert words(here) == ["done"] * 4
    log = here.repo.git("log", "--format=%s: %b", "-1", f"orch/{plan}")
    assert log.startswith("Wait: Waited for the file 'there': 'there' is there.")
    assert here.repo.git("diff", f"orch/{plan}~3", f"orch/{plan}") == ""


def test_what_a_command_that_waits_writes_is_thrown_away(here: Here) -> None:
    plan = here.repo.plan(waiting(command="echo 9 > one; touch more"))
    here("exec")
    assert here.repo.git("show", f"orch/{plan}:two") == "1"
    assert "more" not in here.repo.git("ls-tree", "--name-only", f"orch/{plan}")


def test_a_plan_goes_on_when_the_runs_of_its_commit_have_passed(here: Here, gh: Path) -> None:
    log = script(gh, '[{"name": "test", "status": "completed", "conclusion": "success"}]')
    plan = here.repo.plan(waiting(ci=True))
    assert "step 2 waits: there is no CI run yet" in here("exec").err
    assert words(here) == ["done"] * 3
    commit = here.repo.git("rev-parse", f"orch/{plan}~2")
    asked = log.read_text().splitlines()
    assert asked == [f"run list --commit {commit} --limit 100 --json name,status,conclusion"] * 2


def test_the_ci_is_asked_about_one_commit_while_others_land(here: Here, gh: Path) -> None:
    log = script(gh, '[{"name": "test", "status": "completed", "conclusion": "success"}]')
    steps = [{**step, "depends_on": []} for step in waiting(ci=True, every=3)["steps"][:2]]
    plan = here.repo.plan({"title": "W", "steps": steps})
    here("exec", "--jobs", "2")
    commits = [line.split()[3] for line in log.read_text().splitlines()]
    assert commits == [here.repo.git("rev-parse", f"orch/{plan}~2")] * 2


def test_a_pull_request_that_was_closed_fails_the_step(here: Here, gh: Path) -> None:
    program = gh / "gh"
    program.write_text(CLOSED)
    program.chmod(0o755)
    here.repo.plan(waiting(pull_request=True))
    assert "pull request 3 is closed" in here("exec", expect=1).err


def test_without_gh_the_step_fails_with_the_reason(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.repo.plan(waiting(ci=True))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert "there is no 'gh' program on PATH to ask" in here("exec", expect=1).err


def test_a_person_lets_the_plan_go_on(here: Here) -> None:
    name = here.repo.handle(here.repo.plan(waiting(person="Look at it")))
    done = here("exec", expect=9)
    assert f"step 2 waits for a person: Look at it. Then: git orch done {name} 2" in done.err
    assert f"next: git orch done {name} 2" in done.out
    here("done")
    here("exec")
    assert words(here) == ["done"] * 3


def test_a_person_may_pass_a_step_that_waits_for_something_else(here: Here) -> None:
    plan = here.repo.plan(waiting(file="never"))
    here("exec", "--steps", "1")
    here("done", here.repo.handle(plan), "2")
    assert words(here) == ["done", "done", "pending"]


def test_a_wait_has_an_end(here: Here) -> None:
    plan = waiting(file="never")
    plan["steps"][1]["timeout"] = 1
    here.repo.plan(plan)
    assert "it waited 1 s for the file 'never'" in here("exec", expect=1).err


def test_steps_that_need_no_event_go_on_and_land_meanwhile(here: Here) -> None:
    """The event is what the step after it makes."""
    place = here.repo.path / "made"
    steps = [
        {"title": "Wait", "wait": {"command": "test -f b", "every": 1}, "depends_on": []},
        {"title": "Make", "run": "echo b > b", "depends_on": []},
    ]
    here.repo.plan({"title": "W", "steps": steps})
    here("exec")
    assert words(here) == ["done", "done"]
    assert not place.exists()


@contextlib.contextmanager
def asleep(here: Here) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own whose second step waits for a file; Ctrl-C ends it."""
    here.repo.plan(waiting(file="go-on", every=3600))
    with subprocess.Popen(
        [sys.executable, "-m", "git_orch", "exec"],
        cwd=here.repo.path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as run:
        assert run.stderr is not None
        assert any("step 2 waits: 'go-on' is not there" in line for line in run.stderr)
        yield run
        run.send_signal(signal.SIGINT)
        assert "hint: git orch exec" in run.stderr.read()


def test_ctrl_c_ends_a_wait_and_the_next_exec_looks_again(here: Here) -> None:
    with asleep(here) as run:
        pass
    assert run.returncode == 130
    here.repo.path.joinpath("go-on").touch()
    here("exec")
    assert words(here) == ["done"] * 3


def test_status_says_what_a_run_waits_for(here: Here) -> None:
    with asleep(here):
        assert "now      step 2 waits: 'go-on' is not there" in here("status").out


def test_no_step_waits_in_place(here: Here) -> None:
    plan = here.repo.plan(waiting(file="x"))
    here.repo.git("switch", "-q", f"orch/{plan}")
    here("approve", "--in-place", expect=None)
    assert "which --in-place cannot do" in here("exec", "--in-place", expect=3).err


def test_a_command_that_waits_gets_the_network_only_from_an_approval(here: Here) -> None:
    plan = waiting(command="true")
    plan["steps"][1]["network"] = True
    here.repo.plan(plan)
    assert "step 2 asks for the network" in here("exec", expect=3).err
    here("approve", "--network", "2")
    here("exec")
    assert words(here) == ["done"] * 3
