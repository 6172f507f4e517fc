"""A move of a branch with its checkout that is killed inside the checkout: the next command puts
the files back that git had written, and does the work.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import Prepared, Repo

PLAN = {
    "title": "Three files",
    "steps": [
        {"title": "Write", "files": {"README.md": "new\n", "a.txt": "a\n", "z/b.txt": "z is b\n"}}
    ],
}
# Whom the filter kills: the git that runs it, and the git-orch that runs that.
ALL = 'kill -9 "$(cut -d" " -f4 "/proc/$PPID/stat")" "$PPID"'
GIT = 'kill -9 "$PPID"'


class Scene:
    """A finished plan, and a filter that kills once git writes a certain file."""

    def __init__(self, repo: Repo, plan: str) -> None:
        self.repo = repo
        self.plan = plan
        self.before = (repo.path / "README.md").read_text()

    def kill(self, path: str, whom: str = ALL) -> None:
        """Let the next git that writes this file be killed."""
        flag, script = self.repo.path.parent / "flag", self.repo.path.parent / "smudge"
        flag.touch()
        script.write_text(f'#!/bin/sh\nif [ -e "{flag}" ]; then rm "{flag}"; {whom}; fi\ncat\n')
        script.chmod(0o755)
        self.repo.git("config", "--global", "filter.kill.smudge", str(script))
        self.repo.git("config", "--global", "filter.kill.clean", "cat")
        (self.repo.path / ".git/info/attributes").write_text(f"{path} filter=kill\n")

    def cut_off(self, command: str, *argv: str) -> None:
        self.repo.orch(command, self.plan, *argv, expect=-9)
        assert (self.repo.path / ".git/index.lock").exists()

    def files(self) -> dict[str, str]:
        """What the checkout has of the plan's files."""
        paths = [self.repo.path / name for name in ("README.md", "a.txt", "z/b.txt")]
        return {path.name: path.read_text() for path in paths if path.exists()}

    def is_clean(self) -> bool:
        return self.repo.git("status", "--porcelain", "--ignored") == ""


@pytest.fixture
def scene(tmp_path: Path, prepared: Prepared) -> Scene:
    def build(repo: Repo) -> str:
        plan = repo.plan(PLAN)
        repo.orch("exec", plan)
        return plan

    return Scene(*prepared.at(tmp_path / "repo", "three files in one step", build))


NEW = {"README.md": "new\n", "a.txt": "a\n", "b.txt": "z is b\n"}


@pytest.mark.parametrize("argv", [["land"], ["land", "--ff-only"], ["pick", "1"]], ids=" ".join)
def test_what_was_killed_inside_the_checkout_is_done_by_the_next_command(
    scene: Scene, argv: list[str]
) -> None:
    scene.kill("z/b.txt")
    scene.cut_off(*argv)
    assert scene.files()["README.md"] == "new\n"
    again = scene.repo.orch(argv[0], scene.plan, *argv[1:])
    assert "was interrupted; its half-written files are removed from the checkout" in again.stderr
    assert scene.files() == NEW
    assert scene.is_clean()


def test_a_file_whose_beginning_was_written_is_not_in_the_way(scene: Scene) -> None:
    scene.kill("z/b.txt")
    scene.cut_off("land")
    (scene.repo.path / "z").mkdir(exist_ok=True)
    (scene.repo.path / "z/b.txt").write_text("z is")
    (scene.repo.path / "README.md").write_text("ne")
    scene.repo.orch("land", scene.plan)
    assert scene.files() == NEW
    assert scene.is_clean()


def test_a_rollback_that_was_killed_inside_the_checkout_is_done_by_the_next_one(
    scene: Scene,
) -> None:
    scene.repo.git("switch", "-q", f"orch/{scene.plan}")
    scene.kill("README.md")
    scene.cut_off("rollback", "--checkout")
    assert scene.files() == {}
    again = scene.repo.orch("rollback", "--checkout", scene.plan)
    assert "half-written files are removed" in again.stderr
    assert scene.files() == {"README.md": scene.before}
    assert scene.is_clean()


def test_an_undo_of_a_landing_that_was_killed_inside_the_checkout_is_done_by_the_next_one(
    scene: Scene,
) -> None:
    scene.repo.orch("land", scene.plan)
    scene.kill("README.md")
    scene.cut_off("undo")
    assert scene.files() == {}
    again = scene.repo.orch("undo", scene.plan)
    assert "half-written files are removed" in again.stderr
    assert scene.files() == {"README.md": scene.before}
    assert scene.is_clean()
    scene.repo.orch("undo")
    assert scene.files() == NEW


def test_what_the_user_has_written_since_stays_and_is_in_the_way(scene: Scene) -> None:
    scene.kill("z/b.txt")
    scene.cut_off("land")
    (scene.repo.path / "a.txt").write_text("mine\n")
    refused = scene.repo.orch("land", scene.plan, expect=6)
    assert "are in the way: 'a.txt'" in refused.stderr
    assert scene.files() == {"README.md": scene.before, "a.txt": "mine\n"}


def test_a_file_of_the_users_that_is_like_the_one_to_come_is_not_taken_away(scene: Scene) -> None:
    (scene.repo.path / "a.txt").write_text("a\n")
    assert "'a.txt'" in scene.repo.orch("land", scene.plan, expect=6).stderr
    assert (scene.repo.path / "a.txt").read_text() == "a\n"
    assert "'a.txt'" in scene.repo.orch("land", scene.plan, expect=6).stderr


def test_a_git_that_alone_is_killed_leaves_the_checkout_as_it_was(scene: Scene) -> None:
    scene.kill("z/b.txt", GIT)
    refused = scene.repo.orch("land", scene.plan, expect=6)
    assert "git cannot move 'main': git merge was killed by signal 9" in refused.stderr
    assert scene.files() == {"README.md": scene.before}
    assert scene.is_clean()


def test_a_lock_that_a_git_may_hold_is_named_with_its_remedy(scene: Scene) -> None:
    lock = scene.repo.path / ".git/index.lock"
    lives = ["git", "-C", str(scene.repo.path), "cat-file", "--batch"]
    with subprocess.Popen(lives, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
        scene.kill("z/b.txt")
        scene.cut_off("land")
        refused = scene.repo.orch("land", scene.plan, expect=6)
        assert f"mv {lock} {lock}.aside" in refused.stderr
        assert lock.exists()
        assert git.stdin is not None
        git.stdin.close()
    scene.repo.orch("land", scene.plan)
    assert scene.is_clean()
