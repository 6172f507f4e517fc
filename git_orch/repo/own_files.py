"""Files that git-orch believes: they, and the directories they are in, belong to this user and are
closed to others, as ssh(1) wants it of its own.

Each is opened by its name in a directory that was opened and looked at before, and no link is
followed. Above git-orch's own directory a link of the user's own, or of root's, is.

In the directory that those who share a repository have in common (SHARED) whoever may move its refs
may write, too: there owners do not count, and what is made has the modes of the directory.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import stat
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans import sentences
from git_orch.sandbox import private

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SHARED = "orch-shared"  # in a repository: what all who share it have in common
# git-orch's own directories: in a repository, one of each user there, and outside.
_OWN = re.compile(rf"orch(-[0-9]+)?|{SHARED}|git-orch")
_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_LINKS = 40  # as the kernel has it
_NOBODY = 65534  # the owner of what has no owner in a user namespace


class NotOurs(errors.Refused):
    """A file or directory that somebody else could have written, so that nothing in it counts."""


def require(directory: str | Path, names: Sequence[str] = ()) -> None:
    """Raises NotOurs where a directory of git-orch's own, or one below it, is not the user's alone,
    or a link to a directory is in it. One that is not there is fine; one that others can only read is closed to
    them.
    """
    with contextlib.suppress(FileNotFoundError):
        descriptor = _directory_below(os.fspath(directory), names)
        try:
            if os.fstat(descriptor).st_mode & 0o077:
                with contextlib.suppress(OSError):  # a file system that knows no modes
                    os.fchmod(descriptor, 0o700)
            with os.scandir(descriptor) as entries:
                links = [entry.name for entry in entries if entry.is_symlink() and entry.is_dir()]
            if links:
                raise _link(os.path.join(directory, *names, links[0]))
        finally:
            os.close(descriptor)


@functools.cache
def real_path(path: str) -> str:
    """The path without links, of which every directory belongs to the user or to root and nobody
    else can write to it. Raises NotOurs.
    """
    left, current, links = path.split("/")[::-1], "/", 0
    while left:
        name = left.pop()
        if name in ("", ".", ".."):
            current = os.path.dirname(current) if name == ".." else current
            continue
        place = os.path.join(current, name)
        try:
            facts = os.lstat(place)
        except OSError:  # made by us, or not ours to look at: then nothing can be done there
            return os.path.join(place, *left[::-1])
        if stat.S_ISLNK(facts.st_mode):
            links += 1
            if not _is_ours_or_roots(facts) or links > _MOST_LINKS:
                raise _not_ours(place, facts, own=False)
            target = os.readlink(place)
            current = "/" if target.startswith("/") else current
            left += target.split("/")[::-1]
            continue
        if not _is_ours_or_roots(facts):
            raise _not_ours(place, facts, own=False)
        if _others_write(facts):
            raise _open_to_others(place, facts)
        current = place
    return current


def read(
    top: str | Path, names: Sequence[str], most: int, *, private: bool = False
) -> bytes | None:
    """The bytes of a file below `top`, a directory of git-orch's own; None where there is none.
    `private` asks that others cannot read it, too.

    Raises NotOurs, and OSError. A file with more than `most` bytes is not ours.
    """
    try:
        with opened(top, names, os.O_RDONLY, private=private) as descriptor:
            if os.fstat(descriptor).st_size > most:
                path = os.path.join(top, *names)
                raise NotOurs(_about(path, "it is too large"), f"ls -l {_quoted(path)}")
            with os.fdopen(os.dup(descriptor), "rb") as file:
                return file.read(most)
    except FileNotFoundError:
        return None


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a file of git-orch's own. Raises NotOurs, OSError."""
    with (
        opened(*split(path), os.O_RDONLY) as descriptor,
        os.fdopen(os.dup(descriptor), "rb") as file,
    ):
        return file.read()


def open_file(path: str | Path, flags: int) -> int:
    """A descriptor of a file of git-orch's own, which is made with its directories where `flags`
    say so. Raises NotOurs, OSError.
    """
    top, names = split(path)
    if flags & os.O_CREAT:
        make_directories(top, names[:-1])
    with opened(top, names, flags) as descriptor:
        return os.dup(descriptor)


@contextlib.contextmanager
def directory_of(path: str | Path) -> Iterator[int]:
    """A descriptor of the directory that a file of git-orch's own is in, made where it is missing.
    Raises NotOurs, OSError.
    """
    top, names = split(path)
    make_directories(top, names[:-1])
    descriptor = _directory_below(os.fspath(top), names[:-1])
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def split(path: str | Path) -> tuple[str, list[str]]:
    """git-orch's own directory that a file is in, and the names that lead to it from there."""
    names = os.fspath(path).split("/")
    place = next(
        (at for at in range(len(names) - 2, 0, -1) if _OWN.fullmatch(names[at])), len(names) - 2
    )
    return "/".join(names[: place + 1]) or "/", names[place + 1 :]


def append(top: str | Path, names: Sequence[str], data: bytes) -> None:
    """Add bytes to a file below `top`; file and directories are made where they are missing. Raises
    NotOurs, OSError.
    """
    make_directories(top, names[:-1])
    with opened(top, names, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as descriptor:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]


def make_directories(top: str | Path, names: Sequence[str] = ()) -> None:
    """Make `top` and the directories below it, for this user alone; below a shared one, which has
    to be there, for all who have that. Raises OSError.
    """
    if not is_shared(top):
        private.make_directory(os.path.join(top, *names))
        return
    mode = stat.S_IMODE(os.stat(top).st_mode)
    for count in range(1, len(names) + 1):
        with contextlib.suppress(FileExistsError):
            place = os.path.join(top, *names[:count])
            os.mkdir(place)
            os.chmod(place, mode)


def is_shared(path: str | Path) -> bool:
    """Whether a file or directory of git-orch's own is for all who share the repository."""
    return os.path.basename(path) == SHARED or os.path.basename(split(path)[0]) == SHARED


def share(path: str | Path, descriptor: int, directory: int) -> None:
    """Give a new file of git-orch's own in a shared directory the mode that goes with that one."""
    if is_shared(path):
        os.fchmod(descriptor, stat.S_IMODE(os.fstat(directory).st_mode) & 0o666)


@contextlib.contextmanager
def opened(
    top: str | Path, names: Sequence[str], flags: int, *, private: bool = False
) -> Iterator[int]:
    """A descriptor of the regular file below `top`, which belongs to the user; `private` asks that
    others cannot read it. Raises NotOurs, OSError.
    """
    *directories, name = names
    parent = _directory_below(os.fspath(top), directories)
    try:
        path = os.path.join(top, *names)
        descriptor = _open_file(name, parent, path, flags, private=private)
    finally:
        os.close(parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _directory_below(path: str, names: Sequence[str]) -> int:
    """A descriptor of a directory, opened name by name from git-orch's own one."""
    parent = _open_directory(path, None, path)
    for name in names:
        path = os.path.join(path, name)
        try:
            below = _open_directory(name, parent, path)
        finally:
            os.close(parent)
        parent = below
    return parent


def _open_directory(name: str, parent: int | None, path: str) -> int:
    try:
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as failed:
        raise _unopened(path, failed) from failed
    facts = os.fstat(descriptor)
    wrong = _wrong(path, facts, _BY_OTHERS)
    if wrong is not None:
        os.close(descriptor)
        raise wrong
    return descriptor


def _open_file(name: str, parent: int, path: str, flags: int, *, private: bool) -> int:
    try:
        descriptor = os.open(name, flags | _FILE, 0o600, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as failed:
        raise _unopened(path, failed) from failed
    if flags & os.O_CREAT and os.fstat(descriptor).st_uid == os.geteuid():
        share(path, descriptor, parent)
    facts = os.fstat(descriptor)
    wrong = _wrong(path, facts, 0o077 if private else _BY_OTHERS)
    if wrong is None and not stat.S_ISREG(facts.st_mode):
        wrong = NotOurs(_about(path, "it is not a regular file"), f"ls -l {_quoted(path)}")
    if wrong is not None:
        os.close(descriptor)
        raise wrong
    return descriptor


def move_aside(path: str) -> str:
    """The command that takes a file or link out of git-orch's own directory and loses nothing."""
    from git_orch.sandbox import trees  # not for those whom nothing stops

    top, names = split(path)
    inside = _OWN.fullmatch(os.path.basename(top)) is not None
    place = f"{top}-{names[-1]}" if inside else path
    target = trees.free_name(f"{place}.aside")
    return f"mv {_quoted(path)} {_quoted(target)}  # git-orch makes it anew"


# -- what is wrong ---------------------------------------------------------------------------------


def _wrong(path: str, facts: os.stat_result, closed: int) -> NotOurs | None:
    """What is wrong with a file or directory of git-orch's own: its owner, or its mode, of which
    the bits `closed` have to be off.
    """
    if is_shared(path):
        return None
    if facts.st_uid != os.geteuid():
        return _not_ours(path, facts, own=True)
    if facts.st_mode & closed:
        if closed != _BY_OTHERS:
            mode = f"its mode is {facts.st_mode & 0o777:o}, not 600"
            return NotOurs(_about(path, mode), f"chmod 600 {_quoted(path)}")
        return _open_to_others(path, facts)
    return None


def _unopened(path: str, failed: OSError) -> OSError | NotOurs:
    """A link, or what is no directory, is not ours; everything else is what the system says."""
    try:
        facts = os.lstat(path)
    except OSError:
        return failed
    if stat.S_ISLNK(facts.st_mode):
        return _link(path)
    if facts.st_uid != os.geteuid() and not is_shared(path):
        return _not_ours(path, facts, own=True)
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        return NotOurs(_about(path, "it is not a regular file"), move_aside(path))
    return failed


def _link(path: str) -> NotOurs:
    return NotOurs(_about(path, "it is a symbolic link"), move_aside(path))


def _not_ours(path: str, facts: os.stat_result, *, own: bool) -> NotOurs:
    me = user_name(os.geteuid())
    owner = user_name(facts.st_uid)
    cause = f"{sentences.quoted(path)} belongs to '{owner}', not to '{me}': nothing in it counts"
    if own or _OWN.fullmatch(os.path.basename(path)):
        sudo = "" if os.geteuid() == 0 else "sudo "
        hint = f"{sudo}chown -R {me} {_quoted(path)}  # if its files are yours"
        return NotOurs(cause, hint)
    return NotOurs(cause, "export XDG_STATE_HOME=/somewhere  # a directory of your own")


def _open_to_others(path: str, facts: os.stat_result) -> NotOurs:
    mode = stat.S_IMODE(facts.st_mode)
    cause = f"others can write to {sentences.quoted(path)} (mode {mode:o}): nothing in it counts"
    if facts.st_uid == os.geteuid():
        return NotOurs(cause, f"chmod go-w {_quoted(path)}")
    return NotOurs(cause, "export XDG_STATE_HOME=/somewhere  # a directory of your own")


def _quoted(path: str) -> str:
    import shlex  # nearly never

    return shlex.quote(path)


def _about(path: str, what: str) -> str:
    return f"{sentences.quoted(path)} does not count: {what}"


def _is_ours_or_roots(facts: os.stat_result) -> bool:
    owner = facts.st_uid
    return owner in (os.geteuid(), 0) or (owner == _NOBODY and _root_has_no_name())


@functools.cache
def _root_has_no_name() -> bool:
    """Whether root's files look like nobody's, because a user namespace has no number for root."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            rows = file.read().splitlines()
    except OSError:
        return False
    ranges = [tuple(map(int, row.split())) for row in rows]
    return not any(outside <= 0 < outside + count for _, outside, count in ranges)


def _others_write(facts: os.stat_result) -> bool:
    """Whether somebody else can rename what is in a directory. Where it is sticky nobody can."""
    if facts.st_mode & stat.S_ISVTX:
        return False
    if facts.st_mode & stat.S_IWOTH:
        return True
    return bool(facts.st_mode & stat.S_IWGRP) and not _is_private_group(facts.st_gid)


def _is_private_group(group: int) -> bool:
    """Whether it is the group of this user alone, which many systems give everybody."""
    import grp

    try:
        entry = grp.getgrgid(group)
    except KeyError:
        return False
    me = user_name(os.geteuid())
    return group == os.getegid() and entry.gr_name == me and set(entry.gr_mem) <= {me}


def user_name(user: int) -> str:
    """The name of a user, or their number."""
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def other_owner(path: str | Path) -> str | None:
    """The name of the other user whom a file belongs to; None where it is our own, or missing."""
    try:
        owner = os.lstat(path).st_uid
    except OSError:
        return None
    return user_name(owner) if owner != os.geteuid() else None
