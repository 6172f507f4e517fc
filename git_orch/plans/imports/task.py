"""A task as another tool has it, and all that a file of such tasks says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from git_orch.errors import UsageError
from git_orch.plans import one_line, sentences

_LONGEST_TITLE = 72  # characters: what `git log --oneline` and forges show whole
_EMPHASIS = re.compile(r"\*\*|__(?=\w)|(?<=\w)__")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Task:
    """A task. `needs` are the IDs of the tasks that its author named, `follows` those that come
    first only because of their place in the file. A task with children is not a step: its children are.

    `left_out` says why the task never becomes a step, "" where it may. `parts` are names that choose it.
    """

    id: str
    title: str
    text: str = ""
    needs: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    parent: str = ""
    done: bool = False
    left_out: str = ""
    parts: tuple[str, ...] = ()
    rank: tuple[object, ...] = ()
    shown: str = ""

    @property
    def name(self) -> str:
        """The task as people call it."""
        return sentences.quoted(self.shown or self.id)


@dataclass(slots=True)
class Reading:
    """What a reader took from the files of a tool, and `notes` about what has no place in a plan."""

    tool: str
    title: str
    tasks: list[Task] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    objective: str = ""
    approach: str = ""
    design: str = ""
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Files:
    """A file by its `name` and `text`, the texts `beside` it by their paths from its directory, and
    the `part` of it that becomes a plan ("" for all).
    """

    name: str
    text: str
    beside: dict[str, str] = field(default_factory=dict)
    part: str = ""

    @property
    def stem(self) -> str:
        """The name of the directory of the file, or of the file where it has none."""
        parts = [part for part in self.name.replace("\\", "/").split("/") if part not in ("", ".")]
        named = parts[-2] if len(parts) > 1 else parts[-1] if parts else "tasks"
        return one_line.of(named) or "tasks"

    def error(self, cause: str, hint: str = "") -> UsageError:
        """The error for what the file says."""
        return UsageError(f"{self.name}: {one_line.of(cause)}", hint or "git orch plan -h")


def clean(text: object) -> str:
    """A text that a plan may hold; "" for what is no text."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return ""
    return _SURROGATE.sub("\ufffd", str(text)).replace("\0", "").strip()


def title(text: str, otherwise: str) -> str:
    """The subject of a step's commit, from the first line of a text."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    line = one_line.of(_EMPHASIS.sub("", first)) or one_line.of(otherwise) or "task"
    if len(line) <= _LONGEST_TITLE:
        return line
    cut = line[: _LONGEST_TITLE - 3].rsplit(" ", 1)[0] or line[: _LONGEST_TITLE - 3]
    return f"{cut.rstrip(' ,;:(')}..."


def paragraphs(*texts: str) -> str:
    """The texts that say something, with a blank line between them."""
    return "\n\n".join(text.strip() for text in texts if text.strip())


def line(text: str) -> str:
    """A text on one line, without emphasis."""
    return one_line.of(_EMPHASIS.sub("", clean(text)))
