"""Work in the user's own checkout, for those who ask for it by name: the plan branch has to be what
is checked out.

Before each step everything that is uncommitted becomes a commit of its own, so that whatever a step
does to a file can be taken back.
"""

from __future__ import annotations

import os
from collections.abc import Set

from git_orch import errors
from git_orch.flow.approval.grant import Grant
from git_orch.flow.attempt import prepare
from git_orch.flow.attempt.means import Means
from git_orch.flow.attempt.site import refused_path
from git_orch.flow.branch import target
from git_orch.flow.branch.target import Checkout
from git_orch.flow.machine import sandbox
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.flow.run.dispatch import Tip
from git_orch.plans import ids, sentences, trailers
from git_orch.plans.history.status import MoveKind, Status
from git_orch.repo import ask, settings
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import snapshot
from git_orch.repo.worktree.gate import GateRefused
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox import secrecy
from git_orch.sandbox.walls import repositories


def refuse_unfit(plan: OpenPlan, grant: Grant) -> None:
    """Raises Refused where steps may not work in the checkout, Busy where something else is under
    way there.
    """
    name, repository = ids.short(plan.id), plan.repository
    if repository.top is None:
        raise errors.UnfitRepository(
            "a bare repository has no checkout to work in", f"git orch exec {name}"
        )
    if not grant.what.grants.in_place:
        raise errors.Refused(
            f"'{name}' is not approved for work in your own checkout",
            f"git orch approve {name} --in-place",
        )
    sandbox.refuse_home(sandbox.launcher(repository, settings.of_user(repository)), repository.top)
    _refuse_sparse(repository, name)
    if not on_branch(plan.place):
        raise errors.Refused(
            "--in-place needs the plan's branch checked out",
            f"git switch orch/{plan.id}",
        )
    repositories.refuse_unfit(repository.top)
    target.refuse_unfinished(Checkout(repository.top, repository.git_dir))
    _refuse_unmerged(repository)


def refuse_moves(status: Status, chosen: Set[str] | None) -> None:
    """Raises Refused where one of the chosen steps (None: all) moves a submodule: what stands in the
    checkout there is the user's.
    """
    satisfied = status.satisfied_steps()
    for number, step in enumerate(status.plan.steps, start=1):
        wanted = step.id not in satisfied and (chosen is None or step.id in chosen)
        for module in step.pointers if wanted else ():
            raise errors.Refused(
                f"step {number} moves the submodule {sentences.quoted(module)}, which --in-place "
                "cannot do: what is checked out there is yours",
                f"git switch - && git orch exec {ids.short(status.id)}  # without --in-place",
            )


def refuse_waits(status: Status, chosen: Set[str] | None) -> None:
    """Raises Refused where one of the chosen steps (None: all) waits for an event: the checkout
    would not be the user's meanwhile.
    """
    satisfied = status.satisfied_steps()
    for number, step in enumerate(status.plan.steps, start=1):
        is_chosen = step.id not in satisfied and (chosen is None or step.id in chosen)
        if is_chosen and step.kind == "wait":
            raise errors.Refused(
                f"step {number} waits for an event, which --in-place cannot do",
                f"git switch - && git orch exec {ids.short(status.id)}  # without --in-place",
            )


def _refuse_sparse(repository: Repository, name: str) -> None:
    """A step that writes to a file which is not there would land it without its content."""
    if dict(repository.settings).get("core.sparsecheckout") == "true":
        raise errors.Refused(
            "your checkout is sparse: steps in place would not see the files that it leaves out",
            f"git orch exec {name}  # in a worktree with all files",
        )


def on_branch(place: PlanPlace) -> bool:
    """Whether the user's checkout has the plan's branch."""
    return ask.head_branch(place.repository.user_git) == place.branch


def _refuse_unmerged(repository: Repository) -> None:
    """A `git stash pop` that met a conflict leaves nothing but this, and `git add` would take it
    for resolved.
    """
    unmerged = ask.unmerged(repository.user_git)
    if unmerged:
        raise errors.Busy(
            f"{sentences.quoted(unmerged[0])} has a conflict that is not resolved", "git status"
        )


def checkpoint(plan: OpenPlan, means: Means, number: int, title: str, tip: str) -> Tip:
    """Commit what is uncommitted before a step; gives the tip then. Raises Busy, Refused."""
    if not on_branch(plan.place):
        raise errors.Busy(
            "the plan's branch is not checked out here any more",
            f"git switch orch/{plan.id} && git orch exec --in-place",
        )
    _refuse_unmerged(plan.repository)
    worktree = prepare.user_checkout(means)
    # Before the snapshot, which overwrites the index with the files.
    staged = worktree.git.line("write-tree")
    secrets = secrecy.secrets()
    terms = snapshot.Terms(secrets, refused_path(plan.repository, f"pre-step-{number}"))
    try:
        taken = snapshot.taken(plan.repository, worktree, tip, terms)
    except GateRefused as gated:
        raise errors.Refused(
            f"uncommitted work cannot be committed before step {number}: {gated.listing}",
            gated.allowing or "git status",
        ) from gated
    if taken.nested:
        nested = sentences.quoted(taken.nested[0])
        raise errors.Refused(
            f"{nested} is a repository inside your checkout, which git-orch could not bring back",
            "move it elsewhere, or run the plan without --in-place",
        )
    _refuse_overwriting(plan, worktree, number)
    _keep_staged(plan, staged, Tip(tip, taken.tree), number)
    if taken.tree == odb.commit(plan.objects, tip).tree:
        return Tip(tip, taken.tree)
    written = Written(plan.objects)
    message = trailers.subject(f"pre-step-{number}: {title}") + "\n"
    commit = plan.identity.commit(written, taken.tree, [tip], message)
    why = f"checkpoint before step {number}"
    plan.move(tip, commit, why, kind=MoveKind.CHECKPOINT, written=written, in_place=True)
    plan.reporter.emit(Note(f"committed your uncommitted work first: {commit[:10]}"))
    return Tip(commit, taken.tree)


def _refuse_overwriting(plan: OpenPlan, worktree: Worktree, number: int) -> None:
    """Raises Refused where the step replaces or deletes a file of the user's that no commit has:
    git ignores it, or it is in a submodule.
    """
    files = list(plan.status().plan.steps[number - 1].files)
    for module in ask.submodules(worktree.git) if files else ():
        below = [path for path in files if path.startswith(f"{module}/")]
        if below:
            raise errors.Refused(
                f"step {number} would write {sentences.quoted(below[0])}, which is in the "
                f"submodule {sentences.quoted(module)}: no commit here would have it",
                "change it in the submodule's own repository",
            )
    there = [path for path in files if os.path.lexists(worktree.path / path)]
    lost = snapshot.left_out(worktree, there)
    if lost:
        raise errors.Refused(
            f"step {number} would replace {sentences.quoted(lost[0])}, which git ignores: it "
            "could not be brought back",
            "move it elsewhere, or run the plan without --in-place",
        )


def _keep_staged(plan: OpenPlan, staged: str, now: Tip, number: int) -> None:
    """Keep what was staged where neither the tip nor the files have it; `now` is the tip, and the
    tree of the files.
    """
    if staged in (now.tree, odb.commit(plan.objects, now.commit).tree):
        return
    why = f"what was staged before step {number}"
    commit = plan.identity.commit(plan.objects, staged, [now.commit], f"{why}\n")
    plan.keep([commit], why)
    plan.reporter.emit(Note(f"kept {why}, because the files differ from it: {commit[:10]}"))
