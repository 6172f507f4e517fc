"""Ideas in a log: plans without steps, their specs, owners and notes."""

from __future__ import annotations

from typing import Any

import pytest

from git_orch.errors import Refused
from git_orch.plans.documents import checklist
from git_orch.plans.history import acts, changes, events, fold, life
from git_orch.plans.history.changes import ChangeKind
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import PlanState, Status

PLAN = "PLAN-20261120-8MD3K0R7Q2-x"
BASE = {"commit": "1" * 40, "ref": "refs/heads/main"}
NOWHERE = {"commit": None, "ref": None}
STEP = {"id": "s1", "title": "Do it", "kind": "manual"}
SPECIFIED = {"title": "T", "objective": "T", "steps": [STEP], "approach": "so"}

Body = tuple[str, dict[str, Any]]


def lines(*bodies: Body, state: str | None = "DRAFT") -> list[Event]:
    """The events of a log that begins with an idea."""
    first: dict[str, Any] = {
        "plan": {"title": "T", "objective": "T", "steps": [], "body": "why\n"},
        "base": NOWHERE,
        "origin": "idea",
        "owner": "Ada",
    }
    named = [("plan.created", first | ({"state": state} if state else {})), *bodies]
    return [Event(f"01K{n:023d}", name, "here", body) for n, (name, body) in enumerate(named)]


def folded(*bodies: Body, state: str | None = "DRAFT") -> Status:
    """The plan that the log of an idea tells of."""
    log = events.read([event.line() for event in lines(*bodies, state=state)])
    status = fold.fold(PLAN, log, None)
    assert status is not None
    return status


def spec(**fields: object) -> Body:
    """The event of a spec."""
    body = {"plan": SPECIFIED, "base": BASE, "origin": "template", "owner": "Ada", **fields}
    return "spec.written", body


@pytest.mark.parametrize("state", [PlanState.DRAFT, PlanState.READY])
def test_an_idea_begins_in_the_state_of_its_event(state: PlanState) -> None:
    status = folded(state=state.value)
    assert (status.state, status.is_idea) == (state, True)


def test_an_idea_keeps_its_body_byte_for_byte() -> None:
    assert folded().plan.body == "why\n"


def test_a_plan_does_not_begin_in_another_state() -> None:
    log = events.read([event.line() for event in lines(state="COMPLETE")])
    assert fold.fold(PLAN, log, None) is None


def test_a_draft_becomes_ready_and_a_draft_again() -> None:
    assert folded(("plan.readied", {})).state is PlanState.READY
    assert folded(("plan.readied", {}), ("plan.drafted", {})).state is PlanState.DRAFT


def test_the_spec_brings_steps_and_base() -> None:
    status = folded(spec())
    assert status.state is PlanState.CREATED
    assert [step.title for step in status.steps] == ["Do it"]
    assert (status.base.commit, status.first_base) == ("1" * 40, "1" * 40)
    assert status.plan.spec is not None
    assert status.plan.spec.approach == "so"


def test_a_second_spec_does_not_count() -> None:
    """S2-028: two clones wrote one, and their logs were merged."""
    other = {**SPECIFIED, "objective": "other"}
    assert folded(spec(), spec(plan=other)).plan.objective == "T"


def test_a_spec_without_steps_is_damage() -> None:
    status = folded(spec(plan={**SPECIFIED, "steps": []}))
    assert (status.state, status.damaged) == (PlanState.DRAFT, 1)


def test_a_plan_with_a_spec_does_not_become_a_draft() -> None:
    assert folded(spec(), ("plan.drafted", {}), ("plan.readied", {})).state is PlanState.CREATED


def test_an_edit_of_an_idea_leaves_its_state() -> None:
    edited = {"title": "U", "objective": "U", "steps": []}
    status = folded(("plan.readied", {}), ("plan.revised", {"plan": edited}))
    assert (status.state, status.plan.title) == (PlanState.READY, "U")


def test_an_edit_brings_a_rejected_idea_back() -> None:
    edited = {"title": "U", "objective": "U", "steps": []}
    status = folded(("plan.rejected", {}), ("plan.revised", {"plan": edited}))
    assert (status.state, status.is_idea) == (PlanState.DRAFT, True)


def test_the_last_owner_counts() -> None:
    assert folded().owner == "Ada"
    assert folded(("plan.owned", {"owner": "Grace"})).owner == "Grace"
    assert folded(("plan.owned", {"owner": "Grace"}), spec(owner="Grace")).owner == "Grace"


def test_notes_are_read_in_their_order() -> None:
    noted = {"kind": "blocker", "text": "no disk", "who": "Ada"}
    status = folded(("plan.noted", noted), ("plan.noted", {**noted, "step": "s1"}))
    assert [(each.kind, each.text, each.step) for each in status.noted] == [
        ("blocker", "no disk", None), ("blocker", "no disk", "s1"),
    ]  # fmt: skip


def test_the_history_of_an_idea_is_told() -> None:
    noted = {"kind": "decision", "text": "use sqlite\nit is there", "step": "s1"}
    events_of_idea = lines(("plan.readied", {}), spec(), ("plan.noted", noted))
    assert [act.text for act in acts.history(events_of_idea)] == [
        "wrote down the idea, draft",
        "marked it ready",
        "wrote the spec: 1 step from a template",
        "decision on step 1: use sqlite",
    ]


def test_a_spec_is_a_change_of_its_own() -> None:
    change, _ = changes.read(lines(spec()), f"refs/heads/orch/{PLAN}").next()
    assert change is not None
    assert change.kind is ChangeKind.SPEC


def test_a_spec_that_is_withdrawn_leaves_the_idea() -> None:
    status = folded(("plan.readied", {}), spec(), ("spec.withdrawn", {}))
    assert (status.state, status.is_idea, status.plan.body) == (PlanState.READY, True, "why\n")
    assert (status.base.commit, status.known_tip) == (None, None)
    assert folded(spec(), ("spec.withdrawn", {}), spec()).state is PlanState.CREATED


def test_a_spec_of_which_something_ran_is_not_withdrawn() -> None:
    status = folded(spec(), ("run.started", {"run": "r"}), ("spec.withdrawn", {}))
    assert len(status.plan.steps) == 1


COMMENT = {"comment": "c", "on": "title", "digest": "d", "text": "no"}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("plan.readied", {}),
        ("plan.owned", {"owner": "Grace"}),
        ("comment.made", COMMENT),
        ("item.added", {"item": "added-1", "text": "More", "group": "Testing"}),
    ],
)
def test_what_was_taken_back_is_as_never_written_until_it_comes_again(
    name: str, body: dict[str, Any]
) -> None:
    made, turned = (name, body), f"01K{1:023d}"
    undone: Body = ("change.undone", {"undoes": turned})
    before, after = look(folded()), look(folded(made))
    assert before != after
    assert look(folded(made, undone)) == before
    assert look(folded(made, undone, ("change.redone", {"redoes": turned}))) == after


def look(status: Status) -> tuple[object, ...]:
    """What people wrote beside the steps."""
    return status.state, status.owner, status.comments, [item.id for item in checklist.of(status)]


def test_a_part_of_a_change_is_taken_back_with_it() -> None:
    status = folded(
        ("comment.made", COMMENT),
        ("plan.revised", {"plan": {"title": "U", "objective": "U", "steps": []}}),
        ("comment.closed", {"comment": "c", "part_of": f"01K{2:023d}"}),
        ("plan.revised", {"plan": SPECIFIED, "undoes": f"01K{2:023d}"}),
    )
    assert status.comments[0].closed is None


def test_an_idea_cannot_run() -> None:
    with pytest.raises(Refused) as refused:
        life.require_steps(folded())
    assert (refused.value.cause, refused.value.hint) == (
        "'PLAN-20261120-8MD3K0R7Q2' has no steps yet",
        "git orch spec PLAN-20261120-8MD3K0R7Q2",
    )


def test_a_spec_leads_from_an_idea_to_a_run() -> None:
    command = life.command(PlanState.READY, PlanState.CREATED, "8MD3")
    assert command == "git orch spec 8MD3"
