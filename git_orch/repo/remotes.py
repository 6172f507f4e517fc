"""Refspecs that have a fetch bring the plans of remotes along: to places of their own, where neither
`--prune` nor a forced update reaches a local log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import refspecs
from git_orch.repo import refs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_orch.repo.repository import Repository

PLACE = "refs/orch-remotes/"
_KINDS = {"refs/notes/orch/*": "notes", "refs/heads/orch/*": "heads"}


class Remote(NamedTuple):
    """A remote, and the refspecs that its fetches go by."""

    name: str
    fetch: tuple[str, ...]

    @property
    def key(self) -> str:
        """The setting that its refspecs stand in."""
        return f"remote.{self.name}.fetch"

    def refspecs(self) -> list[str]:
        """The refspecs that bring its plans."""
        return [f"+{source}:{PLACE}{self.name}/{kind}/*" for source, kind in _KINDS.items()]

    def missing(self) -> list[str]:
        """Those of them that it lacks."""
        return [refspec for refspec in self.refspecs() if refspec not in self.fetch]

    def outdated(self) -> list[str]:
        """Refspecs of git-orch's that a remote had under another name."""
        return [text for text in self.fetch if is_ours(text) and text not in self.refspecs()]

    def is_usual(self) -> bool:
        """Whether its fetches go by refspecs at all: else one more would change what they bring."""
        return any(not is_ours(text) for text in self.fetch)


def is_ours(refspec: str) -> bool:
    """Whether `git orch init` has set the refspec."""
    spec = refspecs.read(refspec)
    return spec.source in _KINDS and spec.target.startswith(PLACE)


def listed(repository: Repository) -> list[Remote]:
    """The remotes of the repository that have a URL, in the order of git's configuration."""
    urls = dict[str, None]()
    fetches: dict[str, list[str]] = {}
    for name, value in repository.settings:
        remote, _, key = name.removeprefix("remote.").rpartition(".")
        if not name.startswith("remote.") or not remote:
            continue
        if key.lower() == "url":
            urls[remote] = None
        elif key.lower() == "fetch":
            fetches.setdefault(remote, []).append(value)
    return [Remote(name, tuple(fetches.get(name, ()))) for name in urls]


def is_fit(remote: Remote) -> bool:
    """Whether the remote's name may be a part of a ref's: git refuses every fetch by a refspec that
    is none.
    """
    parts = remote.name.split("/")
    well = all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    return well and refs.is_plain(f"{PLACE}{remote.name}") and not remote.name.endswith(".")


def add(repository: Repository, remote: Remote, values: Sequence[str]) -> None:
    """Add refspecs to a remote, in the repository's own configuration. Raises GitFailed."""
    for refspec in values:
        repository.git.run("config", "--local", "--add", remote.key, refspec)


def remove(repository: Repository, remote: Remote, values: Sequence[str]) -> None:
    """Take refspecs from a remote; all other settings stay. Raises GitFailed."""
    for refspec in values:
        words = ("--local", "--fixed-value", "--unset-all", remote.key, refspec)
        repository.git.finished("config", *words, expect=(0, 5))  # 5: another scope has it
