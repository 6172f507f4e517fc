"""The record beside a worktree in which a person resolves a conflict: the command that stopped, and
where.

Whoever only shows a plan reads it from here.
"""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from git_orch import checkpoints, errors
from git_orch.plans import document
from git_orch.plans.document import BadDocument, Document
from git_orch.repo import localfiles
from git_orch.repo.worktree import worktrees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_orch.repo.repository import Repository

PURPOSE: worktrees.Purpose = "conflict"
_RECORD = "orch-conflict"  # in the worktree's git directory

How = Literal["merge", "pick", "mend"]


class Operation(NamedTuple):
    """The command that a conflict stopped, so that it can run again: `onto` is a branch or a
    commit, `steps` are IDs, `flags` options without a value; `outcome` is the event of a step that ran.
    """

    command: str
    onto: str = ""
    flags: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    outcome: Document | None = None

    def typed(self, plan: str, numbers: Sequence[int] = ()) -> str:
        """The command as people type it; `numbers` are those of its steps."""
        onto = shlex.quote(self.onto.removeprefix("refs/heads/"))
        steps = ",".join(map(str, numbers))
        options = [f"--{flag}" for flag in self.flags]
        words = ["git orch", self.command, *options]
        if self.command in ("land", "rebase", "pick"):
            words += ["--onto", onto]
        words += [plan, steps] if steps else [plan]
        words += [onto] if self.command == "adopt" else []
        return " ".join(words)


class Stop(NamedTuple):
    """Where an operation stopped: `what` does not merge into `onto`, cannot be picked onto it, or
    is to be mended there because a check fails. `shown` is the commit whose changes the worktree gets.
    """

    how: How
    onto: str
    what: str
    shown: str


class Record(NamedTuple):
    """A conflict that a person resolves in `path`; it `is_ready` when git has shown it there."""

    path: Path
    operation: Operation
    stop: Stop
    is_ready: bool


@checkpoints.around("begin conflict")
def write(git_dir: Path, operation: Operation, stop: Stop, *, is_ready: bool) -> None:
    """Write down the conflict that the worktree with this git directory is for."""
    body: Document = {
        "operation": operation._asdict(),
        "stop": stop._asdict(),
        "is_ready": is_ready,
    }
    source = io.BytesIO(json.dumps(body).encode("ascii"))
    localfiles.copy(source, git_dir / _RECORD, synced=False)


def read(repository: Repository, plan: str) -> Record | None:
    """The conflict of a plan that somebody resolves; None where no worktree has one."""
    path = worktrees.path_of(repository, plan, PURPOSE)
    if not path.is_dir():
        return None
    try:
        git_dir = worktrees.git_dir_of(repository, path)
        fields = document.parse((git_dir / _RECORD).read_bytes(), "conflict")
        return _record(path, fields)
    except (OSError, BadDocument, errors.Refused):
        return None


def _record(path: Path, fields: Mapping[str, object]) -> Record:
    typed = document.mapping(fields.get("operation"), "operation")
    at = document.mapping(fields.get("stop"), "stop")
    outcome = typed.get("outcome")
    operation = Operation(
        document.text(typed, "command"),
        document.text(typed, "onto"),
        document.texts(typed, "flags"),
        document.texts(typed, "steps"),
        None if outcome is None else {**document.mapping(outcome, "outcome")},
    )
    onto, what, shown = (document.text(at, name) for name in ("onto", "what", "shown"))
    stop = Stop(_how(document.text(at, "how")), onto, what, shown)
    return Record(path, operation, stop, document.flag(fields, "is_ready"))


def _how(word: str) -> How:
    if word == "merge":
        return "merge"
    return "mend" if word == "mend" else "pick"
