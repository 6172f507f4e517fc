"""The repositories below a directory of the user's in which a command works: none of them may
change, and no new one may be there when the command is done.

git runs what the configuration of a repository names, and does so as the user who next says
`git status` there, or whose prompt does. So every `.git`, and every directory that is a repository
without one, is shown read-only, with all that it leads to. What a mount cannot hold is seen
afterwards: it stays on its directory when somebody renames one above it and puts another in its
place. What is new then is made harmless: it gets a name that git does not know.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.sandbox import modes, trees
from git_orch.sandbox.trees import Directory
from git_orch.sandbox.walls import git_places
from git_orch.sandbox.walls.git_places import Number, Place, Survey

What = Literal["new", "other", "gone", "moved", "bare", "closed"]

ASIDE = "git-refused"

_SHOWN = 3
_TICK = 20_000_000  # nanoseconds, and those of a file system that keeps whole seconds
_COARSE = 10_000_000
_SLOW_TICK = 2_100_000_000
_TEXTS: dict[What, str] = {
    "new": "is new",
    "other": "was replaced, or leads to another place",
    "gone": "is gone",
    "moved": "was moved from another place",
    "bare": "has become a repository",
    "closed": "cannot be opened",
}


class Change(NamedTuple):
    """A place that is not as it was; `aside` is the path that what was put there has now."""

    path: str
    what: What
    aside: str | None = None

    def text(self) -> str:
        """The change, for people."""
        now = (
            f" (git-orch renamed it to {sentences.quoted(self.aside)})"
            if self.aside is not None
            else ""
        )
        return f"{sentences.quoted(self.path)} {_TEXTS[self.what]}{now}"


class RepositoriesChanged(errors.StepFailed):
    """The repositories below `top` are not those that were there. The hint shows what a command
    left, and runs no git there: somebody may have made it beside the command, so that nobody is
    told to remove it.
    """

    def __init__(self, top: Path, changes: list[Change]) -> None:
        shown = "; ".join(change.text() for change in changes[:_SHOWN])
        more = f"; and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        first = changes[0]
        look = first.path if first.what == "bare" else first.aside or str(Path(first.path).parent)
        hint = f"ls -la {shlex.quote(str(top / look))}"
        super().__init__(
            f"the repositories in {sentences.quoted(top)} changed: {shown}{more}", hint
        )
        self.changes = tuple(changes)


def refuse_unfit(top: Path) -> None:
    """Raises Refused where the repositories in a directory cannot be protected, or it is a part of
    one itself.
    """
    if git_places.is_part_of_one(top):
        raise errors.Refused(
            f"{sentences.quoted(top)} is inside a git directory", "cd to the files of the project"
        )
    git_places.survey(top).protected()


@contextlib.contextmanager
def kept(top: Path) -> Iterator[tuple[Path, ...]]:
    """The paths that a command must not write which works below `top`, while it does. Afterwards
    repositories and special bits are as they were, or were made so and it raises
    RepositoriesChanged. Raises Refused.
    """
    before = git_places.survey(top)
    protected = before.protected()
    changes: list[Change] = []
    try:
        yield protected
    finally:
        changes = _restored(before)
    if changes:
        raise RepositoriesChanged(top, changes)


# -- afterwards ------------------------------------------------------------------------------------


def _restored(before: Survey) -> list[Change]:
    """What is not as it was; new places are put aside, and new special bits taken away."""
    restoring = _Restoring(before)
    try:
        for directory in trees.walk(before.top, closed=True):
            restoring.look(directory)
    except OSError as failed:
        cause = (
            f"what is below {sentences.quoted(before.top)} cannot be looked at: "
            f"{failed.strerror or failed}"
        )
        raise errors.StepFailed(cause, f"ls -la {shlex.quote(str(before.top))}") from failed
    return restoring.changes()


class _Restoring:
    """A walk through directories that a command may have changed."""

    def __init__(self, before: Survey) -> None:
        self._before = before
        self._present: set[str] = set()
        self._changes: list[Change] = []
        self._leads: dict[Number, set[tuple[str, Number | None]]] = {}
        for place in before.places.values():
            self._leads.setdefault(place.number, set()).update(place.leads)

    def changes(self) -> list[Change]:
        """The changes, but for those inside of what was put aside as a whole."""
        gone = [path for path in self._before.places if path not in self._present]
        changes = [*self._changes, *(Change(path, "gone") for path in gone)]
        whole = tuple(f"{change.aside}/" for change in changes if change.aside is not None)
        return [change for change in changes if not f"{change.path}/".startswith(whole)]

    def look(self, directory: Directory) -> None:
        """Take new special bits away in a directory, and put aside what is new."""
        below = [*directory.inner]
        names = {*directory.inner, *directory.others}
        places = list(git_places.in_directory(self._before.top, directory))
        safe = {path for path, place in places if self._is_harmless(place)}
        if not directory.closed and directory.path not in safe:
            self._take_bits(directory, names - {path.rpartition("/")[2] for path in safe})
        for path, place in places:
            self._present.add(path)
            earlier = self._before.places.get(path)
            if earlier is None or not earlier.is_still(place):
                self._changes.append(self._change(directory, below, path, place))

    def _change(self, directory: Directory, below: list[str], path: str, place: Place) -> Change:
        """What is at `path` now, put aside where git could use it; `below` are all directories
        there.
        """
        is_new = path not in self._before.places
        if place.kind == "closed":
            return Change(path, "closed")
        if self._is_harmless(place):
            return Change(path, "moved" if is_new else "other")
        if place.kind == "bare":
            for name in filter(git_places.is_head, directory.others):
                _put_aside(directory.descriptor, name)
            directory.inner.extend(below)
            return Change(path, "bare")
        aside = _put_aside(directory.descriptor, path.rpartition("/")[2])
        if aside is None:
            return Change(path, "new" if is_new else "other")
        if place.kind == "directory":
            directory.inner.append(aside)  # what is in it may be called so, too
        above = f"{directory.path}/" if directory.names else ""
        return Change(path, "new" if is_new else "other", f"{above}{aside}")

    def _is_harmless(self, place: Place) -> bool:
        """Whether a directory was there before, protected like all that it leads to."""
        earlier = self._leads.get(place.number)
        return (
            place.kind in ("directory", "bare")
            and earlier is not None
            and {lead for lead in place.leads if lead[1]} <= earlier
        )

    def _take_bits(self, directory: Directory, names: set[str]) -> None:
        """Take the special bits that were not there from a directory's entries of these names. A
        directory has the set-group-ID bit of the one it was made in.
        """
        facts = os.fstat(directory.descriptor)
        if not directory.names and (new := self._new_bits(facts, 0)):
            os.fchmod(directory.descriptor, stat.S_IMODE(facts.st_mode) & ~new)
        inherited = os.fstat(directory.descriptor).st_mode & stat.S_ISGID
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                facts = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
                if new := self._new_bits(facts, inherited):
                    modes.take_away(directory.descriptor, name, new)

    def _new_bits(self, facts: os.stat_result, inherited: int) -> int:
        if not modes.has_special(facts):
            return 0
        if not stat.S_ISDIR(facts.st_mode):
            return 0 if _is_older(facts, self._before.begun) else facts.st_mode & modes.SPECIAL
        before = self._before.bits.get(trees.number(facts), 0)
        return facts.st_mode & modes.SPECIAL & ~(before | inherited)


def _is_older(facts: os.stat_result, moment: int) -> bool:
    """Whether a file was last changed before a moment: no command can set its time of change."""
    changed = facts.st_ctime_ns
    return changed < moment - (_TICK if changed % _COARSE else _SLOW_TICK)


def _put_aside(directory: int, name: str) -> str | None:
    """Give an entry a name that means nothing to git; None where the system does not let us."""
    aside = f"{ASIDE}-{os.urandom(4).hex()}"
    with contextlib.suppress(OSError):
        try:
            os.rename(name, aside, src_dir_fd=directory, dst_dir_fd=directory)
        except PermissionError:
            mode = stat.S_IMODE(os.fstat(directory).st_mode)
            os.fchmod(directory, mode | stat.S_IWUSR)
            try:
                os.rename(name, aside, src_dir_fd=directory, dst_dir_fd=directory)
            finally:
                os.fchmod(directory, mode)
        return aside
    return None
