"""Lock files decide: the checkout's dependencies serve where they fit, else what setup makes once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import Repo

_SETUP = "mkdir -p deps; cp requirements.txt deps/; cat /proc/sys/kernel/random/uuid > deps/id"
_FITS = "cmp requirements.txt deps/requirements.txt"


@pytest.fixture
def project(repo: Repo) -> Repo:
    """A project with a lock file, and a setup command that makes what git ignores."""
    repo.commit({".gitignore": "deps/\nnode_modules/\n", "requirements.txt": "a==1\n"}, "project")
    repo.git("config", "--global", "orch.setup", _SETUP)
    repo.orch("setup", "--command", _SETUP)
    return repo


def layers() -> list[Path]:
    state = Path(os.environ["XDG_STATE_HOME"], "git-orch", "layers")
    return [path for path in state.glob("*/*") if not path.name.startswith(".")]


def steps(*commands: str, checks: tuple[str, ...] = ()) -> dict[str, object]:
    return {
        "title": "Steps",
        "steps": [
            {"title": f"Step {number}", "run": command, "checks": list(checks)}
            for number, command in enumerate(commands)
        ],
    }


def result(repo: Repo, plan: str, name: str) -> str:
    return repo.git("show", f"orch/{plan}:{name}")


def test_setup_runs_once_for_all_worktrees_steps_and_plans(project: Repo) -> None:
    commands = [f"cat deps/id > {name}" for name in "abc"]
    first = project.plan(steps(*commands, checks=("test -s deps/id",)))
    project.orch("exec", first, "--jobs", "3")
    second = project.plan(steps("cat deps/id > a"))
    project.orch("exec", second)
    project.orch("verify", first, "--no-cache")
    assert (
        len({result(project, first, name) for name in "abc"} | {result(project, second, "a")}) == 1
    )
    assert len(layers()) == 1


def test_a_step_that_changes_a_lock_file_is_checked_with_what_setup_makes_of_it(
    project: Repo,
) -> None:
    plan = project.plan(steps("echo b==2 >> requirements.txt", "date > d", checks=(_FITS,)))
    project.orch("exec")
    assert project.step_states(plan) == ["done", "done"]
    project.orch("verify", "--no-cache")
    project.orch("verify", "--tip", "--no-cache")
    project.orch("redo", "2")
    assert len(layers()) == 2


def test_a_manual_step_is_checked_with_the_dependencies_of_its_tree(project: Repo) -> None:
    plan = project.plan(
        {"title": "M", "steps": [{"title": "By hand", "kind": "manual", "checks": [_FITS]}]}
    )
    told = project.orch("exec", expect=9).stderr
    worktree = Path(told.split("Work in ")[1].split(",")[0])
    with open(worktree / "requirements.txt", "a", encoding="utf-8") as file:
        file.write("b==2\n")
    project.orch("done")
    assert project.step_states(plan) == ["done"]


def test_a_setup_that_fails_on_a_changed_lock_file_keeps_the_work(project: Repo) -> None:
    command = f"! grep -q b requirements.txt && {_SETUP}"
    project.orch("setup", "--command", command)
    plan = project.plan(steps("echo b==2 >> requirements.txt", checks=(_FITS,)))
    told = project.orch("exec", expect=1).stderr
    assert "(kept as " in told
    assert project.step_states(plan) == ["failed"]


def test_what_a_command_writes_to_dependencies_is_thrown_away(project: Repo) -> None:
    project.plan(steps("echo > deps/poison; date > a", "test ! -e deps/poison; date > b"))
    project.orch("exec")


def test_what_setup_makes_of_a_steps_result_serves_its_own_plan_only(project: Repo) -> None:
    plans = []
    for _ in range(2):
        change = "echo b==2 >> requirements.txt"
        plan = project.plan(steps(change, "cat deps/id > id", checks=(_FITS,)))
        project.orch("exec", plan)
        plans.append(plan)
    assert result(project, plans[0], "id") != result(project, plans[1], "id")


def test_a_plan_finds_what_the_trial_has_made(project: Repo) -> None:
    [before] = layers()
    project.orch("exec", project.plan(steps("date > a", checks=("test -s deps/id",))))
    assert layers() == [before]


def test_another_command_makes_a_layer_of_its_own(project: Repo) -> None:
    project.orch("exec", project.plan(steps("date > a")))
    project.orch("setup", "--command", f"{_SETUP}; true")
    project.orch("exec", project.plan(steps("date > a")))
    assert len(layers()) == 2


def test_a_script_that_setup_runs_is_part_of_what_a_layer_is_for(project: Repo) -> None:
    project.commit({"install.sh": f"{_SETUP}\n"}, "script")
    project.orch("setup", "--command", "sh install.sh")
    plan = project.plan(steps("echo 'echo 2 > deps/more' >> install.sh", "cat deps/more > more"))
    project.orch("exec")
    assert result(project, plan, "more") == "2"


def test_what_a_killed_setup_left_is_made_anew(project: Repo) -> None:
    project.orch("exec", project.plan(steps("date > a")))
    [layer] = layers()
    layer.rename(layer.with_name(f".new-{layer.name}"))
    (layer.with_name(f".new-{layer.name}") / "layer.json").unlink()
    project.orch("exec", project.plan(steps("cat deps/id > a")))
    assert [path.name for path in layers()] == [layer.name]
    assert not list(layer.parent.glob(".new-*"))


def test_the_directories_of_the_checkout_serve_where_their_lock_files_are_those_of_the_tree(
    repo: Repo,
) -> None:
    node(repo)
    repo.git("config", "--global", "orch.setup", "exit 1")
    plan = repo.plan(steps("cat node_modules/a/x > x"))
    repo.orch("approve", plan, "--setup")
    repo.orch("exec")
    assert result(repo, plan, "x") == "of the checkout"
    assert layers() == []


def test_directories_whose_lock_file_differs_are_not_shown_and_named(repo: Repo) -> None:
    node(repo)
    change = "echo '{\"b\": 1}' > package-lock.json"
    plan = repo.plan(
        steps(f"{change}; test -e node_modules/a/x", "test ! -e node_modules/a; date > d")
    )
    told = repo.orch("exec").stderr
    assert told.count("not shown: 'node_modules', because its lock files differ") == 1
    assert repo.step_states(plan) == ["done", "done"]


def test_the_check_of_a_step_that_changes_a_lock_file_sees_what_the_tip_check_sees(
    repo: Repo,
) -> None:
    node(repo)
    change = "echo '{\"b\": 1}' > package-lock.json"
    repo.plan(steps(change, checks=("test ! -e node_modules/a",)))
    repo.orch("exec")


def test_a_manifest_that_changes_without_its_dependencies_changes_nothing(repo: Repo) -> None:
    node(repo)
    change = """echo '{"name": "x", "scripts": {"test": "y"}}' > package.json"""
    repo.plan(steps(change, "date > d", checks=("test -e node_modules/a/x",)))
    repo.orch("exec")


def test_check_knows_the_programs_that_setup_makes(project: Repo) -> None:
    project.commit({".gitignore": "deps/\nenv/\n"}, "env")
    make = "mkdir -p env/bin; touch env/pyvenv.cfg env/bin/tool; chmod +x env/bin/tool"
    project.orch("setup", "--command", f"{_SETUP}; {make}")
    plan = project.plan(steps("date > d", checks=("tool", "other-tool")))
    said = project.orch("check", plan).stdout
    assert "'other-tool' is not on the PATH of commands" in said
    assert "'tool' is not on" not in said


def test_check_names_the_setup_for_a_program_that_is_not_there(repo: Repo) -> None:
    plan = repo.plan(steps("date > d", checks=("no-such-tool --version",)))
    said = repo.orch("check", plan).stdout
    assert "'no-such-tool' is not on the PATH of commands" in said
    assert "fix: git orch setup  # if the project brings 'no-such-tool'" in said


def node(repo: Repo) -> None:
    """A checkout with installed packages of Node."""
    files = {
        ".gitignore": "node_modules/\n",
        "package.json": '{"name": "x"}\n',
        "package-lock.json": "{}\n",
    }
    repo.commit(files, "node")
    installed = repo.path / "node_modules" / "a"
    installed.mkdir(parents=True)
    (installed / "x").write_text("of the checkout\n")
    (repo.path / "node_modules" / ".package-lock.json").write_text("{}\n")
    assert (
        subprocess.run(
            ["git", "status", "--porcelain"], cwd=repo.path, capture_output=True, check=True
        ).stdout
        == b""
    )
