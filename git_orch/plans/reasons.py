"""The reason of a failed attempt, one word of a fixed set: the field `reason` of its result and of
`attempt.failed` in the log. A log of another version may have other words.
"""

from __future__ import annotations

from typing import Literal

from git_orch import errors

Reason = Literal[
    "failed",  # its command, its files or its model
    "timeout",  # of its command
    "check",
    "conflict",  # with steps that landed meanwhile
    "moved",  # another branch was checked out
    "busy",  # somebody else holds the plan or its branch
    "path",  # a file of the step cannot be written
    "ignored",  # git ignores a file of the step
    "nested",  # a repository inside the tree
    "snapshot",  # git cannot store the result
    "gate",  # the result must not enter the repository
    "setup",
    "gave-up",  # its model says that it cannot be done
    "nothing-done",  # its model changed nothing, and its checks passed before
    "budget",
    "turns",  # as many as an attempt may have
    "limit",  # of the model's service; in logs of an older version a budget or turns
    "key",  # there is none for the model's service, or it is not accepted
    "model",  # it is not known, here or there
    "provider",  # its service failed; how, where one of the next four words says it
    "unreachable",
    "cut-off",
    "no-answer",
    "overloaded",
    "declined",  # by the model
    "request",  # the provider does not take it
    "refused",  # by policy
    "usage",  # a setting or an option is wrong
    "not-found",
    "unfit",  # git-orch cannot work in the repository
    "stuck",
    "truncated",
    "context-full",
    "unknown-stop",
    "interrupted",
]
# The step is not to blame: it goes on where it was stopped.
STOPPED: frozenset[str] = frozenset(
    {
        "interrupted", "budget", "turns", "limit", "key", "model",
        "provider", "unreachable", "cut-off", "no-answer", "overloaded",
    }
)  # fmt: skip
# What people read in the place of "failed".
_WORDS: dict[str, str] = {
    **{reason: reason.replace("-", " ") for reason in STOPPED},
    "timeout": "timed out",
    "declined": "declined",
    "key": "no key",
    "model": "no model",
    "gave-up": "gave up",
    "nothing-done": "nothing done",
}
_OF_ERRORS: tuple[tuple[type[errors.OrchError], Reason], ...] = (
    (errors.BudgetReached, "budget"),
    (errors.TurnsUsedUp, "turns"),
    (errors.LimitReached, "limit"),
    (errors.Unreachable, "unreachable"),
    (errors.CutOff, "cut-off"),
    (errors.NoAnswer, "no-answer"),
    (errors.Overloaded, "overloaded"),
    (errors.KeyRefused, "key"),
    (errors.UnknownModel, "model"),
    (errors.UnpricedModel, "model"),
    (errors.ModelRefused, "declined"),
    (errors.RequestRefused, "request"),
    (errors.ProviderFailed, "provider"),
    (errors.Refused, "refused"),
    (errors.UsageError, "usage"),
    (errors.NotFound, "not-found"),
    (errors.Busy, "busy"),
    (errors.Conflict, "conflict"),
    (errors.UnfitRepository, "unfit"),
    (errors.Interrupted, "interrupted"),
)


def of(error: errors.OrchError) -> Reason:
    """The word for an error that ended an attempt."""
    return next((word for kind, word in _OF_ERRORS if isinstance(error, kind)), "failed")


def word(reason: str | None) -> str:
    """The state of a step whose last attempt failed for this reason, as people read it."""
    return _WORDS.get(reason or "", "failed")
