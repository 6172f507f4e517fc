"""Putting back what a check changed in the worktree; where a person works as well, what they lose
by it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans import invisible, sentences
from git_orch.repo import ask
from git_orch.repo.log import kept
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import snapshot, worktrees
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox.files import PathRefused, Tree

if TYPE_CHECKING:
    from git_orch.flow.attempt.site import Site


def put_back(site: Site, tree: str, disturbed: Sequence[str]) -> str:
    """Make the worktree `tree` again, of which `disturbed` paths differ; gives what to tell.

    Raises StepFailed where a person's files could not be kept first: then they stay as they are.
    """
    named = sentences.names([invisible.on_one_line(path) for path in disturbed])
    message = f"the check changed {named}: reverted"
    if site.shared is None:
        snapshot.restore(site.worktree, tree)
        return message
    commit = _keep(site, PlanPlace(site.repository, site.shared), tree, named)
    _undo(site.worktree, tree, disturbed)
    return f"{message}; the changes are kept, in case they are yours: {commit[:10]}"


def _keep(site: Site, place: PlanPlace, tree: str, named: str) -> str:
    """A commit of the worktree as it is."""
    refused = site.repository.state_dir / "refused" / f"changed-on-{tree[:12]}.patch"
    terms = snapshot.Terms(site.secrets, refused, site.copied)
    try:
        taken = snapshot.taken(site.repository, site.worktree, tree, terms)
    except errors.OrchError as failed:
        cause = f"{named} changed while a check ran, and cannot be reverted: {failed.cause}"
        raise errors.StepFailed(cause, failed.hint or "git status") from failed
    head = worktrees.head(site.worktree)
    why = kept.DISTURBED_FILES
    commit = site.identity.commit(site.objects, taken.tree, [head], f"{why}\n")
    kept.keep(place, site.objects, site.identity, [commit], why)
    return commit


def _undo(worktree: Worktree, tree: str, disturbed: Sequence[str]) -> None:
    """Put back these paths and no others: somebody may have told git not to look at some of their
    files.
    """
    worktree.git.run("read-tree", "--reset", tree)
    tracked = set(ask.tracked(worktree.git, disturbed))
    changed = ask.input_of(tracked & set(disturbed))
    worktree.git.run("checkout-index", "--force", "-z", "--stdin", stdin=changed)
    files = Tree(worktree.path)
    for path in set(disturbed) - tracked:
        if not path.endswith("/"):  # a repository inside the worktree is nobody's to remove
            try:
                files.delete(path)
            except PathRefused:
                continue  # it is gone already
    worktrees.smudge(worktree)
