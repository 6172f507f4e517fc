"""Many processes at once: no event is lost, no step runs twice, no name is given twice, every exit
status is true.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import places
import pytest
from conftest import Repo, data, writing

APPENDING = places.SUPPORT / "appending.py"
WRITERS = 8


def appended(repo: Repo, count: int, plans: list[list[str]]) -> list[list[str]]:
    """Event IDs that each process says it has stored; `plans` are the logs of each."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(APPENDING), str(repo.path), str(count), *each],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for each in plans
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("!")
        process.stdin.flush()
    ended = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(plans), [
        stderr for _, stderr in ended
    ]
    return [stdout.split() for stdout, _ in ended]


def stored(repo: Repo, plan: str) -> list[str]:
    """Event IDs in the log of a plan, read with git alone."""
    notes = repo.git("notes", f"--ref=orch/{plan}", "list").splitlines()
    lines = [
        line
        for note in notes
        for line in repo.git("cat-file", "blob", note.split()[0]).splitlines()
    ]
    return [json.loads(line)["id"] for line in lines]


def test_eight_writers_of_one_log_lose_no_event(repo: Repo) -> None:
    """S1-224: each event that a writer took for stored is there, once."""
    said = appended(repo, 6, [["PLAN-20260101-0000000000-one"]] * WRITERS)
    expected = [event for each in said for event in each]
    assert len(expected) == 6 * WRITERS
    assert sorted(stored(repo, "PLAN-20260101-0000000000-one")) == sorted(expected)


def test_eight_writers_of_different_logs_lose_no_event(repo: Repo) -> None:
    """Each log is shared by two writers, and each writer has two logs."""
    names = [f"PLAN-20260101-000000000{number}-one" for number in range(WRITERS)]
    pairs = [[names[number], names[(number + 1) % WRITERS]] for number in range(WRITERS)]
    said = appended(repo, 3, pairs)
    found = [event for name in names for event in stored(repo, name)]
    assert sorted(found) == sorted(event for each in said for event in each)
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


@pytest.mark.usefixtures("unsandboxed")
def test_two_execs_of_one_plan_are_one_run(repo: Repo, tmp_path: Path) -> None:
    """S1-157: the second ends with 6 while the first is in a step; no step runs twice."""
    ready, go, ran = tmp_path / "ready", tmp_path / "go", tmp_path / "ran"
    os.mkfifo(ready)
    os.mkfifo(go)
    wait = {
        "title": "Wait",
        "run": f"echo run >> {ran}; echo ready > {ready}; read line < {go}; echo b > b.txt",
    }
    plan = repo.plan({"title": "Wait", "steps": [wait]})
    first = repo.start("exec", plan)
    assert ready.read_text() == "ready\n"

    second = repo.start("exec", plan)
    _, stderr = second.communicate(timeout=120)
    assert second.returncode == 6
    assert "another process is working on" in stderr
    assert "running" in repo.orch("status", plan).stdout
    repo.orch("rollback", plan, expect=6)

    go.write_text("go\n")
    _, stderr = first.communicate()
    assert first.returncode == 0, stderr
    assert ran.read_text() == "run\n"
    assert repo.git("log", "--format=%s", f"orch/{plan}").splitlines() == [
        "Wait",
        "plan: Wait",
        "first",
    ]


@pytest.mark.usefixtures("unsandboxed")
def test_execs_started_at_the_same_moment_run_each_step_once(repo: Repo, tmp_path: Path) -> None:
    """S1-157: each either does the work, finds it done, or is told that somebody does it."""
    ran = tmp_path / "ran"
    steps = [
        {"title": f"Step {name}", "run": f"echo {name} >> {ran}; echo {name} > {name}"}
        for name in (1, 2)
    ]
    plan = repo.plan({"title": "Count", "steps": steps})
    processes = [repo.start("exec", plan) for _ in range(4)]
    ended = [process.communicate()[1] for process in processes]
    statuses = [process.returncode for process in processes]
    assert set(statuses) <= {0, 6}, ended
    assert 0 in statuses
    assert sorted(ran.read_text().split()) == ["1", "2"]
    assert repo.step_states(plan) == ["done", "done"]


def test_execs_of_different_plans_at_once_all_succeed(repo: Repo) -> None:
    plans = [repo.plan(writing(f"{name}.txt", f"{name}2.txt")) for name in "abcd"]
    processes = [repo.start("exec", plan) for plan in plans]
    ended = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(plans), ended
    assert [repo.step_states(plan) for plan in plans] == [["done", "done"]] * len(plans)
    assert len(repo.git("worktree", "list").splitlines()) == 1


@pytest.mark.usefixtures("unsandboxed")
def test_gc_in_the_middle_of_a_step_takes_nothing(repo: Repo, tmp_path: Path) -> None:
    """What has landed, the log, and what the worktree holds survive `gc --prune=now` without any
    reflog.
    """
    gc = "git -C {} reflog expire --expire=now --all && git -C {} gc --quiet --prune=now".replace(
        "{}", str(repo.path)
    )
    steps = [
        {"title": "Write a", "files": {"a.txt": "a\n"}},
        {
            "title": "Collect",
            "run": f"echo b > b.txt; {gc}",
            "depends_on": [1],
            "checks": [{"command": gc}],
        },
        {
            "title": "Fail",
            "run": "echo c > c.txt",
            "depends_on": [2],
            "checks": [{"command": f"{gc}; false"}],
        },
    ]
    plan = repo.plan({"title": "Collect", "steps": steps})
    repo.orch("exec", plan, expect=1)
    repo.git("gc", "--quiet", "--prune=now")
    assert repo.step_states(plan) == ["done", "done", "failed"]
    failed = data(repo.orch("show", plan, "--attempts", "--json").stdout)["attempts"][-1]
    assert repo.git("show", f"{failed['commit']}:c.txt") == "c"
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_plans_made_at_once_have_different_names_that_sort_by_time(
    repo: Repo, tmp_path: Path
) -> None:
    """S1-095: every plan of the second batch sorts after every plan of the first."""
    document = tmp_path / "plan.json"
    document.write_text(json.dumps(writing("a.txt")))
    batches = []
    for _ in range(2):
        processes = [repo.start("plan", "--from", str(document)) for _ in range(10)]
        ended = [process.communicate() for process in processes]
        assert [process.returncode for process in processes] == [0] * 10, ended
        batches.append([stdout.split()[0] for stdout, _ in ended])
    assert len({*batches[0], *batches[1]}) == 20
    assert max(batches[0]) < min(batches[1])
    assert [line.split()[0] for line in repo.orch("ls").stdout.splitlines()] == [
        repo.handle(plan) for plan in sorted([*batches[0], *batches[1]])
    ]


def lock_of(repo: Repo, ref: str) -> Path:
    """A lock that a git has left on a ref an hour ago."""
    lock = repo.path / ".git" / f"{ref}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("")
    an_hour_ago = time.time() - 3600
    os.utime(lock, (an_hour_ago, an_hour_ago))
    return lock


@pytest.mark.parametrize("kind", ["heads/orch", "notes/orch", "orch/kept"])
def test_a_lock_that_a_killed_git_left_on_a_ref_of_the_plan_is_removed(
    repo: Repo, kind: str
) -> None:
    plan = repo.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "echo a >a; false"}]})
    lock = lock_of(repo, f"refs/{kind}/{plan}")
    told = repo.orch("exec", plan, expect=1)
    assert f"'{lock}' was left by a killed git: removed" in told.stderr
    assert not lock.exists()


def test_a_lock_on_the_log_of_an_archived_plan_is_removed_when_it_is_brought_back(
    executed: tuple[Repo, str],
) -> None:
    repo, plan = executed
    repo.orch("archive", plan)
    lock_of(repo, f"refs/notes/orch/{plan}")
    repo.orch("unarchive", plan)
    assert repo.step_states(plan) == ["done"]


@pytest.mark.parametrize("ref", ["refs/heads/main", "packed-refs"])
def test_a_lock_on_what_is_not_the_plans_alone_stays(repo: Repo, ref: str) -> None:
    plan = repo.plan(writing("a.txt"))
    lock = lock_of(repo, ref)
    repo.orch("exec", plan)
    assert lock.exists()


def test_a_lock_that_a_living_git_holds_is_named_and_not_removed(repo: Repo) -> None:
    """While it is there nothing is written, and nothing is lost."""
    plan = repo.plan(writing("a.txt"))
    lock = repo.path / f".git/refs/heads/orch/{plan}.lock"
    holder = subprocess.Popen(
        ["git", "update-ref", "--stdin"],
        cwd=repo.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    tip = repo.git("rev-parse", f"orch/{plan}")
    holder.stdin.write(f"start\nverify refs/heads/orch/{plan} {tip}\nprepare\n")
    holder.stdin.flush()
    assert [holder.stdout.readline() for _ in range(2)] == ["start: ok\n", "prepare: ok\n"]
    assert lock.exists()
    refused = repo.orch("exec", plan, expect=6)
    assert f"'{lock}' is locked by another git process" in refused.stderr
    assert lock.exists()

    holder.communicate("abort\n")
    assert not lock.exists()
    repo.orch("exec", plan)
    assert repo.step_states(plan) == ["done"]
