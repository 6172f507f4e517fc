"""Faults of what lies on this machine: locks, worktrees, events that never reached a log."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.plans import ids, sentences
from git_orch.plans.faults import Fault
from git_orch.repo import places, refs, stale_locks
from git_orch.repo.worktree import pool, worktrees
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository


def faults(repository: Repository, live: Set[str], archived: Set[str]) -> Iterator[Fault]:
    """The faults of local files, where these plans are live or archived."""
    yield from _of_locks(repository, live)
    yield from _of_spools(repository, live, archived)
    yield from _of_pool(repository, live | archived)
    yield from _of_worktrees(repository, live | archived)
    yield from _of_registrations(repository)


def _of_locks(repository: Repository, live: Set[str]) -> Iterator[Fault]:
    for path in stale_locks.left(repository):
        name = path.name.removesuffix(".lock")
        plan = next((part for part in (name, path.parent.name) if part in live), None)
        what = f"{sentences.quoted(path)} was left by a killed git"
        repair = f"git orch fsck --repair{_of(plan)}"
        yield Fault("stale-lock", what, repair, plan, is_safe=True, passes=True)


def _of(plan: str | None) -> str:
    return f" {ids.short(plan)}" if plan is not None else ""


def _of_spools(repository: Repository, live: Set[str], archived: Set[str]) -> Iterator[Fault]:
    directory = Path(repository.shared_path, "spool")
    for plan in _names(directory):
        count = len(_names(directory / plan))
        if not count or ids.PLAN_ID.fullmatch(plan) is None:
            continue
        attempts = sentences.count(count, "attempt")
        what = f"the events of {attempts} of a killed run are not in the log"
        if plan in live:
            repair = f"git orch fsck --repair {ids.short(plan)}"
            yield Fault("spool-left", what, repair, plan, is_safe=True, passes=True)
        else:
            repair = _aside(directory / plan, repository.shared_path)
            if plan in archived:
                repair = f"git orch archive --undo {ids.short(plan)}"
            yield Fault("spool-left", what, repair, plan)


def _of_pool(repository: Repository, plans: Set[str]) -> Iterator[Fault]:
    for name, plan in pool.owners(repository).items():
        path = worktrees.path_of(repository, name)
        if plan not in plans and not path.exists():
            what = f"{sentences.quoted(path)} was of a plan that is gone, and is gone as well"
            repair = "git orch fsck --repair"
            yield Fault("worktree-gone", what, repair, is_safe=True, passes=True)
        elif plan not in plans:
            what = f"the worktree {sentences.quoted(path)} holds work of a plan that is gone"
            yield Fault("worktree-without-plan", what, _move_out(path), plan)


def _of_worktrees(repository: Repository, plans: Set[str]) -> Iterator[Fault]:
    names = tuple(ids.without_slug(plan) for plan in plans)
    for path in worktrees.listed(repository):
        if not path.name.startswith("PLAN-") or not os.path.lexists(path / ".git"):
            continue
        if not any(path.name == name or path.name.startswith(f"{name}-") for name in names):
            what = f"the worktree {sentences.quoted(path)} is of a plan that is gone"
            yield Fault("worktree-without-plan", what, _move_out(path))


def _of_registrations(repository: Repository) -> Iterator[Fault]:
    """Worktrees of git-orch's own that git knows, and whose directories are gone."""
    registered = repository.common_dir / "worktrees"
    own = str(places.place_of(repository, "worktrees"))
    for name in _names(registered):
        try:
            pointer = (registered / name / "gitdir").read_text("utf-8", "surrogateescape").strip()
        except OSError:
            continue
        path = Path(pointer).parent
        if path.parent == Path(own) and not os.path.lexists(path):
            what = f"git knows a worktree {sentences.quoted(path)}, and that is gone"
            repair = "git orch fsck --repair"
            yield Fault("worktree-gone", what, repair, is_safe=True, passes=True)


def _move_out(path: Path) -> str:
    """The command that gives a worktree to the user, with all that is in it."""
    beside = trees.free_name(os.path.join(os.path.expanduser("~"), path.name))
    return shlex.join(("git", "worktree", "unlock", str(path))) + (
        f"; {shlex.join(('git', 'worktree', 'move', str(path), beside))}"
    )


def _aside(path: Path, directory: str) -> str:
    beside = trees.free_name(os.path.join(directory, f"spool-of-{path.name}"))
    return shlex.join(("mv", str(path), beside))


def _names(directory: Path) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def of_refs(plans: Set[str], values: Mapping[str, str]) -> Iterator[Fault]:
    """The faults of refs that are kept for plans: `values` are those below `refs/orch/`."""
    for ref in values:
        kind = "kept" if ref.startswith(refs.KEPT) else "result"
        prefix = refs.KEPT if kind == "kept" else refs.RESULTS
        if not ref.startswith(prefix):
            continue
        plan = ref.removeprefix(prefix).partition("/")[0]
        if plan in plans:
            continue
        aside = f"refs/aside/{kind}/{ref.removeprefix(prefix)}"
        what = f"{sentences.quoted(ref)} is of a plan that is gone"
        repair = f"git update-ref {aside} {ref} && git update-ref -d {ref}  # puts it aside"
        yield Fault(f"{kind}-without-plan", what, repair, plan)
