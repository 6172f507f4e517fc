"""The bytes of trees and commits: git's own formats, so that both object backends stay tiny."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

TREE_MODE = "40000"
BLOB_MODE = "100644"


class Entry(NamedTuple):
    """One entry of a tree; `mode` as git stores it: 40000 for a tree, 100644 for a file, 160000 for
    a gitlink.
    """

    mode: str
    name: bytes
    oid: str


def tree_entries(data: bytes, oid_length: int) -> list[Entry]:
    """The entries of a tree object; `oid_length` in hexadecimal digits."""
    entries, at, size = [], 0, oid_length // 2
    while at < len(data):
        space = data.index(b" ", at)
        nul = data.index(b"\0", space)
        end = nul + 1 + size
        entries.append(
            Entry(data[at:space].decode("ascii"), data[space + 1 : nul], data[nul + 1 : end].hex())
        )
        at = end
    return entries


def tree_bytes(entries: Iterable[Entry]) -> bytes:
    """A tree object; git sorts a tree's name as if it ended in a slash."""

    def key(entry: Entry) -> bytes:
        return entry.name + b"/" if entry.mode == TREE_MODE else entry.name

    return b"".join(
        entry.mode.encode("ascii") + b" " + entry.name + b"\0" + bytes.fromhex(entry.oid)
        for entry in sorted(entries, key=key)
    )


class CommitObject(NamedTuple):
    """A commit's fields; `author` and `committer` as git stores them: `Name <email> seconds +zone`."""

    tree: str
    parents: tuple[str, ...] = ()
    author: str = ""
    committer: str = ""
    message: str = ""
    extra: tuple[str, ...] = ()


def commit_object(data: bytes) -> CommitObject:
    """The fields of a commit object; a message that is not UTF-8 is read as Latin-1, as git does
    when it must guess.
    """
    head, _, message = data.partition(b"\n\n")
    tree, parents, author, committer, extra = "", [], "", "", []
    for line in head.decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(" ")
        if name == "tree" and not tree:
            tree = value
        elif name == "parent":
            parents.append(value)
        elif name == "author":
            author = value
        elif name == "committer":
            committer = value
        else:
            extra.append(line)
    try:
        text = message.decode("utf-8")
    except UnicodeDecodeError:
        text = message.decode("latin-1")
    return CommitObject(tree, tuple(parents), author, committer, text, tuple(extra))


def commit_bytes(commit: CommitObject) -> bytes:
    """A commit object."""
    lines = [f"tree {commit.tree}", *(f"parent {parent}" for parent in commit.parents)]
    lines += [f"author {commit.author}", f"committer {commit.committer}", *commit.extra]
    return ("\n".join(lines) + "\n\n" + commit.message).encode("utf-8", "surrogateescape")
