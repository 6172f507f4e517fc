"""Whom a new plan belongs to, from the environment down to the account of the system."""

from __future__ import annotations

import os
import pwd

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.repo import owners
from git_orch.repo.repository import Repository, around


@pytest.fixture
def place(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository that no variable names an owner for, the current directory."""
    for name in ("GIT_ORCH_OWNER", "OTK_OWNER", "CI", "GITHUB_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(repo.path)
    return repo


def test_each_source_wins_over_those_below(place: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-102 to S2-105 and S2-107: the lowest first."""
    place.git("config", "user.name", "")
    assert owners.of_user(around()) == pwd.getpwuid(os.geteuid()).pw_name
    place.git("config", "user.name", "Ada")
    assert owners.of_user(around()) == "Ada"
    place.write({".otk/.owner": "File Team\n"})
    assert owners.of_user(around()) == "File Team"
    owners.store(around(), "Set Team")
    assert owners.of_user(around()) == "Set Team"
    monkeypatch.setenv("OTK_OWNER", "Old")
    assert owners.of_user(around()) == "Old"
    monkeypatch.setenv("GIT_ORCH_OWNER", "New")
    assert owners.of_user(around()) == "New"


def test_the_actor_of_a_ci_stands_below_the_users_name(
    place: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-111."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_ACTOR", "bot")
    place.git("config", "user.name", "")

    names = [source.name for source in owners.chain(around())]

    assert names[-3:] == ["git config user.name", "GITHUB_ACTOR", "system user"]
    assert owners.of_user(around()) == "bot"


@pytest.mark.parametrize("name", [".otk", owners.FILE])
def test_a_link_names_no_owner(place: Repo, name: str) -> None:
    """The name goes into logs, and a file behind a link may hold anything."""
    elsewhere = place.path.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".owner").write_text("A secret of the user\n")
    link = place.path / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere if name == ".otk" else elsewhere / ".owner")

    assert owners.of_user(around()) == "Ada Tester"


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_an_empty_value_is_none(place: Repo, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTK_OWNER", value)
    assert owners.of_user(around()) == "Ada Tester"


@pytest.mark.parametrize("value", ["A\nstatus: x", "A\x1b[2J", "a" * 201])
def test_a_name_of_several_lines_is_refused(
    place: Repo, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-108: it names the source."""
    monkeypatch.setenv("OTK_OWNER", value)
    with pytest.raises(errors.UsageError, match="OTK_OWNER"):
        owners.of_user(around())


def test_the_setting_counts_from_the_repository_and_is_not_called_ineffective(
    place: Repo,
) -> None:
    """S2-113: and nothing of it is in the work tree."""
    from git_orch.repo import settings

    owners.store(around(), "Team")
    here: Repository = around()
    assert settings.of_user(here).owner == "Team"
    assert settings.ineffective(here) == []
    assert place.git("status", "--porcelain") == ""
