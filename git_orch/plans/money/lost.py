"""What the money of attempts that did not land went into: those that failed, and those that were
stopped and that none has taken up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import reasons

if TYPE_CHECKING:
    from git_orch.plans.history.status import Attempt, Status


class Spent(NamedTuple):
    """USD for attempts that failed, and for those that something stopped and that did not go on."""

    failed: float
    stopped: float


def spent(status: Status) -> Spent:
    """What a plan has spent on either. The attempt that takes up the work of another one has its
    money as well.
    """
    failed = stopped = 0.0
    last = _last_ones(status)
    for call in status.calls:
        attempt = last.get(call.attempt or "")
        if attempt is None or attempt.outcome != "failed":
            continue
        if attempt.reason in reasons.STOPPED:
            stopped += call.usd
        else:
            failed += call.usd
    return Spent(failed, stopped)


def _last_ones(status: Status) -> dict[str, Attempt]:
    """By attempt, the last of those that went on with its work."""
    by_id = {attempt.id: attempt for attempt in status.attempts}
    after = {
        attempt.continues: attempt.id
        for attempt in status.attempts
        if attempt.continues is not None
    }
    last: dict[str, Attempt] = {}
    for attempt in by_id:
        end, seen = attempt, {attempt}
        while end in after and after[end] not in seen:  # a log from elsewhere may hold a circle
            end = after[end]
            seen.add(end)
        last[attempt] = by_id[end]
    return last
