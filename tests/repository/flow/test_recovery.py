"""Moves that were cut off are finished or dropped, and what the user did to the branch is seen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import cut_off
import pytest
from conftest import Prepared, Repo, writing

from git_orch import errors
from git_orch.flow.branch import opening
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note, Report
from git_orch.plans.history.events import Event
from git_orch.repo.log import spool
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover
from git_orch.repo.worktree import pool, worktrees


class Collected:
    """A reporter that remembers notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def emit(self, report: Report) -> None:
        """Take one report."""
        if isinstance(report, Note):
            self.notes.append(report.text)


class Scene:
    """A plan with one finished step of two, and what can be done to it."""

    def __init__(self, repo: Repo, plan: str) -> None:
        self.repo = repo
        self.plan = plan
        self.branch = f"orch/{self.plan}"
        self.old = repo.git("rev-parse", self.branch)
        self.new = self.commit("next")

    def commit(self, message: str) -> str:
        """A commit on the branch's tip that no ref names."""
        return self.repo.git(
            "commit-tree", "-m", message, "-p", self.branch, f"{self.branch}^{{tree}}"
        )

    @contextlib.contextmanager
    def opened(self) -> Iterator[tuple[OpenPlan, list[str]]]:
        """The plan as a command opens it, and what it is told."""
        reporter = Collected()
        with opening.open_for_writing(
            PlanPlace(discover(self.repo.path), self.plan), reporter
        ) as found:
            yield found, reporter.notes

    def intended(
        self,
        *,
        old: str | None = None,
        new: str | None = None,
        clone: str | None = None,
        ref: str | None = None,
        checkout: bool = False,
    ) -> None:
        """Write an intent to the log and move nothing, as a run does that is killed."""
        with self.opened() as (plan, _):
            body = {
                "ref": ref or plan.ref,
                "from": old or self.old,
                "to": new or self.new,
                "kind": "land",
                "why": "land step 2",
                "checkout": checkout,
            }
            event = plan.event("move.intended", **body)
            if clone is not None:
                event = Event(event.id, event.name, clone, event.body)
            plan.record((None, event))

    def tip(self) -> str:
        return self.repo.git("rev-parse", self.branch)

    def kept(self) -> list[str]:
        """All commits that the kept chain holds."""
        return self.repo.git("rev-list", f"refs/orch/kept/{self.plan}").splitlines()

    def settled(self) -> list[str]:
        """Open the plan; gives the notes. No move is pending afterwards."""
        with self.opened() as (plan, notes):
            assert plan.status().pending_moves == ()
            return notes


@pytest.fixture
def scene(tmp_path: Path, prepared: Prepared) -> Scene:
    def build(repo: Repo) -> str:
        plan = repo.plan(writing("a.txt", "b.txt"))
        repo.orch("exec", plan)
        repo.orch("rollback", "--to-step", "1", plan)
        return plan

    return Scene(*prepared.at(tmp_path / "repo", "one of two done", build))


def test_a_move_that_was_made_is_confirmed(scene: Scene) -> None:
    scene.intended()
    scene.repo.git("update-ref", f"refs/heads/{scene.branch}", scene.new)
    assert scene.settled() == []
    with scene.opened() as (plan, _):
        assert plan.status().known_tip == scene.new


def test_a_branch_where_the_move_would_put_it_needs_no_reflog(scene: Scene) -> None:
    scene.intended()
    scene.repo.git("update-ref", f"refs/heads/{scene.branch}", scene.new)
    (scene.repo.path / ".git/logs/refs/heads" / scene.branch).unlink()
    assert scene.settled() == []


def test_a_move_that_was_made_and_left_by_the_user_is_confirmed_and_noticed(scene: Scene) -> None:
    """The new commit in the reflog tells, whatever the entry says."""
    scene.intended()
    scene.repo.git("update-ref", "-m", "anything", f"refs/heads/{scene.branch}", scene.new)
    scene.repo.git("branch", "-f", scene.branch, scene.old)
    [note] = scene.settled()
    assert note.startswith(f"the branch was moved from {scene.new[:10]} to {scene.old[:10]}")
    assert scene.tip() == scene.old
    assert scene.new in scene.kept()


def test_a_move_that_was_not_made_is_made(scene: Scene) -> None:
    scene.intended()
    assert scene.settled() == ["finished an interrupted command: land step 2"]
    assert scene.tip() == scene.new
    assert scene.repo.git("log", "-g", "-1", "--format=%gs", scene.branch) == "orch: land step 2"


def test_a_move_to_where_the_branch_has_been_is_not_taken_for_made(scene: Scene) -> None:
    """A rollback that was cut off: the reflog has its target from the landing."""
    cover = scene.repo.git("rev-parse", f"{scene.branch}~1")
    scene.intended(new=cover)
    assert scene.settled() == ["finished an interrupted command: land step 2"]
    assert scene.tip() == cover


def test_a_move_back_that_was_made_and_left_by_the_user_is_not_made_again(scene: Scene) -> None:
    cover = scene.repo.git("rev-parse", f"{scene.branch}~1")
    scene.intended(new=cover)
    scene.repo.git("branch", "-f", scene.branch, cover)
    scene.repo.git("branch", "-f", scene.branch, scene.old)
    assert scene.settled() == []
    assert scene.tip() == scene.old


def test_a_branch_in_a_checkout_is_not_moved_under_it(scene: Scene, tmp_path: Path) -> None:
    scene.intended()
    scene.repo.git("worktree", "add", "-q", str(tmp_path / "theirs"), scene.branch)
    with pytest.raises(errors.Busy) as refused:
        scene.settled()
    assert refused.value.hint == f"git -C {tmp_path / 'theirs'} switch --detach"
    assert scene.tip() == scene.old

    scene.repo.git("checkout", "-q", "--detach", cwd=tmp_path / "theirs")
    assert scene.settled() == ["finished an interrupted command: land step 2"]


def test_a_move_to_a_commit_that_is_gone_is_dropped(scene: Scene) -> None:
    scene.intended()
    scene.repo.git("gc", "--quiet", "--prune=now")
    [note] = scene.settled()
    assert note.endswith("its commit was garbage-collected: land step 2")
    assert scene.tip() == scene.old


def test_a_branch_that_the_user_moved_meanwhile_stays_and_is_told_once(scene: Scene) -> None:
    """What the run had made is kept; the command after that goes on."""
    scene.intended()
    theirs = scene.commit("the user's own")
    scene.repo.git("branch", "-f", scene.branch, theirs)
    with pytest.raises(errors.Busy, match="was moved while 'land step 2' was interrupted"):
        scene.settled()
    assert scene.tip() == theirs
    assert scene.new in scene.kept()
    assert scene.settled() == []
    assert scene.tip() == theirs


def test_a_branch_that_the_user_deleted_meanwhile_is_not_made_again(scene: Scene) -> None:
    scene.intended()
    scene.repo.git("branch", "-D", scene.branch)
    with pytest.raises(errors.Busy) as refused:
        scene.settled()
    assert refused.value.hint == f"git branch {scene.branch} {scene.old}"
    assert {scene.old, scene.new} <= set(scene.kept())
    assert scene.repo.git("branch", "--list", scene.branch) == ""


def test_an_intent_of_another_copy_is_left_to_it(scene: Scene) -> None:
    scene.intended(clone="0123456789abcdef")
    with scene.opened() as (plan, notes):
        assert len(plan.status().pending_moves) == 1
    assert notes == []
    assert scene.tip() == scene.old


def test_an_intent_for_another_ref_moves_nothing(scene: Scene) -> None:
    """A log may come from elsewhere."""
    main = scene.repo.git("rev-parse", "main")
    scene.intended(ref="refs/heads/main", old=main)
    with scene.opened():
        pass
    assert scene.repo.git("rev-parse", "main") == main


@pytest.mark.parametrize("checkout", [True, False])
def test_a_checkout_whose_branch_alone_did_not_move_goes_back_where_the_intent_had_it_follow(
    scene: Scene, *, checkout: bool
) -> None:
    main = scene.repo.git("rev-parse", "main")
    new = scene.repo.git("commit-tree", "-m", "next", "-p", "main", f"{scene.branch}^{{tree}}")
    scene.intended(ref="refs/heads/main", old=main, new=new, checkout=checkout)
    scene.repo.git("read-tree", "-m", "-u", main, new)
    [note] = scene.settled()
    assert ("half-written files are removed" in note) is checkout
    assert (scene.repo.git("status", "--porcelain") == "") is checkout
    assert scene.repo.git("rev-parse", "main") == main


def test_a_plan_without_its_branch_yet_gets_it(scene: Scene) -> None:
    """Killed between the log and the first ref."""
    plan = scene.repo.plan(writing("c.txt"))
    cover = scene.repo.git("rev-parse", f"orch/{plan}")
    log = f"refs/notes/orch/{plan}"
    scene.repo.git("update-ref", log, f"{log}~1")  # without the confirmation
    scene.repo.git("branch", "-D", f"orch/{plan}")
    assert "finished an interrupted command: create" in scene.repo.orch("exec", plan).stderr
    assert cover in scene.repo.git("rev-list", f"orch/{plan}").splitlines()
    assert scene.repo.step_states(plan) == ["done"]


def test_a_deleted_branch_is_named_with_the_command_that_brings_it_back(scene: Scene) -> None:
    scene.repo.git("branch", "-D", scene.branch)
    with pytest.raises(errors.Busy, match="was deleted") as refused:
        scene.settled()
    scene.repo.git(*refused.value.hint.split()[1:])
    assert scene.settled() == []
    assert scene.tip() == scene.old


def test_a_tip_that_a_rewrite_left_is_kept_and_told_once(scene: Scene) -> None:
    scene.repo.git("branch", "-f", scene.branch, f"{scene.branch}~1")
    [note] = scene.settled()
    assert note.endswith("no longer done: 1, 2")
    assert scene.old in scene.kept()
    assert scene.settled() == []


def test_commits_that_the_user_added_need_no_word(scene: Scene) -> None:
    scene.repo.git("branch", "-f", scene.branch, scene.new)
    assert scene.settled() == []
    with scene.opened() as (plan, _):
        assert plan.status().known_tip == scene.new


def test_a_worktree_that_a_killed_git_left_broken_is_made_anew(scene: Scene) -> None:
    """A lock on its index, and a HEAD that is no commit."""
    for broken in ("index.lock", "HEAD"):
        place = scene.repo.path.parent / f"waits-{broken}"
        scene.repo.git("worktree", "add", "-q", "--detach", str(place), scene.branch)
        ours = _owned_worktree(scene)
        scene.repo.git("worktree", "move", str(place), str(ours))
        git_dir = Path(scene.repo.git("rev-parse", "--absolute-git-dir", cwd=ours))
        (git_dir / broken).write_text("")
        scene.repo.orch("exec", scene.plan)
        assert scene.repo.step_states(scene.plan) == ["done", "done"]
        assert len(scene.repo.git("worktree", "list").splitlines()) == 1
        scene.repo.orch("rollback", "--to-step", "1", scene.plan)


def test_a_worktree_of_the_users_whose_directory_is_away_is_not_forgotten(
    scene: Scene, tmp_path: Path
) -> None:
    """It may be on a disk that is not there just now."""
    scene.repo.git("worktree", "add", "-q", "--detach", str(tmp_path / "disk"))
    (tmp_path / "disk").rename(tmp_path / "away")
    scene.repo.orch("exec", scene.plan)
    (tmp_path / "away").rename(tmp_path / "disk")
    assert scene.repo.git("status", "--porcelain", cwd=tmp_path / "disk") == ""


def test_what_waits_on_disk_is_taken_into_the_log(scene: Scene) -> None:
    """S1-148: a killed run has paid for its calls."""
    with scene.opened() as (plan, _):
        _spool(plan)  # and nobody takes it in, as if we had died
    with scene.opened() as (plan, _):
        pass
    assert scene.repo.status(scene.plan)["usd"] == 0.5
    assert not any((scene.repo.path / ".git/orch/spool" / scene.plan).iterdir())


def _spool(plan: OpenPlan) -> None:
    """Put a call of an attempt on disk."""
    writer = spool.Writer(plan.place, "attempt", plan.new_id())
    writer.put(
        "model.called", purpose="step", model="m", usage={"input_tokens": 1}, usd=0.5, seconds=1
    )


def test_what_a_cut_off_write_did_not_store_is_stored_by_the_next(scene: Scene) -> None:
    """A Ctrl-C during a log write must not lose the usage that rides on it."""
    with scene.opened() as (plan, _):
        _spool(plan)
        plan.take_spool("attempt")
        with cut_off.at("before", "append log"):
            plan.record()
        plan.record((None, plan.event("run.ended", run="r", outcome="interrupted", seconds=0)))
    assert scene.repo.status(scene.plan)["usd"] == 0.5


def _owned_worktree(scene: Scene) -> Path:
    """Where git-orch puts the worktree of a run, taken for the plan; the directory above is made."""
    repository = discover(scene.repo.path)
    pool.own(PlanPlace(repository, scene.plan), "pool-1")
    path = worktrees.path_of(repository, "pool-1")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
