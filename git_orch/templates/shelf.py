"""Where templates of plans are: built in, in the user's directory, and in the repository's.

The user's own ones stand before the built-in ones of the same name. One that a checkout may have
brought stands behind them, and has the name `repo:NAME` in the repository's directory.
"""

from __future__ import annotations

from typing import NamedTuple

from git_orch.errors import OrchError, UsageError
from git_orch.plans import sentences
from git_orch.repo import template_files
from git_orch.repo.repository import Repository
from git_orch.repo.template_files import PlanTemplate
from git_orch.templates import render, template
from git_orch.templates.template import Place, Template
from git_orch.templates.variables import near

PREFIX = "repo:"


class Entry(NamedTuple):
    """A template by its name; `problem` is the error of one that is none."""

    name: str
    template: Template | None
    problem: OrchError | None = None


def named(repository: Repository | None, name: str) -> Template:
    """The template with that name. Raises UsageError for none, or a broken one, and Refused."""
    if name.startswith(PREFIX):
        directory = None if repository is None else template_files.of_repository(repository)
        file = template_files.plan_template(directory, name.removeprefix(PREFIX))
    else:
        directory = None if repository is None else template_files.of_user(repository)
        file = template_files.plan_template(directory, name)
        if name in render.names() and (file is None or not file.is_own):
            return render.describe(name)
    if file is None:
        names = _names(repository)
        raise UsageError(
            f"there is no template {sentences.quoted(name)}{near(name, names)}",
            f"run 'git orch plan --template NAME' with one of: {', '.join(names)}",
        )
    return _read(name, file)


def _read(name: str, file: PlanTemplate) -> Template:
    return template.read(file.text, name, Place(file.file, file.is_own))


def _names(repository: Repository | None) -> list[str]:
    """The names of all templates, each once."""
    names = set(render.names())
    if repository is None:
        return sorted(names)
    names.update(template_files.plan_template_names(template_files.of_user(repository)))
    directory = template_files.of_repository(repository)
    theirs = [f"{PREFIX}{name}" for name in template_files.plan_template_names(directory)]
    return [*sorted(names), *theirs]


def listing(repository: Repository | None) -> list[Entry]:
    """All templates by name, those of the repository last."""
    entries = []
    for name in _names(repository):
        try:
            entries.append(Entry(name, named(repository, name)))
        except OrchError as problem:
            entries.append(Entry(name, None, problem))
    return entries
