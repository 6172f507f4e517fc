"""The graph of a plan's steps, for people, for Graphviz and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from git_orch.plans import graph, ids, sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import SATISFIED, Status, StepStatus
from git_orch.plans.plan import Plan, Step
from git_orch.views.console import Styled
from git_orch.views.headlines import Line

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
    state = Styled(f"{now.word:<10}", "green" if now.state in SATISFIED else "dim")
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


def _edges(plan: Plan) -> Iterator[tuple[str, str]]:
    """The dependencies, as IDs: a step and one that waits for it."""
    for step in plan.steps:
        for need in step.depends_on:
            yield need, step.id


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
        "edges": [list(edge) for edge in _edges(plan)],
        "levels": [[step.id for step in level] for level in graph.levels(plan)],
        "critical_path": [step.id for step in _longest(plan)],
        "conflicts": [[one.id, other.id] for one, other in graph.conflicts(plan)],
    }


def dot(plan: Plan) -> list[Line]:
    """The graph in the language of Graphviz; dashed lines join steps that change the same path."""
    longest = {step.id for step in _longest(plan)}
    drawn: list[Line] = [("digraph plan {",), ("  rankdir=LR; node [shape=box];",)]
    for number, step in enumerate(plan.steps, start=1):
        bold = " style=bold" if step.id in longest else ""
        drawn.append((f"  {step.id} [label={_quoted(f'{number} {step.title}')}{bold}];",))
    drawn += [(f"  {need} -> {step_id};",) for need, step_id in _edges(plan)]
    for one, other in graph.conflicts(plan):
        drawn.append((f"  {one.id} -> {other.id} [dir=none style=dashed constraint=false];",))
    return [*drawn, ("}",)]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
