"""What commands import: the quick ones do without everything that is slow to load."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from conftest import Repo, writing

SLOW = (
    "anthropic",
    "httpx2",
    "pydantic",
    "pygit2",
    "opentelemetry",
    "rich",
    "yaml",
    "asyncio",
    "ssl",
    "email",
    "importlib.metadata",
)
RUN = """
import gc, json, sys, threading
from git_orch.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as left:
    status = left.code
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join()
assert gc.isenabled() or "anthropic" not in sys.modules
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def imported(repo: Repo, *command: str) -> tuple[int, set[str]]:
    """The exit status of a command and the names of all modules that it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *command], cwd=repo.path, env=os.environ,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    status, names = json.loads(done.stderr.splitlines()[-1])
    return status, set(names)


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "status PLAN",
        "ls",
        "ls --json",
        "show PLAN",
        "show PLAN --json",
        "log PLAN",
        "diff PLAN",
        "--version",
        "-h",
    ],
)
def test_a_reading_command_imports_nothing_slow(
    repo: Repo, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the model's library, nor validation, nor libgit2, nor what exports spans: each costs
    more than the whole command.
    """
    plan = repo.plan(writing("a.txt"))
    repo.orch("exec", plan)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    status, names = imported(repo, *command.replace("PLAN", plan).split())
    assert status == 0
    assert sorted(names & set(SLOW)) == []


@pytest.mark.parametrize("command", ["ls", "status", "ls --open", "ls --json"])
def test_what_prompts_ask_for_imports_neither_parser_nor_reader_of_logs(
    repo: Repo, command: str
) -> None:
    repo.orch("exec", repo.plan(writing("a.txt")))
    repo.orch("status")
    status, names = imported(repo, *command.split())
    assert status == 0
    heavy = {"click", "inspect", "dataclasses", "datetime", "uuid", "pathlib"}
    assert sorted(names & (heavy | {"git_orch.plans.history.fold"})) == []


def test_a_rollback_imports_nothing_slow(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    repo.orch("exec", plan)
    status, names = imported(repo, "rollback", plan)
    assert status == 0
    assert sorted(names & set(SLOW)) == []


def test_an_exec_without_a_model_imports_no_model_library(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    status, names = imported(repo, "exec", plan)
    assert status == 0
    assert sorted(names & {"anthropic", "httpx2"}) == []


def test_a_command_that_will_ask_a_model_imports_its_library_before_all_else(repo: Repo) -> None:
    """Also one that fails before it asks: what takes longest begins first."""
    status, names = imported(repo, "plan", "do it", "--base", "nowhere")
    assert status == 128
    assert "anthropic" in names


def test_an_estimate_imports_no_model_library(repo: Repo) -> None:
    status, names = imported(repo, "plan", "do it", "--estimate-only")
    assert status == 0
    assert sorted(names & {"anthropic", "httpx2"}) == []


def test_a_command_does_not_import_the_others(repo: Repo) -> None:
    _, names = imported(repo, "--version")
    assert (
        sorted(
            name
            for name in names
            if name.startswith(("git_orch.flow", "git_orch.agents", "git_orch.repo"))
        )
        == []
    )


def test_a_command_without_a_plan_reads_no_logs_and_one_of_an_idea_no_worktrees(repo: Repo) -> None:
    plan = repo.orch("plan", "Think", "--draft").stdout.split()[1]
    logs, worktrees = "git_orch.plans.history.fold", "git_orch.repo.worktree.worktrees"
    assert logs not in imported(repo, "owner", "who")[1]
    for command in (("ready", plan), ("show", plan), ("plan", "Another", "--draft")):
        status, names = imported(repo, *command)
        assert (status, names & {worktrees}) == (0, set())
