"""The --json flag, which every command has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_orch.views import answer

if TYPE_CHECKING:
    from collections.abc import Mapping


def _answering(_context: click.Context, _option: click.Parameter, value: bool) -> bool:  # noqa: FBT001  # so click calls it
    """See to it that a --json which is the value of another option does not count."""
    asked = answer.current()
    if not value and (asked is None or asked.stream is None):
        answer.end()
    return value


SETTINGS: Mapping[str, Any] = {
    "is_flag": True,
    "is_eager": True,
    "callback": _answering,
    "help": "Print JSON.",
}


def added(command: click.Command) -> click.Command:
    """The command, which has --json now: what it prints for people becomes a part of the answer."""
    if not any("--json" in parameter.opts for parameter in command.params):
        command.params.append(click.Option(["--json"], expose_value=False, **SETTINGS))
    return command
