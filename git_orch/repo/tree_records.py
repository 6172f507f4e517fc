"""Records of this machine about trees: on which ones an approval's grants hold, and on which ones
the checks of a plan passed here.

They lie outside of every repository, beside the approvals: nothing that is fetched, cloned or copied
brings any along. A tree is named by its content, so that a record stays true whatever becomes of
the branch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import document
from git_orch.plans.document import BadDocument, Document
from git_orch.repo import own_files, places
from git_orch.repo.repository import unwritable

if TYPE_CHECKING:
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.repo.repository import Repository

_DIRECTORY = "trees"
_LARGEST = 16 << 20  # bytes; a line has about 200


class Records(NamedTuple):
    """The records of a plan. `granted` holds an approval's digest with a tree, `verified` a step's
    ID with the digest of its checks and a tree, `tips` the digest of all checks with a tree.
    """

    granted: frozenset[tuple[str, str]] = frozenset()
    verified: frozenset[tuple[str, str, str]] = frozenset()
    tips: frozenset[tuple[str, str]] = frozenset()


NONE = Records()


def read(place: PlanPlace) -> Records:
    """The records of a plan; none where there is no file that only this user can have written."""
    try:
        names = (_DIRECTORY, places.name_of(place.repository), place.id)
        data = own_files.read(places.own_directory(), names, _LARGEST)
    except (OSError, own_files.NotOurs):
        return NONE
    return _records((data or b"").splitlines())


def with_any(repository: Repository) -> frozenset[str]:
    """The plans of a repository that have records."""
    try:
        directory = places.place_of(repository, _DIRECTORY)
        return frozenset(os.listdir(directory))
    except (OSError, own_files.NotOurs):
        return frozenset()


def add(
    place: PlanPlace,
    *,
    granted: Iterable[tuple[str, str]] = (),
    verified: Iterable[tuple[str, str, str]] = (),
    tips: Iterable[tuple[str, str]] = (),
) -> None:
    """Add records to those of a plan, which this process has locked. Raises NotOurs,
    UnfitRepository.
    """
    lines: list[Document] = [{"tree": tree, "approval": digest} for digest, tree in granted]
    lines += [{"tree": tree, "step": step, "checks": checks} for step, checks, tree in verified]
    lines += [{"tree": tree, "checks": checks} for checks, tree in tips]
    if not lines:
        return
    # A line that a power cut left half written ends here.
    text = "".join(f"\n{json.dumps(line)}" for line in lines) + "\n"
    names = (_DIRECTORY, places.name_of(place.repository), place.id)
    top = places.own_directory()
    try:
        own_files.append(top, names, text.encode("ascii"))
    except OSError as failed:
        raise unwritable(failed, top.joinpath(*names)) from failed


def _records(lines: Sequence[bytes]) -> Records:
    granted, verified, tips = (
        set[tuple[str, str]](),
        set[tuple[str, str, str]](),
        set[tuple[str, str]](),
    )
    for line in lines:
        try:
            fields = document.parse(line, "record")
            tree = document.text(fields, "tree")
            approval = document.optional_text(fields, "approval")
            step = document.optional_text(fields, "step")
            checks = document.optional_text(fields, "checks")
        except BadDocument:
            continue  # an empty line, or half of one
        if approval is not None:
            granted.add((approval, tree))
        elif checks is not None and step is not None:
            verified.add((step, checks, tree))
        elif checks is not None:
            tips.add((checks, tree))
    return Records(frozenset(granted), frozenset(verified), frozenset(tips))
