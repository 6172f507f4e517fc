"""The fates of attempts: the commit of each, and whether something took it back since."""

from __future__ import annotations

from typing import NamedTuple

from git_orch.plans.history.status import SATISFIED, Attempt, Status, StepStatus


class Fate(NamedTuple):
    """`commit` holds the attempt's work (None: it left none); `taken_back` says that the plan goes
    on without it, because of a rollback, a redo, a reset or a revert.
    """

    commit: str | None
    taken_back: bool


def fates(status: Status) -> dict[tuple[str, str], Fate]:
    """By step and attempt, the fates of all attempts that have ended. One that another attempt went
    on with has the fate of that one.
    """
    standing = {
        (step.id, attempt.id): step.commit.oid if step.commit is not None else attempt.commit
        for step in status.steps
        if step.state in SATISFIED and (attempt := _standing(status, step)) is not None
    }
    cleared = _last_rollback(status)
    gone: set[str] = set()  # steps of which something landed later, and was taken back
    found: dict[tuple[str, str], Fate] = {}
    for attempt in reversed(status.attempts):
        key = attempt.step, attempt.id
        if key in standing:
            gone.discard(attempt.step)
            found[key] = Fate(standing[key], taken_back=False)
            continue
        if attempt.outcome == "landed":
            gone.add(attempt.step)
        found[key] = Fate(attempt.commit, attempt.step in gone or attempt.event < cleared)
    for event in reversed(status.log.events):
        if event.name == "attempt.started":
            step, begun, before = map(event.body.get, ("step", "attempt", "continues"))
            # One that was killed has no end in the log.
            fate = found.setdefault((str(step), str(begun)), Fate(None, event.id < cleared))
            if before is not None:
                found[str(step), str(before)] = fate
    return found


def _standing(status: Status, step: StepStatus) -> Attempt | None:
    """The attempt that a satisfied step comes from; where no commit is there to tell, the last that
    landed.
    """
    if step.commit is not None:
        return step.attempt
    landed = (attempt for attempt in reversed(status.attempts) if attempt.outcome == "landed")
    return next((attempt for attempt in landed if attempt.step == step.id), None)


def _last_rollback(status: Status) -> str:
    """The ID of the last event that took the whole plan back and stands; "" where there is none."""
    last = ""
    for event in status.log.events:
        if event.name == "plan.rolled-back" and event.body.get("full") is True:
            last = event.id
        elif event.name == "plan.restored":
            last = ""
    return last
