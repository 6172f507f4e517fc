"""git orch diff: the changes of a plan or of one of its steps."""

from __future__ import annotations

import sys

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.plans import ids
from git_orch.plans.history.status import Status
from git_orch.repo.objects import partial
from git_orch.views import console


@click.command("diff")
@words.plan_and_step_arguments
@click.option("--stat", is_flag=True, help="Only names and numbers of lines.")
@here.json_option
def command(plan: str | None, step: str | None, *, stat: bool, as_json: bool) -> None:
    """The changes of a whole plan against its base, or of one STEP. A lone number is a step of the
    only open plan.
    """
    plan, step = words.plan_and_steps(plan, step)
    repository = here.find_repository()
    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, plan)
    old, new = _range(status, step)
    trees = [old, new] if old is not None else [new]
    if as_json:
        names = ("-z", "--no-renames", "--name-status")
        listed = repository.git.run("diff-tree", "-r", "--root", "--no-commit-id", *names, *trees)
        fields = listed.decode("utf-8", "replace").split("\0")
        files = [
            {"status": status, "path": path}
            for status, path in zip(fields[::2], fields[1::2], strict=False)
        ]
        here.print_json({"old": old, "new": new, "files": files})
        return
    partial.complete_merge(repository.git, old or repository.empty_tree, new)
    format_options = ("--stat=100",) if stat else ("--patch",)
    safe = ("--no-ext-diff", "--no-textconv")
    text = repository.git.run(
        "diff-tree", "-r", "--root", "--no-commit-id", *safe, *format_options, *trees
    )
    if sys.stdout is not None and not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
    elif text:
        console.out(text.decode("utf-8", "replace").rstrip("\n"))


def _range(status: Status, step: str | None) -> tuple[str | None, str]:
    branch = status.branch
    if branch is None:
        raise errors.Busy(
            f"branch 'orch/{status.id}' was deleted", f"git orch show {ids.short(status.id)}"
        )
    if step is None:
        return branch.base, branch.tip
    if not step.isdigit() or not 1 <= int(step) <= len(status.steps):
        raise errors.NotFound(f"there is no step '{step}'", f"git orch show {ids.short(status.id)}")
    entry = status.steps[int(step) - 1]
    if entry.commit is not None:
        return (entry.commit.parents[0] if entry.commit.parents else None), entry.commit.oid
    if entry.attempt is not None and entry.attempt.commit is not None:
        return f"{entry.attempt.commit}^", entry.attempt.commit
    raise errors.NotFound(f"step {step} has no commit yet", f"git orch exec {ids.short(status.id)}")
