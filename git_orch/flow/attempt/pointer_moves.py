"""The submodules that a `files` step moves to other commits: what has to be there for that."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.tree_reader import TreeReader
from git_orch.plans import ids, sentences
from git_orch.plans.plan import Pointer
from git_orch.repo.objects.objects import Objects
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import gitlinks


class Problem(NamedTuple):
    """Why a step cannot move a submodule, and what helps."""

    cause: str
    hint: str | None = None


def problem(repository: Repository, objects: Objects, job: Job) -> Problem | None:
    """The obstacle to moving the submodules of a job's step; None where there is none."""
    step, reader = job.step, TreeReader(objects, job.tree)
    for path, content in step.files.items():
        if not isinstance(content, Pointer) and reader.gitlink(path) is not None:
            verb = "delete" if content is None else "write over"
            return Problem(
                f"cannot {verb} {sentences.quoted(path)}: it is a submodule",
                f"git orch edit {ids.short(job.plan_id)}  # '{{submodule: COMMIT}}' moves it; a manual "
                "step may remove it",
            )
    text = reader.data(gitlinks.FILE) or b""
    by_hand = f"git orch edit {ids.short(job.plan_id)}  # a manual step may add it"
    for path, commit in step.pointers.items():
        where = sentences.quoted(path)
        if reader.gitlink(path) is None:
            return Problem(
                f"cannot move {where}: the base has no submodule there, and a plan adds none",
                by_hand,
            )
        if len(commit) != len(repository.null_oid):
            digits = len(repository.null_oid)
            return Problem(
                f"cannot move {where}: IDs of commits have {digits} digits here, not {len(commit)}"
            )
        survey = gitlinks.survey(repository, text, {path: commit})
        if path in survey.missing:
            update = f"git submodule update --init {shlex.quote(path)}"
            fetch = f"git -C {shlex.quote(path)} fetch origin {commit}"
            return Problem(
                f"cannot move {where}: its commit {commit[:10]} is not here", f"{update} && {fetch}"
            )
        if path not in [module.place for module in survey.here]:
            return Problem(f"cannot move {where}: '{gitlinks.FILE}' of the base does not name it")
    return None
