"""The completions of bash, zsh and fish know every command, option, plan and step, and ask only git."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import completions
import places
import pytest
from conftest import Prepared, Repo, writing

from git_orch.cli import schema, table
from git_orch.templates import render

_SCRIPT = places.TOP / "git_orch/views/completion/git-orch"
# Where distributions put git's own completion, which loads ours.
_GIT_COMPLETION = "/usr/share/bash-completion/completions/git"


def completed(directory: Path, *words: str) -> list[str]:
    """What a shell offers for the last of the words after `git orch`."""
    typed = ["git", "orch", *words]
    commands = (
        f"source {_GIT_COMPLETION}; source {shlex.quote(str(_SCRIPT))}\n"
        f"COMP_WORDS=({shlex.join(typed)}); COMP_CWORD={len(typed) - 1}\n"
        f"COMP_LINE={shlex.quote(' '.join(typed))}; COMP_POINT=${{#COMP_LINE}}\n"
        '__git_wrap__git_main; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    argv = ["bash", "--norc", "--noprofile", "-c", commands]
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def zsh(directory: Path, line: str) -> set[str]:
    """What zsh offers for a line."""
    script = places.SUPPORT / "zsh_offers.zsh"
    return lines_of(directory, "zsh", "-f", str(script), str(_SCRIPT.parent), line)


def fish(directory: Path, *lines: str) -> set[str]:
    """What fish offers for lines."""
    asked = "; ".join(f"complete -C {shlex.quote(line)}" for line in lines)
    file = shlex.quote(str(_SCRIPT.with_name("git-orch.fish")))
    offered = lines_of(directory, "fish", "-c", f"source {file}; {asked}")
    return {line.partition("\t")[0] for line in offered}


def lines_of(directory: Path, *argv: str) -> set[str]:
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


SHELLS = pytest.mark.parametrize("shell", [zsh, fish])


def loaded(name: str) -> click.Command:
    found: click.Command = table.load(name)
    return found


def test_every_command_is_offered(repo: Repo) -> None:
    assert set(completed(repo.path, "")) == set(table.COMMANDS)


@pytest.mark.parametrize("name", table.COMMANDS)
def test_every_long_option_of_a_command_is_offered(name: str, repo: Repo) -> None:
    options = [each for each in loaded(name).params if isinstance(each, click.Option)]

    offered = completed(repo.path, name, "--")

    assert set(offered) == {
        "--help",
        *(
            text
            for each in options
            for text in (*each.opts, *each.secondary_opts)
            if text.startswith("--")
        ),
    }


@pytest.fixture
def planned(tmp_path: Path, prepared: Prepared) -> tuple[Repo, str]:
    """A repository and the ID of the one plan in it."""
    return prepared.at(tmp_path / "repo", "planned", lambda repo: repo.plan(writing("a.txt")))


@pytest.mark.parametrize("name", table.COMMANDS)
def test_plans_are_offered_for_the_values_of_options_that_name_one(
    name: str, planned: tuple[Repo, str]
) -> None:
    for each in loaded(name).params:
        if isinstance(each, click.Option) and not each.is_flag:
            for text in (*each.opts, *each.secondary_opts):
                offered = completed(planned[0].path, name, text, "")
                plans = [word for word in offered if word.startswith("PLAN-")]
                assert bool(plans) == (each.metavar in ("[PLAN]", "PLAN"))


@pytest.mark.parametrize("name", table.COMMANDS)
def test_plans_are_offered_where_a_plan_is_an_argument(
    name: str, planned: tuple[Repo, str]
) -> None:
    repo, plan = planned
    takes_plan = any(
        isinstance(each, click.Argument)
        and (each.name == "plan" or (each.metavar or "").startswith("[PLAN] "))
        for each in loaded(name).params
    )

    assert (plan in completed(repo.path, name, "")) == (takes_plan and name != "unarchive")


def test_archived_plans_are_offered_to_be_brought_back(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    repo.orch("archive", plan)
    assert completed(repo.path, "unarchive", "") == [plan]


def test_templates_are_offered(repo: Repo) -> None:
    assert completed(repo.path, "plan", "--template", "") == render.names()


def test_branches_are_offered_as_a_base(repo: Repo) -> None:
    assert "main" in completed(repo.path, "plan", "--base", "m")


def test_kinds_of_tools_are_offered(repo: Repo) -> None:
    assert set(completed(repo.path, "exec", "--tool", "")) == {
        "none",
        "read",
        "write",
        "command",
        "all",
    }


def test_schemas_are_offered(repo: Repo) -> None:
    assert completed(repo.path, "schema", "") == list(schema._NAMES)


@pytest.mark.parametrize("name", completions.FILES)
def test_a_completion_has_the_commands_and_options_of_the_table(name: str) -> None:
    """`make completion` writes them."""
    assert completions.path(name).read_text("utf-8") == completions.made(name)


@SHELLS
def test_zsh_and_fish_offer_every_command(shell: Callable[..., set[str]], repo: Repo) -> None:
    assert shell(repo.path, "git orch ") == set(table.COMMANDS)


@SHELLS
def test_zsh_and_fish_offer_plans(
    shell: Callable[..., set[str]], planned: tuple[Repo, str]
) -> None:
    assert shell(planned[0].path, "git orch show ") == {planned[1]}


@SHELLS
def test_zsh_and_fish_offer_the_steps_of_a_plan(
    shell: Callable[..., set[str]], planned: tuple[Repo, str]
) -> None:
    repo, plan = planned
    assert shell(repo.path, f"git orch show {plan} ") == {"1"}


@SHELLS
def test_zsh_and_fish_offer_the_words_of_an_option(
    shell: Callable[..., set[str]], repo: Repo
) -> None:
    assert shell(repo.path, "git orch docs --keep ") == {"file", "plan"}


def test_zsh_offers_the_options_of_a_command(repo: Repo) -> None:
    assert zsh(repo.path, "git orch exec --from") == {"--from", "--from-step"}


def test_fish_offers_every_long_option_of_every_command(repo: Repo) -> None:
    longs = {
        name: {
            text
            for one in loaded(name).params
            for text in (*one.opts, *one.secondary_opts)
            if text.startswith("--")
        }
        for name in table.COMMANDS
    }
    offered = fish(repo.path, *(f"git orch {name} --" for name in longs))
    assert offered == {"--help", *set.union(*longs.values())}


def test_bash_offers_the_steps_of_a_plan(planned: tuple[Repo, str]) -> None:
    repo, plan = planned
    handle = plan.split("-")[2].lower()
    assert completed(repo.path, "redo", handle, "") == ["1"]
    assert completed(repo.path, "exec", "--steps", "") == ["1"]


@SHELLS
def test_zsh_and_fish_start_no_python(
    shell: Callable[..., set[str]],
    planned: tuple[Repo, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marker = without_python(tmp_path, monkeypatch)
    assert shell(planned[0].path, "git orch show PLAN") == {planned[1]}
    assert not marker.exists()


def without_python(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that exists as soon as somebody starts Python, or git-orch."""
    marker = directory / "started"
    for name in ("git-orch", "python", "python3"):
        program = directory / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho {name} >> {marker}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory / 'bin'}:{os.environ['PATH']}")
    return marker


def test_completion_starts_no_python(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = repo.plan(writing("a.txt"))
    marker = without_python(tmp_path, monkeypatch)
    assert completed(repo.path, "show", "PLAN") == [plan]
    assert not marker.exists()
