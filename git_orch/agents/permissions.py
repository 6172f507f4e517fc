"""The answers to an agent program that asks before it uses a tool, by git-orch's own policy."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from git_orch.plans.plan import Command
from git_orch.sandbox.policy.verdict import Verdict

_LOOKING = frozenset(("read", "search", "think"))
_CHANGING = frozenset(("edit", "delete", "move"))
_COMMAND_FIELDS = ("command", "cmd", "script", "commands")


class Use(NamedTuple):
    """The use of a tool, as an agent tells of it: its kind in the words of the protocol, a title,
    its input as the agent's own tool has it, and the absolute paths that it is about.
    """

    id: str
    kind: str
    title: str
    input: object = None
    paths: tuple[str, ...] = ()

    @property
    def command(self) -> Command | None:
        """The command line that would run; None where it tells of none."""
        fields = self.input if isinstance(self.input, Mapping) else {}
        for name in _COMMAND_FIELDS:
            value = fields.get(name)
            if isinstance(value, str) and value.strip():
                return Command(shell=value, plain=True)
            if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
                return _of_words(value)
        return None

    @property
    def runs(self) -> bool:
        """Whether it runs a command."""
        return self.kind == "execute" or self.command is not None

    @property
    def subject(self) -> str:
        """What it is about, on one line."""
        command = self.command
        text = command.text() if command is not None else self.title or self.kind
        return text.split("\n", 1)[0][:100]


def _of_words(words: Sequence[str]) -> Command:
    """The command of a list of words; a shell that gets a line is that line."""
    shells = ("sh", "bash", "zsh", "dash")
    if len(words) == 3 and words[0].rpartition("/")[2] in shells and words[1] in ("-c", "-lc"):
        return Command(shell=words[2], plain=True)
    return Command(shell=shlex.join(words), plain=True)


class Rules(NamedTuple):
    """What an agent may do: `allowed` are permissions of the run (read, write, command), `refusal`
    is the policy for command lines, and paths may lie below `tops`.
    """

    allowed: frozenset[str]
    refusal: Callable[[Command], Verdict | None]
    network: bool = False
    tops: tuple[str, ...] = ()

    def against(self, use: Use) -> str | None:
        """Why the use is refused; None where it is allowed."""
        if use.runs:
            return self._against_command(use)
        if use.kind in _LOOKING:
            return None if "read" in self.allowed else "this run does not have permission to read"
        if use.kind in _CHANGING:
            return self._against_change(use)
        if use.kind == "fetch":
            return None if self.network else "the step has no network"
        return f"git-orch knows no tool of the kind '{use.kind}'"

    def _against_command(self, use: Use) -> str | None:
        if "command" not in self.allowed:
            return "this run does not have permission to run commands"
        command = use.command
        if command is None:
            return "it does not say which command it is"
        verdict = self.refusal(command)
        return None if verdict is None else f"{verdict.code}: {verdict.reason}; {verdict.hint}"

    def _against_change(self, use: Use) -> str | None:
        if "write" not in self.allowed:
            return "this run does not have permission to write"
        outside = next((path for path in use.paths if not self._is_inside(path)), None)
        return None if outside is None else f"'{outside}' is outside of the worktree"

    def _is_inside(self, path: str) -> bool:
        if not path.startswith("/"):
            return ".." not in path.split("/")
        names = path.split("/")
        if ".." in names or ".git" in names:
            return False
        return any(path == top or path.startswith(f"{top.rstrip('/')}/") for top in self.tops)
