"""What a disk still has after a power cut, at the borders that the product marks.

The model, which is harder than most disks:

- Names are kept in the order they were given; what was removed is gone.
- The contents of a file are kept as they were when it was last synced: by fsync, or by
  sync_file_range and the one fsync after it.
- git syncs the objects and refs that it writes when it is told to (`core.fsync`), by the time it
  ends, or has answered. It never syncs reflogs, an index, or what it writes in a worktree.
- All other contents are lost: such a file is empty, or has never been there. A file that has taken
  the place of another one may then be that one again.

The command itself goes on: the disk is copied at a border as a cut at that moment would leave it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import threading
from pathlib import Path
from typing import Any, Literal

from git_orch import checkpoints
from git_orch.plans.history.events import Event

Loss = Literal["empty", "gone"]
Inode = tuple[int, int]

_SYNCING = "core.fsync=committed,reference"


class Disk:
    """Knows what is synced below `place`, and copies that at one in `every` borders, the first of
    which is `start`, to `copies`.

    The plan's branch and log, as they had to outlive each copy, are in `promises`.
    """

    def __init__(
        self, place: Path, plan: str, copies: Path, loss: Loss, every: int, start: int
    ) -> None:
        self._place = place
        self._git_dir = place / "repo" / ".git"
        self._refs = (f"refs/heads/orch/{plan}", f"refs/notes/orch/{plan}")
        self._copies = copies
        self._loss = loss
        self._every = every
        self._count = -start
        self._guard = threading.RLock()
        self._kept: dict[Inode, bytes] = {}
        self._before: dict[str, bytes] = {}
        self._written_back: list[int] = []
        self._unsynced: dict[int, set[Inode]] = {}  # by thread: what lay there when its git began
        self._held: list[int] = []  # open files: nobody else gets their inodes
        branch, log = (self._value(ref) for ref in self._refs)
        self._promise = Promise(branch, log, frozenset())
        self.promises: dict[str, Promise] = {}
        for path in _files(place):
            self._keep(path)
            self._before[str(path)] = path.read_bytes()

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in self._held:
            os.close(descriptor)

    def __call__(self, moment: checkpoints.Moment, deed: str, about: Any, /) -> None:
        """Look at a border, and copy the disk if it is that one's turn."""
        with self._guard:
            if moment == "after":
                self._learn(deed, about)
            elif deed == "git" and _SYNCING in about:
                self._unsynced[threading.get_ident()] = {
                    inode for _, inode in self._of_git() if inode not in self._kept
                }
            if self._count >= 0 and self._count % self._every == 0:
                name = f"{self._count} {moment} {deed}"
                self._copy(self._copies / name.replace("/", "-"))
                self.promises[name] = self._promise
            self._count += 1
        if (moment, deed) == ("before", "do step"):
            _call_a_model(about)

    def _learn(self, deed: str, about: Any) -> None:
        """What the deed has synced, and what it promises."""
        match deed:
            case "write back":
                self._written_back.append(about)
            case "sync":
                for descriptor in (about, *self._written_back):
                    self._keep(Path(f"/proc/self/fd/{descriptor}"))
                self._written_back = []
            case "git" if _SYNCING in about:
                before = self._unsynced.pop(threading.get_ident())
                for path, inode in self._of_git():
                    if inode not in before:
                        self._keep(path)
            case "move ref":
                self._keep(self._git_dir / about)
        self._promise = self._promised(deed, about)

    def _promised(self, deed: str, about: Any) -> Promise:
        branch, log = self._refs
        match deed:
            case "append log":
                return self._promise.of_log(self._value(log))
            case "move branch":
                return self._promise.of_branch(self._value(branch))
            case "spool event" if isinstance(about, Event) and about.name == "model.called":
                return self._promise.of_event(about.id)
            case _:
                return self._promise

    def _of_git(self) -> list[tuple[Path, Inode]]:
        """The objects and refs, which git syncs when it is told to."""
        found = []
        for path in _files(self._git_dir / "objects", self._git_dir / "refs"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((path, (status.st_dev, status.st_ino)))
        return found

    def _value(self, ref: str) -> str | None:
        path = self._git_dir / ref
        return path.read_text().strip() if path.exists() else None

    def _keep(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        found = os.fstat(descriptor)
        inode = (found.st_dev, found.st_ino)
        if inode in self._kept or not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
        else:
            self._held.append(descriptor)
        if stat.S_ISREG(found.st_mode):
            self._kept[inode] = path.read_bytes()

    def _copy(self, target: Path) -> None:
        """Copy what a power cut leaves. Objects come last: another thread may be at work, and refs
        must not be younger than they are.
        """
        objects = str(self._git_dir / "objects")
        places = sorted(os.walk(self._place), key=lambda found: found[0].startswith(objects))
        for directory, _, names in places:
            beside = target / Path(directory).relative_to(self._place)
            beside.mkdir(parents=True, exist_ok=True)
            for name in names:
                self._copy_file(f"{directory}/{name}", beside / name)

    def _copy_file(self, source: str, target: Path) -> None:
        try:
            found = os.lstat(source)
            if stat.S_ISLNK(found.st_mode):
                target.symlink_to(os.readlink(source))
                return
        except FileNotFoundError:
            return
        content = self._kept.get((found.st_dev, found.st_ino))
        if content is None:
            content = b"" if self._loss == "empty" else self._before.get(source)
        if content is not None:
            target.write_bytes(content)
            target.chmod(stat.S_IMODE(found.st_mode))


class Promise:
    """What must not be lost: commits of the plan's branch and log, and IDs of events that cost
    money.
    """

    def __init__(self, branch: str | None, log: str | None, events: frozenset[str]) -> None:
        self.branch = branch
        self.log = log
        self.events = events

    def of_branch(self, tip: str | None) -> Promise:
        """With another tip of the branch."""
        return Promise(tip, self.log, self.events)

    def of_log(self, tip: str | None) -> Promise:
        """With another tip of the log."""
        return Promise(self.branch, tip, self.events)

    def of_event(self, event: str) -> Promise:
        """With one event more."""
        return Promise(self.branch, self.log, self.events | {event})


def restart(place: Path, copy: Path) -> None:
    """Let the copy take the place of the disk."""
    shutil.rmtree(place)
    copy.rename(place)


def _files(*places: Path) -> list[Path]:
    return [path for place in places for path in place.rglob("*") if _is_file(path)]


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _call_a_model(attempt: Any) -> None:
    """Make each step use a model as far as the log is concerned: what that cost must not be lost."""
    job, site = attempt
    site.spool(
        "model.called", purpose="step", step=job.step.id, attempt=job.attempt, model="m",
        usage={"input_tokens": 7}, usd=0.25, seconds=0.1,
    )  # fmt: skip
