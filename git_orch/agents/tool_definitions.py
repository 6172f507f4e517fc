"""The tools for a model: their names and arguments, and the permissions that a person gives with
--tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from git_orch import errors
from git_orch.agents.exchange import Block
from git_orch.plans import document

Permission = Literal["read", "write", "command"]
PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))

COMMAND_SECONDS = 120  # of a command that names no timeout
LONGEST_COMMAND = 600
READ_LINES = 2_000
READ_CHARACTERS = 48_000
SHOWN_OUTPUT = 16_000  # characters
LINE_LENGTH = 1_000  # one minified line must not fill the window
SEARCH_LINES = 200
MOST_EDITS = 100  # in one call


def permissions(words: str) -> frozenset[Permission]:
    """The permissions of a --tool list: '' or 'none', 'all', or read, write, command with commas.
    Raises UsageError.
    """
    tokens = [token.strip() for token in words.split(",")] if words.strip() else ["none"]
    if tokens == ["none"]:
        return frozenset()
    allowed: set[Permission] = set()
    for token in tokens:
        match token:
            case "all":
                allowed |= PERMISSIONS
            case "read" | "write" | "command":
                allowed.add(token)
            case _:
                raise errors.UsageError(
                    f"'{token}' is not a kind of tool, or does not go with others",
                    "use --tool none, --tool all, or a list of read, write, command "
                    "such as --tool read,write",
                )
    return frozenset(allowed)


class Offer(NamedTuple):
    """A tool: the permissions it needs, its description for the model, its arguments and the
    required ones.
    """

    name: str
    needs: frozenset[Permission]
    description: str
    takes: Mapping[str, Mapping[str, object]]
    required: tuple[str, ...]

    def definition(self) -> Block:
        """The tool as the Messages API takes it."""
        schema = {
            "type": "object",
            "properties": self.takes,
            "required": list(self.required),
            "additionalProperties": False,
        }
        return {"name": self.name, "description": self.description, "input_schema": schema}

    def arguments(self, given: object) -> Mapping[str, object]:
        """The arguments by name; a tool checks their types itself. Raises BadDocument."""
        fields = document.mapping(given, "input")
        for name in self.required:
            if fields.get(name) is None:
                raise document.BadDocument(f"argument '{name}' of {self.name} is missing")
        for name in fields:
            if name not in self.takes:
                raise document.BadDocument(
                    f"{self.name} has no argument '{name}'; it takes {', '.join(self.takes)}"
                )
        return fields


def _text(description: str) -> dict[str, object]:
    return {"type": "string", "description": description}


def _number(description: str) -> dict[str, object]:
    return {"type": "integer", "description": description}


_PATH = _text(
    "Path relative to the root of the project, with / between names, or an absolute one below it."
)
_NEEDS_COMMAND: frozenset[Permission] = frozenset({"command"})
_NEEDS_READ: frozenset[Permission] = frozenset({"read"})
_NEEDS_WRITE: frozenset[Permission] = frozenset({"write"})

OFFERS: Mapping[str, Offer] = {
    offer.name: offer
    for offer in (
        Offer(
            "bash",
            _NEEDS_COMMAND,
            "Run a command line with bash in the root of the project. There is no terminal and no "
            "input, and nothing keeps running after it ends. Standard output and error come back "
            f"together; of a long output the head and the tail, at most {SHOWN_OUTPUT:,} "
            "characters, and read_file with the path that is named shows the rest. It runs in a "
            "sandbox: only the project and /tmp can be written, git can only read, and the "
            "network is off unless the step has been granted it. Do not commit: git-orch commits "
            "your work.",
            {
                "command": _text("The command line."),
                "reason": _text("One sentence: why this command is run."),
                "timeout": _number(
                    f"Seconds, {COMMAND_SECONDS} when absent, at most {LONGEST_COMMAND}."
                ),
            },
            ("command", "reason"),
        ),
        Offer(
            "read_file",
            _NEEDS_READ,
            f"Read a text file with numbered lines, at most {READ_LINES:,} lines or "
            f"{READ_CHARACTERS:,} characters; the first line says PARTIAL when there is more. The "
            "path of a directory lists the files below it.",
            {
                "path": _PATH,
                "offset": _number("The first line to show, 1 when absent."),
                "limit": _number("How many lines to show."),
            },
            ("path",),
        ),
        Offer(
            "write_file",
            _NEEDS_WRITE,
            "Create a file, or replace the whole content of one. Directories are made. The line "
            "endings and the mode of an existing file are kept. To change a part of a file use "
            "edit_file.",
            {
                "path": _PATH,
                "content": _text("The whole content."),
                "executable": {
                    "type": "boolean",
                    "description": "Whether the file is a program; unchanged when absent.",
                },
            },
            ("path", "content"),
        ),
        Offer(
            "edit_file",
            _NEEDS_WRITE | _NEEDS_READ,  # a miss quotes the file
            "Replace pieces of a file, in order. Each old must be in the file exactly once: copy "
            "it from read_file without the line numbers, with enough lines around it. Edits that "
            "cannot be made are named; the others of the same call are made. At most "
            f"{MOST_EDITS} edits in one call.",
            {
                "path": _PATH,
                "edits": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "old": _text("What is there."),
                            "new": _text("What is to be there."),
                        },
                        "required": ["old", "new"],
                        "additionalProperties": False,
                    },
                },
            },
            ("path", "edits"),
        ),
        Offer(
            "search",
            _NEEDS_READ,
            "Find the lines that match a POSIX extended regular expression (grep -E) in the text "
            f"files below a path; at most {SEARCH_LINES} lines.",
            {
                "pattern": _text("The regular expression."),
                "path": _text("A file or directory, the whole project when absent."),
                "files": _text("Only in files whose name matches this, such as *.py."),
            },
            ("pattern",),
        ),
        Offer(
            "step_done",
            frozenset(),
            "Say that this step is finished. Call it alone, after the results of all other calls "
            "have been seen. The checks of the step run after it.",
            {
                "summary": _text(
                    "Two or three sentences for the commit message: what was changed and why."
                )
            },
            ("summary",),
        ),
        Offer(
            "step_failed",
            frozenset(),
            "Say that this step cannot be done: what it asks for is impossible, contradicts the "
            "code, or needs what is not there. It ends the step as failed, and a person reads the "
            "reason. Call it alone. Where a person only has to decide something or to tell you "
            "a fact, call ask.",
            {"reason": _text("What stands in the way, and what a person could change.")},
            ("reason",),
        ),
        Offer(
            "ask",
            frozenset(),
            "Ask the person who runs the plan, when the step cannot go on without a decision or a "
            "fact that only they have. The step waits, perhaps for days, then goes on with the "
            "answer. Look in the repository first; ask everything at once, and call it alone.",
            {
                "question": _text(
                    "The question, with what there is to choose from; it is read without this "
                    "conversation."
                )
            },
            ("question",),
        ),
    )
}


def definitions(allowed: frozenset[Permission], *, may_ask: bool = True) -> tuple[Block, ...]:
    """The definitions of all tools that the permissions allow, always in the same order; where
    nobody can answer a question, without `ask`.
    """
    return tuple(
        offer.definition()
        for offer in OFFERS.values()
        if offer.needs <= allowed and (may_ask or offer.name != "ask")
    )
