"""Manual steps: done by a person in the plan's worktree, handed in with `git orch done`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import Here

from git_orch import checkpoints

BY_HAND: dict[str, Any] = {
    "title": "By hand",
    "steps": [
        {"title": "First", "files": {"a.txt": "a\n"}},
        {
            "title": "Logo",
            "kind": "manual",
            "depends_on": [1],
            "checks": [{"command": "test -f logo.txt"}],
        },
        {"title": "Last", "files": {"b.txt": "b\n"}, "depends_on": [2]},
    ],
}


def worktree(here: Here) -> Path:
    """The worktree that is not the user's."""
    paths = [line.removeprefix("worktree ") for line in here.repo.git("worktree", "list", "--porcelain").splitlines()
             if line.startswith("worktree ")]  # fmt: skip
    return Path(paths[1])


def states(here: Here, plan: str) -> list[str]:
    return [step["state"] for step in here.show(plan)["steps"]]


def test_exec_stops_at_a_manual_step_and_says_where_to_work(here: Here) -> None:
    plan = here.plan(BY_HAND)
    done = here("exec", plan, expect=9)
    assert str(worktree(here)) in done.err
    assert f"git orch done {here.repo.handle(plan)}" in done.out
    assert states(here, plan) == ["done", "pending", "pending"]


def test_the_next_command_is_the_one_that_works_now(here: Here) -> None:
    """`done` only where the place of the work is there."""
    steps = [{"title": title, "kind": "manual"} for title in ("Logo", "Icon")]
    name = here.repo.handle(here.plan({"title": "By hand", "steps": steps}))
    yours = f"next: git orch exec {name}  # step {{}} is yours: it makes the place\n"
    assert here("status").out.endswith(yours.format(1))
    handed_in = f"next: git orch done {name}  # when step 1 is done there\n"
    assert here("exec", expect=9).out.endswith(handed_in)
    assert here("status").out.endswith(f"yours    step 1 in {worktree(here)}\n{handed_in}")
    (worktree(here) / "logo").touch()
    assert here("done").out.endswith(yours.format(2))
    assert json.loads(here("status", "--json").out)["next"] == [f"git orch exec {name}"]


def test_what_was_handed_in_lands_after_its_checks_and_the_rest_goes_on(here: Here) -> None:
    plan = here.plan(BY_HAND)
    here("exec", plan, expect=9)
    (worktree(here) / "logo.txt").write_text("logo\n")
    here("exec", plan, expect=9)  # does not touch the work
    here("done", plan)
    assert here.repo.git("show", f"orch/{plan}:logo.txt") == "logo"
    here("exec", plan)
    assert here.show(plan)["state"] == "COMPLETE"
    assert len(here.repo.git("worktree", "list").splitlines()) == 1


def test_what_a_person_changes_while_their_work_lands_is_kept(here: Here) -> None:
    plan = here.plan(BY_HAND)
    here("exec", plan, expect=9)
    place = worktree(here)
    (place / "logo.txt").write_text("logo\n")

    def observer(moment: checkpoints.Moment, deed: str, about: object) -> None:
        del moment, about
        if deed == "land step":
            (place / "more.txt").write_text("more\n")

    checkpoints.observe(observer)
    try:
        said = here("done", plan).err
    finally:
        checkpoints.observe(None)
    kept = said.partition("kept your work on a manual step: ")[2].split()[0]
    assert here.repo.git("show", f"{kept}:more.txt") == "more"
    assert here.repo.git("ls-tree", f"orch/{plan}", "more.txt") == ""


def test_work_that_fails_its_checks_stays_where_it_is(here: Here) -> None:
    plan = here.plan(BY_HAND)
    here("exec", plan, expect=9)
    (worktree(here) / "draft.txt").write_text("draft\n")
    here("done", plan, expect=1)
    assert (worktree(here) / "draft.txt").read_text() == "draft\n"
    assert states(here, plan) == ["done", "failed", "pending"]
    (worktree(here) / "logo.txt").write_text("logo\n")
    here("done", plan)
    assert here.repo.git("ls-tree", "--name-only", f"orch/{plan}").split() == [
        "README.md", "a.txt", "draft.txt", "logo.txt",
    ]  # fmt: skip


def test_done_without_a_manual_step_that_waits_is_refused(here: Here) -> None:
    plan = here.plan(BY_HAND)
    assert "no step waits for your work" in here("done", plan, expect=3).err


def test_steps_that_declare_nothing_wait_in_listed_order(here: Here) -> None:
    plan = here.plan(
        {
            "title": "In order",
            "steps": [
                {"title": "First", "files": {"a.txt": "a\n"}},
                {"title": "By hand", "kind": "manual"},
                {"title": "Last", "files": {"b.txt": "b\n"}},
                {"title": "Free", "files": {"c.txt": "c\n"}, "depends_on": []},
            ],
        }
    )
    here("exec", plan, expect=9)
    assert states(here, plan) == ["done", "pending", "pending", "done"]
    assert "next: git orch done" in here("status").out
    (worktree(here) / "hand.txt").write_text("hand\n")
    here("done", plan)
    here("exec", plan)
    assert here.show(plan)["state"] == "COMPLETE"


def test_a_manual_step_waits_for_nothing_that_was_left_out(here: Here) -> None:
    steps = [{"title": "First", "files": {"a": "a\n"}}, {"title": "By hand", "kind": "manual"}]
    plan = here.plan({"title": "Left out", "steps": steps})
    assert "step 2 is manual" in here("exec", plan, "--skip-steps", "1", expect=9).err
    (worktree(here) / "hand.txt").write_text("hand\n")
    here("done", plan)
    assert states(here, plan) == ["skipped", "done"]
