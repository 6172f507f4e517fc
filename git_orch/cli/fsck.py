"""git orch fsck: find what is damaged, left over or contradictory."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from git_orch.cli import here, reading
from git_orch.plans import ids, sentences
from git_orch.repo.objects import objects
from git_orch.views import answer, console

if TYPE_CHECKING:
    from git_orch.plans.faults import Fault
    from git_orch.repo.repository import Repository


@click.command("fsck")
@click.option("--repair", is_flag=True, help="Do the repairs that lose nothing.")
@here.plan_argument
@here.json_option
def command(plan: str | None, *, repair: bool, as_json: bool) -> int:
    """Check logs, branches, refs, local files and git's configuration. The exit code is 1 when there
    are findings.
    """
    repository = here.find_repository()
    only = _plan_id(repository, plan) if plan is not None else None
    present = _check(repository, only)
    done: list[tuple[str | None, str]] = []
    if repair and any(fault.is_safe for fault in present):
        from git_orch.flow.checking import repair as repairs
        from git_orch.views.progress import ConsoleReporter

        for what in repairs.repair(repository, present, ConsoleReporter()):
            done.append(what)
            if not as_json:
                console.out(f"repair: {_named(what[0])}{what[1]}")
        present = _check(repository, only)
    if as_json:
        _print_json(present, done)
    else:
        _print(present)
    return 1 if present else 0


def _plan_id(repository: Repository, handle: str) -> str:
    """The plan that somebody named; of one that nobody can read its ID."""
    return handle if ids.PLAN_ID.fullmatch(handle) else reading.any_plan_id(repository, handle)


def _check(repository: Repository, only: str | None) -> list[Fault]:
    from git_orch.flow.checking import check

    with contextlib.closing(objects.opened(repository)) as database:
        present = check.check(repository, database)
    return [fault for fault in present if only in (None, fault.plan)]


def _named(plan: str | None) -> str:
    return f"{ids.short(plan)}: " if plan is not None else ""


def _text(fault: Fault) -> str:
    return f"{_named(fault.plan)}{fault.what}"


def _print(present: list[Fault]) -> None:
    for fault in present:
        console.out(console.Styled("fault", "red"), f": {_text(fault)} [{fault.code}]")
        console.out(f"  fix: {fault.repair}")
    console.out(sentences.count(len(present), "fault") if present else "no faults")


def _print_json(present: list[Fault], done: list[tuple[str | None, str]]) -> None:
    faults = [
        {
            "code": fault.code,
            "what": fault.what,
            "plan": fault.plan,
            "repair": fault.repair,
            "safe": fault.is_safe,
        }
        for fault in present
    ]
    repairs = [{"plan": plan, "what": what} for plan, what in done]
    here.print_json({"faults": faults, "repaired": repairs})
    asked = answer.current()
    if asked is not None:
        for fault in present:
            asked.diagnose("error", fault.code, _text(fault), fault.repair)
