"""The keys that pay for models: no command leaves them where its children can read them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import Repo

from git_orch.cli.table import COMMANDS
from git_orch.sandbox import secrecy

CANARY = "canary-77d1f0"
PLAN = "PLAN-20260101-0000000000-any"
# What a command is called with to come as far as git, where the name of a plan is not enough.
ARGUMENTS = {
    "plan": ["--template", "any"],
    "reject": ["--why", "no", PLAN],
    "redo": ["1", PLAN],
    "drop": ["1", PLAN],
    "adopt": ["1", PLAN],
    "reorder": ["1", PLAN],
    "pick": [PLAN, "1", "--onto", "main"],
    "edit": [PLAN, "--from", "any"],
    "allow": ["--", "ls"],
    "ls": [],
    "prune": ["--older-than", "30"],
    "caps": [],
    "models": [],
    "template": ["ls"],
    "orchestrate": [],
    "init": [],
    "owner": ["who"],
    "do": ["list plans"],
    "otk": ["plan", "any"],
    "docs": [],
    "agent-docs": ["--install"],
    "doctor": [],
    "tools": [],
    "templates": [],
    "schema": [],
    "config": [],
    "hook": ["reference-transaction", "prepared"],
    "tour": ["--json"],
    "help": [],
    "mcp": [],
    "acp": [],
}
ASK_NO_GIT = {"tools", "schema", "help", "mcp", "acp"}
# A git that writes down what it was started with, and what its parent was; and then knows nothing.
GIT = """#!/bin/sh
{ env; tr '\\0' '\\n' < /proc/$PPID/environ; } >> "$SEEN" 2>/dev/null
exit 128
"""


def test_no_command_leaves_a_key_where_its_children_read_it(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    git, seen = tmp_path / "bin/git", tmp_path / "seen"
    git.write_text(GIT)
    git.chmod(0o755)
    variables = {
        **os.environ,
        **dict.fromkeys(secrecy.PROVIDER_KEYS, CANARY),
        "PATH": f"{git.parent}{os.pathsep}{os.environ['PATH']}",
        "SEEN": str(seen),
    }
    shown = dict[str, bool]()
    for command in COMMANDS:
        seen.unlink(missing_ok=True)
        subprocess.run(
            [sys.executable, "-m", "git_orch", command, *ARGUMENTS.get(command, [PLAN])],
            cwd=repo.path, env=variables, stdin=subprocess.DEVNULL, capture_output=True,
            check=False,
        )  # fmt: skip
        if seen.exists():
            shown[command] = CANARY in seen.read_text()
    assert [command for command, found in shown.items() if found] == []
    assert set(COMMANDS) - set(shown) == ASK_NO_GIT
