"""Plans in a list, one on a line: the lines of `ls`, and those of `status` for a single plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import ids
from git_orch.views.console import Part, Styled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from git_orch.plans.document import Document

Line = tuple[Part, ...]


class Summary(NamedTuple):
    """The facts about a plan for its line in a list.

    `word` is its `state`, as people read it, while nobody runs it; `spent` is `usd` as an amount of
    money; `home` where it went; `next` what to type next for a plan that is open, or complete and has
    not landed. `why` says in one line what failed, or what it asks; `with_requirements` whether the
    plan has requirements, which may drift.
    """

    id: str
    handle: str
    word: str
    done: int
    steps: int
    spent: str
    title: str
    home: str | None
    archived: bool
    is_open: bool
    next: str | None
    state: str
    usd: float
    why: str | None
    with_requirements: bool = False


class Whole(NamedTuple):
    """A single plan as `status` shows it, and the next command while nobody runs it."""

    summary: Summary
    lines: tuple[Line, ...]
    next: str


class ByHand(NamedTuple):
    """The work of a person that waits: its lines below the plan's headline, and the next command.
    `document` tells programs of a conflict.
    """

    lines: tuple[Line, ...]
    next: str
    document: Document | None


_TEXTS = (str, type(None))
_SHAPES = {
    (str, str, str, int, int, str, str, home, bool, bool, following, str, float, why, bool)
    for home in _TEXTS
    for following in _TEXTS
    for why in _TEXTS
}


def width(plans: Iterable[Summary]) -> int:
    """The characters of the longest handle."""
    return max((len(plan.handle) for plan in plans), default=0)


def headline(summary: Summary, *, running: bool, width: int = 0) -> Line:
    """One line: handle, state, done steps of all, cost, title."""
    word = "running" if running else summary.word
    progress = f"{summary.done}/{summary.steps}"
    return (
        Styled(summary.handle.ljust(width), "bold"),
        f"  {word:<12} {progress:>7}  {summary.spent:>8}  ",
        summary.title,
        f"  (was {old})" if (old := ids.old_number(summary.id)) is not None else "",
        f"  ({summary.home})" if summary.home is not None else "",
        "  (archived)" if summary.archived else "",
    )


def document(summary: Summary, *, running: bool) -> dict[str, object]:
    """One object: the plan as `git orch ls --json` gives it."""
    return {
        "id": summary.id,
        "handle": summary.handle,
        "title": summary.title,
        "state": summary.state,
        "word": "running" if running else summary.word,
        "running": running,
        "steps": summary.steps,
        "done": summary.done,
        "usd": summary.usd,
        "archived": summary.archived,
    }


def alone(
    whole: Whole,
    running: Collection[str],
    waits: Collection[Line] = (),
    by_hand: ByHand | None = None,
) -> list[Line]:
    """A plan that no other is shown beside; `running` has it when somebody runs it, `waits` are
    lines about the limit that its run waits for, `by_hand` is what a person works on.
    """
    plan, goes_on = whole.summary.id, whole.summary.id in running
    first = headline(whole.summary, running=goes_on)
    work = by_hand.lines if by_hand is not None else ()
    following = by_hand.next if by_hand is not None else whole.next
    return [first, *waits, *whole.lines, *work, next_line(plan, following, running=goes_on)]


def beside_others(
    summary: Summary, *, running: bool, width: int, by_hand: ByHand | None = None
) -> list[Line]:
    """A plan among several: its headline and, while nobody runs it, why it failed or what it asks,
    the work of a person that waits, and the next command.
    """
    lines = [headline(summary, running=running, width=width)]
    if running:
        return lines
    if summary.why is not None:
        lines.append(("  ", summary.why))
    following = summary.next
    if by_hand is not None:
        lines += by_hand.lines
        following = by_hand.next
    if following is not None:
        lines.append(next_line(summary.id, following, running=False))
    return lines


def next_line(plan: str, following: str, *, running: bool) -> Line:
    """The line with the next command to type."""
    return (f"next: {f'git orch wait {ids.short(plan)}' if running else following}",)


def summary_of(value: object) -> Summary | None:
    """The summary in a JSON value; None where it holds none, or calls the plan by a handle that
    others may have now.
    """
    if not isinstance(value, list) or tuple(map(type, value)) not in _SHAPES:
        return None
    summary = Summary(*value)
    return summary if summary.handle == ids.short(summary.id) else None


def whole_of(value: object) -> Whole | None:
    """The single plan for `status` in a JSON value; None where it holds none."""
    try:
        return _whole(value)
    except (TypeError, ValueError):
        return None


def _whole(value: object) -> Whole:
    """Raises TypeError and ValueError for a value of another form."""
    if not isinstance(value, list):
        raise TypeError
    first, lines, following = value
    summary = summary_of(first)
    if summary is None or not isinstance(lines, list) or not isinstance(following, str):
        raise TypeError
    parts = tuple(tuple(_part(value) for value in line) for line in lines)
    return Whole(summary, parts, following)


def _part(value: object) -> Part:
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or tuple(map(type, value)) != (str, str):
        raise TypeError
    styled = Styled(*value)
    if not styled.is_known():
        raise ValueError
    return styled
