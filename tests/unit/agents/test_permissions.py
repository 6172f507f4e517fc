"""The answers to an agent that asks before it uses a tool."""

from __future__ import annotations

from typing import Any

import pytest

from git_orch.agents.permissions import Rules, Use
from git_orch.plans.plan import Command
from git_orch.sandbox.policy.verdict import Verdict

ALL = frozenset({"read", "write", "command"})


def refusal(command: Command) -> Verdict | None:
    denied = "push" in command.text()
    return Verdict("deny", "NETWORK", None, "no push", "do not") if denied else None


def against(use: Use, **more: Any) -> str | None:
    return Rules(more.pop("allowed", ALL), refusal, tops=("/repo",), **more).against(use)


@pytest.mark.parametrize(
    "given",
    [
        {"command": "git push"},
        {"command": ["git", "push"]},
        {"command": ["bash", "-lc", "cd x && git push"]},
        {"cmd": "git push"},
        {"script": "git push"},
    ],
)
@pytest.mark.parametrize("kind", ["execute", "other", "read", "think"])
def test_a_denied_command_is_denied_whatever_the_tool_is_called(
    given: dict[str, Any], kind: str
) -> None:
    assert against(Use("1", kind, "look", given)) == "NETWORK: no push; do not"


def test_an_allowed_command_is_allowed() -> None:
    assert against(Use("1", "execute", "", {"command": "make"})) is None
    assert against(Use("1", "execute", "", {"command": "make"}), allowed=frozenset()) is not None


@pytest.mark.parametrize("given", [None, {}, {"command": ""}, {"command": 3}, "git push", []])
def test_a_command_that_is_not_shown_is_refused(given: object) -> None:
    assert against(Use("1", "execute", "ls", given)) == "it does not say which command it is"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/repo/a.py", True), ("a.py", True), ("/repo/a/b", True), ("/repo", True),
        ("/repository/a", False), ("/etc/passwd", False), ("/repo/../etc", False),
        ("../a", False), ("/repo/.git/config", False),
    ],
)  # fmt: skip
def test_a_change_lies_in_the_worktree(path: str, *, allowed: bool) -> None:
    for kind in ("edit", "delete", "move"):
        assert (against(Use("1", kind, "", {}, ("/repo/b", path))) is None) == allowed


@pytest.mark.parametrize(
    ("kind", "permission"), [("read", "read"), ("search", "read"), ("edit", "write")]
)
def test_a_permission_of_the_run_is_needed(kind: str, permission: str) -> None:
    use = Use("1", kind, "")
    assert against(use, allowed=frozenset({permission})) is None
    assert against(use, allowed=ALL - {permission}) is not None


def test_what_fetches_needs_the_network_and_what_nobody_knows_is_refused() -> None:
    assert against(Use("1", "fetch", "")) == "the step has no network"
    assert against(Use("1", "fetch", ""), network=True) is None
    for kind in ("switch_mode", "other", "new-kind", ""):
        assert against(Use("1", kind, ""), network=True) is not None
