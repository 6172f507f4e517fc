"""Steps as people type them: `1,3-5`."""

from __future__ import annotations

import re

from git_orch.errors import UsageError

# Six digits: a plan has at most 1,000 steps.
_PART = re.compile(r"([0-9]{1,6})(?:\s*-\s*([0-9]{1,6}))?", re.ASCII)


def numbers(typed: str, count: int) -> list[int]:
    """Step numbers in `typed`, ascending, no number twice, of `count` steps. Raises UsageError."""
    chosen: set[int] = set()
    for part in typed.split(","):
        first, last = _ends(part.strip(), typed)
        if last < first:
            raise UsageError(f"'{part.strip()}' counts backwards", f"write it as {last}-{first}")
        if first < 1 or last > count:
            raise UsageError(f"there is no step '{last if first else first}'", _hint(count))
        chosen.update(range(first, last + 1))
    return sorted(chosen)


def _ends(part: str, typed: str) -> tuple[int, int]:
    match = _PART.fullmatch(part)
    if match is None:
        raise UsageError(f"'{typed}' does not name steps", "write step numbers such as 2 or 1,3-5")
    return int(match[1]), int(match[2] or match[1])


def _hint(count: int) -> str:
    if count == 0:
        return "the plan has no steps; run 'git orch show' to see it"
    return f"the steps are 1 to {count}; run 'git orch show' to see them"


def run_selection(
    count: int, only: str | None, without: str | None, first: int | None
) -> frozenset[int] | None:
    """The step numbers that a run is about, of `count` steps; None when nothing narrows them.

    `only` and `without` are lists as people type them; `first` is the step to begin with, instead
    of `only`. Raises UsageError.
    """
    if only is None and without is None and first is None:
        return None
    selected = set(numbers(only, count)) if only is not None else set(range(1, count + 1))
    if first is not None:
        if only is not None:
            raise UsageError(
                "--steps and --from-step are two ways to say the same",
                f"write --steps {first}-{count}",
            )
        if not 1 <= first <= count:
            raise UsageError(f"there is no step '{first}'", _hint(count))
        selected = set(range(first, count + 1))
    if without is not None:
        selected -= set(numbers(without, count))
    if not selected:
        raise UsageError("no step is left to run", _hint(count))
    return frozenset(selected)
