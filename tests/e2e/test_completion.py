"""The bash completion knows every command, option and plan, and asks only git."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import click
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
        *(text for each in options for text in each.opts if text.startswith("--")),
    }


@pytest.fixture
def planned(tmp_path: Path, prepared: Prepared) -> tuple[Repo, str]:
    """A repository and the ID of the one plan in it."""
    return prepared.at(tmp_path / "repo", "planned", lambda repo: repo.plan(writing("a.txt")))


@pytest.mark.parametrize("name", table.COMMANDS)
def test_no_plan_is_offered_for_the_value_of_an_option(
    name: str, planned: tuple[Repo, str]
) -> None:
    for each in loaded(name).params:
        if isinstance(each, click.Option) and not each.is_flag:
            for text in each.opts:
                assert not [
                    word
                    for word in completed(planned[0].path, name, text, "")
                    if word.startswith("PLAN-")
                ]


@pytest.mark.parametrize("name", table.COMMANDS)
def test_plans_are_offered_where_a_plan_is_an_argument(
    name: str, planned: tuple[Repo, str]
) -> None:
    repo, plan = planned
    takes_plan = any(
        isinstance(each, click.Argument) and each.name == "plan" for each in loaded(name).params
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


def test_completion_starts_no_python(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = repo.plan(writing("a.txt"))
    marker = tmp_path / "started"
    for name in ("git-orch", "python", "python3"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho {name} >> {marker}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    assert completed(repo.path, "show", "PLAN") == [plan]
    assert not marker.exists()
