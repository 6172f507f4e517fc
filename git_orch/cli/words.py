"""Words that several commands take: a plan, one of its steps, or both; and a text."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from git_orch import errors, notices
from git_orch.repo import places
from git_orch.repo.repository import Repository

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")

_STEP = re.compile(r"[0-9]{1,3}")  # a handle of a plan has four characters or more
_STEPS = re.compile(r"[0-9]{1,3}(?:[,-][0-9]{1,3})*")
_MOST_INPUT = 1024**2  # bytes of standard input
_BY_HAND = re.compile(r"(.+?)-(?:manual|conflict|[0-9a-z]+-fix)")


def plan_and_step_arguments(function: F) -> F:
    """The arguments [PLAN] [STEP], to be read by `plan_and_step` or `plan_and_steps`."""
    second = click.argument("step", required=False, metavar="[STEP]")(function)
    return click.argument("plan", required=False, metavar="[PLAN]")(second)


def is_step(word: str) -> bool:
    """Whether a word is the number of a step, where a plan could stand as well."""
    return _STEP.fullmatch(word) is not None


def plan_and_steps(plan: str | None, steps: str | None) -> tuple[str | None, str | None]:
    """The plan and the steps that somebody typed, either of them alone or both; a note says where
    the plan belongs when it comes last.
    """
    if steps is None:
        return (None, plan) if plan is not None and _STEPS.fullmatch(plan) else (plan, None)
    if plan is not None and _STEPS.fullmatch(plan) and not _STEPS.fullmatch(steps):
        command = click.get_current_context().info_name
        notices.tell(f"the plan comes first now: git orch {command} {steps} {plan}")
        return steps, plan
    return plan, steps


def plan_and_step(plan: str | None, step: str | None) -> tuple[str | None, int | None]:
    """The plan and the number of the step that somebody typed, either of them alone or both. Raises
    UsageError.
    """
    plan, step = plan_and_steps(plan, step)
    if step is not None and not step.isdecimal():
        raise errors.UsageError(f"'{step}' is not the number of a step", "git orch status")
    return plan, int(step) if step is not None else None


def required(step: T | None) -> T:
    """The word that somebody typed for a step. Raises UsageError when it is missing."""
    if step is None:
        command = click.get_current_context().info_name
        raise errors.UsageError("no step given", f"git orch {command} -h")
    return step


def standard_input(missing: str, hint: str, decode_errors: str = "replace") -> str:
    """The text of standard input, where a word was left out or is `-`. Raises UsageError for a
    terminal, where the word is `missing`, and for more than 1 MiB.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise errors.UsageError(missing, hint)
    data = sys.stdin.buffer.read(_MOST_INPUT + 1)
    if len(data) > _MOST_INPUT:
        raise errors.UsageError("standard input is larger than 1 MiB", hint)
    return data.decode("utf-8", decode_errors)


def optional_value(option: str, default: str, values: re.Pattern[str]) -> type[click.Command]:
    """A kind of command that takes `option` without one of its `values`, which a plan's name may
    follow, for `default`.
    """

    class Spelled(click.Command):
        def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
            return super().parse_args(ctx, with_default(args, option, default, values))

    return Spelled


def with_default(args: list[str], option: str, default: str, values: re.Pattern[str]) -> list[str]:
    """The arguments, with `default` for an `option` that none of its `values` follows."""
    spelled = []
    for word, after in itertools.zip_longest(args, args[1:], fillvalue=""):
        alone = word == option and not values.fullmatch(after)
        spelled.append(f"{option}={default}" if alone else word)
    return spelled


def naming(plan: str, argv: Sequence[str]) -> str:
    """The command line that somebody typed without a plan, with this one."""
    place = argv.index("--revise") if "--revise" in argv else 0  # whose value is the plan
    return f"git orch {shlex.join([*argv[: place + 1], plan, *argv[place + 1 :]])}"


def plan_here(repository: Repository) -> str | None:
    """The handle of the plan whose worktree for work by hand the user stands in."""
    top = repository.top
    if top is None:
        return None
    place = Path(os.path.realpath(places.place_of(repository, "worktrees")))
    name = _BY_HAND.fullmatch(top.name)
    return name[1] if name is not None and Path(os.path.realpath(top.parent)) == place else None


def plan_in_conflict(repository: Repository) -> str | None:
    """The handle of the one plan that has a conflict to be resolved by a person."""
    from git_orch.repo.worktree import worktrees

    names = [_BY_HAND.fullmatch(path.name) for path in worktrees.listed(repository)]
    plans = [name[1] for name in names if name is not None and name[0].endswith("-conflict")]
    return plans[0] if len(plans) == 1 else None
