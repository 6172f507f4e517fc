"""The skill file for agents that drive git-orch, and its places in a checkout."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import Literal, NamedTuple

from git_orch import checkpoints

PLACES = (".agents/skills/git-orch/SKILL.md", ".claude/skills/git-orch/SKILL.md")
_SOURCE = Path(__file__).parents[2] / "templates" / "SKILL.md"
_MARK = b"<!-- git orch agent-docs --install wrote this file: "
_END = b" -->\n"
_LARGEST = 1 << 20  # bytes

Fate = Literal["wrote", "current", "kept"]


class Installed(NamedTuple):
    """What became of a place: `kept` is a file that somebody else wrote or changed."""

    path: str
    fate: Fate


def text() -> str:
    """The skill file."""
    return _SOURCE.read_text("utf-8")


def install(top: Path) -> list[Installed]:
    """Write the skill file to its places below `top`, but never over a file that is not the one that
    git-orch wrote, and through no link. Raises OSError.
    """
    body = text().encode()
    content = body + _signature(body)
    return [Installed(place, _install(top, place.split("/"), content)) for place in PLACES]


def _signature(body: bytes) -> bytes:
    return b"\n" + _MARK + hashlib.sha256(body).hexdigest().encode() + _END


def _is_ours(content: bytes) -> bool:
    """Whether these are the bytes of some version of git-orch, unchanged."""
    body, mark, _ = content.rpartition(b"\n" + _MARK)
    return bool(mark) and content == body + _signature(body)


def _install(top: Path, names: list[str], content: bytes) -> Fate:
    *directories, name = names
    descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for directory in directories:
            inner = _inside(descriptor, directory)
            os.close(descriptor)
            descriptor = inner
        return _write(descriptor, name, content)
    except NotADirectoryError:
        return "kept"
    finally:
        os.close(descriptor)


def _inside(above: int, name: str) -> int:
    """A directory, made where it is missing. Raises NotADirectoryError for a link."""
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(name, dir_fd=above).st_mode):
            raise NotADirectoryError(name) from None
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, dir_fd=above)


def _write(directory: int, name: str, content: bytes) -> Fate:
    try:
        mode = os.lstat(name, dir_fd=directory).st_mode
    except FileNotFoundError:
        _create(directory, name, content)
        return "wrote"
    if not stat.S_ISREG(mode):
        return "kept"
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, dir_fd=directory), "rb") as file:
        before = file.read(_LARGEST)
    if before == content:
        return "current"
    if not _is_ours(before):
        return "kept"
    _create(directory, name, content)
    return "wrote"


@checkpoints.around("write skill")
def _create(directory: int, name: str, content: bytes) -> None:
    """Put a whole file in place, whatever cuts it off."""
    beside = f".{name}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(beside, flags, 0o644, dir_fd=directory), "wb") as file:
            file.write(content)
        os.rename(beside, name, src_dir_fd=directory, dst_dir_fd=directory)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=directory)
