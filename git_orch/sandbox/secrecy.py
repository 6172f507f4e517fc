"""Keeping keys out of reach of other processes of the same user, as far as the system lets us."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

PROVIDER_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")  # the variables that pay for models
_DUMPABLE = 4  # PR_SET_DUMPABLE of <linux/prctl.h>
_STAT = "/proc/self/stat"
# env_start and env_end, fields 50 and 51 of proc_pid_stat(5), counted after the name.
_ENVIRONMENT = slice(47, 49)

_hidden: dict[str, str] = {}
_given: dict[str, str] = {}  # by a helper: no environment has them, and none gets them


def hide_keys() -> None:
    """Hide the keys of model providers, for the rest of this process; `keys` has them.

    The entry point does it once, before any command.
    """
    taken = hide(PROVIDER_KEYS)
    _hidden.clear()
    _given.clear()
    _hidden.update(taken)


def keys() -> Mapping[str, str]:
    """The hidden keys, and those of a helper, by the names of their variables."""
    return {**_hidden, **_given}


def remember(name: str, key: str) -> None:
    """Take a key that came from a helper, as if the variable of that name held it; for `keys` and
    `secrets` alone.
    """
    close_memory()
    _given[name] = key


def all_variables() -> Mapping[str, str]:
    """The environment as the user gave it, with the variables hidden since: a search for secrets
    needs both.
    """
    return {**os.environ, **_hidden}


def secrets() -> tuple[str, ...]:
    """Values that must not reach anything durable: of variables whose names say that they hold a
    secret, hidden ones too.
    """
    from git_orch.plans import redact  # its patterns cost milliseconds, and `status` needs none

    return redact.secret_values({**all_variables(), **_given})


def hide(
    names: Iterable[str], environment: MutableMapping[str, str] = os.environ
) -> dict[str, str]:
    """Take variables out of the environment and give back the values of those that were set.

    On Linux their bytes also vanish from /proc/PID/environ, which keeps showing the first
    environment of a process, and our memory is closed. Elsewhere our children do not inherit them,
    no more. The shell that started us still has the variables that it exported.
    """
    taken = {name: environment.pop(name) for name in list(names) if name in environment}
    if taken and sys.platform == "linux":
        close_memory()
        _blank({os.fsencode(name) for name in taken})
    return taken


@functools.cache
def close_memory() -> None:
    """Let no other process of the same user read our memory or the environment that we were started
    with; on Linux, and root can read both.
    """
    if sys.platform == "linux":
        import ctypes  # costs milliseconds: who has no key and runs no command does without

        ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)


def _blank(names: set[bytes]) -> None:
    """Write zeros over the initial copies; since the pop no pointer of libc leads there."""
    import ctypes

    start, end = _initial_environment()
    place = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        if entry.partition(b"=")[0] in names:
            ctypes.memset(place, 0, len(entry))
        place += len(entry) + 1


def _initial_environment() -> tuple[int, int]:
    """The addresses where the first environment begins and ends; 0 and 0 without /proc."""
    try:
        with open(_STAT, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0, 0
    start, end = (int(field) for field in fields[_ENVIRONMENT])
    return start, end
