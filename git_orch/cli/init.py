"""git orch init: prepare a repository to fetch the plans of others, and install the hooks."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from git_orch.cli import here
from git_orch.views import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.plans.document import Document
    from git_orch.repo.repository import Repository


@click.command("init")
@click.option("--hooks", "with_hooks", is_flag=True, help="Install the optional git hooks as well.")
@click.option(
    "--remove", "--undo", "removes", is_flag=True, help="Take refspecs and hooks out again."
)
@here.json_option
def command(*, with_hooks: bool, removes: bool, as_json: bool) -> None:
    """Have git fetch bring the plans of your remotes; with --hooks install the optional hooks."""
    repository = here.find_repository()
    done: list[Document] = []
    for line, about in (
        *_remotes(repository, removes=removes),
        *(_hooks(repository, removes=removes) if with_hooks or removes else ()),
    ):
        done.append(about)
        if not as_json:
            console.out(line)
    if as_json:
        here.print_json(done)


def _remotes(repository: Repository, *, removes: bool) -> Iterator[tuple[str, Document]]:
    from git_orch.repo import remotes

    every = remotes.listed(repository)
    if not every:
        yield "no remotes: nothing to fetch from", {"remote": None, "state": "none"}
    for remote in every:
        ours = [text for text in remote.fetch if remotes.is_ours(text)]
        if removes:
            remotes.remove(repository, remote, ours)
            state = "removed" if ours else "was not set"
            yield from _refspecs(remote.name, state, ours)
        elif not remotes.is_fit(remote) or not remote.is_usual():
            why = "has no fetch refspec" if remotes.is_fit(remote) else "has a name no ref may have"
            yield f"{remote.name}: skipped, it {why}", {"remote": remote.name, "state": "skipped"}
        else:
            missing = remote.missing()
            remotes.remove(repository, remote, remote.outdated())
            remotes.add(repository, remote, missing)
            state = "set" if missing else "is set already"
            yield from _refspecs(remote.name, state, missing or remote.refspecs())


def _refspecs(remote: str, state: str, texts: list[str]) -> Iterator[tuple[str, Document]]:
    for text in texts or [""]:
        line = (
            f"{remote}: {state}: remote.{remote}.fetch = {text}" if text else f"{remote}: {state}"
        )
        yield line, {"remote": remote, "state": state, "refspec": text or None}


def _hooks(repository: Repository, *, removes: bool) -> Iterator[tuple[str, Document]]:
    from git_orch.repo import hook_files

    place = hook_files.directory(repository)
    if removes and place is None:  # core.hooksPath was set after they were installed
        place = repository.common_dir / "hooks"
    for name in hook_files.NAMES:
        if place is None:
            line = f'{shlex.quote(str(hook_files.SCRIPTS / name))} "$@"'
            yield (
                f"{name}: core.hooksPath is yours; add this line to your hook: {line}",
                {"hook": name, "state": "outside", "line": line},
            )
            continue
        state = hook_files.remove(place, name) if removes else hook_files.install(place, name)
        yield f"{name}: {state.value}", {"hook": name, "state": state.name.lower()}
