"""git orch config: the settings in force."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.repo import settings
from git_orch.views import console


@click.command("config")
@click.option(
    "-l", "--list", "_list", is_flag=True, help="List the settings; what this command does anyway."
)
@here.json_option
def command(*, _list: bool, as_json: bool) -> None:
    """The orch.* settings in force. Set them with git config --global; the repository's own do not
    count.
    """
    in_force = settings.of_user(here.find_repository())._asdict()
    if as_json:
        here.print_json(in_force)
        return
    for name, value in in_force.items():
        console.out(f"orch.{name}={_text(value)}")


def _text(value: object) -> str:
    """As `git config --get` prints it: booleans in lower case, lists on one line."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return " ".join(value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)
