"""The open comments on a plan, as the model reads them that makes its next version."""

from __future__ import annotations

from typing import NamedTuple

from git_orch.plans.documents import comments
from git_orch.plans.history.status import Status
from git_orch.repo.local import own_comments
from git_orch.repo.plan_place import PlanPlace

_LONGEST = 20_000  # characters of all comments of other people


class OpenComments(NamedTuple):
    """Comments that the user made on this machine, which are their words, and those `of_others`,
    which are data, whoever the log says made them.
    """

    own: str
    of_others: str


def read(place: PlanPlace, status: Status) -> OpenComments:
    """The open comments on a plan, one below the other."""
    made_here = own_comments.digests(place)
    own: list[str] = []
    others: list[str] = []
    for number, comment in comments.opened(status):
        listed = own if own_comments.digest(comment) in made_here else others
        name = comments.name(status.plan, comment)
        changed = ", which has changed since" if comments.is_outdated(status.plan, comment) else ""
        listed.append(f"comment {number} on {name}{changed}: {comment.text}")
    return OpenComments("\n".join(own), "\n".join(others)[:_LONGEST])
