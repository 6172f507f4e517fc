"""The files of a worktree, for tools that a model directs: no path, link or special file leads out
of it.

Every access walks from the root by directory descriptors without following links, so that a command
that swaps a directory for a link at the same time wins nothing. Links that stay inside are resolved
here, not by the kernel.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Literal

from git_orch import errors
from git_orch.plans import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

Kind = Literal["file", "directory", "link", "other", "absent"]

NOT_FOUND = "NOT_FOUND"
NOT_REGULAR = "NOT_REGULAR"
NOT_PERMITTED = "NOT_PERMITTED"
TOO_LARGE = "TOO_LARGE"
IN_SUBMODULE = "IN_SUBMODULE"

_MOST_LINKS = 40  # what Linux follows in one path
_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATED = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_CAUSES = {
    paths.PATH_INVALID: "path {} is not a file name",
    paths.PATH_OUTSIDE: "path {} leads out of the worktree",
    paths.PATH_GIT_CONTROL: "path {} belongs to git",
    NOT_FOUND: "path {} does not exist",
    NOT_REGULAR: "path {} is not a regular file",
    NOT_PERMITTED: "path {} may not be accessed",
    TOO_LARGE: "file {} is larger than the limit",
    IN_SUBMODULE: "path {} is in a submodule: no commit here would have it",
}
_HINTS = {
    paths.PATH_GIT_CONTROL: "change files of the project only; git-orch makes the commits",
    TOO_LARGE: "read a part of it with a command such as 'head -c 10000'",
    IN_SUBMODULE: "change it in the submodule's own repository",
}
_HINT = "name a regular file inside the worktree, such as 'src/main.py'"
_CODES = {
    errno.ENOENT: NOT_FOUND,
    errno.ENOTDIR: NOT_REGULAR,
    errno.EISDIR: NOT_REGULAR,
    errno.ELOOP: NOT_REGULAR,
    errno.ENXIO: NOT_REGULAR,
    errno.EACCES: NOT_PERMITTED,
    errno.EPERM: NOT_PERMITTED,
    errno.ENAMETOOLONG: paths.PATH_INVALID,
}


class PathRefused(errors.Refused):
    """A path that a file tool does not touch; `code` is stable: PATH_..., NOT_FOUND, NOT_REGULAR,
    TOO_LARGE ...
    """

    def __init__(self, code: str, path: str) -> None:
        super().__init__(_CAUSES[code].format(repr(path[:200])), _HINTS.get(code, _HINT))
        self.code = code
        self.path = path


class Tree:
    """The files below `root`. All paths are relative to it, with '/' between names. In the
    directories `closed` nothing is written.
    """

    def __init__(self, root: Path, closed: Iterable[str] = ()) -> None:
        self._root = os.path.realpath(root)
        self._closed = tuple(os.path.join(self._root, path, "") for path in closed)

    def read(self, path: str, limit: int) -> bytes:
        """A whole regular file of at most `limit` bytes. Raises PathRefused."""
        with self._place(path) as (directory, name):
            if not stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                raise PathRefused(NOT_REGULAR, path)
            with _open(name, _READ, directory) as file:
                status = os.fstat(file)
                if not stat.S_ISREG(status.st_mode):
                    raise PathRefused(NOT_REGULAR, path)
                if status.st_size > limit:
                    raise PathRefused(TOO_LARGE, path)
                return self._read_bytes(file, path, limit)

    @staticmethod
    def _read_bytes(file: int, path: str, limit: int) -> bytes:
        data = bytearray()
        while chunk := os.read(file, min(limit + 1 - len(data), 1 << 20)):
            data += chunk
            if len(data) > limit:  # it grows while we read
                raise PathRefused(TOO_LARGE, path)
        return bytes(data)

    def write(self, path: str, data: bytes, *, executable: bool | None = None) -> None:
        """Replace or create a regular file; it appears whole. None keeps its mode. Raises
        PathRefused.
        """
        self._refuse_closed(path)
        with self._place(path, create=True) as (directory, name):
            old = _mode(name, directory)
            if old is not None and not stat.S_ISREG(old):
                raise PathRefused(NOT_REGULAR, path)
            # Not synced: a worktree is made again from git after a power cut.
            beside = f".orch-{os.urandom(8).hex()}"
            try:
                with _open(beside, _CREATED, directory, 0o777 if executable else 0o666) as file:
                    _write(file, data)
                    if old is not None:
                        os.fchmod(file, _new_mode(old, executable=executable))
                os.rename(beside, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=directory)
                raise

    def delete(self, path: str) -> None:
        """Remove a file or a link, and the directories that have nothing else, as git does. Raises
        PathRefused.
        """
        self._refuse_closed(path)
        with self._place(path, follow=False) as (directory, name):
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                raise PathRefused(NOT_REGULAR, path)
            os.unlink(name, dir_fd=directory)
        above = path.rpartition("/")[0]
        with contextlib.suppress(OSError, PathRefused):  # the first that has more in it
            while above:
                with self._place(above, follow=False) as (directory, name):
                    os.rmdir(name, dir_fd=directory)
                above = above.rpartition("/")[0]

    def _refuse_closed(self, path: str) -> None:
        if self._closed and f"{os.path.realpath(os.path.join(self._root, path))}/".startswith(
            self._closed
        ):
            raise PathRefused(IN_SUBMODULE, path)

    def mode(self, path: str) -> int:
        """The mode of a regular file, a link not followed. Raises PathRefused."""
        with self._place(path, follow=False) as (directory, name):
            mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode):
                raise PathRefused(NOT_REGULAR, path)
            return mode

    def kind(self, path: str) -> Kind:
        """The kind of the file at `path`; no link is followed. Raises PathRefused for a path that
        may not be named.
        """
        try:
            with self._place(path, follow=False) as (directory, name):
                mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        except PathRefused as refused:
            # NOT_REGULAR: a file or a loop of links in place of a parent.
            if refused.code in (NOT_FOUND, NOT_REGULAR):
                return "absent"
            raise
        return _kind(mode)

    def listing(self, prefix: str = "", stopped: Callable[[], bool] | None = None) -> Iterator[str]:
        """Paths of the regular files below a directory in git's order, links and git's own
        directory left out. It ends early when `stopped` says so: there may be directories without
        end and without a file.

        Raises PathRefused when `prefix` is no directory.
        """
        start = "/".join(paths.parts(prefix)) if not prefix.startswith("/") else prefix
        waiting = [f"{start}/{name}" if start else name for name in self._names(start)]
        while waiting:
            path = waiting.pop()
            if not path.endswith("/"):
                yield path
                continue
            if stopped is not None and stopped():
                return
            with contextlib.suppress(PathRefused):  # it went away, or is a link by now
                waiting += [path + name for name in self._names(path[:-1])]

    def _names(self, path: str) -> list[str]:
        """The names in a directory, directories with a slash at the end, last first."""
        with self._directory(path) as directory, os.scandir(directory) as entries:
            names = [
                entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "")
                for entry in entries
                if paths.problem(entry.name) is None
                and (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False))
            ]
        return sorted(names, reverse=True)

    @contextlib.contextmanager
    def _directory(self, path: str) -> Iterator[int]:
        if not path:
            with _open(self._root, _LISTED) as root:
                yield root
            return
        with self._place(path) as (parent, name), _open(name, _LISTED, parent) as directory:
            yield directory

    @contextlib.contextmanager
    def _place(
        self, path: str, *, create: bool = False, follow: bool = True
    ) -> Iterator[tuple[int, str]]:
        """The directory of `path` and the name in it, after all links. Errors of the system become
        PathRefused.
        """
        code = paths.problem(path)
        if code is not None:
            raise PathRefused(code, path)
        walk = _Walk(self._root, path, create=create)
        try:
            name = walk.arrive(follow=follow)
            yield walk.directory, name
        except OSError as error:
            if error.errno not in _CODES:
                raise
            raise PathRefused(_CODES[error.errno], path) from error
        finally:
            os.close(walk.directory)


class _Walk:
    """One way down from the root: the `directory` that is open now, and the names that are left."""

    def __init__(self, root: str, path: str, *, create: bool) -> None:
        self._root = root
        self._path = path
        self._create = create
        self._passed: list[str] = []
        self._left = list(paths.parts(path))
        self._links = 0
        self.directory = os.open(root, _DIRECTORY)

    def arrive(self, *, follow: bool) -> str:
        """Walk to the last directory; gives the last name, which is no link if `follow` is set."""
        while self._left:
            name = self._left.pop(0)
            if name == "..":
                self._go_up()
            elif (target := self._link(name)) is not None and (follow or self._left):
                self._splice(target)
            elif not self._left:
                return name
            else:
                self._enter(name)
        raise PathRefused(NOT_REGULAR, self._path)  # a link to a directory above

    def _link(self, name: str) -> str | None:
        try:
            return os.readlink(name, dir_fd=self.directory)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):  # no link
                return None
            raise

    def _splice(self, target: str) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise PathRefused(NOT_REGULAR, self._path)
        if os.path.isabs(target):
            raise PathRefused(paths.PATH_OUTSIDE, self._path)
        names = paths.parts(target)
        if any(paths.is_control_directory(name) for name in names):
            raise PathRefused(paths.PATH_GIT_CONTROL, self._path)
        self._left[:0] = names

    def _go_up(self) -> None:
        """Start again one level higher: '..' of a descriptor would leave the tree if somebody moved
        the directory.
        """
        if not self._passed:
            raise PathRefused(paths.PATH_OUTSIDE, self._path)
        self._left[:0] = self._passed[:-1]
        self._passed.clear()
        self._replace(os.open(self._root, _DIRECTORY))

    def _enter(self, name: str) -> None:
        try:
            inner = os.open(name, _DIRECTORY, dir_fd=self.directory)
        except FileNotFoundError:
            if not self._create:
                raise
            with contextlib.suppress(FileExistsError):  # somebody else made it
                os.mkdir(name, dir_fd=self.directory)
            inner = os.open(name, _DIRECTORY, dir_fd=self.directory)
        self._passed.append(name)
        self._replace(inner)

    def _replace(self, directory: int) -> None:
        os.close(self.directory)
        self.directory = directory


@contextlib.contextmanager
def _open(name: str, flags: int, directory: int | None = None, mode: int = 0o666) -> Iterator[int]:
    descriptor = os.open(name, flags, mode, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _mode(name: str, directory: int) -> int | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


def _new_mode(old: int, *, executable: bool | None) -> int:
    mode = stat.S_IMODE(old) & 0o777
    if executable is None:
        return mode
    return mode | ((mode & 0o444) >> 2) if executable else mode & ~0o111


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"
