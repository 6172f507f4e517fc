"""The answer of a command to a program: one JSON shape for all commands, errors as well.

With --json a command gives its data, and what it would have printed for people becomes a part of the
answer; the error boundary prints it once, when the command has ended.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from git_orch.views import console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_orch.plans.document import Document

VERSION = 1
# What an exit code means, in a word.
WORDS = {
    0: "ok",
    1: "failed",
    2: "usage",
    3: "refused",
    4: "limit",
    5: "not-found",
    6: "busy",
    7: "conflict",
    8: "provider",
    9: "waiting",
    70: "bug",
    128: "unfit",
    130: "interrupted",
    143: "interrupted",
}
# The second and third of several ways on stand below the first one.
_NEXT = re.compile(r"(?:(?:^|; )(?:next|run|read|or|to take it back): +|^ {6})(git .+)")
_LEVELS = {"note: ": "note", "also: ": "note", "warning: ": "warning"}
_BLANK = re.compile(r"(?:^|\s)(?!HEAD\b)[A-Z]+(?:\.\.\.)?(?=\s|$)")  # for people to fill in
_COMMENT = re.compile(r"\s+# .*")


class Answer:
    """Hears what a command prints, and keeps what it gives as data."""

    def __init__(self, command: str) -> None:
        self.command = command
        self._data: list[object] = []
        self._lines: list[str] = []
        self._diagnostics: list[Document] = []
        self._next: list[str] = []
        self._error: str | None = None

    def give(self, data: object, following: Sequence[str] = ()) -> None:
        """Take the data of the answer, and the commands that lead on."""
        self._data = [data]
        for command in following:
            self._lead_to(command)

    def offer(self, make: Callable[[], object]) -> None:
        """Take what `make` gives as data, if the command has given none."""
        if not self._data:
            self._data = [make()]

    def result(self, line: str) -> None:
        """Hear a line of result."""
        leads_on = _NEXT.search(line)
        if leads_on is not None:
            self._lead_to(leads_on[1])
            line = line[: leads_on.start()]
        if line:
            self._lines += line.split("\n")

    def diagnosis(self, line: str) -> None:
        """Hear a line of progress or diagnosis."""
        if line.startswith("error: "):
            self._error = line.removeprefix("error: ")
        elif line.startswith("hint: ") and self._error is not None:
            hint = line.removeprefix("hint: ")
            self._diagnostics.append({"level": "error", "error": self._error, "hint": hint})
            self._error = None
            if hint.startswith("git ") and not _BLANK.search(hint):
                self._lead_to(hint)
        for beginning, level in _LEVELS.items():
            if line.startswith(beginning):
                text = line.removeprefix(beginning)
                self._diagnostics.append({"level": level, "text": text})

    def document(self, exit_code: int) -> Document:
        """The whole answer of a command that ended with `exit_code`."""
        diagnostics = [
            {**entry, "code": exit_code} if "error" in entry else entry
            for entry in self._diagnostics
        ]
        failure = next((entry for entry in reversed(diagnostics) if "error" in entry), None)
        name, data = self.command, self._data[0] if self._data else None
        if self._data:
            notes: list[Document] = [{"level": "note", "text": line} for line in self._lines]
            diagnostics = notes + diagnostics
        elif failure is not None and not self._lines:
            name = "error"
            data = {key: failure[key] for key in ("error", "hint", "code")}
        else:
            data = {"lines": self._lines}
        return {
            "schema": f"git-orch/{name}/{VERSION}",
            "status": WORDS.get(exit_code, "failed"),
            "data": data,
            "diagnostics": diagnostics,
            "next": self._next,
        }

    def _lead_to(self, text: str) -> None:
        command = _COMMENT.sub("", text)
        if command not in self._next:
            self._next.append(command)


_now: list[Answer] = []


def begin(command: str) -> Answer:
    """Answer a program from now on, and no person."""
    answer = Answer(command)
    _now[:] = [answer]
    console.redirect(answer)
    return answer


def end() -> None:
    """Speak to a person again."""
    _now.clear()
    console.redirect(None)


def current() -> Answer | None:
    """The answer that is being made; None for a person."""
    return _now[0] if _now else None


def text(value: object) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=True)


def schema() -> Document:
    """JSON Schema of `Answer.document`."""
    words: dict[str, object] = {"type": "string"}
    problem = {
        "type": "object",
        "properties": {
            "level": {"const": "error"},
            "error": words,
            "hint": words,
            "code": {"type": "integer"},
        },
        "required": ["level", "error", "hint", "code"],
        "additionalProperties": False,
    }
    remark = {
        "type": "object",
        "properties": {"level": {"enum": ["note", "warning"]}, "text": words},
        "required": ["level", "text"],
        "additionalProperties": False,
    }
    properties: Document = {
        "schema": {"type": "string", "pattern": f"^git-orch/[a-z-]+/{VERSION}$"},
        "status": {"enum": sorted(set(WORDS.values()))},
        "data": {},
        "diagnostics": {"type": "array", "items": {"anyOf": [problem, remark]}},
        "next": {"type": "array", "items": words},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "the answer of a command with --json",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
