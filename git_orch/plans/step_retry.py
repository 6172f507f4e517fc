"""Which failures another attempt may mend, and how long to wait before it."""

from __future__ import annotations

from git_orch.plans import reasons
from git_orch.plans.reasons import Reason

# A second try on the same base cannot change these: limits and refusals of the user, requests that
# git-orch has already repeated, and the user's own wish to stop.
_FATAL: frozenset[str] = reasons.STOPPED | {
    "busy",
    "declined",
    "gate",
    "not-found",
    "refused",
    "request",
    "setup",
    "unfit",
    "unknown-stop",
    "usage",
}
# The model has said all that it can say of the step: it is asked again where the user wants that.
_RETRIED_ON_REQUEST: frozenset[Reason] = frozenset({"gave-up", "nothing-done"})
_RETRIED_BY_DEFAULT = frozenset({"agent"})
# The same files on the same tree, or a person's work.
_NEVER_RETRIED = frozenset({"files", "manual", "wait"})

RETRIES = 1
LONGEST_DELAY = 600.0  # seconds


def is_recoverable(reason: str, retries: int | None = None) -> bool:
    """Whether another attempt may succeed after one that failed for this reason: a `Reason`, or a
    word of another version. `retries` is the user's setting, None the default.
    """
    if reason in _RETRIED_ON_REQUEST:
        return bool(retries)
    return reason not in _FATAL


def attempts(kind: str, retries: int | None, times: int = 0) -> int:
    """The number of attempts at a step of that kind; `retries` is the user's setting, None the
    default. A step that is repeated has as many `times` as its author says.

    By default only models get another attempt: the same command on the same tree mostly ends the
    same way.
    """
    if times:
        return times
    if kind in _NEVER_RETRIED:
        return 1
    if retries is not None:
        return 1 + retries
    return 1 + RETRIES if kind in _RETRIED_BY_DEFAULT else 1


def delay(backoff: float, failures: int) -> float:
    """Seconds before the next attempt: `backoff`, doubled with every failure after the first, at
    most ten minutes.
    """
    return min(backoff * 2.0 ** min(failures - 1, 30), LONGEST_DELAY)
