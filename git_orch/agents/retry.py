"""Faults of calls to a model: which of them pass by themselves, pauses, and errors for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from git_orch import errors

RETRIES = 6
LONGEST_WAIT = 120.0  # seconds, whatever the server asks for; the SDK would sleep an hour
LONGEST_CALL = 900.0  # seconds from the first try to the end of the last wait
_LONGEST_JITTER = 60.0
_SHOWN = 300  # characters of a server's message; a proxy may send a whole page

Kind = Literal["credentials", "address", "connection", "timeout", "cut", "malformed", "status"]

_SPEND_CODES = frozenset(
    {
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "linked_organization_spend_limit_reached",
        "ramp_limit_exceeded",
    }
)
_OWN_SPEND_LIMIT = "You have reached your specified"  # a plain 400, see the SDK's error classes
_TRANSIENT_TYPES = frozenset({"overloaded_error", "api_error", "timeout_error", "rate_limit_error"})


@dataclass(frozen=True, slots=True)
class Fault:
    """The cause of a failed try; `detail` has no secrets. An error in a stream has status 200 and a
    `type`.
    """

    kind: Kind
    detail: str
    status: int = 0
    type: str | None = None
    code: str | None = None
    should_retry: bool | None = None
    retry_after: float | None = None
    resets_in: float | None = None  # seconds until a limit resets, where the provider says so
    request_id: str | None = None


def is_transient(fault: Fault) -> bool:
    """Whether the same request may succeed soon; a spend limit lasts too long."""
    if fault.kind != "status":
        return fault.kind in ("connection", "timeout", "cut", "malformed")
    if _is_spend_limit(fault) or fault.should_retry is False:
        return False
    if fault.status == 200:
        return fault.type in _TRANSIENT_TYPES
    return fault.should_retry is True or fault.status in (408, 409, 429) or fault.status >= 500


def resets(fault: Fault) -> bool:
    """Whether the fault is a limit that the provider lifts by itself at a time that it names."""
    is_limit = fault.kind == "status" and fault.status in (429, 529)
    return is_limit and fault.resets_in is not None and not _is_spend_limit(fault)


def pause(fault: Fault, tries: int, elapsed: float, jitter: float) -> float | None:
    """Seconds to wait after `tries` failed tries, None to give up; `jitter` is from 0 to 1.

    Full jitter from 1 s up to a bound that doubles to 60 s. The server's own wish goes first, up to
    120 s.
    """
    if tries > RETRIES or not is_transient(fault):
        return None
    if fault.retry_after is not None:
        # The jitter keeps parallel steps from starting at the same instant.
        seconds = min(LONGEST_WAIT, fault.retry_after + jitter)
    else:
        seconds = 1.0 + jitter * (min(_LONGEST_JITTER, 2.0**tries) - 1.0)
    return seconds if elapsed + seconds <= LONGEST_CALL else None


def _is_spend_limit(fault: Fault) -> bool:
    return (
        fault.status == 402
        or fault.code in _SPEND_CODES
        or fault.detail.startswith(_OWN_SPEND_LIMIT)
    )


def failure(fault: Fault, model: str, tries: int) -> errors.OrchError:
    """The error that ends the call; cause and hint fit the kind of fault."""
    advice = _SPEND_LIMIT if _is_spend_limit(fault) else _advice(fault, model)
    after = f", {tries} tries" if tries > 1 else ""
    detail = f": {one_line(fault.detail)}" if fault.detail else ""
    request = f" (request '{fault.request_id}')" if fault.request_id else ""
    return _kind_of_error(fault)(f"{advice.cause}{after}{detail}{request}", advice.hint)


def _kind_of_error(fault: Fault) -> type[errors.OrchError]:
    if _is_spend_limit(fault):
        return errors.ProviderLimit
    if resets(fault):
        return errors.LimitResets
    if fault.kind != "status":
        return _ERRORS_BY_KIND.get(fault.kind, errors.ProviderFailed)
    if fault.status in _ERRORS_BY_STATUS:
        return _ERRORS_BY_STATUS[fault.status]
    if fault.type == "overloaded_error":
        return errors.Overloaded
    passes = fault.status in (408, 409) or not 400 <= fault.status < 500
    return errors.ProviderFailed if passes else errors.RequestRefused


_ERRORS_BY_KIND: dict[Kind, type[errors.OrchError]] = {
    "credentials": errors.KeyRefused,
    "connection": errors.Unreachable,
    "timeout": errors.NoAnswer,
    "cut": errors.CutOff,
}
_ERRORS_BY_STATUS: dict[int, type[errors.OrchError]] = {
    401: errors.KeyRefused,
    403: errors.UnknownModel,
    404: errors.UnknownModel,
    429: errors.ProviderLimit,
    529: errors.Overloaded,
}


def one_line(text: str) -> str:
    """At most 300 characters of `text` on one line, without a full stop."""
    line = " ".join(text.split())
    return line.rstrip(".") if len(line) <= _SHOWN else line[:_SHOWN] + " ..."


class _Advice(NamedTuple):
    """Cause and hint of an error; {model}, {status} and {kind} in a cause are the fault's."""

    cause: str
    hint: str


def _advice(fault: Fault, model: str) -> _Advice:
    if fault.kind != "status":
        return _ADVICE[fault.kind]
    otherwise = _FAILED if fault.status >= 500 else _NOT_ACCEPTED
    cause, hint = _ADVICE_BY_STATUS.get(fault.status, otherwise)
    kind = fault.type or "error"
    return _Advice(cause.format(model=model, status=fault.status, kind=kind), hint)


_AGAIN = "run the same command again"
_LATER = "run the same command again in some minutes; finished work stays"
_LOGIN = "run 'export ANTHROPIC_API_KEY=...' or 'ant auth login'"

_SPEND_LIMIT = _Advice(
    "a spend limit at the model provider is reached",
    "raise the limit or add credit in the provider's console, then run the same command again",
)
_FAILED = _Advice("the model provider failed ({status})", _LATER)
_NOT_ACCEPTED = _Advice(
    "the model provider did not accept the request ({status})",
    "read the provider's message above; another model with --model may take the request",
)
_ADVICE: dict[Kind, _Advice] = {
    "credentials": _Advice("no credentials for the model provider", _LOGIN),
    "address": _Advice(
        "the model provider's address is not valid",
        "correct ANTHROPIC_BASE_URL or run 'unset ANTHROPIC_BASE_URL'",
    ),
    "connection": _Advice(
        "cannot reach the model provider",
        f"check the network, the proxy settings and ANTHROPIC_BASE_URL, then {_AGAIN}",
    ),
    "timeout": _Advice("the model provider did not answer in time", _AGAIN),
    "cut": _Advice("the model's reply was cut off", _AGAIN),
    "malformed": _Advice(
        "the answer is not a Messages API reply",
        "check that ANTHROPIC_BASE_URL names a server of the Messages API",
    ),
}
_ADVICE_BY_STATUS = {
    200: _Advice("the model provider broke off its reply ({kind})", _LATER),
    401: _Advice("the model provider did not accept the credentials (401)", _LOGIN),
    403: _Advice(
        "the credentials do not permit model '{model}' (403)",
        "use a key of a workspace that may, or another model with --model",
    ),
    404: _Advice(
        "the model provider does not know model '{model}' (404)",
        "choose another model with --model",
    ),
    413: _Advice(
        "the request is too large for the model provider (413)",
        "make the task or the step smaller",
    ),
    429: _Advice("the model provider's rate limit is reached (429)", _LATER),
    529: _Advice("the model provider is overloaded (529)", _LATER),
}
