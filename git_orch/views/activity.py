"""The attempts that run right now, a few lines each."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from git_orch.plans import ids, sentences
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import waits
from git_orch.views.console import Styled, indented

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_orch.repo.local.live import Now
    from git_orch.repo.local.phases import RunPhase
    from git_orch.repo.repository import Repository
    from git_orch.views.headlines import Line


def may_be_by_hand(repository: Repository) -> bool:
    """Whether there is a worktree in which a person may work, as far as names say."""
    try:
        names = os.listdir(os.path.join(repository.directories.common_dir, "worktrees"))
    except OSError:
        return False
    return any(part in name for name in names for part in ("-conflict", "-fix", "-manual"))


def of_plan(repository: Repository, plan: str, running: Collection[str]) -> list[Line]:
    """The lines below the headline of a plan: what its run waits for, and its attempts.

    There are none when the plan is not among those that run.
    """
    if plan not in running:
        return []
    from git_orch.repo.local import live, phases, runs

    place = PlanPlace(repository, plan)
    shown = waits.lines(repository, plan, running)
    for now in live.attempts_now(place):
        shown += lines(now)
    run = runs.last(place)
    if run is None or not run.goes_on():
        return shown
    phase = phases.run_now(place)
    if phase.name != phases.BETWEEN or not shown:
        shown.append(run_line(phase))
    return shown


def run_line(phase: RunPhase) -> Line:
    """What a run does for none of its steps."""
    elapsed = f", for {max(time.time() - phase.since, 0):.0f} s" if phase.since else ""
    return (Styled("now      ", "bold"), f"{phase.name}{elapsed}")


def lines(now: Now, name: str | None = None) -> list[Line]:
    """An attempt with its phase, elapsed time, cost so far and worktree.

    `name` is that of its step, where somebody knows a better one than the attempt itself.
    """
    step = name or _name(now)
    phase = f"{now.phase.name}, " if now.phase.name is not None else ""
    cost = f", {sentences.usd(now.usd)}" if now.usd else ""
    elapsed = max(time.time() - ids.ulid_ms(now.since) / 1000, 0)
    shown: list[Line] = [(Styled("now      ", "bold"), f"{step}: {phase}for {elapsed:.0f} s{cost}")]
    if now.phase.worktree is not None:
        shown.append((f"         worktree: {indented(now.phase.worktree, 9)}",))
    return shown


def _name(now: Now) -> str:
    if now.phase.number is None:
        return f"step {now.step}"
    return step_name(now.phase.number, now.phase.title or now.step)


def step_name(number: int, title: str) -> str:
    """What a step is called in these lines."""
    return f"step {number} {indented(title, 9)}"
