"""git orch report: write a plan as one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans import ids, sentences
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import answer, console

if TYPE_CHECKING:
    from git_orch.plans.history.status import Status, StepStatus
    from git_orch.repo.objects.patches import Patch
    from git_orch.repo.repository import Repository

_PATCH = 64 * 1024  # bytes that are read of the changes of a step
_PATCHES = 4 * 1024 * 1024  # of all
_STDOUT = "-"


@click.command("report")
@here.plan_argument
@click.option("-o", "--out", metavar="FILE", help="Write the page to FILE; - is standard output.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@here.json_option
def command(plan: str | None, *, out: str | None, force: bool, as_json: bool) -> None:
    """Write one HTML page with the steps of a plan, its graph, timeline and cost, and the checks and
    changes of each step. It runs no script and loads nothing.
    """
    out = _required(out)
    if force and out == _STDOUT:
        raise errors.UsageError("--force goes with a file", "git orch report -o report.html")
    from git_orch.repo import asked_file
    from git_orch.views.pages import plan_page

    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.with_merge(repository, reading.status_of(repository, database, plan))
    path = Path(out)
    if out != _STDOUT:
        asked_file.require_place(path, over=force)  # before git reads all changes
    running = localfiles.is_held(PlanPlace(repository, status.id))
    text = plan_page.page(status, _patches(repository, status), running=running)
    if out == _STDOUT:
        _print(text, as_json=as_json)
        return
    data = text.encode()
    asked_file.write(path, data, over=force)
    if as_json:
        here.print_json({"plan": status.id, "file": out, "bytes": len(data)})
        return
    console.out(f"wrote {sentences.quoted(out)}: {ids.short(status.id)}, {len(data):,} bytes")


def _required(out: str | None) -> str:
    """Where the page goes: without a name to standard output, unless that is a terminal."""
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    if out == "" or (out is None and on_terminal and answer.current() is None):
        raise errors.UsageError("no file given for the page", "git orch report -o report.html")
    return out or _STDOUT


def _print(text: str, *, as_json: bool) -> None:
    if as_json:
        here.print_json({"html": text})
    elif sys.stdout is not None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())


def _patches(repository: Repository, status: Status) -> dict[str, Patch]:
    """The changes of the steps that have made some, by step ID."""
    from git_orch.repo.objects import patches

    read: dict[str, Patch] = {}
    left = _PATCHES
    for step in status.steps:
        span = _span(step)
        if span is not None:
            read[step.id] = patches.read(repository.git, *span, min(_PATCH, left))
            left -= len(read[step.id].text)
    return read


def _span(step: StepStatus) -> tuple[str | None, str] | None:
    """The commits between which the changes of a step are."""
    if step.commit is not None:
        return (step.commit.parents[0] if step.commit.parents else None), step.commit.oid
    if step.attempt is not None and step.attempt.commit is not None:
        return f"{step.attempt.commit}^", step.attempt.commit
    return None
