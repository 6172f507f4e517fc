"""Plans that are ideas: which one is meant when none is named."""

from __future__ import annotations

from git_orch.cli import here, reading


def only(typed: str | None) -> str | None:
    """The plan that was typed; without one, the only idea there is, if there is just one."""
    if typed is not None:
        return typed
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        ideas = [status.id for status in reading.statuses(repository, database) if status.is_idea]
    return ideas[0] if len(ideas) == 1 else None
