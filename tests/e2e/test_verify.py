"""All checks of a plan on what its steps made together."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Repo, data

from git_orch.plans.history import events, fold
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Branch, Commit, PlanState, Status
from git_orch.plans.trailers import Claim, Message


def steps(*checks: list[dict[str, Any]]) -> dict[str, Any]:
    """A plan whose steps write the files a, b, ... and have these checks."""
    made = [
        {
            "title": f"Write {name}",
            "files": {name: f"{name}\n"},
            "checks": each,
            "depends_on": [number] if number else [],
        }
        for number, (name, each) in enumerate(zip("abc", checks, strict=False))
    ]
    return {"title": "Write files", "steps": made}


@pytest.fixture
def broken(repo: Repo) -> str:
    """A plan whose second step breaks what the first one checked; its run has ended."""
    plan = repo.plan(steps([{"command": "test ! -e b"}], [{"command": "test -e b"}]))
    repo.orch("exec", plan, expect=1)
    return plan


def test_a_plan_that_fails_on_its_tip_says_so_and_what_to_do(repo: Repo, broken: str) -> None:
    told = repo.orch("status", broken).stdout
    assert "  FAILED  " in told
    assert "check of step 1 fails: test ! -e b" in told
    assert told.splitlines()[-1].startswith(f"next: git orch edit {repo.handle(broken)}")


def test_a_step_that_is_added_repairs_what_fails_on_the_tip(repo: Repo) -> None:
    first = {"title": "One", "files": {"f": "one\n"}, "checks": [{"command": "grep -q one f"}]}
    plan = repo.plan(
        {
            "title": "Break",
            "steps": [first, {"title": "Two", "files": {"f": "two\n"}, "depends_on": [1]}],
        }
    )
    repo.orch("exec", plan, expect=1)
    text = yaml.safe_load(repo.orch("show", plan, "--yaml").stdout)
    text["steps"].append({"title": "Repair", "files": {"f": "one and two\n"}})
    repo.orch("edit", plan, "--from", "-", stdin=json.dumps(text))
    repo.orch("exec", plan)
    assert repo.status(plan)["state"] == "COMPLETE"


@pytest.fixture
def repaired(repo: Repo, broken: str) -> str:
    """The same plan after a commit of the user's own on its branch."""
    repo.git("switch", "-q", f"orch/{broken}")
    (repo.path / "b").unlink()
    repo.git("commit", "-qam", "take it away")
    repo.git("switch", "-q", "main")
    return broken


def test_what_failed_on_another_tip_is_past(repo: Repo, repaired: str) -> None:
    assert repo.status(repaired)["state"] == "COMPLETE"


def test_that_checks_failed_and_did_not_run_since_is_said(repo: Repo, repaired: str) -> None:
    following = repo.orch("status", repaired).stdout.splitlines()[-1]
    assert f"git orch verify {repo.handle(repaired)} " in following
    assert "did not run on this one" in repo.orch("land", repaired, "--dry-run").stderr
    repo.orch(*following.partition("  #")[0].split()[3:], expect=1)
    assert repo.status(repaired)["state"] == "FAILED"


def test_verify_says_what_fails_on_the_tip_and_changes_nothing_by_itself(repo: Repo) -> None:
    plan = repo.plan(steps([{"command": "test ! -e b"}], [{"command": "test -e b"}]))
    repo.orch("exec", plan, "--no-tip-checks")
    log = repo.git("rev-parse", f"refs/notes/orch/{plan}")
    done = repo.orch("verify", plan, "--tip", "--json", expect=1)
    results = [(each["step"], each["passed"]) for each in data(done.stdout)["checks"]]
    assert results == [(1, False), (2, True)]
    assert repo.git("rev-parse", f"refs/notes/orch/{plan}") == log


def test_of_one_command_the_last_step_says_how_it_has_to_end(repo: Repo) -> None:
    """A test that is written first fails, and passes once the next step has done its work."""
    test = {"command": "test -e b"}
    plan = repo.plan(steps([{**test, "expected_exit": 1}], [test]))
    repo.orch("exec", plan, "--no-tip-checks")
    assert repo.orch("verify", plan, "--tip").stdout.count("test -e b") == 1


def test_no_worktree_is_made_for_a_tip_that_receipts_know(repo: Repo, hermetic: Path) -> None:
    plan = repo.plan(steps([{"command": "test -e a"}]))
    repo.orch("exec", plan)
    worktrees = Path(os.environ["XDG_STATE_HOME"]) / "git-orch/worktrees"
    for directory in worktrees.iterdir():
        directory.rmdir()
    worktrees.rmdir()
    worktrees.write_text("no directory can be made here")
    assert "ok, cached" in repo.orch("verify", plan, "--tip").stdout
    repo.orch("verify", plan, "--tip", "--no-cache", expect=128)


# -- the fold --------------------------------------------------------------------------------------


def folded(*bodies: tuple[str, dict[str, Any]]) -> Status:
    """A plan of one step that is done, with these events after it; its tip has the tree aaa..."""
    document = {
        "title": "T",
        "objective": "T",
        "steps": [{"id": "s1", "title": "A", "kind": "files", "files": {"a": "a"}}],
    }
    commit, tree = "c" * 40, "a" * 40
    landed = {"step": "s1", "attempt": "1", "commit": commit, "tree": tree, "checks": []}
    told: list[tuple[str, dict[str, Any]]] = [
        ("plan.created", {"plan": document, "base": {"commit": "b" * 40}}),
        ("step.landed", landed),
    ]
    told += bodies
    log = events.Log(
        tuple(Event(f"{number:026}", name, "c", body) for number, (name, body) in enumerate(told))
    )
    message = Message(claims=(Claim("PLAN-1", "s1", "1"),))
    found = fold.fold("PLAN-1", log, Branch(commit, (Commit(commit, tree, (), message),), None))
    assert found is not None
    return found


FAILS = (
    "tip.checked",
    {"tree": "a" * 40, "passed": False, "failed": [{"step": "s1", "command": "false"}]},
)
PASSES = ("tip.checked", {"tree": "a" * 40, "passed": True, "failed": []})


def test_the_last_look_at_a_tip_counts() -> None:
    assert folded(FAILS).state is PlanState.FAILED
    assert folded(FAILS, PASSES).state is PlanState.COMPLETE


def test_a_changed_text_has_not_failed_yet() -> None:
    revised = ("plan.revised", dict(folded().log.events[0].body))
    assert folded(FAILS, revised).tip_failures() == ()


@pytest.mark.parametrize("failed", [1, [1], [{}], [{"step": "s1"}]])
def test_a_damaged_look_is_damage(failed: object) -> None:
    found = folded(("tip.checked", {"tree": "a" * 40, "passed": False, "failed": failed}))
    assert (found.damaged, found.state) == (1, PlanState.COMPLETE)
