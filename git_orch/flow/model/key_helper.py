"""The key for the model provider from a helper of the user's (orch.keyCommand), as git has helpers
for credentials: no process has it in its environment then, and it is in no file of ours.
"""

from __future__ import annotations

import os
import re

from git_orch import errors
from git_orch.sandbox import secrecy
from git_orch.sandbox.process import tools

_SECONDS = 60.0  # a person may have to unlock the place where the key is
_KEY = re.compile(rb"[\x21-\x7e]{1,4096}")  # what a header of HTTP can hold
_HINT = "git config --global orch.keyCommand"


def take_key(command: str) -> None:
    """Run the helper in a shell, and keep the key that it prints. Raises UsageError, in which
    nothing stands that it printed.
    """
    try:
        done = tools.capture(
            ["sh", "-c", command], env=os.environ, cwd="/", timeout=_SECONDS, complains=True
        )
    except TimeoutError as hung:
        raise errors.UsageError(
            f"the helper of 'orch.keyCommand' gave no key within {_SECONDS:g} s", _HINT
        ) from hung
    if done.status != 0:
        raise errors.UsageError(
            f"the helper of 'orch.keyCommand' ended with {done.status} and gave no key", _HINT
        )
    key = done.stdout.removesuffix(b"\n").removesuffix(b"\r")
    if not key:
        raise errors.UsageError("the helper of 'orch.keyCommand' printed no key", _HINT)
    if not _KEY.fullmatch(key):
        raise errors.UsageError(
            "the helper of 'orch.keyCommand' printed something else than a key on one line", _HINT
        )
    secrecy.remember("ANTHROPIC_API_KEY", key.decode("ascii"))
