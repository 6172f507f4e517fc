"""A failed step is mended by hand: `git orch fix` opens a worktree, `git orch done` hands it in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, data
from forging import forge

GREET = {
    "title": "Make it",
    "run": "echo draft > made; echo more > more",
    "checks": [{"command": "grep -q good made"}],
}
MEND: dict[str, Any] = {
    "title": "Mend",
    "steps": [GREET, {"title": "Use it", "run": "cp made used", "depends_on": [1]}],
}
APART: dict[str, Any] = {
    "title": "Apart",
    "steps": [
        {"title": "One", "run": "echo 1 > one", "checks": [{"command": "grep -q good one"}]},
        {"title": "Two", "run": "echo 2 > two", "checks": [{"command": "grep -q good two"}]},
        {"title": "Three", "run": "echo 3 > three; echo 3 > two"},
    ],
}


def failed(here: Here, document: object, *options: str) -> str:
    """A plan that was run, and failed."""
    plan = here.plan(document)
    here("exec", plan, *options, expect=1)
    return plan


def fix(here: Here, *words: str) -> Path:
    """The worktree that `git orch fix` prints."""
    return Path(here("fix", *words).out.removesuffix("\n"))


def test_a_failed_step_is_mended_with_two_commands_and_the_plan_goes_on(here: Here) -> None:
    plan = failed(here, MEND)
    place = fix(here)
    assert (place / "more").read_text() == "more\n"
    (place / "made").write_text("good\n")
    here("done")
    here("exec")
    assert here.repo.git("show", f"orch/{plan}:used") == "good"
    assert here.show(plan)["steps"][0]["state"] == "done"
    assert not place.exists()


def test_with_exec_done_runs_the_remaining_steps(here: Here) -> None:
    plan = failed(here, MEND)
    (fix(here) / "made").write_text("good\n")
    answer = json.loads(here("done", "--exec", "--json").out)
    assert here.repo.step_states(plan) == ["done", "done"]
    assert answer["data"]["summary"]["done"] == [2]  # by the run that went on
    assert answer["next"] == [f"git orch land {here.repo.handle(plan)}"]


def test_with_exec_the_steps_run_where_the_worktree_of_the_user_is_gone(here: Here) -> None:
    plan = failed(here, MEND)
    place = fix(here)
    (place / "made").write_text("good\n")
    here.repo.orch("done", "--exec", cwd=place)
    assert (place.exists(), here.repo.step_states(plan)) == (False, ["done", "done"])


def test_with_exec_a_step_that_fails_again_runs_nothing_more(here: Here) -> None:
    plan = failed(here, MEND)
    (fix(here) / "made").write_text("bad\n")
    here("done", "--exec", expect=1)
    assert here.repo.step_states(plan) == ["failed", "pending"]


def test_nothing_is_given_up_and_run_at_once(here: Here) -> None:
    failed(here, MEND)
    assert "--abort cannot be used with --exec" in here("done", "--abort", "--exec", expect=2).err


def test_the_work_of_the_attempt_is_staged_on_the_branch(here: Here) -> None:
    plan = failed(here, MEND)
    place = fix(here)
    assert here.repo.git("status", "--porcelain", cwd=place).splitlines() == ["A  made", "A  more"]
    assert here.repo.git("rev-parse", "HEAD", cwd=place) == here.repo.git(
        "rev-parse", f"orch/{plan}"
    )


def test_checks_that_fail_leave_the_worktree_and_fix_gives_it_again(here: Here) -> None:
    failed(here, MEND)
    place = fix(here)
    (place / "made").write_text("better\n")
    assert "git orch done" in here("done", expect=1).err
    assert fix(here, "1") == place
    assert (place / "made").read_text() == "better\n"


def test_whoever_stands_in_the_worktree_hands_that_one_in(here: Here) -> None:
    plan = failed(here, MEND)
    here.plan(MEND)
    place = fix(here, plan)
    (place / "made").write_text("good\n")
    here.repo.orch("done", cwd=place)
    assert here.show(plan)["steps"][0]["state"] == "done"


def test_two_steps_are_mended_at_once_and_the_second_follows_the_branch(here: Here) -> None:
    plan = failed(here, APART, "-k")
    places = [fix(here, "1"), fix(here, "2")]
    for place, name in zip(places, ("one", "two"), strict=True):
        (place / name).write_text("good\n")
    assert "name one" in here("done", plan, expect=3).err
    here("done", plan, "1")
    assert f"git orch fix {here.repo.handle(plan)} 2" in here("done", "2", expect=6).err
    assert fix(here, "2") == places[1]
    assert (places[1] / "two").read_text() == "good\n"
    here("done", "2")
    assert here.show(plan)["state"] == "COMPLETE"


@pytest.mark.parametrize("resolved", ["edited", "added"])
def test_a_conflict_with_what_landed_since_is_git_s_own_until_it_is_resolved(
    here: Here, resolved: str
) -> None:
    failed(here, APART, "-k")
    place = fix(here, "2")
    assert "<<<<<<<" in (place / "two").read_text()
    assert "AA two" in here.repo.git("status", "--porcelain", cwd=place)
    here("done", "2", expect=7)
    if resolved == "edited":
        (place / "two").write_text("good\n")
    else:
        here.repo.git("checkout", "--ours", "two", cwd=place)
        here("done", "2", expect=7)
        here.repo.git("add", "two", cwd=place)
    here("done", "2", expect=0 if resolved == "edited" else 1)


def test_a_step_that_was_not_tried_is_done_by_hand_from_the_branch(here: Here) -> None:
    plan = here.plan(MEND)
    assert "needs step 1" in here("fix", "2", expect=3).err
    place = fix(here, "1")
    assert here.repo.git("status", "--porcelain", cwd=place) == ""
    (place / "made").write_text("good\n")
    here("done")
    assert here.show(plan)["steps"][0]["state"] == "done"


def test_work_that_is_given_up_stays_and_is_named(here: Here) -> None:
    plan = failed(here, MEND)
    place = fix(here)
    (place / "made").write_text("mine\n")
    said = here("exec", "--steps", "1", expect=1).err
    assert f"your work on step 1 stays in {place}" in said
    here("archive", plan)
    kept = here.repo.git("log", "--format=%H", f"refs/orch/kept/{plan}").split()
    texts = [here.repo.git("show", f"{oid}:made", expect=None) for oid in kept]
    assert "mine" in texts


def test_a_mended_step_is_given_up_with_one_command_and_the_work_is_kept(here: Here) -> None:
    failed(here, MEND)
    place = fix(here)
    (place / "made").write_text("mine\n")
    work = here("done", "--abort").out.split()[-1]
    assert (place.exists(), here.repo.git("show", f"{work}:made")) == (False, "mine")
    assert "you mend no steps" in here("done", "--abort", expect=3).err
    assert "error: you do not mend step 1\n" in here("done", "--abort", "1", expect=3).err


def test_a_worktree_that_was_cut_off_while_it_was_made_is_made_to_its_end(here: Here) -> None:
    failed(here, MEND)
    place = fix(here)
    record = Path(here.repo.git("rev-parse", "--absolute-git-dir", cwd=place)) / "orch-by-hand"
    record.write_text(json.dumps({**json.loads(record.read_text()), "is_ready": False}))
    (place / "more").unlink()
    here("done", expect=3)
    assert fix(here) == place
    assert (place / "more").read_text() == "more\n"


def test_a_commit_that_only_the_log_calls_an_attempt_is_not_brought_into_a_worktree(
    here: Here,
) -> None:
    plan = failed(here, MEND)
    here.repo.git("switch", "-q", "-c", "private")
    secret = here.repo.commit({"secret": "mine\n"})
    here.repo.git("switch", "-q", "main")
    [true] = [
        event for event in data(here("log", "--json").out) if event["event"] == "attempt.failed"
    ]
    body = {name: true[name] for name in ("step", "run", "reason", "error", "seconds")}
    other = {"attempt": true["attempt"][:-1] + "0", "commit": secret}
    forge(here.repo, plan, ("attempt.failed", body | other))
    assert here.show(plan)["steps"][0]["attempts"] == 2
    assert not (fix(here) / "secret").exists()


def test_three_ways_are_named_after_a_failure(here: Here) -> None:
    plan = here.plan(MEND)
    out = here("exec", plan, expect=1).out.splitlines()
    ways = [line.removeprefix("next:").split("#")[0].split() for line in out[-3:]]
    name = here.repo.handle(plan)
    assert ways == [
        ["git", "orch", word, name, *rest] for word, *rest in (["fix", "1"], ["edit"], ["exec"])
    ]
    assert max(map(len, out[-3:])) <= 80
    assert f"next: git orch fix {name} 1" in here("status").out


def test_status_names_the_worktree_of_a_step_that_somebody_mends_and_what_goes_on(
    here: Here,
) -> None:
    plan = failed(here, MEND)
    name, place = here.repo.handle(plan), fix(here)
    shown = here("status").out
    assert (
        f"mending  step 1 in {place}\n         to give it up: git orch done --abort {name} 1\n"
        in shown
    )
    assert shown.endswith(f"next: git orch done {name} 1  # when it is mended there\n")
    assert here("show", plan).out.endswith(
        f"next: git orch done {name} 1  # when it is mended there\n"
    )
    answer = json.loads(here("status", plan, "--json").out)
    assert answer["next"] == [f"git orch done {name} 1"]
    here("plan", "--from", "-", stdin=json.dumps(APART))
    assert f"mending  step 1 in {place}\n" in here("status").out


def test_work_on_a_step_that_is_done_meanwhile_is_nothing_to_go_on_with(here: Here) -> None:
    plan = failed(here, MEND)
    fix(here)
    better = json.dumps(MEND | {"steps": [GREET | {"run": "echo good > made"}]})
    here("edit", "--from", "-", plan, stdin=better)
    here("exec")
    assert "mending" not in here("status").out
