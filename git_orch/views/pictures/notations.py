"""The graph of a plan in the languages of programs that draw: DOT of Graphviz, and Mermaid."""

from __future__ import annotations

from collections.abc import Iterator

from git_orch.plans import graph, invisible
from git_orch.plans.history.status import Status, StepStatus
from git_orch.plans.plan import Plan
from git_orch.views.pictures import tones

_DIRECTION = "LR"
# What stands as it is in a text of Mermaid; anything else may be a part of its language, or of HTML.
_PLAIN = frozenset(" ,./()-_+'")


def edges(plan: Plan) -> Iterator[tuple[str, str]]:
    """The dependencies, as IDs: a step and one that waits for it."""
    for step in plan.steps:
        for need in step.depends_on:
            yield need, step.id


def _longest(plan: Plan) -> set[str]:
    return {step.id for step in graph.critical_path(plan, lambda _: 1.0)}


def dot(status: Status) -> list[str]:
    """The graph for Graphviz; dashed lines join steps that change the same path."""
    plan = status.plan
    longest = _longest(plan)
    drawn = ["digraph plan {", f"  rankdir={_DIRECTION}; node [shape=box];"]
    for step in status.steps:
        styles = ["filled", *(["bold"] if step.id in longest else [])]
        fill, line = (tones.LIGHT[name] for name in _colours(step))
        drawn.append(
            f"  {step.id} [label={_quoted(_label(step))} style={_quoted(','.join(styles))}"
            f' fillcolor="{fill}" color="{line}"];'
        )
    drawn += [f"  {need} -> {step_id};" for need, step_id in edges(plan)]
    for one, other in graph.conflicts(plan):
        drawn.append(f"  {one.id} -> {other.id} [dir=none style=dashed constraint=false];")
    return [*drawn, "}"]


def _colours(step: StepStatus) -> tuple[str, str]:
    tone = tones.of_step(step)
    return f"{tone}-fill", tone


def _label(step: StepStatus) -> str:
    return invisible.on_one_line(f"{step.number} {step.title}")


def _quoted(text: str) -> str:
    """A text of DOT: its backslashes, quotes and the entities of HTML mean nothing."""
    escaped = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def mermaid(status: Status) -> list[str]:
    """The graph for Mermaid, which many forges draw in Markdown; the longest chain is bold."""
    plan = status.plan
    longest = _longest(plan)
    numbers = {step.id: f"s{step.number}" for step in status.steps}
    drawn = [f"flowchart {_DIRECTION}"]
    drawn += [f'  s{step.number}["{_encoded(_label(step))}"]' for step in status.steps]
    drawn += [f"  {numbers[need]} --> {numbers[step_id]}" for need, step_id in edges(plan)]
    for one, other in graph.conflicts(plan):
        drawn.append(f"  {numbers[one.id]} -.- {numbers[other.id]}")
    for tone in tones.TONES:
        fill, line = tones.LIGHT[f"{tone}-fill"], tones.LIGHT[tone]
        of_tone = [f"s{step.number}" for step in status.steps if tones.of_step(step) == tone]
        if of_tone:
            drawn.append(f"  classDef {tone} fill:{fill},stroke:{line},color:{tones.LIGHT['text']}")
            drawn.append(f"  class {','.join(of_tone)} {tone}")
    if plan.steps:
        drawn.append("  classDef chain stroke-width:3px")
        bold = (numbers[step.id] for step in plan.steps if step.id in longest)
        drawn.append(f"  class {','.join(bold)} chain")
    return drawn


def _encoded(text: str) -> str:
    """A text of Mermaid in quotes: numbers stand for the characters that may mean something."""
    return "".join(
        character if character in _PLAIN or (character.isalnum()) else f"#{ord(character)};"
        for character in text
    )
