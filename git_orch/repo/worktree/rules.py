"""Rules of git that are in files: which attributes convert what git stores and what it checks out.

This reader matches more paths than git does, and never fewer.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.repo.worktree import gate, gitview
from git_orch.sandbox.files import PathRefused, Tree

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository
    from git_orch.repo.worktree.gate import Change

_CONVERTING = frozenset({"filter", "ident", "working-tree-encoding"})
_ENDINGS = frozenset({"text", "crlf", "eol"})
_CONVERTS = ("true", "yes", "on", "1", "input", "")  # values of core.autocrlf
_SHA1_DIGITS = 40
# git asks for the one of its own prefix: of Debian, of /usr/local, of Homebrew.
_SYSTEM_ATTRIBUTES = tuple(
    Path(prefix, "etc/gitattributes") for prefix in ("/", "/usr/local", "/opt/homebrew")
)
_MACRO = "[attr]"
ATTRIBUTES = ".gitattributes"
_LARGEST = 1 << 20  # bytes of a file with attributes


def attributes_outside(repository: Repository) -> list[Path | None]:
    """The files with attributes that are in no tree."""
    theirs = gitview.user_files(repository).get("core.attributesfile")
    return [theirs, repository.common_dir / "info" / "attributes", *_SYSTEM_ATTRIBUTES]


def read(files: Iterable[Path | None]) -> Iterator[bytes]:
    """The contents of those files that are there."""
    for file in files:
        if file is not None and file.is_file():
            yield file.read_bytes()


def lines(texts: Iterable[bytes]) -> list[str]:
    """The rules in files of rules: no comments, no blank lines."""
    plain = (text.removeprefix(codecs.BOM_UTF8) for text in texts)
    split = b"\n".join(plain).decode("utf-8", "surrogateescape").splitlines()
    return [line.strip() for line in split if line.strip() and not line.startswith("#")]


def patterns_that_convert(attributes: Sequence[str]) -> Iterator[str]:
    """The patterns of attributes that change what is stored; line endings only matter to files that
    hold a carriage return.
    """
    return _patterns(attributes, lambda word: _attribute(word) in _CONVERTING)


def _patterns(attributes: Sequence[str], converts: Callable[[str], bool]) -> Iterator[str]:
    """The patterns of lines with a word that `converts`, or with a macro that stands for one."""
    split = [line.removeprefix(_MACRO).split() for line in attributes if line.startswith(_MACRO)]
    macros = [(words[0], words[1:]) for words in split if words]
    names = {name for name, words in macros if any(map(converts, words))}
    # A macro stands for attributes, and may stand for other macros, also for later ones.
    while more := {name for name, words in macros if names & set(map(_attribute, words))} - names:
        names |= more
    for line in attributes:
        pattern, *words = line.split()
        if line.startswith(_MACRO):
            continue
        if any(converts(word) or _attribute(word) in names for word in words):
            yield "*" if pattern.startswith('"') else pattern


def _attribute(word: str) -> str:
    return word.lstrip("-!").partition("=")[0]


def may_match(pattern: str, candidates: Iterable[str]) -> bool:
    """Whether a pattern could match one of the paths: all that it says literally is in the path, up
    to where it gets complicated.
    """
    plain = re.split(r"[\[\\]", pattern.strip("/"), maxsplit=1)[0]
    pieces = [piece for piece in re.split(r"[*?]+", plain) if piece]
    return any(all(piece in f"/{path}" for piece in pieces) for path in candidates)


# -- what a checkout makes otherwise ---------------------------------------------------------------


def converted(repository: Repository, top: Path, changes: Sequence[Change]) -> tuple[str, ...]:
    """The changed files of a worktree that a checkout of them may write with other bytes."""
    tree, paths = Tree(top), list[str]()
    named = [change.path.split("/") for change in changes]
    above = {
        "/".join((*names[:length], ATTRIBUTES)) for names in named for length in range(len(names))
    }
    attributes = lines([*read(attributes_outside(repository)), *_in_worktree(tree, above)])
    settings = dict(repository.settings)
    always = (
        settings.get("core.autocrlf", "false") in _CONVERTS or settings.get("core.eol") == "crlf"
    )
    storing = ["*"] if always else list(_patterns(attributes, _converts))
    if not storing:
        return ()
    writing = ["*"] if always else list(_patterns(attributes, _converts_on_checkout))
    for change in changes:
        if change.mode not in (gate.FILE, gate.EXECUTABLE) or not _may_match_one(
            storing, change.path
        ):
            continue
        if _may_match_one(writing, change.path) or not _holds(tree, change.path, change.oid):
            paths.append(change.path)
    return tuple(paths)


def _in_worktree(tree: Tree, paths: Iterable[str]) -> Iterator[bytes]:
    """The contents of files with attributes; one that git does not read says nothing."""
    for path in sorted(paths):
        with contextlib.suppress(PathRefused):
            yield tree.read(path, _LARGEST)


def _converts(word: str) -> bool:
    return _attribute(word) in _CONVERTING or _attribute(word) in _ENDINGS


def _converts_on_checkout(word: str) -> bool:
    return _attribute(word) in _CONVERTING or word == "eol=crlf"


def _may_match_one(patterns: Sequence[str], path: str) -> bool:
    return any(may_match(pattern, [path]) for pattern in patterns)


def as_stored(top: Path, changes: Sequence[Change]) -> tuple[str, ...]:
    """The modified files of a worktree that have the very bytes and mode of the blob before: git
    would store them otherwise, and nobody changed them. None where the attributes changed.
    """
    if any(change.path.rpartition("/")[2] == ATTRIBUTES for change in changes):
        return ()
    tree = Tree(top)
    same = [change for change in changes if change.status == "M" and _has_mode(tree, change)]
    return tuple(change.path for change in same if _holds(tree, change.path, change.old_oid))


def _has_mode(tree: Tree, change: Change) -> bool:
    """Whether a plain file has the mode that it had before, in the worktree as well."""
    if change.mode != change.old_mode or change.mode not in (gate.FILE, gate.EXECUTABLE):
        return False
    try:
        executable = bool(tree.mode(change.path) & stat.S_IXUSR)
    except PathRefused:
        return False
    return executable == (change.mode == gate.EXECUTABLE)


def _holds(tree: Tree, path: str, oid: str) -> bool:
    """Whether a file has the bytes of a blob."""
    try:
        data = tree.read(path, gate.LARGEST_FILE)
    except PathRefused:
        return False
    kind = hashlib.sha1 if len(oid) == _SHA1_DIGITS else hashlib.sha256
    return kind(b"blob %d\0" % len(data) + data).hexdigest() == oid
