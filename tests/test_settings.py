"""Who may set what: a repository cannot choose where data goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Repo

from git_orch.repo import settings
from git_orch.repo.repository import discover
from git_orch.repo.settings import DEFAULT_MODEL, Settings


def found(repo: Repo) -> Settings:
    """The settings in force in the repository."""
    return settings.of_user(discover(repo.path))


def test_without_settings_the_defaults_hold(repo: Repo) -> None:
    assert found(repo) == Settings(DEFAULT_MODEL, None)


def test_the_repository_cannot_choose_a_model_or_prices(repo: Repo, tmp_path: Path) -> None:
    """Neither its own configuration, nor that of a worktree, nor a file that it includes."""
    repo.git("config", "orch.model", "evil")
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "orch.prices", "/evil")
    (tmp_path / "included").write_text("[orch]\n\tmodel = included\n\tprices = /included\n")
    repo.git("config", "include.path", str(tmp_path / "included"))
    repo.git("config", "--global", "--unset-all", "orch.model", expect=None)
    assert found(repo) == Settings(DEFAULT_MODEL, None)


def test_the_user_can_and_the_repository_does_not_outvote_them(repo: Repo) -> None:
    repo.git("config", "--global", "ORCH.Model", "mine")
    repo.git("config", "--global", "orch.prices", "~/prices.toml")
    repo.git("config", "orch.model", "evil")
    assert found(repo) == Settings("mine", "~/prices.toml")
    repo.git("config", "--global", "orch.model", "")
    assert found(repo).model == DEFAULT_MODEL


@pytest.mark.parametrize("how", ["parameters", "count", "system"])
def test_the_command_line_and_the_system_can(
    repo: Repo, how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repo.git("config", "orch.model", "evil")
    if how == "parameters":  # what `git -c orch.model=typed orch` hands on
        monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'orch.model'='typed'")
    elif how == "count":
        for name, value in {"COUNT": "1", "KEY_0": "orch.model", "VALUE_0": "typed"}.items():
            monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    else:
        (tmp_path / "system").write_text("[orch]\n\tmodel = typed\n")
        monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "system"))
    assert found(repo).model == "typed"


def test_a_condition_of_the_user_on_the_place_counts(repo: Repo, hermetic: Path) -> None:
    (hermetic / "work").write_text("[orch]\n\tmodel = for-work\n")
    repo.git("config", "--global", f"includeIf.gitdir:{repo.path}/.path", str(hermetic / "work"))
    assert found(repo).model == "for-work"
