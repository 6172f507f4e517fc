"""Cherry-picks in memory: no work tree, no index, and no program of anybody's is started.

`git merge-tree` takes the same time in a repository of any size. Before git 2.40 it knows no
--merge-base; a commit that stands for the base then does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import bare
from git_orch.repo import ask, sync
from git_orch.repo.objects import merge_attributes, partial, raw
from git_orch.repo.objects import objects as odb

if TYPE_CHECKING:
    from git_orch.repo.objects.objects import Objects
    from git_orch.repo.objects.raw import Entry
    from git_orch.repo.repository import Repository

_GITLINK = "160000"  # a commit of another repository
REPOSITORY = "CONFLICT (repository)"  # a kind of ours
_EMBEDDED = "together they make a repository inside the tree: HEAD, objects and refs"
# Of a commit that only carries a tree and a parent into merge-tree.
_STAND_IN = "git-orch <git-orch> 0 +0000"


class Conflicting(NamedTuple):
    """A path that does not merge: git's stable kind, such as `CONFLICT (contents)`, and its
    message.
    """

    path: str
    kind: str
    message: str


class Picked(NamedTuple):
    """The tree that a pick gives; with conflicts it holds their markers."""

    tree: str
    conflicts: tuple[Conflicting, ...] = ()


def picked(repository: Repository, objects: Objects, commit: str, onto: str) -> Picked:
    """The result of cherry-picking `commit`, against its first parent, onto commit `onto`. Raises
    Refused for a merge.
    """
    fields, target = odb.commit(objects, commit), odb.commit(objects, onto)
    if len(fields.parents) > 1:
        raise errors.Refused(
            f"'{commit[:10]}' is a merge commit: it cannot be picked", f"git show {commit[:10]}"
        )
    base = fields.parents[0] if fields.parents else None
    base_tree = odb.commit(objects, base).tree if base is not None else repository.empty_tree
    if base_tree == target.tree:
        return Picked(fields.tree)
    if fields.tree in (base_tree, target.tree):
        return Picked(target.tree)
    return _merged(repository, objects, base=base_tree, ours=target.tree, theirs=fields.tree)


def _merged(
    repository: Repository, objects: Objects, *, base: str, ours: str, theirs: str
) -> Picked:
    """The three-way merge of trees; as commits, since that is what merge-tree takes."""
    below = _stand_in(objects, base, ())
    sides = _stand_in(objects, ours, (below,)), _stand_in(objects, theirs, (below,))
    objects.flush()
    options = ("--write-tree", "-z", "--messages")
    partial.complete_merge(repository.git, below, *sides)
    with merge_attributes.git(repository, objects, base, ours, theirs) as git:
        done = git.finished(*sync.options(), "merge-tree", *options, *sides, expect=(0, 1))
    read = _read(done.stdout.decode("utf-8", "surrogateescape"), clean=done.status == 0)
    repositories = _take(objects, read.tree, (ours, theirs))
    made = [Conflicting(path, REPOSITORY, _EMBEDDED) for path in repositories]
    return read._replace(conflicts=(*read.conflicts, *made))


class _Merged(NamedTuple):
    """A tree of a merge at a path, and the trees of the sides there."""

    tree: str
    sides: tuple[str, ...]
    path: str


def _take(objects: Objects, tree: str, sides: tuple[str, ...]) -> list[str]:
    """Write again, with what a ref is about to hold, what git has written for a merge of these
    trees. Raises MissingObject when somebody has collected it already.

    Gives the directories of which the sides have no more than parts of a repository each, which
    makes one that no gate has seen.
    """
    repositories: list[str] = []
    taken: set[tuple[str, tuple[str, ...]]] = set()  # a tree may be in very many places
    waiting = [_Merged(tree, sides, "")]
    while waiting:
        merged = waiting.pop()
        if merged.tree in merged.sides or merged[:2] in taken:
            continue
        taken.add(merged[:2])
        data = odb.read(objects, merged.tree, "tree")
        objects.write("tree", data)
        there = [{entry.name: entry for entry in odb.tree(objects, side)} for side in merged.sides]
        entries = raw.tree_entries(data, objects.oid_length)
        before = any(_is_repository(side.values()) for side in there)
        if _is_repository(entries) and not before:
            repositories.append(merged.path or ".")
        waiting += _take_entries(objects, entries, there, merged.path)
    return repositories


def _take_entries(
    objects: Objects,
    entries: Iterable[Entry],
    there: Sequence[Mapping[bytes, Entry]],
    path: str,
) -> Iterator[_Merged]:
    """Write the files again that none of the sides has; gives the directories."""
    for entry in entries:
        same_name = [side[entry.name] for side in there if entry.name in side]
        if entry.mode == _GITLINK or any(entry.oid == other.oid for other in same_name):
            continue
        if entry.mode == raw.TREE_MODE:
            sides = tuple(other.oid for other in same_name if other.mode == raw.TREE_MODE)
            inner = f"{path}/{_text(entry.name)}" if path else _text(entry.name)
            yield _Merged(entry.oid, sides, inner)
        else:
            objects.write("blob", odb.read(objects, entry.oid, "blob"))


def _is_repository(entries: Iterable[Entry]) -> bool:
    modes = (raw.TREE_MODE, _GITLINK)
    return bare.is_repository({_text(entry.name): entry.mode in modes for entry in entries})


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _stand_in(objects: Objects, tree: str, parents: tuple[str, ...]) -> str:
    return odb.write_commit(objects, raw.CommitObject(tree, parents, _STAND_IN, _STAND_IN, "\n"))


def _read(text: str, *, clean: bool) -> Picked:
    """The output of merge-tree -z: the tree, entries of conflicted files, an empty field, then
    messages.
    """
    fields = text.split("\0")
    if clean:
        return Picked(fields[0])
    end = fields.index("", 1)
    rest = iter(fields[end + 1 :])
    conflicts = []
    for count in rest:
        if not count:
            break
        paths = [next(rest) for _ in range(int(count))]
        kind, message = next(rest), next(rest)
        if kind.startswith("CONFLICT"):
            conflicts += [Conflicting(path, kind, message.strip()) for path in paths[:1]]
    named = {each.path for each in conflicts}
    unnamed = dict.fromkeys(entry.partition("\t")[2] for entry in fields[1:end])
    conflicts += [Conflicting(path, "CONFLICT", "") for path in unnamed if path not in named]
    return Picked(fields[0], tuple(conflicts))


def shown(repository: Repository, found: Picked, most: int) -> str:
    """Both sides of the first conflict, between git's markers; at most `most` characters. Empty
    where there is none.
    """
    for each in found.conflicts:
        text = (ask.file(repository.git, found.tree, each.path) or b"").decode("utf-8", "replace")
        start, end = text.find("<<<<<<<"), text.find(">>>>>>>")
        if 0 <= start < end:
            return text[start : text.find("\n", end) + 1 or None][:most]
    return ""


class Merged(NamedTuple):
    """The tree of a merge, and the paths that do not merge; then the tree holds conflict markers."""

    tree: str
    conflicts: tuple[str, ...] = ()


def merged(repository: Repository, objects: Objects, ours: str, theirs: str) -> Merged | None:
    """The result of `git merge` of commit `theirs` into commit `ours`; None when they have no
    common history.
    """
    git = repository.git
    base = git.finished("merge-base", ours, theirs, expect=(0, 1)).stdout.decode("ascii").strip()
    if not base:
        return None
    partial.complete_merge(git, base, ours, theirs)
    options = ("--write-tree", "-z", "--name-only", "--no-messages")
    below, *sides = (odb.commit(objects, commit).tree for commit in (base, ours, theirs))
    with merge_attributes.git(repository, objects, below, *sides) as git:
        done = git.finished(*sync.options(), "merge-tree", *options, ours, theirs, expect=(0, 1))
    tree, *paths = ask.names(done.stdout)
    return Merged(tree, tuple(dict.fromkeys([*paths, *_take(objects, tree, tuple(sides))])))


def touching(
    repository: Repository, base: str | None, tip: str, paths: Sequence[str]
) -> frozenset[str]:
    """Commits from `base` (None: from the first one) to `tip` that change one of the paths."""
    span = [tip, *([f"^{base}"] if base is not None else [])]
    listed = repository.git.run("--literal-pathspecs", "log", "--format=%H", *span, "--", *paths)
    return frozenset(listed.decode("ascii").split())
