"""git orch config: print the settings in force."""

from __future__ import annotations

import click

from git_orch import __version__, notices
from git_orch.cli import here
from git_orch.repo import settings
from git_orch.views import console

_WIDEST = 48  # columns before the source


@click.command("config")
@click.option("-l", "--list", "_list", is_flag=True, help="List the settings (the default).")
@here.json_option
def command(*, _list: bool, as_json: bool) -> None:
    """Print the orch.* settings in force, and where each is set. Set them with git config --global;
    the repository's own do not count.
    """
    repository = here.find_repository()
    in_force = settings.of_user(repository)
    sources = settings.sources(repository, in_force)
    if as_json:
        named = {name: source._asdict() for name, source in sources.items()}
        here.print_json({**in_force._asdict(), "sources": named})
        return
    lines = {name: f"orch.{name}={_text(value)}" for name, value in in_force._asdict().items()}
    width = min(_WIDEST, max(map(len, lines.values())))
    for name, line in lines.items():
        console.out(f"{line:{width}}  {sources[name].text()}")
    own = [setting.name for setting in settings.own_settings(repository, "orch.")]
    for name in settings.unknown(map(str.lower, own)):
        if settings.nearest(name) is None:  # else a warning has named both
            notices.tell(f"'{name}' is not a setting of git-orch {__version__}")


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
