"""Steps in the user's own checkout, for those who ask for it by name."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from conftest import Repo


def two(*runs: str) -> dict[str, object]:
    return {
        "title": "In place",
        "steps": [{"title": f"Step {number}", "run": run} for number, run in enumerate(runs, 1)],
    }


@pytest.fixture
def plan(repo: Repo) -> str:
    """A plan whose branch is checked out, and which may work there; the user has an ignored and an
    untracked file.
    """
    repo.commit({".gitignore": "*.log\n"}, "ignore logs")
    found = repo.plan(two("cat mine.txt build.log > a.txt", "echo b > b.txt"))
    repo.git("switch", "-q", f"orch/{found}")
    repo.write({"mine.txt": "mine\n", "build.log": "log\n"})
    return found


def test_working_in_place_needs_an_approval_that_names_it(repo: Repo, plan: str) -> None:
    refused = repo.orch("exec", "--in-place", plan, expect=3).stderr
    assert "git orch approve" in refused
    assert "--in-place" in refused
    assert repo.git("status", "--porcelain") == "?? mine.txt"


def test_each_step_lands_under_the_users_feet_after_a_commit_of_what_was_uncommitted(
    repo: Repo, plan: str
) -> None:
    """S1-177 to S1-180, S1-184: untracked files are in the checkpoint, ignored ones are there for
    the steps.
    """
    repo.orch("approve", plan, "--in-place")
    repo.write({"README.md": "staged\n"})
    repo.git("add", "README.md")
    repo.write({"README.md": "a project\n"})
    told = re.search(
        r"kept what was staged before step 1.*: (\w+)", repo.orch("exec", "--in-place", plan).stderr
    )
    assert told is not None
    assert repo.git("show", f"{told[1]}:README.md") == "staged"
    assert repo.git("log", "-3", "--reverse", "--format=%s").splitlines() == [
        "pre-step-1: Step 1",
        "Step 1",
        "Step 2",
    ]
    assert repo.git("show", "--format=", "--name-only", "HEAD~2") == "mine.txt"
    assert (repo.path / "a.txt").read_text() == "mine\nlog\n"
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("symbolic-ref", "--short", "HEAD") == f"orch/{plan}"
    assert repo.step_states(plan) == ["done", "done"]


def test_another_branch_is_not_worked_on(repo: Repo, plan: str) -> None:
    repo.orch("approve", plan, "--in-place")
    repo.git("switch", "-q", "main")
    assert f"hint: git switch orch/{plan}" in repo.orch("exec", "--in-place", plan, expect=3).stderr


def test_a_failed_step_leaves_its_work_in_the_checkout_and_what_was_there_in_a_commit(
    repo: Repo,
) -> None:
    plan = repo.plan(two("rm README.md; echo half > half.txt; false"))
    repo.git("switch", "-q", f"orch/{plan}")
    repo.write({"README.md": "changed by me\n"})
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", "--in-place", plan, expect=1)
    assert repo.git("show", "HEAD:README.md") == "changed by me"
    assert repo.git("log", "-1", "--format=%s") == "pre-step-1: Step 1"
    assert (repo.path / "half.txt").read_text() == "half\n"
    assert not (repo.path / "README.md").exists()


def test_a_command_in_place_cannot_write_to_the_repository_itself(repo: Repo) -> None:
    plan = repo.plan(two("! touch .git/planted && ! git commit --allow-empty -m mine"))
    repo.git("switch", "-q", f"orch/{plan}")
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", "--in-place", plan)
    assert not (repo.path / ".git/planted").exists()


def test_a_command_in_place_cannot_have_git_run_a_program_by_a_file_that_is_configuration(
    repo: Repo, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    repo.commit({".gitconfig": "[alias]\n\tx = status\n", "a.txt": "a\n"})
    repo.git("config", "include.path", "../.gitconfig")
    plant = f"git config --file .gitconfig filter.x.clean 'touch {marker}; cat'"
    plan = repo.plan(two(f"{plant}; echo '* filter=x' > .gitattributes", "echo b > a.txt"))
    repo.git("switch", "-q", f"orch/{plan}")
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", "--in-place", plan)
    assert not marker.exists()


def test_a_repository_inside_the_checkout_is_not_put_at_risk(repo: Repo, plan: str) -> None:
    inner = repo.path / "inner"
    inner.mkdir()
    repo.git("init", "-q", cwd=inner)
    repo.orch("approve", plan, "--in-place")
    assert (
        "a repository inside your checkout"
        in repo.orch("exec", "--in-place", plan, expect=3).stderr
    )
    assert (inner / ".git").is_dir()


def test_a_check_changes_nothing_in_the_checkout(repo: Repo) -> None:
    check = {"command": "echo new > mine.txt; echo more >> README.md; echo check > kept.txt"}
    repo.commit({"kept.txt": "theirs\n"})
    plan = repo.plan(
        {"title": "Checked", "steps": [{"title": "Do it", "run": "true", "checks": [check]}]}
    )
    repo.git("switch", "-q", f"orch/{plan}")
    repo.orch("approve", plan, "--in-place")
    repo.git("update-index", "--assume-unchanged", "kept.txt")
    repo.orch("exec", "--in-place")
    assert repo.git("status", "--porcelain", "--ignored") == ""
    assert (repo.path / "kept.txt").read_text() == "theirs\n"


def test_a_secret_that_is_uncommitted_is_not_committed(repo: Repo, plan: str) -> None:
    repo.orch("approve", plan, "--in-place")
    repo.write({"key.txt": "sk-ant-REDACTED-0123456789abcdef\n"})
    refused = repo.orch("exec", "--in-place", plan, expect=3).stderr
    assert "cannot be committed before step 1: 'key.txt' holds what looks like a key" in refused
    assert repo.git("status", "--porcelain").splitlines() == ["?? key.txt", "?? mine.txt"]


def test_an_ignored_file_that_the_step_would_replace_is_not_touched(repo: Repo) -> None:
    repo.commit({".gitignore": ".env\n"})
    plan = repo.plan(
        {"title": "Files", "steps": [{"title": "Write", "files": {".env": "other\n"}}]}
    )
    repo.git("switch", "-q", f"orch/{plan}")
    repo.write({".env": "mine\n"})
    repo.orch("approve", plan, "--in-place")
    assert (
        "would replace '.env', which git ignores"
        in repo.orch("exec", "--in-place", expect=3).stderr
    )
    assert (repo.path / ".env").read_text() == "mine\n"


def test_a_conflict_that_is_not_resolved_is_not_committed(repo: Repo, plan: str) -> None:
    repo.orch("approve", plan, "--in-place")
    repo.write({"README.md": "stashed\n"})
    repo.git("stash", "-q")
    repo.commit({"README.md": "other\n"})
    repo.git("stash", "pop", expect=1)
    tip = repo.git("rev-parse", "HEAD")
    assert "'README.md' has a conflict" in repo.orch("exec", "--in-place", plan, expect=6).stderr
    assert repo.git("rev-parse", "HEAD") == tip


@pytest.mark.parametrize("begun", ["bisect start", "cherry-pick main..side"])
def test_what_git_has_not_finished_in_the_checkout_is_not_disturbed(
    repo: Repo, plan: str, begun: str
) -> None:
    repo.orch("approve", plan, "--in-place")
    repo.git("switch", "-q", "-c", "side", "main")
    repo.commit({"README.md": "side\n"})
    repo.commit({"README.md": "side again\n"})
    repo.git("switch", "-q", f"orch/{plan}")
    repo.commit({"README.md": "other\n"})
    repo.git(*begun.split(), expect=None)
    if begun != "bisect start":
        repo.commit({"README.md": "resolved\n"})  # the next pick waits, with nothing but a list
    tip = repo.git("rev-parse", "HEAD")
    refused = repo.orch("exec", "--in-place", plan, expect=6).stderr
    assert f"is not finished in '{repo.path}'" in refused
    assert repo.git("rev-parse", "HEAD") == tip


def test_what_is_there_after_another_branch_was_checked_out_does_not_land(
    repo: Repo, unsandboxed: None
) -> None:
    plan = repo.plan(two("echo a > a.txt", "git switch -q main && echo b > b.txt"))
    repo.git("switch", "-q", f"orch/{plan}")
    repo.orch("approve", plan, "--in-place")
    assert (
        "another branch was checked out" in repo.orch("exec", "--in-place", plan, expect=1).stderr
    )
    assert repo.step_states(plan) == ["done", "failed"]
    assert repo.git("ls-tree", "--name-only", f"orch/{plan}").split() == ["README.md", "a.txt"]


@pytest.mark.parametrize(
    "option", [["--in-place", "--jobs", "2"], ["--no-git", "--dry-run"], ["--abort", "--detach"]]
)
def test_an_option_that_would_not_count_is_refused(
    repo: Repo, plan: str, option: list[str]
) -> None:
    refused = repo.orch("exec", *option, plan, expect=2).stderr
    assert f"{option[1]} does not go with {option[0]}" in refused
    assert not (repo.path / "a.txt").exists()


def test_a_chosen_step_that_cannot_start_is_no_success(repo: Repo) -> None:
    steps = [{"title": "A", "run": "true"}, {"title": "B", "run": "true", "depends_on": [1]}]
    plan = repo.plan({"title": "Two", "steps": steps})
    repo.git("switch", "-q", f"orch/{plan}")
    repo.orch("approve", plan, "--in-place")
    assert "--steps 1,2" in repo.orch("exec", "--in-place", "--steps", "2", expect=3).stderr


# A git that kills who started it when the branch is about to move for the third time: before it, a commit of
# what was uncommitted and the first step moved it.
_KILLING = """#!{python}
import os, signal, subprocess, sys
argv = ["{git}", *sys.argv[1:]]
if "--stdin" not in argv or "update-ref" not in argv:
    os.execv(argv[0], argv)
moves = 0
with subprocess.Popen(argv, stdin=subprocess.PIPE, text=True, bufsize=1) as git:
    for line in sys.stdin:
        moves += line.startswith("update refs/heads/orch/")
        if moves == 3:
            os.kill(os.getppid(), signal.SIGKILL)
            sys.exit(1)
        git.stdin.write(line)
"""


def test_a_run_killed_as_a_step_lands_goes_on_in_the_same_checkout(
    repo: Repo, plan: str, tmp_path: Path
) -> None:
    repo.orch("approve", plan, "--in-place")
    killing = tmp_path / "bin/git"
    killing.parent.mkdir()
    killing.write_text(_KILLING.format(python=sys.executable, git=shutil.which("git")))
    killing.chmod(0o755)
    path = f"{killing.parent}:{os.environ['PATH']}"
    assert repo.orch("exec", "--in-place", plan, env={"PATH": path}, expect=None).returncode == -9
    assert (
        "finished an interrupted command: land step 2"
        in repo.orch("exec", "--in-place", plan).stderr
    )
    assert repo.step_states(plan) == ["done", "done"]
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.parametrize("change", ["new", "mode only"])
def test_a_file_is_executable_where_git_does_not_look_at_modes(repo: Repo, change: str) -> None:
    repo.git("config", "core.fileMode", "false")
    path = "new.sh" if change == "new" else "README.md"
    text = (repo.path / "README.md").read_text()
    files = {path: {"content": text, "executable": True}}
    plan = repo.plan({"title": "A", "steps": [{"title": "A", "files": files}]})
    repo.git("checkout", "-q", f"orch/{plan}")
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", plan, "--in-place")
    assert repo.git("ls-tree", "HEAD", path).startswith("100755")
    assert repo.git("status", "--porcelain") == ""
