"""The live lines of a run, as wide as a terminal is; the one module that imports rich for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from git_orch.plans import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_orch.views.course import Head, Row

_WAITING = 3  # steps that are shown before they begin
_BAR = 20  # columns
_NARROW = 60  # columns; on fewer there is no bar


def lines(head: Head | None, rows: Sequence[Row], columns: int, most: int) -> list[Text]:
    """At most so many lines for what goes on, and what comes next."""
    shown: list[Text] = [_head(head, columns)] if head is not None else []
    going = [row for row in rows if row.seconds is not None]
    waiting = [row for row in rows if row.seconds is None]
    fitting = going[: max((most - len(shown) - 1) // 2, 0)]
    for row in fitting:
        shown.append(_step(row, columns))
        if row.line:
            shown.append(Text(f"    {row.line}", "dim"))
    left_out = len(going) - len(fitting)
    if left_out and len(shown) < most:
        shown.append(Text(f"  and {sentences.count(left_out, 'more step')}", "dim"))
    for row in waiting[:_WAITING]:
        if len(shown) < most - 1:
            shown.append(Text(f"  {row.number} {row.title}  {row.state}", "dim"))
    if len(waiting) > _WAITING and len(shown) < most:
        shown.append(Text(f"  and {len(waiting) - _WAITING} more wait", "dim"))
    return shown[:most]


def duration(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _head(head: Head, columns: int) -> Text:
    parts = [f"{head.done} of {sentences.count(head.steps, 'step')} done", duration(head.seconds)]
    if head.usd:
        of = f" of {sentences.usd(head.limit)}" if head.limit else ""
        parts.append(f"{sentences.usd(head.usd)}{of}")
    if head.left is not None and head.left >= 1:
        parts.append(f"about {duration(head.left)} left")
    text = Text(", ".join(parts), "bold")
    if columns < _NARROW:
        return text
    full = _BAR * head.done // head.steps
    return Text.assemble(("━" * full, "green"), ("─" * (_BAR - full), "dim"), " ", text)


def _step(row: Row, columns: int) -> Text:
    """A step on one line: what it costs stands at the right, as far as there is room."""
    name = f"{row.number} {row.title}" if row.number is not None else row.title
    figures = [duration(row.seconds or 0.0)]
    if row.tokens:
        figures.append(f"{row.tokens:,} tokens")
    if row.usd:
        figures.append(sentences.usd(row.usd))
    right = Text("  " + "  ".join(_fitting(figures, columns)))
    left = Text.assemble("  ", (name, "bold"), *(["  ", row.state] if row.state else []))
    left.truncate(max(columns - right.cell_len, 1), overflow="ellipsis", pad=True)
    return left + right


def _fitting(figures: list[str], columns: int) -> Iterable[str]:
    """The figures that leave half of the line to the step; the time always does."""
    while len(figures) > 1 and len("  ".join(figures)) > columns // 2:
        figures.pop()
    return figures
