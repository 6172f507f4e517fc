"""Who may set what: a repository cannot choose where data goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors, notices
from git_orch.repo import settings
from git_orch.repo.repository import discover
from git_orch.repo.settings import DEFAULT_MODEL, Settings


def found(repo: Repo) -> Settings:
    """The settings in force in the repository."""
    return settings.of_user(discover(repo.path))


# One value for each setting that is not its default, and what it is read as.
VALUES: dict[str, tuple[str, object]] = {
    "model": ("evil", "evil"),
    "prices": ("/evil", "/evil"),
    "keyCommand": ("evil", "evil"),
    "sandbox": ("none", "none"),
    "runHooks": ("true", True),
    "requireVerified": ("true", True),
    "environment": ("EVIL", ("EVIL",)),
    "readable": ("/evil", ("/evil",)),
    "allowedSigners": ("/evil", "/evil"),
    "allowedKeys": ("EVIL", ("EVIL",)),
    "allowSecret": ("EVIL", ("EVIL",)),
    "share": ("/evil", ("/evil",)),
    "keepWorktrees": ("true", "true"),
    "keepDays": ("1", 1),
    "mapTokens": ("1", 1),
    "retryModel": ("evil", "evil"),
    "setup": ("evil", "evil"),
    "setupTimeout": ("1", 1.0),
    "worktreeInclude": ("true", True),
    "waitLimits": ("1h", 3600.0),
    "land": ("squash", "squash"),
    "attribution": ("assisted-by", "assisted-by"),
    "signoff": ("true", True),
    "docsDir": ("evil", "evil"),
    "templatesDir": ("/evil", "/evil"),
    "notify": ("evil", "evil"),
    "agent": ("acp:evil", "acp:evil"),
    "agentKey": ("SECRET_KEY", ("SECRET_KEY",)),
    "priceUnknown": ("0", 0.0),
    "approveByRunning": ("false", False),
    "privateHosts": ("evil.example:443, localhost:8080", ("evil.example", "localhost:8080")),
}


def in_the_repository(repo: Repo, name: str, value: str) -> None:
    """`.git/config`, as a clone with a planted configuration or a step that got there would have
    it.
    """
    repo.git("config", name, value)


def in_a_worktree(repo: Repo, name: str, value: str) -> None:
    """`config.worktree`"""
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", name, value)


def in_a_file_that_the_repository_includes(repo: Repo, name: str, value: str) -> None:
    """A file elsewhere, which only the repository's configuration names."""
    file = repo.path.parent / "included"
    repo.git("config", "--file", str(file), name, value)
    repo.git("config", "include.path", str(file))


def in_a_tracked_file_that_the_user_includes(repo: Repo, name: str, value: str) -> None:
    """A file of the work tree, which the user's own configuration names."""
    repo.git("config", "--file", str(repo.path / "shared.config"), name, value)
    repo.git("config", "--global", "include.path", str(repo.path / "shared.config"))


def in_a_file_of_the_git_directory_that_the_user_includes(
    repo: Repo, name: str, value: str
) -> None:
    """A file below `.git`, which the user's own configuration names."""
    repo.git("config", "--file", str(repo.path / ".git/more"), name, value)
    repo.git("config", "--global", "include.path", str(repo.path / ".git/more"))


def through_a_link_that_the_user_includes(repo: Repo, name: str, value: str) -> None:
    """A link in the user's home to a file of the work tree."""
    repo.git("config", "--file", str(repo.path / "shared.config"), name, value)
    (repo.path.parent / "link").symlink_to(repo.path / "shared.config")
    repo.git("config", "--global", "include.path", str(repo.path.parent / "link"))


HOSTILE = (
    in_the_repository,
    in_a_worktree,
    in_a_file_that_the_repository_includes,
    in_a_tracked_file_that_the_user_includes,
    in_a_file_of_the_git_directory_that_the_user_includes,
    through_a_link_that_the_user_includes,
)


def test_every_setting_has_a_hostile_value_below() -> None:
    from_anywhere = {"maxUsd", "maxStepUsd", "owner"}  # these only narrow, and it decides nothing
    assert set(VALUES) == set(Settings.__annotations__) - from_anywhere


@pytest.mark.parametrize(
    ("own", "theirs", "counts"),
    [("2", "1", 1.0), ("1", "2", 1.0), ("0", "3", 3.0), ("2", "0", 2.0)],
)
@pytest.mark.parametrize("name", ["maxUsd", "maxStepUsd"])
def test_the_repository_can_only_narrow_a_budget(
    repo: Repo, name: str, own: str, theirs: str, counts: float
) -> None:
    repo.git("config", "--global", f"orch.{name}", own)
    repo.git("config", f"orch.{name}", theirs)
    assert getattr(settings.of_user(discover(repo.path)), name) == counts


@pytest.mark.parametrize(("own", "counts"), [(None, 1.0), ("0", 0.0), ("5", 5.0)])
def test_a_plan_costs_a_dollar_at_most_until_its_user_says_otherwise(
    repo: Repo, own: str | None, counts: float
) -> None:
    if own is not None:
        repo.git("config", "--global", "orch.maxUsd", own)
    assert settings.of_user(discover(repo.path)).maxUsd == counts


def test_a_budget_of_the_repository_is_not_called_without_effect(repo: Repo) -> None:
    repo.git("config", "orch.maxUsd", "1")
    repo.git("config", "orch.model", "theirs")
    assert settings.ineffective(discover(repo.path)) == ["orch.model"]


def test_a_program_and_a_path_of_the_repository_are_called_without_effect(repo: Repo) -> None:
    repo.git("config", "filter.x.clean", "theirs")
    repo.git("config", "core.excludesFile", "/theirs")
    repo.git("config", "--global", "hook.x.command", "mine")
    assert settings.ineffective(discover(repo.path)) == ["core.excludesfile", "filter.x.clean"]


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "much", "1e10"])
def test_a_budget_that_is_none_is_refused(repo: Repo, value: str) -> None:
    repo.git("config", "--global", "orch.maxUsd", value)
    with pytest.raises(errors.UsageError, match="it must be USD") as refused:
        settings.of_user(discover(repo.path))
    repo.git(*refused.value.hint.split()[1:])
    assert settings.of_user(discover(repo.path)).maxUsd == 0  # which the hint sets


@pytest.mark.parametrize("value", ["0", "86401", "-1", "soon"])
def test_a_time_that_is_none_is_refused(repo: Repo, value: str) -> None:
    repo.git("config", "--global", "orch.setupTimeout", value)
    with pytest.raises(errors.UsageError, match="1 to 86400 seconds"):
        settings.of_user(discover(repo.path))


@pytest.mark.parametrize("value", ["-1", "many", "200001", "1.5"])
def test_tokens_of_a_map_have_to_be_a_number(repo: Repo, value: str) -> None:
    repo.git("config", "--global", "orch.mapTokens", value)
    with pytest.raises(errors.UsageError, match="0 to 200000 tokens"):
        settings.of_user(discover(repo.path))


@pytest.mark.parametrize("plant", HOSTILE, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", VALUES)
def test_a_setting_of_the_repository_does_not_count(
    repo: Repo, name: str, plant: Callable[[Repo, str, str], None]
) -> None:
    plant(repo, f"orch.{name}", VALUES[name][0])
    # git itself would take it.
    assert VALUES[name][0] in repo.git("config", "--get-all", f"orch.{name}")
    assert found(repo) == Settings()


@pytest.mark.parametrize("name", VALUES)
def test_the_same_setting_of_the_user_counts(repo: Repo, name: str) -> None:
    written, read = VALUES[name]
    repo.git("config", "--global", f"orch.{name}", written)
    assert found(repo)._asdict()[name] == read


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_of_the_repository_does_not_outvote_or_add_to_the_users(
    repo: Repo, name: str
) -> None:
    written, _ = VALUES[name]
    mine = {"sandbox": "auto", "runHooks": "false"}.get(
        name, written.replace("evil", "mine").replace("EVIL", "MINE")
    )
    repo.git("config", "--global", f"orch.{name}", mine)
    before = found(repo)
    repo.git("config", "--add", f"orch.{name}", written)
    assert found(repo) == before


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_of_a_linked_worktree_does_not_count(repo: Repo, name: str) -> None:
    linked = repo.path.parent / "linked"
    repo.git("worktree", "add", "-q", str(linked))
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", f"orch.{name}", VALUES[name][0], cwd=linked)
    repo.git("config", f"orch.{name}", VALUES[name][0])
    assert settings.of_user(discover(linked)) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("sandbox", "off"), ("runHooks", "perhaps"), ("readable", "here"), ("allowedSigners", "here")],
)
def test_a_value_that_a_setting_cannot_have_is_refused(repo: Repo, name: str, value: str) -> None:
    """Not taken for a default: a person who typed it wanted something else."""
    repo.git("config", "--global", f"orch.{name}", value)
    with pytest.raises(errors.UsageError, match=f"'orch.{name}' is '{value}'"):
        found(repo)


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


def test_a_setting_for_one_repository_counts_more_than_the_general_one(repo: Repo) -> None:
    for name in (f"orch.{repo.path}.setup", "orch.setup"):
        repo.git("config", "--global", name, f"echo {name}")
    chosen = found(repo)
    assert chosen.setup == f"echo orch.{repo.path}.setup"


def test_a_setting_for_another_repository_does_not_count(repo: Repo) -> None:
    repo.git("config", "--global", f"orch.{repo.path}-2.setup", "true")
    assert found(repo).setup is None


def test_a_setting_for_this_repository_in_its_own_configuration_does_not_count(repo: Repo) -> None:
    repo.git("config", f"orch.{repo.path}.setup", "true")
    assert found(repo).setup is None


def test_a_setting_for_the_repository_counts_in_its_linked_worktrees(
    repo: Repo, tmp_path: Path
) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    repo.git("config", "--global", f"orch.{repo.path}.setup", "true")
    assert settings.of_user(discover(tmp_path / "linked")).setup == "true"


def warnings_of(repo: Repo) -> list[str]:
    """What a command that reads the settings warns of."""
    warnings: list[str] = []
    notices.listen(lambda _level, text: warnings.append(text))
    found(repo)
    return warnings


def source(repo: Repo, name: str) -> tuple[str, str | None]:
    repository = discover(repo.path)
    return settings.sources(repository, settings.of_user(repository))[name]


def test_the_source_of_a_setting_is_its_scope_and_its_file(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("config", "--global", "orch.model", "mine")
    repo.git("config", "orch.model", "theirs")
    scope, file = source(repo, "model")
    assert scope == "global"
    assert "mine" in Path(file or "").read_text("utf-8")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'orch.model'='typed'")
    assert source(repo, "model") == ("command", None)
    assert source(repo, "prices") == ("default", None)


def test_the_source_of_a_setting_for_one_repository_is_the_users_file(repo: Repo) -> None:
    repo.git("config", "--global", f"orch.{repo.path}.setup", "make deps")
    assert source(repo, "setup")[0] == "global"


@pytest.mark.parametrize(("theirs", "scope"), [("1", "local"), ("3", "global"), ("0", "global")])
def test_the_source_of_a_budget_is_the_one_that_counts(repo: Repo, theirs: str, scope: str) -> None:
    repo.git("config", "--global", "orch.maxUsd", "2")
    repo.git("config", "orch.maxUsd", theirs)
    assert source(repo, "maxUsd")[0] == scope


def test_the_source_of_an_owner_is_any_scope(repo: Repo) -> None:
    repo.git("config", "orch.owner", "team")
    assert source(repo, "owner")[0] == "local"


@pytest.mark.parametrize(
    ("typed", "near"), [("orch.maxUds", "orch.maxUsd"), ("orch.moddel", "orch.model")]
)
def test_a_setting_that_is_spelled_wrong_is_named_with_the_right_one(
    repo: Repo, typed: str, near: str
) -> None:
    repo.git("config", "--global", typed, "5")
    said = " ".join(warnings_of(repo))
    assert f"'{typed.lower()}' is not a setting and does nothing: did you mean '{near}'?" in said


def test_only_config_names_a_setting_that_is_like_no_other(repo: Repo) -> None:
    repo.git("config", "--global", "orch.zebra", "5")
    assert warnings_of(repo) == []
    assert "'orch.zebra' is not a setting" in repo.orch("config").stderr


def test_a_setting_for_one_repository_is_spelled_wrong_there_alone(repo: Repo) -> None:
    repo.git("config", "--global", f"orch.{repo.path}.setpu", "make deps")
    repo.git("config", "--global", "orch./elsewhere.mdoel", "x")
    [said] = warnings_of(repo)
    assert "did you mean 'orch.setup'?" in said
