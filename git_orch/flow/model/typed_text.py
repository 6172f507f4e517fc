"""The text that a person types for a model, with -m or on standard input."""

from __future__ import annotations

from collections.abc import Sequence

from git_orch import errors
from git_orch.plans import redact
from git_orch.sandbox import secrecy

LONGEST = 100_000  # characters


def paragraphs(typed: Sequence[str], hint: str) -> tuple[str, ...]:
    """The paragraphs that a person typed, redacted, without empty ones. Raises UsageError where
    they are too long for a model; `hint` is what else to do.
    """
    if sum(map(len, typed)) > LONGEST:
        raise errors.UsageError(f"your text has more than {LONGEST:,} characters", hint)
    keys = secrecy.secrets()
    texts = (text.encode("utf-8", "replace").decode().strip() for text in typed)
    return tuple(redact.redacted(text, keys) for text in texts if text)
