"""The answer of a command to a program: one JSON shape for all commands, errors as well.

With --json a command gives its data, and what it would have printed for people becomes a part of the
answer; the error boundary prints it once, when the command has ended.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Protocol

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
_FAILURE = ""  # the code of an error until the command has ended: the word of its exit code
_LEVELS = {"note: ": "note", "also: ": "note", "warning: ": "warning"}
# What people are to fill in. Words of capitals may also be the handles of plans.
_BLANKS = (
    "ANSWER", "BRANCH", "COMMAND", "COMMIT", "DIRECTORY", "FILE", "ID", "JSON", "LIST", "MODEL",
    "N", "NAME", "OLD", "PATH", "PLAN", "REF", "STEP", "TASK", "TEXT",
)  # fmt: skip
_BLANK = re.compile(rf"(?:^|[\s=])(?:{'|'.join(_BLANKS)})(?:\.\.\.)?(?=\s|$)")
_COMMENT = re.compile(r"\s+# .*")


class Stream(Protocol):
    """Takes the events of a run, the last one with the answer."""

    def put(self, event: str, fields: Document) -> None:
        """Take an event."""
        ...

    def put_piece(self, event: str, number: int | None, text: str) -> None:
        """Take a piece of a text, of a step or of the run."""
        ...

    def end(self, exit_code: int, document: Document) -> None:
        """Take the answer, and deliver all that came before."""
        ...


class Answer:
    """Hears what a command prints, and keeps what it gives as data."""

    def __init__(self, command: str, stream: Stream | None = None) -> None:
        self.command = command
        self.stream = stream  # of events, whose last one has the answer
        self._data: list[object] = []
        self._lines: list[str] = []
        self._diagnostics: list[Document] = []
        self._next: list[str] = []
        self._error: str | None = None
        self._failure: Document | None = None

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

    def diagnose(self, level: str, code: str, message: str, fix: str | None = None) -> None:
        """Take a problem or a remark; `fix` is the command or the change that ends it."""
        self._diagnostics.append({"level": level, "code": code, "message": message, "fix": fix})

    def diagnosis(self, line: str) -> None:
        """Hear a line of progress or diagnosis."""
        if line.startswith("error: "):
            self._error = line.removeprefix("error: ")
        elif line.startswith("hint: ") and self._error is not None:
            hint = line.removeprefix("hint: ")
            self._failure = {"error": self._error, "hint": hint}
            self.diagnose("error", _FAILURE, self._error, hint)
            self._error = None
            if hint.startswith("git ") and not _BLANK.search(hint):
                self._lead_to(hint)
        for beginning, level in _LEVELS.items():
            if line.startswith(beginning):
                self.diagnose(level, level, line.removeprefix(beginning))

    def document(self, exit_code: int) -> Document:
        """The whole answer of a command that ended with `exit_code`."""
        word = WORDS.get(exit_code, "failed")
        diagnostics = [
            {**entry, "code": word} if entry["code"] == _FAILURE else entry
            for entry in self._diagnostics
        ]
        name, data = self.command, self._data[0] if self._data else None
        if self._data:
            notes: list[Document] = [
                {"level": "note", "code": "note", "message": line, "fix": None}
                for line in self._lines
            ]
            diagnostics = notes + diagnostics
        elif self._failure is not None and not self._lines:
            name = "error"
            data = {**self._failure, "code": exit_code}
        else:
            data = {"lines": self._lines}
        return {
            "schema": f"git-orch/{name}/{VERSION}",
            "status": word,
            "data": data,
            "diagnostics": diagnostics,
            "next": self._next,
        }

    def _lead_to(self, text: str) -> None:
        command = _COMMENT.sub("", text)
        if command not in self._next:
            self._next.append(command)


_now: list[Answer] = []


def begin(command: str, stream: Stream | None = None) -> Answer:
    """Answer a program from now on, and no person; at the end of a stream, if there is one."""
    answer = Answer(command, stream)
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
    diagnostic = {
        "type": "object",
        "properties": {
            "level": {"enum": ["error", "warning", "note"]},
            "code": words,
            "message": words,
            "fix": {"type": ["string", "null"]},
        },
        "required": ["level", "code", "message", "fix"],
        "additionalProperties": False,
    }
    properties: Document = {
        "schema": {"type": "string", "pattern": f"^git-orch/[a-z-]+/{VERSION}$"},
        "status": {"enum": sorted(set(WORDS.values()))},
        "data": {},
        "diagnostics": {"type": "array", "items": diagnostic},
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
