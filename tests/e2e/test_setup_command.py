"""git orch setup: what a project's tests need, tried out in the sandbox."""

from __future__ import annotations

import subprocess

import pytest
from conftest import Repo

_TEST = "test -f deps/x || { echo 'ModuleNotFoundError: deps'; exit 1; }"
_SETUP = "mkdir -p deps; echo ready > deps/x"


@pytest.fixture
def project(repo: Repo) -> Repo:
    """A project whose tests need something that git ignores."""
    repo.commit({".gitignore": "deps/\n", "Makefile": f"test:\n\t@{_TEST}\n"}, "project")
    return repo


def configured() -> str:
    listed = ["git", "config", "--global", "--list"]
    return subprocess.run(listed, check=True, capture_output=True, text=True).stdout


def one(check: str) -> dict[str, object]:
    return {"title": "One", "steps": [{"title": "Do", "run": "date > d", "checks": [check]}]}


def test_a_setup_that_lets_the_tests_pass_is_set_and_approved_for_this_repository(
    project: Repo,
) -> None:
    said = project.orch("setup", "--command", _SETUP).stdout
    assert f"orch.{project.path}.setup = {_SETUP}" in said
    assert f"orch.{project.path}.setup={_SETUP}" in configured()
    project.plan(one("make test"))
    project.orch("exec")


def test_tests_that_pass_need_no_setup(project: Repo) -> None:
    said = project.orch("setup", "--check", "true").stdout
    assert "nothing to set up" in said
    assert "orch." not in configured()


def test_the_words_for_what_is_missing_come_before_the_setup(project: Repo) -> None:
    said = project.orch("setup", "--check", "make test", expect=1)
    assert "a module that it loads is not installed where commands run" in said.stdout
    assert "git orch setup --command COMMAND" in said.stderr


def test_a_setup_that_does_not_help_is_not_stored(project: Repo) -> None:
    said = project.orch("setup", "--command", "true", expect=1).stderr
    assert "a module that it loads is not installed" in said
    assert "orch." not in configured()


def test_a_setup_that_looks_for_the_network_names_the_option(project: Repo) -> None:
    failing = "echo 'Could not resolve host: a.example'; exit 6"
    said = project.orch("setup", "--command", failing, expect=1).stderr
    assert said.splitlines()[-1] == "hint: git orch setup --network"


def test_a_setup_that_lacks_a_package_names_the_network_as_well(project: Repo) -> None:
    failing = "echo 'ERROR: No matching distribution found for six'; exit 1"
    said = project.orch("setup", "--command", failing, expect=1).stderr
    assert said.splitlines()[-1] == "hint: git orch setup --network"


def test_a_setup_that_lacks_a_program_asks_for_another_command(project: Repo) -> None:
    said = project.orch("setup", "--command", "no-such-program", expect=1).stderr
    assert said.splitlines()[-1] == (
        "hint: git orch setup --command COMMAND"
        "  # a program that it starts is not on the PATH of commands"
    )


def test_programs_that_a_setup_makes_are_on_the_path_of_the_check(project: Repo) -> None:
    project.commit({".gitignore": "env/\n"}, "env")
    make = "mkdir -p env/bin; touch env/pyvenv.cfg; printf '#!/bin/sh\n' > env/bin/tool"
    project.orch("setup", "--command", f"{make}; chmod +x env/bin/tool", "--check", "tool")


def test_with_the_network_a_setup_has_it_and_the_tests_have_not(project: Repo) -> None:
    links = "wc -l < /proc/net/dev"
    command = f"mkdir -p deps; {links} > deps/x"
    check = f"test $(cat deps/x) -gt $({links})"
    project.orch("setup", "--command", command, "--check", check, expect=1)
    project.orch("setup", "--command", command, "--check", check, "--network")


def test_a_dry_run_stores_nothing(project: Repo) -> None:
    project.orch("setup", "--command", _SETUP, "-n")
    assert "orch." not in configured()
    project.plan(one("make test"))
    project.orch("exec", expect=1)


def test_printing_runs_nothing(repo: Repo) -> None:
    repo.commit({"package-lock.json": "{}"}, "lock")
    assert repo.orch("setup", "--print").stdout == "npm ci\n"


def test_with_a_plan_its_checks_are_tried(project: Repo) -> None:
    plan = project.plan(one("test -f deps/x || exit 127"))
    said = project.orch("setup", plan, "--command", _SETUP).stdout
    assert "check  test -f deps/x || exit 127: passed" in said


def test_a_failing_check_leads_to_the_setup(project: Repo) -> None:
    project.plan(one("make test"))
    told = project.orch("exec", expect=1).stderr
    assert told.splitlines()[-1] == (
        "hint: git orch setup  # a module that it loads is not installed where commands run"
    )


def test_a_failing_command_leads_to_the_setup(project: Repo) -> None:
    project.plan({"title": "One", "steps": [{"title": "Do", "run": "no-such-program"}]})
    told = project.orch("exec", expect=1).stderr
    assert told.splitlines()[-1] == (
        "hint: git orch setup  # a program that it starts is not on the PATH of commands"
    )


def test_a_check_that_fails_on_the_tip_leads_to_the_setup(project: Repo) -> None:
    steps = [
        {"title": "A", "run": "touch t", "checks": ["test -e t || exit 127"]},
        {"title": "B", "run": "rm t"},
    ]
    project.plan({"title": "Two", "steps": steps})
    told = project.orch("exec", expect=1).stderr
    assert told.splitlines()[-1].startswith("hint: git orch setup")
    assert (
        project.orch("verify", "--tip", expect=1)
        .stderr.splitlines()[-1]
        .startswith("hint: git orch setup")
    )
    assert project.orch("verify", "--step", "2", expect=0)


def test_the_worktree_of_the_trial_is_removed(project: Repo) -> None:
    project.orch("setup", "--command", _SETUP)
    assert project.git("worktree", "list").count("\n") == 0


def test_a_project_with_its_dependencies_in_a_cache_is_told_how_to_fill_it(repo: Repo) -> None:
    repo.commit({"go.mod": "module x\n"}, "go")
    told = repo.orch("setup", "--check", "exit 127", expect=1).stderr
    assert "go mod download  # fills it" in told


@pytest.mark.parametrize(("asking", "value"), [(False, "off"), (True, "")])
def test_only_commands_without_the_network_have_the_offline_switches(
    repo: Repo, value: str, *, asking: bool
) -> None:
    step = {"title": "Do", "run": "printf '%s' \"${GOPROXY-}\" > proxy", "network": asking}
    plan = repo.plan({"title": "One", "steps": [step]})
    repo.orch("approve", "--network", "all")
    repo.orch("exec")
    assert repo.git("show", f"orch/{plan}:proxy") == value
