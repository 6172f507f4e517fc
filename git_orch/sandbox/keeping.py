"""Files that git-orch keeps for people to look at later: outputs, conversations with models,
receipts.

The work itself never depends on it.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from git_orch import errors, notices
from git_orch.plans import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTPUTS = "the outputs of commands"
VISITS = "the hosts that commands asked for"
CONVERSATION = "the conversation with the model"  # of which `git orch audit` shows the tool calls


@contextlib.contextmanager
def unnecessary(what: str) -> Iterator[None]:
    """Write such things in here. Where the system refuses that, a warning says so, once a command,
    and the work goes on.
    """
    try:
        yield
    except (OSError, errors.Refused, errors.UnfitRepository) as failed:
        notices.warn_once(what, f"{what} cannot be kept: {_cause(failed)}")


def _cause(failed: OSError | errors.OrchError) -> str:
    if isinstance(failed, errors.OrchError):
        return failed.cause
    why = (failed.strerror or str(failed)).lower()
    if failed.filename is None:
        return why
    return f"{sentences.quoted(os.fsdecode(failed.filename))}: {why}"
