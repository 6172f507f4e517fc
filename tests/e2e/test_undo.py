"""git orch undo: the last change, whatever it was, and itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import Here, Prepared, Repo, data, writing
from forging import forge

from git_orch.plans.document import Document
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover


def refs(repo: Repo) -> dict[str, str]:
    """The branches and where they are: what a change moves."""
    listed = repo.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads")
    return dict(line.split() for line in listed.splitlines())


def look(here: Here, plan: str) -> tuple[object, ...]:
    """What a person sees of a plan: branches, steps, text, and whether it is archived."""
    shown = here.show(plan)
    steps = [(step["title"], step["state"]) for step in shown["steps"]]
    return refs(here.repo), steps, shown["archived"], shown["landed"], shown["base"]["commit"]


@pytest.fixture
def plan(here: Here, prepared: Prepared) -> str:
    """A plan of three steps that need nothing, all done, whose base has moved on."""

    def build(repo: Repo) -> str:
        made = repo.plan(writing("a", "b", "c", chained=False))
        repo.orch("exec", made)
        repo.commit({"beside": "beside\n"})
        return made

    return prepared.instead(here.repo, "all done, and the base has moved on", build)


MORE = json.dumps(writing("a", "b", "c", "d", chained=False))
CHANGES: dict[str, Sequence[str]] = {
    "rollback": ["rollback"],
    "drop": ["drop", "2"],
    "reorder": ["reorder", "3,1,2"],
    "rebase": ["rebase"],
    "redo": ["redo", "2"],
    "edit": ["edit", "--from", "-"],
    "land": ["land"],
    "pick": ["pick", "PLAN", "1"],
    "archive": ["archive"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_taken_back_and_comes_again(here: Here, plan: str, change: str) -> None:
    before = look(here, plan)
    words = [word.replace("PLAN", plan) for word in CHANGES[change]]
    here(*words, *([plan] if "PLAN" not in CHANGES[change] else []), stdin=MORE)
    after = look(here, plan)
    assert after != before
    for expected in (before, after):
        here("undo")
        assert look(here, plan) == expected
    assert here.repo.git("status", "--short") == ""


def test_a_run_its_edit_and_the_plan_are_taken_back_one_after_the_other(here: Here) -> None:
    plan = here.plan(writing("a", chained=False))
    here("undo")
    assert here.show(plan)["archived"]
    here("undo")
    here("edit", "--from", "-", stdin=MORE)
    cover = refs(here.repo)
    here("exec")
    here("undo")
    assert (refs(here.repo), here.show(plan)["state"]) == (cover, "ROLLED_BACK")
    assert "took back 'edit'" in here("undo", "--again").out
    assert len(here.show(plan)["steps"]) == 1
    refused = here("undo", "--again", expect=3).err
    assert "nothing is left to take back" in refused
    assert "did 'edit' again" in here("undo").out
    assert "did 'exec' again" in here("undo", "--again").out
    assert here.show(plan)["state"] == "COMPLETE"


def test_a_first_run_that_goes_on_is_not_nothing(here: Here) -> None:
    plan = here.plan(writing("a"))
    with localfiles.lock(PlanPlace(discover(here.repo.path), plan)):
        assert "another process is working on" in here("undo", plan, expect=6).err


def test_a_rejected_plan_is_what_it_was(here: Here) -> None:
    plan = here.plan(writing("a"))
    before = look(here, plan)
    here("reject", "--why", "no")
    here("undo")
    assert (look(here, plan), here.show(plan)["state"]) == (before, "CREATED")
    here("undo")
    assert here.show(plan)["state"] == "REJECTED"
    here("undo")
    here("exec")


def test_an_edit_that_brought_a_rejected_plan_back_is_taken_back_as_a_whole(here: Here) -> None:
    plan = here.plan(writing("a", chained=False))
    here("archive", plan, "--why", "no")
    rejected = look(here, plan), here.show(plan)["state"]
    here("edit", plan, "--from", "-", stdin=MORE)
    edited = look(here, plan), here.show(plan)["state"]
    for expected in (rejected, edited):
        here("undo", plan)
        assert (look(here, plan), here.show(plan)["state"]) == expected
    assert (rejected[1], edited[1]) == ("REJECTED", "CREATED")


def test_what_came_after_a_change_and_is_none_is_named(here: Here) -> None:
    plan = here.plan(writing("a", chained=False))
    here("approve", plan)
    assert "your approval came after that" in here("undo", plan).err


def test_a_landing_that_something_came_after_is_left_with_the_command_that_reverts_it(
    here: Here, plan: str
) -> None:
    here("land", plan)
    here.repo.commit({"later": "later\n"})
    before = refs(here.repo)
    refused = here("undo", expect=3).err
    assert "'main' has moved on since 'land on main'" in refused
    assert (refs(here.repo), here.show(plan)["archived"]) == (before, True)
    here.repo.git("-c", "core.editor=true", *refused.rpartition("hint: git ")[2].split())
    assert not (here.repo.path / "a").exists()


def test_a_landing_that_a_remote_has_is_left(here: Here, plan: str, tmp_path: Path) -> None:
    here("land", plan)
    here.repo.git("init", "-q", "--bare", str(tmp_path / "up.git"))
    here.repo.git("remote", "add", "up", str(tmp_path / "up.git"))
    here.repo.git("push", "-q", "up", "main")
    refused = here("undo", expect=3).err
    assert "was pushed: 'up/main' has it" in refused
    assert "hint: git revert -m 1 " in refused


def test_changes_of_the_user_stay_or_are_named(here: Here, plan: str) -> None:
    here("land", plan)
    here.repo.write({"README.md": "mine\n"})
    here("undo")
    assert (here.repo.path / "README.md").read_text() == "mine\n"
    here("undo")
    here.repo.write({"a": "mine\n"})
    before = refs(here.repo)
    refused = here("undo", expect=6).err
    assert "are in the way: 'a'" in refused
    assert (refs(here.repo), here.show(plan)["archived"]) == (before, True)
    assert (here.repo.path / "a").read_text() == "mine\n"


def test_a_branch_that_the_user_moved_is_left(here: Here, plan: str) -> None:
    here("drop", "2", plan)
    tip = here.repo.git("rev-parse", f"orch/{plan}~1")
    here.repo.git("update-ref", f"refs/heads/orch/{plan}", tip)
    refused = here("undo", expect=3).err
    assert "you have moved the branch since 'drop step 2'" in refused
    assert here.repo.git("rev-parse", f"orch/{plan}") == tip
    here.repo.git(*refused.rpartition("hint: git ")[2].partition("  #")[0].split())
    here("undo")
    assert tip in here.repo.git("rev-list", f"refs/orch/kept/{plan}")


def test_a_landing_of_another_clone_moves_nothing_here(
    here: Here, plan: str, tmp_path: Path
) -> None:
    here("land", plan)
    here.repo.git("clone", "-q", str(here.repo.path), str(tmp_path / "other"))
    other = Repo(tmp_path / "other")
    other.git("fetch", "-q", "origin", "+refs/notes/orch/*:refs/notes/orch/*")
    main = other.git("rev-parse", "main")
    refused = other.orch("undo", plan, expect=3).stderr
    assert "was not done in this clone" in refused
    assert other.git("rev-parse", "main") == main


def test_a_dry_run_takes_nothing_back(here: Here, plan: str) -> None:
    here("land", plan)
    before = look(here, plan)
    assert "would take back 'land on main'" in here("undo", "--dry-run").out
    told = json.loads(here("undo", "--dry-run", "--json").out)["data"]
    assert (told["act"], told["change"]["kind"], told["ref"]) == ("undo", "land", "refs/heads/main")
    assert look(here, plan) == before


def test_a_branch_that_is_checked_out_moves_when_asked(here: Here, plan: str) -> None:
    here("rollback", plan)
    here.repo.git("switch", "-q", f"orch/{plan}")
    assert "is checked out" in here("undo", expect=6).err
    here("undo", "--checkout")
    assert (here.repo.path / "c").exists()


# -- a log that somebody forged, who has seen what this clone pushed ---------------------------------


@pytest.mark.parametrize("redo", [False, True], ids=["undo", "redo"])
def test_a_landing_that_only_the_log_tells_of_moves_nothing(here: Here, *, redo: bool) -> None:
    plan = here.plan(writing("a"))
    here.repo.commit({"mine": "mine\n"})
    main = here.repo.git("rev-parse", "main")
    evil = here.repo.git("commit-tree", "main^{tree}", "-p", "main", "-m", "evil")
    old, new = (main, evil) if redo else (evil, main)
    move: Document = {"kind": "land", "ref": "refs/heads/main", "why": "land on main"}
    events: list[tuple[str, Document]] = [
        ("move.intended", move | {"from": old, "to": new}),
        ("move.done", {"move": 0}),
    ]
    if redo:
        events += [
            ("move.intended", move | {"kind": "undo", "from": new, "to": old, "undoes": 0}),
            ("move.done", {"move": 2}),
        ]
    forge(here.repo, plan, *events)
    assert "the reflog of 'main' has no such move" in here("undo", plan, expect=3).err
    assert here.repo.git("rev-parse", "main") == main


def test_a_text_that_was_never_made_here_does_not_run_after_an_undo(here: Here) -> None:
    plan = here.plan(writing("a", chained=False))
    text = json.dumps(data(here("log", plan, "--json", "--since").out)[0]["plan"])
    evil = text.replace("Write a", "Write evil")
    assert evil != text
    forge(here.repo, plan, *(("plan.revised", {"plan": json.loads(one)}) for one in (evil, text)))
    assert "was not made here" in here("undo", plan).err
    assert "git orch approve" in here("exec", plan, expect=3).err
    here("undo", plan)
    here("exec", plan)


def test_a_landing_with_which_the_reflog_begins_is_taken_back_and_comes_again(
    here: Here, plan: str
) -> None:
    here.repo.git("switch", "-q", "--detach")
    (here.repo.path / ".git/logs/refs/heads/main").unlink(missing_ok=True)
    here("land", plan, "--onto", "main")
    landed = here.repo.git("rev-parse", "main")
    here("undo", plan)
    assert here.repo.git("rev-parse", "main") != landed
    here("undo", plan)
    assert here.repo.git("rev-parse", "main") == landed
