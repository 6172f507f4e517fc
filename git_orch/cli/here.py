"""The beginning of most commands: the repository, its objects, the plan that the user means."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.types import FloatParamType

from git_orch import errors
from git_orch.cli import json_flag, words
from git_orch.plans import durations, ids
from git_orch.repo.repository import Repository, around
from git_orch.views import answer, console

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.plans.document import Document
    from git_orch.plans.file.findings import Finding
    from git_orch.plans.history.status import Status
    from git_orch.repo.settings import Settings
    from git_orch.views.headlines import ByHand

_STYLES = {"error": "red", "warning": "yellow", "note": "dim"}  # the worst first

F = TypeVar("F", bound=Callable[..., object])


class Amount(FloatParamType):
    """A number from 0 to `most`, of dollars or seconds."""

    name = "number"

    def __init__(self, most: float) -> None:
        self._most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            amount = float(value)
        except ValueError:
            self.fail(f"'{value}' is not a number", param, ctx)
        if not 0 <= amount <= self._most:  # what is not a number is in no range
            self.fail(f"{value} is not between 0 and {self._most:,.0f}", param, ctx)
        return amount


_USD = Amount(1e9)


def plan_argument(function: F) -> F:
    """The optional PLAN argument."""
    return click.argument("plan", required=False, metavar="[PLAN]")(function)


def json_option(function: F) -> F:
    """The --json flag, for a command that gives data of its own; all others have it from the table."""
    return click.option("--json", "as_json", **json_flag.SETTINGS)(function)


def quiet_option(function: F) -> F:
    """The --quiet option: no progress."""
    text = "Print no progress; notes, failures and the result stay."
    return click.option("-q", "--quiet", is_flag=True, help=text)(function)


def progress_option(function: F) -> F:
    """The --progress and --no-progress options; neither: live lines on a terminal, nothing of each
    moment elsewhere.
    """
    text = "Print what goes on as plain lines where no terminal shows it; --no-progress is --quiet."
    return click.option("--progress/--no-progress", default=None, help=text)(function)


def since_option(text: str) -> Callable[[F], F]:
    """The --since option: an event, or the beginning where none is named."""
    return click.option("--since", callback=_event, metavar="[EVENT]", help=text)


def _event(_context: click.Context, _option: click.Parameter, event: str | None) -> str | None:
    if event is not None and ids.ULID.fullmatch(event) is None:
        raise errors.UsageError(f"'{event}' is not the ID of an event", "git orch log --json")
    return event


SINCE = words.optional_value("--since", "0" * 26, ids.ULID)


def budget_option(function: F) -> F:
    """The --max-usd option: what a plan may cost, all its runs together."""
    text = "Limit for the whole cost of the plan in USD; 0 is no limit (orch.maxUsd)."
    return click.option("--max-usd", "--max-cost", type=_USD, metavar="N", help=text)(function)


def message_option(text: str) -> Callable[[F], F]:
    """The -m option: paragraphs of a person for a model, as `remarks`."""
    names = ("-m", "--message", "remarks")
    return click.option(*names, multiple=True, metavar="TEXT", help=text)


class Span(FloatParamType):
    """A span of time such as 90m, in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        span = durations.seconds(value) if isinstance(value, str) else None
        if span is None or span > durations.LONGEST_WAIT:
            self.fail(f"'{value}' is not a time such as 90m or 6h, at most 7d", param, ctx)
        return span


def wait_limits_option(function: F) -> F:
    """The --wait-limits option, whose time `words.with_default` puts where none is typed."""
    text = "Wait for limits of the provider that reset, 6h at most or TIME (orch.waitLimits)."
    return click.option("--wait-limits", type=Span(), metavar="[TIME]", help=text)(function)


def timeout_option(text: str, default: float | None = None) -> Callable[[F], F]:
    """The --timeout option, in seconds."""
    return click.option("--timeout", type=Amount(1e7), default=default, metavar="S", help=text)


def planning_budget_option(function: F) -> F:
    """The --max-usd option of planning."""
    text = "Limit for the cost of planning in USD; 0 is no limit (orch.maxUsd)."
    return click.option("--max-usd", "--max-cost", type=_USD, metavar="N", help=text)(function)


def step_budget_option(function: F) -> F:
    """The --max-step-usd option: what a step may cost, all its attempts together."""
    text = "Limit for the cost of each step in USD; 0 is no limit (orch.maxStepUsd)."
    return click.option("--max-step-usd", type=_USD, metavar="N", help=text)(function)


def with_setting(variables: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """The variables that add a setting to those of `variables`, as `git -c` would."""
    number = variables.get("GIT_CONFIG_COUNT", "0")
    place = int(number) if number.isdecimal() else 0
    return {
        "GIT_CONFIG_COUNT": str(place + 1),
        f"GIT_CONFIG_KEY_{place}": name,
        f"GIT_CONFIG_VALUE_{place}": value,
    }


def _set_price(ctx: click.Context, _option: click.Parameter, usd: float | None) -> None:
    """Set orch.priceUnknown for this command and all that it starts."""
    if usd is None:
        return
    typed = with_setting(os.environ, "orch.priceUnknown", f"{usd:f}")
    before = {name: os.environ.get(name) for name in typed}
    os.environ.update(typed)
    ctx.call_on_close(lambda: _restore(before))


def _restore(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def price_unknown_option(function: F) -> F:
    """The --price-unknown option: the setting orch.priceUnknown for one command."""
    return click.option(
        "--price-unknown",
        type=_USD,
        metavar="USD",
        is_eager=True,
        expose_value=False,
        callback=_set_price,
        help="Price of a model that no table has, per million tokens (orch.priceUnknown).",
    )(function)


def agent_option(function: F) -> F:
    """The --agent option: who does agent steps that name nobody."""
    return click.option(
        "--agent",
        metavar="AGENT",
        help="The agent program for steps that name none (orch.agent); git-orch for its own.",
    )(function)


def agent(typed: str | None, chosen: Settings) -> str:
    """The choice of the agent for steps that name none. Raises UsageError."""
    from git_orch.plans import agents

    choice = typed or chosen.agent
    try:
        program = agents.program(choice)
    except ValueError as unfit:
        raise errors.UsageError(f"'{choice}' is no agent: {unfit}", "git orch exec -h") from unfit
    return "" if program is None else choice


def find_repository() -> Repository:
    """The repository around the current directory. Raises UnfitRepository."""
    return around()


def print_findings(listed: Iterable[Finding]) -> None:
    """Findings about a plan, each with its remedy; errors first, notes last."""
    asked = answer.current()
    for finding in sorted(listed, key=lambda finding: list(_STYLES).index(finding.level)):
        if asked is not None:
            asked.diagnose(finding.level, finding.code, finding.text(), finding.fix)
            continue
        console.out(
            console.Styled(finding.level, _STYLES[finding.level]),
            f": {finding.text()} [{finding.code}]",
        )
        console.out(f"  fix: {finding.fix}")


@contextlib.contextmanager
def open_plan(
    handle: str | None,
    *,
    put_away: bool = False,
    idea: bool = False,
    quiet: bool = False,
    progress: bool | None = None,
) -> Iterator[OpenPlan]:
    """Open the plan that `handle` names, for this command alone; the terminal shows its reports,
    unless it is to be `quiet`; `progress` as for `watching.watch`.

    `put_away` is for commands that also work on a plan on its way into the archive, `idea` for those
    that work on one without steps. Raises NotFound, Busy and Refused.
    """
    from git_orch.cli import reading
    from git_orch.flow.branch import opening
    from git_orch.repo import refs
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.views import watching

    repository = find_repository()
    place = PlanPlace(repository, reading.plan_id(repository, handle))
    with (
        watching.watch(quiet=quiet, progress=progress) as reporter,
        opening.open_for_writing(place, reporter, put_away=put_away, idea=idea) as opened,
    ):
        yield opened
        asked = answer.current()
        if asked is not None and refs.value(repository, opened.place.log) is not None:
            asked.offer(lambda: plan_document(repository, opened.status(), running=False))


@contextlib.contextmanager
def open_landed(handle: str | None) -> Iterator[OpenPlan]:
    """Open the plan that `handle` names to run its checks, also where it was put away after it had
    landed. Raises NotFound, Busy and Refused.
    """
    from git_orch.cli import reading

    put_away = reading.landed_and_archived(handle) if handle is not None else None
    if put_away is None:
        with open_plan(handle) as opened:
            yield opened
        return
    from git_orch.flow.branch import opening
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.views.progress import ConsoleReporter

    place = PlanPlace(find_repository(), put_away.id)
    with opening.open_put_away(place, ConsoleReporter(), put_away.log) as opened:
        yield opened


def open_beside_runs(
    stack: contextlib.ExitStack, handle: str | None, *, idea: bool = False
) -> tuple[OpenPlan, bool]:
    """Open a plan to add events that move no ref, and whether a run of it goes on, which they do not
    disturb. Raises NotFound, Busy and Refused.
    """
    from git_orch.cli import reading
    from git_orch.flow.branch import opening
    from git_orch.repo import localfiles
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.views.progress import ConsoleReporter

    try:
        return stack.enter_context(open_plan(handle, idea=idea)), False
    except errors.Busy:
        repository = find_repository()
        place = PlanPlace(repository, reading.plan_id(repository, handle))
        if not localfiles.is_held(place):
            raise
        beside = opening.open_beside_a_run(place, ConsoleReporter())
        return stack.enter_context(beside), True


def print_json(value: object, *following: str) -> None:
    """Give the data of a command, and the commands that lead on: as a part of the answer to a
    program, else printed as it is.
    """
    asked = answer.current()
    if asked is None:
        console.out(answer.text(value))
    else:
        asked.give(value, following)


def give(data: object) -> None:
    """Give the data of a command to a program; a person reads what else it prints."""
    asked = answer.current()
    if asked is not None:
        asked.give(data)


def plan_document(repository: Repository, status: Status, *, running: bool) -> Document:
    """A plan as `git orch show --json` gives it, with the worktrees in which a person works."""
    from git_orch.repo.worktree import worktrees
    from git_orch.views import by_hand, documents, waits

    places: dict[str, str] = {}
    if any(purpose != "exec" for purpose in worktrees.purposes(repository, status.id)):
        from git_orch.flow.attempt import prepare

        places = prepare.places_by_hand(repository, status)
    waiting = waits.document(repository, status.id) if running else None
    work = by_hand.of_plan(repository, status.id)
    verdicts = None
    if status.plan.requirements:
        from git_orch.cli import requirements

        verdicts = requirements.of_status(repository, status)
    waits_for = work.document if work is not None else None
    local = documents.Local(places, waiting, waits_for, verdicts)
    return documents.document(status, running=running, local=local)


def following(status: Status, work: ByHand | None, *, running: bool) -> str:
    """The next command to type, also where a person is at work."""
    from git_orch.views import report

    if work is not None and not running:
        return work.next
    return report.following(status, running=running)


def print_plan(
    repository: Repository,
    status: Status,
    *,
    running: bool = False,
    more: Mapping[str, object] | None = None,
    ways: Sequence[str] = (),
) -> None:
    """Give a plan as data, with `more` keys, and the commands that lead on, `ways` if there are
    any.
    """
    from git_orch.views import by_hand

    usual = following(status, by_hand.of_plan(repository, status.id), running=running)
    print_json(
        {**plan_document(repository, status, running=running), **(more or {})},
        *(ways or [usual]),
    )
