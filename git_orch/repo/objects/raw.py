"""The bytes of trees and commits: git's own formats, so that both object backends stay tiny."""

from __future__ import annotations

import codecs
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
    """The fields of a commit object. A message is in the encoding that the commit names; one that is
    not in it is read as Latin-1, as git does when it must guess.
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
        text = message.decode(_codec(head))
    except UnicodeDecodeError:
        text = message.decode("latin-1")
    return CommitObject(tree, tuple(parents), author, committer, text, tuple(extra))


def commit_bytes(commit: CommitObject) -> bytes:
    """A commit object."""
    lines = [f"tree {commit.tree}", *(f"parent {parent}" for parent in commit.parents)]
    lines += [f"author {commit.author}", f"committer {commit.committer}", *commit.extra]
    return ("\n".join(lines) + "\n\n" + commit.message).encode("utf-8", "surrogateescape")


class Original(NamedTuple):
    """What a commit keeps, byte for byte, where it is made again with another tree or parent;
    `encoding` is what it says of its texts, empty for UTF-8.
    """

    author: bytes
    encoding: str
    message: bytes

    def bytes_of(self, tree: str, parents: Iterable[str], committer: str) -> bytes:
        """The commit object. Its committer is written as the commit says, where that is possible."""
        try:
            committed = committer.encode(self.encoding or "utf-8", "surrogateescape")
        except (LookupError, UnicodeEncodeError):
            committed = committer.encode("utf-8", "surrogateescape")
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        head = [line.encode("ascii") for line in lines]
        head += [b"author " + self.author, b"committer " + committed]
        if self.encoding:
            head.append(b"encoding " + self.encoding.encode("utf-8", "surrogateescape"))
        return b"\n".join(head) + b"\n\n" + self.message


def original(data: bytes) -> Original:
    """What is to be kept of a commit object."""
    head, _, message = data.partition(b"\n\n")
    encoding = _header(head, b"encoding").decode("utf-8", "surrogateescape")
    return Original(_header(head, b"author"), encoding, message)


def _header(head: bytes, name: bytes) -> bytes:
    lines = (line.partition(b" ") for line in head.split(b"\n"))
    return next((value for key, _, value in lines if key == name), b"")


def _codec(head: bytes) -> str:
    """The name of Python's codec for the encoding that a commit names."""
    named = _header(head, b"encoding").decode("ascii", "replace")
    try:
        codecs.lookup(named or "utf-8")
    except LookupError:
        return "utf-8"
    return named or "utf-8"
