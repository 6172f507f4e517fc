"""Commits picked one after the other, in memory: no ref and no file moves until somebody moves the
branch to the tip of the chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_orch.repo.objects import merges
from git_orch.repo.objects import objects as odb

if TYPE_CHECKING:
    from git_orch.repo.identity import Identity
    from git_orch.repo.objects.merges import Picked
    from git_orch.repo.objects.objects import Written
    from git_orch.repo.repository import Repository


class Chain:
    """The result of picking commits onto `tip`, each onto the one before it. `start` is the tip
    that it began with.

    `became` has the new commit of each, in their order. Nothing but `written` holds the new objects.
    """

    def __init__(
        self, repository: Repository, identity: Identity, written: Written, tip: str
    ) -> None:
        self._repository = repository
        self._identity = identity
        self.written = written
        self.start = tip
        self.tip = tip
        self.became: dict[str, str] = {}

    def pick(self, commit: str, *, keep_empty: bool = True) -> Picked:
        """Put a commit on the tip; one that conflicts is not put there, nor, without `keep_empty`,
        one that changes nothing there.

        Raises Refused for a merge commit.
        """
        picked = merges.picked(self._repository, self.written, commit, self.tip)
        if picked.conflicts:
            return picked
        if keep_empty or picked.tree != odb.commit(self.written, self.tip).tree:
            self.take(commit, picked.tree)
        return picked

    def take(self, commit: str, tree: str) -> None:
        """Put a commit on the tip with another tree than its own."""
        self.tip = self._identity.commit_again(self.written, commit, tree, self.tip)
        self.became[commit] = self.tip
