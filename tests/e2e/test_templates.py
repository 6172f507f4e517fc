"""Templates of plans, as a user lists, makes, checks and uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Here, Repo, data

TEXT = """\
description: writes a file
needs: a pen
variables:
  name: {description: what it is called, example: ada}
title: Write {{ name }}
steps:
  - title: Write {{ name }}
    run: echo {{ name | sh }} > {{ name | sh }}.txt
"""


OTHER = {"description": "d", "title": "t", "steps": [{"title": "a", "run": "echo a > a"}]}


def write(directory: Path, name: str, text: str = TEXT) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)


def test_a_template_of_the_repository_runs_after_an_approval(repo: Repo) -> None:
    write(repo.path / ".orch/templates", "mine.yaml")
    made = repo.orch("plan", "--template", "repo:mine", "--var", "name=grace")
    assert "needs: a pen" in made.stderr
    assert "git orch approve" in made.stdout
    assert "has no approval on this machine" in repo.orch("exec", expect=3).stderr

    repo.orch("approve")
    repo.orch("exec")

    plan = made.stdout.split()[0]
    assert repo.git("show", f"orch/{plan}:grace.txt") == "grace"


def test_the_plan_of_the_python_template_runs_to_its_end(repo: Repo) -> None:
    """S1-264 and S1-270: no model is asked, and every check passes in the sandbox."""
    made = repo.orch("plan", "--template", "python-cli", "--var", "ProjectName=hello").stdout

    repo.orch("exec")

    assert repo.status(made.split()[0])["state"] == "COMPLETE"
    assert "{{" not in repo.git("show", f"orch/{made.split()[0]}:check.sh")


def test_a_template_of_the_worktree_hides_no_built_in_one(here: Here) -> None:
    write(Path(".claude/templates"), "python-cli.yaml")
    shown = data(here("template", "show", "python-cli", "--json").out)
    assert shown["title"] == "Python command-line package {{ name }}"


def test_the_user_s_own_template_stands_before_a_built_in_one(repo: Repo, tmp_path: Path) -> None:
    """S1-269."""
    write(tmp_path / "own", "python-cli.json", json.dumps(OTHER))
    repo.git("config", "--global", "orch.templatesDir", str(tmp_path / "own"))

    made = repo.orch("plan", "--template", "python-cli").stdout

    assert "git orch approve" not in made
    assert f"python-cli  d ({tmp_path}/own/python-cli.json)" in repo.orch("template", "ls").stdout


def test_a_template_may_be_made_of_a_finished_plan(repo: Repo) -> None:
    document = {"title": "Greet Ada", "steps": [{"title": "a", "run": "echo Ada > Ada.txt"}]}
    made = repo.plan(document)
    repo.orch("exec", made)
    repo.orch("land", made)

    repo.orch("template", "new", "repo:greet", "--from", made, "--var", "who=Ada")

    assert (
        "echo {{ who | sh }} > {{ who | sh }}.txt"
        in (repo.path / ".orch/templates/greet.yaml").read_text()
    )
    repo.orch("template", "check", "repo:greet")
    assert "is there" in repo.orch("template", "new", "repo:greet", expect=2).stderr


def test_a_first_template_passes_its_check(here: Here) -> None:
    assert "Created: .claude/templates/mine.yaml" in here("template", "new", "mine").out
    assert "mine  no findings" in here("template", "check", "mine").out
    assert (
        "'A/B' is no value" in here("template", "check", "mine", "--var", "name=A/B", expect=1).out
    )


def test_show_says_what_a_template_asks_for(here: Here) -> None:
    """S1-258."""
    shown = here("template", "show", "python-cli").out
    assert "Python identifier in lower case; text (required)" in shown
    assert "(default Hello)" in shown
    assert "2. Write the package {{ name }}" in shown
    assert here("template", "show", "editorconfig").out.count("integer 2..8") == 1


def test_a_broken_template_breaks_no_list(here: Here) -> None:
    write(Path(".orch/templates"), "bad.yaml", "description: d\ntitle: '{{ x }}'\nsteps: []\n")
    listed = here("template", "ls").out
    assert "repo:bad  broken: template 'repo:bad' is broken: line 2, title: it uses 'x'" in listed
    assert "python-cli" in listed
    here("template", "check", expect=1)


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../../../outside.yaml", "../../.git/config", "/dev/zero"]
)
def test_a_template_is_no_link_out_of_the_worktree(target: str, here: Here) -> None:
    home = Path(".orch/templates")
    home.mkdir(parents=True)
    (home / "x.yaml").symlink_to(target)

    refused = here("plan", "--template", "repo:x", expect=3)

    assert "git config --global orch.templatesDir" in refused.err


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("plan", "--template", "pyhton-cli"), "(did you mean 'python-cli'?)"),
        (("plan", "--template", "../python-cli"), "there is no template '../python-cli'"),
        (("plan", "--template", "repo:../x"), "there is no template 'repo:../x'"),
        (("plan", "--template", "python-cli", "--var", "name=a", "--var", "name=b"), "second value"),
        (("template", "show"), "no name given"),
        (("template", "ls", "x"), "'ls' takes no name"),
        (("template", "new", "a/b"), "is no name of a template"),
        (("template", "new", "a", "--var", "x=y"), "--var goes with --from"),
        (("template", "show", "x", "--from", "y"), "--from goes with new"),
        (("template", "show", "python-cli", "--var", "x=y"), "--var goes with new and check"),
        (("template", "check", "--var", "x=y"), "--var goes with a NAME"),
    ],
)  # fmt: skip
def test_what_was_typed_wrong_is_said(words: tuple[str, ...], cause: str, here: Here) -> None:
    """S1-266."""
    wrong = here(*words, expect=2)
    assert cause in wrong.err
