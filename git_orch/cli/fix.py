"""git orch fix: mend a failed step by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch.cli import here, words
from git_orch.plans import sentences
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.run.fix import Place


@click.command("fix")
@words.plan_and_step_arguments
@here.json_option
def command(plan: str | None, step: str | None, *, as_json: bool) -> None:
    """Print a worktree with the work of the failed attempt at a step. Mend it there, then: git orch
    done.
    """
    from git_orch.flow.run import fix

    handle, number = words.plan_and_step(plan, step)
    if handle is None:
        handle = words.plan_here(here.find_repository())
    with here.open_plan(handle) as opened:
        place = fix.open_worktree(opened, number)
    if as_json:
        document = {
            "plan": opened.id,
            "step": place.step.id,
            "number": place.step.number,
            "path": str(place.path),
            "commit": place.commit,
            "conflicts": list(place.conflicts),
        }
        here.print_json(document)
        return
    _explain(opened.name, place)
    console.out(str(place.path))


def _explain(plan: str, place: Place) -> None:
    step = place.step
    console.err(f"step {step.number} {step.title}")
    if step.attempt is not None and step.attempt.error:
        console.err("  failed: ", step.attempt.error.split("\n")[0])
    if place.conflicts:
        console.err("  to resolve: ", sentences.quoted_names(place.conflicts))
    if place.commit is not None:
        console.err(f"  the work of the failed attempt {place.commit[:10]} is staged there")
    else:
        console.err("  no failed attempt is kept: the worktree has the files of the branch")
    console.err(f"mend it there, then: git orch done {plan} {step.number}")
