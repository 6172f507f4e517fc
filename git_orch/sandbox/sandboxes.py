"""Which sandbox this machine has. There is no falling back: without one nothing runs, unless the user says so."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from git_orch import errors
from git_orch.sandbox import bubblewrap, environment
from git_orch.sandbox.view import Sandbox, Unconfined

NONE = "none"
_INSTALLERS = {  # the first that is there knows the package
    "apt-get": "sudo apt-get install bubblewrap",
    "dnf": "sudo dnf install bubblewrap",
    "pacman": "sudo pacman -S bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
    "apk": "sudo apk add bubblewrap",
}


class Unusable(NamedTuple):
    """Why there is no sandbox, and what helps."""

    cause: str
    hint: str


def chosen(setting: str, path: str) -> Sandbox:
    """The sandbox for `orch.sandbox`, tried out. Raises Refused where there is none that works."""
    if setting == NONE:
        return Unconfined()
    found = available(path)
    if isinstance(found, Unusable):
        raise errors.Refused(found.cause, found.hint)
    return found


def available(path: str) -> Sandbox | Unusable:
    """The sandbox of this machine. Starts it once, for some milliseconds."""
    programs = os.pathsep.join([*environment.outside(path, None), *environment.DEFAULT_PATH.split(os.pathsep)])
    if sys.platform == "darwin":
        from git_orch.sandbox import seatbelt

        mac = seatbelt.found()
        return mac if mac is not None else Unusable("macOS has no sandbox-exec any more", "git orch doctor")
    if sys.platform != "linux":
        return Unusable(f"there is no sandbox for {sys.platform}", "git config --global orch.sandbox none")
    found = bubblewrap.found(programs)
    if found is None:
        install = next((line for name, line in _INSTALLERS.items() if environment.program(name, programs)), None)
        cause = "there is no sandbox on this machine: bubblewrap (bwrap) is not installed"
        return Unusable(cause, install or "install bubblewrap")
    trouble = found.trouble()
    return Unusable(trouble, "git orch doctor") if trouble is not None else found
