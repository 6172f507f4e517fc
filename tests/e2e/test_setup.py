"""Worktrees that are made ready: the user's setup command, and ignored files of theirs that they
want in them.
"""

from __future__ import annotations

import subprocess

import pytest
from conftest import Repo


def set_globally(name: str, value: str) -> None:
    subprocess.run(["git", "config", "--global", name, value], check=True)


@pytest.fixture
def ignoring(repo: Repo) -> Repo:
    repo.commit(
        {".gitignore": "deps/\n*.local\n.env\n", ".worktreeinclude": "*.local\n.env\n"}, "ignore"
    )
    return repo


def one(run: str, **more: object) -> dict[str, object]:
    return {"title": "One", "steps": [{"title": "Do it", "run": run, **more}]}


def test_a_setup_command_needs_an_approval_that_names_it(ignoring: Repo) -> None:
    set_globally("orch.setup", "mkdir -p deps; echo ready > deps/x")
    plan = ignoring.plan(one("cat deps/x > result"))
    refused = ignoring.orch("exec", expect=3)
    assert f"git orch approve {ignoring.handle(plan)} --setup" in refused.stderr.replace("'", "")
    shown = ignoring.orch("approve", "--setup").stdout
    assert "setup    mkdir -p deps; echo ready > deps/x" in shown
    ignoring.orch("exec")
    assert ignoring.git("show", f"orch/{plan}:result") == "ready"


def test_a_setup_command_that_changed_is_not_approved(ignoring: Repo) -> None:
    set_globally("orch.setup", "true")
    ignoring.plan(one("true"))
    ignoring.orch("approve", "--setup")
    set_globally("orch.setup", "echo other")
    assert "echo other" in ignoring.orch("exec", expect=3).stderr


def test_a_setup_command_is_approved_for_all_plans_of_the_repository(ignoring: Repo) -> None:
    set_globally("orch.setup", "mkdir -p deps; echo ready > deps/x")
    ignoring.plan(one("cat deps/x > result"))
    ignoring.orch("approve", "--setup")
    ignoring.orch("exec")
    plan = ignoring.plan(one("cat deps/x > other"))
    ignoring.orch("exec", plan)
    assert ignoring.git("show", f"orch/{plan}:other") == "ready"


def test_a_plan_goes_on_where_it_failed_when_a_setup_command_is_approved(ignoring: Repo) -> None:
    steps = [{"title": "A", "run": "echo > a"}, {"title": "B", "run": "cat deps/x > b"}]
    plan = ignoring.plan({"title": "Two", "steps": steps})
    ignoring.orch("exec", expect=1)
    set_globally("orch.setup", "mkdir -p deps; echo ready > deps/x")
    ignoring.orch("setup")
    ignoring.orch("exec")
    assert ignoring.step_states(plan) == ["done", "done"]


def test_the_network_for_a_setup_command_is_another_approval(ignoring: Repo) -> None:
    set_globally("orch.setup", "test $(wc -l < /proc/net/dev) -gt 3")
    ignoring.plan(one("true"))
    ignoring.orch("approve", "--setup")
    ignoring.orch("exec", expect=1)
    ignoring.orch("approve", "--setup-network")
    ignoring.orch("exec")


def test_an_approved_setup_command_does_not_run_where_others_had_a_hand_in_the_branch(
    ignoring: Repo,
) -> None:
    set_globally("orch.setup", "mkdir -p deps; echo ready > deps/x")
    ignoring.orch("setup")
    plan = ignoring.plan(one("cat deps/x > result"))
    ignoring.git("checkout", "-q", f"orch/{plan}")
    ignoring.commit({"theirs": "1\n"}, "theirs")
    ignoring.git("checkout", "-q", "main")
    refused = ignoring.orch("exec", expect=3).stderr
    assert "its branch has commits that nobody here approved" in refused
    ignoring.orch("approve")
    ignoring.orch("exec")


def test_the_setup_command_runs_once_in_each_worktree_and_its_files_stay_out_of_commits(
    ignoring: Repo,
) -> None:
    set_globally("orch.setup", "mkdir -p deps; echo ready >> deps/x")
    steps = [{"title": f"Step {name}", "run": f"wc -l < deps/x > {name}"} for name in ("a", "b")]
    plan = ignoring.plan({"title": "Two", "steps": steps})
    ignoring.orch("approve", "--setup")
    ignoring.orch("exec")
    assert [ignoring.git("show", f"orch/{plan}:{name}").strip() for name in ("a", "b")] == [
        "1",
        "1",
    ]
    assert ignoring.git("ls-tree", "--name-only", f"orch/{plan}").split() == [
        ".gitignore", ".worktreeinclude", "README.md", "a", "b",
    ]  # fmt: skip


def test_checks_on_the_tip_find_what_the_setup_command_makes(ignoring: Repo) -> None:
    set_globally("orch.setup", "mkdir -p deps; echo ready > deps/x")
    ignoring.plan(one("true", checks=[{"command": "test -f deps/x"}]))
    ignoring.orch("approve", "--setup")
    ignoring.orch("exec")
    ignoring.orch("verify", "--tip", "--no-cache")


def test_each_step_that_is_verified_finds_what_the_setup_command_makes(ignoring: Repo) -> None:
    set_globally("orch.setup", "mkdir -p deps; echo ready > deps/x")
    ready = [{"command": "test -f deps/x"}]
    steps = [
        {"title": f"Step {name}", "run": f"echo > {name}", "checks": ready} for name in ("a", "b")
    ]
    ignoring.plan({"title": "Two", "steps": steps})
    ignoring.orch("approve", "--setup")
    ignoring.orch("exec", "--no-tip-checks")
    ignoring.orch("verify", "--no-cache")


def test_a_setup_command_that_fails_fails_the_step(ignoring: Repo) -> None:
    set_globally("orch.setup", "echo no such package; exit 3")
    ignoring.plan(one("true"))
    ignoring.orch("approve", "--setup")
    told = ignoring.orch("exec", expect=1).stderr
    assert "orch.setup ('echo no such package; exit 3') exited 3: no such package" in told


@pytest.mark.parametrize(
    ("command", "named", "hint"),
    [
        ("mkdir -p src/gen; touch new.txt src/gen/a", "'new.txt'", "names 'new.txt', 'src/gen/'"),
        ("echo >> README.md", "'README.md'", "git orch setup --command COMMAND"),
    ],
)
def test_a_setup_command_that_changes_what_git_does_not_ignore_ends_the_run(
    ignoring: Repo, command: str, named: str, hint: str
) -> None:
    ignoring.commit({"src/a.c": "\n"}, "src")
    set_globally("orch.setup", command)
    plan = ignoring.plan(one("true"))
    ignoring.orch("approve", "--setup")
    told = ignoring.orch("exec", expect=1).stderr
    assert f"changed files that git does not ignore: {named}" in told
    assert hint in told.splitlines()[-1]
    assert ignoring.step_states(plan) == ["failed"]


def test_a_setup_command_that_looks_for_the_network_is_told_how_to_get_it(ignoring: Repo) -> None:
    set_globally("orch.setup", "echo 'curl: (6) Could not resolve host: a.example'; exit 6")
    plan = ignoring.plan(one("true"))
    ignoring.orch("approve", "--setup")
    told = ignoring.orch("exec", expect=1).stderr
    assert (
        told.splitlines()[-1] == f"hint: git orch approve {ignoring.handle(plan)} --setup-network"
    )


def test_no_step_runs_in_a_worktree_where_the_setup_command_failed(ignoring: Repo) -> None:
    set_globally("orch.setup", "exit 3")
    plan = ignoring.plan(
        {"title": "Two", "steps": [{"title": name, "run": f"echo > {name}"} for name in "ab"]}
    )
    ignoring.orch("approve", "--setup")
    ignoring.orch("exec", "--keep-going", expect=1)
    assert ignoring.step_states(plan) == ["failed", "failed"]


def test_a_setup_command_ends_after_its_own_timeout(ignoring: Repo) -> None:
    set_globally("orch.setup", "sleep 30")
    set_globally("orch.setupTimeout", "1")
    ignoring.plan(one("true"))
    ignoring.orch("approve", "--setup")
    assert "timeout after 1s" in ignoring.orch("exec", expect=1).stderr


def test_a_setup_command_of_the_repository_does_not_count(ignoring: Repo) -> None:
    ignoring.git("config", "orch.setup", "touch deps")
    ignoring.plan(one("test ! -e deps"))
    told = ignoring.orch("exec").stderr
    assert "does not count; to set your own: git orch setup" in told


def test_ignored_files_are_copied_only_where_the_user_allows_it(ignoring: Repo) -> None:
    ignoring.write({"settings.local": "mine\n"})
    ignoring.plan(one("test ! -e settings.local"))
    ignoring.orch("exec")
    set_globally("orch.worktreeInclude", "true")
    plan = ignoring.plan(one("cat settings.local > copy; rm .gitignore"))
    ignoring.orch("exec", plan)
    assert ignoring.git("show", f"orch/{plan}:copy") == "mine"
    assert "settings.local" not in ignoring.git("ls-tree", "--name-only", f"orch/{plan}")


def test_files_that_look_like_secrets_are_never_copied(ignoring: Repo) -> None:
    set_globally("orch.worktreeInclude", "true")
    files = {
        ".env": "A=1\n",
        "secrets/a.local": "mine\n",
        "key.local": "sk-ant-REDACTED-0123456789abcdef\n",
    }
    for path, text in files.items():
        ignoring.write({path: text})
        plan = ignoring.plan(one("touch ran"))
        assert f"'{path}' of .worktreeinclude" in ignoring.orch("exec", plan, expect=3).stderr
        (ignoring.path / path).unlink()


def test_the_list_is_the_one_of_the_base_commit(ignoring: Repo) -> None:
    """A list in the work tree is what somebody may have planted there."""
    set_globally("orch.worktreeInclude", "true")
    ignoring.write({".worktreeinclude": "deps/\n", "deps/x": "mine\n"})
    ignoring.plan(one("test ! -e deps"))
    ignoring.orch("exec")
