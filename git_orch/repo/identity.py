"""The identity of commits, by git's own rules, and the time of a commit."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans.trailers import Trailer
from git_orch.repo.git import GitFailed
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_orch.repo.objects.objects import Objects
    from git_orch.repo.repository import Repository


class Stamp(NamedTuple):
    """Author and committer lines as a commit object holds them."""

    author: str
    committer: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Author and committer as `Name <email>`; a date set in the environment stays, as in `git
    commit`.
    """

    author: str
    committer: str
    author_date: str | None
    committer_date: str | None

    def commit(self, objects: Objects, tree: str, parents: Sequence[str], message: str) -> str:
        """Store a commit of this person, made now; gives its ID."""
        stamp = self.now()
        fields = raw.CommitObject(tree, tuple(parents), stamp.author, stamp.committer, message)
        return odb.write_commit(objects, fields)

    def commit_again(self, objects: Objects, commit: str, tree: str, onto: str) -> str:
        """Store `commit` with another tree, on another parent: author and message stay byte for byte,
        a signature does not.
        """
        original = raw.original(odb.read(objects, commit, "commit"))
        again = original.bytes_of(tree, (onto,), self.now().committer)
        return objects.write("commit", again)

    def signoff(self, *, wanted: bool) -> list[Trailer]:
        """The trailer with which this person signs off a commit, where that is wanted."""
        return [Trailer("Signed-off-by", self.committer)] if wanted else []

    def now(self) -> Stamp:
        """The lines for a commit that is made now."""
        date = _date()
        return Stamp(
            f"{self.author} {self.author_date or date}",
            f"{self.committer} {self.committer_date or date}",
        )


def of_user(repository: Repository) -> Identity:
    """The identity git would commit with. Raises UnfitRepository when git knows none."""
    author = _ident(repository, "GIT_AUTHOR_IDENT")
    committer = _ident(repository, "GIT_COMMITTER_IDENT")
    return Identity(
        author[0],
        committer[0],
        author[1] if "GIT_AUTHOR_DATE" in os.environ else None,
        committer[1] if "GIT_COMMITTER_DATE" in os.environ else None,
    )


def _ident(repository: Repository, name: str) -> tuple[str, str]:
    try:
        line = repository.user_git.line("-c", "user.useConfigOnly=true", "var", name)
    except GitFailed as failed:
        raise errors.UnfitRepository(
            "git does not know who you are",
            'git config --global user.name "Your Name" && git config --global user.email you@example.com',
        ) from failed
    person, seconds, zone = line.rsplit(" ", 2)
    return person, f"{seconds} {zone}"


def _date() -> str:
    now = time.time()
    minutes = (time.localtime(now).tm_gmtoff or 0) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{int(now)} {sign}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
