"""The tree of a step whose changed paths are known: made from the tree of its base and those paths,
without a look at any other file. A submodule is moved in the same way.

It is the tree that `git add` would make. Where git's settings, attributes or ignore rules may have a
say about one of the paths, there is no such tree, and git is to look at a worktree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import paths
from git_orch.plans.plan import Pointer
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import partial, raw
from git_orch.repo.objects.raw import Entry
from git_orch.repo.worktree import gate, gitview, rules
from git_orch.repo.worktree.gate import Change, Contents, Directory
from git_orch.repo.worktree.snapshot import Snapshot

if TYPE_CHECKING:
    from git_orch.repo.objects.objects import Written
    from git_orch.repo.repository import Repository

_FILE, _EXECUTABLE, _ABSENT = "100644", "100755", "000000"
_DIRECTORIES = (raw.TREE_MODE, gate.GITLINK)
_RULES = frozenset({".gitignore", ".gitattributes"})
# With these, what is stored depends on more than the bytes and the path.
_SETTINGS = {
    "core.safecrlf": ("true",),
    "core.filemode": ("false", "no", "off", "0"),
    "core.ignorecase": ("true", "yes", "on", "1", ""),
    "core.precomposeunicode": ("true", "yes", "on", "1", ""),
    "core.symlinks": ("false", "no", "off", "0"),
}


class File(NamedTuple):
    """A file as a step leaves it at a path; `executable` None keeps the mode that is there."""

    data: bytes
    executable: bool | None = None


class _Place(NamedTuple):
    """A path as its names, what is there in the base, and what a step leaves (None: nothing)."""

    names: tuple[str, ...]
    before: Entry | None
    after: File | Pointer | None

    @property
    def path(self) -> str:
        """The names with slashes between them."""
        return "/".join(self.names)


def snapshot(
    repository: Repository,
    objects: Written,
    base: str,
    files: Mapping[str, File | Pointer | None],
    secrets: Sequence[str],
) -> Snapshot | None:
    """The tree `base` with these files in it (None: without the one at that path), written to
    `objects`; None where only git can tell, or where a gate refuses it.
    """
    try:
        return _snapshot(repository, objects, base, files, secrets)
    except odb.MissingObject:
        if not partial.is_partial(repository.git):
            raise
        return None  # a worktree gets all that is in the base


def _snapshot(
    repository: Repository,
    objects: Written,
    base: str,
    files: Mapping[str, File | Pointer | None],
    secrets: Sequence[str],
) -> Snapshot | None:
    trees = _Trees(objects, base)
    places = _places(repository, trees, files)
    if places is None or _git_has_a_say(repository, objects, trees, places):
        return None
    blobs = {
        place.path: odb.Object("blob", place.after.data)
        for place in places
        if isinstance(place.after, File)
    }
    moves = {place.path: place.after.commit for place in places if isinstance(place.after, Pointer)}
    oids = moves | {path: objects.oid(blob) for path, blob in blobs.items()}
    changes = tuple(_changes(repository, places, oids))
    contents = {oids[path]: blob.data for path, blob in blobs.items()}
    try:
        code = gate.inspect(changes, _contents(objects, trees, changes, contents), secrets, moves)
    except gate.GateRefused:
        return None
    for blob in blobs.values():
        objects.write(*blob)
    edits = {change.path: Entry(change.mode, b"", change.oid) for change in changes}
    tree = _edit(objects, trees, {tuple(path.split("/")): e for path, e in edits.items()})
    return Snapshot(tree or odb.write_tree(objects, []), changes, code=code)


# -- what the base has -----------------------------------------------------------------------------


def _places(
    repository: Repository, trees: _Trees, files: Mapping[str, File | Pointer | None]
) -> list[_Place] | None:
    """Each path with what the base has there; None when one of them is not plainly a file."""
    if any(value in _SETTINGS.get(name, ()) for name, value in repository.settings):
        return None
    named = {paths.parts(path): after for path, after in files.items()}
    if len(named) < len(files) or any(
        names[:length] in named for names in named for length in range(1, len(names))
    ):
        return None  # one of them is the directory of another
    places = []
    for names, after in named.items():
        before = trees.gitlink(names) if isinstance(after, Pointer) else trees.entry(names)
        if paths.problem("/".join(names)) is not None or before is _NO_FILE:
            return None
        if before is None and after is None:
            return None
        if names[-1] in _RULES or (isinstance(after, File) and b"\r" in after.data):
            return None
        places.append(_Place(names, before, after))
    return sorted(places, key=lambda place: place.path.encode("utf-8", "surrogateescape"))


_NO_FILE = Entry("", b"", "")  # something else stands there, or in place of a directory above


class _Trees:
    """The trees below one, each read once."""

    def __init__(self, objects: Written, root: str) -> None:
        self._objects = objects
        self.root = root
        self._entries: dict[str, dict[bytes, Entry]] = {}

    def entry(self, names: Sequence[str]) -> Entry | None:
        """The file at a path; None when there is nothing, _NO_FILE for anything else."""
        directory = self.directory(names[:-1])
        if directory is None or directory is _NO_FILE:
            return _NO_FILE if directory is _NO_FILE else None
        entry = self._of(directory.oid).get(_encode(names[-1]))
        return entry if entry is None or entry.mode in (_FILE, _EXECUTABLE) else _NO_FILE

    def gitlink(self, names: Sequence[str]) -> Entry:
        """The submodule at a path; _NO_FILE where there is none."""
        entry = self.entries(names[:-1]).get(_encode(names[-1]), _NO_FILE)
        return entry if entry.mode == gate.GITLINK else _NO_FILE

    def directory(self, names: Sequence[str]) -> Entry | None:
        """The tree at a path; None when there is nothing, _NO_FILE for anything else."""
        entry = Entry(raw.TREE_MODE, b"", self.root)
        for name in names:
            below = self._of(entry.oid).get(_encode(name))
            if below is None:
                return None
            if below.mode != raw.TREE_MODE:
                return _NO_FILE
            entry = below
        return entry

    def names(self, directory: Sequence[str]) -> dict[str, bool]:
        """The names in a directory, each with whether it is one itself; none where there is none."""
        entries = self.entries(directory).values()
        return {_decode(entry.name): entry.mode in _DIRECTORIES for entry in entries}

    def entries(self, directory: Sequence[str]) -> Mapping[bytes, Entry]:
        """The entries of a directory by name; none where there is no directory."""
        there = self.directory(directory)
        return self._of(there.oid) if there is not None and there is not _NO_FILE else {}

    def _of(self, oid: str) -> dict[bytes, Entry]:
        if oid not in self._entries:
            self._entries[oid] = {entry.name: entry for entry in odb.tree(self._objects, oid)}
        return self._entries[oid]


def _encode(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


# -- does git have a say? --------------------------------------------------------------------------


def _git_has_a_say(
    repository: Repository, objects: Written, trees: _Trees, places: Sequence[_Place]
) -> bool:
    """Whether an ignore rule may leave one of the new files out, or an attribute may convert one of
    the written ones.
    """
    theirs = gitview.user_files(repository)
    ignoring = [theirs.get("core.excludesfile"), repository.common_dir / "info" / "exclude"]
    converting = rules.attributes_outside(repository)
    above = {names[:length] for names, _, after in places if after for length in range(len(names))}
    in_tree = list(_rules_in_tree(objects, trees, above))
    ignored = rules.lines(
        [*rules.read(ignoring), *(text for name, text in in_tree if name == ".gitignore")]
    )
    attributes = rules.lines(
        [*rules.read(converting), *(text for name, text in in_tree if name == ".gitattributes")]
    )
    new = [place.path for place in places if place.before is None]
    written = [place.path for place in places if isinstance(place.after, File)]
    if any(rules.may_match(line.removeprefix("!"), new) for line in ignored):
        return True
    return any(
        rules.may_match(pattern, written) for pattern in rules.patterns_that_convert(attributes)
    )


def _rules_in_tree(
    objects: Written, trees: _Trees, directories: Iterable[tuple[str, ...]]
) -> Iterator[tuple[str, bytes]]:
    """The ignore and attributes files of the base in these directories, each with its name."""
    for names in sorted(directories):
        for name in _RULES:
            entry = trees.entry((*names, name))
            if entry is not None and entry is not _NO_FILE:
                yield name, odb.read(objects, entry.oid, "blob")


# -- the new tree ----------------------------------------------------------------------------------


def _changes(
    repository: Repository, places: Sequence[_Place], oids: Mapping[str, str]
) -> Iterator[Change]:
    """The paths that are different afterwards, as git's diff-tree tells of them."""
    for place in places:
        mode, oid = _mode(place), oids.get(place.path, repository.null_oid)
        before = place.before or Entry(_ABSENT, b"", repository.null_oid)
        if (mode, oid) == (before.mode, before.oid):
            continue
        status = "D" if place.after is None else "A" if place.before is None else "M"
        yield Change(status, place.path, mode, oid, before.mode, before.oid)


def _mode(place: _Place) -> str:
    if place.after is None:
        return _ABSENT
    if isinstance(place.after, Pointer):
        return gate.GITLINK
    if place.after.executable is None:
        return place.before.mode if place.before is not None else _FILE
    return _EXECUTABLE if place.after.executable else _FILE


def _contents(
    objects: Written, trees: _Trees, changes: Sequence[Change], new: Mapping[str, bytes]
) -> Contents:
    """The bytes of what a step leaves, and of what was there; and the names around the changes."""

    def read(oids: Sequence[str]) -> dict[str, bytes]:
        old = [oid for oid in dict.fromkeys(oids) if oid not in new]
        before = zip(old, objects.read_many(old), strict=True)
        written = {oid: new[oid] for oid in oids if oid in new}
        return written | {oid: blob.data for oid, blob in before if blob is not None}

    def directories(named: Sequence[str]) -> dict[str, Directory]:
        return {path: _directory(trees, path, changes) for path in named}

    def sizes(oids: Sequence[str]) -> dict[str, int]:
        return {oid: len(new[oid]) for oid in oids if oid in new}

    return Contents(sizes, read, directories)


def _directory(trees: _Trees, path: str, changes: Sequence[Change]) -> Directory:
    """The names in a directory before the changes and after them; a directory that they empty still
    counts as there.
    """
    before, prefix = trees.names(paths.parts(path)), f"{path}/" if path else ""
    after = dict(before)
    for change in changes:
        if change.path.startswith(prefix):
            name, _, below = change.path.removeprefix(prefix).partition("/")
            if change.status != "D":
                after[name] = bool(below) or change.mode == gate.GITLINK
            elif not below:
                after.pop(name, None)
    return Directory(before, after)


def _edit(objects: Written, trees: _Trees, edits: Mapping[tuple[str, ...], Entry]) -> str | None:
    """The root with entries put in (mode 000000: taken out), written; None when nothing is left."""
    changes: dict[tuple[str, ...], dict[bytes, Entry]] = {}
    for names, entry in edits.items():
        for length in range(len(names)):
            changes.setdefault(names[:length], {})
        changes[names[:-1]][_encode(names[-1])] = entry
    places = sorted(changes, key=len)  # a directory comes before those in it
    entries = {place: dict(trees.entries(place)) for place in places}
    for place in reversed(places):
        here = entries[place]
        for name, entry in changes[place].items():
            here.pop(name, None)
            if entry.mode != _ABSENT:
                here[name] = entry._replace(name=name)
        oid = odb.write_tree(objects, here.values()) if here else None
        if not place:
            return oid
        name = _encode(place[-1])
        entries[place[:-1]].pop(name, None)
        if oid is not None:
            entries[place[:-1]][name] = Entry(raw.TREE_MODE, name, oid)
    return trees.root  # there is no edit
