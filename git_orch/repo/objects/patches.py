"""The changes of a commit as text, as long as somebody may want to read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.repo.objects import partial

if TYPE_CHECKING:
    from git_orch.repo.git import Git

_FILE = re.compile(rb"(\d+|-)\t(\d+|-)\t(.*)")


class ChangedFile(NamedTuple):
    """A file with the numbers of its added and removed lines; of a binary one they are None."""

    path: str
    added: int | None
    removed: int | None


class Patch(NamedTuple):
    """The changed files and the `text` of a diff, which may be `cut`; else `problem` says why it
    cannot be read.
    """

    files: tuple[ChangedFile, ...] = ()
    text: str = ""
    cut: bool = False
    problem: str | None = None


def read(git: Git, old: str | None, new: str, most: int) -> Patch:
    """The changes from one commit to another, of which no more than `most` bytes are read; None is
    the empty tree.
    """
    trees = [old, new] if old is not None else [new]
    options = ("-r", "--root", "--no-commit-id", "--no-ext-diff", "--no-textconv")
    try:
        if old is not None:
            partial.complete_merge(git, old, new)
        with git.session("diff-tree", *options, "--numstat", "--patch", *trees) as session:
            data = session.read_to_end(most + 1)
            status = session.close().status
    except (errors.OrchError, TimeoutError) as failed:
        return Patch(problem=str(failed))
    if len(data) <= most and status:
        return Patch(problem="git cannot read the commits")
    return _parsed(data[:most], cut=len(data) > most)


def _parsed(data: bytes, *, cut: bool) -> Patch:
    listed, _, text = data.partition(b"\n\n")
    files = [_file(match) for line in listed.split(b"\n") if (match := _FILE.fullmatch(line))]
    return Patch(tuple(files), text.decode("utf-8", "replace"), cut)


def _file(match: re.Match[bytes]) -> ChangedFile:
    added, removed = (None if number == b"-" else int(number) for number in match.groups()[:2])
    return ChangedFile(match[3].decode("utf-8", "replace"), added, removed)
