"""The files of --from: one file, or the directory in which another tool keeps its tasks."""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.cli import planning
from git_orch.plans import sentences
from git_orch.plans.imports.task import Files
from git_orch.views import console

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What a directory may hold: the files of Task Master, beads, and whoever calls them tasks.md.
_NAMES = (
    "tasks.md",
    "tasks.json",
    "tasks/tasks.json",
    "issues.jsonl",
    "beads.jsonl",
    ".taskmaster/tasks/tasks.json",
    ".beads/issues.jsonl",
)
_BESIDE = ("proposal.md", "design.md", "spec.md", "plan.md")
_CHANGES = ("openspec/changes", "changes", "")
_MOST_SPECS = 100
_MOST_LINES = 12  # that are printed
_LARGEST = 4 * 1024 * 1024  # bytes


def read(source: str, part: str) -> Files:
    """The text of a file, of standard input for `-`, or of the one file of tasks in a directory.
    Raises UsageError.
    """
    if source == "-":
        return Files("standard input", planning.standard_input(), {}, part)
    name = source
    if os.path.isdir(source):
        name, part = _in_directory(source, part)
    beside = _beside(os.path.dirname(name)) if os.path.basename(name) == "tasks.md" else {}
    return Files(name, planning.input_text(name), beside, part)


def print_notes(notes: Iterable[str]) -> None:
    """Print a line for everything that a plan leaves out, the first of many."""
    listed = [*notes]
    for line in listed[:_MOST_LINES]:
        console.err(f"note: {line}")
    if len(listed) > _MOST_LINES:
        more = sentences.count(len(listed) - _MOST_LINES, "more line")
        console.err(f"note: {more}: --json prints all")


def _in_directory(directory: str, part: str) -> tuple[str, str]:
    """The file of tasks in a directory, and the part of it that is left to choose. Raises UsageError
    where there is none, or several.
    """
    places = [*_of_tools(directory), *_of_changes(directory)]
    named = [place for place in places if _change(place).casefold() == part.casefold()]
    if len(places) == 1:
        return places[0], part
    if part and len(named) == 1:
        return named[0], ""
    shown = sentences.quoted(directory)
    if not places:
        raise errors.UsageError(
            f"the directory {shown} has no tasks of another tool: "
            "no tasks.md, tasks.json or issues.jsonl",
            f"ls {shlex.quote(directory)}",
        )
    listed = sentences.quoted_names([os.path.relpath(place, directory) for place in places])
    raise errors.UsageError(
        f"the directory {shown} has several files of tasks: {listed}",
        f"git orch plan --from {shlex.quote(places[0])}",
    )


def _of_tools(directory: str) -> Iterator[str]:
    for name in _NAMES:
        path = os.path.join(directory, name)
        if _is_own(path):
            yield path


def _of_changes(directory: str) -> list[str]:
    """The tasks of the changes of OpenSpec, and of the features of spec-kit, that are not archived."""
    for name in (*_CHANGES, "specs"):
        top = os.path.join(directory, name)
        below = sorted(os.listdir(top)) if os.path.isdir(top) else []
        paths = [os.path.join(top, one, "tasks.md") for one in below if one != "archive"]
        places = [path for path in paths if _is_own(path)]
        if places:
            return places
    return []


def _is_own(path: str) -> bool:
    """Whether a path is a file, and no link that leads out of the directory."""
    return os.path.isfile(path) and not os.path.islink(path)


def _change(path: str) -> str:
    return os.path.basename(os.path.dirname(path))


def _beside(directory: str) -> dict[str, str]:
    """The texts beside a tasks.md that are regular files: no link leads out of the directory."""
    names = [*_BESIDE, *_specs(directory)]
    texts = {name: _regular(os.path.join(directory, name)) for name in names}
    return {name: text for name, text in texts.items() if text is not None}


def _specs(directory: str) -> list[str]:
    """The spec.md of each capability below a change of OpenSpec."""
    top = os.path.join(directory, "specs")
    if os.path.islink(top) or not os.path.isdir(top):
        return []
    below = [one for one in sorted(os.listdir(top)) if not os.path.islink(os.path.join(top, one))]
    return [f"specs/{one}/spec.md" for one in below[:_MOST_SPECS]]


def _regular(path: str) -> str | None:
    """The text of a regular file; None where there is none. Raises UsageError for one that is not
    in Unicode.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return planning.text_of(file.read(_LARGEST + 1), path)
