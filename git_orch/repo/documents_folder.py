"""The directory in the user's worktree that holds exported documents.

Every directory is opened by its name in the one above, from the top of the worktree, and no link is
followed. A file is replaced only while it says what we read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from git_orch import checkpoints, errors
from git_orch.plans import sentences
from git_orch.repo import scopes, settings
from git_orch.repo.repository import Repository, unwritable

DEFAULT = "ai_docs"
LARGEST = 1 << 20  # bytes of a file that is read
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HINT = "git orch docs --out ai_docs"
_GLOB = re.compile(r"([\\*?\[#! ])")


class Unread(NamedTuple):
    """A file that cannot be read, and why."""

    name: str
    problem: str


class DocumentsFolder(NamedTuple):
    """The directory `parts` below the `top` of a worktree."""

    top: str
    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The directory as people type it."""
        return "/".join(self.parts)

    def names(self, folder: str) -> list[str]:
        """The names of the Markdown files in a folder; none where it is missing. Raises Refused."""
        with contextlib.suppress(FileNotFoundError), self._opened(folder, make=False) as directory:
            return sorted(name for name in os.listdir(directory) if name.endswith(".md"))
        return []

    def others(self, folder: str) -> list[str]:
        """The names of what is no Markdown file in a folder, those of directories with `/` at the end;
        hidden ones are left out. Raises Refused.
        """
        with (
            contextlib.suppress(FileNotFoundError),
            self._opened(folder, make=False) as directory,
            os.scandir(directory) as entries,
        ):
            return sorted(
                f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry in entries
                if not entry.name.startswith(".") and not _is_document(entry)
            )
        return []

    def is_there(self, folder: str) -> bool:
        """Whether there is such a folder. Raises Refused."""
        with contextlib.suppress(FileNotFoundError), self._opened(folder, make=False):
            return True
        return False

    def read(self, folder: str, name: str) -> str | Unread | None:
        """The text of a file, with its own line ends; None where it is missing. Raises Refused."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            with self._opened(folder, make=False) as directory:
                descriptor = os.open(name, flags, dir_fd=directory)
        except FileNotFoundError:
            return None
        except OSError as failed:
            return Unread(name, "is a link" if _is_loop(failed) else f"{failed.strerror}")
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):  # a directory, of which Python makes no file
            os.close(descriptor)
            return Unread(name, "is not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            if facts.st_size > LARGEST:
                return Unread(name, f"is larger than {LARGEST >> 10} KiB")
            try:
                return file.read(LARGEST).decode("utf-8")
            except UnicodeDecodeError:
                return Unread(name, "is not UTF-8")

    def write(self, folder: str, name: str, text: str, old: str | None) -> bool:
        """Write a file that appears whole in the place of one that says `old` (None: of none); False
        where somebody changed it meanwhile. Raises Refused, UnfitRepository.
        """
        path = os.path.join(self.top, *self.parts, folder, name)
        beside = f".{name[:100]}.{os.urandom(4).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with self._opened(folder, make=True) as directory:
                descriptor = os.open(beside, flags, 0o666, dir_fd=directory)
                try:
                    with os.fdopen(descriptor, "wb") as file:
                        file.write(text.encode("utf-8"))
                    with checkpoints.around("write file", path):
                        return self._put(folder, name, beside, directory, old)
                finally:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(beside, dir_fd=directory)
        except OSError as failed:
            raise unwritable(failed, Path(path)) from failed

    def _put(self, folder: str, name: str, beside: str, directory: int, old: str | None) -> bool:
        if old is None:
            try:
                os.link(beside, name, src_dir_fd=directory, dst_dir_fd=directory)
            except FileExistsError:
                return False
            return True
        if self.read(folder, name) != old:
            return False
        os.rename(beside, name, src_dir_fd=directory, dst_dir_fd=directory)
        return True

    @contextlib.contextmanager
    def _opened(self, folder: str, *, make: bool) -> Iterator[int]:
        descriptor = os.open(self.top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        place = self.top
        try:
            for part in (*self.parts, folder):
                place = os.path.join(place, part)
                below = _open_directory(part, descriptor, place, make=make)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)


def _is_document(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".md") and not entry.is_dir(follow_symlinks=False)


def _open_directory(name: str, parent: int, place: str, *, make: bool) -> int:
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=parent)
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as failed:
        raise errors.Refused(
            f"{sentences.quoted(place)} is a link or no directory: no document goes there", _HINT
        ) from failed


def _is_loop(failed: OSError) -> bool:
    return failed.errno in (errno.ELOOP, errno.EMLINK)


def of_user(repository: Repository, typed: str | None) -> DocumentsFolder:
    """The directory that was typed, else that of OTK_ARTIFACT_ROOT, of orch.docsDir, or ai_docs.
    Raises UnfitRepository without a worktree, and Refused for one outside of it.
    """
    if repository.top is None:
        raise errors.UnfitRepository("a bare repository has no files", "git worktree add ../tree")
    source = "--out"
    if typed is None:
        source, typed = "OTK_ARTIFACT_ROOT", os.environ.get("OTK_ARTIFACT_ROOT") or None
    if typed is None:
        source, typed = "orch.docsDir", settings.of_user(repository).docsDir
    return DocumentsFolder(os.fspath(repository.top), _parts(repository.top, typed, source))


def _parts(top: str | os.PathLike[str], typed: str, source: str) -> tuple[str, ...]:
    """The names that lead from the top of the worktree to a directory below it."""
    path = os.path.expanduser(typed)
    if os.path.isabs(path):
        path = os.path.relpath(path, os.path.realpath(top))
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    what = f"{source} is {sentences.quoted(typed)}"
    if not parts or ".." in parts or "\0" in path or "\n" in path:
        raise errors.Refused(f"{what}, which is no directory below the worktree's top", _HINT)
    if any(part.casefold().rstrip(" .") in (".git", "git~1") for part in parts):
        raise errors.Refused(f"{what}, which is inside of .git", _HINT)
    return parts


def exclude(repository: Repository, folder: DocumentsFolder) -> None:
    """Have git leave the directory out of `git status`, by a line in info/exclude. Raises
    UnfitRepository, and Refused where that is a link to a file without the line.
    """
    pattern = _GLOB.sub(r"\\\1", folder.name)
    line = f"/{pattern}/".encode()
    path = repository.common_dir / "info" / "exclude"
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    if line in (scopes.contents(os.fspath(path)) or b"").split(b"\n"):
        return
    if path.is_symlink():
        raise errors.Refused(
            f"{sentences.quoted(path)} is a link, and has no line for {sentences.quoted(folder.name)}",
            f"echo {shlex.quote(line.decode())} >> {shlex.quote(os.fspath(path))}",
        )
    try:
        path.parent.mkdir(exist_ok=True)
        with os.fdopen(os.open(path, flags, 0o666), "r+b") as file:
            there = file.read()
            with checkpoints.around("write file", path):
                file.write(b"" if not there or there.endswith(b"\n") else b"\n")
                file.write(line + b"\n")
    except OSError as failed:
        raise unwritable(failed, path) from failed


def memory(repository: Repository, folder: DocumentsFolder) -> Path:
    """Where this machine remembers what it wrote to a directory."""
    import hashlib

    path = "/".join((folder.top, *folder.parts))
    folder_id = hashlib.sha256(path.encode("utf-8", "surrogateescape"))
    return repository.state_dir / "documents" / folder_id.hexdigest()[:16]


def is_in_use(repository: Repository, folder: DocumentsFolder) -> bool:
    """Whether this machine has exported documents to a directory that is still there."""
    path = Path(folder.top, *folder.parts)
    return path.is_dir() and memory(repository, folder).is_dir()
