"""Steps side by side: they land in the plan's order, each once, each verified on the tree that it
has on the branch.
"""

from __future__ import annotations

import os
import re
import subprocess
from concurrent import futures
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, Repo, data

from git_orch.flow.branch import opening
from git_orch.flow.reports import Note, Report
from git_orch.flow.run import execute
from git_orch.flow.run.options import Options
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover


def steps(*each: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": "Side by side",
        "steps": [{"title": f"Step {number}", **one} for number, one in enumerate(each, 1)],
    }


def landed(repo: Repo, plan: str) -> list[str]:
    """The steps on the branch, in order."""
    return repo.claimed("--reverse", f"orch/{plan}")


def events(repo: Repo, plan: str, name: str) -> list[dict[str, object]]:
    listed = data(repo.orch("log", plan, "--json").stdout)
    return [event for event in listed if event["event"] == name]


@pytest.fixture
def fifo(tmp_path: Path, unsandboxed: None) -> Path:
    """Whoever writes to it waits for a reader."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def test_independent_steps_run_at_the_same_time(repo: Repo, fifo: Path) -> None:
    """S1-237: one writes what the other waits for."""
    plan = repo.plan(steps({"run": f"echo hello > {fifo}"}, {"run": f"cat {fifo} > b"}))
    repo.orch("exec", "--jobs", "2")
    assert repo.git("show", f"orch/{plan}:b") == "hello"


def test_results_land_in_the_order_of_the_plan(repo: Repo, fifo: Path) -> None:
    """The first step ends after the second, since it waits for it."""
    plan = repo.plan(steps({"run": f"cat {fifo} > a"}, {"run": f"echo b > b; echo hello > {fifo}"}))
    repo.orch("exec", "-j2")
    assert landed(repo, plan) == ["s1", "s2"]
    assert repo.git("rev-list", "--merges", f"orch/{plan}") == ""
    assert repo.git("ls-tree", "--name-only", f"orch/{plan}").split() == ["README.md", "a", "b"]


def test_checks_run_again_on_the_tree_that_lands(repo: Repo) -> None:
    """Each step's check passes alone; on top of the first the second breaks it, and is done again
    and fails.
    """
    check = {"command": "test $(ls [ab] | wc -l) = 1"}
    plan = repo.plan(
        steps({"run": "echo a > a", "checks": [check]}, {"run": "echo b > b", "checks": [check]})
    )
    done = repo.orch("exec", "-j2", expect=1)
    assert "on top of the steps that landed meanwhile, check" in done.stderr
    assert landed(repo, plan) == ["s1"]
    assert repo.step_states(plan) == ["done", "failed"]
    assert len(events(repo, plan, "attempt.failed")) == 2


def test_a_result_that_landed_on_another_base_counts_as_verified_there(repo: Repo) -> None:
    check = {"command": "ls"}
    plan = repo.plan(
        steps({"run": "echo a > a", "checks": [check]}, {"run": "echo b > b", "checks": [check]})
    )
    repo.orch("exec", "-j2")
    assert repo.step_states(plan) == ["done", "done"]
    assert repo.status(plan)["state"] == "COMPLETE"


def test_a_conflict_does_the_step_again_on_top_of_the_other_side(repo: Repo) -> None:
    plan = repo.plan(steps({"run": "echo one >> README.md"}, {"run": "echo two >> README.md"}))
    done = repo.orch("exec", "-j2")
    assert "it conflicts with steps that landed meanwhile in README.md" in done.stderr
    assert repo.git("show", f"orch/{plan}:README.md").splitlines() == ["a project", "one", "two"]
    [failed] = events(repo, plan, "attempt.failed")
    assert failed["reason"] == "conflict"


def test_a_step_that_conflicts_again_fails_with_both_sides_shown(repo: Repo, fifo: Path) -> None:
    """While it is done again, another step lands that changes the same line, because a fourth one
    waits for that.
    """
    first = fifo.with_name("first")
    plan = repo.plan(
        steps(
            {"run": "echo one > README.md"},
            {"run": f"echo two > README.md; mkdir {first} || cat {fifo}"},
            {"run": "echo three > README.md", "depends_on": [1]},
            {"run": f"echo go > {fifo}", "depends_on": [3]},
        )
    )
    done = repo.orch("exec", "-j3", expect=7)
    for side in ("<<<<<<<", "three", "two", ">>>>>>>"):
        assert side in done.stderr
    assert landed(repo, plan) == ["s1", "s3", "s4"]


def test_declared_paths_in_common_are_not_worked_on_at_once(repo: Repo) -> None:
    """No attempt has to be thrown away."""
    document = steps(
        {"run": "echo one >> README.md", "paths": ["README.md"]},
        {"run": "echo two >> README.md", "paths": ["README.md"]},
    )
    plan = repo.plan(document)
    repo.orch("exec", "-j2")
    assert events(repo, plan, "attempt.failed") == []
    assert landed(repo, plan) == ["s1", "s2"]


def test_after_a_failure_independent_steps_are_done(repo: Repo) -> None:
    plan = repo.plan(
        steps(
            {"run": "false"},
            {"run": "echo b > b"},
            {"run": "echo c > c", "depends_on": [1]},
            {"run": "cat b", "depends_on": [2]},
        )
    )
    done = repo.orch("exec", "-j2", expect=1)
    assert landed(repo, plan) == ["s2", "s4"]
    assert "failed: step 1" in done.stdout
    assert "not started: step 3" in done.stdout


def test_keep_going_does_so_one_after_the_other(repo: Repo) -> None:
    plan = repo.plan(steps({"run": "false"}, {"run": "echo b > b"}))
    repo.orch("exec", expect=1)
    assert landed(repo, plan) == []
    repo.orch("exec", "--keep-going", expect=1)
    assert landed(repo, plan) == ["s2"]


def test_nothing_of_a_parallel_run_is_left(repo: Repo, hermetic: Path) -> None:
    repo.plan(steps({"run": "echo a > a"}, {"run": "false"}, {"run": "echo c > c"}))
    repo.orch("exec", "-j3", expect=1)
    assert len(repo.git("worktree", "list").splitlines()) == 1
    assert repo.git("for-each-ref", "refs/orch/results") == ""
    assert list((hermetic / ".local/state/git-orch/worktrees").glob("*/*")) == []


class _Told:
    """A reporter that remembers notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def emit(self, report: Report) -> None:
        """Take one report."""
        if isinstance(report, Note):
            self.notes.append(report.text)


def _know_yourself() -> None:
    os.environ["WORKER_PID"] = str(os.getpid())


def test_a_worker_that_dies_in_the_middle_of_a_step_costs_nothing(
    here: Here, tmp_path: Path, unsandboxed: None
) -> None:
    """Workers are processes; one is killed by its own step, and takes the whole pool along: every
    step lands once.
    """
    subprocess.run(["git", "config", "--global", "orch.environment", "WORKER_PID"], check=True)
    once = f"mkdir {tmp_path}/killed 2>/dev/null && kill -9 $WORKER_PID; echo x > $0"
    plan = here.plan(
        steps(
            *(
                {"argv": ["sh", "-c", once if name == "b" else "echo x > $0", name]}
                for name in "abcd"
            )
        )
    )
    told = _Told()

    def processes(count: int) -> futures.Executor:
        return futures.ProcessPoolExecutor(
            count, get_context("forkserver"), initializer=_know_yourself
        )

    with opening.open_for_writing(PlanPlace(discover(here.repo.path), plan), told) as opened:
        summary = execute.execute(opened, Options("", jobs=2), None, processes)
    assert summary.outcome == "complete"
    assert landed(here.repo, plan) == ["s1", "s2", "s3", "s4"]
    assert (tmp_path / "killed").is_dir()
    assert any(re.match(r"the worker of step \d died", note) for note in told.notes)
    assert here.repo.git("for-each-ref", "refs/orch/results") == ""
