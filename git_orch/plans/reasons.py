"""The reason of a failed attempt, one word of a fixed set: the field `reason` of its result and of
`attempt.failed` in the log. A log of another version may have other words.
"""

from __future__ import annotations

from typing import Literal

from git_orch import errors

Reason = Literal[
    "failed",  # its command, its files or its model
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
    "limit",  # a budget or a number of turns
    "provider",
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
_OF_ERRORS: tuple[tuple[type[errors.OrchError], Reason], ...] = (
    (errors.LimitReached, "limit"),
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
