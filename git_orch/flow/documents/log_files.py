"""The files of execution logs, and the notes that people write into them."""

from __future__ import annotations

from git_orch.flow.branch import opening
from git_orch.flow.documents import notes
from git_orch.flow.documents.directory import Copy, Directory, Edited
from git_orch.plans.documents import execution_log, log_edits, log_text, names
from git_orch.plans.documents.execution_log import ExecutionLog
from git_orch.plans.documents.log_edits import Additions
from git_orch.plans.history.status import Status
from git_orch.repo import owners
from git_orch.repo.plan_place import PlanPlace


class LogFiles:
    """The exchange of a plan with the files of its logs."""

    def __init__(self, directory: Directory) -> None:
        self.shown = names.LOGS  # the file that was looked at last
        self._directory = directory
        self._copies: dict[str, Copy | None] = {}  # by the ID of the log; None: it waits
        self._rests: dict[str, str] = {}  # what files say beside the notes that were taken
        self._overruled: set[str] = set()

    def take(self, status: Status) -> Status:
        """Take what people noted in the files; gives the plan after that. Raises what opening a
        plan raises.
        """
        for log in execution_log.of(status.id, status.log.events):
            copy = self._copies[log.id] = self._directory.read(status.id, names.LOGS, log.file)
            if copy is None or copy.file is None:
                continue
            self.shown, self._copies[log.id] = copy.shown, None
            base = copy.remembered()
            known = log_text.text(log, status.id) if base is None else base
            added = log_edits.additions(copy.file.text, known)
            fate = copy.fate(["notes"]) if added.notes else "taken"
            if fate == "waits":
                continue
            if added.notes:
                self._rests[log.id] = added.rest
            if fate == "overruled":
                self._overruled.add(log.id)
            elif added.notes:
                status = self._store(status, log, added)
            self._copies[log.id] = copy
        return status

    def _store(self, status: Status, log: ExecutionLog, added: Additions) -> Status:
        work = self._directory.work
        place = PlanPlace(work.repository, status.id)
        with opening.open_for_writing(place, work.reporter, idea=True) as plan:
            who = owners.of_user(plan.repository)
            for kind, text in added.notes:
                if not _has(log, kind, text, who):
                    notes.add(plan, notes.NewNote(kind, text, run=log.run), who)
            self._directory.outcome.edited.append(Edited(plan.id, ("notes",)))
            return plan.status()

    def write(self, status: Status) -> None:
        """Write what the logs say. Raises front_matter.Malformed."""
        for log in execution_log.of(status.id, status.log.events):
            if log.id not in self._copies:
                self._copies[log.id] = self._directory.read(status.id, names.LOGS, log.file)
            copy = self._copies[log.id]
            if copy is not None:
                self.shown = copy.shown
                self._write(status, log, copy)

    def _write(self, status: Status, log: ExecutionLog, copy: Copy) -> None:
        fresh = log_text.text(log, status.id)
        if copy.file is None:
            copy.write(fresh)
            return
        if log.id in self._overruled:
            copy.write(fresh, keeps_original=True)
            return
        text = self._rests.get(log.id, copy.file.text)
        copy.write(fresh, log_edits.merged(text, copy.remembered(), fresh))


def _has(log: ExecutionLog, kind: str, text: str, who: str) -> bool:
    """Whether a log has such a note already: an exchange may have been killed after it took it."""
    note = execution_log.note_entry("", text, who)
    return any(entry._replace(at="") == note for entry in log.notes.get(kind, ()))
