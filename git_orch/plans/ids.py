"""Names that sort by time: ULIDs for events, PLAN-YYYYMMDD-XXXXXXXXXX-slug for plans, s1, s2 ...
for steps; and the form of git's own IDs.

Nothing here reads a clock or a source of randomness: both are arguments.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_RANDOM_BITS = 80
_STEP_BITS = 64  # 65,000 such steps are a millisecond
_PLAN_RANDOM_BITS = 23
_SLUG_LENGTH = 24

PLAN_ID = re.compile(r"PLAN-(\d{8})-([0-9A-HJKMNP-TV-Z]{10})-([a-z0-9]+(?:-[a-z0-9]+)*)")
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
STEP_ID = re.compile(r"s[1-9][0-9]{0,5}")
COMMIT_ID = re.compile(r"(?!0+$)(?:[0-9a-f]{40}|[0-9a-f]{64})")  # all zeros are no commit

DAY_MS = 24 * 3600 * 1000
# The end of the year 9999. No clock says more, and the last ID of all has none after it.
LATEST_MS = 253_402_300_799_999


def _crockford(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))


def _from_crockford(text: str) -> int:
    number = 0
    for letter in text:
        number = number * 32 + _CROCKFORD.index(letter)
    return number


def ulid(now_ms: int, random_bits: int) -> str:
    """26 characters that sort by `now_ms` (milliseconds since 1970), then by 80 random bits."""
    return _crockford((now_ms << _ULID_RANDOM_BITS) | (random_bits % (1 << _ULID_RANDOM_BITS)), 26)


def ulid_ms(identifier: str) -> int:
    """Milliseconds since 1970 in a ULID."""
    return _from_crockford(identifier) >> _ULID_RANDOM_BITS


def ulid_after(greatest: str | None, now_ms: int, random_bits: int) -> str:
    """A new ULID, greater than `greatest`, so that no clock, however far it lags, sorts an answer
    before its question.

    Where the clock does not make it greater, a random step does: of two writers that know the same
    `greatest` each gets an ID of its own.
    """
    fresh = ulid(now_ms, random_bits)
    if greatest is None or fresh > greatest:
        return fresh
    return _crockford(_from_crockford(greatest) + 1 + random_bits % (1 << _STEP_BITS), 26)


def plan_id(title: str, now_ms: int, random_bits: int, previous: str | None = None) -> str:
    """A new plan ID; ten characters hold 27 bits of the day's millisecond and 23 random bits.

    It is greater than `previous`, the process's last plan ID, even within one millisecond.
    """
    import datetime  # costs milliseconds that commands which make no plan need not pay

    day, millisecond = divmod(now_ms, DAY_MS)
    date = datetime.date.fromordinal(datetime.date(1970, 1, 1).toordinal() + day).strftime("%Y%m%d")
    number = (millisecond << _PLAN_RANDOM_BITS) | (random_bits % (1 << _PLAN_RANDOM_BITS))
    if previous is not None:
        before = PLAN_ID.fullmatch(previous)
        if before is not None and before[1] >= date:  # a later day: the clock was set back
            number = max(number if before[1] == date else 0, _from_crockford(before[2]) + 1)
            date = before[1]
    return f"PLAN-{date}-{_crockford(number, 10)}-{slug(title)}"


def plan_ms(identifier: str) -> int | None:
    """Milliseconds since 1970 in a plan ID; None where it names no day."""
    import calendar

    parts = PLAN_ID.fullmatch(identifier)
    if parts is None:
        return None
    year, month, day = int(parts[1][:4]), int(parts[1][4:6]), int(parts[1][6:])
    try:
        midnight = calendar.timegm((year, month, day, 0, 0, 0)) * 1000
    except ValueError:
        return None
    return midnight + (_from_crockford(parts[2]) >> _PLAN_RANDOM_BITS)


def is_without_slug(typed: str) -> bool:
    """Whether this is the part of a plan ID that is one plan's alone."""
    return PLAN_ID.fullmatch(f"{typed}-x") is not None


def slug(title: str) -> str:
    """ASCII words of `title` with hyphens between them, at most 24 characters, cut between words;
    'plan' when the title has none.
    """
    if not title.isascii():
        import anyascii  # only for titles that need it: most do not

        title = anyascii.anyascii(title)
    words: list[str] = re.findall(r"[a-z0-9]+", title.lower())
    kept: list[str] = []
    for word in words:
        if len("-".join([*kept, word])) > _SLUG_LENGTH:
            break
        kept.append(word)
    if not kept and words:
        return words[0][:_SLUG_LENGTH]
    return "-".join(kept) or "plan"


_LEAST = 4  # characters of a handle; fewer say little to a reader


class Handles:
    """The handles of plans, by which commands find them: of each the shortest beginning of the ten
    characters of its ID that no other of these plans has.
    """

    def __init__(self, plans: Iterable[str] = ()) -> None:
        self._plans = set(plans)
        self._numbers: list[str] = []  # sorted, as far as somebody asked

    def add(self, plans: Iterable[str]) -> None:
        """More plans among which a handle has to be unique."""
        self._plans.update(plans)

    def of(self, plan: str) -> str:
        """The handle of a plan; of one that is not among these, the ID without its slug."""
        if plan not in self._plans:
            return without_slug(plan)
        if len(self._numbers) != len(self._plans):
            self._numbers = sorted(map(_number, self._plans))
        number, numbers = _number(plan), self._numbers
        place = bisect.bisect_left(numbers, number)
        beside = (*numbers[max(place - 1, 0) : place], *numbers[place + 1 : place + 2])
        for handle in _handles(number):
            if not any(other.startswith(handle) for other in beside):
                return handle
        return plan


def without_slug(plan: str) -> str:
    """The part of a plan ID that is always the same and one plan's alone."""
    return "-".join(plan.split("-")[:3])


_seen = Handles()


def see(plans: Iterable[str]) -> None:
    """Remember plans that this process has seen."""
    _seen.add(plans)


def short(plan: str) -> str:
    """The handle of a plan among all that this process has seen."""
    return _seen.of(plan)


def _number(plan: str) -> str:
    named = PLAN_ID.fullmatch(plan)
    return named[2] if named is not None else ""


def _handles(number: str) -> Iterator[str]:
    """What may be the handle of a plan with these ten characters, the shortest first: digits alone
    could be a date.
    """
    for length in range(_LEAST, len(number) + 1):
        if not number[:length].isdigit():
            yield number[:length]


def matches(typed: str, plans: Iterable[str]) -> list[str]:
    """Plans that `typed` may mean: the exact one, else those that begin with it, else those whose
    handle it may be, else those with it in their slug.

    Letter case does not matter. People may also type 'orch/' before it, and 'SPEC-' for 'PLAN-'.
    """
    name = typed.strip().casefold().removeprefix("refs/heads/").removeprefix("orch/")
    if name.startswith("spec-"):
        name = "plan-" + name.removeprefix("spec-")
    ordered = sorted(plans)
    exact = [plan for plan in ordered if plan.casefold() == name]
    if exact or not name:
        return exact
    prefixed = [plan for plan in ordered if plan.casefold().startswith((name, "plan-" + name))]
    prefixed = prefixed or [plan for plan in ordered if name.upper() in _handles(_number(plan))]
    prefixed = prefixed or _with_old_id(name, ordered)
    if prefixed:
        return prefixed
    return [plan for plan in ordered if name in plan.casefold().partition("-")[2]]


_OLD_NUMBER = re.compile(r"([tp])-([0-9]{1,9})")
_WITH_NUMBER = re.compile(r"PLAN-\d{8}-[0-9A-Z]{10}-([tp])-(\d{3,9})(?=-|$)", re.ASCII)
_OLD_ID = re.compile(r"plan-(\d{8})-([0-9a-z]{6})-(.+)", re.ASCII)
_OLD_SPEC = re.compile(r"spec-\d{8}-[0-9a-z]{6}(?:-.*)?", re.ASCII | re.IGNORECASE)


def is_old_spec(typed: str) -> bool:
    """Whether somebody typed the ID of a spec as orchestrator-toolkit 2 has it."""
    return _OLD_SPEC.fullmatch(typed.strip()) is not None


def old_number(plan: str) -> str | None:
    """The number that a plan had in orchestrator-toolkit 1, such as T-0001: its slug begins so."""
    match = _WITH_NUMBER.match(plan)
    return f"{match[1].upper()}-{match[2]}" if match is not None else None


def _with_old_id(name: str, plans: Sequence[str]) -> list[str]:
    """The plans imported with an ID such as T-0001 (also T-1) or PLAN-20251014-01K7A2-search."""
    number = _OLD_NUMBER.fullmatch(name)
    if number is not None:
        numbered = [(plan, match) for plan in plans if (match := _WITH_NUMBER.match(plan))]
        same = [plan for plan, match in numbered if match[1] + match[2] == number[1] + number[2]]
        return same or [
            plan
            for plan, match in numbered
            if match[1] == number[1] and int(match[2]) == int(number[2])
        ]
    old = _OLD_ID.fullmatch(name)
    if old is None:
        return []
    begin = f"PLAN-{old[1]}-{old[2].upper()}"
    return [
        plan for plan in plans if plan.startswith(begin) and plan[len(begin) + 4 :] == f"-{old[3]}"
    ]


_LIKE = re.compile(r"(?:plan|spec)-\S*", re.IGNORECASE)


def looks_like_one(typed: str) -> bool:
    """Whether somebody who typed this meant an ID, and no title."""
    return _LIKE.fullmatch(typed.strip()) is not None


def names_spec(typed: str | None) -> bool:
    """Whether somebody typed the ID of a spec, or its beginning."""
    return (typed or "").strip().casefold().startswith("spec-")


def next_step_id(taken: Iterable[str]) -> str:
    """The step ID after the greatest one in `taken`, all that a plan ever used: no ID means two
    steps.
    """
    greatest = max((int(step[1:]) for step in taken if STEP_ID.fullmatch(step)), default=0)
    return f"s{greatest + 1}"
