"""The cost of this repository: all its plans, or the commits of a range."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from git_orch import errors
from git_orch.plans import document as documents
from git_orch.plans import ids, sentences, trailers
from git_orch.plans.history.status import Status
from git_orch.plans.money import spending
from git_orch.plans.money.spending import Cost
from git_orch.repo import identity
from git_orch.repo.local import plannings
from git_orch.repo.log import bounds, catalog
from git_orch.repo.objects import raw
from git_orch.repo.objects.objects import Objects
from git_orch.repo.repository import Repository


def of_repository(repository: Repository, objects: Objects) -> list[Cost]:
    """The costs of all plans, archived ones included, and of plannings here that became no plan."""
    author_of = _reader(objects)
    costs: list[Cost] = []
    for status in _statuses(repository, objects):
        costs += spending.of_plan(status, author_of)
    return [*costs, *_of_plannings(repository)]


def _of_plannings(repository: Repository) -> Iterator[Cost]:
    failed = plannings.paid(repository)
    author = _user(repository) if failed else None
    for planning in failed:
        for call in planning.calls:
            model = documents.optional_text(call, "model") or ""
            usd = documents.number(call, "usd", least=0.0)
            yield spending.of_planning(usd, author, planning.seconds, model)


def _user(repository: Repository) -> str | None:
    """The user as the author of commits; None where git does not know them."""
    with contextlib.suppress(errors.UnfitRepository):
        return identity.of_user(repository).author
    return None


def of_range(repository: Repository, objects: Objects, commits: str) -> list[Cost]:
    """The costs of the steps that commits of a range of git's claim, or of a plan that is named.
    Raises NotFound.
    """
    plans = {status.id: status for status in _statuses(repository, objects)}
    author_of = _reader(objects)
    oids = _listed(repository, commits)
    if oids is None:
        return spending.of_plan(plans[_named(plans, commits)], author_of)
    steps: dict[str, set[str]] = {}
    costs: list[Cost] = []
    for commit in _claiming(objects, oids):
        if any(claim.plan not in plans for claim in commit.message.claims):
            costs += _of_message(commit)
            continue
        for claim in commit.message.claims:
            steps.setdefault(claim.plan, set()).add(claim.step)
    for plan, claimed in steps.items():
        costs += spending.of_steps(plans[plan], claimed, author_of)
    return costs


class _Claiming(NamedTuple):
    """A commit that claims steps; its author, and the time of that in seconds."""

    message: trailers.Message
    author: str
    seconds: int


def _statuses(repository: Repository, objects: Objects) -> list[Status]:
    return [
        *catalog.statuses(repository, objects),
        *catalog.archived_statuses(repository, objects),
    ]


def _of_message(commit: _Claiming) -> list[Cost]:
    usd = sum(map(Decimal, commit.message.costs), start=Decimal())
    if not usd:
        return []
    steps = [f"{claim.plan}/{claim.step}" for claim in commit.message.claims]
    who = (commit.author, commit.seconds)
    return [spending.of_commit(usd, steps, who, commit.message.models)]


def _listed(repository: Repository, commits: str) -> list[str] | None:
    """The commits of a range whose messages may claim steps; None where git knows no such range."""
    asked = ("rev-list", f"--grep=^{trailers.STEP}:", "--end-of-options", commits, "--")
    listed = repository.git.finished(*asked, expect=(0, 128))
    return listed.stdout.decode("ascii").split() if listed.status == 0 else None


def _named(plans: Mapping[str, Status], typed: str) -> str:
    named = ids.matches(typed, plans)
    if len(named) != 1:
        raise errors.NotFound(
            f"{sentences.quoted(typed)} names neither commits nor a plan", "git orch ls --all"
        )
    return named[0]


def _claiming(objects: Objects, oids: Sequence[str]) -> Iterator[_Claiming]:
    for stored in bounds.read_small(objects, oids, bounds.LARGEST_COMMIT):
        if stored is None or stored.kind != "commit":
            continue
        fields = raw.commit_object(stored.data)
        message = trailers.read(fields.message)
        if message.claims:
            yield _Claiming(message, *_who(fields))


def _who(fields: raw.CommitObject) -> tuple[str, int]:
    """The author as `Name <email>`, and the seconds of the authorship."""
    name, _, when = fields.author.rpartition("> ")
    seconds = when.split(" ")[0]
    return f"{name}>", int(seconds) if seconds.isdecimal() else 0


def _reader(objects: Objects) -> Callable[[str], str | None]:
    """A function that gives the author of a commit; None for one that is not here."""

    @functools.cache
    def author(oid: str) -> str | None:
        [stored] = bounds.read_small(objects, [oid], bounds.LARGEST_COMMIT)
        if stored is None or stored.kind != "commit":
            return None
        return _who(raw.commit_object(stored.data))[0]

    return author
