"""The worktrees in which a person mends what failed, or resolves what conflicts.

What such a worktree begins with is written down beside its index before that is put there, and
again when it is: whoever finds one that was cut off in between makes it anew. Nobody has heard of
it yet.
"""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from git_orch import checkpoints, errors
from git_orch.flow.attempt import prepare
from git_orch.flow.attempt.means import Means
from git_orch.flow.attempt.site import refused_path
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import document, sentences
from git_orch.plans.document import BadDocument
from git_orch.repo import ask, localfiles
from git_orch.repo.git import GitFailed
from git_orch.repo.objects import merges, partial
from git_orch.repo.objects.objects import Written
from git_orch.repo.worktree import gate, snapshot, worktrees
from git_orch.repo.worktree.worktrees import Purpose, Worktree
from git_orch.sandbox import secrecy
from git_orch.sandbox.files import PathRefused, Tree

_RECORD = "orch-by-hand"  # in the worktree's git directory
_MARKER = re.compile(rb"^(?:<{7,}|>{7,})(?: |\r?$)", re.MULTILINE)
_REGULAR = ("100644", "100755")


class Beginning(NamedTuple):
    """What a person's worktree begins with: the commit it stands on, and the kept one whose changes
    are put on top. It `is_ready` when all of that is there.
    """

    base: str
    commit: str | None = None
    is_ready: bool = False


def existing(of: Means, plan: str, purpose: Purpose) -> tuple[Worktree, Beginning] | None:
    """The worktree of a person, and its beginning. Raises Refused where somebody moved it."""
    worktree = prepare.existing_person_worktree(of, plan, purpose)
    beginning = _beginning(worktree) if worktree is not None else None
    return (worktree, beginning) if worktree is not None and beginning is not None else None


def _beginning(worktree: Worktree) -> Beginning | None:
    try:
        fields = document.parse((worktree.git.git_dir / _RECORD).read_bytes(), "worktree")
        return Beginning(
            document.text(fields, "base"),
            document.optional_text(fields, "commit"),
            document.flag(fields, "is_ready"),
        )
    except (FileNotFoundError, BadDocument):
        return None


def make(plan: OpenPlan, of: Means, purpose: Purpose, beginning: Beginning) -> Worktree:
    """A worktree on the base with the changes of the commit staged on top; where they conflict, git
    shows that there as it shows any conflict.
    """
    worktrees.remove(plan.repository, plan.id, purpose)
    worktree = prepare.person_worktree(of, plan.id, beginning.base, purpose)
    _write_down(worktree, beginning)
    _put(plan, worktree, beginning)
    return worktree


def finish(plan: OpenPlan, worktree: Worktree, beginning: Beginning) -> None:
    """Make the worktree what it begins with, where that was cut off."""
    if not beginning.is_ready:
        worktrees.point(worktree, beginning.base, ignored=False)
        _put(plan, worktree, beginning)


def _put(plan: OpenPlan, worktree: Worktree, beginning: Beginning) -> None:
    """Stage the changes of the beginning's commit in a worktree that holds its base."""
    base, commit, _ = beginning
    if commit is not None:
        objects = Written(plan.objects)
        picked = merges.picked(plan.repository, objects, commit, base)
        if picked.conflicts:
            partial.complete_merge(worktree.git, f"{commit}^", commit, base)
            worktree.git.finished("cherry-pick", "--no-commit", commit, expect=(0, 1))
        else:
            objects.flush()
            snapshot.check_out(worktree, picked.tree)
    _write_down(worktree, beginning._replace(is_ready=True))


@checkpoints.around("begin by hand")
def _write_down(worktree: Worktree, beginning: Beginning) -> None:
    data = json.dumps(beginning._asdict()).encode("ascii")
    localfiles.copy(io.BytesIO(data), worktree.git.git_dir / _RECORD, synced=False)


def follow(plan: OpenPlan, worktree: Worktree, beginning: Beginning, tip: str) -> Beginning:
    """Bring what a person has done onto another commit; what was there is kept as a commit first.

    Raises Refused where it has conflicts, or the gate lets a part of it not in.
    """
    refuse_unresolved(worktree)
    work = keep(plan, worktree, beginning.base)
    now = Beginning(tip, work)
    _write_down(worktree, now)
    finish(plan, worktree, now)
    return now


def tree_of(plan: OpenPlan, worktree: Worktree, base: str) -> str:
    """The tree of the files in a person's worktree, which stands on `base`. Raises Refused where
    the gate lets a part of it not in.
    """
    refused = refused_path(plan.repository, f"by-hand-{base[:12]}")
    try:
        terms = snapshot.Terms(secrecy.secrets(), refused)
        return snapshot.taken(plan.repository, worktree, base, terms).tree
    except gate.GateRefused as gated:
        raise errors.Refused(
            gated.cause, f"less {shlex.quote(str(refused))}  # {gated.allowing}"
        ) from gated


def keep(plan: OpenPlan, worktree: Worktree, base: str, why: str = "work by hand") -> str:
    """Keep the files of a person's worktree as a commit on `base`. Raises Refused where the gate
    lets a part of it not in.
    """
    tree = tree_of(plan, worktree, base)
    work = plan.identity.commit(plan.objects, tree, [base], f"{why}\n")
    plan.keep([work], why)
    return work


# -- conflicts -------------------------------------------------------------------------------------


def unresolved(worktree: Worktree) -> list[str]:
    """The paths with a conflict that their person has not resolved: neither with `git add`, nor by
    an edit that leaves no marker of git's.
    """
    listed = ask.names(worktree.git.run("ls-files", "--unmerged", "-z"))
    stages: dict[str, dict[str, tuple[str, str]]] = {}
    for entry in listed:
        facts, _, path = entry.partition("\t")
        mode, oid, stage = facts.split()
        stages.setdefault(path, {})[stage] = mode, oid
    return [path for path, sides in stages.items() if not _is_edited(worktree, path, sides)]


def _is_edited(worktree: Worktree, path: str, sides: Mapping[str, tuple[str, str]]) -> bool:
    """Whether a text that both sides have was edited until no marker was left. git leaves our side
    of what it cannot mark.
    """
    if not all(stage in sides and sides[stage][0] in _REGULAR for stage in "23"):
        return False
    try:
        now = Tree(worktree.path).read(path, gate.LARGEST_FILE)
        ours = worktree.git.run("cat-file", "blob", sides["2"][1])
    except (PathRefused, GitFailed):
        return False
    return now != ours and b"\0" not in now and _MARKER.search(now) is None


def refuse_unresolved(worktree: Worktree) -> None:
    """Raises Conflict where a path is not resolved."""
    paths = unresolved(worktree)
    if paths:
        raise errors.Conflict(
            f"not resolved in {sentences.quoted(worktree.path)}: {sentences.quoted_names(paths)}",
            "git add FILE...  # there, or edit until no conflict marker is left",
        )
