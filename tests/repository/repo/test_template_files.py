"""Where templates of documents are, and what is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.errors import OrchError
from git_orch.repo import template_files
from git_orch.repo.repository import discover


def written(directory: Path, text: str = "# ${TITLE}\n", name: str = "plan.md") -> Path:
    """Write a template."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)
    return directory / name


def home(repo: Repo) -> Path:
    """The usual directory of templates."""
    return repo.path / ".claude/templates"


def test_without_templates_there_is_none(repo: Repo) -> None:
    repository = discover(repo.path)
    assert template_files.of_plan(repository) is None
    assert template_files.of_spec(repository) is None


def test_a_template_of_the_worktree_is_nobodys_own(repo: Repo) -> None:
    """S2-136: and task.md, of an earlier tool, counts without plan.md."""
    written(home(repo), "old", "task.md")
    repository = discover(repo.path)
    template = template_files.of_plan(repository)
    assert template is not None
    assert (template.text, template.is_own) == ("old", False)
    written(home(repo), "new")
    template = template_files.of_plan(repository)
    assert template is not None
    assert template.text == "new"


@pytest.mark.parametrize("place", ["..", "."])
def test_the_users_directory_is_own_outside_of_the_repository(repo: Repo, place: str) -> None:
    directory = (repo.path / place / "templates").resolve()
    written(directory)
    repo.git("config", "--global", "orch.templatesDir", str(directory))
    template = template_files.of_plan(discover(repo.path))
    assert template is not None
    assert template.is_own is (place == "..")


def test_no_template_is_in_the_directory_of_git(repo: Repo) -> None:
    written(repo.path / ".git/templates")
    repo.git("config", "--global", "orch.templatesDir", str(repo.path / ".git/templates"))
    with pytest.raises(OrchError, match=r"inside of \.git"):
        template_files.of_plan(discover(repo.path))


@pytest.mark.parametrize(("value", "problem"), [("../x", "outside"), ("gone", "no directory")])
def test_a_directory_that_cannot_be_is_refused(repo: Repo, value: str, problem: str) -> None:
    repo.git("config", "--global", "orch.templatesDir", value)
    with pytest.raises(OrchError, match=problem):
        template_files.of_plan(discover(repo.path))


def test_a_link_to_another_template_of_the_worktree_is_followed(repo: Repo) -> None:
    target = written(repo.path / "docs", "linked")
    home(repo).mkdir(parents=True)
    (home(repo) / "plan.md").symlink_to(target)
    template = template_files.of_plan(discover(repo.path))
    assert template is not None
    assert template.text == "linked"


def _link_out(file: Path) -> None:
    file.symlink_to("/etc/hostname")


def _link_to_git(file: Path) -> None:
    file.symlink_to("../../.git/config")


def _link_to_nothing(file: Path) -> None:
    file.symlink_to("nothing")


def _link_to_itself(file: Path) -> None:
    file.symlink_to(file.name)


def _huge(file: Path) -> None:
    file.write_text("x" * 70_000)


def _enormous(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(1 << 32)


def _binary(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00\x01")


def _zeros(file: Path) -> None:
    file.write_bytes(b"a\0b")


def _pipe(file: Path) -> None:
    os.mkfifo(file)


def _directory(file: Path) -> None:
    file.mkdir()


def _endless_head(file: Path) -> None:
    file.write_text("---\nid: x\n")


def _broken_head(file: Path) -> None:
    file.write_text("---\nid: [\n---\n")


@pytest.mark.parametrize(
    "plant",
    [
        _link_out, _link_to_git, _link_to_nothing, _link_to_itself, _huge, _enormous, _binary,
        _zeros, _pipe, _directory, _endless_head, _broken_head,
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused_in_words(repo: Repo, plant: Callable[[Path], None]) -> None:
    home(repo).mkdir(parents=True)
    plant(home(repo) / "plan.md")

    with pytest.raises(OrchError, match=r"\.claude/templates/plan\.md'"):
        template_files.of_plan(discover(repo.path))


def test_a_linked_directory_without_templates_is_nobodys_matter(repo: Repo) -> None:
    (repo.path / ".claude").symlink_to(repo.path.parent)
    assert template_files.of_plan(discover(repo.path)) is None


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".git", "x\n"])
def test_a_name_is_no_path(repo: Repo, name: str) -> None:
    written(home(repo))
    with pytest.raises(OrchError, match="there is no"):
        template_files.named(discover(repo.path), name)
