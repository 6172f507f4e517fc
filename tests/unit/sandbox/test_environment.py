"""The environment of commands is built from nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from git_orch.sandbox.walls import environment


def made(source: dict[str, str], worktree: Path = Path("/worktree")) -> dict[str, str]:
    """The environment of a command."""
    return environment.command_environment(source, home=Path("/home/ada"), worktree=worktree)


@pytest.mark.parametrize(
    "name",
    [
        "ANTHROPIC_API_KEY", "LLM_API_KEY", "GITHUB_TOKEN", "FOO_PASSWORD", "AWS_SECRET_ACCESS_KEY",
        "SSH_AUTH_SOCK", "GIT_DIR", "GIT_CONFIG_PARAMETERS", "GIT_SSH_COMMAND", "GIT_ASKPASS",
        "BASH_ENV", "ENV", "LD_PRELOAD", "PYTHONPATH", "PYTHONSTARTUP", "NODE_OPTIONS",
        "LC_HIDDEN_TOKEN", "DBUS_SESSION_BUS_ADDRESS", "HTTPS_PROXY",
    ],
)  # fmt: skip
def test_nothing_unknown_is_passed_on(name: str) -> None:
    """S1-143: no key of any kind."""
    assert name not in made({name: "CANARY"})


@pytest.mark.parametrize("name", ["USER", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "LC_NUMERIC"])
def test_language_and_zone_are_passed_on(name: str) -> None:
    assert made({name: "x"})[name] == "x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TERM", "dumb"), ("CI", "1"), ("NO_COLOR", "1"), ("PAGER", "cat"), ("GIT_PAGER", "cat"),
        ("GIT_EDITOR", "true"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"),
        ("PIP_PROGRESS_BAR", "off"), ("TQDM_DISABLE", "1"), ("PYTHONDONTWRITEBYTECODE", "1"),
        ("HOME", "/home/ada"),
    ],
)  # fmt: skip
def test_what_makes_programs_wait_or_draw_is_overruled(name: str, value: str) -> None:
    assert made({name: "of the user"})[name] == value


def test_tools_without_the_network_are_told_so() -> None:
    variables = environment.command_environment(
        {}, home=Path("/home/ada"), worktree=Path("/worktree"), offline=True
    )
    assert variables.items() >= {
        ("npm_config_offline", "true"), ("UV_OFFLINE", "1"), ("PIP_RETRIES", "0"),
        ("CARGO_NET_OFFLINE", "true"), ("GOPROXY", "off"), ("MAVEN_ARGS", "--offline"),
        ("YARN_ENABLE_NETWORK", "0"), ("COREPACK_ENABLE_NETWORK", "0"),
        ("COMPOSER_DISABLE_NETWORK", "1"), ("CONDA_OFFLINE", "true"), ("HF_HUB_OFFLINE", "1"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    }  # fmt: skip


def test_tools_with_the_network_are_not_told_to_do_without() -> None:
    assert not made({}).keys() & {"npm_config_offline", "UV_OFFLINE", "GOPROXY"}


@pytest.mark.parametrize("name", ["npm_config_offline", "NPM_CONFIG_OFFLINE", "GOPROXY"])
def test_a_switch_that_the_user_passes_on_is_theirs(name: str) -> None:
    variables = environment.command_environment(
        {name: "mine"}, home=Path("/h"), worktree=Path("/w"), extra=[name], offline=True
    )
    own = {key: value for key, value in variables.items() if key.lower() == name.lower()}
    assert own == {name: "mine"}


def test_path_has_only_absolute_directories_outside_the_worktree(tmp_path: Path) -> None:
    worktree = tmp_path / "worktree"
    (worktree / "bin").mkdir(parents=True)
    (tmp_path / "link").symlink_to(worktree / "bin")
    inside = [f"{worktree}/bin", f"{worktree}", f"{tmp_path}/x/../worktree/bin", f"{tmp_path}/link"]
    path = ":".join(["/usr/bin", "", ".", "bin", "./bin", *inside, "/bin", "/usr/bin"])
    assert made({"PATH": path}, worktree)["PATH"] == "/usr/bin:/bin"


def test_a_worktree_reached_through_a_link_is_left_out_of_path_as_well(tmp_path: Path) -> None:
    (tmp_path / "real/bin").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert made({"PATH": f"{tmp_path}/real/bin:/bin"}, tmp_path / "link")["PATH"] == "/bin"


@pytest.mark.parametrize("path", ["", "bin", ":"])
def test_a_path_without_a_usable_directory_becomes_the_usual_one(path: str) -> None:
    assert made({"PATH": path})["PATH"] == "/usr/local/bin:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("given", "used"),
    [("/var/tmp", "/var/tmp"), ("tmp", "/tmp"), ("/worktree/tmp", "/tmp"), ("", "/tmp")],
)
def test_temporary_files_are_made_outside_the_worktree(given: str, used: str) -> None:
    assert made({"TMPDIR": given})["TMPDIR"] == used


def test_text_is_utf_8_when_the_user_has_no_language() -> None:
    assert made({})["LANG"] == "C.UTF-8"


def test_a_program_is_an_executable_file(tmp_path: Path) -> None:
    for directory in ("a", "b", "c"):
        (tmp_path / directory).mkdir()
    (tmp_path / "a/tool").mkdir()
    (tmp_path / "b/tool").write_text("")
    (tmp_path / "c/tool").write_text("")
    (tmp_path / "c/tool").chmod(0o755)
    assert (
        environment.program("tool", f"{tmp_path}/a:{tmp_path}/b:{tmp_path}/c")
        == f"{tmp_path}/c/tool"
    )
    assert environment.program("tool", f"{tmp_path}/a:{tmp_path}/b") is None


OWN = os.path.join(sys.prefix, "bin")


def path_of(source: dict[str, str], places: tuple[Path, ...] = ()) -> str:
    return environment.without_own_programs(source, places)["PATH"]


def test_the_programs_of_our_own_environment_do_not_come_before_the_users() -> None:
    assert path_of({"PATH": f"{OWN}:/usr/bin:{sys.prefix}/./bin/"}) == "/usr/bin"


def test_they_stay_where_the_user_has_activated_it() -> None:
    path = f"{OWN}:/usr/bin"
    assert path_of({"PATH": path, "VIRTUAL_ENV": sys.prefix}) == path


def test_they_stay_where_it_is_the_projects() -> None:
    path = f"{OWN}:/usr/bin"
    assert path_of({"PATH": path}, (Path(sys.prefix).parent,)) == path


def test_an_activated_environment_is_one(tmp_path: Path) -> None:
    variables = {"VIRTUAL_ENV": str(tmp_path / "env")}
    assert environment.activated(variables) is None
    (tmp_path / "env").mkdir()
    (tmp_path / "env/pyvenv.cfg").touch()
    assert environment.activated(variables) == ("VIRTUAL_ENV", str(tmp_path / "env"))
    assert environment.activated({"VIRTUAL_ENV": "env"}) is None
    (tmp_path / "env/conda-meta").mkdir()
    conda = {"CONDA_PREFIX": str(tmp_path / "env")}
    assert environment.activated(conda) == ("CONDA_PREFIX", str(tmp_path / "env"))
