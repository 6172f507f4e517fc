"""Requirements of a plan: the names that they have, the checks that prove them, and the paths that
they watch.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from git_orch.plans import paths

if TYPE_CHECKING:
    from git_orch.plans.plan import Check, Plan, Requirement, Step

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
MOST = 200  # requirements of a plan
MOST_NAMES = 50  # checks of a requirement, its patterns, and requirements of a step
LONGEST_PATTERN = 200  # characters

_EVERY_DIRECTORY = "**"
_WILD = re.compile(r"[*?\[]")


def steps_of(plan: Plan, requirement: Requirement) -> tuple[Step, ...]:
    """The steps that name a requirement; where none does, those that have its checks."""
    naming = tuple(step for step in plan.steps if requirement.id in step.requirements)
    if naming:
        return naming
    commands = set(requirement.checks)
    return tuple(
        step
        for step in plan.steps
        if any(check.command.text() in commands for check in step.checks)
    )


def checks_of(plan: Plan, requirement: Requirement) -> tuple[Check, ...]:
    """The checks that prove a requirement: those it names, else all of the steps that name it.

    What the last step that has a command expects of it counts: a test may have to fail until a
    later step makes it pass.
    """
    if requirement.checks:
        last = {check.command.text(): check for step in plan.steps for check in step.checks}
        named = (last.get(command) for command in requirement.checks)
        return tuple(dict.fromkeys(check for check in named if check is not None))
    by_command = {
        check.command: check for step in steps_of(plan, requirement) for check in step.checks
    }
    return tuple(by_command.values())


def pattern_problem(pattern: str) -> str | None:
    """Why a text cannot be a pattern of watched paths; None where it can."""
    if len(pattern) > LONGEST_PATTERN:
        return f"is longer than {LONGEST_PATTERN} characters"
    problem = paths.problem(pattern.rstrip("/") or pattern)
    return None if problem is None else paths.EXPLANATIONS[problem]


def is_watched(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns covers a path.

    `*`, `?` and `[...]` stand for characters of one name, a name `**` for any number of
    directories. A pattern that ends in a plain name covers all that is below it, too.
    """
    names = paths.parts(path)
    return any(_covers(paths.parts(pattern), names) for pattern in patterns)


def may_be_below(directory: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns may cover a path in that directory, "" for the top."""
    names = paths.parts(directory)
    return any(_reaches(paths.parts(pattern), names) for pattern in patterns)


def literally(path: str) -> str:
    """The pattern for a path whose characters stand for themselves."""
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


def _reaches(pattern: Sequence[str], names: Sequence[str]) -> bool:
    for part, name in zip(pattern, names, strict=False):
        if part == _EVERY_DIRECTORY:
            return True
        if not fnmatch.fnmatchcase(name, part):
            return False
    return len(pattern) > len(names) or not _WILD.search(pattern[-1])


def _covers(pattern: Sequence[str], names: Sequence[str]) -> bool:
    """Compare name by name, and at the end of a wrong way go back to the last `**` alone: no
    pattern takes longer than its names times those of the path.
    """
    covers_below = bool(pattern) and not _WILD.search(pattern[-1])
    at = here = 0
    again: tuple[int, int] | None = None
    while True:
        if at == len(pattern) and (here == len(names) or (covers_below and at > 0)):
            return True
        if at < len(pattern) and pattern[at] == _EVERY_DIRECTORY:
            at += 1
            again = (at, here)
            if at == len(pattern):
                return here < len(names)
        elif (
            at < len(pattern)
            and here < len(names)
            and fnmatch.fnmatchcase(names[here], pattern[at])
        ):
            at, here = at + 1, here + 1
        elif again is not None and again[1] < len(names):
            again = (again[0], again[1] + 1)
            at, here = again
        else:
            return False
