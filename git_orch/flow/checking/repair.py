"""Repairing what can be repaired without a loss: each repair leaves the old state to be present."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.branch import opening
from git_orch.plans import ids, sentences
from git_orch.plans.history import sound
from git_orch.repo import localfiles, places, refs, stale_locks
from git_orch.repo.log import log
from git_orch.repo.objects import objects as odb
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import pool, registration, worktrees

if TYPE_CHECKING:
    from git_orch.flow.reports import Reporter
    from git_orch.plans.faults import Fault
    from git_orch.repo.repository import Repository


def repair(
    repository: Repository, present: Sequence[Fault], reporter: Reporter
) -> Iterator[tuple[str | None, str]]:
    """Do the safe repairs; gives what was done, each time with its plan."""
    safe = [fault for fault in present if fault.is_safe]
    plans = dict.fromkeys(fault.plan for fault in safe if fault.plan is not None)
    for plan in plans:
        codes = {fault.code for fault in safe if fault.plan == plan}
        try:
            if "damaged-lines" in codes:
                count = _without_damage(PlanPlace(repository, plan))
                lines = sentences.count(count, "damaged line")
                yield plan, f"took {lines} out of the log; 'git log {refs.LOGS}{plan}' has them"
            if codes - {"damaged-lines"}:
                _settle(PlanPlace(repository, plan), reporter)
                yield plan, "finished or dropped what was interrupted"
        except errors.OrchError as failed:
            yield plan, f"not repaired: {failed.cause}"
    codes = {fault.code for fault in safe if fault.plan is None}
    if "stale-lock" in codes:
        for path in stale_locks.remove(repository, stale_locks.left(repository)):
            yield None, f"removed {sentences.quoted(path)}"
    if "worktree-gone" in codes:
        yield from _forget_worktrees(repository)


def _settle(place: PlanPlace, reporter: Reporter) -> None:
    """Open the plan for writing: that takes in spools, settles moves, finishes an archiving."""
    with (
        contextlib.suppress(errors.Refused),  # an archiving that is finished now
        opening.open_for_writing(place, reporter) as opened,
    ):
        opened.record()


def _without_damage(place: PlanPlace) -> int:
    """Write the log anew without its damaged lines, as a child of what it was; gives how many went.
    Raises Busy.
    """
    from git_orch.repo import identity

    repository = place.repository
    person = identity.of_user(repository)
    with localfiles.lock(place), contextlib.closing(odb.opened(repository)) as database:
        tip = refs.value(repository, place.log)
        if tip is None:
            return 0
        [(notes, read)] = log.read_logs(database, [tip])
        log.refuse_unread(place.id, read)
        log.refuse_newer(read)
        if notes.missing is not None:
            raise odb.MissingObject(notes.missing)
        contents = {
            target: odb.read(database, blob, "blob") for target, blob in notes.blobs.items()
        }
        kept, gone = sound.without_damage(place.id, contents)
        written = odb.Written(database)
        notes.blobs.update({target: written.write("blob", lines) for target, lines in kept.items()})
        changed = {target[:2] for target in notes.blobs}
        tree = log.write_notes(written, notes, changed, {})
        commit = person.commit(written, tree, [tip], "orch: without damaged lines\n")
        moved = "orch: without damaged lines"
        refs.move_to_new(repository, place.log, written, old=tip, new=commit, reason=moved)
        return gone


def _forget_worktrees(repository: Repository) -> Iterator[tuple[str | None, str]]:
    """Have git forget worktrees of git-orch's own whose directories are gone; a commit that only one
    of them held gets a ref.
    """
    own = places.place_of(repository, "worktrees")
    for git_dir in sorted((repository.common_dir / "worktrees").glob("*")):
        try:
            pointer = (git_dir / "gitdir").read_text("utf-8", "surrogateescape").strip()
            head = (git_dir / "HEAD").read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        path = Path(pointer).parent
        if path.parent != own or path.exists():
            continue
        asked = ("for-each-ref", "--count=1", "--format=%(refname)", f"--contains={head}")
        done = repository.git.finished(*asked, expect=(0, 128, 129))
        if done.status == 0 and not done.stdout:
            aside = f"refs/aside/worktrees/{git_dir.name}-{ids.slug(head)[:10]}"
            refs.move(repository, aside, old=None, new=head, reason="orch: fsck")
        registration.drop(repository, git_dir)
        yield None, f"git has forgotten the worktree {sentences.quoted(path)}"
    live = refs.listing(repository).plans.keys()
    for name, plan in pool.owners(repository).items():
        path = worktrees.path_of(repository, name)
        if plan not in live and not path.exists():
            pool.disown(repository, name)
            yield None, f"{sentences.quoted(path)} is no plan's any more"
