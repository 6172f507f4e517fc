"""The local files of plannings: each has the task, the model's last reply and the cost of its
calls, from before a model is asked until the plan is stored. What is left is of plannings that
failed.

A process holds the file of its planning, so that no other takes it up meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from git_orch import errors
from git_orch.plans import document as documents
from git_orch.plans import redact
from git_orch.plans.document import Document
from git_orch.repo import localfiles, own_files
from git_orch.repo.local import plannings
from git_orch.repo.repository import Repository
from git_orch.sandbox import keeping, secrecy


class ReplyFile:
    """The file of one planning; `plan` is the ID of the plan that is revised, "" for a new one."""

    def __init__(
        self, path: Path, task: str, plan: str = "", calls: tuple[Document, ...] = ()
    ) -> None:
        self.path = path
        self.task = task
        self.plan = plan
        self.looks = looks_file(path)
        self.calls = [*calls]
        self.reply = ""
        self._secrets = secrecy.secrets()

    @property
    def again(self) -> str:
        """The command that takes this planning up again."""
        return f"git orch plan --again={_name(self.path)}"

    def usd(self) -> float:
        """The cost of the planning in USD."""
        return sum(documents.number(call, "usd", least=0.0) for call in self.calls)

    def add(self, call: Document) -> None:
        """One more call was paid for."""
        self.calls.append(call)
        if not self.plan:  # the log of a plan that is revised has them
            with keeping.unnecessary("what planning has cost"):
                plannings.note(self.path, self.task, self.calls)
        self.update()

    def update(self) -> None:
        """Write the file anew; a plan that is paid for is made, even if that cannot be."""
        with keeping.unnecessary("the reply of the planner"):
            self.save()

    def save(self) -> None:
        """Write the file anew."""
        kept = {"task": self.task, "plan": self.plan, "reply": self.reply, "calls": self.calls}
        text = redact.redacted(json.dumps(kept, indent=2, ensure_ascii=False), self._secrets)
        localfiles.write(self.path, text.encode("utf-8", "backslashreplace"))


def looks_file(reply_file: Path) -> Path:
    """The file beside a reply with the tool calls of the model that planned."""
    return reply_file.with_suffix(".jsonl")


@contextlib.contextmanager
def begin(repository: Repository, task: str, plan: str = "") -> Iterator[ReplyFile]:
    """The file of a new planning, held as long as this is open."""
    name = f"{time.time_ns()}-{os.urandom(2).hex()}.json"
    path = _directory(repository) / name
    with localfiles.hold(_lock(path)):
        file = ReplyFile(path, task, plan)
        file.save()
        yield file


@contextlib.contextmanager
def take_up(repository: Repository, name: str) -> Iterator[ReplyFile]:
    """The file of the planning that failed with that name, "" for the last one, held as long as
    this is open. Raises NotFound where there is none, or where another process has taken it up.
    """
    for path in sorted(_directory(repository).glob("*.json"), reverse=True):
        if name not in ("", _name(path)):
            continue
        with contextlib.ExitStack() as held:
            if not held.enter_context(localfiles.hold(_lock(path))):
                continue
            try:
                file = _read(path)
            except (OSError, documents.BadDocument):
                continue
            yield file
            return
    which = f" with the name '{name}'" if name else ""
    raise errors.NotFound(f"no planning{which} has failed here", 'git orch plan "what to do"')


def _read(path: Path) -> ReplyFile:
    fields = documents.parse(own_files.read_bytes(path), "reply")
    calls = documents.sequence(fields, "calls")
    typed = tuple({**documents.mapping(call, "call")} for call in calls)
    plan = documents.optional_text(fields, "plan") or ""
    file = ReplyFile(path, documents.text(fields, "task"), plan, typed)
    file.usd()
    return file


def _name(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def _directory(repository: Repository) -> Path:
    return repository.state_dir / "replies"


def _lock(path: Path) -> Path:
    return path.with_suffix(".lock")
