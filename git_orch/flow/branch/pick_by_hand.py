"""A pick that stopped in the user's checkout: `git cherry-pick` waits there until they have
resolved it.

The user may go on with plain git as well; the next command of ours sees from the branch what became
of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from git_orch import checkpoints, errors
from git_orch.flow.branch import target
from git_orch.flow.branch.target import Checkout
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import document, sentences, trailers
from git_orch.plans.document import BadDocument
from git_orch.repo import ask, localfiles, own_files, refs
from git_orch.repo.git import GitFailed
from git_orch.repo.objects import partial
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import half_moved, untracked

_TIMEOUT = 600.0  # seconds: many commits may be signed, and some wait for a person
_EDITOR = {"GIT_EDITOR": ":"}  # the messages stay: they say which step a commit is


class Record(NamedTuple):
    """A pick that was begun: its plan, the branch and where that was, the steps and, in order,
    their commits.
    """

    plan: str
    ref: str
    old: str
    steps: tuple[str, ...]
    commits: tuple[str, ...]


class Picked(NamedTuple):
    """The outcome of a pick: where the branch was and is now, and the commits that steps became."""

    ref: str
    old: str
    new: str
    commits: Mapping[str, str]


# -- the record ------------------------------------------------------------------------------------


def _path(repository: Repository, checkout: Checkout) -> Path:
    git_dir, common = (os.path.realpath(path) for path in (checkout.git_dir, repository.common_dir))
    # A relative path, because the repository may move.
    name = hashlib.sha256(os.fsencode(os.path.relpath(git_dir, common))).hexdigest()[:16]
    return repository.state_dir / "picks" / f"{name}.json"


def record_of(repository: Repository, checkout: Checkout) -> Record | None:
    """The pick that was begun in this checkout and of which nobody has seen the end."""
    try:
        fields = document.parse(own_files.read_bytes(_path(repository, checkout)), "pick")
        return Record(
            document.text(fields, "plan"),
            document.text(fields, "ref"),
            document.text(fields, "old"),
            document.texts(fields, "steps"),
            document.texts(fields, "commits"),
        )
    except (FileNotFoundError, BadDocument):
        return None


@checkpoints.around("forget pick")
def forget(repository: Repository, checkout: Checkout) -> None:
    """The pick has ended."""
    localfiles.remove(_path(repository, checkout))


# -- git's own cherry-pick -------------------------------------------------------------------------


def begin(
    repository: Repository, checkout: Checkout, record: Record, conflict: errors.Conflict
) -> None:
    """Run `git cherry-pick` there. Raises Conflict where it stops, with how to go on; Busy, and
    then nothing is begun.

    `conflict` says what did not fit in memory; a merge driver of the user's may do better.
    """
    _refuse_overwriting(repository, checkout, record.commits)
    localfiles.write(_path(repository, checkout), json.dumps(record._asdict()).encode())
    options = ("--allow-empty", "--keep-redundant-commits")
    if _run(repository, checkout, *options, *record.commits):
        return
    if in_progress(checkout, record):
        raise conflict_to_resolve(repository, checkout, conflict.cause)
    forget(repository, checkout)
    raise errors.Busy(f"git cherry-pick failed: {conflict.cause}", checkout.command("status"))


def go_on(repository: Repository, checkout: Checkout, record: Record) -> None:
    """Run `git cherry-pick --continue` there. Raises Conflict when it stops again, or something is
    not resolved.
    """
    if ask.unmerged(checkout.git(repository)):
        raise conflict_to_resolve(repository, checkout, "not everything is resolved")
    if not _run(repository, checkout, "--continue"):
        if (
            in_progress(checkout, record)
            and not ask.unmerged(checkout.git(repository))
            and not _has_staged(repository, checkout)
        ):
            raise errors.Conflict(
                "your resolution leaves the commit empty",
                "git cherry-pick --skip && git orch pick --continue  # or, to have it empty: "
                "git commit --allow-empty --no-edit && git orch pick --continue",
            )
        if in_progress(checkout, record):
            raise conflict_to_resolve(repository, checkout, "the next commit conflicts too")
        raise errors.Busy("git cherry-pick --continue failed", checkout.command("status"))


def give_up(repository: Repository, checkout: Checkout) -> None:
    """Run `git cherry-pick --abort` there. Raises Busy when git refuses."""
    # The refresh keeps git from taking a touched file for a changed one.
    checkout.git(repository).finished("update-index", "-q", "--refresh", expect=(0, 1))
    if not _run(repository, checkout, "--abort"):
        raise errors.Busy("git cherry-pick --abort failed", checkout.command("status"))


def _run(repository: Repository, checkout: Checkout, *arguments: str) -> bool:
    try:
        done = checkout.git(repository).finished(
            "cherry-pick",
            *arguments,
            expect=(0, 1, 128),
            variables=_EDITOR,
            timeout=_TIMEOUT,
        )
    except TimeoutError as hung:
        raise errors.Busy(f"{hung}", checkout.command("status")) from hung
    if done.status == 128 and b"gpg failed" in done.stderr:
        complaint = done.stderr.decode("utf-8", "replace")
        raise errors.UnfitRepository(
            GitFailed("cherry-pick", 128, complaint).cause, "git config --get-regexp sign"
        )
    return done.status == 0


def in_progress(checkout: Checkout, record: Record) -> bool:
    """Whether the cherry-pick that waits in the checkout is the recorded one."""
    head = _content(checkout, "CHERRY_PICK_HEAD")
    begun = _content(checkout, "sequencer/head")
    return head in record.commits if head is not None else begun == record.old


def _content(checkout: Checkout, name: str) -> str | None:
    try:
        return (checkout.git_dir / name).read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _has_staged(repository: Repository, checkout: Checkout) -> bool:
    """Whether anything is about to be committed."""
    looked = ("diff", "--cached", "--quiet", "--ignore-submodules=none", "HEAD", "--")
    return checkout.git(repository).finished(*looked, expect=(0, 1)).status == 1


def conflict_to_resolve(repository: Repository, checkout: Checkout, cause: str) -> errors.Conflict:
    """The error for a pick that waits in a checkout."""
    paths = ", ".join(map(sentences.quoted, ask.unmerged(checkout.git(repository))))
    message = (
        f"{cause}; to resolve in {sentences.quoted(checkout.path)}: {paths}" if paths else cause
    )
    return errors.Conflict(
        message, "git add FILE... && git orch pick --continue  # or: git orch pick --abort"
    )


def _refuse_overwriting(repository: Repository, checkout: Checkout, commits: Sequence[str]) -> None:
    """Raises Busy when an untracked file is where a commit writes: git takes ignored ones for
    worthless.
    """
    git = checkout.git(repository)
    options = ("--no-walk", "--no-renames", "--diff-filter=d", "--name-only", "--format=", "-z")
    written = [path.strip("\n") for path in ask.names(git.run("log", *options, *commits))]
    for commit in commits:
        half_moved.refuse_filters(git, commit, written)
        partial.complete_merge(git, f"{commit}^", commit, "HEAD")
    in_the_way = untracked.in_the_way(git, checkout.path, written)
    if in_the_way:
        raise target.Blocked(checkout, in_the_way)


# -- its end ---------------------------------------------------------------------------------------


def record_outcome(plan: OpenPlan, record: Record) -> Picked:
    """Write into the log which commits a pick brought that does not wait any more."""
    picked = outcome(plan.repository, record)
    if picked.commits:
        body = {
            "ref": record.ref,
            "from": record.old,
            "to": picked.new,
            "commits": dict(picked.commits),
        }
        plan.record((plan.home, plan.event("steps.picked", **body)))
    return picked


def outcome(repository: Repository, record: Record) -> Picked:
    """Where the branch is, and which of the steps commits claim that it got since."""
    tip = refs.value(repository, record.ref) if record.ref.startswith(target.HEADS) else None
    if tip is None:
        return Picked(record.ref, record.old, record.old, {})
    listed = repository.git.run(
        "log", "-z", "--reverse", "--format=%H%n%B", tip, f"^{record.old}", "--"
    )
    commits = dict[str, str]()
    for entry in listed.decode("utf-8", "replace").split("\0"):
        oid, _, message = entry.partition("\n")
        claims = trailers.read(message).claims
        commits |= {
            claim.step: oid
            for claim in claims
            if claim.plan == record.plan and claim.step in record.steps
        }
    return Picked(record.ref, record.old, tip, commits)
