"""Events of a log that somebody forged, as a fetch may bring them."""

from __future__ import annotations

import contextlib

from conftest import Repo

from git_orch.plans.document import Document
from git_orch.repo import identity
from git_orch.repo.log import log
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover


def forge(repo: Repo, plan: str, *events: tuple[str, Document]) -> list[str]:
    """Append events to a log in the name of this clone; `move` is the place of an event in them."""
    found = discover(repo.path)
    made: list[str] = []
    with contextlib.closing(objects.opened(found)) as database:
        writer = log.LogWriter(PlanPlace(found, plan), database, identity.of_user(found))
        for name, body in events:
            named = {
                key: made[value] if isinstance(value, int) else value for key, value in body.items()
            }
            event = writer.event(name, **named)
            writer.append([(writer.home(), event)])
            made.append(event.id)
    return made
