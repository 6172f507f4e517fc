"""git orch agent-docs: print a skill file for agents, or install it."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.views import answer, console


@click.command("agent-docs")
@click.option("--install", is_flag=True, help="Write it to .agents/skills and .claude/skills.")
@here.json_option
def command(*, install: bool, as_json: bool) -> None:
    """Print a skill file, from which an agent learns to drive git-orch; nothing is written without
    --install.
    """
    from git_orch.flow.documents import agent_docs

    if not install:
        if as_json:
            here.print_json({"skill": agent_docs.text()})
        else:
            console.out(agent_docs.text().rstrip("\n"))
        return
    _install(as_json=as_json)


def _install(*, as_json: bool) -> None:
    from git_orch.flow.documents import agent_docs

    top = here.find_repository().top
    if top is None:
        raise errors.UnfitRepository(
            "this repository has no checkout to write into", "git orch agent-docs"
        )
    try:
        places = agent_docs.install(top)
    except OSError as failed:
        raise errors.UnfitRepository(
            f"the skill file cannot be written: {failed.strerror}", "git orch agent-docs"
        ) from failed
    if as_json:
        here.print_json([place._asdict() for place in places])
    words = {"wrote": "wrote", "current": "up to date", "kept": "left alone, it is not git-orch's"}
    for place in places if answer.current() is None else ():
        console.out(f"{words[place.fate]}: {place.path}")
    kept = [place.path for place in places if place.fate == "kept"]
    if kept:
        raise errors.Refused(
            f"{kept[0]} was not written by git-orch, or somebody changed it", "git orch agent-docs"
        )
