"""Summaries: the lines of `ls` and `status` for every plan, in a local file, so that thousands of
logs are not read each time.

The file is disposable and for display alone: nothing is decided by it. What it has of a plan holds
while the log, the branch and, where that one counts, the base are what it was made from. A file
that is damaged, of another version, another user's, or was made in another place is none.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, NamedTuple

from git_orch import __version__, errors
from git_orch.repo import localfiles, own_files, refs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_orch.plans.document import Document
    from git_orch.repo.refs import Listing, PlanRefs
    from git_orch.repo.repository import Repository

FORMAT = 9  # another one where the same plan is shown in other words
_NAME = "summaries"
_LARGEST = 64 << 20  # bytes; 10,000 plans take three million
_MOST_BASES = 200  # refs that are looked at beside those of plans


class Key(NamedTuple):
    """The sources of a summary: the IDs of log and branch and, with `base_ref`, of that ref."""

    log: str | None
    branch: str | None
    base_ref: str | None = None
    base: str | None = None

    def fits(self, values: PlanRefs, listing: Listing) -> bool:
        """Whether these are the refs of the plan now."""
        if self.log != values.log or self.branch != values.branch:
            return False
        return self.base_ref is None or self.base == listing.others.get(self.base_ref)


class Remembered(NamedTuple):
    """The summary of a plan, a JSON value, with its sources."""

    key: Key
    value: object


class Summaries(NamedTuple):
    """The line of each plan in a list, and the whole of those that were shown alone last."""

    lines: Mapping[str, Remembered] = {}
    wholes: Mapping[str, Remembered] = {}

    def base_refs(self) -> list[str]:
        """The refs beside those of plans that summaries were made from."""
        every = (*self.lines.values(), *self.wholes.values())
        names = {each.key.base_ref for each in every}
        return sorted(name for name in names if name is not None and refs.is_plain(name))[
            :_MOST_BASES
        ]


def read(repository: Repository) -> Summaries:
    """The summaries of a repository; none where there is no file that holds."""
    directory = _directory(repository)
    try:
        data = own_files.read(directory, (_NAME,), _LARGEST, private=True)
        document = json.loads(data or b"")
        return _summaries(document, _head(directory))
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        own_files.NotOurs,
    ):
        return Summaries()  # whatever is wrong with it, it is made anew


def write(repository: Repository, summaries: Summaries) -> None:
    """Keep the summaries; where the system refuses, nothing is lost but time."""
    parts = {
        name: {plan: [*summary.key, summary.value] for plan, summary in part.items()}
        for name, part in summaries._asdict().items()
    }
    with contextlib.suppress(errors.UnfitRepository, own_files.NotOurs, OSError):
        if _is_shallow(repository):
            return  # what is above the cut may come, and no ref moves then
        path = repository.state_dir / _NAME
        content = _head(_directory(repository)) | parts
        localfiles.write(path, json.dumps(content, separators=(",", ":")).encode(), synced=False)


def _directory(repository: Repository) -> str:
    return repository.state_path


def _is_shallow(repository: Repository) -> bool:
    return os.path.exists(os.path.join(repository.directories.common_dir, "shallow"))


def _head(directory: str) -> Document:
    """The beginning of a file: an unpacked or copied repository has another inode."""
    place = os.stat(directory)
    return {
        "format": FORMAT,
        "version": __version__,
        "place": [place.st_dev, place.st_ino],
    }


def _summaries(document: Document, head: Document) -> Summaries:
    """Raises ValueError, TypeError, KeyError and AttributeError for what is not a file of ours."""
    if any(document[name] != value for name, value in head.items()):
        return Summaries()
    return Summaries(_part(document["lines"]), _part(document["wholes"]))


def _part(part: object) -> dict[str, Remembered]:
    if not isinstance(part, dict):
        raise TypeError
    return {
        plan: Remembered(Key(log, branch, base_ref, base), value)
        for plan, (log, branch, base_ref, base, value) in part.items()
    }
