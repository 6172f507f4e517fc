"""Whom a plan belongs to: the first source that has a name, from the environment down to the account
of the system. Nobody is asked.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import one_line
from git_orch.repo import settings
from git_orch.repo.documents_folder import DocumentsFolder

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

_VARIABLES = ("GIT_ORCH_OWNER", "OTK_OWNER")
FILE = ".otk/.owner"
_LARGEST = 4096  # characters of the file


class Source(NamedTuple):
    """A place that may name the owner; None where it names nobody."""

    name: str
    owner: str | None


def chain(repository: Repository) -> list[Source]:
    """Every source that can win, the first one that does first."""
    sources = [Source(name, os.environ.get(name)) for name in _VARIABLES]
    configured = settings.last_of_any_scope
    sources.append(Source("git config orch.owner", configured(repository, "orch.owner")))
    sources.append(Source(FILE, _of_file(repository)))
    sources.append(Source("git config user.name", configured(repository, "user.name")))
    if os.environ.get("CI"):
        sources.append(Source("GITHUB_ACTOR", os.environ.get("GITHUB_ACTOR")))
    sources.append(Source("system user", _account()))
    return [Source(name, (owner or "").strip() or None) for name, owner in sources]


def of_user(repository: Repository) -> str:
    """The owner of what the user makes now. Raises UsageError for a name of several lines."""
    for source in chain(repository):
        if source.owner is not None:
            return required(source.owner, source.name)
    return ""


def required(owner: str, source: str) -> str:
    """A name that can own a plan. Raises UsageError, which tells the source of another one."""
    problem = one_line.problem(owner)
    if problem is None and len(owner) > one_line.LONGEST:
        problem = f"is longer than {one_line.LONGEST} characters"
    if problem is not None:
        raise errors.UsageError(f"the owner ({source}) {problem}", 'git orch owner set "Your Name"')
    return owner.strip()


def store(repository: Repository, owner: str) -> None:
    """Make somebody the owner of what is made in this repository from now on. Raises GitFailed."""
    repository.user_git.run("config", "--local", "--replace-all", "orch.owner", owner)


def _of_file(repository: Repository) -> str | None:
    """The name in the file. A link is none: the repository may have it, and the name of an owner
    goes into logs, which travel.
    """
    if repository.top is None:
        return None
    folder, name = FILE.split("/")
    with contextlib.suppress(errors.Refused):
        text = DocumentsFolder(os.fspath(repository.top), ()).read(folder, name)
        return text[:_LARGEST] if isinstance(text, str) else None
    return None


def _account() -> str:
    import pwd  # only where somebody asks

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"
