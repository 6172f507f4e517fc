"""The end of an attempt: verified, failed, interrupted or with a question. It comes back from a
worker as JSON, and is redacted before it is written.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from git_orch.plans.document import BadDocument, decode
from git_orch.plans.history.status import CheckResult
from git_orch.plans.reasons import Reason


class Made(NamedTuple):
    """The work of an attempt, whatever its end. `changed` are paths, `code` those of them that run
    code where somebody uses the tree.
    """

    seconds: float = 0.0
    checks: tuple[CheckResult, ...] = ()
    changed: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    summary: str = ""
    usd: float = 0.0
    model: str | None = None


class Verified(NamedTuple):
    """All checks passed on `tree`; `commit` may land. `review` are reasons why a person should look
    at it.
    """

    made: Made
    commit: str
    tree: str
    review: tuple[str, ...] = ()


class Failed(NamedTuple):
    """The step could not be done, or not verified. `commit` is what is kept for inspection."""

    made: Made
    error: str
    reason: Reason
    hint: str | None = None
    exit_code: int = 1
    commit: str | None = None


class Interrupted(NamedTuple):
    """A signal cut the attempt off. `commit` is what is kept of it."""

    made: Made
    error: str = "interrupted"
    commit: str | None = None

    @property
    def reason(self) -> Reason:
        """The word for it in the log."""
        return "interrupted"

    @property
    def hint(self) -> str | None:
        """There is nothing to mend."""
        return None

    @property
    def exit_code(self) -> int:
        """The status of a failed step."""
        return 1


class Asked(NamedTuple):
    """The model asks a person. `commit` keeps what it had done until then."""

    made: Made
    question: str
    commit: str | None = None


class NotYet(NamedTuple):
    """The event that the step waits for has not come, as the `words` say."""

    made: Made
    words: str
    commit: str | None = None


Ending = Verified | Failed | Interrupted | Asked | NotYet
_WORDS: dict[str, type[Ending]] = {
    "verified": Verified,
    "failed": Failed,
    "interrupted": Interrupted,
    "asked": Asked,
    "not-yet": NotYet,
}


def failed(verified: Verified, error: str, reason: Reason, made: Made | None = None) -> Failed:
    """The ending of an attempt that was verified, and cannot land; its commit is kept."""
    return Failed(made or verified.made, error, reason, commit=verified.commit)


def text(ending: Ending) -> str:
    """The ending as JSON."""
    [word] = [word for word, kind in _WORDS.items() if isinstance(ending, kind)]
    made = ending.made._asdict() | {"checks": [check._asdict() for check in ending.made.checks]}
    return json.dumps(ending._asdict() | {"ending": word, "made": made})


def read(content: str) -> Ending:
    """The ending that `text` wrote. Raises BadDocument for anything else."""
    try:
        document: Any = decode(content)  # whatever is wrong with it raises below
        made = document["made"]
        made["checks"] = tuple(CheckResult(**check) for check in made["checks"])
        made["changed"], made["code"] = tuple(made["changed"]), tuple(made["code"])
        document["made"] = Made(**made)
        if "review" in document:
            document["review"] = tuple(document["review"])
        return _WORDS[document.pop("ending")](**document)
    except (ValueError, TypeError, KeyError, AttributeError) as damaged:
        raise BadDocument("the result of an attempt cannot be read") from damaged
