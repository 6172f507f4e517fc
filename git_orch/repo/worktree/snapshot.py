"""Snapshots: a work tree as a tree object, with the result that `git add` by the user would give.

git looks at the files inside the sandbox; what it makes of them comes in through a gate.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import ask, localfiles, sync, temporary
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.worktree import (
    beside,
    file_system,
    gate,
    ingest,
    largefiles,
    rules,
    worktrees,
)
from git_orch.repo.worktree.enclosed import Boundary, Enclosure, Scratch
from git_orch.repo.worktree.gate import Change
from git_orch.sandbox import keeping, trees
from git_orch.sandbox.walls import mount_points

if TYPE_CHECKING:
    from git_orch.repo.objects.packs import Held
    from git_orch.repo.repository import Repository
    from git_orch.repo.worktree.worktrees import Worktree

_LONGEST_LIST = 64 * 1024**2  # bytes of names
_OID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\n")

# Paths that differ are listed before those that are ignored. Where nothing differs from HEAD, and
# that is the base, no tree is made: `git add` would write every file anew that is as young as the
# index. A base is named that HEAD cannot be ("") where a tree is wanted in any case.
_ADD = """
base=$1 same=$2
shift 2
git status --porcelain -z --no-renames --untracked-files=all --ignored=matching \\
    --ignore-submodules=dirty -- "$@" >"$OUT/status"
first= head=
read -r first <"$OUT/status" || :
read -r head <"$GIT_DIR/HEAD" || :
case $head:$first in
"$same:" | "$same:!!"*) exit 0 ;;
esac
status=0
git add --all --sparse -- "$@" || status=$?
# Paths that are both left out and ignored make it end with 1 after it has added everything else.
test "$status" -eq 0 || test "$status" -eq 1 -a "$#" -gt 1 || exit "$status"
# Where git does not look at modes, those that a step names.
test ! -s "$OUT/plain" || git update-index --chmod=-x -z --stdin <"$OUT/plain"
test ! -s "$OUT/executable" || git update-index --chmod=+x -z --stdin <"$OUT/executable"
# The submodules that a step moves: their places are empty.
test ! -s "$OUT/pointers" || git update-index -z --index-info <"$OUT/pointers"
git write-tree >"$OUT/tree"
read -r tree <"$OUT/tree"
printf '%s\\n^%s^{tree}\\n' "$tree" "$base" |
    git pack-objects --revs --thin --delta-base-offset --stdout -q >"$OUT/pack"
"""
# Without a tree the index is not compared.
_LOOK = """
test -z "$1" || git diff-index --cached --name-only -z --no-renames "$1" >"$OUT/staged"
git status --porcelain -z --no-renames --untracked-files=all --ignored=matching --ignore-submodules=dirty >"$OUT/status"
"""
# Files that git has in its index: no new one is of interest.
_TRACKED = """
git status --porcelain -z --no-renames --untracked-files=no --ignore-submodules=dirty >"$OUT/status"
"""
_STATUS = ("--porcelain", "-z", "--no-renames", "--ignore-submodules=dirty")
_IGNORED = "!!"
_TOUCHED = " M"


class Snapshot(NamedTuple):
    """A worktree as it is: its tree, what changed since the base, repositories inside it that the
    tree leaves out.

    `code` are the changed files that run code where somebody uses the tree. `spotless` says whether
    nothing is beside it; None: nobody looked. `beside` are ignored files and empty directories,
    `odd` what a checkout makes otherwise, `below` files in the places of submodules.
    """

    tree: str
    changes: tuple[Change, ...]
    nested: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    spotless: bool | None = None
    beside: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


class Look(NamedTuple):
    """A worktree held against a tree: paths that differ, and whether neither ignored files (build
    products) nor empty directories are there. `ignored` are those that git lists, which it need not
    where it looked before.
    """

    disturbed: tuple[str, ...]
    spotless: bool
    ignored: tuple[str, ...] = ()


class Terms(NamedTuple):
    """What a snapshot must not hold, and the local file that takes it as a patch when it does.

    `without` are paths that are none of the step's, whatever the ignore rules say. `unchanged` is the
    tree of the base: a worktree in which nothing changed is not stored anew. `executable` says of
    files whether they are, where git does not look at modes. `pointers` are the submodules that the
    step moves, each with the commit; None: any may have moved.
    """

    secrets: tuple[str, ...] = ()
    refused: Path | None = None
    without: tuple[str, ...] = ()
    unchanged: str | None = None
    executable: Mapping[str, bool] = MappingProxyType({})
    pointers: Mapping[str, str] | None = None


def taken(repository: Repository, worktree: Worktree, base: str, terms: Terms) -> Snapshot:
    """The snapshot of everything that is not ignored; the index is its tree afterwards. Raises
    GateRefused.

    A repository made inside the tree would be stored as a link to nothing, or end `git add`: it is
    left out and named.
    """
    try:
        return _indexed(repository, worktree, base, terms)
    except (GitFailed, gate.GateRefused):
        nested = _repositories_inside(worktree, base)
        if not nested:
            raise
        left_out = terms._replace(without=(*terms.without, *nested))
        return _indexed(repository, worktree, base, left_out)._replace(nested=nested)


def _indexed(repository: Repository, worktree: Worktree, base: str, terms: Terms) -> Snapshot:
    """A snapshot that the index holds: until then `git gc --prune=now` of somebody else may take
    it.
    """
    alone, standing = terms.unchanged is not None, worktree.standing
    if terms.unchanged is not None and standing.confirm(terms.unchanged):
        changed = worktree.enclosure.changed_shares()
        spotless = standing.spotless and not changed
        return Snapshot(terms.unchanged, (), spotless=spotless, beside=changed)
    before = standing.footprint() if alone else None
    standing.forget()
    made, held = _taken(repository, worktree.enclosure, base, terms)
    if alone and not terms.without:
        standing.settle(made.tree, before, spotless=made.spotless is True)
    try:
        if made.tree != terms.unchanged:
            index(worktree, made.tree)
    finally:
        if held is not None:
            held.release()
    return made


def _repositories_inside(worktree: Worktree, base: str) -> tuple[str, ...]:
    """Directories with a repository of their own, but for the submodules that the base has."""
    known = _submodules(worktree.git, base)
    inside = []
    for directory in trees.walk(worktree.path):
        if directory.names and ".git" in (*directory.inner, *directory.others):
            directory.inner.clear()
            if directory.path not in known:
                inside.append(directory.path)
    return tuple(inside)


def _taken(
    repository: Repository, enclosure: Enclosure, base: str, terms: Terms
) -> tuple[Snapshot, Held | None]:
    """The tree of the worktree, let in through the gate, and what holds its objects."""
    pathspecs = (".", *(f":(exclude,literal){path}" for path in terms.without))
    with enclosure.scratch() as scratch:
        same = base if terms.unchanged is not None else ""
        if terms.executable and enclosure.settings.get("core.filemode") == "false":
            same = ""
            _name_modes(scratch, terms.executable)
        if terms.pointers:
            same = ""
            _name_pointers(scratch, terms.pointers)
        enclosure.run(scratch, _ADD, base, same, *pathspecs)
        entries = ask.names(scratch.bytes("status", _LONGEST_LIST))
        seen = _seen(enclosure, _ignored(entries))
        if terms.unchanged is not None and not scratch.has("tree"):
            return seen._replace(tree=terms.unchanged), None
        tree = _tree(scratch)
        with (
            scratch.opened("pack", ingest.LARGEST_PACK) as pack,
            ingest.quarantine(repository, enclosure) as quarantine,
        ):
            quarantine.take(pack)
            differing = quarantine.changes(base, tree)
            try:
                code = quarantine.inspect(differing, (base, tree), terms.secrets, terms.pointers)
            except gate.GateRefused as refused:
                if terms.refused is not None:
                    # What stands above its first file is a comment of a patch.
                    head = f"{refused.allowing}\n\n".encode("utf-8", "backslashreplace")
                    patch = quarantine.patch(differing, base, tree)
                    with keeping.unnecessary("what must not enter the repository"):
                        data = (head if refused.allowing else b"") + patch
                        localfiles.write(terms.refused, data)
                raise
            largefiles.admit(repository, scratch.lfs)
            held = quarantine.admit()
    untouched = rules.as_stored(enclosure.worktree, differing)
    if untouched:  # git would store them otherwise, and nobody changed them
        if held is not None:
            held.release()
        others = terms._replace(without=(*terms.without, *untouched), unchanged=None)
        return _taken(repository, enclosure, base, others)
    odd = seen.odd
    if enclosure.own:
        odd = tuple(dict.fromkeys([*odd, *_converted(repository, enclosure.worktree, differing)]))
    spotless = seen.spotless is True and not odd
    return Snapshot(tree, differing, (), code, spotless, seen.beside, odd, seen.below), held


def _name_modes(scratch: Scratch, executable: Mapping[str, bool]) -> None:
    for name, runs in (("plain", False), ("executable", True)):
        listed = [path for path, mode in executable.items() if mode is runs]
        (scratch.path / name).write_bytes(ask.input_of(listed))


def _name_pointers(scratch: Scratch, pointers: Mapping[str, str]) -> None:
    entries = [f"{gate.GITLINK} {commit}\t{path}" for path, commit in pointers.items()]
    (scratch.path / "pointers").write_bytes(ask.input_of(entries))


def _seen(enclosure: Enclosure, ignored: Sequence[str]) -> Snapshot:
    """What is in a worktree of git-orch's own beside its tree; the user's checkout may have it."""
    if not enclosure.own:
        return Snapshot("", (), spotless=False)
    top, points = enclosure.worktree, enclosure.mount_points
    products = [path for path in ignored if not mount_points.are_all(top, path, points)]
    survey = beside.survey(top, ignored, points)
    left = (*products, *enclosure.changed_shares(), *survey.empty)
    spotless = survey.whole and not (left or survey.odd)
    return Snapshot("", (), (), (), spotless, left, survey.odd, survey.below)


def _converted(repository: Repository, top: Path, changes: Sequence[Change]) -> Iterable[str]:
    """The files of a worktree that a checkout writes with other bytes."""
    if any(change.path.rpartition("/")[2] == rules.ATTRIBUTES for change in changes):
        return beside.files(top)
    return rules.converted(repository, top, changes)


def _tree(scratch: Scratch) -> str:
    said = scratch.bytes("tree", 65)
    if _OID.fullmatch(said) is None:
        raise errors.UnfitRepository("git gave no tree for the worktree", "git orch status")
    return said.decode("ascii").strip()


def look_at_everything(worktree: Worktree) -> None:
    """Undo what a command may have told git not to look at; files that a sparse checkout left out
    stay left out.
    """
    listed = ask.names(worktree.git.run("ls-files", "-v", "-z"))
    entries = [(entry[0], entry[2:]) for entry in listed]
    unchanged = [path for flag, path in entries if flag.islower()]
    skipped = [
        path for flag, path in entries if flag in "Ss" and os.path.lexists(worktree.path / path)
    ]
    for option, paths in (("--no-assume-unchanged", unchanged), ("--no-skip-worktree", skipped)):
        if paths:
            worktree.git.run("update-index", option, "-z", "--stdin", stdin=ask.input_of(paths))


def left_out(worktree: Worktree, paths: list[str]) -> list[str]:
    """Which of `paths` the snapshot does not hold: git ignores them."""
    return sorted(set(paths) - set(ask.tracked(worktree.git, paths)))


def disturbed(worktree: Worktree, tree: str) -> list[str]:
    """Paths that differ from the snapshot `tree`, on disk or in the index, new ones included,
    ignored ones not.
    """
    return list(look(worktree, tree).disturbed)


def look(worktree: Worktree, tree: str, *, alone: bool = False) -> Look:
    """Compare a worktree with the snapshot `tree` that it held. With `alone` only commands worked in
    it: in the sandbox they cannot write its index.
    """
    alone, standing = alone and worktree.enclosure.launcher.sandboxed, worktree.standing
    if alone and standing.confirm(tree):
        return Look((), standing.spotless and not worktree.enclosure.changed_shares())
    before = standing.footprint() if alone else None
    standing.forget()
    compared = "" if alone else tree
    with worktree.enclosure.scratch() as scratch:
        worktree.enclosure.run(scratch, _LOOK, compared)
        staged = ask.names(scratch.bytes("staged", _LONGEST_LIST)) if compared else ()
        entries = ask.names(scratch.bytes("status", _LONGEST_LIST))
    ours = [entry for entry in entries if not entry.startswith(_IGNORED)]
    modified = [entry[3:] for entry in ours if entry[:2] == " M"]
    untouched = _untouched(worktree, modified) if modified else frozenset()
    others = (entry[3:] for entry in ours if entry[1] != " ")
    paths = dict.fromkeys([*staged, *(path for path in others if path not in untouched)])
    spotless = _seen(worktree.enclosure, _ignored(entries)).spotless is True
    if alone and not paths:
        standing.settle(tree, before, spotless=spotless)
    ignored = tuple(entry[3:] for entry in entries if entry.startswith(_IGNORED))
    return Look(tuple(paths), spotless, ignored)


def _untouched(worktree: Worktree, paths: Sequence[str]) -> frozenset[str]:
    """The paths whose files are as git stores them, though it would store them otherwise."""
    listed = ask.names(worktree.git.run("ls-files", "-s", "-z", "--", *paths))
    changes = []
    for entry in listed:
        head, _, path = entry.partition("\t")
        mode, oid, _ = head.split()
        changes.append(Change("M", path, mode, "", mode, oid))
    return frozenset(rules.as_stored(worktree.path, changes))


def _ignored(entries: Sequence[str]) -> list[str]:
    """The ignored files and directories in what `git status` lists."""
    return [entry[3:] for entry in entries if entry.startswith(_IGNORED)]


def index(worktree: Worktree, tree: str) -> None:
    """Make `tree` what the index holds, and note how its files look now, so that git need not read
    them again.
    """
    worktree.git.run("read-tree", "--reset", tree)
    worktree.git.finished("update-index", "-q", "--refresh", expect=(0, 1))


def check_out(worktree: Worktree, tree: str) -> None:
    """Make a worktree in which nobody has worked since git saw it the tree `tree`."""
    worktree.git.run("read-tree", "--reset", "-u", tree)
    worktrees.smudge(worktree)
    worktree.standing.settle(tree, worktree.standing.footprint(), spotless=True)


def make_exact(worktree: Worktree, made: Snapshot, *, ignored: bool = True) -> None:
    """Make a worktree what a checkout of the snapshot's tree is: what is beside the tree goes, with
    `ignored` also what git ignores, and what a checkout makes otherwise is made anew.
    """
    if made.odd:
        beside.remove(worktree.path, made.odd)
        worktree.git.run("read-tree", "--reset", "-u", made.tree)
    worktrees.clean(worktree, ignored=ignored)
    if made.odd:
        worktrees.smudge(worktree)
    worktree.standing.settle(made.tree, worktree.standing.footprint(), spotless=ignored)


def restore(worktree: Worktree, tree: str) -> None:
    """Put files and index back to `tree`; untracked files that the tree does not name go, ignored
    ones stay.
    """
    worktree.git.run("read-tree", "--reset", "-u", tree)
    worktrees.clean(worktree, ignored=False)
    worktrees.smudge(worktree)


def uncommitted(repository: Repository, boundary: Callable[[], Boundary] | None = None) -> int:
    """How many of the user's files differ from HEAD, untracked ones included; 0 in a bare
    repository.

    Filters run in the sandbox only, and only for files that were touched. Without a boundary, or
    where they fail there, such a file counts.
    """
    if repository.top is None:
        return 0
    listed = repository.quiet_git.run("status", *_STATUS, "--untracked-files=all")
    entries = ask.names(listed)
    if boundary is None or not _has_filters(repository):
        return len(entries)
    touched = [entry[3:] for entry in entries if entry.startswith(_TOUCHED)]
    behind = ask.filtered(repository.quiet_git, touched)
    if not behind:
        return len(entries)
    try:
        changed = _changed_for_filters(_enclosed(repository, repository.top, boundary()))
    except (errors.Refused, errors.UnfitRepository, GitFailed):
        return len(entries)  # a number in a note ends nothing
    return len(entries) - len(behind - changed)


def _changed_for_filters(enclosure: Enclosure) -> frozenset[str]:
    """The tracked files that differ from the index in the eyes of the user's filters."""
    with enclosure.scratch() as scratch:
        enclosure.run(scratch, _TRACKED)
        entries = ask.names(scratch.bytes("status", _LONGEST_LIST))
    return frozenset(entry[3:] for entry in entries if entry[1] != " ")


def _has_filters(repository: Repository) -> bool:
    return any(name.startswith("filter.") for name in repository.drivers)


def _enclosed(repository: Repository, top: Path, boundary: Boundary) -> Enclosure:
    """The user's checkout for git in the sandbox."""
    return Enclosure(
        top,
        repository.git_dir,
        repository.common_dir,
        boundary,
        file_system.of_user(repository),
        own=False,
    )


def of_user(repository: Repository, boundary: Callable[[], Boundary], base: str | None) -> str:
    """The tree of the user's worktree as it is, untracked files included, without touching their
    index.

    `base` is the commit it stands on. Their filters run in the sandbox; in a repository without
    any, git needs none. Other worktrees of the repository are left out. Raises Refused for another
    repository among the files.
    """
    if repository.top is None:
        raise errors.UnfitRepository(
            "a bare repository has no uncommitted files", "git orch plan --base main"
        )
    worktrees_inside = _worktrees_among(repository, repository.top, base)
    if _has_filters(repository):
        enclosure = _enclosed(repository, repository.top, boundary())
        terms = Terms(without=worktrees_inside)
        made, held = _taken(repository, enclosure, base or repository.empty_tree, terms)
        if held is not None:
            held.release()
        return made.tree
    with temporary.directory(repository.state_dir) as directory:
        index = directory / "index"
        theirs = repository.git_dir / "index"
        if theirs.exists():
            # With its time of change: git needs it to notice edits of the same second.
            shutil.copy2(theirs, index)
        variables = {"GIT_INDEX_FILE": str(index)}
        _add_all(repository.user_git, variables, worktrees_inside)
        return (
            repository.user_git.run(*sync.options(), "write-tree", variables=variables)
            .decode("ascii")
            .strip()
        )


def _submodules(git: Git, tree: str) -> frozenset[str]:
    listed = ask.names(git.run("ls-tree", "-r", "-z", "--full-tree", tree))
    entries = (entry for entry in listed if entry.startswith(gate.GITLINK))
    return frozenset(entry.partition("\t")[2] for entry in entries)


def _worktrees_among(repository: Repository, top: Path, base: str | None) -> tuple[str, ...]:
    """Other worktrees of the repository that stand among the untracked files of this one. Raises
    Refused for a repository there that is another one, and no submodule of the base.
    """
    listed = repository.quiet_git.run("ls-files", "--others", "--exclude-standard", "-z")
    inside = [name.rstrip("/") for name in ask.names(listed) if name.endswith("/")]
    if inside and base is not None:
        inside = [path for path in inside if path not in _submodules(repository.quiet_git, base)]
    registered = os.path.realpath(repository.common_dir / "worktrees")
    for path in inside:
        try:
            pointer = (top / path / ".git").read_text("utf-8", "surrogateescape")
        except OSError:
            pointer = ""
        git_dir = top / path / pointer.removeprefix("gitdir: ").strip()
        if not pointer or os.path.dirname(os.path.realpath(git_dir)) != registered:
            raise errors.Refused(
                f"{sentences.quoted(path)} is a repository "
                "inside your checkout, which no snapshot can hold",
                "git status  # .git/info/exclude may name it, or move it elsewhere",
            )
    return tuple(inside)


def _add_all(git: Git, variables: Mapping[str, str], without: Sequence[str]) -> None:
    """Have an index hold all files of a work tree but those at paths, and the commits of its
    submodules.

    `git add` would run `git status` in each of these, with the filters of its own configuration.
    """
    listed = ask.names(git.run("ls-files", "-s", "-z", variables=variables))
    submodules = [entry.partition("\t")[2] for entry in listed if entry.startswith(gate.GITLINK)]
    left_out = [f":(exclude,literal){path}" for path in (*submodules, *without)]
    others = ("--", ".", *left_out) if left_out else ()
    git.run(*sync.options(), "add", "--all", *others, variables=variables)
    if submodules:
        update = ("update-index", "--add", "--remove", "-z", "--stdin")
        git.run(*sync.options(), *update, stdin=ask.input_of(submodules), variables=variables)
