"""git orch caps: list the commands and languages of this machine."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.flow.machine import machine
from git_orch.repo import places
from git_orch.sandbox import capabilities
from git_orch.views import console


@click.command("caps")
@click.option(
    "--check",
    "name",
    metavar="NAME",
    help="Look only for this command; the exit code is 1 when it is missing.",
)
@click.option("--refresh", is_flag=True, help="Look again; ignore the remembered list.")
@click.option(
    "--path", "show_path", is_flag=True, help="Print the directory that has the remembered list."
)
@here.json_option
def command(name: str | None, *, refresh: bool, show_path: bool, as_json: bool) -> int:
    """List the commands and languages that plans can use here. Nothing from the repository runs for
    this.
    """
    try:
        excluded = here.find_repository().top
    except errors.UnfitRepository:
        excluded = None  # works anywhere: capabilities are the machine's
    if show_path:
        console.out(str(places.cache_directory()))
        return 0
    if name is not None:
        info = capabilities.find_command(name, os.environ.get("PATH", ""), excluded)
        if as_json:
            here.print_json(dataclasses.asdict(info))
        else:
            console.out(f"{info.name}  {info.version or ''}  {info.path or 'not found'}")
        return 0 if info.available else 1
    loaded = machine.capabilities(Path.cwd(), excluded, refresh=refresh)
    if loaded.warning:
        console.err(f"note: {loaded.warning}")
    if as_json:
        here.print_json(loaded.capabilities.document())
        return 0
    for line in machine.description(loaded.capabilities):
        console.out(line)
    return 0
