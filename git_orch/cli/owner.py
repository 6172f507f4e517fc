"""git orch owner: show or set whom new plans belong to."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.repo import owners
from git_orch.views import console


@click.command("owner")
@click.argument("act", type=click.Choice(["who", "set"]), default="who", metavar="[who|set]")
@click.argument("name", required=False, metavar="[NAME]")
@click.argument("given", required=False, metavar="[PLAN]")
@here.json_option
def command(act: str, name: str | None, given: str | None, *, as_json: bool) -> None:
    """Show whom new plans belong to, and every place that may name them; or set NAME for this
    repository, with PLAN for that plan alone.
    """
    if act == "set":
        _set(name, given)
        return
    if name is not None:
        raise errors.UsageError("'who' takes no name", f"git orch owner set '{name}'")
    repository = here.find_repository()
    chain = owners.chain(repository)
    winner = next(source for source in chain if source.owner is not None)
    if as_json:
        sources = [{**source._asdict(), "wins": source is winner} for source in chain]
        here.print_json({"owner": winner.owner, "sources": sources})
        return
    console.out(f"owner: {winner.owner}")
    for number, source in enumerate(chain, start=1):
        mark = "*" if source is winner else " "
        console.out(f"{mark} {number}. {source.name:<22} {source.owner or '(not set)'}")


def _set(name: str | None, plan: str | None) -> None:
    if name is None:
        raise errors.UsageError("no name given", 'git orch owner set "Your Name"')
    owner = owners.required(name, "owner set")
    if plan is not None:
        _give(owner, plan)
        return
    repository = here.find_repository()
    owners.store(repository, owner)
    console.out(f"new plans of this repository belong to {owner} (git config orch.owner)")
    winner = next(source for source in owners.chain(repository) if source.owner is not None)
    over = "still wins" if winner.owner != owner else "would win"
    console.out(f"GIT_ORCH_OWNER or OTK_OWNER in the environment {over}: git orch owner who")


def _give(owner: str, plan: str) -> None:
    """Give one plan to somebody."""
    with here.open_plan(plan, idea=True) as opened:
        if opened.status().owner != owner:
            opened.record((opened.home, opened.event("plan.owned", owner=owner)))
    console.out(f"{opened.name} belongs to {owner}")
