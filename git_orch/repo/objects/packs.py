"""Objects stored as packs, with one sync for as many as there are, which nobody collects before a ref
holds what is in them.

`git gc --prune=now` takes every object that no ref reached when it looked, even if one does by the
time it deletes. It takes nothing out of a pack that has a `.keep` file. So what belongs to one move
of a ref is written as one pack, with its `.keep` first, and the `.keep` goes when the ref has moved.
A pack holds all that the move needs, also objects that exist already: those may be about to go.

The process that made a `.keep` has it locked: one that a kill left behind is known by its free lock.
Our packs are known by their names. After a power cut a pack is there whole, or not at all.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints, errors
from git_orch.repo import own_files, sync
from git_orch.repo.git import GitFailed
from git_orch.repo.repository import unwritable
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

_OURS = "pack-676f726368"  # how the names of our packs begin: "gorch" in hexadecimal digits
# How git names what has no name yet: gc removes old ones, and opens each file that ends in ".idx".
_TEMPORARY = "tmp_"
_TRIES = 20  # with --prune=now it removes new ones, too
_KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_MANY = 32  # small packs; with 50 of any kind there are too many for git (gc.autoPackLimit)
_LARGE = 2_000  # objects; a pack that has so many is not packed again
_INDEX = b"\xfftOc\0\0\0\2"  # how an index of version 2 begins
_FANOUT = len(_INDEX)  # where an index begins to count its objects by their first byte
_GC_ENDED = 12 * 3600.0  # seconds; git itself takes an older gc.pid for one that was left
_WRITE_BACK, _AND_WAIT = 2, 7  # the flags of sync_file_range(2)


class Object(NamedTuple):
    """An object to be stored: its type (blob, tree, commit) and its bytes."""

    kind: str
    data: bytes

    def stored(self) -> bytes:
        """The header and the bytes, which are what its ID is made from."""
        return b"%s %d\0" % (self.kind.encode("ascii"), len(self.data)) + self.data


def oid_of(content: Object, object_format: str) -> str:
    """The ID of an object in a repository of that format (sha1, sha256)."""
    return hashlib.new(object_format, content.stored(), usedforsecurity=False).hexdigest()


class Held:
    """A pack that stays until each of those who share it has released it."""

    def __init__(self, keep: Path, descriptor: int) -> None:
        self._keep = keep
        self._descriptor: int | None = descriptor
        self._shares = 1
        self._guard = threading.Lock()

    @property
    def index(self) -> Path:
        """The index of the pack."""
        return self._keep.with_suffix(".idx")

    def share(self) -> Held:
        """Share the pack with one more."""
        with self._guard:
            self._shares += 1
        return self

    def release(self) -> None:
        """From now on, what no ref holds of the pack is garbage, if nobody else holds it."""
        with self._guard:
            self._shares -= 1
            if not self._shares:
                self._let_go()

    def end(self) -> None:
        """Release it for all who share it."""
        with self._guard:
            self._let_go()

    @property
    def holds(self) -> bool:
        """Whether somebody holds it still."""
        return self._descriptor is not None

    def _let_go(self) -> None:
        if self._descriptor is None:
            return
        with checkpoints.around("release pack", self._keep):
            self._keep.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None


def store(repository: Repository, contents: Mapping[str, Object]) -> Held:
    """Store objects, given by their IDs, as a pack that is held. Raises UnfitRepository."""
    parts, rows = [b"PACK" + struct.pack(">LL", 2, len(contents))], []
    offset = len(parts[0])
    for oid, content in contents.items():
        head = _entry_head(_KINDS[content.kind], len(content.data))
        entry = head + zlib.compress(content.data, 1)
        rows.append((bytes.fromhex(oid), zlib.crc32(entry), offset))
        parts.append(entry)
        offset += len(entry)
    pack = b"".join(parts)
    checksum = _digest(repository, pack)
    index = _index(sorted(rows), checksum)

    def write(descriptors: Sequence[int]) -> None:
        for descriptor, data in zip(descriptors, (pack + checksum, index), strict=True):
            _write(descriptor, data if data is not index else index + _digest(repository, index))

    return _placed(repository, write)


def take_in(repository: Repository, pack: Path) -> Held:
    """Store a copy of a pack that stands elsewhere, its index beside it, as one that is held. Raises
    UnfitRepository.
    """

    def copy(descriptors: Sequence[int]) -> None:
        sources = (pack, pack.with_suffix(".idx"))
        for descriptor, source in zip(descriptors, sources, strict=True):
            with open(source, "rb") as file, os.fdopen(os.dup(descriptor), "wb") as copied:
                shutil.copyfileobj(file, copied)

    with checkpoints.around("place pack", pack):
        return _placed(repository, copy)


def _digest(repository: Repository, data: bytes) -> bytes:
    return hashlib.new(repository.object_format, data, usedforsecurity=False).digest()


def _entry_head(kind: int, size: int) -> bytes:
    """The type and size of an entry, see gitformat-pack(5)."""
    byte, size = kind << 4 | size & 15, size >> 4
    head = bytearray()
    while size:
        head.append(byte | 128)
        byte, size = size & 127, size >> 7
    head.append(byte)
    return bytes(head)


def _index(rows: list[tuple[bytes, int, int]], checksum: bytes) -> bytes:
    """The index of a pack, version 2, up to its own checksum: `rows` are IDs, checksums and offsets,
    sorted by ID.
    """
    counts = [0] * 256
    for oid, _, _ in rows:
        counts[oid[0]] += 1
    fanout, total = [], 0
    for count in counts:
        total += count
        fanout.append(total)
    far = [offset for _, _, offset in rows if offset >= 1 << 31]
    places = {offset: 1 << 31 | number for number, offset in enumerate(far)}
    return b"".join(
        (
            _INDEX,
            struct.pack(">256L", *fanout),
            b"".join(oid for oid, _, _ in rows),
            b"".join(struct.pack(">L", crc) for _, crc, _ in rows),
            b"".join(struct.pack(">L", places.get(offset, offset)) for _, _, offset in rows),
            b"".join(struct.pack(">Q", offset) for offset in far),
            checksum,
        )
    )


def _placed(repository: Repository, write: Callable[[Sequence[int]], None]) -> Held:
    """A held pack of what `write` puts into two files, the pack and its index."""
    directory = repository.common_dir / "objects" / "pack"
    try:
        repository.sharing.make_directory(directory)
        for _ in range(_TRIES - 1):
            try:
                return _try_to_place(repository, directory, write)
            except FileNotFoundError:
                continue
        return _try_to_place(repository, directory, write)
    except OSError as failed:
        raise unwritable(failed, directory) from failed


def _try_to_place(
    repository: Repository, directory: Path, write: Callable[[Sequence[int]], None]
) -> Held:
    digits = repository.oid_length + len("pack-") - len(_OURS)
    name = _OURS + os.urandom(digits).hex()[:digits]
    temporary = directory / f"{_TEMPORARY}keep_{name}"
    held = _kept(repository, temporary, directory / f"{name}.keep")
    suffixes = ("pack", "idx")
    files = [directory / f"{_TEMPORARY}{suffix}_{name}" for suffix in suffixes]
    mode = directory.stat().st_mode & 0o444  # who may look into it may read what is there
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptors: list[int] = []
    try:
        descriptors.extend(os.open(file, flags, 0o600) for file in files)
        write(descriptors)
        _sync(descriptors)
        for file, suffix, descriptor in zip(files, suffixes, descriptors, strict=True):
            os.fchmod(descriptor, mode)
            repository.sharing.adjust(descriptor)
            with checkpoints.around("name pack", file):
                file.rename(directory / f"{name}.{suffix}")  # with its index it exists
    except BaseException:
        for file in (directory / f"{name}.idx", directory / f"{name}.pack", *files):
            file.unlink(missing_ok=True)
        held.release()
        raise
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return held


def _kept(repository: Repository, temporary: Path, keep: Path) -> Held:
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        repository.sharing.adjust(descriptor)  # who finds it left behind has to look at it
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # before it has its name: nobody takes it for left
        with checkpoints.around("hold pack", keep):
            temporary.rename(keep)
    except BaseException:
        os.close(descriptor)
        raise
    return Held(keep, descriptor)


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync(descriptors: list[int]) -> None:
    """Make the disk keep what was written, with one sync where the system can do that."""
    write_back = _sync_file_range() if sync.is_on() else None
    if write_back is None or len(descriptors) == 1:
        for descriptor in descriptors:
            sync.file(descriptor)
        return
    for descriptor in descriptors:
        write_back(descriptor, _WRITE_BACK)
    for descriptor in descriptors:
        with checkpoints.around("write back", descriptor):
            write_back(descriptor, _AND_WAIT)
    # the data is there: this brings the names, and empties the disk's cache
    sync.file(descriptors[-1])


@cache
def _sync_file_range() -> Callable[[int, int], object] | None:
    """Start or await the writing of a file's data, by descriptor and flags; None where there is no
    such call.
    """
    if sys.platform != "linux":
        return None
    import ctypes  # 5 ms: only for commands that write

    call = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if call is None:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return lambda descriptor, flags: call(descriptor, 0, 0, flags)


# -- packing ours again ----------------------------------------------------------------------------


def roll_up(repository: Repository, *, at_least: int = _MANY) -> None:
    """Put our small packs into one, when there are `at_least` so many; what a kill left is let go.

    No object is dropped: a pack goes only when every object of its index is in a verified new one.
    Where git's index of several packs is, none goes. Nothing fails when it cannot be done: the next
    command tries it.
    """
    directory = repository.common_dir / "objects" / "pack"
    try:
        ours = [name for name in os.listdir(directory) if name.startswith(_OURS)]
    except OSError:
        return
    for name in ours:
        if name.endswith(".keep"):
            _let_go(directory / name)
    indexes = [directory / name for name in ours if name.endswith(".idx")]
    if len(indexes) < at_least or _is_collecting(repository) or _has_second_index(directory):
        return
    try:
        descriptor = own_files.open_file(repository.shared_dir / "packing", os.O_RDWR | os.O_CREAT)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _replace(repository, [index for index in indexes if _is_small(index)], at_least)
    except (OSError, GitFailed, errors.UnfitRepository):
        return  # another one does it, or the disk is full, or somebody collected meanwhile
    finally:
        os.close(descriptor)


def _replace(repository: Repository, small: Sequence[Path], at_least: int) -> None:
    """Make one pack of several, and remove those that it has all of. Raises GitFailed,
    UnfitRepository, OSError.
    """
    size = repository.oid_length // 2
    objects = {index: found for index in small if (found := _oids(index, size)) is not None}
    if len(objects) < at_least:
        return
    place = repository.state_dir / "packed"
    trees.remove(place)
    place.mkdir(mode=0o700)
    try:
        placed = _packed_again(repository, place, frozenset[str]().union(*objects.values()))
    finally:
        with contextlib.suppress(OSError):
            trees.remove(place)
    directory = repository.common_dir / "objects" / "pack"
    _sync_directory(directory)  # a power cut must not keep the removals and lose the new name
    if _is_collecting(repository) or _has_second_index(directory):
        return  # they are garbage that the next collection removes
    there = frozenset[str]().union(*(_oids(index, size) or () for index in placed))
    for index, found in objects.items():
        if found <= there and not index.with_suffix(".keep").exists():
            for suffix in (".idx", ".pack", ".rev"):  # as git: without its index it is none
                with checkpoints.around("remove pack", index):
                    index.with_suffix(suffix).unlink(missing_ok=True)


def _packed_again(repository: Repository, place: Path, oids: Iterable[str]) -> list[Path]:
    """The indexes of the packs that these objects are in now. Raises GitFailed, UnfitRepository."""
    listed = "".join(f"{oid}\n" for oid in sorted(oids)).encode("ascii")
    settings = ("-c", "pack.indexVersion=2")  # which _oids reads
    packing = ("pack-objects", "-q", "--threads=1", str(place / "pack"))
    repository.git.run(*settings, *packing, stdin=listed)
    placed = []
    for made in place.glob("*.pack"):  # more than one where pack.packSizeLimit is set
        repository.git.run("verify-pack", str(made))  # every object, by its checksum and ID
        held = take_in(repository, made)
        placed.append(held.index)
        held.release()
    return placed


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync.file(descriptor)
    finally:
        os.close(descriptor)


def _let_go(keep: Path) -> None:
    """Remove a `.keep` whose process has ended."""
    try:
        descriptor = os.open(keep, os.O_RDONLY)
    except OSError:
        return  # released meanwhile, or not ours to read
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_size == 0:  # one with a reason in it is somebody else's
            with checkpoints.around("release pack", keep):
                keep.unlink(missing_ok=True)
    except OSError:
        return  # somebody holds it
    finally:
        os.close(descriptor)


def _is_small(index: Path) -> bool:
    if index.with_suffix(".keep").exists():
        return False
    try:
        with open(index, "rb") as file:
            file.seek(_FANOUT + 255 * 4)
            return int.from_bytes(file.read(4), "big") < _LARGE
    except OSError:
        return False  # collected meanwhile


def _oids(index: Path, size: int) -> frozenset[str] | None:
    """The objects of a pack, from its index; None when that cannot be read, whyever."""
    try:
        data = index.read_bytes()
    except OSError:
        return None
    start = _FANOUT + 256 * 4
    count = int.from_bytes(data[start - 4 : start], "big")
    # per object an ID, a checksum and an offset; at the end the checksums of the pack and of itself
    if not data.startswith(_INDEX) or len(data) < start + count * (size + 8) + 2 * size:
        return None
    return frozenset(data[start + at * size : start + (at + 1) * size].hex() for at in range(count))


def _has_second_index(directory: Path) -> bool:
    """Whether an index of several packs is there, which would name packs that are gone."""
    return any((directory / f"multi-pack-index{suffix}").exists() for suffix in ("", ".d"))


def _is_collecting(repository: Repository) -> bool:
    """Whether somebody packs the repository right now, with a list of packs that has to stay true."""
    for name in ("gc.pid", "objects/maintenance.lock"):
        try:
            age = time.time() - (repository.common_dir / name).stat().st_mtime
        except OSError:
            continue
        if age < _GC_ENDED:
            return True
    return False
