"""git orch audit: tool calls of models, on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from git_orch.cli import here
from git_orch.plans import document, sentences
from git_orch.plans.document import Document
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import console


@click.command("audit")
@here.plan_argument
@click.option("-n", "--max-count", type=click.IntRange(min=1), help="Only the last N calls.")
@here.json_option
def command(plan: str | None, max_count: int | None, *, as_json: bool) -> None:
    """Every tool call of a model: when, for which step, what it was given, how it ended. Kept on
    this machine only.
    """
    repository = here.find_repository()
    plan_id = here.any_plan_id(repository, plan)
    directory = PlanPlace(repository, plan_id).traces
    calls: list[Document] = []
    for path in sorted(directory.glob("*.jsonl")):
        calls += _calls(path)
    shown = calls[-max_count:] if max_count else calls
    if as_json:
        here.print_json(shown)
        return
    for call in shown:
        given = json.dumps(call.get("input"))
        console.out(
            f"{call.get('time')}  {call.get('step')}  {call.get('tool')}  {call.get('verdict')}  "
            f"exit {call.get('exit')}  {call.get('seconds')} s  {given[:200]}"
        )


def _calls(path: Path) -> Iterator[Document]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if '"event": "used"' not in line:
                continue
            try:
                entry = document.parse(line, "trace")
            except document.BadDocument:  # the last line of a run that was killed
                console.err(f"note: a line of {sentences.quoted(path.name)} was cut off")
                continue
            yield {
                name: entry[name]
                for name in entry
                if name not in ("event", "result", "tool_use_id")
            }
