"""Worktrees: git-orch's own, one for each plan, outside the user's tree; and finding who has a
branch checked out.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints, errors
from git_orch.plans import ids, sentences
from git_orch.repo import ask, localfiles, own_files, refs
from git_orch.repo.git import Git, GitFailed, failure
from git_orch.repo.objects import partial
from git_orch.repo.places import place_of, worktree_names
from git_orch.repo.repository import leads_to, unwritable
from git_orch.repo.worktree import beside, enclosed, file_system, registration
from git_orch.repo.worktree.enclosed import Boundary, Enclosure
from git_orch.repo.worktree.standing import Standing
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository


# A plan's attempts, what a person does by hand and a verification do not share files: one would
# clean away the other's. "exec", "manual", "verify", or "s3-fix" for the third step.
Purpose = str

_FILTER = re.compile(r"[A-Za-z0-9_.-]+")  # what an attribute can have as its value
_DETACHED = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\n")
# Bytes from the top of a worktree. git takes none that is longer (PATH_MAX), and so tracks none.
_LONGEST_PATH = 4000
_DEEPEST = 100  # directories inside each other that git may clean: no project has so many
_TRIES = 50
_STORED = "orch-stored"  # in the worktree's git directory
_REFTABLE = "refs/heads/.invalid"  # what HEAD is as a file where refs are in tables
_WAIT_SECONDS = 0.01  # writing such a file takes less


class Worktree(NamedTuple):
    """A linked worktree of git-orch's own.

    `git` acts on its index and writes its files, and starts no program for any of them; `enclosure`
    is where git reads what others wrote in it, and `standing` spares it to read what it read
    before.
    """

    path: Path
    git: Git
    enclosure: Enclosure
    standing: Standing


def path_of(repository: Repository, name: str, purpose: Purpose = "exec") -> Path:
    """Where a plan's worktree is, or that of the pool with this name: below $XDG_STATE_HOME, not in
    `.git`, which many tools skip.
    """
    suffix = f"-{purpose}" if purpose != "exec" else ""
    return place_of(repository, "worktrees") / f"{ids.without_slug(name)}{suffix}"


def purposes(repository: Repository, plan: str) -> list[Purpose]:
    """The purposes for which a plan has worktrees."""
    first = path_of(repository, plan).name
    return [
        path.name.removeprefix(f"{first}-") if path.name != first else "exec"
        for path in listed(repository)
        if path.name == first or path.name.startswith(f"{first}-")
    ]


def listed(repository: Repository) -> list[Path]:
    """The entries of the directory with the worktrees of all plans of the repository."""
    place = place_of(repository, "worktrees")
    return [place / name for name in worktree_names(repository)]


def existing(
    repository: Repository, name: str, boundary: Boundary, purpose: Purpose = "exec"
) -> Worktree | None:
    """The plan's worktree, if git knows it and its directory is there."""
    path = path_of(repository, name, purpose)
    own_files.require(*_place_of(path))
    git_dir = _git_dir(repository, path)
    if git_dir is None or not path.is_dir():
        return None
    git = _git(repository, git_dir, path)
    settings = file_system.settings(path.parent)
    enclosure = Enclosure(path, git_dir, repository.common_dir, boundary, settings)
    return Worktree(path, git, enclosure, Standing(path))


def displaced(repository: Repository, name: str, purpose: Purpose) -> Path | None:
    """Where a plan's worktree is now, after somebody moved it or the repository; None where it is in
    its place or nowhere.
    """
    path = path_of(repository, name, purpose)
    for entry in sorted((repository.common_dir / "worktrees").glob(f"{path.name}*/gitdir")):
        place = Path(entry.read_text("utf-8", "surrogateescape").strip()).parent
        if place != path and os.path.lexists(place / ".git"):
            return place
    return None


def of_another(repository: Repository, name: str, purpose: Purpose) -> str | None:
    """Whose worktree of a plan is where, as words, when it is another user's; None without one."""
    path = path_of(repository, name, purpose)
    for entry in sorted((repository.common_dir / "worktrees").glob(f"{path.name}*/gitdir")):
        other = own_files.other_owner(entry)
        if other is not None:
            place = Path(entry.read_text("utf-8", "surrogateescape").strip()).parent
            return f"'{other}' has one in {sentences.quoted(place)}"
    return None


def made(
    repository: Repository, name: str, boundary: Boundary, commit: str, purpose: Purpose = "exec"
) -> Worktree:
    """The plan's worktree, newly made and detached at `commit`."""
    path = path_of(repository, name, purpose)
    place = _place_of(path)
    try:
        own_files.make_directories(*place)
    except OSError as failed:
        raise unwritable(failed, path.parent) from failed
    own_files.require(*place)
    if path.exists() or _git_dir(repository, path) is not None:  # a killed one left it half made
        remove(repository, name, purpose)
    try:
        _check_out(repository, path, commit)
    except GitFailed:
        remove(repository, name, purpose)
        raise
    found = existing(repository, name, boundary, purpose)
    if found is None:
        raise GitFailed("worktree add", 0, f"fatal: {sentences.quoted(path)} is not there")
    smudge(found)
    return found


def _place_of(path: Path) -> tuple[str, list[str]]:
    """git-orch's own directory, and the names that lead from it to that of the worktrees: no link
    may be in there, so that nobody has a step work elsewhere.
    """
    top, names = own_files.split(path)
    return top, names[:-1]


def _check_out(repository: Repository, path: Path, commit: str) -> None:
    partial.complete(repository.git, commit)
    workers = ("-c", "checkout.workers=2")  # helps from some thousand files on, costs nothing below
    if not registration.is_possible(repository):
        options = ("--quiet", "--detach", "--force", "--lock")
        whole = [word for setting in _chosen(path) for word in ("-c", setting)]
        _run(repository, *workers, *whole, "worktree", "add", *options, "--", str(path), commit)
        git_dir = _git_dir(repository, path)
        if git_dir is not None:
            registration.make_whole(repository, git_dir)
            repository.sharing.adjust_tree(git_dir)
        return
    oid = repository.git.line("rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}")
    git_dir = registration.add(repository, path, oid)
    git = _git(repository, git_dir, path)
    git.run(*workers, "read-tree", "--reset", "-u", oid)


def _git(repository: Repository, git_dir: Path, path: Path) -> Git:
    """git for a worktree of git-orch's own."""
    return Git(git_dir, path, repository.variables, repository.drivers, _chosen(path))


def _chosen(path: Path) -> tuple[str, ...]:
    """What counts in a worktree whatever the user's checkout is: it has all its files, and git
    knows what its file system can.
    """
    settings = file_system.settings(path.parent)
    return tuple(f"{name}={value}" for name, value in settings.items())


def _run(repository: Repository, *args: str, expect: Sequence[int] = (0,)) -> bytes:
    """Output of a `git worktree` command, tried again while somebody makes another one.

    git reads the files of all worktrees, and gives up at one that is there and still empty.
    """
    git = Git(repository.common_dir, None, repository.variables, repository.drivers)
    done, tries = git.finished(*args, expect=(0, 128, 255)), 1
    while done.status != 0 and b"failed to read" in done.stderr and tries < _TRIES:
        time.sleep(_WAIT_SECONDS)
        done, tries = git.finished(*args, expect=(0, 128, 255)), tries + 1
    if done.status not in expect:
        raise failure("worktree", done.status, done.stderr.decode("utf-8", "replace"))
    return done.stdout


@checkpoints.around("point worktree")
def point(worktree: Worktree, commit: str, *, ignored: bool = True) -> None:
    """Make the worktree exactly `commit`: no other file is left, with `ignored` not even those that
    git ignores.
    """
    partial.complete(worktree.git, commit)
    if ignored:
        beside.remove(worktree.path, beside.survey(worktree.path, ()).odd)
    worktree.git.run("checkout", "--quiet", "--force", "--detach", commit, "--")
    clean(worktree, ignored=ignored)
    smudge(worktree)


# Without the read-tree git would take the files for what they should be, and not write them.
_SMUDGE = """
git read-tree "$(git write-tree)"
for name in "$@"; do
    git ls-files -z -- ":(attr:filter=$name)"
done | git checkout-index --force -z --stdin
"""


def smudge(worktree: Worktree) -> None:
    """Give files that stand for others, as those of git-lfs do, their contents: in the sandbox, as
    a filter is code.

    Where the filter fails, for want of a network say, they stay as stored, and a note says so.
    """
    drivers = [name for name in worktree.git.drivers if name.startswith("filter.")]
    filters = [name.removeprefix("filter.").rpartition(".")[0] for name in drivers]
    chosen = [name for name in dict.fromkeys(filters) if _FILTER.fullmatch(name)]
    odd = [name for name in chosen if "." in name]  # which no pathspec can have in a value
    if odd:
        worktree.enclosure.boundary.tell(
            f"files of the filter {', '.join(odd)} stay as stored: git cannot select them"
        )
    chosen = [name for name in chosen if name not in odd]
    # Many have a filter in their configuration that no file of the repository names.
    places = [f":(attr:filter={name})" for name in chosen]
    named = worktree.git.run("ls-files", "-s", "-z", "--", *places) if places else b""
    if not named:
        return
    with worktree.enclosure.scratch() as scratch:
        try:
            worktree.enclosure.run(scratch, _SMUDGE, *chosen, writes_files=True)
            # By their size alone git would take these files for changed: it has to compare their
            # contents.
            worktree.git.run("update-index", "-z", "--index-info", stdin=named)
            _note_stored(worktree, b"")
        except GitFailed as failed:
            _note_stored(worktree, named)
            # git may have removed what it could not write.
            worktree.git.run("checkout-index", "--force", "--all")
            worktree.enclosure.boundary.tell(
                f"files of the filter {', '.join(chosen)} stay as stored: {failed.cause}"
            )


def _note_stored(worktree: Worktree, listed: bytes) -> None:
    """Remember which files a filter could not give their contents: `listed` is from ls-files -s."""
    file = worktree.git.git_dir / _STORED
    if listed:
        localfiles.copy(io.BytesIO(listed), file, synced=False)
    else:
        localfiles.remove(file)


def stored(worktree: Worktree) -> frozenset[str]:
    """The files that are in the worktree as git stores them, since a filter failed: a change to one
    would land without its contents.
    """
    try:
        listed = (worktree.git.git_dir / _STORED).read_bytes()
    except OSError:
        return frozenset()
    return frozenset(entry.partition("\t")[2] for entry in ask.names(listed))


@checkpoints.around("clean worktree")
def clean(worktree: Worktree, *, ignored: bool = True) -> None:
    """Remove whatever the index does not name: untracked files, nested repositories and, with
    `ignored`, the rest.
    """
    arguments = ("clean", "-ffdxq" if ignored else "-ffdq")
    _cut(worktree)
    try:
        worktree.git.run(*arguments)
    except GitFailed:  # directories that may not be written, or that are deeper than any path
        trees.shorten(worktree.path, _LONGEST_PATH)
        _cut(worktree)
        worktree.git.run(*arguments)


def _cut(worktree: Worktree) -> None:
    """Remove directories that are deeper than anything that git tracks: it cleans in a time that
    grows with the cube of the depth, three minutes for 2,000 directories inside each other.
    """
    if not trees.reaches(worktree.path, _DEEPEST):
        return
    tracked = worktree.git.run("ls-files", "-z").split(b"\0")
    if all(path.count(b"/") <= _DEEPEST for path in tracked):
        trees.cut(worktree.path, _DEEPEST)


def head(worktree: Worktree) -> str:
    """The commit the worktree is detached at."""
    return worktree.git.line("rev-parse", "--verify", "HEAD")


@checkpoints.around("hold worktree")
def hold(worktree: Worktree, commit: str) -> None:
    """Detach the worktree at `commit` without touching files, so that nothing collects it before it
    has landed.
    """
    file = worktree.git.git_dir / "HEAD"
    # Where refs are files, HEAD of our own worktree is one that nobody else writes; it lies among
    # git's own files, whose modes are git's affair.
    if _DETACHED.fullmatch(file.read_bytes()) is not None:
        localfiles.copy(io.BytesIO(f"{commit}\n".encode("ascii")), file, synced=False)
    else:
        worktree.git.run("update-ref", "--no-deref", "-m", "orch: hold", "HEAD", commit)


@checkpoints.around("remove worktree")
def remove(repository: Repository, name: str, purpose: Purpose = "exec") -> None:
    """Remove the plan's worktree and everything in it and beside it."""
    path = path_of(repository, name, purpose)
    for suffix in (enclosed.SCRATCH, enclosed.QUARANTINE, enclosed.WRITES):
        enclosed.discard(enclosed.beside(path, suffix))
    git_dir = _git_dir(repository, path)
    if git_dir is not None:
        registration.drop(repository, git_dir)
    enclosed.discard(path)


def checkout_of(repository: Repository, ref: str) -> Path | None:
    """The worktree, of whoever, that has the branch checked out or is in the middle of rebasing it.

    Raises Busy where files of the branch lie in a directory that nobody has named.
    """
    if _may_be_checked_out(repository, ref):
        if repository.top is not None and ask.head_branch(repository.user_git) == ref:
            return repository.top
        listed = _run(repository, "worktree", "list", "--porcelain", "-z")
        for number, block in enumerate(listed.decode("utf-8", "surrogateescape").split("\0\0")):
            fields = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
            if fields.get("branch") == ref:
                return Path(fields["worktree"]) if number else _main_tree(repository, fields)
            if "bare" in fields:
                _refuse_unnamed_tree(repository, ref)
    return _rebasing(repository, ref)


def _main_tree(repository: Repository, listed: Mapping[str, str]) -> Path:
    """The main work tree. git lists the place beside `.git`, whatever core.worktree says. Raises
    Busy where only the repository's own configuration names another place.
    """
    git = Git(repository.common_dir, None, repository.variables)
    named = [each.value or "" for each in git.settings() if each.name == "core.worktree"]
    top = Path(os.path.normpath(os.path.join(repository.common_dir, *named[-1:])))
    if not named or leads_to(str(top), str(repository.common_dir)):
        return top if named else Path(listed["worktree"])
    located = f"--git-dir={repository.common_dir}", f"--work-tree={top}"
    raise errors.Busy(
        f"the main worktree has the branch, and its files are in {sentences.quoted(top)} "
        "(core.worktree)",
        f"git {shlex.join(located)} orch status  # and there what you typed here",
    )


def _refuse_unnamed_tree(repository: Repository, ref: str) -> None:
    """Raises Busy where a bare repository has an index: somebody has files of its HEAD, as with
    `git --git-dir --work-tree`, and the next commit from there would take a move of it back.
    """
    common = repository.common_dir
    has_index = (common / "index").exists()
    if has_index and ask.head_branch(Git(common, None, repository.variables)) == ref:
        raise errors.Busy(
            f"{sentences.quoted(common)} has an index: files of {sentences.quoted(ref)} are in a "
            "directory that nobody has named",
            f"git {shlex.join([f'--git-dir={common}'])} --work-tree=DIRECTORY orch status"
            "  # and there what you typed here",
        )


def _may_be_checked_out(repository: Repository, ref: str) -> bool:
    """Whether some HEAD names the branch, or does not say: then git is to be asked, which costs a
    process.
    """
    for head in (repository.common_dir / "HEAD", *_linked_heads(repository)):
        try:
            name = _named(head)
            if head.is_symlink() or name in (ref, _REFTABLE):
                return True
            if name and _named(repository.common_dir / name):  # a branch that stands for another
                return True
        except FileNotFoundError:
            continue  # removed while we looked, or packed
        except PermissionError as closed:
            if refs.value(repository, ref) is not None:  # else nobody has it
                raise _closed_registration(head.parent) from closed
        except OSError:
            return True
    return False


def _linked_heads(repository: Repository) -> list[Path]:
    directory = repository.common_dir / "worktrees"
    try:
        return [directory / name / "HEAD" for name in sorted(os.listdir(directory))]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as closed:
        raise _closed_registration(directory) from closed


def _closed_registration(directory: Path) -> errors.Busy:
    """The error for a worktree of which another user let nobody see what it has: git itself would
    take its branch for free.
    """
    owner = own_files.other_owner(directory) or "you"
    return errors.Busy(
        f"{sentences.quoted(directory)} is closed to you, so that nobody can tell "
        f"which branch '{owner}' has there",
        f"chmod -R g+rX {shlex.quote(str(directory))}  # by '{owner}'",
    )


def require_open(place: Path, branch: str) -> None:
    """Raises Busy where this user may not look into the worktree that has a branch checked out."""
    try:
        (place / ".git").lstat()
    except PermissionError as closed:
        raise errors.Busy(
            f"{sentences.quoted(branch)} is checked out in {sentences.quoted(place)}, "
            "which is closed to you",
            f"git -C {shlex.quote(str(place))} orch status  # by whoever works there, and there "
            "what you typed here",
        ) from closed
    except OSError:
        return  # that it is not there has a message of its own


def _named(ref: Path) -> str:
    """The ref that a symbolic ref stands for; empty for one that names an object."""
    text = ref.read_text("utf-8", "surrogateescape")
    return text.removeprefix("ref:").strip() if text.startswith("ref:") else ""


def _rebasing(repository: Repository, ref: str) -> Path | None:
    """A rebase detaches HEAD and moves the branch at its end: to git the branch is in use all the
    while.
    """
    directories = [repository.common_dir, *sorted((repository.common_dir / "worktrees").glob("*"))]
    for directory in directories:
        if ask.rebased_branch(directory) == ref:
            return directory
    return None


def git_dir_of(repository: Repository, place: Path) -> Path:
    """The git directory of a worktree that git listed. Raises Refused where the repository names a
    directory as its worktree that has another repository.
    """
    if place == repository.top:
        return repository.git_dir
    git_dir = _git_dir(repository, place) or repository.common_dir
    if os.path.lexists(place / ".git") and not leads_to(str(place), str(git_dir)):
        raise errors.Refused(
            f"{sentences.quoted(git_dir)} has {sentences.quoted(place)} for its worktree, which "
            "is of another repository",
            "git worktree list --verbose",
        )
    return git_dir


def _git_dir(repository: Repository, path: Path) -> Path | None:
    """The worktree's own git directory, from git's side: the pointer in the tree could have been
    rewritten.
    """
    wanted = path / ".git"
    for candidate in sorted((repository.common_dir / "worktrees").glob("*/gitdir")):
        try:
            text = candidate.read_text("utf-8", "surrogateescape").strip()
        except OSError:
            continue  # removed while we looked
        named = Path(os.path.normpath(candidate.parent / text))  # may be seen from there
        if named == wanted or os.path.realpath(named) == os.path.realpath(wanted):
            return candidate.parent
    return None
