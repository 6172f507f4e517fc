"""`git orch edit` with the user's editor, on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Repo, writing


def edited(repo: Repo, editor: str, variable: str = "GIT_EDITOR") -> tuple[int, str]:
    """Exit code and what the terminal showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "git_orch", "edit"], cwd=repo.path, stdin=theirs, stdout=theirs,
        stderr=theirs, env={**os.environ, variable: editor, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        shown += chunk
    os.close(ours)
    return process.wait(), shown.decode()


def test_the_users_editor_is_opened_and_its_text_taken(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    status, shown = edited(repo, "sed -i 's/Write a/Write much/'")
    assert status == 0, shown
    assert repo.status(plan)["steps"][0]["title"] == "Write much"


@pytest.mark.parametrize(
    "editor",
    [
        "edit() { sed -i 's/Write a/Write much/' \"$1\"; }; edit",
        'W=much; export W; sed -i "s/Write a/Write $W/"',
        "$HOME/own/editor",
        "~/own/editor",
        "'my editor'",
    ],
)
def test_an_editor_is_started_through_a_shell_as_git_does(
    repo: Repo, hermetic: Path, monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    for name in ("editor", "my editor"):
        program = hermetic / "own" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\nsed -i 's/Write a/Write much/' \"$1\"\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{hermetic}/own", prepend=os.pathsep)
    plan = repo.plan(writing("a"))
    status, shown = edited(repo, editor)
    assert status == 0, shown
    assert repo.status(plan)["steps"][0]["title"] == "Write much"


@pytest.mark.parametrize("editor", ["false", "sh -c 'exit 3'"])
def test_an_editor_that_fails_is_a_usage_error_and_the_text_stays(repo: Repo, editor: str) -> None:
    repo.plan(writing("a"))
    status, shown = edited(repo, editor)
    assert status == 2
    assert "hint: git orch edit" in shown


def test_a_text_that_does_not_parse_is_kept(repo: Repo) -> None:
    repo.plan(writing("a"))
    status, shown = edited(repo, "sed -i 's/title/titel/'")
    assert status == 2
    [kept] = (Path(repo.path) / ".git" / "orch" / "edit").iterdir()
    assert "titel" in kept.read_text()
    assert kept.name in shown


def test_the_repositorys_editor_is_not_opened(repo: Repo) -> None:
    """A program counts only from the user's own scopes; whom they have, opens as git would."""
    plan = repo.plan(writing("a"))
    mark = repo.path.parent / "mark"
    repo.git("config", "--global", "--unset", "core.editor")
    repo.git("config", "core.editor", f"touch {mark};")
    status, shown = edited(repo, "sed -i 's/Write a/Write much/'", "VISUAL")
    assert (status, mark.exists()) == (0, False), shown
    assert repo.status(plan)["steps"][0]["title"] == "Write much"
    repo.git("config", "--global", "core.editor", "sed -i 's/Write much/Write more/'")
    assert edited(repo, "false", "VISUAL")[0] == 0
    assert repo.status(plan)["steps"][0]["title"] == "Write more"


def test_a_complete_plan_takes_a_step_from_the_file_that_it_was_made_of(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("exec", plan)
    done = repo.orch("edit", "--from", "-", plan, stdin=json.dumps(writing("a", "b"))).stdout
    assert f"step 2 added\nnext: git orch exec {repo.handle(plan)}" in done
    status = repo.status(plan)
    assert [status["state"], *repo.step_states(plan)] == ["EXECUTING", "done", "pending"]
    repo.orch("exec")
    assert repo.status(plan)["state"] == "COMPLETE"


def test_after_an_edit_the_step_that_failed_is_run_again_next(repo: Repo) -> None:
    plan = repo.plan({"title": "Fail", "steps": [{"title": "One", "run": "false"}]})
    repo.orch("exec", plan, expect=1)
    better = json.dumps({"title": "Fail", "steps": [{"title": "One", "run": "echo 1 > one"}]})
    edited = repo.orch("edit", plan, "--from", "-", stdin=better).stdout
    assert f"next: git orch exec {repo.handle(plan)}" in edited
