"""The user's word on `orch.setup` on this machine: given once for a repository and a command, not
for each plan.

It lies beside the approvals of plans, outside of every repository. Another command, or the network
for it, needs another word.
"""

from __future__ import annotations

import json
import time

from git_orch import __version__
from git_orch.plans import document
from git_orch.plans.approval import Setup
from git_orch.plans.document import BadDocument, Document
from git_orch.repo import localfiles, own_files, places, settings
from git_orch.repo.repository import Repository

_DIRECTORY = "approvals"
_NAME = "setup.json"
_LARGEST = 1 << 20  # bytes; a command line has at most a tenth of that


def current(repository: Repository) -> Setup | None:
    """The approved setup, if it is the one that the user has set; None without either."""
    command = settings.of_user(repository).setup
    approved = read(repository) if command is not None else None
    return approved if approved is not None and approved.command == command else None


def read(repository: Repository) -> Setup | None:
    """The setup that the user approved for this repository; None where there is no file that only
    this user can have written.
    """
    try:
        data = own_files.read(places.own_directory(), _names(repository), _LARGEST, private=True)
        return None if data is None else _setup(data)
    except (OSError, ValueError, RecursionError, BadDocument, own_files.NotOurs):
        return None


def write(repository: Repository, setup: Setup) -> None:
    """Write down that the user approved this setup for this repository. Raises UnfitRepository."""
    fields: Document = {
        "v": 1,
        **setup._asdict(),
        "created": int(time.time()),
        "tool": f"git-orch {__version__}",
    }
    data = json.dumps(fields, indent=1).encode("ascii")
    localfiles.write_below(places.own_directory(), _names(repository), data)


def _names(repository: Repository) -> tuple[str, ...]:
    return (_DIRECTORY, places.name_of(repository), _NAME)


def _setup(data: bytes) -> Setup:
    fields = document.parse(data, "setup")
    if fields.get("v") != 1:
        raise BadDocument("another version of git-orch wrote it")
    return Setup(document.text(fields, "command"), document.flag(fields, "network"))
