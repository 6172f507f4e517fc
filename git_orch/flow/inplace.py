"""Work in the user's own checkout, for those who ask for it by name: the plan branch has to be what is checked out.

Before each step everything that is uncommitted becomes a commit of its own, so that whatever a step does to a file can
be taken back.
"""

from __future__ import annotations

from git_orch import errors
from git_orch.flow import sites
from git_orch.flow.approval import Grant
from git_orch.flow.attempt import refused_path
from git_orch.flow.openplan import OpenPlan
from git_orch.flow.reporting import Note
from git_orch.plans import ids, redact, trailers
from git_orch.repo import objects as odb
from git_orch.repo import raw, snapshot
from git_orch.repo.objects import Written
from git_orch.sandbox import secrecy

_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply")


def refuse_unfit(plan: OpenPlan, grant: Grant) -> None:
    """Raises Refused where steps may not work in the checkout, Busy where something else is under way there."""
    name, repository = ids.short(plan.id), plan.repository
    if repository.top is None:
        raise errors.UnfitRepository("a bare repository has no checkout to work in", f"git orch exec {name}")
    if not grant.what.grants.in_place:
        raise errors.Refused(
            f"working in your own checkout needs an approval of '{name}' that says so",
            f"git orch approve {name} --in-place",
        )
    head = repository.user_git.finished("symbolic-ref", "--quiet", "HEAD", expect=(0, 1)).stdout.decode().strip()
    if head != plan.ref:
        raise errors.Refused(
            "in place means on the plan's branch, and that is not checked out here", f"git switch orch/{plan.id}"
        )
    under_way = next((each for each in _UNDER_WAY if (repository.git_dir / each).exists()), None)
    if under_way is not None:
        raise errors.Busy(f"git has something under way in '{repository.top}' ({under_way})", "git status")


def checkpoint(plan: OpenPlan, means: sites.Means, number: int, title: str, tip: str) -> tuple[str, str]:
    """Commit what is uncommitted before a step; gives the tip and its tree. Raises Refused, GateRefused."""
    worktree = sites.users_own(means)
    secrets = redact.secret_values(secrecy.all_variables())
    terms = snapshot.Terms(secrets, refused_path(plan.repository, f"pre-step-{number}"))
    taken = snapshot.taken(plan.repository, worktree, tip, terms)
    if taken.nested:
        raise errors.Refused(
            f"'{taken.nested[0]}' is a repository inside your checkout, which git-orch could not bring back",
            "move it elsewhere, or run the plan without --in-place",
        )
    if taken.tree == odb.commit(plan.objects, tip).tree:
        return tip, taken.tree
    person, written = plan.identity.now(), Written(plan.objects)
    message = trailers.subject(f"pre-step-{number}: {title}") + "\n"
    commit = odb.write_commit(written, raw.CommitObject(taken.tree, (tip,), person.author, person.committer, message))
    plan.move(tip, commit, f"checkpoint before step {number}", written=written, in_place=True)
    plan.reporter.emit(Note(f"what was uncommitted is committed as {commit[:10]}"))
    return commit, taken.tree
