"""Everything that runs in a step runs at the path of the user's checkout."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, Repo
from model_server import ModelServer, tool, turn


def set_globally(name: str, value: str) -> None:
    subprocess.run(["git", "config", "--global", name, value], check=True)


def one(run: str, *checks: str, **more: object) -> dict[str, Any]:
    step = {"title": "Do it", "run": run, "checks": [{"command": check} for check in checks]}
    return {"title": "One", "steps": [{**step, **more}]}


def test_a_command_a_check_a_setup_and_a_hook_are_at_the_path_of_the_checkout(repo: Repo) -> None:
    here = f'test "$(pwd)" = {repo.path}'
    set_globally("orch.setup", here)
    set_globally("orch.runHooks", "true")
    hook = repo.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{here}\n")
    hook.chmod(0o755)
    repo.plan(one(f"{here} && touch made", here))
    repo.orch("approve", "--setup")
    assert "pre-commit hook: ok" in repo.orch("exec").stderr


def test_a_plan_that_is_run_in_a_worktree_of_the_user_s_is_at_its_path(
    repo: Repo, hermetic: Path
) -> None:
    theirs = hermetic / "theirs"
    repo.git("worktree", "add", "-q", "--detach", str(theirs))
    plan = repo.plan(one("pwd > made"))
    repo.orch("exec", cwd=theirs)
    assert repo.git("show", f"orch/{plan}:made") == str(theirs)


def test_the_checks_of_a_manual_step_are_there_wherever_it_is_handed_in(repo: Repo) -> None:
    check = {"command": f'test "$(pwd)" = {repo.path}'}
    step = {"title": "By hand", "kind": "manual", "prompt": "Do it", "checks": [check]}
    plan = repo.plan({"title": "One", "steps": [step]})
    said = repo.orch("exec", expect=9).stderr
    worktree = Path(said.partition("Work in ")[2].partition(", then")[0])
    (worktree / "made").write_text("x\n")
    repo.orch("done", cwd=worktree)
    assert repo.git("show", f"orch/{plan}:made") == "x"


def test_without_a_sandbox_a_step_is_where_its_worktree_is(repo: Repo) -> None:
    set_globally("orch.sandbox", "none")
    plan = repo.plan(one("pwd > made"))
    repo.orch("approve", expect=None)
    repo.orch("exec")
    assert "/git-orch/worktrees/" in repo.git("show", f"orch/{plan}:made")


def test_what_a_command_of_a_model_printed_names_a_file_for_its_tools(
    here: Here, model_server: ModelServer
) -> None:
    top = here.repo.path
    script = f"cd {top} && pwd && ls {top}/README.md"
    model_server.script(
        turn(tool("bash", command=script, reason="to look")),
        turn(tool("read_file", path=f"{top}/README.md")),
        turn(tool("write_file", path=f"{top}/made.txt", content="made\n")),
        turn(tool("step_done", summary="Made it.")),
    )
    plan = here.plan({"title": "One", "steps": [{"title": "Do it", "prompt": "Do it"}]})
    here("exec", plan)
    said = json.dumps(model_server.calls[-1].body["messages"])
    assert f"{top}\\n{top}/README.md" in said
    assert "leads out" not in said
    assert here.repo.git("show", f"orch/{plan}:made.txt") == "made"


@pytest.fixture
def environment(repo: Repo) -> Repo:
    """A checkout with an ignored environment whose program was made for its path."""
    repo.commit({".gitignore": ".venv/\n", "value": "1\n"})
    program = f'#!/bin/sh\ntest "$(cat {repo.path}/value)" = "$1"\n'
    repo.write({".venv/pyvenv.cfg": "home = /usr/bin\n", ".venv/bin/value-is": program})
    (repo.path / ".venv/bin/value-is").chmod(0o755)
    return repo


def test_a_program_that_was_made_for_the_checkout_sees_what_the_step_wrote(
    environment: Repo,
) -> None:
    plan = environment.plan(one("echo 2 > value", "value-is 2", ".venv/bin/value-is 2"))
    environment.orch("exec")
    environment.orch("verify", plan, "--tip")
    environment.orch("land")
    assert (environment.path / "value").read_text() == "2\n"


def test_a_plan_that_was_run_in_place_is_verified_with_the_same_programs_and_lands(
    environment: Repo,
) -> None:
    plan = environment.plan(one("echo 2 > value", "value-is 2"))
    environment.git("switch", "-q", f"orch/{plan}")
    environment.orch("approve", plan, "--in-place")
    assert "COMPLETE" in environment.orch("exec", "--in-place", plan).stdout
    environment.git("switch", "-q", "main")
    environment.orch("land")
    assert (environment.path / "value").read_text() == "2\n"


def test_a_manual_step_that_is_handed_in_from_its_worktree_is_checked_with_the_same_programs(
    environment: Repo,
) -> None:
    step = {"title": "By hand", "kind": "manual", "prompt": "Do it"}
    plan = environment.plan(
        {"title": "One", "steps": [{**step, "checks": [{"command": "value-is 2"}]}]}
    )
    said = environment.orch("exec", expect=9).stderr
    worktree = Path(said.partition("Work in ")[2].partition(", then")[0])
    (worktree / "value").write_text("2\n")
    environment.orch("done", cwd=worktree)
    assert environment.git("show", f"orch/{plan}:value") == "2"
