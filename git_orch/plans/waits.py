"""What a step of kind `wait` waits for, and what the `gh` program says of a commit."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from git_orch.plans import one_line, sentences

What = Literal["command", "time", "file", "person", "ci", "pull_request"]
WHATS: tuple[What, ...] = get_args(What)

EVERY = 30  # seconds between two looks
SHORTEST, LONGEST = 1, 3600  # seconds
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
_PASSED = frozenset(("success", "neutral", "skipped"))
_OVER = "completed"


class Wait(NamedTuple):
    """The event that a step waits for. `value` is a command line, a time, a path, or words for a
    person; git-orch looks `every` so many seconds.
    """

    what: What
    value: str = ""
    every: int = EVERY

    def text(self) -> str:
        """What it waits for, in words."""
        if self.what == "ci":
            return "the CI runs of its commit"
        if self.what == "pull_request":
            return "the pull request of its commit"
        if self.what == "person":
            return f"a person: {self.value}" if self.value else "a person"
        return f"the {self.what} {sentences.command(self.value)}"


class Look(NamedTuple):
    """What a look gave: the wait is over (True), it goes on (None), or it can never pass (False)."""

    passed: bool | None
    words: str


def problem(wait: Wait) -> str | None:
    """Why a step cannot wait for it; None where it can."""
    if wait.what == "time" and seconds_of(wait.value) is None:
        return "is no time with its zone, such as 2027-01-31T08:00Z"
    if wait.what == "file" and not wait.value.strip():
        return "names no file"
    return "holds a NUL character" if "\0" in wait.value else None


def seconds_of(text: str) -> float | None:
    """The seconds since 1970 of a time in ISO 8601 with its zone; None for another text."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime.datetime(
            year, month, day, hour, minute, second, tzinfo=datetime.UTC
        ).timestamp()
    except ValueError:
        return None
    return moment - _offset(match[7])


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


# -- what gh says ----------------------------------------------------------------------------------


def ci(text: str) -> Look:
    """The verdict of `gh run list --json name,status,conclusion`."""
    listed = _objects(_value(text))
    if listed is None:
        return Look(None, "gh gave no list of runs")
    return _verdict([(_word(one, "name"), _state(one)) for one in listed], "CI run")


def pull_request(text: str, commit: str) -> Look:
    """The verdict of `gh pr list --json number,state,headRefOid,statusCheckRollup` on a commit."""
    listed = _objects(_value(text))
    if listed is None:
        return Look(None, "gh gave no list of pull requests")
    mine = [one for one in listed if _word(one, "headRefOid") == commit]
    if not mine:
        return Look(None, "there is no pull request of its commit yet")
    request = mine[0]
    name = f"pull request {_word(request, 'number')}"
    state = _word(request, "state").lower()
    if state == "merged":
        return Look(True, f"{name} is merged")
    if state == "closed":
        return Look(False, f"{name} is closed")
    checks = _objects(request.get("statusCheckRollup")) or []
    return _verdict([(_check_name(one), _state(one)) for one in checks], f"check of {name}")


def _verdict(states: Sequence[tuple[str, str]], noun: str) -> Look:
    """One failure is enough for no; all have to be over for yes."""
    bad = [(name, state) for name, state in states if state not in (*_PASSED, "")]
    if bad:
        return Look(False, f"the {noun} '{bad[0][0]}' ended with {bad[0][1]}")
    if not states:
        return Look(None, f"there is no {noun} yet")
    left = sum(not state for _, state in states)
    if left:
        return Look(None, f"{left} of {sentences.count(len(states), noun)} not over")
    return Look(True, f"{sentences.count(len(states), noun)} passed")


def _state(one: Mapping[str, object]) -> str:
    """The conclusion of a run, a check or a status; "" while it is not over."""
    status = _word(one, "status").lower()
    conclusion = _word(one, "conclusion").lower()
    if status:
        return conclusion or "no conclusion" if status == _OVER else ""
    state = _word(one, "state").lower()
    return "" if state in ("pending", "expected", "") else state


def _check_name(one: Mapping[str, object]) -> str:
    return _word(one, "name") or _word(one, "context")


def _word(one: Mapping[str, object], key: str) -> str:
    value = one.get(key)
    is_word = isinstance(value, str | int) and not isinstance(value, bool)
    return one_line.of(str(value)) if is_word else ""


def _value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _objects(value: object) -> list[Mapping[str, object]] | None:
    if not isinstance(value, list):
        return None
    return [one for one in value if isinstance(one, dict)]
