"""A command that stops at a conflict is resolved by hand in a worktree, and goes on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Done, Here, Prepared, Repo, data

PLAN: dict[str, Any] = {
    "title": "Meet",
    "steps": [
        {"title": "Write a", "run": "echo plan > a"},
        {"title": "Write b", "run": "echo plan > b", "checks": [{"command": "grep -qE 'main|plan' a"}]},
        {"title": "Write c", "run": "cat a b > c"},
    ],
}  # fmt: skip


@pytest.fixture
def plan(here: Here, prepared: Prepared) -> str:
    """A plan that is done, on a branch that has other lines in the same files since."""

    def build(repo: Repo) -> str:
        made = repo.plan(PLAN)
        repo.orch("exec", made)
        repo.commit({"a": "main\n"}, "a of main")
        return made

    return prepared.instead(here.repo, "done, and in conflict", build)


def place_of(stopped: Done) -> Path:
    """The worktree that the error names."""
    assert stopped.status in (1, 7)
    hint = stopped.err.rpartition("hint: cd ")[2]
    return Path(shlex.split(hint)[0])


def resolve_and_be_stopped(here: Here, plan: str) -> None:
    """Resolve the conflict of a landing that a file of the user, gone again, keeps from its end."""
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    (here.repo.path / "b").write_text("not committed\n")
    here("done", expect=6)
    (here.repo.path / "b").unlink()


@pytest.mark.parametrize("mode", ["merge", "squash", "rebase"])
def test_a_landing_conflict_is_solved_with_three_commands(here: Here, plan: str, mode: str) -> None:
    place = place_of(here("land", f"--{mode}", plan, expect=7))
    assert "<<<<<<<" in (place / "a").read_text()
    assert here.repo.git("diff", "--name-only", "--diff-filter=U", cwd=place) == "a"
    (place / "a").write_text("main\nplan\n")
    here.repo.git("add", "a", cwd=place)
    here("done")
    assert here.repo.git("show", "main:a") == "main\nplan"
    assert here.repo.git("status", "--porcelain") == ""
    assert not place.exists()
    assert here("ls", "--all").out.count("archived") == 1


def test_a_rebase_goes_on_from_conflict_to_conflict(here: Here, plan: str) -> None:
    here.repo.commit({"b": "main\n"}, "b of main")
    first = place_of(here("rebase", plan, expect=7))
    (first / "a").write_text("main\nplan\n")
    second = place_of(here("done", expect=7))
    assert (second / "a").read_text() == "main\nplan\n"
    (second / "b").write_text("both\n")
    here("done")
    assert here.show(plan)["state"] == "COMPLETE"
    assert here.repo.git("show", f"orch/{plan}:a") == "main\nplan"
    assert here.repo.git("show", f"orch/{plan}:b") == "both"
    here.repo.git("merge-base", "--is-ancestor", "main", f"orch/{plan}")
    here("land", plan)


def test_what_is_not_resolved_is_named_and_nothing_moves(here: Here, plan: str) -> None:
    main = here.repo.git("rev-parse", "main")
    place = place_of(here("land", plan, expect=7))
    assert "not resolved" in here("done", expect=7).err
    assert place_of(here("land", plan, expect=7)) == place
    assert here.repo.git("rev-parse", "main") == main


def test_a_resolution_that_fails_a_check_stays_to_be_mended(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("neither\n")
    assert str(place) in here("done", expect=1).err
    (place / "a").write_text("main plan\n")
    here("done")
    assert here.repo.git("show", "main:a") == "main plan"


def test_a_conflict_that_is_given_up_keeps_the_work_and_begins_anew(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("half\n")
    kept = here("land", "--abort").out.split()[-1]
    assert not place.exists()
    assert here.repo.git("show", f"{kept}:a") == "half"
    assert here.show(plan)["state"] == "COMPLETE"
    here("done", expect=3)
    assert "<<<<<<<" in (place_of(here("land", plan, expect=7)) / "a").read_text()


def test_done_gives_up_in_the_plan_that_done_hands_in(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    here.repo.plan({"title": "Other", "steps": [{"title": "Write", "kind": "manual"}]})
    assert "you mend no steps" in here("done", "--abort", expect=3).err
    assert place.exists()


def test_what_is_as_git_has_it_goes_on_with_continue(here: Here, plan: str) -> None:
    assert "no conflict of 'git orch land' waits" in here("land", "--continue", expect=3).err
    place = place_of(here("land", plan, expect=7))
    assert "one of 'git orch land'" in here("rebase", "--continue", expect=3).err
    here("land", "--continue", expect=7)
    (place / "a").write_text("main plan\n")
    here("land", "--continue", "--onto", "main", expect=2)
    here("land", "--continue", plan)
    assert here.repo.git("show", "main:a") == "main plan"


def test_done_shows_a_conflict_that_was_cut_off_before_it_was_there(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    record = Path(here.repo.git("rev-parse", "--absolute-git-dir", cwd=place)) / "orch-conflict"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"is_ready": False}))
    (place / "a").write_text("half of it\n")
    assert "was cut off before it showed its conflict" in here("status", plan).out
    assert "<<<<<<<" in (place_of(here("done", expect=7)) / "a").read_text()


def test_an_undo_takes_back_nothing_while_a_conflict_waits(here: Here, plan: str) -> None:
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    here("land", plan, expect=7)
    refused = here("undo", plan, expect=6).err
    assert "'git orch land' has changed nothing yet" in refused
    assert here.repo.git("rev-parse", f"orch/{plan}") == tip
    here(*refused.rpartition("git orch ")[2].split("  #")[0].split())
    here("undo", plan)


def test_status_says_what_goes_on_with_a_conflict_and_what_gives_it_up(
    here: Here, plan: str
) -> None:
    place, name = place_of(here("land", plan, expect=7)), here.repo.handle(plan)
    for shown in (here("status").out, here("status", plan).out, here("show", plan).out):
        assert f"waits for it to be resolved in {place}" in shown
        assert f"git orch done --abort {name}" in shown
        assert shown.splitlines()[-1].startswith(f"next: git orch done {name} ")
    assert data(here("show", plan, "--json").out)["conflict"]["path"] == str(place)
    here("done", "--abort")
    assert f"next: git orch land {name}" in here("status").out


def test_another_way_to_land_takes_the_same_worktree(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    assert place_of(here("land", "--squash", plan, expect=7)) == place
    here("done")
    assert here.repo.git("log", "-1", "--format=%P", "main").count(" ") == 0
    assert here.repo.git("show", "main:a") == "main plan"


def test_what_git_aborted_begins_anew(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    here.repo.git("merge", "--abort", cwd=place)
    assert (
        f"git orch land --merge --onto main {here.repo.handle(plan)}" in here("done", expect=3).err
    )
    assert "<<<<<<<" in (place_of(here("land", plan, expect=7)) / "a").read_text()


def test_work_in_which_git_shows_no_conflict_any_more_is_committed_first(
    here: Here, plan: str
) -> None:
    place = place_of(here("land", plan, expect=7))
    here.repo.git("reset", "-q", cwd=place)
    (place / "a").write_text("main plan\n")
    refused = here("done", expect=7).err
    assert "git shows no conflict" in refused
    assert place_of(here("land", plan, expect=7)) == place
    assert (place / "a").read_text() == "main plan\n"
    command = refused.rpartition("hint: git ")[2].partition("  #")[0]
    here.repo.git(*shlex.split(command), "-m", "resolved")
    here("done")
    assert here.repo.git("show", "main:a") == "main plan"


def test_work_in_which_git_shows_no_conflict_any_more_is_kept_when_given_up(
    here: Here, plan: str
) -> None:
    place = place_of(here("land", plan, expect=7))
    here.repo.git("merge", "--quit", cwd=place)
    (place / "a").write_text("main plan\n")
    kept = here("done", "--abort").out.split()[-1]
    assert here.repo.git("show", f"{kept}:a") == "main plan"


SECRET = "password: AKIA" + "IOSFODNN7" + "EXAMPLQ\n"


def test_work_that_may_not_enter_the_repository_is_neither_given_up_nor_archived(
    here: Here, plan: str
) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text(SECRET)
    assert "looks like a key" in here("done", "--abort", expect=3).err
    assert f"left '{place}' as it is" in here("archive", plan).err
    assert (place / "a").read_text() == SECRET


def test_what_git_has_committed_counts(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    here.repo.git("commit", "-q", "-a", "--no-edit", cwd=place)
    here("done")
    assert here.repo.git("log", "-1", "--format=%s", "main").startswith("Merge plan")


def test_a_branch_that_moved_meanwhile_takes_what_was_resolved(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    here.repo.commit({"d": "later\n"}, "later")
    here("done")
    assert here.repo.git("show", "main:a") == "main plan"
    assert here.repo.git("show", "main:d") == "later"


def test_what_was_resolved_counts_when_something_else_was_in_the_way(here: Here, plan: str) -> None:
    resolve_and_be_stopped(here, plan)
    said = here("land", plan).err
    assert here.repo.git("show", "main:a") == "main plan"
    assert "never ran on both" not in said


def test_done_goes_on_when_nothing_is_in_the_way_any_more(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    (here.repo.path / "b").write_text("not committed\n")
    here("done", expect=6)
    (here.repo.path / "b").unlink()
    assert "kept your work" not in here("done").err
    assert here.repo.git("show", "main:a") == "main plan"
    assert not place.exists()


def test_one_that_moved_into_the_conflict_begins_it_anew_and_says_so(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    here.repo.commit({"a": "main changed\n"}, "later")
    again = here("done", expect=7)
    assert "it conflicts with what you resolved before" in again.err
    text = (place_of(again) / "a").read_text()
    assert "main changed" in text
    assert "main plan" in text
    here("rebase", plan, expect=6)


def test_what_was_resolved_counts_after_the_plan_has_got_a_step(here: Here, plan: str) -> None:
    resolve_and_be_stopped(here, plan)
    more = [*PLAN["steps"], {"title": "Write d", "run": "echo d > d"}]
    here("edit", plan, "--from", "-", stdin=json.dumps(PLAN | {"steps": more}))
    here("exec", plan)
    here("land", plan)
    assert here.repo.git("show", "main:a") == "main plan"
    assert here.repo.git("show", "main:d") == "d"


def test_a_check_that_fails_after_a_rebase_is_mended_there(here: Here) -> None:
    document = {"title": "Count", "steps": [
        {"title": "Count", "run": "ls | wc -l > n", "checks": [{"command": "test $(ls | wc -l) -le 2"}]},
        {"title": "More", "run": "echo more >> n"},
    ]}  # fmt: skip
    plan = here.plan(document)
    here("exec", plan)
    here.repo.commit({"x": "x\n"}, "one more")
    place = place_of(here("rebase", plan, expect=1))
    assert here.repo.git("diff", "--cached", "--name-only", cwd=place) == "n"
    (place / "x").unlink()
    here("done")
    assert here.show(plan)["state"] == "COMPLETE"
    assert here.repo.git("ls-tree", "--name-only", f"orch/{plan}").split() == ["README.md", "n"]


def test_with_exec_done_also_runs_the_steps_that_are_left_after_a_conflict(here: Here) -> None:
    plan = here.plan(PLAN)
    here("exec", "--steps", "1", plan)
    here.repo.commit({"a": "main\n"}, "a of main")
    place = place_of(here("rebase", plan, expect=7))
    (place / "a").write_text("plan\n")
    here.repo.git("add", "a", cwd=place)
    here("done", "--exec")
    assert here.repo.step_states(plan) == ["done"] * 3


# -- every command that picks ----------------------------------------------------------------------

LINE: dict[str, Any] = {
    "title": "One line",
    "steps": [
        {"title": "Begin", "run": "date +%s%N > line"},
        {"title": "Second", "run": "sed -i 's/$/ b/' line"},
        {"title": "Third", "run": "sed -i 's/$/ c/' line", "checks": [{"command": "test -s line"}]},
    ],
}


@pytest.fixture
def line(here: Here, prepared: Prepared) -> str:
    """A plan whose three steps have changed the same line, with a commit of the user's on top, and a
    branch 'other' without that line.
    """

    def build(repo: Repo) -> str:
        made = repo.plan(LINE)
        repo.orch("exec", made)
        repo.git("branch", "other")
        repo.git("switch", "-q", f"orch/{made}")
        repo.commit({"line": "mine\n"}, "mine")
        repo.git("switch", "-q", "main")
        return made

    return prepared.instead(here.repo, "one line, changed by every step", build)


def resolved(here: Here, stopped: Done) -> Done:
    """Resolve a conflict, and what else conflicts then."""
    while stopped.status == 7:
        place = place_of(stopped)
        (place / "line").write_text("resolved\n")
        here.repo.git("add", "line", cwd=place)
        stopped = here("done", expect=None)
    return stopped


ROLLBACK = ("rollback", "--keep-user-commits", "--to-step")
STOPPED: dict[str, tuple[Sequence[str], str]] = {
    "drop": (["drop", "PLAN", "2"], "orch/PLAN"),
    "reorder": (["reorder", "PLAN", "1,3,2"], "orch/PLAN"),
    "rollback": ([*ROLLBACK, "2", "PLAN"], "orch/PLAN"),
    "redo": (["redo", "PLAN", "1"], "orch/PLAN"),
    "pick": (["pick", "PLAN", "3", "--force", "--onto", "other"], "other"),
    "adopt": (["adopt", "PLAN", "3", "mine"], "orch/PLAN"),
}


@pytest.mark.parametrize("command", STOPPED)
def test_a_conflict_of_any_command_is_solved_by_hand_and_done_goes_on(
    here: Here, line: str, command: str
) -> None:
    words, branch = STOPPED[command]
    if command == "adopt":
        here.repo.git("tag", "mine", f"orch/{line}")
        here.repo.git("update-ref", f"refs/heads/orch/{line}", f"orch/{line}~3")
        here("exec", "--steps", "2", line)
    old = here.repo.git("rev-parse", branch.replace("PLAN", line))
    typed = [word.replace("PLAN", line) for word in words]
    stopped = here(*typed, expect=7)
    assert here.repo.git("rev-parse", branch.replace("PLAN", line)) == old
    assert f"'git orch {command}' waits" in here("status", line).out
    done = resolved(here, stopped)
    assert done.status == 0, done.err
    assert here.repo.git("show", f"{branch.replace('PLAN', line)}:line") == "resolved"
    assert not place_of(stopped).exists()
    here("undo", line)
    assert here.repo.git("rev-parse", branch.replace("PLAN", line)) == old


def test_a_redo_that_conflicts_is_not_run_again_when_it_is_shown_anew(
    here: Here, line: str
) -> None:
    attempts = len(data(here("show", line, "--attempts", "--json").out)["attempts"])
    place = place_of(here("redo", line, "1", expect=7))
    here.repo.git("cherry-pick", "--abort", cwd=place)
    here.repo.git("update-ref", f"refs/heads/orch/{line}", f"orch/{line}~1")  # without 'mine'
    here("rollback", line, "--to-step", "2")
    assert resolved(here, here("done", expect=7)).status == 0
    tried = data(here("show", line, "--attempts", "--json").out)["attempts"][attempts:]
    assert {entry["commit"] for entry in tried} == {here.show(line)["steps"][0]["commit"]}


def test_a_second_conflict_waits_for_the_first_to_be_settled(here: Here, line: str) -> None:
    here("drop", line, "2", expect=7)
    refused = here("reorder", line, "1,3,2", expect=6).err
    assert "a conflict of 'drop' waits" in refused
    here(*refused.rpartition("git orch ")[2].split())
    here("reorder", line, "1,3,2", expect=7)


def test_a_conflict_about_a_step_that_has_gone_can_only_be_given_up(here: Here, line: str) -> None:
    place = place_of(here("drop", line, "2", expect=7))
    here.repo.git("update-ref", f"refs/heads/orch/{line}", f"orch/{line}~3")
    here("edit", line, "--from", "-", stdin=json.dumps(LINE | {"steps": LINE["steps"][:1]}))
    (place / "line").write_text("resolved\n")
    assert "git orch done --abort" in here("done", expect=3).err
    here("done", "--abort")
    assert not place.exists()


def test_a_rollback_to_a_commit_that_has_gone_can_only_be_given_up(here: Here, line: str) -> None:
    place = place_of(here(*ROLLBACK, "2", line, expect=7))
    here.repo.git("update-ref", f"refs/heads/orch/{line}", f"orch/{line}~3")
    (place / "line").write_text("resolved\n")
    assert "git orch done --abort" in here("done", expect=3).err


def test_who_stands_in_the_worktree_of_a_step_gives_that_up(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [{"title": text, "files": {"a": f"{text}\n"}} for text in ("one", "two")]
    plan = here.plan({"title": "Both", "steps": [*files, {"title": "Fail", "run": "false"}]})
    here("exec", plan, expect=1)
    place = place_of(here("drop", plan, "1", expect=7))
    mended = Path(here("fix", plan, "3").out.strip())
    monkeypatch.chdir(mended)
    here("done", "--abort")
    assert place.exists()
    assert not mended.exists()


def test_who_stands_in_the_worktree_of_a_manual_step_hands_that_in(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [{"title": text, "files": {"a": f"{text}\n"}} for text in ("one", "two")]
    plan = here.plan({"title": "Both", "steps": [*steps, {"title": "Look", "kind": "manual"}]})
    here("exec", plan, expect=9)
    manual = Path(here.repo.git("worktree", "list").splitlines()[1].split()[0])
    place = place_of(here("drop", plan, "1", expect=7))
    (manual / "b").write_text("b\n")
    monkeypatch.chdir(manual)
    here("done")
    assert here.repo.git("show", f"orch/{plan}:b") == "b"
    assert place.exists()
