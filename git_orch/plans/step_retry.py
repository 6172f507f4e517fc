"""Which failures another attempt may mend, and how long to wait before it."""

from __future__ import annotations

from git_orch.plans.reasons import Reason

# What a second try on the same base cannot change: the user's limits and refusals, what the
# provider has already been asked again and again for, and the user's own wish to stop.
_FATAL: frozenset[Reason] = frozenset(
    {
        "busy",
        "gate",
        "interrupted",
        "limit",
        "not-found",
        "provider",
        "refused",
        "setup",
        "unfit",
        "unknown-stop",
        "usage",
    }
)
_RETRIED_BY_DEFAULT = frozenset({"agent"})
_NEVER_RETRIED = frozenset(
    {"files", "manual"}
)  # the same files on the same tree, or a person's work

RETRIES = 1
LONGEST_DELAY = 600.0  # seconds


def recoverable(reason: str) -> bool:
    """Whether another attempt may succeed after one that failed for this reason: a `Reason`, or a
    word of another version.
    """
    return reason not in _FATAL


def tries(kind: str, retries: int | None) -> int:
    """How many attempts a step of that kind gets; `retries` is what the user asked for, None what
    is usual.

    The same command on the same tree mostly ends the same way, so that only models are asked again
    unasked.
    """
    if kind in _NEVER_RETRIED:
        return 1
    if retries is not None:
        return 1 + retries
    return 1 + RETRIES if kind in _RETRIED_BY_DEFAULT else 1


def delay(backoff: float, failures: int) -> float:
    """Seconds before the attempt after `failures` failed ones: `backoff` doubles each time, up to
    ten minutes.
    """
    return min(backoff * 2.0 ** min(failures - 1, 30), LONGEST_DELAY)
