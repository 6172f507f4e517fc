"""The exception tree; each class knows the exit code it ends the program with."""

from __future__ import annotations

import errno
from typing import ClassVar


class OrchError(Exception):
    """An error that ends the program: its cause, and the exact next command that helps.

    `cause` is lower case without a full stop, subjects in single quotes; `hint` stands on its own
    line.
    """

    exit_code: ClassVar[int] = 1
    details: tuple[str, ...] = ()  # lines about further problems

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.hint = hint


class StepFailed(OrchError):
    """A step or a check failed, or a plan has findings."""

    exit_code = 1


class UsageError(OrchError):
    """The command line, or a file that the user named, does not parse."""

    exit_code = 2


class UnpricedModel(UsageError):
    """The price table does not have the model."""


class Refused(OrchError):
    """Policy or a missing approval stands in the way; nothing ran."""

    exit_code = 3


class LimitReached(OrchError):
    """A budget or a limit ended the work; the user can resume it."""

    exit_code = 4


class BudgetReached(LimitReached):
    """The money that the user allowed does not pay for the next request."""


class TurnsUsedUp(LimitReached):
    """A model did not finish within the turns of one attempt."""


class ProviderLimit(LimitReached):
    """A limit of the model's service is reached: of its rate, or of what may be spent there."""


class LimitResets(ProviderLimit):
    """A limit of the model's service is reached, and the service says when it resets."""


class NotFound(OrchError):
    """A plan or a step does not exist, or its name is ambiguous."""

    exit_code = 5


class PlanUnnamed(NotFound):
    """Nobody named a plan, and not one alone can be meant; `newest` is the handle of the newest one
    that can be, None where there is none.
    """

    def __init__(self, cause: str, hint: str, newest: str | None = None) -> None:
        super().__init__(cause, hint)
        self.newest = newest


class NoPlanOpen(PlanUnnamed):
    """Nobody named a plan, and none is open."""


class Busy(OrchError):
    """Another process holds the plan, or somebody moved, deleted or checked out its branch."""

    exit_code = 6


class Conflict(OrchError):
    """A pick or a landing does not merge."""

    exit_code = 7


class ProviderFailed(OrchError):
    """The model's service failed after all retries, or refused the request."""

    exit_code = 8


class Unreachable(ProviderFailed):
    """There is no connection to the model's service."""


class CutOff(ProviderFailed):
    """The model's service broke off its replies."""


class NoAnswer(ProviderFailed):
    """The model's service did not answer in time."""


class Overloaded(ProviderFailed):
    """The model's service has more to do than it can."""


class KeyRefused(ProviderFailed):
    """There is no key for the model's service, or the service does not accept it."""


class UnknownModel(ProviderFailed):
    """The model's service does not know the model, or the key does not permit it."""


class RequestRefused(ProviderFailed):
    """The model's service does not take the request, now and the next time."""


class ModelRefused(ProviderFailed):
    """The model itself refused to do the work."""


class AwaitsPerson(OrchError):
    """A person has to act before the work goes on: to do a manual step, or to answer a question."""

    exit_code = 9


class UnfitRepository(OrchError):
    """Not a repository, or one in a state git-orch cannot work in."""

    exit_code = 128


class DiskFull(UnfitRepository):
    """There is no room to write, or the user may not use more of it."""


def disk_full(about: str) -> DiskFull:
    """The error for what could not be written for want of room: `about` is what, or who says so."""
    return DiskFull(f"the disk is full ({about})", "df -h . && git orch status")


def is_disk_full(failed: OSError) -> bool:
    """Whether the system had no room, or a quota was reached."""
    return failed.errno in (errno.ENOSPC, errno.EDQUOT)


class Interrupted(OrchError):
    """A signal ended the work; the log keeps all that it recorded.

    The exit code is 128 + the signal's number: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, signal_number: int, hint: str) -> None:
        super().__init__("interrupted", hint)
        self.signal_number = signal_number
