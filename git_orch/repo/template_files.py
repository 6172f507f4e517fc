"""The user's own templates in orch.templatesDir, or in `.claude/templates` of the worktree:
`plan.md` and `spec.md` of documents, and plan files with variables. The repository has the latter
in `.orch/templates`.

A checkout may have brought the latter, from anybody: it is read through no link that leaves the
worktree, and what it would have run needs an approval.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
from typing import NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.plans.documents import front_matter, templates
from git_orch.plans.documents.templates import Template
from git_orch.repo import settings
from git_orch.repo.documents_folder import DocumentsFolder, Unread
from git_orch.repo.repository import Repository

DEFAULT = ".claude/templates"
REPOSITORY = ".orch/templates"
SUFFIXES = (".yaml", ".yml", ".json")  # of templates of plans
LARGEST_PLAN = 1 << 20  # characters of a template of a plan
_MOST = 100  # files of a directory that are looked at
PLAN, TASK, SPEC = "plan", "task", "spec"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Directory(NamedTuple):
    """The directory of templates: as people read it, and its path; a `typed` one has to exist. Its
    files are in the worktree `top`, if any, or the user's own.
    """

    name: str
    path: str
    top: str | None
    is_typed: bool


def of_user(repository: Repository) -> Directory | None:
    """The directory of templates; None without a worktree. Raises UsageError for a setting that
    leads out of the worktree.
    """
    typed = settings.of_user(repository).templatesDir
    path = os.path.expanduser(typed or DEFAULT)
    places = [os.path.realpath(place) for place in repository.places]
    if os.path.isabs(path):
        real = os.path.realpath(path)
        inside = next((place for place in places if _is_below(real, place)), None)
        return Directory(path, real, inside, is_typed=True)
    if repository.top is None:
        return None
    name = os.path.normpath(path)
    if name.split("/")[0] == os.pardir or "\0" in name:
        raise errors.UsageError(
            f"'orch.templatesDir' is {sentences.quoted(path)}, which is outside of the worktree",
            "git config --global orch.templatesDir ~/templates",
        )
    top = os.path.realpath(repository.top)
    return Directory(name, os.path.join(top, name), top, typed is not None)


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def of_plan(repository: Repository) -> Template | None:
    """The template of ideas: plan.md or, from earlier tools, task.md. Raises Refused, UsageError."""
    return _sound(repository, PLAN) or _sound(repository, TASK)


def of_spec(repository: Repository) -> Template | None:
    """The template of specs, spec.md. Raises Refused, UsageError."""
    return _sound(repository, SPEC)


def named(repository: Repository, name: str) -> Template:
    """The template of ideas that the user named. Raises Refused, UsageError."""
    directory = of_user(repository)
    template = _sound(repository, name) if _NAME.fullmatch(name) else None
    if template is None:
        place = directory.name if directory is not None else DEFAULT
        raise errors.UsageError(
            f"there is no {sentences.quoted(f'{place}/{name}.md')}", "git orch templates"
        )
    return template


def has(repository: Repository, name: str) -> bool:
    """Whether there is a template with this name, of whatever kind. Raises UsageError."""
    directory = of_user(repository)
    return directory is not None and os.path.lexists(os.path.join(directory.path, f"{name}.md"))


def _sound(repository: Repository, name: str) -> Template | None:
    """A template from which documents can be made; None where there is none."""
    directory = of_user(repository)
    if directory is None:
        return None
    file = f"{name}.md"
    shown = f"{directory.name}/{file}"
    text = _read(directory, file, shown)
    if text is None:
        if directory.is_typed and not os.path.isdir(directory.path):
            raise errors.UsageError(
                f"'orch.templatesDir' is {sentences.quoted(directory.name)}, which is no directory",
                "git config --global orch.templatesDir ~/templates",
            )
        return None
    template = Template(shown, text, is_own=directory.top is None)
    try:
        templates.require_sound(template, is_spec=name == SPEC)
    except front_matter.Malformed as wrong:
        raise errors.UsageError(
            f"{sentences.quoted(shown)}, line {wrong.line}: {wrong.problem}",
            f"$EDITOR +{wrong.line} {shlex.quote(os.path.join(directory.path, file))}",
        ) from wrong
    return template


def _read(
    directory: Directory, file: str, shown: str, largest: int = templates.LARGEST
) -> str | None:
    """The text of a template; None where it is missing. Raises Refused."""
    path = os.path.join(directory.path, file)
    if not os.path.lexists(path):
        return None
    real = os.path.realpath(path)
    top = directory.top if directory.top is not None else os.path.dirname(real)
    if not _is_below(real, top):
        raise _refused(shown, "is a link out of the worktree")
    *parts, name = os.path.relpath(real, top).split("/")
    if any(part.casefold() == ".git" for part in parts):
        raise _refused(shown, "is inside of .git")
    try:
        text = DocumentsFolder(top, tuple(parts)).read(os.curdir, name)
    except errors.Refused as refused:
        raise _refused(shown, "cannot be read") from refused
    if isinstance(text, Unread):
        raise _refused(shown, text.problem)
    if text is None:
        raise _refused(shown, "is a link to nothing")
    if len(text) > largest:
        raise _refused(shown, f"is longer than {largest:,} characters")
    if "\0" in text:
        raise _refused(shown, "is no text")
    return text


def _refused(shown: str, problem: str) -> errors.Refused:
    return errors.Refused(
        f"the template {sentences.quoted(shown)} {problem}",
        "git config --global orch.templatesDir ~/templates  # takes other templates",
    )


def of_repository(repository: Repository) -> Directory | None:
    """The directory of the repository's own templates of plans; None without a worktree."""
    if repository.top is None:
        return None
    top = os.path.realpath(repository.top)
    return Directory(REPOSITORY, os.path.join(top, REPOSITORY), top, is_typed=False)


class PlanTemplate(NamedTuple):
    """The text of a template of a plan; it `is_own` where no checkout can have brought it."""

    file: str
    text: str
    is_own: bool


def plan_template(directory: Directory | None, name: str) -> PlanTemplate | None:
    """The template of a plan with that name; None where there is none. Raises Refused."""
    if directory is None or _NAME.fullmatch(name) is None:
        return None
    for suffix in SUFFIXES:
        file = f"{name}{suffix}"
        shown = f"{directory.name}/{file}"
        text = _read(directory, file, shown, LARGEST_PLAN)
        if text is not None:
            return PlanTemplate(shown, text, is_own=directory.top is None)
    return None


def plan_template_names(directory: Directory | None) -> list[str]:
    """The names of the templates of plans in a directory."""
    if directory is None:
        return []
    try:
        with os.scandir(directory.path) as files:
            listed = [file.name for file in itertools.islice(files, _MOST)]
    except OSError:
        return []
    pairs = [os.path.splitext(name) for name in listed]
    return sorted({name for name, end in pairs if end in SUFFIXES and _NAME.fullmatch(name)})


def write_plan_template(directory: Directory, name: str, text: str) -> str:
    """Write a template of a plan over no file; gives the file. Raises UsageError for a name that is
    none or is there, Refused, UnfitRepository.
    """
    if _NAME.fullmatch(name) is None:
        raise errors.UsageError(
            f"{sentences.quoted(name)} is no name of a template: letters, digits, '-' and '_'",
            "git orch template -h",
        )
    file = f"{name}.yaml"
    shown = f"{directory.name}/{file}"
    taken = plan_template(directory, name)
    if taken is not None or not _folder(directory).write(os.curdir, file, text, None):
        shown = taken.file if taken is not None else shown
        raise errors.UsageError(f"{sentences.quoted(shown)} is there", "git orch template ls")
    return shown


def write_first(repository: Repository, texts: dict[str, str]) -> list[tuple[str, bool]]:
    """Write templates, by name, where there are none of that name; gives the files, and which were
    written. Raises UnfitRepository, Refused.
    """
    directory = of_user(repository)
    if directory is None:
        raise errors.UnfitRepository("a bare repository has no files", "git worktree add ../tree")
    folder = _folder(directory)
    return [
        (f"{directory.name}/{name}.md", folder.write(os.curdir, f"{name}.md", text, None))
        for name, text in texts.items()
    ]


def _folder(directory: Directory) -> DocumentsFolder:
    top = directory.top if directory.top is not None else os.path.dirname(directory.path)
    parts = tuple(part for part in os.path.relpath(directory.path, top).split("/") if part != ".")
    return DocumentsFolder(top, parts)
