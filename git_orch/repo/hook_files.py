"""Installing git-orch's optional hooks beside those of the user, and taking them out again.

A hook that is there already gets another name and runs first: the script of git-orch's looks for
it. The way back is one rename, so the user's file comes back as it was.
"""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING

import git_orch
from git_orch.repo.repository import unwritable
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

NAMES = ("post-rewrite", "pre-push", "prepare-commit-msg", "reference-transaction")
BEFORE = ".before-orch"  # behind the name of a hook that was there first
_MARK = b"# git-orch's hook"
SCRIPTS = Path(git_orch.__file__).parent / "hooks"


class State(enum.Enum):
    """What became of a hook."""

    INSTALLED = "installed"
    CHAINED = "installed; yours runs first"
    UPDATED = "updated; the old one is kept beside it"
    UNCHANGED = "is installed already"
    BLOCKED = "not installed: you have two"
    REMOVED = "removed"
    KEPT = "removed; it is not as this version has it, and is kept beside it"
    RESTORED = "removed; yours is back"
    ABSENT = "was not installed"


def directory(repository: Repository) -> Path | None:
    """Where git looks for the hooks of the repository; None where that is outside of its git
    directory, and so not git-orch's to write to.
    """
    chosen = [value for name, value in repository.settings if name.lower() == "core.hookspath"]
    common = os.path.realpath(repository.common_dir)
    top = repository.top if repository.top is not None else repository.common_dir
    place = (
        os.path.join(top, os.path.expanduser(chosen[-1]))
        if chosen
        else os.path.join(common, "hooks")
    )
    real = os.path.realpath(place)
    return Path(real) if real == common or real.startswith(f"{common}/") else None


def install(place: Path, name: str) -> State:
    """Install a hook. Raises UnfitRepository."""
    target, before = place / name, place / f"{name}{BEFORE}"
    script = (SCRIPTS / name).read_bytes()
    try:
        place.mkdir(exist_ok=True)
        is_there, ours = os.path.lexists(target), _is_ours(target)
        changed = ours and target.read_bytes() != script
        if ours and not changed and os.access(target, os.X_OK):
            return State.UNCHANGED
        if changed:
            os.link(target, _aside(target))
        if is_there and not ours and not _is_same(target, before):
            if os.path.lexists(before):
                return State.BLOCKED
            os.link(target, before, follow_symlinks=False)
        _write(target, script)
    except OSError as failed:
        raise unwritable(failed, target) from failed
    if ours:
        return State.UPDATED if changed else State.INSTALLED
    return State.CHAINED if os.path.lexists(before) else State.INSTALLED


def remove(place: Path, name: str) -> State:
    """Take a hook out; one that was there before it comes back. Raises UnfitRepository."""
    target, before = place / name, place / f"{name}{BEFORE}"
    try:
        is_there, ours = os.path.lexists(target), _is_ours(target)
        if is_there and not ours:
            if not _is_same(target, before):
                return State.ABSENT
            before.unlink()
            return State.RESTORED
        changed = ours and target.read_bytes() != (SCRIPTS / name).read_bytes()
        if changed:
            target.rename(_aside(target))
        if os.path.lexists(before):
            before.rename(target)
            return State.RESTORED
        if changed or not is_there:
            return State.KEPT if changed else State.ABSENT
        target.unlink()
    except OSError as failed:
        raise unwritable(failed, target) from failed
    return State.REMOVED


def _is_ours(path: Path) -> bool:
    try:
        return not path.is_symlink() and _MARK in path.read_bytes()[:200]
    except OSError:
        return False


def _is_same(target: Path, before: Path) -> bool:
    """Whether a kill came between the two names of a user's hook."""
    try:
        return os.path.samestat(target.lstat(), before.lstat())
    except FileNotFoundError:
        return False


def _aside(target: Path) -> str:
    """The name for a script of ours that is not as this version has it: it may have lines of the
    user's.
    """
    return trees.free_name(f"{target}.aside")


def _write(target: Path, script: bytes) -> None:
    """Write a program that appears whole, over whatever is there."""
    beside = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    try:
        beside.write_bytes(script)
        beside.chmod(0o777 & ~_umask())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
