"""The key for the model provider from a helper of the user's: it is in no environment and no file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Repo
from model_server import KEY, ModelServer, tool, turn

CANARY = "canary-key-of-the-helper-5b1e"
PLAN = {
    "title": "Hello",
    "steps": [{"title": "Write hello", "prompt": "Write hello.py", "paths": ["hello.py"]}],
}
LOOK = "tr '\\0' '\\n' < /proc/self/environ; cat /proc/[0-9]*/environ 2>/dev/null"
TURNS = (
    turn(tool("bash", command=LOOK, reason="look")),
    turn(tool("write_file", path="hello.py", content="1\n")),
    turn(tool("step_done", summary="Wrote it.")),
)


def set_globally(name: str, value: str) -> None:
    subprocess.run(["git", "config", "--global", name, value], check=True)


def helper(directory: Path, body: str) -> str:
    """A helper that notes that it was asked."""
    script = directory / "helper"
    script.write_text(f"#!/bin/sh\necho asked >> '{directory}/asked'\n{body}\n")
    script.chmod(0o755)
    return str(script)


def keys(server: ModelServer) -> set[str]:
    """The keys that the requests came with."""
    return {call.headers["authorization"].removeprefix("Bearer ") for call in server.calls}


@pytest.fixture
def no_key(model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    """A model, and no key for it in the environment."""
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    model_server.script(*TURNS)
    return model_server


@pytest.mark.parametrize("end", ["\\n", "", "\\r\\n"], ids=["newline", "nothing", "CRLF"])
def test_the_model_is_asked_with_the_key_that_the_helper_prints(
    repo: Repo, no_key: ModelServer, tmp_path: Path, end: str
) -> None:
    set_globally("orch.keyCommand", helper(tmp_path, f"printf '{CANARY}{end}'"))
    repo.plan(PLAN)
    repo.orch("exec")
    assert keys(no_key) == {CANARY}


def test_no_process_and_no_file_has_the_key(
    repo: Repo, no_key: ModelServer, tmp_path: Path, hermetic: Path
) -> None:
    part = len(CANARY) // 2
    body = f"printf %s '{CANARY[:part]}'; echo '{CANARY[part:]}'"
    set_globally("orch.keyCommand", helper(tmp_path, body))
    repo.plan(PLAN)
    done = repo.orch("exec")
    everything = subprocess.run(
        ["grep", "-rl", CANARY, str(repo.path), str(hermetic)], capture_output=True, check=False
    )
    assert (everything.stdout, CANARY in done.stdout + done.stderr) == (b"", False)
    assert CANARY not in str([call.body for call in no_key.calls])


def test_a_run_in_the_background_asks_the_helper_itself(
    repo: Repo, no_key: ModelServer, tmp_path: Path
) -> None:
    set_globally("orch.keyCommand", helper(tmp_path, f"echo '{CANARY}'"))
    plan = repo.plan(PLAN)
    repo.orch("exec", "--detach")
    repo.orch("wait", plan)
    assert keys(no_key) == {CANARY}


def test_a_key_of_the_environment_counts_and_no_helper_is_asked(
    repo: Repo, model_server: ModelServer, tmp_path: Path
) -> None:
    model_server.script(*TURNS)
    set_globally("orch.keyCommand", helper(tmp_path, f"echo '{CANARY}'"))
    repo.plan(PLAN)
    repo.orch("exec")
    assert keys(model_server) == {KEY}
    assert not (tmp_path / "asked").exists()


def test_a_helper_that_the_repository_names_is_not_started(
    repo: Repo, no_key: ModelServer, tmp_path: Path
) -> None:
    repo.git("config", "orch.keyCommand", helper(tmp_path, f"echo '{CANARY}'"))
    repo.plan(PLAN)
    done = repo.orch("exec", expect=8)
    assert "no credentials for the model provider" in done.stderr
    assert (no_key.calls, (tmp_path / "asked").exists()) == ([], False)


BAD = {
    "it fails": (f"echo '{CANARY}'; exit 3", "ended with 3 and gave no key"),
    "it prints nothing": ("true", "printed no key"),
    "it prints a blank line": ("echo", "printed no key"),
    "it prints two lines": (f"echo a; echo '{CANARY}'", "something else than a key on one line"),
    "it prints blanks": (f"echo 'a {CANARY}'", "something else than a key on one line"),
    "it prints control characters": (f"printf '{CANARY}\\033'", "something else than a key"),
    "it prints no ASCII": (f"printf '{CANARY}é'", "something else than a key"),
    "it is not there": ("exec /nowhere/helper", "and gave no key"),
}


@pytest.mark.parametrize(("body", "cause"), BAD.values(), ids=BAD)
def test_a_helper_without_a_key_is_an_error_that_shows_nothing_of_its_output(
    repo: Repo, no_key: ModelServer, tmp_path: Path, body: str, cause: str
) -> None:
    set_globally("orch.keyCommand", helper(tmp_path, body))
    repo.plan(PLAN)
    done = repo.orch("exec", expect=2)
    assert cause in done.stderr
    assert (CANARY in done.stdout + done.stderr, no_key.calls) == (False, [])


def test_the_user_sees_what_the_helper_complains_about(
    repo: Repo, no_key: ModelServer, tmp_path: Path
) -> None:
    set_globally("orch.keyCommand", helper(tmp_path, "echo 'the vault is locked' >&2; exit 1"))
    repo.plan(PLAN)
    argv = [sys.executable, "-m", "git_orch", "exec"]
    done = subprocess.run(argv, cwd=repo.path, capture_output=True, text=True, check=False)
    assert done.stderr.startswith("the vault is locked\n")
    assert no_key.calls == []


def test_a_command_that_asks_no_model_asks_no_helper(repo: Repo, tmp_path: Path) -> None:
    set_globally("orch.keyCommand", helper(tmp_path, f"echo '{CANARY}'"))
    repo.plan(PLAN)
    for command in (["status"], ["ls"], ["show"], ["check"], ["config"], ["approve"]):
        repo.orch(*command)
    assert not (tmp_path / "asked").exists()
    assert os.listdir(tmp_path)
