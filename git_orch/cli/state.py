"""git orch state: show a plan's state and its possible next states."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans import ids
from git_orch.plans.history import life
from git_orch.plans.history.status import PlanState, Status
from git_orch.views import console

_STATE = click.Choice([state.value for state in PlanState], case_sensitive=False)


@click.command("state")
@here.plan_argument
@click.argument("state", required=False, metavar="[STATE]", type=_STATE)
@click.option(
    "--can",
    nargs=2,
    type=_STATE,
    metavar="FROM TO",
    help="Print whether a plan in state FROM can become TO.",
)
@here.json_option
def command(
    plan: str | None, state: str | None, *, can: tuple[str, str] | None, as_json: bool
) -> int:
    """Show a plan's state, its possible next states, and the commands that lead there. Nobody sets
    a state by hand: with STATE, the refusal names the command that leads there.
    """
    if can is not None:
        if plan is not None:
            raise errors.UsageError(
                "--can is about states, not about a plan", f"git orch state --can {' '.join(can)}"
            )
        return _answer(life.can(PlanState[can[0]], PlanState[can[1]]), as_json=as_json)
    if state is None and plan in PlanState.__members__:
        plan, state = None, plan  # the plan that is meant when none is named
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    name = ids.short(status.id)
    if state is not None:
        next_state = life.transition(status.state, PlanState[state], name)
        raise errors.Refused(
            f"'{name}' can become {state}, but no state is set by hand",
            _command(status, next_state),
        )
    after = [(new.value, _command(status, new)) for new in life.next_states(status.state)]
    if as_json:
        possible = [{"state": new, "command": typed} for new, typed in after]
        here.print_json({"id": status.id, "state": status.state.value, "possible": possible})
        return 0
    console.out(f"{name} ", console.Styled(status.state.value, "bold"))
    for new, typed in after:
        console.out(f"  {new:<12} {typed}")
    return 0


def _command(status: Status, new: PlanState) -> str:
    """The command to type first. An archived plan has to come back before; an edit does that for a
    rejected one.
    """
    name = ids.short(status.id)
    if status.archived is not None and status.state is not PlanState.REJECTED:
        return f"git orch archive --undo {name}"
    return life.command(status.state, new, name)


def _answer(answer: bool, *, as_json: bool) -> int:  # noqa: FBT001  # the one thing there is to say
    if as_json:
        here.print_json(answer)
    else:
        console.out("yes" if answer else "no")
    return 0 if answer else 1
