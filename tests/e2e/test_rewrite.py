"""Dropping, reordering, redoing and rebasing steps: one move of a branch that was built and
verified before.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from conftest import Prepared, Repo, data, writing

from git_orch.plans import ids


def branch(repo: Repo, plan: str) -> list[str]:
    """Subjects on the plan branch, the cover left out."""
    return repo.git("log", "--reverse", "--format=%s", f"orch/{plan}", "^main").splitlines()[1:]


def tree(repo: Repo, revision: str) -> list[str]:
    return repo.git("ls-tree", "-r", "--name-only", revision).split()


def kept(repo: Repo, plan: str, commit: str) -> bool:
    return commit in repo.git("rev-list", f"refs/orch/kept/{plan}").splitlines()


def short(plan: str) -> str:
    """The plan as messages name it."""
    return ids.Handles([plan]).of(plan)


@pytest.fixture
def plan(repo: Repo, prepared: Prepared) -> str:
    """A plan of three independent steps, all done."""

    def build(made: Repo) -> str:
        found = made.plan(writing("a.txt", "b.txt", "c.txt", chained=False))
        made.orch("exec", found)
        return found

    return prepared.instead(repo, "three independent steps", build)


# -- drop ------------------------------------------------------------------------------------------


def test_a_dropped_step_is_not_done_and_the_others_are_verified(repo: Repo, plan: str) -> None:
    old = repo.git("rev-parse", f"orch/{plan}")
    done = repo.orch("drop", plan, "2")
    assert branch(repo, plan) == ["Write a.txt", "Write c.txt"]
    assert repo.step_states(plan) == ["done", "pending", "done"]
    assert "checked again: step 3" in done.stderr
    assert kept(repo, plan, old)


def test_a_drop_is_taken_back_by_undo(repo: Repo, plan: str) -> None:
    old = repo.git("rev-parse", f"orch/{plan}")
    repo.orch("drop", plan, "2")
    repo.orch("rollback", "--undo", plan)
    assert repo.git("rev-parse", f"orch/{plan}") == old


def test_a_step_that_another_needs_is_not_dropped(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt", "b.txt"))
    repo.orch("exec", plan)
    assert "step 1 is needed by step 2" in repo.orch("drop", plan, "1", expect=3).stderr


def test_a_conflict_moves_nothing_and_names_step_and_path(repo: Repo) -> None:
    steps = [{"title": f"Step {n}", "run": f"echo {n} >> README.md"} for n in (1, 2)]
    plan = repo.plan({"title": "Lines", "steps": steps})
    repo.orch("exec", plan)
    old = repo.git("rev-parse", f"orch/{plan}")
    refused = repo.orch("drop", plan, "1", expect=7).stderr
    assert "step 2 conflicts in README.md" in refused
    assert repo.git("rev-parse", f"orch/{plan}") == old
    assert refused.endswith(f"then: git orch done {short(plan)}\n")


def test_checks_that_fail_without_the_step_move_nothing(repo: Repo) -> None:
    document = writing("a.txt", "b.txt", chained=False)
    document["steps"][1]["checks"] = [{"command": "test -f a.txt"}]
    plan = repo.plan(document)
    repo.orch("exec", plan)
    old = repo.git("rev-parse", f"orch/{plan}")
    assert (
        "check 'test -f a.txt' of step 2 exited 1" in repo.orch("drop", plan, "1", expect=1).stderr
    )
    assert repo.git("rev-parse", f"orch/{plan}") == old


@pytest.mark.parametrize(("number", "code"), [("9", 5), ("0", 5)])
def test_a_step_that_is_none_is_not_dropped(repo: Repo, plan: str, number: str, code: int) -> None:
    repo.orch("drop", plan, number, expect=code)


def test_a_branch_that_is_checked_out_is_left_alone(repo: Repo, plan: str) -> None:
    repo.git("switch", "-q", f"orch/{plan}")
    for command in (["drop", "2"], ["reorder", "2,1,3"], ["redo", "1"]):
        repo.orch(*command, plan, expect=6)


def test_a_worktree_that_is_gone_is_named_with_the_command_that_forgets_it(
    repo: Repo, plan: str
) -> None:
    gone = repo.path.parent / "gone"
    repo.git("worktree", "add", "-q", str(gone), f"orch/{plan}")
    shutil.rmtree(gone)
    assert "hint: git worktree prune" in repo.orch("drop", plan, "2", expect=6).stderr


def test_a_branch_that_moves_while_checks_run_is_left_where_it_is(
    repo: Repo, unsandboxed: None
) -> None:
    """What the user commits meanwhile is not taken off."""
    meanwhile = repo.path.parent / "meanwhile"
    document = writing("a.txt", "b.txt", chained=False)
    document["steps"][1]["checks"] = [{"command": f"test -f a.txt || sh {meanwhile}"}]
    plan = repo.plan(document)
    repo.orch("exec", plan)
    mine = repo.git("commit-tree", "-p", f"orch/{plan}", "-m", "mine", f"orch/{plan}^{{tree}}")
    meanwhile.write_text(f"git -C {repo.path} update-ref refs/heads/orch/{plan} {mine}\n")
    repo.orch("drop", plan, "1", expect=6)
    assert repo.git("rev-parse", f"orch/{plan}") == mine


# -- reorder ---------------------------------------------------------------------------------------


def test_commits_of_a_complete_plan_change_places(repo: Repo, plan: str) -> None:
    repo.orch("reorder", plan, "3,1,2")
    assert branch(repo, plan) == ["Write c.txt", "Write a.txt", "Write b.txt"]
    assert repo.step_states(plan) == ["done", "done", "done"]
    assert repo.status(plan)["state"] == "COMPLETE"


def test_steps_that_are_not_done_change_places_in_the_text(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt", "b.txt", chained=False))
    repo.orch("reorder", plan, "2,1")
    assert [step["title"] for step in repo.status(plan)["steps"]] == ["Write b.txt", "Write a.txt"]
    repo.orch("exec", plan)
    assert branch(repo, plan) == ["Write b.txt", "Write a.txt"]


def test_an_undone_reorder_gives_text_and_branch_their_order_back(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt", "b.txt", "c.txt", chained=False))
    repo.orch("exec", "--steps", "1,2", plan)
    old = repo.git("rev-parse", f"orch/{plan}")
    repo.orch("reorder", plan, "3,2,1")
    assert branch(repo, plan) == ["Write b.txt", "Write a.txt"]
    repo.orch("rollback", "--undo", plan)
    assert repo.git("rev-parse", f"orch/{plan}") == old
    assert [step["title"] for step in repo.status(plan)["steps"]] == [
        "Write a.txt",
        "Write b.txt",
        "Write c.txt",
    ]


def test_a_claim_of_a_step_that_the_plan_has_not_counts_as_the_users_commit(
    repo: Repo, plan: str
) -> None:
    message = f"odd\n\nOrch-Step: {plan}/s9@01M7XS47CYWC5PA153KZA12XPB\n"
    odd = repo.git("commit-tree", "-p", f"orch/{plan}", "-m", message, f"orch/{plan}^{{tree}}")
    repo.git("update-ref", f"refs/heads/orch/{plan}", odd)
    repo.orch("reorder", plan, "3,1,2")
    assert branch(repo, plan) == ["Write c.txt", "odd", "Write a.txt", "Write b.txt"]


def test_a_step_cannot_stand_before_what_it_needs(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt", "b.txt"))
    assert "step 2 needs step 1" in repo.orch("reorder", plan, "2,1", expect=3).stderr


@pytest.mark.parametrize("order", ["1,2", "1,1,2", "1,2,4", "x"])
def test_an_order_names_each_step_once(repo: Repo, plan: str, order: str) -> None:
    repo.orch("reorder", plan, order, expect=2)


def test_a_commit_of_the_users_own_goes_with_the_step_below_it(repo: Repo, plan: str) -> None:
    repo.git("switch", "-q", f"orch/{plan}")
    repo.git("reset", "-q", "--hard", "HEAD~2")
    repo.commit({"mine.txt": "mine\n"}, "mine")
    repo.git("switch", "-q", "main")
    repo.orch("exec", plan)
    repo.orch("reorder", plan, "2,3,1")
    assert branch(repo, plan) == ["Write b.txt", "Write c.txt", "Write a.txt", "mine"]


# -- rebase ----------------------------------------------------------------------------------------


def test_a_plan_goes_onto_the_tip_of_its_base(repo: Repo, plan: str) -> None:
    tip = repo.commit({"new.txt": "new\n"}, "meanwhile")
    repo.orch("rebase", plan)
    assert repo.git("rev-parse", f"orch/{plan}~4") == tip
    assert tree(repo, f"orch/{plan}") == ["README.md", "a.txt", "b.txt", "c.txt", "new.txt"]
    assert repo.status(plan)["state"] == "COMPLETE"
    assert "already based on main" in repo.orch("rebase", plan).stdout


def test_a_rebase_is_taken_back_with_its_base(repo: Repo, plan: str) -> None:
    before = repo.status(plan)["base"]
    repo.commit({"new.txt": "new\n"}, "meanwhile")
    repo.orch("rebase", plan)
    repo.orch("rollback", "--undo", plan)
    assert repo.status(plan)["base"] == before


def test_undo_goes_back_through_the_moves_one_after_the_other(repo: Repo, plan: str) -> None:
    """Each gives back tip and base; before the first of them stands a landing, which is no move
    to take back.
    """
    moves: list[list[str]] = [["drop", "2"], ["rebase"], ["rebase"], ["rollback", "--last", "1"]]
    before = []
    for number, move in enumerate(moves):
        before.append((repo.git("rev-parse", f"orch/{plan}"), repo.status(plan)["base"]))
        repo.commit({f"new-{number}.txt": "new\n"}, "meanwhile")
        repo.orch(*move, plan)
    for stood in reversed(before):
        repo.orch("rollback", "--undo", plan)
        assert (repo.git("rev-parse", f"orch/{plan}"), repo.status(plan)["base"]) == stood
    assert "was not a rollback" in repo.orch("rollback", "--undo", plan, expect=3).stderr


def test_an_undo_does_not_reach_behind_a_landing(repo: Repo, plan: str) -> None:
    repo.orch("drop", plan, "2")
    repo.orch("exec", plan)
    repo.orch("rollback", "--last", "1", plan)
    repo.orch("rollback", "--undo", plan)
    assert "was not a rollback" in repo.orch("rollback", "--undo", plan, expect=3).stderr


def test_every_step_that_conflicts_is_named_before_anything_moves(repo: Repo) -> None:
    plan = repo.plan(
        {"title": "Lines", "steps": [{"title": "Step", "run": "echo 1 >> README.md; echo 1 > one"}]}
    )
    repo.orch("exec", plan)
    repo.commit({"README.md": "another\n", "one": "two\n"}, "meanwhile")
    refused = repo.orch("rebase", plan, expect=7).stderr
    assert "README.md" in refused
    assert "one" in refused


def test_a_plan_goes_onto_another_branch(repo: Repo, plan: str) -> None:
    repo.git("branch", "side")
    repo.git("switch", "-q", "side")
    repo.commit({"side.txt": "side\n"}, "side")
    repo.git("switch", "-q", "main")
    repo.orch("rebase", "--onto", "side", plan)
    assert repo.status(plan)["base"]["ref"] == "refs/heads/side"


def test_a_plan_follows_another_branch_at_the_same_commit(repo: Repo, plan: str) -> None:
    repo.git("branch", "side")
    repo.orch("rebase", "--onto", "side", plan)
    assert repo.status(plan)["base"]["ref"] == "refs/heads/side"
    assert repo.step_states(plan) == ["done", "done", "done"]


# -- redo ------------------------------------------------------------------------------------------


def counting(tmp: str) -> dict[str, Any]:
    """The first step writes a number that grows with each run."""
    grow = f"n=$(cat {tmp} 2>/dev/null || echo 0); echo $((n+1)) > {tmp}; cp {tmp} n.txt"
    return {
        "title": "Count",
        "steps": [
            {"title": "Count", "run": grow, "checks": [{"command": "test -f n.txt"}]},
            {
                "title": "After",
                "run": "echo after > after.txt",
                "checks": [{"command": "test -f n.txt"}],
            },
        ],
    }


@pytest.fixture
def counter(repo: Repo, unsandboxed: None) -> str:
    plan = repo.plan(counting(str(repo.path.parent / "count")))
    repo.orch("exec", plan)
    return plan


def test_a_step_is_run_again_below_the_later_ones(repo: Repo, counter: str) -> None:
    old = repo.git("rev-parse", f"orch/{counter}")
    repo.orch("redo", counter, "1")
    assert repo.git("show", f"orch/{counter}:n.txt") == "2"
    assert branch(repo, counter) == ["Count", "After"]
    assert repo.step_states(counter) == ["done", "done"]
    assert kept(repo, counter, old)
    assert repo.git("for-each-ref", "refs/orch/results") == ""
    repo.orch("rollback", "--undo", counter)
    assert repo.git("rev-parse", f"orch/{counter}") == old


def test_a_redo_that_fails_leaves_the_branch_as_it_was(repo: Repo, counter: str) -> None:
    old = repo.git("rev-parse", f"orch/{counter}")
    (repo.path.parent / "count").unlink()
    (repo.path.parent / "count").mkdir()
    repo.orch("redo", counter, "1", expect=1)
    assert repo.git("rev-parse", f"orch/{counter}") == old
    assert repo.status(counter)["state"] == "COMPLETE"


def test_a_command_that_gives_what_it_gave_takes_steps_along_that_build_on_it(
    repo: Repo, unsandboxed: None
) -> None:
    """Nothing was paid for, so nothing is foretold: the patch of the later step is the same."""
    steps = [
        {"title": "One", "run": "echo 1 >> README.md"},
        {"title": "Two", "run": "echo 2 >> README.md"},
    ]
    plan = repo.plan({"title": "Lines", "steps": steps})
    repo.orch("exec", plan)
    before = repo.git("rev-parse", f"orch/{plan}^{{tree}}")
    repo.orch("redo", plan, "1")
    assert repo.git("rev-parse", f"orch/{plan}^{{tree}}") == before
    assert repo.step_states(plan) == ["done", "done"]


def test_a_new_result_that_the_later_steps_do_not_fit_is_a_failed_attempt(
    repo: Repo, tmp_path: Any, unsandboxed: None
) -> None:
    more = tmp_path / "more"
    steps = [
        {"title": "One", "run": f"echo 1 > a.txt; cp {more} b.txt || true"},
        {"title": "Two", "run": "echo 2 > b.txt"},
    ]
    plan = repo.plan({"title": "Two", "steps": steps})
    repo.orch("exec", plan)
    old = repo.git("rev-parse", f"orch/{plan}")
    more.write_text("another\n")
    assert "step 2 conflicts in b.txt" in repo.orch("redo", plan, "1", expect=7).stderr
    assert repo.git("rev-parse", f"orch/{plan}") == old
    events = data(repo.orch("log", plan, "--json").stdout)
    [failed] = [event for event in events if event["event"] == "attempt.failed"]
    assert failed["reason"] == "conflict"
    assert kept(repo, plan, failed["commit"])
    assert repo.step_states(plan) == ["done", "done"]


def test_checks_that_fail_on_the_tip_after_a_redo_are_told(
    repo: Repo, tmp_path: Any, unsandboxed: None
) -> None:
    count = tmp_path / "count"
    steps = [
        {
            "title": "One",
            "run": f"echo x >> {count}; cp {count} n.txt",
            "checks": [{"command": "test -f n.txt"}],
        },
        {
            "title": "Two",
            "run": "rm -f n.txt; echo 2 > two",
            "checks": [{"command": "test -f two"}],
        },
    ]
    plan = repo.plan({"title": "Two", "steps": steps})
    repo.orch("exec", "--no-tip-checks", plan)
    refused = repo.orch("redo", plan, "2", expect=1).stderr
    assert "check 'test -f n.txt' of step 1 fails on the finished branch" in refused


# -- rollback --------------------------------------------------------------------------------------


def test_the_last_steps_are_taken_back(repo: Repo, plan: str) -> None:
    repo.orch("rollback", "--last", "2", plan)
    assert branch(repo, plan) == ["Write a.txt"]
    repo.orch("rollback", "--last", "2", plan, expect=5)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ([], "rolled back all 3 steps (old tip "),
        (["--last"], "rolled back step 3 (old tip "),
        (["--last", "PLAN"], "rolled back step 3 (old tip "),
    ],
)
def test_a_rollback_takes_back_all_steps_and_last_one(
    repo: Repo, plan: str, typed: list[str], said: str
) -> None:
    assert said in repo.orch("rollback", *(word.replace("PLAN", plan) for word in typed)).stdout


def test_a_dry_run_moves_nothing_and_says_what_would(repo: Repo, plan: str) -> None:
    old = repo.git("rev-parse", f"orch/{plan}")
    said = repo.orch("rollback", "--last", "2", "--dry-run", plan).stdout
    assert "branch would move" in said
    assert "would roll back steps 2, 3" in said
    assert all(
        oid[:10] in said
        for oid in repo.git("rev-list", "--max-count=2", f"orch/{plan}").splitlines()
    )
    assert repo.git("rev-parse", f"orch/{plan}") == old
    assert repo.git("for-each-ref", "refs/orch/kept") == ""


def test_the_users_own_commits_are_replayed_when_they_say_so(repo: Repo, plan: str) -> None:
    repo.git("switch", "-q", f"orch/{plan}")
    repo.commit({"mine.txt": "mine\n"}, "mine")
    repo.git("switch", "-q", "main")
    assert "--keep-user-commits" in repo.orch("rollback", "--to-step", "1", plan, expect=3).stderr
    repo.orch("rollback", "--to-step", "1", "--keep-user-commits", plan)
    assert branch(repo, plan) == ["Write a.txt", "mine"]
    assert tree(repo, f"orch/{plan}") == ["README.md", "a.txt", "mine.txt"]


def test_commits_of_the_users_own_above_the_last_step_are_not_replayed(
    repo: Repo, plan: str
) -> None:
    mine = repo.git("commit-tree", "-p", f"orch/{plan}", "-m", "mine", f"orch/{plan}^{{tree}}")
    repo.git("update-ref", f"refs/heads/orch/{plan}", mine)
    assert (
        "nothing to roll back"
        in repo.orch("rollback", "--to-step", "3", "--keep-user-commits", plan).stdout
    )
    assert repo.git("rev-parse", f"orch/{plan}") == mine


def test_the_users_own_commits_are_replayed_where_the_branch_is_checked_out(
    repo: Repo, plan: str
) -> None:
    repo.git("switch", "-q", f"orch/{plan}")
    repo.commit({"mine.txt": "mine\n"}, "mine")
    repo.orch("rollback", "--to-step", "1", "--keep-user-commits", "--checkout", plan)
    assert repo.git("status", "--porcelain") == ""
    assert tree(repo, "HEAD") == ["README.md", "a.txt", "mine.txt"]


def test_an_ignored_file_is_not_overwritten_where_the_branch_is_checked_out(
    repo: Repo, plan: str
) -> None:
    repo.git("switch", "-q", f"orch/{plan}")
    repo.orch("rollback", "--to-step", "1", "--checkout")
    (repo.path / ".git/info/exclude").write_text("c.txt\n")
    repo.write({"c.txt": "mine\n"})
    assert (
        "are in the way: 'c.txt'" in repo.orch("rollback", "--undo", "--checkout", expect=6).stderr
    )
    assert (repo.path / "c.txt").read_text() == "mine\n"
    assert branch(repo, plan) == ["Write a.txt"]


def test_a_file_that_was_touched_is_not_in_the_way_of_a_rollback(repo: Repo, plan: str) -> None:
    repo.git("switch", "-q", f"orch/{plan}")
    os.utime(repo.path / "c.txt", (1, 1))
    repo.orch("rollback", "--to-step", "1", "--checkout")
    assert repo.git("status", "--porcelain") == ""


def test_a_merge_of_the_users_own_is_named_with_the_command_that_cuts_it_off(
    repo: Repo, plan: str
) -> None:
    tip = f"orch/{plan}"
    merge = repo.git("commit-tree", "-p", tip, "-p", "main", "-m", "mine", f"{tip}^{{tree}}")
    repo.git("update-ref", f"refs/heads/{tip}", merge)
    said = repo.orch("rollback", "--to-step", "1", plan, expect=3).stderr
    [hint] = [line for line in said.splitlines() if "hint: " in line]
    repo.git(*hint.partition("hint: git ")[2].partition("  #")[0].split())
    assert repo.step_states(plan) == ["done", "pending", "pending"]


def test_a_failed_run_goes_back_to_where_it_began(repo: Repo) -> None:
    """S1-206."""
    document = writing("a.txt", "b.txt", "c.txt")
    document["steps"][2]["checks"] = [{"command": "false"}]
    plan = repo.plan(document)
    repo.orch("exec", "--steps", "1", plan)
    tip = repo.git("rev-parse", f"orch/{plan}")
    told = repo.orch("exec", "--rollback", plan, expect=1).stderr
    assert repo.git("rev-parse", f"orch/{plan}") == tip
    assert "rolled back step 2" in told
    repo.orch("rollback", "--undo", plan)
    assert branch(repo, plan) == ["Write a.txt", "Write b.txt"]


@pytest.mark.parametrize("typed", [["--undo", "--last", "1"], ["--to-step", "1", "--last", "1"]])
def test_ways_to_roll_back_exclude_each_other(repo: Repo, typed: list[str]) -> None:
    repo.orch("rollback", *typed, expect=2)
