"""git orch diff: show the changes of a plan or a step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading, words
from git_orch.plans import ids
from git_orch.plans.history import life
from git_orch.plans.history.status import Status
from git_orch.repo.objects import partial
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.plans.history import versions


@click.command("diff")
@words.plan_and_step_arguments
@click.argument("other", required=False, metavar="[REV]")
@click.option("--stat", is_flag=True, help="Print only names and numbers of lines.")
@click.option(
    "--plan",
    "of_text",
    is_flag=True,
    help="Show what the last edit changed in the plan's text: git orch plan diff.",
)
@here.json_option
def command(
    plan: str | None,
    step: str | None,
    other: str | None,
    *,
    stat: bool,
    of_text: bool,
    as_json: bool,
) -> None:
    """Show the changes of a plan against its base, or of one STEP. A lone number is a step. With
    --plan numbers are texts of the plan, 1 the first.
    """
    revisions: tuple[str, ...] = ()
    number = None
    if of_text:
        plan, revisions = _revisions([word for word in (plan, step, other) if word is not None])
    elif other is not None:
        raise errors.UsageError("there is one word too many", "git orch diff -h")
    else:
        plan, number = words.plan_and_step(plan, step)
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    if of_text:
        _print_edit(status, revisions, whole=not stat, as_json=as_json)
        return
    old, new = _range(status, number)
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


def _revisions(typed: list[str]) -> tuple[str | None, tuple[str, ...]]:
    """The plan, and the texts of it. Raises UsageError."""
    plan = typed.pop(0) if typed and not _is_revision(typed[0]) else None
    if len(typed) > 2 or not all(map(_is_revision, typed)):
        raise errors.UsageError(
            "--plan takes a plan and at most two texts", "git orch plan diff 1 2"
        )
    return plan, tuple(typed)


def _is_revision(word: str) -> bool:
    return words.is_step(word) or ids.ULID.fullmatch(word) is not None


def _edit_between(status: Status, revisions: tuple[str, ...]) -> versions.Edit:
    from git_orch.plans.history import versions

    first, second, *_ = (*revisions, None)
    try:
        return versions.between(status.log.events, first or "", second)
    except KeyError as unknown:
        count = len(versions.texts(status.log.events))
        name = ids.short(status.id)
        raise errors.NotFound(
            f"'{name}' has no text '{unknown.args[0]}': it has 1 to {count}",
            f"git orch plan diff {name} 1",
        ) from unknown


def _print_edit(status: Status, revisions: tuple[str, ...], *, whole: bool, as_json: bool) -> None:
    from git_orch.plans.history import versions
    from git_orch.repo import refs
    from git_orch.views import answer, plan_diff

    edit = (
        _edit_between(status, revisions)
        if revisions
        else versions.last_edit(status.log.events, refs.BRANCHES + status.id)
    )
    if edit is None:
        name = ids.short(status.id)
        raise errors.NotFound(
            f"no edit has changed the text of '{name}'", f"git orch show --tasks {name}"
        )
    asked = answer.current()
    if asked is not None:
        asked.command = "plan-diff"
    if as_json:
        here.print_json(plan_diff.document(status.id, edit))
        return
    console.out_lines(plan_diff.lines(status.id, edit, whole=whole))


def _range(status: Status, number: int | None) -> tuple[str | None, str]:
    life.require_steps(status)
    branch = status.branch
    if branch is None:
        raise errors.Busy(
            f"branch 'orch/{status.id}' was deleted", f"git orch show {ids.short(status.id)}"
        )
    if number is None:
        return branch.base, branch.tip
    entry = life.numbered_step(status, number)
    if entry.commit is not None:
        return (entry.commit.parents[0] if entry.commit.parents else None), entry.commit.oid
    if entry.attempt is not None and entry.attempt.commit is not None:
        return f"{entry.attempt.commit}^", entry.attempt.commit
    raise errors.NotFound(
        f"step {number} has no commit yet", f"git orch exec {ids.short(status.id)}"
    )
