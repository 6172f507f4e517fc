"""The graph of a plan's steps, for people at a terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterable

from git_orch.plans import graph, ids, sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import Status, StepStatus
from git_orch.plans.plan import Plan, Step
from git_orch.views import report
from git_orch.views.console import Styled
from git_orch.views.headlines import Line
from git_orch.views.pictures import notations

_CONFLICTS_SHOWN = 20  # pairs; more say no more than that the declared paths are too wide


def lines(status: Status) -> list[Line]:
    """The steps level by level; a star marks those of the longest chain."""
    plan = status.plan
    if not plan.steps:
        return [(ids.short(status.id), " has no steps")]
    longest = _longest(plan)
    of_step = {step.id: step for step in status.steps}
    drawn: list[Line] = []
    for number, level in enumerate(graph.levels(plan), start=1):
        for step in level:
            label = f"level {number:<3}" if step is level[0] else " " * 9
            drawn.append((label, *_step(plan, of_step[step.id], starred=step in longest)))
    most = max(len(level) for level in graph.levels(plan))
    chain = " -> ".join(str(plan.position(step.id)) for step in longest)
    drawn += [("",), (f"* longest chain: {chain}, {len(longest)} of {len(plan.steps)} steps",)]
    drawn.append((f"at most {most} at the same time" if most > 1 else "one at a time",))
    return [*drawn, *_conflicts(plan)]


def _step(plan: Plan, now: StepStatus, *, starred: bool) -> Line:
    needs = ", ".join(str(plan.position(need)) for need in now.step.depends_on)
    after = f"  after {needs}" if needs else ""
    number = f" {'*' if starred else ' '}{now.number:4}  "
    state = Styled(f"{now.word:<10}", report.STATE_STYLES[now.state])
    return (number, state, f"  {now.step.title} [{now.step.kind}]{after}")


def _conflicts(plan: Plan) -> Iterable[Line]:
    """Pairs that do not run at the same time although neither waits for the other."""
    pairs = graph.conflicts(plan)
    for one, other in pairs[:_CONFLICTS_SHOWN]:
        numbers = f"{plan.position(one.id)} and {plan.position(other.id)}"
        yield (Styled("not at once: ", "yellow"), f"{numbers} change the same path")
    if len(pairs) > _CONFLICTS_SHOWN:
        yield (
            Styled("not at once: ", "yellow"),
            f"and {sentences.count(len(pairs) - _CONFLICTS_SHOWN, 'more pair')}",
        )


def _longest(plan: Plan) -> list[Step]:
    return graph.critical_path(plan, lambda _: 1.0)


def document(status: Status) -> Document:
    """The graph as `git orch graph --json` prints it: step IDs, and edges from a step to its
    dependents.
    """
    plan = status.plan
    return {
        "id": status.id,
        "steps": [
            {"id": step.id, "number": step.number, "title": step.title} for step in status.steps
        ],
        "edges": [list(edge) for edge in notations.edges(plan)],
        "levels": [[step.id for step in level] for level in graph.levels(plan)],
        "critical_path": [step.id for step in _longest(plan)],
        "conflicts": [[one.id, other.id] for one, other in graph.conflicts(plan)],
    }
