"""git orch trace: show what a recorded run asked its models, and what they replied."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from git_orch import errors, notices
from git_orch.cli import here, reading, words
from git_orch.plans import document, sentences
from git_orch.plans.document import BadDocument
from git_orch.plans.history import life
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import console

_FIELDS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


@click.command("trace")
@words.plan_and_step_arguments
@click.option(
    "--run", metavar="TRACE", default="last", help="Another run than the last, or a file."
)
@click.option("--full", is_flag=True, help="Print the requests and the replies whole.")
@click.option(
    "--raw", is_flag=True, help="Print the lines of the file; exec --replay reads them anywhere."
)
@here.json_option
def command(
    plan: str | None, step: str | None, *, run: str, full: bool, raw: bool, as_json: bool
) -> None:
    """Show each request to a model and its reply, of a run that was recorded with exec --trace. Only
    this machine has them.
    """
    from git_orch.flow.model import tapes

    if raw and (full or as_json or step is not None):
        raise errors.UsageError("--raw stands alone", "git orch trace -h")
    repository = here.find_repository()
    handle, number = words.plan_and_step(plan, step)
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, handle)
    only = life.numbered_step(status, number).id if number is not None else None
    place = PlanPlace(repository, status.id)
    lines = tapes.lines(place, run)
    path = tapes.named(place, run)
    if raw:
        for entry in _entries(lines, path):
            console.out(json.dumps(entry).replace("\x7f", "\\u007f"))
        return
    entries = [entry for entry in _entries(lines, path) if only in (None, entry.get("step"))]
    if as_json:
        here.print_json(entries)
        return
    numbers = {each.id: str(each.number) for each in status.steps}
    for entry in entries:
        _print(entry, numbers, full=full)


def _entries(lines: list[bytes], path: Path) -> Iterator[Mapping[str, object]]:
    for line in lines:
        try:
            yield document.parse(line, "trace")
        except BadDocument:  # the last line of a run that was killed
            notices.tell(f"a line of {sentences.quoted(path.name)} was cut off")


def _print(entry: Mapping[str, object], numbers: Mapping[str, str], *, full: bool) -> None:
    step = str(entry.get("step"))
    place = f"step {numbers.get(step, step)}" if entry.get("step") else "plan"
    parts = (str(entry.get("time"))[:19], str(entry.get("span_id")), place, *_words(entry))
    console.out("  ".join(parts))
    if full:
        console.out_lines((f"    {line}",) for line in _text(entry).splitlines())


def _words(entry: Mapping[str, object]) -> tuple[str, ...]:
    """The kind of an entry, and its figures."""
    event = str(entry.get("event"))
    if event == "request":
        request = _mapping(entry.get("request"))
        messages = request.get("messages")
        count = sentences.count(len(messages) if isinstance(messages, list) else 0, "message")
        return "asked  ", f"{request.get('model')}, {count}"
    if event == "reply":
        call = _mapping(entry.get("call"))
        usage = _mapping(call.get("usage"))
        tokens = [usage.get(name) for name in _FIELDS]
        read = sum(int(value) for value in tokens if isinstance(value, int))
        figures = f"{read} tokens in, {usage.get('output_tokens')} out, {call.get('seconds')} s"
        return "replied", f"{call.get('stop_reason')}, {figures}"
    return event.ljust(7), str(entry.get("error", ""))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _text(entry: Mapping[str, object]) -> str:
    from git_orch.agents import tape

    if entry.get("event") == "request":
        return "\n".join(tape.lines_of(entry.get("request")))
    return "\n".join(tape.lines_of({"content": entry.get("content", [])}))
