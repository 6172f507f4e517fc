"""The place of a plan: its refs in the repository, and its files on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_orch.repo import refs

if TYPE_CHECKING:
    from pathlib import Path

    from git_orch.repo.repository import Repository


class PlanPlace(NamedTuple):
    """A plan of a repository, by its ID. Nothing says that it exists; naming a file makes no
    directory.
    """

    repository: Repository
    id: str

    @property
    def branch(self) -> str:
        """The ref of the plan branch."""
        return refs.BRANCHES + self.id

    @property
    def log(self) -> str:
        """The ref of the log."""
        return refs.LOGS + self.id

    @property
    def kept(self) -> str:
        """The ref of the chain of kept commits."""
        return refs.KEPT + self.id

    @property
    def results(self) -> str:
        """The prefix of the refs of its attempts' results."""
        return f"{refs.RESULTS}{self.id}/"

    @property
    def run(self) -> Path:
        """The file about its last run."""
        return self._shared_file("runs", f"{self.id}.json")

    @property
    def run_output(self) -> Path:
        """The file with the output of its last run in the background."""
        return self._file("runs", f"{self.id}.log")

    @property
    def ledger(self) -> Path:
        """The file that the workers of its run share."""
        return self._file("ledger", f"{self.id}.json")

    @property
    def spool(self) -> Path:
        """The directory of events that have not reached the log yet, a file for each attempt."""
        return self._shared_file("spool", self.id)

    @property
    def traces(self) -> Path:
        """The directory of its conversations with models, a file for each attempt."""
        return self._file("traces", self.id)

    @property
    def tapes(self) -> Path:
        """The directory of its requests to models and their replies, a file for each run that was
        recorded.
        """
        return self._file("tapes", self.id)

    @property
    def conversations(self) -> Path:
        """The directory of conversations that go on, a file for each step that is not done."""
        return self._file("conversations", self.id)

    def _file(self, *names: str) -> Path:
        from pathlib import Path  # not for the commands that only read

        return Path(self.repository.state_path, *names)

    def _shared_file(self, *names: str) -> Path:
        from pathlib import Path

        return Path(self.repository.shared_path, *names)
