"""The comments that the user made on this machine, in a file for each plan: the log of a plan may come
from anybody, and may say that it comes from here.

The files lie outside of every repository: nothing that is fetched, cloned or copied makes one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_orch.repo import localfiles, own_files, places

if TYPE_CHECKING:
    from git_orch.plans.history.status import Comment
    from git_orch.repo.plan_place import PlanPlace

_DIRECTORY = "comments"
_LARGEST = 1 << 22  # bytes; a comment takes 65


def digests(place: PlanPlace) -> frozenset[str]:
    """The digests of the comments that were made here."""
    try:
        data = own_files.read(places.own_directory(), _names(place), _LARGEST, private=True)
    except (OSError, own_files.NotOurs):
        return frozenset()
    return frozenset((data or b"").decode("ascii", "replace").split())


def digest(comment: Comment) -> str:
    """The digest of all that a comment says."""
    parts = (comment.id, comment.on, comment.digest, comment.text, comment.who)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def add(place: PlanPlace, comment: Comment) -> None:
    """Write down that the user made a comment here. Raises UnfitRepository."""
    listed = sorted({*digests(place), digest(comment)})
    data = "".join(f"{line}\n" for line in listed).encode("ascii")
    localfiles.write_below(places.own_directory(), _names(place), data)


def _names(place: PlanPlace) -> tuple[str, ...]:
    return (_DIRECTORY, places.name_of(place.repository), place.id)
