"""The file of a checklist, and the ticks and tasks that people change in it."""

from __future__ import annotations

from git_orch.flow.branch import opening
from git_orch.flow.documents import checklist as flow
from git_orch.flow.documents.directory import Directory, Edited
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans.documents import checklist, names, scout_report
from git_orch.plans.documents.scout_report import Changes
from git_orch.plans.history.status import Status
from git_orch.repo import owners
from git_orch.repo.plan_place import PlanPlace


class ReportFile:
    """The exchange of a plan with the file of its checklist."""

    def __init__(self, directory: Directory, plan: str) -> None:
        self._directory = directory
        self._copy = directory.read(plan, names.REPORTS, names.report_file(plan))
        self._waits = self._copy is None
        self._overruled = False
        self._became: dict[str, str] = {}  # IDs of tasks that were added, by their texts

    @property
    def shown(self) -> str:
        """The path that people read."""
        return self._copy.shown if self._copy is not None else names.REPORTS

    def take(self, status: Status) -> Status:
        """Take what a person changed; gives the plan after that. Raises front_matter.Malformed, and
        what opening a plan raises.
        """
        copy = self._copy
        if copy is None or copy.file is None:
            return status
        self._waits = True  # until all of it is read
        taken_off = {item.id for item in checklist.taken_off(status)}
        items, base = checklist.of(status), copy.remembered()
        changes = scout_report.changes(base, copy.file.text, items, taken_off)
        if any(changes):
            fate = copy.fate(_fields(changes))
            if fate == "waits":
                return status
            self._overruled = fate == "overruled"
            if fate == "taken":
                status = self._store(status, changes)
        self._waits = False
        return status

    def _store(self, status: Status, changes: Changes) -> Status:
        work = self._directory.work
        place = PlanPlace(work.repository, status.id)
        with opening.open_for_writing(place, work.reporter, idea=True) as plan:
            self._change(plan, changes)
            self._directory.outcome.edited.append(Edited(plan.id, _fields(changes)))
            return plan.status()

    def _change(self, plan: OpenPlan, changes: Changes) -> None:
        who = owners.of_user(plan.repository)
        items = checklist.taken_off(plan.status())
        flow.restore(plan, [item for item in items if item.id in changes.restored], who)
        ticks = dict.fromkeys(changes.ticked, True) | dict.fromkeys(changes.unticked, False)
        for task in changes.added:
            item = self._became[task.text] = flow.add(plan, task.text, task.group, who)
            if task.ticked:
                ticks[item] = True
        flow.take(plan, ticks, who)
        removed = {*changes.removed}
        items = [item for item in checklist.of(plan.status()) if item.id in removed]
        flow.remove(plan, items, who)

    def write(self, status: Status) -> None:
        """Write what the checklist says. Raises front_matter.Malformed."""
        copy = self._copy
        if copy is None or self._waits or not status.plan.steps:
            return
        items = checklist.of(status)
        fresh = scout_report.text(status, items)
        if copy.file is None or self._overruled:
            copy.write(fresh, keeps_original=self._overruled)
            return
        fields = scout_report.fields(status, items)
        text = scout_report.updated(copy.file.text, copy.remembered(), items, fields, self._became)
        copy.write(fresh, text)


def _fields(changes: Changes) -> tuple[str, ...]:
    """What changed, for people."""
    has_ticks = bool(changes.ticked or changes.unticked)
    has_tasks = bool(changes.added or changes.removed or changes.restored)
    return (*(["ticks"] if has_ticks else []), *(["tasks"] if has_tasks else []))
