"""A checkout in which git was cut off while its branch moved from one commit to another: some files
are new, and the index is old.

Before such a move `in_the_way` finds nothing: no file that git is going to write holds anything of
the user's. So a file that has afterwards what git was going to write there, all of it or its
beginning, was written by git. `put_back` takes it away; the index has what stood there before.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from git_orch import checkpoints, errors
from git_orch.plans import sentences
from git_orch.repo import ask, stale_locks
from git_orch.repo.git import Git
from git_orch.repo.objects import partial
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import untracked
from git_orch.sandbox import trees

_LINK = "120000"
_SUBMODULE = "160000"
_NO_OID = frozenset("0")


class _Entry(NamedTuple):
    """An entry of a tree at a path: its mode and the ID of its blob."""

    mode: str
    oid: str


class _Change(NamedTuple):
    """The entries of two commits at a path; None for a commit that has no entry there."""

    old: _Entry | None
    new: _Entry | None


def in_the_way(git: Git, top: Path, old: str, new: str) -> list[str]:
    """The paths where files that no commit has would be overwritten by a move from `old` to `new`:
    changed ones, and those that git does not track.

    Raises Refused where writing the others takes a filter that only the repository has. A partial
    clone has what is to be written afterwards.
    """
    listed = git.run(
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=no",
        "--ignore-submodules=all",
    )
    changed = {entry[3:] for entry in ask.names(listed) if entry[1] not in " D"}
    going = set(ask.changed_paths(git, old, new))
    written = ask.changed_paths(git, old, new, deleted=False)
    refuse_filters(git, new, written)
    partial.complete_merge(git, old, new)
    return sorted({*(changed & going), *untracked.in_the_way(git, top, written)})


def refuse_filters(git: Git, commit: str, written: Sequence[str]) -> None:
    """Raises Refused where one of the files of a commit has a filter whose program only the
    repository's own configuration names: git would run it outside of any sandbox, or write the file
    as it is stored.
    """
    programs = (".clean", ".smudge", ".process")
    names = [name for name in git.outvoted() if name.endswith(programs)]
    outvoted = [name for name in names if name.startswith("filter.")]
    filters = {name.removeprefix("filter.").rpartition(".")[0] for name in outvoted}
    if not filters or not written:
        return
    with tempfile.TemporaryDirectory(prefix="git-orch-") as directory:
        variables = {"GIT_INDEX_FILE": os.path.join(directory, "index")}
        git.run("read-tree", commit, variables=variables)
        asked = ("check-attr", "--cached", "-z", "--stdin", "filter")
        listed = ask.names(git.run(*asked, stdin=ask.input_of(written), variables=variables))
    for path, name in zip(listed[::3], listed[2::3], strict=False):
        if name in filters:
            raise errors.Refused(
                f"{sentences.quoted(path)} has the filter '{name}', "
                "and its program is named by the repository's "
                "own configuration only",
                f"git config --local --get-regexp {shlex.quote(f'^filter[.]{name}[.]')}  # if you "
                "trust it: the same with git config --global",
            )


def put_back(repository: Repository, git: Git, ref: str, old: str, new: str) -> bool:
    """Bring index and files from wherever a cut-off move to `new` left them back to `old`; whether
    there was anything to do. What is neither is the user's, and stays.

    Raises Busy for a lock that somebody may hold, or of which nobody can tell.
    """
    _free(repository, git, ref)
    top = git.work_tree or git.git_dir
    changes = _changes(git, old, new)
    if changes and not changes.keys() & set(_staged(git, new)):  # only the branch did not move
        git.run("read-tree", "-m", "-u", new, old)
        return True
    staged = set(_staged(git, old))
    dirty = set(ask.names(git.run("diff-files", "--name-only", "-z", "--ignore-submodules")))
    asked = {
        path: change
        for path, change in changes.items()
        if path not in staged and (change.old is None or path in dirty)
    }
    written = _written_by_git(git, top, asked)
    for path in written:
        _take_away(top, path)
    missing = [
        path
        for path, change in asked.items()
        if change.old is not None and not os.path.lexists(top / path)
    ]
    if missing:
        git.run("checkout-index", "-u", "-z", "--stdin", stdin=ask.input_of(missing))
    return bool(written or missing)


def _free(repository: Repository, git: Git, ref: str) -> None:
    """Take away what the killed git has locked."""
    stale_locks.of_worktree(repository, git.git_dir, ref)
    for lock in stale_locks.in_worktree(repository, git.git_dir, ref):
        if lock.exists():
            aside = trees.free_name(f"{git.git_dir / lock.name}.aside")
            raise errors.Busy(
                f"{sentences.quoted(lock)} is there since "
                "git was cut off, or another git works there",
                f"{shlex.join(('mv', str(lock), aside))}  # if no git runs, and give the command again",
            )


def _changes(git: Git, old: str, new: str) -> dict[str, _Change]:
    """The changes between two commits, except those of submodules."""
    look = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new)
    fields = ask.names(git.run(*look))
    changes: dict[str, _Change] = {}
    for raw, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old_oid, new_oid, _ = raw.removeprefix(":").split(" ")
        if _SUBMODULE not in (old_mode, new_mode):
            changes[path] = _Change(_entry(old_mode, old_oid), _entry(new_mode, new_oid))
    return changes


def _entry(mode: str, oid: str) -> _Entry | None:
    return None if set(oid) <= _NO_OID else _Entry(mode, oid)


def _staged(git: Git, commit: str) -> list[str]:
    """The paths at which the index has something else than a commit."""
    return ask.names(
        git.run("diff-index", "--cached", "--name-only", "-z", "--no-renames", commit, "--")
    )


def _written_by_git(git: Git, top: Path, changes: Mapping[str, _Change]) -> list[str]:
    """The paths whose file git has written, or begun to write: the new one, or the old one again
    when it was cut off as it was put back.
    """
    there = [path for path in changes if _is_file(top, path)]
    oids = _blob_ids(git, top, there)
    overwritten = []
    for path in there:
        change = changes[path]
        if change.new is not None and oids.get(path) == change.new.oid:
            overwritten.append(path)
        elif change.old is None or oids.get(path) != change.old.oid:
            content = _content(top / path)
            if any(_begins(git, path, entry, content) for entry in change if entry is not None):
                overwritten.append(path)
    return overwritten


def _is_file(top: Path, path: str) -> bool:
    """Whether a file or a link is at a path, and no link of the user's leads there."""
    if any((top / directory).is_symlink() for directory in _above(path)):
        return False
    return (top / path).is_file() or (top / path).is_symlink()


def _blob_ids(git: Git, top: Path, paths: Sequence[str]) -> dict[str, str]:
    """The ID that the file at each path would have as a blob, for paths that a line can hold."""
    asked = [
        path
        for path in paths
        if not (top / path).is_symlink() and "\n" not in path and not path.startswith('"')
    ]
    if not asked:
        return {}
    lines = "".join(f"{path}\n" for path in asked).encode("utf-8", "surrogateescape")
    oids = git.run("hash-object", "--stdin-paths", stdin=lines).decode("ascii").split()
    return dict(zip(asked, oids, strict=True))


def _content(path: Path) -> bytes:
    return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()


def _begins(git: Git, path: str, entry: _Entry, content: bytes) -> bool:
    """Whether the content is what git writes for an entry, or the beginning of it."""
    if entry.mode == _LINK:
        return git.run("cat-file", "blob", entry.oid) == content
    return git.run("cat-file", "--filters", f"--path={path}", entry.oid).startswith(content)


def _take_away(top: Path, path: str) -> None:
    """Remove a file, and the directories above it that are empty then."""
    with checkpoints.around("take away file", path):
        (top / path).unlink()
    for directory in _above(path):
        try:
            (top / directory).rmdir()
        except OSError:  # something else is in it
            return


def _above(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
