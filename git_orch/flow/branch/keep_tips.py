"""Keeping the tip of a plan branch before the user's own command leaves it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from git_orch.plans import ids
from git_orch.repo import identity, refs
from git_orch.repo.log import kept
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository


def keep_left_tips(repository: Repository, lines: Iterable[str]) -> None:
    """Keep the old tip of each plan branch in the lines of a reference transaction (`OLD NEW REF`
    each).
    """
    person = None
    with contextlib.closing(objects.opened(repository)) as database:
        for line in lines:
            _, _, ref = line.partition(" ")[2].partition(" ")
            plan = ref.removeprefix(refs.BRANCHES)
            ours = ref.startswith(refs.BRANCHES) and ids.PLAN_ID.fullmatch(plan)
            tip = refs.value(repository, ref) if ours else None
            # A transaction may give zeros for "any old value": the ref itself has the value.
            if tip is not None:
                person = person or identity.of_user(repository)
                place = PlanPlace(repository, plan)
                kept.keep(place, database, person, [tip], "a tip the user moved away from")
