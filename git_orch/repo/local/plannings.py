"""What plannings have cost that have not become a plan, in local files of their own: the replies go
after some time, and nobody forgets the money.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import document as documents
from git_orch.plans import redact
from git_orch.repo import localfiles, own_files
from git_orch.sandbox import secrecy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from git_orch.plans.document import Document
    from git_orch.repo.repository import Repository

_REPLIES, _COSTS = "replies", "plannings"  # files of the same name in both
_LONGEST = 60  # characters of a title


class Paid(NamedTuple):
    """What a planning that failed has paid for, `seconds` after 1970; whether its task is still
    there for another try.
    """

    title: str
    calls: tuple[Document, ...]
    seconds: int
    is_there: bool

    def usd(self) -> float:
        """What it has cost."""
        return sum(documents.number(call, "usd", least=0.0) for call in self.calls)


def note(reply: Path, task: str, calls: Sequence[Document]) -> None:
    """Write down what the planning with this reply has paid for so far."""
    kept = json.dumps({"title": _title(task), "calls": list(calls)}, ensure_ascii=False)
    text = redact.redacted(kept, secrecy.secrets())
    localfiles.write(_costs(reply), text.encode("utf-8", "backslashreplace"))


def forget(reply: Path) -> None:
    """The planning has become a plan, whose log has the calls."""
    localfiles.remove(_costs(reply))


def paid(repository: Repository) -> list[Paid]:
    """The plannings that were paid for and that have not become a plan, oldest first; none that is
    under way.
    """
    return sorted(_paid(repository), key=lambda planning: planning.seconds)


def _paid(repository: Repository) -> Iterator[Paid]:
    replies = repository.state_dir / _REPLIES
    for path in (repository.state_dir / _COSTS).glob("*.json"):
        if _is_held(replies / f"{path.stem}.lock"):
            continue
        with contextlib.suppress(OSError, ValueError, documents.BadDocument):
            fields = documents.parse(own_files.read_bytes(path), "planning")
            calls = documents.sequence(fields, "calls")
            planning = Paid(
                documents.text(fields, "title"),
                tuple({**documents.mapping(call, "call")} for call in calls),
                int(path.stem.partition("-")[0]) // 1_000_000_000,
                (replies / path.name).is_file(),
            )
            planning.usd()
            yield planning


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with localfiles.hold(lock) as is_ours:
        return not is_ours


def _title(task: str) -> str:
    """The beginning of a task, on one line."""
    line = " ".join(task.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _costs(reply: Path) -> Path:
    return reply.parent.parent / _COSTS / reply.name
