"""What people type for a command that has another name."""

from __future__ import annotations

import pytest

from git_orch.cli import near_words, table


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("run 28V6", "exec 28V6"), ("resume", "exec"), ("start", "exec"), ("list", "ls"),
        ("rm 28V6", "archive 28V6"), ("merge", "land"), ("cherry-pick 28V6 2", "pick 28V6 2"),
        ("RUN", "exec"), ("history", "log"), ("create", 'plan "what to do"'),
        ("new tidy", "plan tidy"), ("statu", "status"), ("version", "--version"),
        ("nonesuch", "help"),
    ],
)  # fmt: skip
def test_a_near_word_is_answered_with_the_command(typed: str, meant: str) -> None:
    assert near_words.suggestion(typed.split(), table.COMMANDS) == f"git orch {meant}"


def test_what_follows_a_near_word_stays_one_word_for_a_shell() -> None:
    typed = ["run", "a b", "$(x)"]
    assert near_words.suggestion(typed, table.COMMANDS) == "git orch exec 'a b' '$(x)'"


def test_no_near_word_is_a_command() -> None:
    assert near_words._COMMANDS.keys() & table.COMMANDS.keys() == set()
