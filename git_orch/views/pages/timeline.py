"""When the attempts of a plan ran: a bar for each, on a time that passes quickly where nothing ran."""

from __future__ import annotations

import bisect
import itertools
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from git_orch.plans import ids, sentences
from git_orch.plans.history.status import Attempt, Status, StepStatus
from git_orch.views.pages import parts
from git_orch.views.pictures import markup

_WIDE = 1000.0  # units of a bar
_PAUSE = 24.0  # units of a time in which nothing ran
_LONG_PAUSE = 0.08  # of the time in which something ran
_LEAST = 4.0  # units, so that a short attempt can be seen
_MOST_ATTEMPTS = 500
_LONGEST = 1e9  # seconds
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_TONES = {"landed": "good", "failed": "bad"}

Span = tuple[float, float]


class Scale(NamedTuple):
    """Times in seconds and the units where they stand; in between the time passes evenly. `pauses`
    are the units of the pauses that are cut short, `longest` the seconds of the longest one.
    """

    times: tuple[float, ...]
    places: tuple[float, ...]
    pauses: tuple[Span, ...] = ()
    longest: float = 0.0

    def place(self, moment: float) -> float:
        """Where a time stands."""
        index = min(max(bisect.bisect_right(self.times, moment), 1), len(self.times) - 1)
        begin, end = self.times[index - 1], self.times[index]
        left, right = self.places[index - 1], self.places[index]
        share = (moment - begin) / (end - begin) if end > begin else 0.0
        return left + (right - left) * min(max(share, 0.0), 1.0)


def scale(spans: Iterable[Span]) -> Scale:
    """The scale for times in which something ran: pauses that are long beside them are cut short."""
    busy = _merged(spans)
    ran = sum(end - begin for begin, end in busy)
    gaps = [later[0] - earlier[1] for earlier, later in itertools.pairwise(busy)]
    is_long = [gap > max(ran * _LONG_PAUSE, 1.0) for gap in gaps]
    drawn = ran + sum(gap for gap, long in zip(gaps, is_long, strict=True) if not long)
    pause = min(_PAUSE, _WIDE / 2 / max(sum(is_long), 1))
    unit = (_WIDE - pause * sum(is_long)) / (drawn or 1.0)
    times, places, pauses = [busy[0][0]], [0.0], []
    for number, (begin, end) in enumerate(busy):
        if number:
            left = places[-1]
            places.append(left + (pause if is_long[number - 1] else gaps[number - 1] * unit))
            times.append(begin)
            pauses += [(left, places[-1])] if is_long[number - 1] else []
        times.append(end)
        places.append(places[-1] + (end - begin) * unit)
    longest = max((gap for gap, long in zip(gaps, is_long, strict=True) if long), default=0.0)
    return Scale(tuple(times), tuple(places), tuple(pauses), longest)


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return merged


def span(attempt: Attempt) -> Span:
    """The seconds in which an attempt ran; its event is its end."""
    end = ids.ulid_ms(attempt.event) / 1000
    return max(end - bounded(attempt.seconds), 0.0), end


def bounded(seconds: float) -> float:
    """A time that something took, or 0 where a log says what cannot be."""
    return min(max(0.0, seconds), _LONGEST)


def part(status: Status) -> str:
    """A row for each step that was tried, below each other on the same time."""
    attempts = status.attempts[-_MOST_ATTEMPTS:]
    if not attempts:
        return parts.paragraph("No step has run yet.")
    whole = scale(map(span, attempts))
    rows = [_row(step, own, whole) for step in status.steps if (own := _of(step, attempts))]
    ends = "".join(
        markup.element("span", {}, markup.text(_moment(moment)))
        for moment in (whole.times[0], whole.times[-1])
    )
    shown = markup.element("ul", {"class": "time"}, "\n".join(rows))
    remarks = _remarks(whole, len(status.attempts) - len(attempts))
    return f"{shown}\n{markup.element('div', {'class': 'ends'}, ends)}{remarks}"


def _remarks(whole: Scale, left_out: int) -> str:
    remarks = []
    if whole.pauses:
        pauses = sentences.count(len(whole.pauses), "pause")
        longest = elapsed(whole.longest)
        verb = sentences.verb(len(whole.pauses), "is", "are")
        remarks.append(
            f"{pauses} in which no step ran {verb} cut short; the longest took {longest}."
        )
    if left_out:
        remarks.append(f"{sentences.count(left_out, 'earlier attempt')} left out.")
    return parts.paragraph(" ".join(remarks), "dim") if remarks else ""


def _of(step: StepStatus, attempts: Sequence[Attempt]) -> list[Attempt]:
    return [attempt for attempt in attempts if attempt.step == step.id]


def _row(step: StepStatus, attempts: Sequence[Attempt], whole: Scale) -> str:
    tries = f"{len(attempts)} attempts, " if len(attempts) > 1 else ""
    took = elapsed(sum(bounded(attempt.seconds) for attempt in attempts))
    link = markup.element(
        "a", {"href": f"#step-{step.number}"}, markup.text(f"{step.number} {step.title}")
    )
    said = "; ".join(_said(attempt) for attempt in attempts)
    bars = [_bar(attempt, whole) for attempt in attempts]
    bars += [
        markup.element("rect", {"class": "pause", "x": left, "y": 0.0, "width": right - left,
                                "height": 12.0})
        for left, right in whole.pauses
    ]  # fmt: skip
    about: dict[str, str | float] = {
        "viewBox": f"0 0 {_WIDE:g} 12", "preserveAspectRatio": "none", "role": "img",
        "aria-label": said,
    }  # fmt: skip
    label = f'{link} <span class="dim">{markup.text(tries + took)}</span>'
    return markup.element("li", {}, label + markup.element("svg", about, "".join(bars)))


def _bar(attempt: Attempt, whole: Scale) -> str:
    begin, end = span(attempt)
    left = min(whole.place(begin), _WIDE - _LEAST)
    size: dict[str, str | float] = {
        "class": f"bar {tone(attempt)}", "x": round(left, 1), "y": 1.0,
        "width": round(max(whole.place(end) - left, _LEAST), 1), "height": 10.0,
    }  # fmt: skip
    return markup.element("rect", size, markup.element("title", {}, markup.text(_said(attempt))))


def tone(attempt: Attempt) -> str:
    """The tone of an attempt's end: one that did not fail was stopped, or asks."""
    return _TONES.get(attempt.outcome, "open")


def _said(attempt: Attempt) -> str:
    return f"from {_moment(span(attempt)[0])} for {elapsed(attempt.seconds)}: {attempt.outcome}"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def elapsed(seconds: float) -> str:
    """A time that something took, in its two largest units: `0.4 s`, `12 s`, `3 min 5 s`."""
    left = bounded(seconds)
    if left < 10:
        return f"{left:.1f} s"
    whole = round(left)
    pairs = (pair for pair in itertools.pairwise(_UNITS) if whole >= pair[0][1])
    larger, smaller = next(pairs, _UNITS[-2:])
    number, rest = divmod(whole, larger[1])
    more = rest // smaller[1]
    shown = [(number, larger[0]), (more, smaller[0])]
    return " ".join(f"{count} {unit}" for count, unit in shown if count)
