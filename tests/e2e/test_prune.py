"""What is old and what no plan needs goes; what a plan needs stays."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from conftest import Here, data, writing

from git_orch.repo.repository import discover
from git_orch.repo.worktree import worktrees

DAY = 86_400
FAILING = {"title": "Fail", "steps": [{"title": "Fail", "run": "echo x > x; exit 7"}]}


def aged(here: Here, name: str, days: float = 40) -> Path:
    """A local file of git-orch that was written so many days ago."""
    path = here.repo.path / ".git/orch" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("12345")
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))
    return path


def removed(here: Here, *words: str) -> dict[str, tuple[int, int | None]]:
    """How many of each kind went, and how many bytes."""
    found = data(here("prune", *words, "--json").out)["removed"]
    return {entry["kind"]: (entry["count"], entry["size"]) for entry in found}


def kept(here: Here, plan: str) -> str:
    """The reasons of a plan's kept chain."""
    ref = f"refs/orch/kept/{plan}"
    return here.repo.git("log", "--first-parent", "--format=%s", ref, "--", expect=None)


def complete(here: Here, *then: str) -> str:
    """A plan with a rollback, done again, that `then` puts away."""
    plan = here.plan(writing("a.txt"))
    here("exec", plan)
    here("rollback", plan)
    here("exec", plan)
    here(*then, plan)
    return plan


def test_what_is_older_than_the_age_goes(here: Here) -> None:
    old, new = aged(here, "output/one/1.txt", 8), aged(here, "traces/two.jsonl", 6)
    assert removed(here, "--older-than", "7") == {"outputs": (1, 5)}
    assert (old.exists(), new.exists()) == (False, True)


def test_the_age_is_that_of_the_settings_where_none_is_named(here: Here) -> None:
    aged(here, "output/one/1.txt", 29)
    assert removed(here) == {}
    here.repo.git("config", "--global", "orch.keepDays", "20")
    assert removed(here) == {"outputs": (1, 5)}


def test_an_age_has_to_be_named_where_everything_is_kept(here: Here) -> None:
    here.repo.git("config", "--global", "orch.keepDays", "0")
    assert "git orch prune --older-than 30 --dry-run" in here("prune", expect=2).err


def test_a_dry_run_says_what_would_go_and_removes_nothing(here: Here) -> None:
    plan = complete(here, "land")
    path, before = aged(here, "replies/1.json"), kept(here, plan)
    here.repo.commit({"later": "later\n"})
    would = removed(here, "--older-than", "0", "--dry-run")
    assert path.exists()
    assert kept(here, plan) == before
    assert would == removed(here, "--older-than", "0")
    assert not path.exists()


def test_the_files_of_an_open_plan_stay(here: Here) -> None:
    plan = here.plan(FAILING)
    here("exec", expect=1)
    [attempt] = [each["id"] for each in data(here("show", "--attempts", "--json").out)["attempts"]]
    paths = [aged(here, f"traces/{plan}/x.jsonl"), aged(here, f"refused/{attempt}.patch")]
    assert removed(here) == {}
    assert all(path.exists() for path in paths)
    here("archive", plan)
    assert removed(here) == {"conversations": (1, 5), "refused changes": (1, 5)}


def test_tips_of_a_plan_that_is_not_archived_stay(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    here("exec")
    here("rollback")
    before = kept(here, plan)
    assert "kept commits" not in removed(here, "--older-than", "0")
    assert kept(here, plan) == before != ""
    here("rollback", "--undo")
    assert here.show(plan)["state"] == "COMPLETE"


def test_tips_that_a_landed_plan_left_go_when_nothing_can_be_taken_back(here: Here) -> None:
    plan = complete(here, "land")
    here.repo.commit({"later": "later\n"})
    assert kept(here, plan) != ""
    assert removed(here, "--older-than", "0")["kept commits"][0] > 0


def test_all_changes_of_a_plan_that_has_just_landed_are_taken_back_after_a_prune(
    here: Here,
) -> None:
    plan = complete(here, "land")
    removed(here, "--older-than", "0")
    here.repo.git("reflog", "expire", "--expire=now", "--all")
    here.repo.git("gc", "-q", "--prune=now")
    for taken_back in ("land on main", "exec", "rollback to the start", "exec"):
        assert f"took back '{taken_back}'" in here("undo", plan, "--again").out


def test_files_stay_while_a_plan_cannot_be_read(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    path = aged(here, "output/01ATTEMPT/1.txt")
    tree = here.repo.git("mktree", stdin="")
    broken = here.repo.git("commit-tree", "-m", "not a log", tree)
    here.repo.git("update-ref", f"refs/notes/orch/{plan}", broken)
    removed(here, "--older-than", "0")
    assert path.exists()


def test_an_archived_plan_comes_back_after_everything_old_has_gone(here: Here) -> None:
    plan = complete(here, "archive")
    tip = here.repo.git("rev-parse", f"refs/orch/kept/{plan}^2")
    removed(here, "--older-than", "0")
    here.repo.git("reflog", "expire", "--expire=now", "--all")
    here.repo.git("gc", "-q", "--prune=now")
    here("unarchive", plan)
    assert here.repo.git("rev-parse", f"orch/{plan}") == tip
    assert here.show(plan)["state"] == "COMPLETE"


def test_a_failed_attempt_of_a_plan_that_was_put_away_goes(here: Here) -> None:
    plan = here.plan(FAILING)
    here("exec", expect=1)
    here("archive", plan)
    assert removed(here, "--older-than", "0")["kept commits"][0] == 1


def test_worktrees_that_nobody_uses_go(here: Here) -> None:
    here.repo.git("config", "--global", "orch.keepWorktrees", "true")
    here.plan({"title": "Run", "steps": [{"title": "Run", "run": "echo x > x"}]})
    here("exec")
    place = worktrees.path_of(discover(here.repo.path), "pool-1")
    assert place.is_dir()
    count, size = removed(here, "--older-than", "0")["worktrees"]
    assert count == 1
    assert size
    assert not place.exists()
    assert "pool-1" not in here.repo.git("worktree", "list")


def test_the_worktree_of_a_person_stays(here: Here) -> None:
    here.plan({"title": "By hand", "steps": [{"title": "Do", "kind": "manual"}]})
    here("exec", expect=None)
    [step] = data(here("show", "--json").out)["steps"]
    removed(here, "--older-than", "0")
    assert Path(step["worktree"]).is_dir()


def test_what_somebody_works_on_is_not_touched(here: Here) -> None:
    plan = complete(here, "land")
    path, before = aged(here, f"traces/{plan}/x.jsonl"), kept(here, plan)
    lock = here.repo.path / ".git/orch/locks" / plan
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "kept commits" not in removed(here, "--older-than", "0")
    assert path.exists()
    assert kept(here, plan) == before


def test_two_at_once_remove_everything_once(here: Here) -> None:
    for number in range(50):
        aged(here, f"output/{number}/1.txt")
    plan = complete(here, "land")
    here.repo.commit({"later": "later\n"})
    running = [here.repo.start("prune", "--older-than", "0") for _ in range(2)]
    assert [each.communicate()[1] for each in running] == ["", ""]
    assert [each.returncode for each in running] == [0, 0]
    assert removed(here, "--older-than", "0") == {}
    assert kept(here, plan) == ""


def test_people_read_how_much_went(here: Here) -> None:
    aged(here, "output/one/1.txt")
    assert here("prune").out.split() == [
        "outputs", "1", "5", "bytes",
        *["removed:", "older", "than", "30", "days,", "and", "no", "plan", "needed", "them"],
    ]  # fmt: skip
    assert here("prune").out == "nothing is older than 30 days and not needed\n"
