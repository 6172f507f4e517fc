"""A commit that a person made on the plan branch becomes a step: `git orch adopt`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Here, Prepared, Repo

PLAN: dict[str, Any] = {
    "title": "Adopt",
    "steps": [
        {"title": "Make it", "run": "false", "checks": [{"command": "grep -q good made"}]},
        {"title": "Use it", "run": "cp made used", "depends_on": [1]},
    ],
}


@pytest.fixture
def plan(here: Here, prepared: Prepared) -> str:
    """A plan whose first step failed."""

    def build(repo: Repo) -> str:
        made = repo.plan(PLAN)
        repo.orch("exec", made, expect=1)
        return made

    return prepared.instead(here.repo, "failed in its first step", build)


def commit(here: Here, plan: str, content: str, message: str = "By hand") -> str:
    """A commit of a person on the plan branch, who has checked it out for that alone."""
    repo, place = here.repo, here.repo.path.parent / "mine"
    repo.git("worktree", "add", "-q", str(place), f"orch/{plan}")
    oid = repo.commit({"made": content}, message, cwd=place)
    repo.git("worktree", "remove", str(place))
    return oid


def message(here: Here, name: str) -> str:
    return here.repo.git("show", "-s", "--format=%B", name)


def test_status_names_a_commit_of_a_person_and_its_command_takes_it(here: Here, plan: str) -> None:
    oid = commit(here, plan, "good\n", "By hand\n\nSigned-off-by: Ada <ada@example.com>")
    shown = here("status").out
    assert oid[:10] in shown
    command = next(line for line in shown.splitlines() if "git orch adopt" in line)
    here(*command.partition("git orch ")[2].split())
    step = here.show(plan)["steps"][0]
    assert step["state"] == "done"
    assert step["checks"][0]["passed"] is True
    lines = message(here, f"orch/{plan}").splitlines()
    assert lines[:-1] == ["By hand", "", "Signed-off-by: Ada <ada@example.com>"]
    assert lines[-1].startswith(f"Orch-Step: {plan}/s1@")
    assert "yours" not in here("status").out
    here("exec")
    assert here.show(plan)["state"] == "COMPLETE"
    here.repo.git("merge-base", "--is-ancestor", oid, f"refs/orch/kept/{plan}")


def test_a_commit_on_which_a_check_fails_is_not_taken(here: Here, plan: str) -> None:
    oid = commit(here, plan, "bad\n")
    assert "nothing was adopted" in here("adopt", "1", expect=1).err
    assert here.repo.git("rev-parse", f"orch/{plan}") == oid
    assert here.show(plan)["steps"][0]["state"] == "failed"


def test_several_commits_become_one_step_when_they_are_named(here: Here, plan: str) -> None:
    first, last = commit(here, plan, "half\n", "Begin"), commit(here, plan, "good\n", "End")
    here("adopt", plan, "1", first, expect=1)
    refused = here("adopt", plan, "1", expect=3).err
    words = refused.rpartition("git orch ")[2].partition("#")[0].split()
    here(*words)
    tip = f"orch/{plan}"
    assert message(here, tip).startswith("Begin\n\nEnd\n\nOrch-Step: ")
    assert here.repo.git("rev-parse", f"{tip}^{{tree}}") == here.repo.git(
        "rev-parse", f"{last}^{{tree}}"
    )
    assert here.show(plan)["steps"][0]["state"] == "done"
    here("rollback", "--undo", plan)
    assert here.repo.git("rev-parse", tip) == last


def test_a_commit_of_another_branch_is_picked_onto_the_plan(here: Here, plan: str) -> None:
    here.repo.git("switch", "-q", "-c", "mine")
    here.repo.commit({"made": "good\n"}, "On my branch")
    here("adopt", "1", "mine")
    assert here.repo.git("show", f"orch/{plan}:made") == "good"
    assert message(here, f"orch/{plan}").startswith("On my branch\n\nOrch-Step: ")
    assert here.repo.git("log", "-1", "--format=%s", "mine") == "On my branch"


def test_later_commits_stay_on_the_one_that_is_taken(here: Here, plan: str) -> None:
    taken, later = commit(here, plan, "good\n"), commit(here, plan, "good\nmore\n", "More")
    here("adopt", "1", taken)
    assert here.show(plan)["steps"][0]["state"] == "done"
    assert here.repo.git("log", "--format=%s", "-2", f"orch/{plan}") == "More\nBy hand"
    assert later[:10] not in here("status").out


@pytest.mark.parametrize("command", [["adopt", "1"], ["verify", "--accept", "1"]])
def test_a_commit_that_claims_the_step_stays_what_it_is(
    here: Here, plan: str, command: list[str]
) -> None:
    claim = f"Orch-Step: {plan}/s1@01ARZ3NDEKTSV4RRFFQ69G5FAV"
    oid = commit(here, plan, "good\n", f"By hand\n\n{claim}")
    assert f"next: git orch adopt {here.repo.handle(plan)} 1" in here("status").out
    done = here(*command)
    assert ("'git orch adopt' now" in done.err) == (command[0] == "verify")
    assert here.repo.git("rev-parse", f"orch/{plan}") == oid
    assert here.show(plan)["steps"][0]["state"] == "done"


@pytest.mark.parametrize(
    ("words", "status"),
    [(["2"], 3), (["1"], 3), (["1", "nonesuch"], 5), (["9"], 5), (["1", "main..mine"], 5), ([], 2), (["x", "y"], 2)],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused(
    here: Here, plan: str, words: list[str], status: int
) -> None:
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    here("adopt", *words, expect=status)
    assert here.repo.git("rev-parse", f"orch/{plan}") == tip


def test_an_amended_step_is_taken_with_the_tree_it_has_now(here: Here, plan: str) -> None:
    commit(here, plan, "good\n")
    here("adopt", "1")
    place: Path = here.repo.path.parent / "mine"
    here.repo.git("worktree", "add", "-q", str(place), f"orch/{plan}")
    (place / "made").write_text("good\nbetter\n")
    here.repo.git("commit", "-q", "-a", "--amend", "--no-edit", cwd=place)
    here.repo.git("worktree", "remove", str(place))
    assert here.show(plan)["steps"][0]["state"] == "unverified"
    here("adopt", "1")
    assert here.show(plan)["steps"][0]["state"] == "done"
