"""The requirements of plans for `git orch status`: which of them drifted."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from git_orch import errors
from git_orch.plans.drift import Verdict, drifted
from git_orch.plans.history.status import Status
from git_orch.repo import own_files, refs
from git_orch.repo.local import proofs
from git_orch.repo.log import archive, catalog
from git_orch.repo.log.archive import Archive
from git_orch.repo.objects import objects
from git_orch.repo.objects.objects import Objects
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.views import headlines, report, requirements
from git_orch.views.headlines import Line, Whole


class Drifted(NamedTuple):
    """A plan of which requirements drifted."""

    status: Status
    verdicts: Sequence[Verdict]

    def lines(self) -> list[Line]:
        """The lines that name them."""
        return requirements.lines(self.status.id, self.verdicts)

    @property
    def next(self) -> str:
        """The command that ends that."""
        return requirements.following(self.status.id, self.verdicts)

    def below(self, whole: Whole) -> Whole:
        """What is shown of the plan, with these lines; for an archived one they are all to do."""
        following = whole.next if self.status.archived is None else self.next
        lines = self.lines()
        shown = lines if self.status.archived is None else lines[:-1]
        return whole._replace(lines=(*whole.lines, *shown), next=following)

    def alone(self) -> list[Line]:
        """The plan with them."""
        line = headlines.next_line(self.status.id, self.next, running=False)
        return [report.headline(self.status, running=False), *self.lines()[:-1], line]


def of_status(repository: Repository, status: Status) -> list[Verdict]:
    """What became of the requirements of a plan."""
    if not status.plan.requirements:
        return []
    with contextlib.closing(objects.opened(repository)) as database:
        return proofs.verdicts(proofs.Sight(repository, database), status)


def drifted_among(repository: Repository, statuses: Sequence[Status]) -> dict[str, Drifted]:
    """By ID, those of the plans of which requirements drifted. One of the archive, which a fetch may
    have brought, is remembered from now on.
    """
    for status in statuses:
        if status.archived is not None:
            with contextlib.suppress(errors.UnfitRepository, own_files.NotOurs, OSError):
                proofs.remember_fetched(PlanPlace(repository, status.id), status)
    with contextlib.closing(objects.opened(repository)) as database:
        return _drifted_of(repository, database, statuses)


def of_plans(repository: Repository, live: Collection[str]) -> Mapping[str, Drifted]:
    """By ID, those of these live plans, and of those that were put away after they had landed, of
    which requirements drifted.
    """
    with contextlib.closing(objects.opened(repository)) as database:
        return catalog.read_steadily(
            repository, lambda listing: _of_plans(repository, database, live, listing)
        )


def _of_plans(
    repository: Repository, database: Objects, live: Collection[str], listing: refs.Listing
) -> Mapping[str, Drifted]:
    asked = {plan: listing.plans[plan] for plan in live if plan in listing.plans}
    statuses = catalog.statuses(repository, database, asked) if asked else []
    homes = proofs.remembered(repository)
    marked = {plan: home for plan, home in homes.items() if plan not in listing.plans}
    if marked:
        put_away = _archive_of(repository, database, marked, listing.archive)
        statuses += catalog.statuses_of_notes(repository, database, put_away, listing.plans)
    return _drifted_of(repository, database, statuses)


def _archive_of(
    repository: Repository, database: Objects, marked: Mapping[str, str], tip: str | None
) -> Archive:
    """The notes of these plans; the whole archive is read only where they hang on other objects than
    somebody remembers.
    """
    notes = archive.read_at(repository, database, tip, {*marked.values()})
    if marked.keys() - notes.plans.keys():
        notes = archive.read_at(repository, database, tip)
    return Archive({plan: notes.plans[plan] for plan in marked if plan in notes.plans})


def _drifted_of(
    repository: Repository, database: Objects, statuses: Sequence[Status]
) -> dict[str, Drifted]:
    drifting: dict[str, Drifted] = {}
    sight = proofs.Sight(repository, database)
    for status in statuses:
        verdicts = proofs.verdicts(sight, status)
        if drifted(verdicts):
            drifting[status.id] = Drifted(status, verdicts)
    return drifting
