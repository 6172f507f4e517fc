"""The life of a plan: the table of states, and that nothing git-orch writes leaves it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.errors import Refused
from git_orch.plans.history import events, fold, life
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import PlanState

PLAN = "PLAN-20261120-8MD3K0R7Q2-x"
LEGAL = {
    "DRAFT": "READY CREATED REJECTED", "READY": "DRAFT CREATED REJECTED",
    "CREATED": "VALIDATED REJECTED", "VALIDATED": "CREATED APPROVED REJECTED",
    "APPROVED": "CREATED EXECUTING REJECTED", "EXECUTING": "COMPLETE FAILED ROLLED_BACK",
    "FAILED": "CREATED EXECUTING ROLLED_BACK", "COMPLETE": "EXECUTING ROLLED_BACK",
    "ROLLED_BACK": "CREATED EXECUTING REJECTED", "REJECTED": "CREATED",
}  # fmt: skip
PAIRS = list(itertools.product(PlanState, repeat=2))


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=lambda each: each.value)
def test_exactly_the_transitions_of_the_design_are_legal(old: PlanState, new: PlanState) -> None:
    """S1-217, S1-218, S1-219: the whole table."""
    assert life.can(old, new) == (new.value in LEGAL[old.value].split())


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=lambda each: each.value)
def test_a_refused_transition_says_what_is_possible_and_names_a_command(
    old: PlanState, new: PlanState
) -> None:
    """S1-220."""
    if life.can(old, new):
        assert life.transition(old, new, "P") is new
        return
    with pytest.raises(Refused) as refused:
        life.transition(old, new, "P")
    assert refused.value.hint.startswith("git orch ")
    assert "P" in refused.value.hint
    if old is not new:
        assert (
            f"cannot become {new.value}, only {LEGAL[old.value].replace(' ', ' or ')}"
            in refused.value.cause
        )


def test_the_states_that_are_possible_come_in_the_order_of_a_life() -> None:
    assert {
        old.value: " ".join(new.value for new in life.next_states(old)) for old in PlanState
    } == LEGAL


@pytest.mark.parametrize(
    ("old", "new", "typed"),
    [
        ("CREATED", "COMPLETE", "git orch exec P"),
        ("CREATED", "APPROVED", "git orch approve P"),
        ("CREATED", "VALIDATED", "git orch check P --record"),
        ("EXECUTING", "APPROVED", "git orch exec P"),
        ("EXECUTING", "REJECTED", "git orch rollback P"),
        ("COMPLETE", "EXECUTING", "git orch edit P"),
        ("REJECTED", "EXECUTING", "git orch edit P"),
        ("APPROVED", "REJECTED", "git orch archive P --why TEXT"),
        ("FAILED", "READY", "git orch state P"),
    ],
)
def test_the_command_is_the_first_on_the_way(old: str, new: str, typed: str) -> None:
    assert life.command(PlanState[old], PlanState[new], "P") == typed


@given(st.sampled_from(PAIRS))
def test_a_way_is_made_of_legal_transitions_and_ends_where_it_leads(
    pair: tuple[PlanState, PlanState],
) -> None:
    states = life.way(*pair)

    assert all(life.can(before, after) for before, after in itertools.pairwise([pair[0], *states]))
    assert (states[-1:] == [pair[1]]) or not states


def test_a_plan_that_is_no_more_edited_has_no_way_back_to_a_draft() -> None:
    assert life.way(PlanState.CREATED, PlanState.DRAFT) == []


# -- what is written -------------------------------------------------------------------------------

EVENTS = {
    PlanState.VALIDATED: ("plan.validated", {}),
    PlanState.APPROVED: ("plan.approved", {"by": "exec"}),
    PlanState.EXECUTING: ("run.started", {"run": "r"}),
    PlanState.FAILED: ("plan.stopped", {"why": "edit"}),
}  # fmt: skip
DOCUMENT = {
    "title": "T",
    "objective": "T",
    "steps": [{"id": "s1", "title": "S", "kind": "run", "run": "true"}],
}


class Written:
    """A log that grows as the commands of git-orch write it, and the state that it has after each
    event.
    """

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.states: list[PlanState] = []
        self.write("plan.created", plan=DOCUMENT, base={"commit": None}, origin="file")

    @property
    def now(self) -> PlanState:
        """The state that the log has."""
        return self.states[-1]

    def write(self, name: str, **body: Any) -> None:
        """One more event."""
        self.lines.append(Event(f"01K{len(self.lines):023d}", name, "here", body).line())
        status = fold.fold(PLAN, events.read([b"\n".join(self.lines)]), None)
        assert status is not None
        self.states.append(status.recorded_state)

    def act(self, act: str) -> None:
        """What a command writes, if it does not refuse."""
        if act == "edit":
            states = life.states_to_edit(self.now, self.now, "P")
            for passed in states[:-1]:
                self.write(*EVENTS[passed][:1], **EVENTS[passed][1])
            self.write("plan.revised", plan=DOCUMENT, state=states[-1].value if states else None)
        elif act == "exec":
            for passed in life.states_to_run(self.now, "P") or [PlanState.EXECUTING]:
                self.write(*EVENTS[passed][:1], **EVENTS[passed][1])
        elif act == "reject":
            if not life.can(self.now, PlanState.REJECTED):
                life.transition(self.now, PlanState.ROLLED_BACK, "P")
                self.write("plan.rolled-back", full=True)
            self.write("plan.rejected")
        elif act in ("complete", "failed", "interrupted", "waiting"):
            if self.now is PlanState.EXECUTING:
                self.write("run.ended", run="r", outcome=act)
        else:
            name, _, full = act.partition(" ")
            self.write(name, full=bool(full))


ACTS = [
    "edit", "exec", "reject", "complete", "failed", "interrupted", "waiting", "plan.validated",
    "plan.approved", "plan.restored", "plan.rolled-back", "plan.rolled-back full",
]  # fmt: skip


@given(st.lists(st.sampled_from(ACTS), max_size=15))
def test_no_sequence_of_commands_leaves_the_table(acts: list[str]) -> None:
    """S1-221: each event keeps the state or is one legal transition, also those that refuse nothing
    (rollback).
    """
    written = Written()
    for act in acts:
        try:
            written.act(act)
        except Refused:
            continue
    for before, after in itertools.pairwise(written.states):
        assert before is after or life.can(before, after), acts


@pytest.mark.parametrize(
    "name", ["run.started", "run.ended", "plan.restored", "plan.stopped", "plan.approved"]
)
def test_only_an_edit_brings_back_what_was_rejected(name: str) -> None:
    written = Written()
    written.write("plan.rejected")
    written.write(name, run="r", outcome="complete")
    written.act("edit")
    assert written.states[1:] == [PlanState.REJECTED, PlanState.REJECTED, PlanState.CREATED]


def test_a_rollback_of_a_plan_that_was_edited_leaves_it_to_be_validated() -> None:
    written = Written()
    for act in ("exec", "failed", "edit", "plan.rolled-back full"):
        written.act(act)
    assert written.now is PlanState.CREATED


def test_a_complete_plan_goes_on_when_it_is_edited() -> None:
    written = Written()
    for act in ("exec", "complete", "edit"):
        written.act(act)
    assert written.now is PlanState.EXECUTING


def test_an_edit_stops_a_plan_that_was_complete_by_its_log_alone() -> None:
    assert life.states_to_edit(PlanState.COMPLETE, PlanState.EXECUTING, "P") == [
        PlanState.FAILED,
        PlanState.CREATED,
    ]


@pytest.mark.parametrize("old", ["DRAFT", "READY", "REJECTED"])
def test_what_has_to_be_edited_first_is_not_begun(old: str) -> None:
    with pytest.raises(Refused, match="cannot become EXECUTING"):
        life.states_to_run(PlanState[old], "P")
