"""Steps go onto another branch one by one: in memory, or by `git cherry-pick` where somebody has to
resolve them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import Repo, data


def _plan() -> dict[str, object]:
    files: Sequence[dict[str, str]] = ({"a.txt": "a\n"}, {"b.txt": "b\n"}, {"a.txt": "a\nmore\n"})
    steps = [
        {"title": f"Step {number}", "files": each} for number, each in enumerate(files, start=1)
    ]
    return {"title": "Pick me", "steps": [steps[0], steps[1], steps[2] | {"depends_on": [1]}]}


class Scene:
    """A complete plan: 1 makes a.txt, 2 makes b.txt, 3 needs 1 and changes a.txt."""

    def __init__(self, repo: Repo, plan: str) -> None:
        self.repo = repo
        self.plan = plan

    def pick(self, steps: str, *words: str, expect: int | None = 0) -> str:
        """Everything that the command says."""
        done = self.repo.orch("pick", self.plan, steps, *words, expect=expect)
        return done.stdout + done.stderr

    def settle(self, *words: str, expect: int | None = 0) -> str:
        """Go on with a pick that stopped, or give it up."""
        done = self.repo.orch("pick", *words, expect=expect)
        return done.stdout + done.stderr

    def subjects(self, branch: str = "main") -> list[str]:
        return self.repo.git("log", "--format=%s", branch).splitlines()

    def picked(self) -> list[dict[str, str]]:
        """What the log says was picked."""
        lines = data(self.repo.orch("log", self.plan, "--json").stdout)
        return [line["commits"] for line in lines if line["event"] == "steps.picked"]


@pytest.fixture(scope="module")
def prepared() -> dict[str, Path]:
    """The repository with the complete plan, by the plan's ID, once a test has made it."""
    return {}


@pytest.fixture
def scene(repo: Repo, prepared: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    if not prepared:
        plan = repo.plan(_plan())
        repo.orch("exec", plan)
        prepared[plan] = tmp_path_factory.mktemp("prepared") / "repo"
        shutil.copytree(repo.path, prepared[plan], symlinks=True)
    [(plan, path)] = prepared.items()
    shutil.rmtree(repo.path)
    shutil.copytree(path, repo.path, symlinks=True)
    return Scene(repo, plan)


@pytest.fixture
def stopped(scene: Scene) -> Scene:
    """Steps 2 and 1 were picked onto a main that has another a.txt: the pick waits for its user."""
    scene.repo.commit({"a.txt": "theirs\n"}, "theirs")
    said = scene.pick("1-2", expect=7)
    assert "'a.txt'" in said
    assert "git orch pick --continue  # or: git orch pick --abort" in said
    return scene


def test_a_step_goes_onto_the_branch_one_is_on_with_its_files(scene: Scene) -> None:
    scene.pick("2")
    assert scene.subjects() == ["Step 2", "first"]
    assert (scene.repo.path / "b.txt").read_text() == "b\n"
    assert scene.repo.git("status", "--porcelain") == ""
    assert scene.picked() == [{"s2": scene.repo.git("rev-parse", "main")}]


def test_a_branch_that_is_not_checked_out_gets_the_steps_in_the_order_of_the_plan(
    scene: Scene,
) -> None:
    scene.repo.git("branch", "release")
    scene.pick("3,1", "--onto", "release")
    assert scene.subjects("release") == ["Step 3", "Step 1", "first"]
    assert scene.subjects() == ["first"]


def test_a_step_without_the_one_it_needs_is_refused(scene: Scene) -> None:
    said = scene.pick("3", expect=3)
    assert "step 3 needs 1" in said
    assert "1,3 --onto main" in said
    assert scene.subjects() == ["first"]


def test_what_is_on_the_branch_already_is_not_missing_and_not_picked_again(scene: Scene) -> None:
    scene.pick("1")
    assert "on 'main' already: step 1" in scene.pick("1,3")
    assert scene.subjects() == ["Step 3", "Step 1", "first"]
    assert "nothing to pick" in scene.pick("1,3")


def test_with_force_a_step_is_picked_without_the_one_it_needs(scene: Scene) -> None:
    """It then changes a file that is not there: a conflict, which aborts without a trace."""
    before = scene.repo.git("for-each-ref", "refs/heads")
    assert "'a.txt'" in scene.pick("3", "--force", "--dry-run", expect=7)
    assert scene.repo.git("for-each-ref", "refs/heads") == before


def test_a_step_that_is_not_done_is_refused(scene: Scene) -> None:
    scene.repo.orch("rollback", "--to-step", "1", scene.plan)
    assert "step 2 is not done" in scene.pick("2", expect=3)


def test_a_dirty_tree_is_refused(scene: Scene) -> None:
    scene.repo.write({"README.md": "mine\n"})
    assert "are in the way: 'README.md'" in scene.pick("2", expect=6)
    assert (scene.repo.path / "README.md").read_text() == "mine\n"


@pytest.mark.parametrize("conflict", [False, True], ids=["in memory", "by cherry-pick"])
def test_an_ignored_file_is_never_overwritten(scene: Scene, *, conflict: bool) -> None:
    scene.repo.commit({".gitignore": "b.txt\n"} | ({"a.txt": "theirs\n"} if conflict else {}))
    scene.repo.write({"b.txt": "mine\r\n"})
    before = scene.repo.git("rev-parse", "main")
    assert "are in the way: 'b.txt'" in scene.pick("1-2", expect=6)
    assert (scene.repo.path / "b.txt").read_bytes() == b"mine\r\n"
    assert (scene.repo.git("rev-parse", "main"), scene.repo.git("status", "--porcelain")) == (
        before,
        "",
    )


def test_a_conflict_on_a_branch_that_is_not_checked_out_moves_nothing(scene: Scene) -> None:
    scene.repo.git("branch", "release", scene.repo.commit({"a.txt": "theirs\n"}))
    scene.repo.git("switch", "-q", "-c", "elsewhere")
    assert "then: git orch done" in scene.pick("2,1", "--onto", "release", expect=7)
    assert scene.subjects("release") == ["change", "first"]


# -- a pick that stopped ---------------------------------------------------------------------------


def test_a_resolved_pick_goes_on_and_keeps_its_trailers(stopped: Scene) -> None:
    assert "to resolve in" in stopped.settle("--continue", expect=7)
    stopped.repo.write({"a.txt": "both\n"})
    stopped.repo.git("add", "a.txt")
    stopped.settle("--continue")
    assert stopped.subjects() == ["Step 2", "Step 1", "theirs", "first"]
    assert stopped.repo.claimed("-2") == ["s2", "s1"]
    assert [sorted(each) for each in stopped.picked()] == [["s1", "s2"]]
    assert "no pick waits here" in stopped.settle("--continue", expect=3)


def test_a_pick_of_which_nothing_is_left_says_how_it_goes_on(stopped: Scene) -> None:
    stopped.repo.git("checkout", "--ours", "a.txt")
    stopped.repo.git("add", "a.txt")
    said = stopped.settle("--continue", expect=7)
    assert (
        "hint: git cherry-pick --skip && git orch pick --continue  # or, to have it empty: git commit"
        in said
    )
    stopped.repo.git("commit", "-q", "--allow-empty", "--no-edit")
    stopped.settle("--continue")
    assert stopped.subjects() == ["Step 2", "Step 1", "theirs", "first"]


def test_an_aborted_pick_leaves_everything_as_it_was(stopped: Scene) -> None:
    """Also when what was resolved was touched since: its content is the same."""
    stopped.repo.git("checkout", "--theirs", "a.txt")
    stopped.repo.git("add", "a.txt")
    os.utime(stopped.repo.path / "a.txt", (1, 1))
    assert "everything is as before" in stopped.settle("--abort")
    assert stopped.subjects() == ["theirs", "first"]
    assert stopped.repo.git("status", "--porcelain") == ""
    assert stopped.picked() == []


@pytest.mark.parametrize("how", ["--continue", "--abort"])
def test_a_pick_of_another_plan_is_not_ended(stopped: Scene, how: str) -> None:
    other = stopped.repo.plan({"title": "Other", "steps": [{"title": "x", "files": {"x": "x\n"}}]})
    said = stopped.settle(how, other, expect=3)
    assert "the waiting pick is of" in said
    assert said.endswith(f"hint: git orch pick {how}\n")
    assert stopped.repo.git("rev-parse", "CHERRY_PICK_HEAD")


def test_a_pick_is_ended_by_the_name_of_its_plan(stopped: Scene) -> None:
    assert "everything is as before" in stopped.settle("--abort", stopped.plan)


def test_a_pick_goes_on_by_the_name_of_its_plan(stopped: Scene) -> None:
    stopped.repo.write({"a.txt": "both\n"})
    stopped.repo.git("add", "a.txt")
    stopped.settle("--continue", stopped.plan)
    assert stopped.subjects() == ["Step 2", "Step 1", "theirs", "first"]


def test_a_pick_that_the_user_ended_with_git_is_noticed(stopped: Scene) -> None:
    stopped.repo.write({"a.txt": "both\n"})
    stopped.repo.git("add", "a.txt")
    stopped.repo.git("-c", "core.editor=true", "cherry-pick", "--continue")
    assert "git has ended the pick already" in stopped.settle("--continue")
    assert [sorted(each) for each in stopped.picked()] == [["s1", "s2"]]


def test_a_pick_that_the_user_aborted_with_git_is_noticed(stopped: Scene) -> None:
    stopped.repo.git("cherry-pick", "--abort")
    said = stopped.settle("--continue")
    assert "git has ended the pick already" in said
    assert "everything is as before" in said


def test_a_cherry_pick_of_the_users_own_is_left_alone(scene: Scene) -> None:
    scene.repo.git("switch", "-q", "-c", "side")
    theirs = scene.repo.commit({"README.md": "side\n"})
    scene.repo.git("switch", "-q", "main")
    scene.repo.commit({"README.md": "main\n"})
    scene.repo.git("cherry-pick", theirs, expect=1)
    assert "no pick waits here" in scene.settle("--abort", expect=3)
    assert "a cherry-pick is not finished" in scene.pick("2", expect=6)
    assert scene.repo.git("rev-parse", "CHERRY_PICK_HEAD") == theirs


def test_the_old_name_of_going_on_works_and_is_noted(stopped: Scene) -> None:
    done = stopped.repo.orch("exec", "--abort")
    assert "everything is as before" in done.stdout
    assert "note: 'git orch exec --abort' is 'git orch pick --abort' now" in done.stderr


def test_going_on_stands_alone(stopped: Scene) -> None:
    said = stopped.settle("--continue", "--onto", "main", expect=2)
    assert "--continue stands alone" in said
