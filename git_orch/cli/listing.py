"""`ls` and `status` for people: from the summaries of plans, and from their logs where those do not
hold.

Nothing here needs click, and the logs are read by modules that are imported when they are: people
and prompts ask for these two all the time.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, NamedTuple

from git_orch.repo import localfiles, refs
from git_orch.repo.log import summaries
from git_orch.repo.log.summaries import Key, Remembered, Summaries
from git_orch.repo.repository import Repository, around
from git_orch.views import activity, console, headlines
from git_orch.views.headlines import Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from git_orch.plans.history.status import Status
    from git_orch.repo.refs import Listing, PlanRefs
    from git_orch.views.headlines import Line, Summary

_MOST_TO_LAND = 8  # plans that status lists
_MOST_WHOLES = 8  # plans that are remembered because they were shown alone
# What was typed, word by word, that needs no parser.
PLAIN = frozenset(
    {
        ("ls",), ("ls", "--open"), ("ls", "--all"), ("status",),
        ("ls", "--json"), ("ls", "--open", "--json"), ("ls", "--all", "--json"),
    }
)  # fmt: skip


def plain(typed: Sequence[str]) -> None:
    """Do what one of the PLAIN command lines asks for."""
    gc.disable()  # what is read of thousands of plans lives as long as the command
    if typed[0] == "ls":
        ls(
            only_open="--open" in typed,
            with_archived="--all" in typed,
            as_json="--json" in typed,
        )
    else:
        status()


def ls(*, only_open: bool, with_archived: bool, as_json: bool = False) -> None:
    """Print the plans, oldest first, one a line; or give them to a program."""
    repository = around()
    plans = _Plans(repository, with_archived=with_archived)
    shown = [plan for plan in plans.listed if plan.is_open or not only_open]
    plans.keep()
    running = localfiles.held(repository, [plan.id for plan in shown])
    if as_json:
        _give([headlines.document(plan, running=plan.id in running) for plan in shown])
        return
    console.out_lines(_lines(shown, running))


def _give(data: object) -> None:
    from git_orch.views import answer

    asked = answer.current()
    if asked is not None:
        asked.give(data)


def status() -> None:
    """Print the open plans and, when there is one, its steps and what to type next; then those that
    wait to be landed.
    """
    repository = around()
    plans = _Plans(repository, with_archived=False)
    shown = [plan for plan in plans.listed if plan.is_open]
    running = localfiles.held(repository, [plan.id for plan in shown])
    to_land = [plan for plan in plans.listed if not plan.is_open and plan.next is not None]
    lines: list[Line] = []
    if not shown:
        begin = "" if to_land else '; begin with: git orch plan "what to do"'
        lines.append((f"no plan is open{begin}",))
    elif len(shown) == 1:
        now = activity.of_plan(repository, shown[0].id, running)
        lines += headlines.alone(plans.whole(shown[0]), running, now)
    else:
        width = headlines.width(shown)
        for plan in shown:
            lines += headlines.beside_others(plan, running=plan.id in running, width=width)
            lines += activity.of_plan(repository, plan.id, running)
    lines += _to_land(to_land, plans)
    plans.keep()
    console.out_lines(lines)


def _lines(shown: Sequence[Summary], running: Collection[str]) -> list[Line]:
    width = headlines.width(shown)
    return [headlines.headline(plan, running=plan.id in running, width=width) for plan in shown]


def _to_land(waiting: Sequence[Summary], plans: _Plans) -> list[Line]:
    """The newest plans that can land, each with its command."""
    left_out = len(waiting) - _MOST_TO_LAND
    newest = waiting[-_MOST_TO_LAND:]
    if len(newest) == 1:
        whole = plans.whole(newest[0])
        newest = [whole.summary._replace(next=whole.next)]
    width = headlines.width(newest)
    lines: list[Line] = []
    for plan in newest:
        lines += headlines.beside_others(plan, running=False, width=width)
    if left_out > 0:
        lines.append((f"{left_out} more wait to be landed: git orch ls",))
    return lines


class _Asked:
    """The reading of plans from their logs: of all that `chosen` gives, of those that are listed."""

    def __init__(
        self, chosen: Callable[[Listing], Mapping[str, PlanRefs]], *, with_archived: bool
    ) -> None:
        self.with_archived = with_archived
        self.bases: dict[str, str | None] = {}
        self._chosen = chosen
        self._asked: Mapping[str, PlanRefs] = {}

    def live(self, listing: Listing) -> Mapping[str, PlanRefs]:
        """The plans to be read."""
        self._asked = self._chosen(listing)
        return self._asked

    def read(self, repository: Repository) -> list[_Read]:
        """Read them, oldest first."""
        from git_orch.cli import here
        from git_orch.repo.log import catalog

        with here.open_objects(repository) as database:
            statuses = here.every_status(repository, database, self)
        return [
            _Read(status, catalog.key(status, self._asked[status.id], self.bases))
            if status.id in self._asked
            else _Read(status, None)
            for status in statuses
        ]


class _Read(NamedTuple):
    """A plan as its log has it; `key` is None where that cannot be remembered."""

    status: Status
    key: Key | None


class _Plans:
    """The plans of a repository, `listed` oldest first."""

    def __init__(self, repository: Repository, *, with_archived: bool) -> None:
        self._repository = repository
        self._before = summaries.read(repository)
        self._listing = refs.listing(repository, self._before.base_refs())
        self._lines: dict[str, Remembered] = {}
        self._summaries: dict[str, Summary] = {}
        self._read: dict[str, _Read] = {}
        if self._unknown(self._listing) or with_archived:
            self._read_unknown(with_archived=with_archived)
        self.listed = [self._summaries[plan] for plan in sorted(self._summaries)]
        self._wholes = self._that_hold(self._before.wholes)

    def whole(self, summary: Summary) -> Whole:
        """What is shown of a plan alone."""
        remembered = self._wholes.pop(summary.id, None)
        whole = headlines.whole_of(remembered.value) if remembered is not None else None
        if remembered is not None and whole is not None:
            self._wholes[summary.id] = remembered  # as the last one
            return whole
        return self._read_whole(summary)

    def keep(self) -> None:
        """Remember what was read, for the next time."""
        now = Summaries(self._lines, self._wholes)
        if now != self._before:
            summaries.write(self._repository, now)

    def _unknown(self, listing: Listing) -> dict[str, PlanRefs]:
        """The plans of which nothing is remembered that holds now."""
        self._listing = listing._replace(others=self._listing.others)
        self._lines, self._summaries = {}, {}
        for plan, line in self._that_hold(self._before.lines).items():
            summary = headlines.summary_of(line.value)
            if summary is not None and summary.id == plan:
                self._lines[plan], self._summaries[plan] = line, summary
        return {
            plan: values
            for plan, values in listing.plans.items()
            if values.log is not None and plan not in self._lines
        }

    def _that_hold(self, part: Mapping[str, Remembered]) -> dict[str, Remembered]:
        plans = self._listing.plans
        return {
            plan: line
            for plan, line in part.items()
            if plan in plans and line.key.fits(plans[plan], self._listing)
        }

    def _read_unknown(self, *, with_archived: bool) -> None:
        from git_orch.views import report

        for entry in _Asked(self._unknown, with_archived=with_archived).read(self._repository):
            summary = report.summary(entry.status)
            self._read[summary.id], self._summaries[summary.id] = entry, summary
            if entry.key is not None:
                self._lines[summary.id] = Remembered(entry.key, [*summary])

    def _read_whole(self, summary: Summary) -> Whole:
        """Read a plan, with where somebody may have merged it."""
        from git_orch.repo.log import upstream
        from git_orch.views import report

        plan = summary.id
        if plan not in self._read:
            alone = _Asked(
                lambda listing: {plan: listing.plans[plan]} if plan in listing.plans else {},
                with_archived=False,
            )
            self._read |= {entry.status.id: entry for entry in alone.read(self._repository)}
        if plan not in self._read:  # somebody has put it away just now
            return Whole(summary, (), "git orch status")
        status, key = self._read[plan]
        tip = upstream.base_tip(self._repository, status)
        merged = upstream.landing_by_others(self._repository, status, tip)
        whole = report.whole(status if merged is None else status._replace(landed=merged))
        if key is not None and key.branch is not None:
            if summary.next is not None:
                key = key._replace(base_ref=status.base.ref, base=tip)
            self._wholes[plan] = Remembered(key, [[*whole.summary], whole.lines, whole.next])
            self._wholes = dict([*self._wholes.items()][-_MOST_WHOLES:])
        return whole
