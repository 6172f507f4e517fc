"""A verdict of the policy: whether a command may run, and the part of it that is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

Decision = Literal["allow", "sandbox-only", "deny"]
Code = Literal[
    "PARSE", "DYNAMIC_NAME", "NOT_ALLOWED", "WRAPPER", "EXEC_OPTION", "ENV_VAR", "BUILTIN",
    "BACKGROUND", "REDIRECT_OUTSIDE", "PATH_OUTSIDE", "PATH_GIT_CONTROL", "SECRET_FILE", "NETWORK",
    "PRIVILEGE", "NEEDS_SANDBOX", "TOO_LONG",
]  # fmt: skip

JUST_EDIT = "git-orch commits after the step: just edit the files"

_STRICTNESS = {"allow": 0, "sandbox-only": 1, "deny": 2}
_SHOWN = 80  # characters of a subject in a reason; the span has all of it


class Span(NamedTuple):
    """A part of the command's text; `start` and `end` count characters of `Command.text()`."""

    text: str
    start: int
    end: int


class Verdict(NamedTuple):
    """The decision; all but an allow says why: `code` is stable, `hint` says what to do instead."""

    decision: Decision
    code: Code | None = None
    span: Span | None = None
    reason: str | None = None
    hint: str | None = None

    def document(self) -> dict[str, object]:
        """JSON-ready values."""
        return {**self._asdict(), "span": self.span._asdict() if self.span is not None else None}


ALLOW = Verdict("allow")


def denial(code: Code, span: Span, reason: str, hint: str) -> Verdict:
    """A part that is refused everywhere; `reason` gets the span's text in place of '{}'."""
    return Verdict("deny", code, span, _reason(reason, span), hint)


def sandbox_only(span: Span, reason: str, code: Code = "NEEDS_SANDBOX") -> Verdict:
    """A part that runs in the sandbox only; `reason` gets the span's text in place of '{}'."""
    return Verdict(
        "sandbox-only",
        code,
        span,
        _reason(reason, span),
        "run it in the sandbox, which is the default",
    )


def strictest(parts: Iterable[Verdict]) -> Verdict:
    """The first of the strictest parts, as the text is read; an allow when there is none."""
    return max(parts, key=_weight, default=ALLOW)


def _weight(part: Verdict) -> tuple[int, int]:
    return _STRICTNESS[part.decision], -part.span.start if part.span is not None else 0


def _reason(reason: str, span: Span) -> str:
    return reason.replace(
        "{}", span.text if len(span.text) <= _SHOWN else f"{span.text[:_SHOWN]}..."
    )
