"""`ls` and `status` for people: from the summaries of plans, and from their logs where those do not
hold.

Nothing here needs click, and the logs are read by modules that are imported when they are: people
and prompts ask for these two all the time.
"""

from __future__ import annotations

import gc
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import ids
from git_orch.repo import localfiles, refs
from git_orch.repo.log import summaries
from git_orch.repo.log.summaries import Key, Remembered, Summaries
from git_orch.repo.repository import Repository, around
from git_orch.views import activity, console, headlines
from git_orch.views.headlines import Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from git_orch.cli.requirements import Drifted
    from git_orch.plans.history.status import Status
    from git_orch.repo.refs import Listing, PlanRefs
    from git_orch.views.headlines import ByHand, Line, Summary

_MOST_OPEN = 10  # plans that status lists, with three lines at most for nearly all
_MOST_TO_LAND = 8  # those that can land beside them, and of those that landed and drifted
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


def ls(
    *, only_open: bool, with_archived: bool, as_json: bool = False, date: str | None = None
) -> None:
    """Print the plans, oldest first, one a line; or give them to a program. With a `date` only
    those that were made then.
    """
    repository = around()
    plans = Plans(repository, with_archived=with_archived)
    shown = [plan for plan in plans.listed if plan.is_open or not only_open]
    shown = [plan for plan in shown if date is None or made_on(plan.id, date)]
    plans.keep()
    running = localfiles.held(repository, [plan.id for plan in shown])
    if as_json:
        _give([headlines.document(plan, running=plan.id in running) for plan in shown])
    else:
        console.out_lines(_lines(shown, running))
    console.out_lines(_failed_plannings(repository))


def made_on(plan: str, date: str) -> bool:
    """Whether a plan was made in the year, month or day that `date`, such as 20251014, begins with,
    by the clock of whoever asks.
    """
    made = ids.plan_ms(plan)
    return made is not None and time.strftime("%Y%m%d", time.localtime(made / 1000)).startswith(
        date
    )


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
    plans = Plans(repository, with_archived=False)
    shown = [plan for plan in plans.listed if plan.is_open]
    running = localfiles.held(repository, [plan.id for plan in shown])
    waits = _by_hand(repository, [plan.id for plan in plans.listed])
    to_land = [
        plan
        for plan in plans.listed
        if not plan.is_open and (plan.next is not None or plan.id in waits)
    ]
    drifted = _drifted(repository, plans, running)
    lines: list[Line] = []
    failed = [] if shown else _failed_plannings(repository)
    if not shown:
        begin = "" if to_land or failed or drifted else '; begin with: git orch plan "what to do"'
        lines.append((f"no plan is open{begin}",))
        lines += failed
    elif len(shown) == 1:
        now = activity.of_plan(repository, shown[0].id, running)
        whole = plans.whole(shown[0])
        if shown[0].id in drifted:
            whole = drifted.pop(shown[0].id).below(whole)
        lines += headlines.alone(whole, running, now, waits.get(shown[0].id))
    else:
        listed = _most_pressing(shown, {*running, *waits, *drifted})
        width = headlines.width(listed)
        for plan in listed:
            goes_on, work = plan.id in running, waits.get(plan.id)
            lines += headlines.beside_others(plan, running=goes_on, width=width, by_hand=work)
            lines += activity.of_plan(repository, plan.id, running)
            lines += drifted.pop(plan.id).lines() if plan.id in drifted else []
        if len(listed) < len(shown):
            lines.append((f"{len(shown) - len(listed)} more are open: git orch ls --open",))
    lines += _to_land(to_land, plans, waits)
    landed = [*drifted.values()]
    for plan_drifted in landed[-_MOST_TO_LAND:]:
        lines += plan_drifted.alone()
    if len(landed) > _MOST_TO_LAND:
        count = len(landed) - _MOST_TO_LAND
        lines.append((f"{count} more have requirements that drifted: git orch status --json",))
    plans.keep()
    console.out_lines(lines)


def has_landed_requirements(repository: Repository) -> bool:
    """Whether a plan that was put away when it had landed has requirements."""
    return os.path.isdir(os.path.join(repository.state_path, "requirements"))


def _drifted(repository: Repository, plans: Plans, running: Collection[str]) -> dict[str, Drifted]:
    """By plan, those of which requirements drifted. Most repositories never load what reads them."""
    asked = [plan.id for plan in plans.listed if plan.with_requirements]
    if not asked and not has_landed_requirements(repository):
        return {}
    from git_orch.cli import requirements

    asked = [plan for plan in asked if plan not in running]
    return {**requirements.of_plans(repository, asked)}


def _most_pressing(shown: Sequence[Summary], busy: Collection[str]) -> list[Summary]:
    """The plans to tell of, oldest first: the `busy` ones and those that stopped, before those that
    have steps, before ideas; of each the newest.
    """
    pressing = {plan.id for plan in shown if plan.why is not None} | {*busy}
    newest_first = shown[::-1]
    ranked = sorted(newest_first, key=lambda plan: (plan.id not in pressing, plan.steps == 0))
    chosen = {plan.id for plan in ranked[:_MOST_OPEN]}
    return [plan for plan in shown if plan.id in chosen]


def _failed_plannings(repository: Repository) -> list[Line]:
    """A line about plannings that became no plan, were paid for, and can be done again."""
    place = os.path.join(repository.state_path, "plannings")
    if not os.path.isdir(place):  # most repositories do without the module
        return []
    from git_orch.plans import sentences
    from git_orch.repo.local import plannings

    failed = [planning for planning in plannings.paid(repository) if planning.is_there]
    if not failed:
        return []
    usd = sentences.usd(sum(planning.usd() for planning in failed))
    count = sentences.count(len(failed), "planning")
    last = "" if len(failed) == 1 else "the last one: "
    what = f"{count} failed, {usd}: {last}{failed[-1].title}"
    return [(what,), ("next: git orch plan --again  # plans that once more",)]


def _by_hand(repository: Repository, plans: Sequence[str]) -> Mapping[str, ByHand]:
    """By plan, the conflicts and the steps that a person works on."""
    if not activity.may_be_by_hand(repository):
        return {}
    from git_orch.views import by_hand  # which takes longer to import than all else here

    return by_hand.of_plans(repository, plans)


def _lines(shown: Sequence[Summary], running: Collection[str]) -> list[Line]:
    width = headlines.width(shown)
    return [headlines.headline(plan, running=plan.id in running, width=width) for plan in shown]


def _to_land(waiting: Sequence[Summary], plans: Plans, waits: Mapping[str, ByHand]) -> list[Line]:
    """The newest plans that can land, each with its command."""
    left_out = len(waiting) - _MOST_TO_LAND
    newest = waiting[-_MOST_TO_LAND:]
    if len(newest) == 1:
        whole = plans.whole(newest[0])
        newest = [whole.summary._replace(next=whole.next)]
    width = headlines.width(newest)
    lines: list[Line] = []
    for plan in newest:
        work = waits.get(plan.id)
        lines += headlines.beside_others(plan, running=False, width=width, by_hand=work)
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
        from git_orch.cli import reading
        from git_orch.repo.log import catalog

        with reading.open_objects(repository) as database:
            statuses = reading.every_status(repository, database, self)
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


class Plans:
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
        """The lines for a plan alone."""
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
        gone = upstream.gone_base(self._repository, status)
        whole = report.whole(status if merged is None else status._replace(landed=merged), gone)
        if key is not None and (key.branch is not None or status.is_idea):
            base = status.base.ref
            now = refs.value(self._repository, base) if base is not None else None
            key = key._replace(base_ref=base, base=now)
            self._wholes[plan] = Remembered(key, [[*whole.summary], whole.lines, whole.next])
            self._wholes = dict([*self._wholes.items()][-_MOST_WHOLES:])
        return whole
