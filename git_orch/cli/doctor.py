"""git orch doctor: test the sandbox on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.views import console

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from git_orch.sandbox.probes import Answer

_STYLES = {"ok": "green", "no": "red", "note": "yellow"}


@click.command("doctor")
@here.json_option
def command(*, as_json: bool) -> int:
    """Test which protections work on this machine. The exit code is 1 when one does not."""
    answers: list[Answer] = []
    for answer in _answers():
        if not as_json:
            _print(answer, {before.hint for before in answers})
        answers.append(answer)
    if as_json:
        here.print_json([answer._asdict() for answer in answers])
    return 1 if any(answer.status == "no" for answer in answers) else 0


def _answers() -> Iterator[Answer]:
    from git_orch.flow.machine import doctor
    from git_orch.sandbox.probes import Answer

    try:
        around = here.find_repository()
    except errors.UnfitRepository as unfit:  # works anywhere: most of it is about the machine
        yield Answer("repository", "note", unfit.cause, unfit.hint)
        around = None
    yield from doctor.answers(around)


def _print(answer: Answer, hints_before: Set[str | None]) -> None:
    console.out(
        console.Styled(f"{answer.status:4}", _STYLES[answer.status]),
        f"  {answer.name:13}  {answer.seen}",
    )
    if answer.hint is not None and answer.hint not in hints_before:
        console.out("      hint: ", answer.hint)
