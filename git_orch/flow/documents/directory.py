"""The directory of a user's exported documents: its files by the IDs that they have, and what this
machine wrote there last.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from git_orch import errors
from git_orch.flow.reports import Reporter
from git_orch.plans import ids
from git_orch.plans.document import Document
from git_orch.plans.documents import front_matter, names, otk_files
from git_orch.plans.documents.markdown import Templates
from git_orch.plans.history.status import Status
from git_orch.plans.plan import Plan
from git_orch.repo import ask, documents_folder, localfiles, own_files
from git_orch.repo.documents_folder import DocumentsFolder, Unread
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository

Side = Literal["file", "plan"]
Fate = Literal["taken", "waits", "overruled"]  # of an edit
Estimate = Callable[[Status, Plan], Document]


class Conflict(NamedTuple):
    """Fields that a file and its plan changed in different ways, or that an edit in a file that git
    tracks changes.
    """

    plan: str
    file: str
    fields: tuple[str, ...]
    is_tracked: bool = False


class Problem(NamedTuple):
    """A file that is left alone: why, and in which line."""

    file: str
    line: int
    text: str


class Edited(NamedTuple):
    """What of a file became the plan's."""

    plan: str
    fields: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """The files that were written, by name, and what was read from others."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    edited: list[Edited] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Exchange(NamedTuple):
    """What an exchange of files and plans needs. `keep` is the side that counts where both changed
    the same.
    """

    repository: Repository
    folder: DocumentsFolder
    reporter: Reporter
    estimate: Estimate
    templates: Templates = Templates()
    keep: Side | None = None


class File(NamedTuple):
    """A file of a plan: its folder and name, its text, and whether git tracks it."""

    folder: str
    name: str
    text: str
    is_tracked: bool = False


@dataclass(slots=True)
class Folder:
    """The files of one folder by the ID that they have; `unread` counts the others."""

    name: str
    files: dict[str, File] = field(default_factory=dict)
    doubles: set[str] = field(default_factory=set)
    unread: int = 0
    is_there: bool = True


@contextlib.contextmanager
def alone(repository: Repository, folder: DocumentsFolder) -> Iterator[None]:
    """Hold a directory for this process, from before it reads the plans: a file that another one
    wrote meanwhile would look like one that somebody deleted. Raises Busy.
    """
    with localfiles.hold(documents_folder.memory(repository, folder) / "lock") as is_ours:
        if not is_ours:
            cause = f"another 'git orch docs' is at work in '{folder.name}'"
            raise errors.Busy(cause, "git orch docs")
        yield


class Directory:
    """What an exchange works on, what git tracks of it, and its outcome. A link is refused."""

    def __init__(self, work: Exchange) -> None:
        self.work = work
        self.outcome = Outcome()
        self._tracked = {*ask.tracked(work.repository.quiet_git, [work.folder.name])}
        self.missing = frozenset(
            folder for folder in names.FOLDERS if not work.folder.is_there(folder)
        )

    def scan(self, folder: str, only: str | None = None) -> Folder:
        """Find the plans' files in a folder, whatever their names are: those of all plans, or
        of the one with the ID `only`.
        """
        number = ids.without_slug(only).partition("-")[2] if only is not None else ""
        scanned = Folder(folder, is_there=folder not in self.missing)
        for name in self.work.folder.names(folder):
            shown = self.shown(folder, name)
            before = len(self.outcome.problems)
            text = self._read(folder, name)
            scanned.unread += len(self.outcome.problems) - before
            if text is None or not (number in name or number in text or "\\" in text):
                continue
            try:
                front = front_matter.read(text)
                own_id = front.text("id") if front is not None else ""
            except front_matter.Malformed as wrong:
                if otk_files.is_one(shown, text):
                    continue
                self.outcome.problems.append(Problem(shown, wrong.line, wrong.problem))
                scanned.unread += 1
                continue
            file_id = own_id or name.removesuffix(".md")
            if not names.is_ours(file_id):
                continue
            if file_id in scanned.files:
                other = scanned.files[file_id].name
                problem = Problem(shown, 1, f"has the id of {folder}/{other}")
                self.outcome.problems.append(problem)
                scanned.doubles.add(file_id)
            scanned.files[file_id] = self._file(folder, name, text)
        return scanned

    def read(self, plan: str, folder: str, name: str) -> Copy | None:
        """The document of a plan in the file of that name; None where it cannot be read, which is a
        problem.
        """
        before = len(self.outcome.problems)
        text = self._read(folder, name)
        if len(self.outcome.problems) > before:
            return None
        file = self._file(folder, name, text) if text is not None else None
        return Copy(self, Place(plan, folder, name), file)

    def shown(self, folder: str, name: str) -> str:
        """The path of a file that people read."""
        return f"{self.work.folder.name}/{folder}/{name}"

    def _read(self, folder: str, name: str) -> str | None:
        text = self.work.folder.read(folder, name)
        if isinstance(text, Unread):
            self.outcome.problems.append(Problem(self.shown(folder, name), 1, text.problem))
            return None
        return text

    def _file(self, folder: str, name: str, text: str) -> File:
        return File(folder, name, text, _is_in(self._tracked, self.shown(folder, name)))


def _is_in(tracked: set[str], path: str) -> bool:
    """Whether git tracks a file, or a submodule that it is in."""
    return any(
        str(place) in tracked for place in (PurePosixPath(path), *PurePosixPath(path).parents)
    )


class Place(NamedTuple):
    """Where a document of a plan goes: a folder, and the name of a file that is made there."""

    plan: str
    folder: str
    name: str


class Copy:
    """The file of one document (None: it is to be made), and what was written to it last. `memory`
    is the name of that, where it is not the one of the file.
    """

    def __init__(
        self, directory: Directory, place: Place, file: File | None, memory: str = ""
    ) -> None:
        self.file = file
        self._directory = directory
        self._place = place
        work = directory.work
        memories = documents_folder.memory(work.repository, work.folder)
        self._memory = memories / place.folder / (memory or place.name)

    @property
    def shown(self) -> str:
        """The path that people read, also of a file that is missing."""
        name = self.file.name if self.file is not None else self._place.name
        return self._directory.shown(self._place.folder, name)

    def remembered(self) -> str | None:
        """The last export; None where there was none here."""
        try:
            return own_files.read_bytes(self._memory).decode("utf-8")
        except FileNotFoundError:
            return None

    def forget(self) -> None:
        """Forget the last export."""
        with contextlib.suppress(OSError):
            localfiles.remove(self._memory)

    def fate(self, fields: Sequence[str]) -> Fate:
        """What becomes of these fields that a person changed in the file: the plan takes them, the
        file has to wait, or it has to say what the plan does. The outcome says why it waits.
        """
        work, outcome, plan = self._directory.work, self._directory.outcome, self._place.plan
        if self.file is not None and self.file.is_tracked and work.keep != "file":
            if work.keep == "plan":
                return "overruled"
            outcome.conflicts.append(Conflict(plan, self.shown, tuple(fields), True))
            return "waits"
        if localfiles.is_held(PlanPlace(work.repository, plan)):
            name = ids.short(plan)
            outcome.notes.append(f"'{name}' is running: its edited files wait for the end")
            return "waits"
        return "taken"

    def write(self, fresh: str, text: str | None = None, *, keeps_original: bool = False) -> None:
        """Have the file say `text`, or the export `fresh` itself, and remember that. With
        `keeps_original` what the file said goes to another one.
        """
        if self.file is None:
            self._create(fresh)
            return
        text = fresh if text is None else text
        if text != self.file.text:
            if keeps_original:
                self._keep_original(self.file)
            folder, outcome = self._directory.work.folder, self._directory.outcome
            if not folder.write(self.file.folder, self.file.name, text, self.file.text):
                outcome.notes.append(f"{self.shown} changed meanwhile: it waits")
                return
            outcome.updated.append(self.shown)
        self._remember(fresh)

    def _keep_original(self, file: File) -> None:
        """Keep what a file said that has to say what the plan does, under a name that is free."""
        folder = self._directory.work.folder
        others = (f"{file.name}.orig{number or ''}" for number in itertools.count())
        name = next(
            name
            for name in others
            if folder.write(file.folder, name, file.text, None)
            or folder.read(file.folder, name) == file.text
        )
        kept = self._directory.shown(file.folder, name)
        self._directory.outcome.notes.append(f"what {self.shown} said is in {kept}")

    def _create(self, fresh: str) -> None:
        plan, folder, name = self._place
        outcome = self._directory.outcome
        if not self._directory.work.folder.write(folder, name, fresh, None):
            outcome.problems.append(Problem(self.shown, 1, f"is in the place of '{plan}'"))
            return
        outcome.created.append(self.shown)
        if self.remembered() is not None and folder not in self._directory.missing:
            outcome.notes.append(f"{self.shown} was gone, and is written again")
        self._remember(fresh)

    def _remember(self, fresh: str) -> None:
        if self.remembered() != fresh:
            localfiles.write(self._memory, fresh.encode("utf-8"), synced=False)
