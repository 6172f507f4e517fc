"""Reading refs, and moving one: always from a known old value, always with a reason."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from git_orch import checkpoints, errors
from git_orch.plans import ids, sentences
from git_orch.repo import scopes, sync
from git_orch.repo.git import GitFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from git_orch.repo.objects.objects import Written
    from git_orch.repo.ref_session import RefSession
    from git_orch.repo.repository import Repository

BRANCHES = "refs/heads/orch/"
LOGS = "refs/notes/orch/"
ARCHIVE = LOGS + "archive"
KEPT = "refs/orch/kept/"
RESULTS = "refs/orch/results/"

# Where git-orch has its refs.
_OWN = ("refs/heads/orch", "refs/notes/orch", "refs/orch")

# What no ref has in its name, and git takes for a way to another commit.
_REVISION = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|@\{|\.\.")


class RefMoved(errors.Busy):
    """The ref did not have the value we expected: somebody else was there first."""

    def __init__(self, ref: str) -> None:
        super().__init__(
            f"{sentences.quoted(ref)} was moved by somebody else meanwhile", "git orch status"
        )


class Symbolic(errors.UnfitRepository):
    """A ref of git-orch's own that stands for another one: what git-orch writes there would go to
    that.
    """

    def __init__(self, ref: str, target: str, hint: str) -> None:
        super().__init__(
            f"{sentences.quoted(ref)} is a symbolic ref or a link to {sentences.quoted(target)}, "
            "and not followed",
            hint,
        )


class Collected(errors.UnfitRepository):
    """The object that the ref was about to name is gone."""

    def __init__(self, ref: str) -> None:
        super().__init__(
            f"what {sentences.quoted(ref)} was to name was collected meanwhile (gc --prune=now?)",
            "git orch status",
        )


class PlanRefs(NamedTuple):
    """The refs that make a plan: object IDs of its branch and its log."""

    branch: str | None
    log: str | None


class Listing(NamedTuple):
    """All plans of the repository by ID, oldest first, and the archive's tip, as they were at one
    moment. A plan is in one of the two at any moment: put away, it is there before it goes here.

    `others` are the refs that were asked for beside them, as far as there are such.
    """

    plans: dict[str, PlanRefs]
    archive: str | None
    others: Mapping[str, str] = MappingProxyType({})


def of_plans(repository: Repository) -> dict[str, PlanRefs]:
    """All plans of the repository by ID, oldest first."""
    return listing(repository).plans


def listing(repository: Repository, others: Sequence[str] = ()) -> Listing:
    """The refs of all plans, of the archive, and `others`, which are full names. A ref beside theirs
    that has no plan's name is none of ours.
    """
    values = below(repository, BRANCHES, LOGS, *others)
    branches, logs = (_below(prefix, values) for prefix in (BRANCHES, LOGS))
    plans = {
        plan: PlanRefs(branches.get(plan), logs.get(plan))
        for plan in sorted(branches.keys() | logs.keys())
    }
    ids.see(plans)
    beside = {ref: values[ref] for ref in others if ref in values}
    return Listing(plans, values.get(ARCHIVE), beside)


def below(repository: Repository, *patterns: str) -> dict[str, str]:
    """The object IDs of the refs that these full names, or their beginnings, mean. Raises Symbolic
    where one of git-orch's own is no plain ref.
    """
    asked = ("for-each-ref", "--format=%(objectname) %(refname) %(symref)", *patterns)
    listed = repository.git.run(*asked).decode("utf-8", "surrogateescape")
    values: dict[str, str] = {}
    for line in listed.splitlines():
        oid, ref, target = line.split(" ", 2)
        if target and _is_ours(ref):
            raise _symbolic(ref, target)
        values[ref] = oid
    for directory in _OWN:
        if any(pattern.startswith(directory) for pattern in patterns):
            _refuse_links_below(repository, directory)
    return values


def _below(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values of the refs below a prefix whose names are those of plans, by plan."""
    length = len(prefix)
    return {
        ref[length:]: oid
        for ref, oid in values.items()
        if ref.startswith(prefix) and ids.PLAN_ID.fullmatch(ref, length)
    }


def in_the_way(repository: Repository) -> str | None:
    """A ref that stands where git-orch has a directory of refs, of those in files."""
    own = (*_OWN, KEPT.rstrip("/"), RESULTS.rstrip("/"))
    try:
        packed = (repository.common_dir / "packed-refs").read_bytes()
    except OSError:
        packed = b""
    for ref in own:
        if (repository.common_dir / ref).is_file() or f" {ref}\n".encode() in packed:
            return ref
    return None


def refuse_in_the_way(repository: Repository) -> None:
    """Raises UnfitRepository where a ref stands in the place of a directory of git-orch's."""
    ref = in_the_way(repository)
    if ref is not None:
        refuse_at(ref)


def refuse_at(ref: str) -> NoReturn:
    """Raises UnfitRepository for a ref in the place of a directory of git-orch's."""
    raise blocked_by(ref)


def blocked_by(ref: str) -> errors.UnfitRepository:
    """The error for a ref in the place of a directory of git-orch's, with what renames it."""
    rename = f"git update-ref {ref}-aside {ref} && git update-ref -d {ref}  # renames it"
    if ref.startswith("refs/heads/"):
        rename = "git branch -m orch orch-branch"
    return errors.UnfitRepository(f"{sentences.quoted(ref)} stands in the place of plans", rename)


def is_plain(ref: str) -> bool:
    """Whether this is the full name of a ref, or could be: no option, no pattern, no revision."""
    return ref.startswith("refs/") and _REVISION.search(ref) is None


def value(repository: Repository, ref: str) -> str | None:
    """The object ID of a ref, by its full name; None when there is no such ref.

    git would also take `refs/tags/REF` for it, which a remote may have made, and `REF~1`.
    """
    if not is_plain(ref):
        return None
    _refuse_link(repository, ref)
    stored = _stored(repository, ref)
    return _resolved(repository, ref) if stored is None else stored or None


_SHARED = ("refs/heads/", "refs/notes/", "refs/orch/")  # that all worktrees have together
_LARGEST_PACKED = 16 << 20  # bytes of packed-refs that are searched here
_OID = re.compile(rb"(?!0+\n)[0-9a-f]+\n")


def _stored(repository: Repository, ref: str) -> str | None:
    """The object ID that the files of git have for a ref, "" where there is no such ref; None where
    git has to be asked. One file says it in a fiftieth of the time that a git takes to begin.

    git writes packed-refs before it removes a ref's own file, and takes a deleted ref out of
    packed-refs first: the own file is read first, and counts.
    """
    common = repository.directories.common_dir
    if not ref.startswith(_SHARED) or os.path.lexists(os.path.join(common, "reftable")):
        return None
    try:
        data = _read_file(os.path.join(common, ref), repository.oid_length + 1)
        if data is not None:
            is_plain_value = len(data) == repository.oid_length + 1 and _OID.fullmatch(data)
            return data[:-1].decode("ascii") if is_plain_value else None
        packed = _read_file(os.path.join(common, "packed-refs"), _LARGEST_PACKED)
    except OSError:
        return None
    if packed is None:
        return ""
    if len(packed) > _LARGEST_PACKED:
        return None
    end = packed.find(b" " + ref.encode("utf-8", "surrogateescape") + b"\n")
    if end < 0:
        return ""
    line = packed[packed.rfind(b"\n", 0, end) + 1 : end] + b"\n"
    is_whole = len(line) == repository.oid_length + 1 and _OID.fullmatch(line)
    return line[:-1].decode("ascii") if is_whole else None


def _read_file(path: str, most: int) -> bytes | None:
    """The bytes of a file, of a longer one than `most` one more than that; None where there is none.
    Raises OSError, also for a link.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "is no plain file")
        parts: list[bytes] = []
        left = most + 1
        while left > 0 and (part := os.read(descriptor, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _resolved(repository: Repository, ref: str) -> str | None:
    """The object ID of a ref as git has it."""
    asked = ("-c", "core.warnAmbiguousRefs=false", "rev-parse", ref, "--symbolic-full-name", ref)
    done = repository.git.finished(*asked, expect=(0, 128))
    oid, _, full = done.stdout.decode("utf-8", "surrogateescape").rstrip("\n").partition("\n")
    if done.status != 0 or not full or full.endswith((f"/{ref}", f"/{ref}/HEAD")):
        return None
    if full != ref and _is_ours(ref):
        raise _symbolic(ref, full)
    return oid


# -- refs that stand for others --------------------------------------------------------------------


def _is_ours(ref: str) -> bool:
    """Whether this is the name of a ref that git-orch makes; beside them others have theirs."""
    if ref.startswith("refs/orch/") or ref == ARCHIVE:
        return True
    return any(_below(prefix, {ref: ""}) for prefix in (BRANCHES, LOGS))


def _symbolic(ref: str, target: str) -> Symbolic:
    return Symbolic(ref, target, f"git symbolic-ref --delete {ref}")


def _refuse_link(repository: Repository, ref: str) -> None:
    """Raises Symbolic where the file of a ref of ours, its reflog's, or a directory above them is a
    link, or the ref a symbolic one: git may show neither.
    """
    if not _is_ours(ref):
        return
    for start in ("", "logs"):
        path = os.path.join(repository.directories.common_dir, start, "refs")
        for name in ref.split("/")[1:]:
            path = os.path.join(path, name)
            if not _is_there(repository, path, ref):
                break
    _refuse_symbolic(os.path.join(repository.directories.common_dir, ref), ref)


def _is_there(repository: Repository, path: str, ref: str) -> bool:
    """Whether there is something at a path; raises Symbolic for a link."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    if stat.S_ISLNK(mode):
        raise Symbolic(ref, os.readlink(path), _way_out(repository, path))
    return True


def _way_out(repository: Repository, path: str) -> str:
    """The command that moves a link away to where git looks for no refs. Above git-orch's own refs,
    where the user's are as well, a copy of what it leads to takes its place.
    """
    import shlex  # not for those whom nothing stops

    from git_orch.sandbox import trees

    common = repository.directories.common_dir
    beside = os.path.join(common, os.path.basename(path))
    move = shlex.join(("mv", path, trees.free_name(f"{beside}.aside")))
    name = os.path.relpath(path, common).removeprefix("logs/")
    if f"{name}/".startswith(tuple(f"{own}/" for own in _OWN)) or not os.path.exists(path):
        return move
    copy = trees.free_name(f"{beside}.copy")
    return f"{shlex.join(('cp', '-RL', path, copy))} && {move} && {shlex.join(('mv', copy, path))}"


def _refuse_symbolic(path: str, ref: str) -> None:
    """Raises Symbolic for the file of a symbolic ref, also of one to a ref that is not there."""
    data = scopes.contents(path) or b""
    if data.startswith(b"ref:"):
        raise _symbolic(ref, data[4:].decode("utf-8", "replace").strip())


def _refuse_links_below(repository: Repository, directory: str) -> None:
    """Raises Symbolic where a file of a ref below is a link: git shows what that leads to."""
    waiting = [directory]
    for above in (os.path.dirname(directory), directory):
        if above != "refs":  # which several repositories may have together
            _is_there(repository, os.path.join(repository.directories.common_dir, above), above)
    while waiting:
        above = waiting.pop()
        try:
            with os.scandir(os.path.join(repository.directories.common_dir, above)) as entries:
                inner = [(f"{above}/{entry.name}", entry) for entry in entries]
        except OSError:
            continue
        for ref, entry in inner:
            if entry.is_symlink() and _is_ours(ref):
                _is_there(repository, entry.path, ref)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(ref)


# -- moving them -----------------------------------------------------------------------------------


@contextlib.contextmanager
def session(repository: Repository, reason: str) -> Iterator[None]:
    """Until the end, refs move through one open git, with `reason` in their reflogs."""
    from git_orch.repo.ref_session import RefSession  # not for those who only read refs

    opened = RefSession(repository.git, reason)
    repository.sessions.append(opened)
    try:
        yield
    finally:
        repository.sessions.remove(opened)
        opened.close()


def move(repository: Repository, ref: str, *, old: str | None, new: str, reason: str) -> None:
    """Point `ref` at `new`, synced to disk, with a reflog entry, if it is still at `old` (None: if
    there is none).

    In a session the reflog has that one's reason. Raises RefMoved; and Busy when the ref is locked or
    another ref blocks its name.
    """
    before = old if old is not None else repository.null_oid
    _refuse_link(repository, ref)
    named = ("--no-deref", "--create-reflog", "-m", reason, "--", ref, new, before)
    try:
        with checkpoints.around("move ref", ref):
            if repository.sessions:
                _transact(repository.sessions[-1], f"update {ref} {new} {before}")
            else:
                repository.git.run(*sync.options(), "update-ref", *named)
    except GitFailed as failed:
        if failed.status == 0 and value(repository, ref) == new:
            return  # git died when it had done it
        raise _refusal(ref, failed) from failed


class RefMove(NamedTuple):
    """A ref to be moved, by its full name; `old` is None for one that is made."""

    ref: str
    old: str | None
    new: str


def move_together(repository: Repository, moves: Sequence[RefMove], reason: str) -> None:
    """Move these refs, or none of them where one is not where it was; a kill may come in between.
    Raises RefMoved and Busy.
    """
    from git_orch.repo.ref_session import RefSession

    for one in moves:
        _refuse_link(repository, one.ref)
    opened = RefSession(repository.git, reason)
    null = repository.null_oid
    try:
        with checkpoints.around("move ref", moves[0].ref):
            opened.transact(*(f"update {ref} {new} {old or null}" for ref, old, new in moves))
    except GitFailed as failed:
        raise _refusal(moves[0].ref, failed) from failed
    finally:
        opened.close()


def delete(repository: Repository, ref: str, *, old: str, reason: str) -> None:
    """Delete `ref`, synced to disk, if it is still at `old`. Raises RefMoved, Busy."""
    _refuse_link(repository, ref)
    named = ("--no-deref", "-m", reason, "-d", "--", ref, old)
    try:
        with checkpoints.around("delete ref", ref):
            repository.git.run(*sync.options(), "update-ref", *named)
    except GitFailed as failed:
        raise _refusal(ref, failed) from failed


def _transact(opened: RefSession, command: str) -> None:
    """Have the session do it. A new git is asked once more where one died without a reason, or says
    that the ref is elsewhere: an open git takes packed refs that were written anew within a second
    for those it has read.
    """
    try:
        opened.transact(command)
    except GitFailed as failed:
        if failed.status != 0 and not _says_moved(failed):
            raise
        opened.transact(command)


def move_to_new(
    repository: Repository,
    ref: str,
    written: Written,
    *,
    old: str | None,
    new: str,
    reason: str,
    beside: Sequence[Written] = (),
) -> None:
    """`move` to objects that are only written: they are stored first, with those `beside` them, and
    held until the ref has moved.
    """
    from git_orch.repo.objects import objects as odb  # not for those who only read refs

    odb.store([written, *beside])
    move(repository, ref, old=old, new=new, reason=reason)
    written.forget()


def _refusal(ref: str, failed: GitFailed) -> errors.OrchError:
    said = failed.stderr
    if _says_moved(failed):
        return RefMoved(ref)
    if "'refs/heads/orch' exists" in said:
        return errors.UnfitRepository(
            "a branch named 'orch' stands where plan branches go", "git branch -m orch orch-branch"
        )
    if "nonexistent object" in said:
        return Collected(ref)
    if failed.locked:
        return errors.Busy(failed.cause, failed.hint)
    return failed


def _says_moved(failed: GitFailed) -> bool:
    words = ("but expected", "reference already exists", "unable to resolve reference")
    return any(said in failed.stderr for said in words)


def reflog(repository: Repository, ref: str) -> list[str]:
    """The commits that a ref was moved to, newest first; none when it has no reflog."""
    done = repository.git.finished("log", "-g", "--format=%H", ref, "--", expect=(0, 128))
    return done.stdout.decode("ascii").split()


def recorded(repository: Repository, ref: str) -> list[str]:
    """The commits in the reflog of a ref, newest first, also where some are missing: git itself
    stops at those. None where refs are in tables.
    """
    try:
        text = (repository.common_dir / "logs" / ref).read_text("utf-8", "replace")
    except OSError:
        return []
    moves = [line.split(" ", 2)[:2] for line in text.splitlines()]
    oids = [oid for move in reversed(moves) for oid in reversed(move) if oid.strip("0")]
    return list(dict.fromkeys(oids))
