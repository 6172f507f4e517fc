"""Editing a plan: a `plan.revised` event. Of landed steps only prompts change, for a redo; steps keep
their IDs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from git_orch import errors
from git_orch.flow.approval import approve
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import base, create
from git_orch.flow.reports import Note
from git_orch.plans import ids, plan_document, plan_merge
from git_orch.plans.document import Document
from git_orch.plans.history import life
from git_orch.plans.history.status import MoveKind, PlanState, Status
from git_orch.plans.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class Undo:
    """What an edit takes back or brings again: the fields of its event that say so, as
    `plans/history/changes.py` has it, and the cover commit of the text. A text that `is_logged`
    comes from the log, which a fetch may have brought.
    """

    marks: Mapping[str, str] = field(default_factory=dict)
    cover: str | None = None
    is_logged: bool = False

    @property
    def part(self) -> dict[str, str]:
        """The fields of the move of the cover."""
        return {"part_of": next(iter(self.marks.values()))} if self.marks else {}


def revise(
    plan: OpenPlan,
    old: Plan,
    new: Plan,
    estimate: Document,
    undo: Undo | None = None,
    *,
    message: str = "",
) -> bool:
    """Store another text of the plan, made from the `old` one; False when it is equal, and no
    conflict of two edits is open, which storing it settles.

    A text that the user made or approved here stays their own when they edit it; one from elsewhere
    does not become it, nor does one from the log that was never made here. An interrupted run ends
    with the edit, and a COMPLETE plan goes on. `message` is what a person asked a model to change.
    Raises Refused when more than the prompt of a landed
    step would change, and Busy when somebody else has changed the plan meanwhile.
    """
    status = plan.status()
    if plan_document.to_document(status.plan) != plan_document.to_document(old):
        name = plan.name
        raise errors.Busy(
            f"'{name}' was edited by somebody else meanwhile", f"git orch show {name} --yaml"
        )
    if (
        plan_document.to_document(new) == plan_document.to_document(old)
        and status.recorded_state is not PlanState.REJECTED
        and not status.clashes
    ):
        return False
    _refuse_landed_changes(status, new)
    if bool(new.steps) != bool(old.steps):
        are = "has steps, and the new text has none"
        none = "is an idea without steps, and the new text has some"
        cause = f"'{plan.name}' {are if old.steps else none}"
        raise errors.Refused(cause, f"git orch show {plan.name} --yaml")
    passed = life.states_to_edit(status.recorded_state, status.state, plan.name)
    create.refuse_secrets(plan.repository, new)
    users_own = bool(new.steps) and approve.is_users_own(plan.place, status)
    if undo is not None and undo.is_logged:
        users_own = users_own and approve.was_made(plan, status, new)
    if users_own:
        # Both texts: a kill leaves either of them in the log.
        approve.remember_made(plan, status, status.plan, new)
    if PlanState.FAILED in passed:
        plan.record((plan.home, plan.event("plan.stopped", why="edit")))
    fields: Document = {"estimate": estimate, **({"message": message} if message else {})}
    if PlanState.EXECUTING in passed:
        fields["state"] = "EXECUTING"
    _store(plan, status, new, fields, undo or Undo())
    if users_own:
        approve.remember_made(plan, status, new)
    elif new.steps:
        name = plan.name
        plan.reporter.emit(
            Note(f"'{name}' was not made here: git orch approve {name} is what lets it run")
        )
    return True


def _store(plan: OpenPlan, status: Status, new: Plan, fields: Document, undo: Undo) -> None:
    text = plan_document.to_document(new)
    of = plan_merge.digest(status.plan)
    old = plan_document.to_document(status.plan)
    if all(event.body.get("plan") != old for event in plan.log.log.events):
        fields = {**fields, "was": old}  # it came of several edits, and another clone may lack some
    revised = plan.event("plan.revised", plan=text, of=of, **fields, **undo.marks)
    branch = status.branch
    same = text == old
    if branch is None or same or any(step.commit is not None for step in status.steps):
        plan.record((plan.home, revised))
    elif len(branch.commits) == 1 and base.is_ours(status, branch.tip):
        cover = undo.cover
        if cover is None or plan.objects.read_many([cover])[0] is None:
            cover = base.write_cover(plan.objects, plan.identity, plan.id, new, status.base)
        plan.keep([branch.tip], "the cover before an edit")
        entries, kind = [(cover, revised)], MoveKind.EDIT
        plan.move(branch.tip, cover, "edit", entries, kind=kind, marks=undo.part)
        plan.home = cover
    else:
        plan.record((plan.home, revised))
        plan.reporter.emit(
            Note("the cover commit keeps the old text: the branch holds changes of yours")
        )


def _refuse_landed_changes(status: Status, new: Plan) -> None:
    for old in status.steps:
        if old.commit is None:
            continue
        new_step = new.step(old.id)
        if new_step is None or not _only_prompt_differs(old.step, new_step):
            what = "is missing" if new_step is None else "is changed"
            before = f" --to-step {old.number - 1}" if old.number > 1 else ""
            raise errors.Refused(
                f"step {old.number} ('{old.id}') has landed and {what} in the new text",
                f"git orch rollback {ids.short(status.id)}{before}",
            )


def _only_prompt_differs(old: Step, new: Step) -> bool:
    """Whether two texts of a step are equal, but for the prompt and the requirements it serves."""
    new = new._replace(requirements=old.requirements)
    if old.kind == new.kind == "agent":
        new = new._replace(prompt=old.prompt)
    return plan_document.step_document(old) == plan_document.step_document(new)
