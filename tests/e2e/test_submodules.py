"""Commands see the files of submodules that are here, read-only, and hear of the others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Repo

ALLOWED = ("-c", "protocol.file.allow=always")
READS = {"command": 'test "$(cat libs/sub/inner.txt)" = 1'}


def one(**step: object) -> dict[str, Any]:
    """A plan of one step."""
    return {"title": "One", "steps": [{"title": "Do it", **step}]}


def new(path: Path, files: dict[str, str]) -> Repo:
    """A repository with one commit."""
    path.mkdir()
    made = Repo(path)
    made.git("init", "-q")
    made.commit(files)
    return made


def add(repo: Repo, other: Repo, path: str, *options: str) -> None:
    repo.git(*ALLOWED, "submodule", "add", "-q", *options, str(other.path), path)
    repo.commit({f"{path.replace('/', '-')}.txt": "1\n"})


@pytest.fixture
def other(tmp_path: Path) -> Repo:
    """The repository that becomes a submodule."""
    return new(tmp_path / "other", {"inner.txt": "1\n", "tool.sh": "echo tool\n"})


@pytest.fixture
def project(repo: Repo, other: Repo) -> Repo:
    """A repository with a submodule in libs/sub, which its user has checked out."""
    add(repo, other, "libs/sub")
    return repo


def absorbed(project: Repo) -> Path:
    return project.path / ".git/modules/libs/sub"


def layers() -> list[Path]:
    state = Path(os.environ["XDG_STATE_HOME"], "git-orch", "layers")
    return [path for path in state.glob("*/*") if not path.name.startswith(".")]


STEPS: dict[str, dict[str, Any]] = {
    "a command": {"run": "cat libs/sub/inner.txt > copy"},
    "literal files": {"files": {"new.txt": "1\n"}},
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_commands_and_checks_read_a_submodule_wherever_they_run(
    project: Repo, step: dict[str, Any]
) -> None:
    plan = project.plan(one(**step, checks=[READS]))
    project.orch("exec")
    project.orch("verify", plan, "--no-cache")
    assert project.step_states(plan) == ["done"]
    assert project.git("ls-tree", f"orch/{plan}", "libs/sub").startswith("160000")


def test_the_check_of_a_manual_step_reads_a_submodule(project: Repo) -> None:
    plan = project.plan(one(kind="manual", checks=[READS]))
    project.orch("exec", expect=9)
    listed = project.git("worktree", "list", "--porcelain").split("\n\n")[-1]
    Repo(Path(listed.splitlines()[0].removeprefix("worktree "))).write({"by-hand": "1\n"})
    project.orch("done")
    assert project.step_states(plan) == ["done"]


def test_a_submodule_has_the_files_of_the_commit_in_the_tree(project: Repo, other: Repo) -> None:
    other.commit({"inner.txt": "2\n"})
    inside = Repo(project.path / "libs/sub")
    inside.git(*ALLOWED, "pull", "-q")
    plan = project.plan(one(run="cat libs/sub/inner.txt > copy"))
    project.orch("exec")
    assert project.git("show", f"orch/{plan}:copy") == "1"


def test_nested_submodules_have_their_files(repo: Repo, other: Repo, tmp_path: Path) -> None:
    middle = new(tmp_path / "middle", {"middle.txt": "1\n"})
    add(middle, other, "deep/er")
    add(repo, middle, "libs/mid")
    repo.git(*ALLOWED, "submodule", "update", "-q", "--init", "--recursive")
    check = {"command": "test -s libs/mid/middle.txt; sh libs/mid/deep/er/tool.sh"}
    plan = repo.plan(one(run="cat libs/mid/deep/er/inner.txt > copy", checks=[check]))
    repo.orch("exec")
    assert repo.git("show", f"orch/{plan}:copy") == "1"


def test_a_submodule_with_its_repository_in_its_place_has_its_files(
    repo: Repo, other: Repo
) -> None:
    repo.git("clone", "-q", str(other.path), "libs/sub")
    add(repo, other, "libs/sub")
    assert (repo.path / "libs/sub/.git").is_dir()
    plan = repo.plan(one(run="true > x", checks=[READS]))
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]


def test_a_submodule_needs_no_checkout_of_it(project: Repo) -> None:
    project.git("submodule", "deinit", "-q", "--force", "libs/sub")
    plan = project.plan(one(run="true > x", checks=[READS]))
    project.orch("exec")
    assert project.step_states(plan) == ["done"]


def test_a_submodule_has_its_files_where_its_place_in_the_checkout_is_gone(
    project: Repo,
) -> None:
    plan = project.plan(one(run="true > x", checks=[READS]))
    shutil.rmtree(project.path / "libs")
    project.orch("exec")
    assert project.step_states(plan) == ["done"]


def test_a_bare_repository_with_modules_has_the_files_of_submodules(
    project: Repo, tmp_path: Path
) -> None:
    project.git("clone", "-q", "--bare", str(project.path), str(tmp_path / "bare.git"))
    shutil.copytree(project.path / ".git/modules", tmp_path / "bare.git/modules")
    bare = Repo(tmp_path / "bare.git")
    plan = bare.plan(one(run="true > x", checks=[READS]))
    bare.orch("exec")
    assert bare.step_states(plan) == ["done"]


def test_the_checks_of_work_in_place_read_a_submodule(project: Repo) -> None:
    plan = project.plan(one(run="cat libs/sub/inner.txt > copy", checks=[READS]))
    project.orch("approve", plan, "--in-place")
    project.git("checkout", "-q", f"orch/{plan}")
    project.orch("exec", plan, "--in-place")
    assert project.step_states(plan) == ["done"]


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [
        ({"run": "touch libs/sub/new"}, 1, "'libs/sub/new': Read-only file system"),
        ({"files": {"libs/sub/new": "x\n"}}, 3, "is in the submodule 'libs/sub'"),
        ({"files": {"libs/sub/inner.txt": None}}, 3, "is in the submodule 'libs/sub'"),
    ],
    ids=["a command", "a file", "a deletion"],
)
def test_a_step_in_place_cannot_write_into_a_submodule(
    project: Repo, step: dict[str, Any], status: int, said: str
) -> None:
    plan = project.plan(one(**step))
    project.git("checkout", "-q", f"orch/{plan}")
    project.orch("approve", plan, "--in-place")
    assert said in project.orch("exec", plan, "--in-place", expect=status).stderr
    assert project.git("-C", "libs/sub", "status", "--porcelain") == ""


def test_commands_see_no_repository_in_a_submodule(project: Repo) -> None:
    plan = project.plan(one(run="ls -A libs/sub > listed"))
    project.orch("exec")
    assert project.git("show", f"orch/{plan}:listed").split() == ["inner.txt", "tool.sh"]


@pytest.mark.parametrize("command", ["echo 2 > libs/sub/inner.txt", "touch libs/sub/new"])
def test_a_command_cannot_write_into_a_submodule(project: Repo, command: str) -> None:
    plan = project.plan(one(run=command))
    assert "Read-only file system" in project.orch("exec", expect=1).stderr
    assert project.step_states(plan) == ["failed"]
    assert (project.path / "libs/sub/inner.txt").read_text() == "1\n"


def test_the_files_of_a_submodule_are_made_once(project: Repo) -> None:
    steps = [{"title": f"Step {n}", "run": f"echo > {n}", "checks": [READS]} for n in "abc"]
    project.plan({"title": "Three", "steps": steps})
    project.orch("exec")
    [layer] = layers()
    made = layer.stat().st_ino
    project.plan(one(run="true > x", checks=[READS]))
    project.orch("exec")
    assert [path.stat().st_ino for path in layers()] == [made]


# -- what is not here ------------------------------------------------------------------------------


def without_repository(project: Repo) -> None:
    project.git("submodule", "deinit", "-q", "--force", "libs/sub")
    shutil.rmtree(absorbed(project))


def without_commit(project: Repo) -> None:
    absent = "1" * 40
    project.git("update-index", "--cacheinfo", f"160000,{absent},libs/sub")
    project.git("commit", "-qm", "a commit that nobody has")


def without_blob(project: Repo) -> None:
    inside = Repo(project.path / "libs/sub")
    oid = inside.git("rev-parse", "HEAD:inner.txt")
    (absorbed(project) / "objects" / oid[:2] / oid[2:]).unlink()


MISSING = {
    "the repository": without_repository,
    "the commit": without_commit,
    "a file": without_blob,
}


@pytest.mark.parametrize("remove", MISSING.values(), ids=MISSING)
def test_what_is_missing_of_a_submodule_is_told_once(project: Repo, remove: Any) -> None:
    remove(project)
    steps = [{"title": f"Step {n}", "run": f"echo > {n}", "checks": ["true"]} for n in "ab"]
    plan = project.plan({"title": "Two", "steps": steps})
    said = project.orch("exec").stderr
    assert said.count("submodule 'libs/sub' is empty") == 1
    assert "git submodule update --init --recursive libs/sub" in said
    assert project.step_states(plan) == ["done", "done"]


def test_a_step_that_writes_into_a_submodule_that_is_not_here_is_refused(project: Repo) -> None:
    without_repository(project)
    plan = project.plan(one(run="echo x > libs/sub/new"))
    assert "is in a submodule" in project.orch("exec", expect=1).stderr
    assert project.step_states(plan) == ["failed"]


@pytest.mark.parametrize("value", ["none", "-libs/sub"])
def test_who_shares_nothing_has_empty_submodules(project: Repo, value: str) -> None:
    project.git("config", "--global", "orch.share", value)
    plan = project.plan(one(run="ls -A libs/sub > listed"))
    assert "submodule" not in project.orch("exec").stderr
    assert project.git("show", f"orch/{plan}:listed") == ""


# -- moving one ------------------------------------------------------------------------------------


def later(project: Repo, other: Repo) -> str:
    """A commit of the submodule that is here and not checked out."""
    commit = other.commit({"inner.txt": "2\n"})
    project.git("-C", "libs/sub", "fetch", "-q")
    return commit


def moving(commit: str, **more: object) -> dict[str, Any]:
    """A step that moves the submodule to a commit."""
    return {"title": "Move it", "files": {"libs/sub": {"submodule": commit}, **more}}


MOVED = {"command": 'test "$(cat libs/sub/inner.txt)" = 2'}


@pytest.mark.parametrize("text", ["1\n", "1\r\n"], ids=["without a worktree", "in a worktree"])
def test_a_step_moves_a_submodule_and_its_checks_and_later_steps_see_that(
    project: Repo, other: Repo, text: str
) -> None:
    commit = later(project, other)
    reads = {"title": "Read", "run": "cat libs/sub/inner.txt > copy", "depends_on": [1]}
    steps = [moving(commit, new=text) | {"checks": [MOVED]}, reads]
    plan = project.plan({"title": "Two", "steps": steps})
    assert f"move  libs/sub to {commit}" in project.orch("exec", "--dry-run").stdout
    project.orch("exec")
    assert project.git("rev-parse", f"orch/{plan}:libs/sub") == commit
    assert project.git("show", f"orch/{plan}:copy") == "2"


def test_landing_in_a_checkout_says_how_to_get_the_files_of_a_moved_submodule(
    project: Repo, other: Repo
) -> None:
    commit = later(project, other)
    project.plan({"title": "One", "steps": [moving(commit)]})
    project.orch("exec")
    said = project.orch("land").stderr
    assert f"git -C {project.path} submodule update -- libs/sub" in said
    project.git("submodule", "update", "-q", "--", "libs/sub")
    assert project.git("-C", "libs/sub", "rev-parse", "HEAD") == commit
    assert project.git("status", "--porcelain") == ""


STUCK: dict[str, dict[str, Any]] = {
    "cannot move 'libs/sub': its commit 1111111111 is not here": moving("1" * 40)["files"],
    "cannot move 'libs/sub': IDs of commits have 40 digits here": moving("1" * 64)["files"],
    "cannot move 'libs': the base has no submodule there, and a plan adds none": {
        "libs": {"submodule": "1" * 40}
    },
    "cannot delete 'libs/sub': it is a submodule": {"libs/sub": None},
    "cannot write over 'libs/sub': it is a submodule": {"libs/sub": "x\n"},
}


def test_a_step_that_cannot_change_a_submodule_says_why(project: Repo) -> None:
    steps = [{"title": why, "files": files} for why, files in STUCK.items()]
    plan = project.plan({"title": "Five", "steps": steps})
    said = project.orch("exec", "--keep-going", expect=1).stderr
    assert [why for why in STUCK if why not in said] == []
    assert project.step_states(plan) == ["failed"] * len(STUCK)


def test_a_command_outside_the_sandbox_cannot_move_a_submodule(project: Repo, other: Repo) -> None:
    commit = later(project, other)
    project.git("config", "--global", "orch.sandbox", "none")
    plan = project.plan(one(run=f"git update-index --cacheinfo 160000,{commit},libs/sub; echo > x"))
    said = project.orch("exec", expect=1).stderr
    assert "only 'submodule' in a files step moves one" in said
    assert project.step_states(plan) == ["failed"]


def test_no_step_in_place_moves_a_submodule(project: Repo, other: Repo) -> None:
    commit = later(project, other)
    steps = [{"title": "Write", "files": {"x": "1\n"}}, moving(commit)]
    plan = project.plan({"title": "Two", "steps": steps})
    project.git("checkout", "-q", f"orch/{plan}")
    project.orch("approve", plan, "--in-place")
    said = project.orch("exec", plan, "--in-place", expect=3).stderr
    assert "step 2 moves the submodule 'libs/sub'" in said
    assert project.step_states(plan) == ["pending", "pending"]


# -- a .gitmodules of somebody else ----------------------------------------------------------------

HOSTILE = {
    "a name that leads out": '[submodule "../modules/libs/sub"]\n\tpath = libs/sub\n',
    "a name with backslashes": '[submodule "..\\\\modules/libs/sub"]\n\tpath = libs/sub\n',
    "an absolute name": '[submodule "{modules}"]\n\tpath = libs/sub\n',
    "a path that leads out": '[submodule "libs/sub"]\n\tpath = ../libs/sub\n',
    "an absolute path": '[submodule "libs/sub"]\n\tpath = /tmp/libs/sub\n',
    "a path of files": '[submodule "libs/sub"]\n\tpath = libs\n',
    "an included file": "[include]\n\tpath = {modules}/../../../named\n",
    "no syntax": "[submodule\n",
    "nothing": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_gitmodules_show_nothing_but_submodules_below_modules(project: Repo, text: str) -> None:
    project.write({"named": '[submodule "libs/sub"]\n\tpath = libs/sub\n'})
    text = text.replace("{modules}", str(absorbed(project)))
    project.commit({".gitmodules": text})
    check = {"command": 'test "$(ls -A libs/sub)$(ls libs)" = sub'}
    plan = project.plan(one(files={"x": "1\n"}, checks=[check]))
    project.orch("exec")
    assert project.step_states(plan) == ["done"]


def test_a_link_in_the_checkout_leads_to_no_repository(repo: Repo, other: Repo) -> None:
    text = '[submodule "x"]\n\tpath = x\n'
    commit = other.git("rev-parse", "HEAD")
    repo.commit({".gitmodules": text})
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},x")
    repo.git("commit", "-qm", "a submodule")
    (repo.path / "x").symlink_to(other.path)
    repo.plan(one(files={"y": "1\n"}, checks=[{"command": 'test -z "$(ls -A x)"'}]))
    repo.orch("exec")


def test_a_filter_of_the_submodules_repository_does_not_run(project: Repo, other: Repo) -> None:
    inside = Repo(project.path / "libs/sub")
    inside.commit({".gitattributes": "*.txt filter=evil\n"})
    project.commit({"more": "1\n"})
    traces = project.path.parent / "ran"
    inside.git("config", "filter.evil.smudge", f"touch {traces}; cat")
    inside.git("config", "filter.evil.required", "true")
    inside.git("config", "core.fsmonitor", f"touch {traces}")
    traces.unlink(missing_ok=True)
    plan = project.plan(one(run="true > x", checks=[READS]))
    project.orch("exec")
    assert project.step_states(plan) == ["done"]
    assert not traces.exists()
