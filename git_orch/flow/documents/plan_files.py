"""The files of a plan and its spec, and what people change in them.

What was written last is remembered on this machine, by directory: from it, the file and the plan
follows who changed what. What a person changed becomes events of the plan; a field that both sides
changed in different ways is a conflict, and then neither side changes. So is an edit in a file that
git tracks: a checkout may have brought it, from anybody.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from git_orch import errors
from git_orch.flow.branch import archive, opening
from git_orch.flow.documents import checklist, draft
from git_orch.flow.documents.directory import (
    Conflict,
    Copy,
    Directory,
    Edited,
    Folder,
    Place,
    Problem,
)
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import edit
from git_orch.plans import ids, one_line, plan_document
from git_orch.plans.document import Document
from git_orch.plans.documents import edits as plan_edits
from git_orch.plans.documents import front_matter, markdown, names, spec
from git_orch.plans.documents.edits import Edits
from git_orch.plans.file import planfile
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.history.status import Status
from git_orch.plans.merge import Sides
from git_orch.plans.plan import Plan
from git_orch.repo import localfiles, owners
from git_orch.repo.plan_place import PlanPlace

_WRONG = (
    spec.Malformed,
    PlanFileError,
    front_matter.Malformed,
    errors.Refused,
    errors.UsageError,
)


class PlanFiles:
    """The exchange of one plan with its files."""

    def __init__(self, directory: Directory, status: Status, plans: Folder, specs: Folder) -> None:
        self.status = status
        self._directory = directory
        self._work = directory.work
        self._outcome = directory.outcome
        self._folders = {names.PLANS: plans, names.SPECS: specs}
        plan_file = Place(status.id, names.PLANS, names.plan_file(status.id))
        spec_file = Place(status.id, names.SPECS, names.spec_file(status.id))
        memory = f"{status.id}.md"
        spec_id = names.spec_id(status.id)
        self._copies = {
            names.PLANS: Copy(directory, plan_file, plans.files.get(status.id), memory),
            names.SPECS: Copy(directory, spec_file, specs.files.get(spec_id), memory),
        }
        self._overruled = False
        self._reading = names.PLANS  # the folder whose file is looked at
        self._origins: dict[str, str] = {}  # the folder of the file that changes a field
        self._steps: Sequence[Document] = ()  # those that a file changes
        self._place = PlanPlace(directory.work.repository, status.id)

    def exchange(self, *, archives: bool) -> None:
        """Read, then write; a plan whose file was deleted `archives`, or keeps its files."""
        if self._is_double():
            return
        copy = self._copies[names.PLANS]
        gone = copy.file is None and copy.remembered() is not None
        plans = self._folders[names.PLANS]
        if gone and plans.is_there and not plans.unread:
            if archives:
                self._archive()
            return
        if gone and plans.unread:
            return  # one of the files that cannot be read may be this plan's
        try:
            if not self._read():
                return
        except _WRONG as wrong:
            self._outcome.problems.append(self._problem(wrong))
            return
        self._write()

    def _is_double(self) -> bool:
        spec_id = names.spec_id(self.status.id)
        return (
            self.status.id in self._folders[names.PLANS].doubles
            or spec_id in self._folders[names.SPECS].doubles
        )

    def _problem(self, wrong: Exception) -> Problem:
        """The problem of the file that has the wrong field, or was looked at last."""
        if isinstance(wrong, PlanFileError):
            first = wrong.findings[0]
            self._look_at(first.field.partition("[")[0])
            line = self._line_of_step(_title_at(first.field, self._steps))
            return Problem(self.shown, line, f"{first.field}: {first.message}")
        if isinstance(wrong, spec.Malformed):
            line = self._line_of_step(wrong.step)
            return Problem(self.shown, line, f"step '{wrong.step}': {wrong.problem}")
        if isinstance(wrong, errors.OrchError):
            return Problem(self.shown, 1, f"{wrong.cause} ({wrong.hint})")
        line = wrong.line if isinstance(wrong, front_matter.Malformed) else 1
        return Problem(self.shown, line, str(wrong))

    def _line_of_step(self, title: str | None) -> int:
        file = self._copies[self._reading].file
        return 1 if file is None or title is None else spec.line_of_step(file.text, title)

    @property
    def shown(self) -> str:
        """The path that people read of the file that was looked at last."""
        return self._copies[self._reading].shown

    # -- from files --------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Take what a person changed; False where the files have to wait."""
        edits = self._edits(self.status)
        self._overruled = edits.overruled
        if edits.clashes:
            self._conflict(edits)
            return False
        if not edits.values:
            return True
        copies = self._copies.values()
        tracked = [copy for copy in copies if copy.file is not None and copy.file.is_tracked]
        if tracked and self._work.keep is None:
            conflict = Conflict(self.status.id, tracked[0].shown, tuple(edits.values), True)
            self._outcome.conflicts.append(conflict)
            return False
        if tracked and self._work.keep == "plan":
            self._overruled = True
            return True
        if localfiles.is_held(self._place):
            name = ids.short(self.status.id)
            self._outcome.notes.append(f"'{name}' is running: its edited files wait for the end")
            return False
        with opening.open_for_writing(self._place, self._work.reporter, idea=True) as plan:
            status = plan.status()
            edits = self._edits(status)
            if edits.clashes:
                self._conflict(edits)
                return False
            self._store(plan, status, edits)
            self.status = plan.status()
        return True

    def _conflict(self, edits: Edits) -> None:
        fields = tuple(dict.fromkeys(edits.clashes))
        self._outcome.conflicts.append(Conflict(self.status.id, self.shown, fields))

    def _edits(self, status: Status) -> Edits:
        edits = Edits(keep=self._work.keep)
        self._origins.clear()
        of_plan = functools.partial(plan_edits.of_plan, milestones=markdown.milestones(status))
        for folder, read, take in (
            (names.PLANS, plan_edits.plan_values, of_plan),
            (names.SPECS, plan_edits.spec_values, plan_edits.of_spec),
        ):
            copy = self._copies[folder]
            if copy.file is None or (folder == names.SPECS and not status.plan.steps):
                continue
            self._reading = folder
            base = copy.remembered()
            sides = Sides(
                None if base is None else read(base),
                read(copy.file.text),
                read(self._fresh(folder, status)),
            )
            before = frozenset(edits.values)
            take(edits, sides)  # type: ignore[arg-type]
            self._origins.update(dict.fromkeys(edits.values.keys() - before, folder))
            if edits.clashes:
                break
        return edits

    def _store(self, plan: OpenPlan, status: Status, edits: Edits) -> None:
        values = edits.values
        name = plan.name
        self._look_at("owner")
        owner = owners.required(str(values["owner"]), "its file") if "owner" in values else None
        self._look_at(*values)
        self._steps = cast("Sequence[Document]", values.get("steps", ()))
        new = _edited_plan(status, values)
        is_new = new != status.plan and edit.revise(
            plan, status.plan, new, self._work.estimate(status, new)
        )
        if owner is not None:
            plan.record((plan.home, plan.event("plan.owned", owner=owner)))
        taken = [name for name in values if name == "owner" or (is_new and name in _OF_PLAN)]
        if "status" in values:
            word = str(values["status"])
            if markdown.can_change_state(status) and word in ("draft", "ready"):
                draft.set_ready(plan, ready=word == "ready")
                taken.append("status")
            else:
                self._outcome.notes.append(f"'{name}': no file makes a plan '{word}'")
        ticks = cast("dict[str, bool]", values.get("ticks", {}))
        if ticks and checklist.take(plan, ticks, owners.of_user(plan.repository)):
            taken.append("ticks")
        if taken:
            self._outcome.edited.append(Edited(plan.id, tuple(taken)))

    def _archive(self) -> None:
        """Put the plan of a deleted file away."""
        if localfiles.is_held(self._place):
            name = ids.short(self.status.id)
            self._outcome.notes.append(f"'{name}' is running: its deleted file counts afterwards")
            return
        with opening.open_for_writing(self._place, self._work.reporter, put_away=True) as plan:
            archive.archive(plan, "its exported file was deleted")
        for copy in self._copies.values():
            copy.forget()
            self.status = plan.status()
        self._outcome.archived.append(self.status.id)

    # -- to files ----------------------------------------------------------------------------------

    def _write(self) -> None:
        for folder in (names.PLANS, *([names.SPECS] if self.status.plan.steps else [])):
            copy, fresh = self._copies[folder], self._fresh(folder, self.status)
            if copy.file is None:
                copy.write(fresh)
                continue
            text = plan_edits.merged_file(copy.file.text, fresh, is_spec=folder == names.SPECS)
            copy.write(fresh, text, keeps_original=self._overruled)

    def _fresh(self, folder: str, status: Status) -> str:
        if folder == names.PLANS:
            return markdown.plan_text(status, self._work.templates.plan)
        return markdown.spec_text(status, self._work.templates.spec)

    def _look_at(self, *fields: str) -> None:
        """Look at the file that changes the first of these fields that one changes."""
        changed = (self._origins[name] for name in fields if name in self._origins)
        self._reading = next(changed, self._reading)


def _title_at(field: str, steps: Sequence[Document]) -> str | None:
    """The title of the step that has a field such as steps[2].run."""
    match = re.match(r"steps\[([0-9]+)\]", field)
    place = int(match[1]) if match is not None else len(steps)
    return str(steps[place]["title"]) if place < len(steps) else None


_OF_PLAN = ("title", "body", "objective", "approach", "design", "criteria", "requirements", "steps")


def _edited_plan(status: Status, values: Mapping[str, object]) -> Plan:
    """The plan with the values of its files. Raises PlanFileError."""
    document = plan_document.to_document(status.plan)
    changed = {name: values[name] for name in _OF_PLAN if name in values}
    if not changed:
        return status.plan
    if changed.get("title") and document["objective"] == document["title"]:
        document["objective"] = changed["title"]
    document.update(changed)
    if not status.plan.steps:
        title = str(document["title"])
        problem = one_line.problem(title)
        if problem is not None:
            raise errors.UsageError(f"the title {problem}", f"git orch show {ids.short(status.id)}")
        return plan_document.from_document(document)
    text = json.dumps(document)
    return planfile.read(text, "file", status.step_ids, status.plan)
