"""The dependencies that the commands of a step see, by the lock files of the tree it starts from.

Where they are those of the checkout, the checkout's own directories serve. Where they differ, the
setup command makes a layer, once for these lock files; without one, directories that do not fit are
not shown.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.attempt import setup
from git_orch.flow.attempt.means import Means
from git_orch.flow.attempt.setup import SetupFailed
from git_orch.flow.attempt.tree_reader import TreeReader
from git_orch.flow.machine import shares
from git_orch.flow.reports import Note
from git_orch.plans import loads, lock_files, sentences
from git_orch.plans.approval import Setup
from git_orch.repo.local import layers
from git_orch.repo.local.layers import Layer
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Object, Written
from git_orch.repo.objects.raw import TREE_MODE, Entry
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import pool, worktrees
from git_orch.repo.worktree.enclosed import Boundary
from git_orch.sandbox.shares import dependencies
from git_orch.sandbox.walls import environment
from git_orch.sandbox.walls.launcher import Launcher
from git_orch.sandbox.walls.view import Share

_NAME = "layer"  # of the worktree in which layers are made
_LEVELS = 3  # of directories whose lock files count for a layer
_MOST_DIRECTORIES = 1_000
_MOST_PLACES = 200  # mounts of one layer
_LARGEST = 64 << 20  # bytes of a lock file
# Their version is part of what a setup command makes.
_INTERPRETERS = ("python3", "node", "ruby", "php")
_noted: set[tuple[str, str]] = set()  # notes of this process, each with its plan


class Start(NamedTuple):
    """The tree that commands see: of a commit, or of none yet. `objects` may have it in memory."""

    objects: Written
    tree: str
    commit: str | None = None


def works_with(boundary: Boundary, repository: Repository) -> bool:
    """Whether layers can be mounted in this sandbox, at the place where they were made."""
    return boundary.launcher.sandbox.name == "bubblewrap" and repository.top is not None


def fitting(of: Means, start: Start, approved: Setup | None) -> Boundary:
    """The boundary whose commands see the dependencies that fit a tree. Raises SetupFailed."""
    launcher, top = of.boundary.launcher, of.repository.top
    own = [share for share in launcher.shares if _is_of_checkout(share)]
    if top is None or not works_with(of.boundary, of.repository) or not (own or approved):
        return of.boundary
    if start.tree not in of.memory.shares:
        of.memory.shares[start.tree] = _shares(of, start, approved)
    return of.boundary._replace(launcher=replace(launcher, shares=of.memory.shares[start.tree]))


def made_by_setup(of: Means, start: Start, approved: Setup) -> Boundary:
    """The boundary whose commands see what the setup command makes for a tree, whether they need it
    or not. Raises SetupFailed.
    """
    launcher = of.boundary.launcher
    layer = _layer(of, start, _Files(start.objects, start.tree), approved)
    others = [share for share in launcher.shares if not _is_of_checkout(share)]
    made = (*shares.in_order(_mounts(layer)), *others)
    return of.boundary._replace(launcher=replace(launcher, shares=made))


def are_changed(paths: Iterable[str]) -> bool:
    """Whether one of these changed paths may be a change of dependencies."""
    return any(map(_is_lock_file, paths))


def _is_of_checkout(share: Share) -> bool:
    return not share.cache and not os.path.isabs(share.place)


def _shares(of: Means, start: Start, approved: Setup | None) -> tuple[Share, ...]:
    launcher, top = of.boundary.launcher, str(of.repository.top)
    files = _Files(start.objects, start.tree)
    decided = {
        share: lock_files.patterns_of(share.place, environment=share.environment)
        for share in launcher.shares
        if _is_of_checkout(share)
    }
    stale = [share for share, names in decided.items() if not files.equal(top, share.place, names)]
    if approved is not None and (stale or not _all_served(files, decided)):
        layer = _layer(of, start, files, approved)
        made = list(shares.in_order(_mounts(layer)))
        names = {share.place for share in made}
        others = [
            share
            for share in launcher.shares
            if share.place not in names and not decided.get(share)
        ]
        return (*made, *others)
    if stale:
        _note(of, stale)
    return tuple(share for share in launcher.shares if share not in stale)


def _all_served(files: _Files, decided: Mapping[Share, Sequence[str]]) -> bool:
    """Whether the checkout has a directory for each kind of dependencies that the tree has."""
    served = {names for names in decided.values() if names}
    needed = set(lock_files.needed(files.names("")))
    return bool(served) and needed <= served


def _note(of: Means, stale: Sequence[Share]) -> None:
    names = sentences.quoted_names([share.place for share in stale])
    note = f"not shown: {names}, because its lock files differ; to install anew: git orch setup"
    # A run and the checks on its tip have means of their own.
    if (of.furnishing.place.id, note) not in _noted:
        _noted.add((of.furnishing.place.id, note))
        of.reporter.emit(Note(note))


# -- a layer ---------------------------------------------------------------------------------------


def _layer(of: Means, start: Start, files: _Files, approved: Setup) -> Layer:
    """The layer for the lock files of a tree, made where it is missing. What was made from the
    commit that the user's plan starts from serves all their plans; what was made from a step's
    result serves its own plan. Raises SetupFailed.
    """
    content, origin = _content(of, files, approved), of.furnishing.origin
    if origin is not None and origin != start.commit:
        first = Start(start.objects, odb.commit(start.objects, origin).tree, origin)
        if _content(of, _Files(first.objects, first.tree), approved) == content:
            start = first
    owner = "" if origin is not None and start.commit == origin else of.furnishing.place.id
    key = hashlib.sha256(json.dumps([owner, content]).encode()).hexdigest()[:32]
    found = layers.find(of.repository, key)
    if found is not None:
        return found
    try:
        with layers.making(of.repository, of.stop):
            found = layers.find(of.repository, key)  # somebody else made it meanwhile
            return found or _make(of, start, key, approved)
    except errors.Busy as stopped:
        raise SetupFailed(stopped.cause, stopped.hint) from stopped


def _make(of: Means, start: Start, key: str, approved: Setup) -> Layer:
    if key in of.memory.failed:
        raise of.memory.failed[key]
    repository = of.repository
    output = repository.state_dir / "output" / f"setup-{key[:12]}.txt"
    output.parent.mkdir(mode=0o700, exist_ok=True)
    commit = start.commit or of.identity.commit(start.objects, start.tree, [], "dependencies")
    start.objects.flush()
    try:
        with pool.adding(repository):
            worktree = worktrees.made(repository, _NAME, of.boundary, commit, "verify")
        ran = setup.run(of.furnishing, worktree, approved, output, of.stop, of.reporter)
        places = [path.rstrip("/") for path in ran.ignored]
        if len(places) > _MOST_PLACES:
            cause = f"orch.setup ('{approved.command}') left ignored files in {len(places)} places"
            raise SetupFailed(cause, f"git orch setup  # with at most {_MOST_PLACES} of them")
        return layers.keep(repository, key, worktree.path, places)
    except SetupFailed as failed:
        of.memory.failed[key] = failed
        raise
    finally:
        worktrees.remove(repository, _NAME, "verify")


def _content(of: Means, files: _Files, approved: Setup) -> list[object]:
    """All that decides what the setup command makes."""
    system = os.uname()
    reader = TreeReader(files.objects, files.tree)
    scripts = sorted("/".join(names) for names in loads.loaded(approved.command, reader).ran)
    return [
        1,
        approved.command,
        approved.network,
        system.sysname,
        system.machine,
        list(_interpreters(of.boundary.launcher)),
        files.digests(),
        [[path, reader.text(path)] for path in scripts if not _is_lock_file(path)],
    ]


def _is_lock_file(path: str) -> bool:
    return lock_files.is_one(path.rpartition("/")[2], lock_files.EVERYTHING)


def _interpreters(launcher: Launcher) -> Iterator[tuple[str, str, int]]:
    """The interpreters on PATH, each with what changes when it is another version."""
    path = launcher.source.get("PATH", "")
    for name in _INTERPRETERS:
        program = environment.program(name, path)
        if program is not None:
            real = os.path.realpath(program)
            yield name, real, os.stat(real).st_mtime_ns


def _mounts(layer: Layer) -> list[Share]:
    made = (dependencies.of_layer(str(layer.files), place) for place in layer.places)
    return [share for share in made if share is not None]


# -- the files of a tree ---------------------------------------------------------------------------


class _Files:
    """The lock files and manifests of a tree."""

    def __init__(self, objects: Written, tree: str) -> None:
        self.objects = objects
        self.tree = tree
        self._directories: dict[str, dict[str, Entry]] = {}

    def names(self, directory: str) -> Mapping[str, Entry]:
        """The entries of a directory of the tree; none where there is no such."""
        entries, parts = self._entries("", self.tree), directory.split("/") if directory else []
        for count, name in enumerate(parts, start=1):
            entry = entries.get(name)
            if entry is None or entry.mode != TREE_MODE:
                return {}
            entries = self._entries("/".join(parts[:count]), entry.oid)
        return entries

    def _entries(self, directory: str, oid: str) -> dict[str, Entry]:
        if directory not in self._directories:
            self._directories[directory] = {
                entry.name.decode("utf-8", "surrogateescape"): entry
                for entry in odb.tree(self.objects, oid)
            }
        return self._directories[directory]

    def equal(self, checkout: str, place: str, patterns: Sequence[str]) -> bool:
        """Whether the files that decide about a directory of dependencies say the same in the tree
        and in the checkout.
        """
        return all(
            self._is_equal(os.path.join(checkout, directory, name), entry)
            for directory in _around(place)
            for name, entry in self.names(directory).items()
            if entry.mode.startswith("100") and lock_files.is_one(name, tuple(patterns))
        )

    def _is_equal(self, path: str, entry: Entry) -> bool:
        data = _plain_file(path)
        if data is None:
            return False
        if self.objects.oid(Object("blob", data)) == entry.oid:
            return True
        name = os.path.basename(path)
        return lock_files.essence(name, data) == lock_files.essence(name, self._data(entry))

    def _data(self, entry: Entry) -> bytes:
        [blob] = self.objects.read_many([entry.oid])
        return blob.data if blob is not None else b""

    def digests(self) -> list[tuple[str, str]]:
        """The lock files of the upper levels, each path with what stands for its content."""
        digests, waiting = [], [""]
        for directory in waiting:  # grows while we look
            for name, entry in sorted(self.names(directory).items()):
                path = f"{directory}/{name}" if directory else name
                if entry.mode == TREE_MODE:
                    if path.count("/") + 1 < _LEVELS and len(waiting) < _MOST_DIRECTORIES:
                        waiting.append(path)
                elif entry.mode.startswith("100") and lock_files.is_one(
                    name, lock_files.EVERYTHING
                ):
                    essence = lock_files.essence(name, self._data(entry))
                    digests.append((path, hashlib.sha256(essence).hexdigest()))
        return digests


def _around(place: str) -> Iterator[str]:
    """The directories above a path, the root of the tree being the last one."""
    directory = os.path.dirname(place)
    while directory:
        yield directory
        directory = os.path.dirname(directory)
    yield ""


def _plain_file(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        return file.read() if stat.S_ISREG(facts.st_mode) and facts.st_size < _LARGEST else None
