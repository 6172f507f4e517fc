"""Lock files that a kill has left behind, on what only git-orch writes.

git makes a file `NAME.lock` before it moves a ref or writes an index, and what is killed leaves it. A
lock is nobody's when whoever could have made it is gone: no git that is older than the lock works in
this repository, nobody has the file open, and it is there unchanged for longer than a git that lives
would hold it. Where the system does not tell its processes (macOS), no lock is ever taken away.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import checkpoints
from git_orch.repo import refs
from git_orch.sandbox.process import table

if TYPE_CHECKING:
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.repo.repository import Repository

_AGE = 2.0  # seconds; a git holds such a lock for milliseconds
_LOOKS = 50
_INIT = 1  # the parent of what a killed one left
_TICKS = os.sysconf("SC_CLK_TCK")


def of_plan(place: PlanPlace) -> list[Path]:
    """Take away stale locks on the refs of a plan that this process holds, and on the archive's;
    gives those that are gone. Waits for some seconds where one is young.
    """
    common = place.repository.common_dir
    named = (place.branch, place.log, place.kept, refs.ARCHIVE)
    held = (common / place.results).glob("*.lock")
    return _take_away(place.repository, [*(common / f"{ref}.lock" for ref in named), *held])


def of_worktree(repository: Repository, git_dir: Path, ref: str | None = None) -> list[Path]:
    """Take away stale locks in a worktree that this process holds, and on the branch `ref` that is
    checked out there; gives those that are gone.
    """
    return _take_away(repository, in_worktree(repository, git_dir, ref))


def left(repository: Repository) -> list[Path]:
    """The stale locks on the refs of all plans, of old and of gone ones too; takes none away."""
    if not table.available():
        return []
    common = repository.common_dir
    flat = (refs.BRANCHES, refs.LOGS, refs.KEPT)
    patterns = [*(f"{prefix}*.lock" for prefix in flat), f"{refs.RESULTS}*/*.lock"]
    locks = [lock for pattern in patterns for lock in sorted(common.glob(pattern))]
    return [lock for lock in locks if _is_stale(repository, lock)]


def remove(repository: Repository, paths: Iterable[Path]) -> list[Path]:
    """Take away those of the locks that are stale; gives those that are gone."""
    return _take_away(repository, paths)


def _is_stale(repository: Repository, path: Path) -> bool:
    """Whether a lock is nobody's now. One that is young may be in use."""
    lock = _look(path)
    if lock is None or time.time() - lock.st_mtime < _AGE:
        return False
    return not _may_be_held(repository, path, lock)


def in_worktree(repository: Repository, git_dir: Path, ref: str | None = None) -> list[Path]:
    """Where a git that moves the branch `ref` with its checkout makes locks."""
    own = [git_dir / f"{name}.lock" for name in ("index", "HEAD", "ORIG_HEAD")]
    return own if ref is None else [*own, repository.common_dir / f"{ref}.lock"]


def _take_away(repository: Repository, paths: Iterable[Path]) -> list[Path]:
    present = [path for path in paths if path.exists()]
    if not present or not table.available():
        return []
    return [path for path in present if _remove_stale(repository, path)]


def _remove_stale(repository: Repository, path: Path) -> bool:
    first = _look(path)
    for _ in range(_LOOKS):
        now = _look(path)
        if now is None or now != first:
            return False  # somebody works with it
        if time.time() - now.st_mtime >= _AGE:
            break
        time.sleep(_AGE / _LOOKS)
    if first is None or _may_be_held(repository, path, first):
        return False
    with checkpoints.around("remove lock", path), contextlib.suppress(FileNotFoundError):
        path.unlink()
    return True


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _may_be_held(repository: Repository, path: Path, lock: os.stat_result) -> bool:
    """Whether a process that runs now may have made the lock: at that time, as its owner."""
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    shared = path.name == f"{Path(refs.ARCHIVE).name}.lock"
    for line in table.processes().values():
        if line.dead or booted + line.started / _TICKS > lock.st_mtime + 1:
            continue
        if not _is_of(line.pid, lock.st_uid):
            continue
        if _has_open(line.pid, path):
            return True
        if _is_git(line, also_ours=shared) and _works_in(repository, line.pid):
            return True
    return False


def _is_of(pid: int, user: int) -> bool:
    """Whether the files that a process makes belong to that user; true when nobody can tell."""
    try:
        status = Path(f"{table.PROC}/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return True
    line = next((line for line in status.splitlines() if line.startswith("Uid:")), "")
    return line.split()[-1:] in ([], [str(user)])


def _has_open(pid: int, path: Path) -> bool:
    try:
        return any(
            os.readlink(entry.path) == str(path) for entry in os.scandir(f"{table.PROC}/{pid}/fd")
        )
    except OSError:
        return False  # it has ended, or is somebody else's: then its name tells


def _is_git(line: table.Process, *, also_ours: bool) -> bool:
    """Whether it is a git; a tool of a living git-orch works on another plan, and counts only if it
    is asked for.
    """
    try:
        name = Path(f"{table.PROC}/{line.pid}/comm").read_text("utf-8", "replace")
    except OSError:
        return False
    return name.startswith("git") and (also_ours or line.parent == _INIT or not table.tag(line.pid))


def _works_in(repository: Repository, pid: int) -> bool:
    """Whether a process stands in the repository or one of its worktrees; yes where it is hidden."""
    try:
        place = Path(os.readlink(f"{table.PROC}/{pid}/cwd"))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    common = os.path.realpath(repository.common_dir)
    pointer = place / ".git"
    try:
        named = pointer.read_text("utf-8", "surrogateescape").removeprefix("gitdir: ").strip()
    except OSError:
        named = str(pointer)
    real = Path(os.path.realpath(place / named))
    return place.is_relative_to(common) or real.is_relative_to(common)
