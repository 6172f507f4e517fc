"""The fold: what a log and a branch say, whatever order, damage or malice the log holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.history import events, fold, persons_turn, replay
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import (
    Branch,
    Commit,
    MoveKind,
    PlanState,
    Status,
    StepState,
)
from git_orch.plans.trailers import Claim, Message

PLAN = "PLAN-20261120-8MD3K0R7Q2-x"
LEGAL = {
    "DRAFT": "READY CREATED REJECTED", "READY": "CREATED DRAFT REJECTED",
    "CREATED": "VALIDATED REJECTED", "VALIDATED": "APPROVED CREATED REJECTED",
    "APPROVED": "EXECUTING CREATED REJECTED", "EXECUTING": "COMPLETE FAILED ROLLED_BACK",
    "FAILED": "EXECUTING CREATED ROLLED_BACK", "COMPLETE": "EXECUTING ROLLED_BACK",
    "ROLLED_BACK": "EXECUTING CREATED REJECTED", "REJECTED": "CREATED",
}  # fmt: skip


def oid(number: int) -> str:
    """A commit ID."""
    return f"{number:040x}"


def document(count: int = 3) -> dict[str, Any]:
    """A stored plan."""
    steps = [
        {"id": f"s{n}", "title": f"Step {n}", "kind": "files", "files": {f"f{n}": "x"}}
        for n in range(1, count + 1)
    ]
    return {"title": "T", "objective": "T", "steps": steps}


def log_of(*bodies: tuple[str, dict[str, Any]]) -> list[bytes]:
    """Lines of a log with rising IDs, the plan's creation first."""
    first = (
        "plan.created",
        {
            "plan": document(),
            "base": {"commit": oid(1), "ref": "refs/heads/main"},
            "origin": "file",
        },
    )
    return [
        Event(f"01K{number:023d}", name, "here", body).line()
        for number, (name, body) in enumerate([first, *bodies])
    ]


def landed(step: int, attempt: str = "a", commit: int = 0) -> tuple[str, dict[str, Any]]:
    """The event of a landing; tree and commit are numbered by the step."""
    body = {
        "step": f"s{step}",
        "attempt": f"{attempt}{step}",
        "commit": oid(commit or 100 + step),
        "tree": oid(200 + step),
    }
    return "step.landed", body


RUN = ("run.started", {"run": "r"})
COMPLETE = ("run.ended", {"run": "r", "outcome": "complete", "seconds": 1})
EXECUTED = [
    ("plan.validated", {}),
    ("plan.approved", {}),
    RUN,
    landed(1),
    landed(2),
    landed(3),
    COMPLETE,
]


def commit(step: int, *, number: int = 0, tree: int = 0, attempt: str = "a") -> Commit:
    """A commit that claims a step."""
    claims = (Claim(PLAN, f"s{step}", f"{attempt}{step}"),)
    return Commit(oid(number or 100 + step), oid(tree or 200 + step), (oid(1),), Message(claims))


def reverting(target: int, number: int) -> Commit:
    """What `git revert` makes."""
    return Commit(oid(number), oid(999), (oid(1),), Message(reverts=(oid(target),)))


def branch(*commits: Commit, named: Sequence[Commit] = ()) -> Branch:
    """A branch with its cover."""
    cover = Commit(oid(2), oid(10), (oid(1),), Message((), PLAN, oid(1)))
    every = (cover, *commits)
    return Branch(every[-1].oid, every, oid(1), named=tuple(named))


def folded(lines: Sequence[bytes], seen: Branch | None) -> Status:
    """The status, which must be there."""
    found = fold.fold(PLAN, events.read(lines), seen)
    assert found is not None
    return found


def states(lines: Sequence[bytes], seen: Branch | None) -> str:
    """The first letters of the steps' states: done, pending, unverified, claimed, reverted, failed."""
    return "".join(step.state.value[0] for step in folded(lines, seen).steps)


ROADS: dict[PlanState, list[tuple[str, dict[str, Any]]]] = {
    PlanState.CREATED: [],
    PlanState.VALIDATED: EXECUTED[:1],
    PlanState.APPROVED: EXECUTED[:2],
    PlanState.EXECUTING: EXECUTED[:3],
    PlanState.FAILED: [*EXECUTED[:3], ("run.ended", {"run": "r", "outcome": "failed"})],
    PlanState.COMPLETE: EXECUTED,
    PlanState.ROLLED_BACK: [*EXECUTED[:3], ("plan.rolled-back", {"full": True})],
    PlanState.REJECTED: [("plan.rejected", {})],
}


def test_a_step_has_changed_since_it_landed_when_its_prompt_is_another_one() -> None:
    def revised(prompt: str) -> tuple[str, dict[str, Any]]:
        step = {"id": "s1", "title": "Step 1", "kind": "agent", "prompt": prompt}
        return "plan.revised", {"plan": {**document(), "steps": [step]}}

    for text, changed in (("one", False), ("two", True)):
        lines = log_of(revised("one"), landed(1), revised(text))
        assert folded(lines, branch(commit(1))).steps[0].changed_since is changed


STARTED = ("attempt.started", {"step": "s1", "attempt": "a1", "remarks": ["Keep it short."]})
AGAIN = ("attempt.started", {"step": "s1", "attempt": "b1"})


def test_an_attempt_has_what_a_person_said_about_the_step() -> None:
    found = folded(log_of(RUN, STARTED, landed(1), AGAIN, landed(1, "b")), branch())
    assert [attempt.remarks for attempt in found.attempts] == [("Keep it short.",), ()]


@pytest.mark.parametrize(("begun", "said"), [([STARTED], True), ([STARTED, AGAIN], False)])
def test_what_a_person_said_is_what_the_last_attempt_was_told(
    begun: list[tuple[str, dict[str, Any]]], *, said: bool
) -> None:
    """Also where the attempt was killed, so that the log has no end of it."""
    assert bool(folded(log_of(RUN, *begun), branch()).remarks["s1"]) is said


@pytest.mark.parametrize("old", ROADS, ids=lambda each: each.value)
@pytest.mark.parametrize("name", ["validated", "approved", "rejected"])
def test_an_event_for_an_illegal_transition_changes_nothing(old: PlanState, name: str) -> None:
    """S1-221: two clones may each have written what was legal there."""
    wanted = PlanState[name.upper()]
    found = folded(log_of(*ROADS[old], (f"plan.{name}", {})), None).recorded_state
    assert found is (wanted if wanted.value in LEGAL[old.value].split() else old)


def test_done_needs_a_claiming_commit_and_an_event() -> None:
    lines = log_of(*EXECUTED)
    assert states(lines, branch(commit(1), commit(2), commit(3))) == "ddd"
    assert states(lines, branch(commit(1))) == "dpp"
    assert states(lines, branch()) == "ppp"
    assert states(lines, None) == "ppp"
    assert states(log_of(), branch(commit(1))) == "cpp"
    assert states(lines, branch(commit(1, attempt="other"))) == "cpp"


def test_another_tree_is_unverified_until_it_is_verified() -> None:
    seen = branch(commit(1, number=7, tree=77))
    assert states(log_of(*EXECUTED), seen)[0] == "u"
    assert (
        states(log_of(*EXECUTED, ("step.verified", {"step": "s1", "tree": oid(77)})), seen)[0]
        == "d"
    )
    assert (
        states(log_of(*EXECUTED, ("step.verified", {"step": "s2", "tree": oid(77)})), seen)[0]
        == "u"
    )


def test_a_claim_for_another_plan_is_none() -> None:
    other = commit(1)._replace(message=Message((Claim("PLAN-20261120-8MD3K0R7Q2-y", "s1", "a1"),)))
    assert states(log_of(*EXECUTED), branch(other)) == "ppp"


def test_a_revert_counts_by_the_id_the_commit_has_or_landed_with_or_had_in_between() -> None:
    lines = log_of(*EXECUTED)
    amended = commit(1, number=7)
    assert states(lines, branch(commit(1), reverting(101, 8)))[0] == "r"
    assert states(lines, branch(amended, reverting(101, 8)))[0] == "r"
    assert states(lines, branch(amended, reverting(9, 8), named=[commit(1, number=9)]))[0] == "r"
    assert states(lines, branch(amended, reverting(9, 8)))[0] == "d"  # nobody knows what 9 was


@given(st.integers(0, 6))
def test_each_revert_of_a_revert_turns_it_round(count: int) -> None:
    chain = [
        reverting(101 if number == 0 else 300 + number - 1, 300 + number) for number in range(count)
    ]
    assert states(log_of(*EXECUTED), branch(commit(1), *chain))[0] == ("r" if count % 2 else "d")


def test_a_revert_of_a_revert_still_counts_after_a_rebase_gave_both_new_ids() -> None:
    old = reverting(101, 8)
    seen = branch(commit(1, number=7), reverting(101, 18), reverting(8, 19), named=[old])
    assert states(log_of(*EXECUTED), seen)[0] == "d"


def test_a_step_that_landed_again_above_its_revert_is_done() -> None:
    lines = log_of(*EXECUTED, RUN, landed(1, "b", commit=9))
    assert (
        states(lines, branch(commit(1), reverting(101, 8), commit(1, number=9, attempt="b")))[0]
        == "d"
    )


def test_the_plans_state_follows_the_branch() -> None:
    """S1-223: a complete plan whose steps the user reset is not complete."""
    lines = log_of(*EXECUTED)
    assert folded(lines, branch(commit(1), commit(2), commit(3))).state is PlanState.COMPLETE
    assert folded(lines, branch(commit(1))).state is PlanState.EXECUTING
    assert folded(lines, branch()).state is PlanState.ROLLED_BACK


def test_a_failed_attempt_is_failed_until_the_step_lands() -> None:
    failed = ("attempt.failed", {"step": "s1", "attempt": "z", "error": "no"})
    assert states(log_of(RUN, failed), branch())[0] == "f"
    assert states(log_of(RUN, failed, landed(1)), branch(commit(1)))[0] == "d"


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("interrupted", "interrupted"),
        ("budget", "budget"),
        ("turns", "turns"),
        ("limit", "limit"),
        ("key", "no key"),
        ("model", "no model"),
        ("provider", "provider"),
        ("unreachable", "unreachable"),
        ("cut-off", "cut off"),
        ("no-answer", "no answer"),
        ("overloaded", "overloaded"),
    ],
)
def test_a_step_that_something_else_stopped_is_not_failed(reason: str, word: str) -> None:
    body = {"step": "s1", "attempt": "z", "error": "no", "reason": reason}
    status = folded(log_of(RUN, ("attempt.failed", body)), branch())
    assert (status.steps[0].state, status.steps[0].word) == (StepState.STOPPED, word)


ASKED = ("step.asked", {"step": "s1", "attempt": "z", "question": "a or b?"})
ANSWERED = ("step.answered", {"step": "s1", "attempt": "z", "answer": "a", "by": "Ada"})


def asked(*later: tuple[str, dict[str, Any]]) -> tuple[StepState, str]:
    """State and word of the first step after its question."""
    step = folded(log_of(RUN, ASKED, *later), branch()).steps[0]
    return step.state, step.word


def test_a_step_with_a_question_waits_until_somebody_answers() -> None:
    assert asked() == (StepState.ASKED, "asked")
    assert asked(ANSWERED) == (StepState.PENDING, "answered")


def test_an_answer_to_another_attempt_answers_nothing() -> None:
    other = {**ANSWERED[1], "attempt": "y"}
    assert asked(("step.answered", other)) == (StepState.ASKED, "asked")


def test_a_step_that_is_written_anew_asks_nothing_any_more() -> None:
    new = document()
    new["steps"][0]["title"] = "Step 1 with -v"
    assert asked(("plan.revised", {"plan": new})) == (StepState.PENDING, "pending")
    assert asked(("plan.revised", {"plan": document()})) == (StepState.ASKED, "asked")


def test_it_is_a_persons_turn_when_no_other_step_can_start() -> None:
    status = folded(log_of(RUN, ASKED), branch())
    assert persons_turn.persons_turn(status) == ()  # steps 2 and 3 can start
    assert [step.id for step in persons_turn.persons_turn(status, {"s1"})] == ["s1"]
    done = folded(log_of(RUN, landed(2), landed(3), ASKED), branch(commit(2), commit(3)))
    assert [step.id for step in persons_turn.persons_turn(done)] == ["s1"]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("gave-up", "gave up"),
        ("nothing-done", "nothing done"),
        ("check", "failed"),
        (None, "failed"),
    ],
)
def test_a_step_that_failed_has_the_word_of_its_reason(reason: str | None, word: str) -> None:
    body = {"step": "s1", "attempt": "z", "error": "no", "reason": reason}
    status = folded(log_of(RUN, ("attempt.failed", body)), branch())
    assert (status.steps[0].state, status.steps[0].word) == (StepState.FAILED, word)


DAMAGE = [
    b"\n",
    b"   \n",
    b"{\n",
    b"null\n",
    b"\xff\xfe\n",
    b'{"id":"x"}\n',
    b'{"id":"01K',
    b"[" * 5000,
]


@given(
    st.permutations(log_of(*EXECUTED)),
    st.lists(st.sampled_from([*DAMAGE, *log_of(*EXECUTED)])),
    st.integers(0, 8),
)
def test_order_duplicates_and_damage_do_not_change_the_fold(
    lines: list[bytes], extra: list[bytes], cut: int
) -> None:
    """The union of lines, in whichever notes they hang, is all that counts."""
    seen = branch(commit(1), commit(2, tree=7))
    expected = folded(log_of(*EXECUTED), seen)
    shuffled = [b"\n".join([*lines[:cut], *extra]), b"\n".join(lines[cut:])]
    found = folded(shuffled, seen)
    assert (found.steps, found.state, found.attempts) == (
        expected.steps,
        expected.state,
        expected.attempts,
    )
    assert (found.base, found.known_tip) == (expected.base, expected.known_tip)


NAMES = sorted(replay.REPLAYS)
FIELDS = [
    "plan", "base", "estimate", "origin", "run", "outcome", "seconds", "step", "attempt", "commit",
    "tree", "checks", "summary", "error", "usage", "usd", "purpose", "model", "ref", "from", "to",
    "why", "move", "now", "full", "remarks",
]  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["s1", "a1", oid(7), "--output=/x", "\ud800", 10**400, document(), document(1)]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*FIELDS, "type", "command"]), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
bodies = st.tuples(
    st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)
)


@given(st.lists(bodies, max_size=6))
def test_no_event_makes_the_fold_fail(hostile: list[tuple[str, dict[str, Any]]]) -> None:
    found = folded(log_of(*hostile, landed(1)), branch(commit(1)))
    assert len(found.steps) in (1, 3)
    assert found.state in PlanState
    for step in found.steps:
        assert step.state is not StepState.DONE or step.commit is not None


def test_an_event_with_a_damaged_part_is_counted_and_takes_no_effect() -> None:
    """Half of a revision would be a plan that nobody wrote."""
    half = ("plan.revised", {"plan": document(1), "estimate": "no object"})
    found = folded(log_of(half), None)
    assert (len(found.steps), found.damaged) == (3, 1)
    first = json.loads(log_of()[0]) | {"base": 7}
    assert fold.fold(PLAN, events.read([json.dumps(first).encode()]), None) is None


def test_what_is_no_object_id_reaches_no_git_command() -> None:
    for name, field in (
        ("branch.noticed", "now"),
        ("step.verified", "tree"),
        ("plan.rebased", "base"),
    ):
        value: object = {"commit": "--output=/tmp/x"} if field == "base" else "--output=/tmp/x"
        found = folded(log_of((name, {field: value, "step": "s1", "was": oid(1)})), None)
        assert (found.damaged, found.known_tip, found.base.commit) == (1, None, oid(1)), name


def test_an_event_of_a_later_version_is_reported_and_changes_nothing() -> None:
    newer = Event("01K" + "9" * 23, "plan.praised", "here", {}, version=events.FORMAT + 1).line()
    found = folded([*log_of(*EXECUTED), newer], None)
    assert found.log.newer == events.FORMAT + 1
    assert found.recorded_state is PlanState.COMPLETE


def test_a_log_without_a_plan_has_no_status() -> None:
    assert fold.fold(PLAN, events.read([]), None) is None


def going(move: str, new: int, ref: str = "refs/heads/main") -> list[tuple[str, dict[str, Any]]]:
    """The events of a landing that is about to happen; its intent is the event after those of
    EXECUTED.
    """
    body = {"mode": "merge", "tip": oid(103), "commits": {"s1": oid(101)}, "move": move}
    intent = {"ref": ref, "from": oid(1), "to": oid(new), "why": "land on main"}
    return [("move.intended", intent), ("plan.landed", {"ref": ref, "to": oid(new), **body})]


def test_a_landing_counts_when_its_move_is_done() -> None:
    move = f"01K{len(EXECUTED) + 1:023d}"
    before = folded(log_of(*EXECUTED, *going(move, 900)), None)
    after = folded(log_of(*EXECUTED, *going(move, 900), ("move.done", {"move": move})), None)
    assert before.landed is None
    assert after.landed is not None
    assert (after.landed.branch(), after.landed.new) == ("main", oid(900))


def test_a_move_of_the_users_branch_says_nothing_about_the_plan_branch() -> None:
    move = f"01K{len(EXECUTED) + 1:023d}"
    done = folded(log_of(*EXECUTED, *going(move, 900), ("move.done", {"move": move})), None)
    assert done.known_tip is None


def test_a_landing_that_was_taken_back_counts_no_more() -> None:
    there, back = f"01K{len(EXECUTED) + 1:023d}", f"01K{len(EXECUTED) + 4:023d}"
    lines = [*EXECUTED, *going(there, 900), ("move.done", {"move": there})]
    intent = {"ref": "refs/heads/main", "from": oid(900), "to": oid(1), "why": "undo land"}
    lines += [("move.intended", intent), ("plan.unlanded", {"move": back})]
    assert folded(log_of(*lines), None).landed is not None
    assert folded(log_of(*lines, ("move.done", {"move": back})), None).landed is None


def intended(body: dict[str, Any]) -> Status:
    """The plan before a move of its branch."""
    intent = {"ref": f"refs/heads/orch/{PLAN}", "from": oid(103), "to": oid(101), **body}
    return folded(log_of(*EXECUTED, ("move.intended", intent)), None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"kind": "drop", "why": "rollback of a mistake"}, MoveKind.DROP),
        ({"why": "rollback to step 1"}, MoveKind.ROLLBACK),
        ({"why": "drop step 2"}, MoveKind.DROP),
        ({"kind": "teleport", "why": "drop step 2"}, MoveKind.OTHER),
        ({"why": "droppings"}, MoveKind.OTHER),
    ],
)
def test_the_kind_of_a_move_is_a_field_or_in_an_old_log_the_first_word_of_its_reason(
    body: dict[str, Any], kind: MoveKind
) -> None:
    [move] = intended(body).pending_moves
    assert move.kind is kind


def test_a_landing_that_did_not_happen_takes_no_step_back() -> None:
    """By fast forward it would have moved the branch to the very commit that landed a step."""
    move = f"01K{len(EXECUTED) + 1:023d}"
    given_up = folded(
        log_of(*EXECUTED, *going(move, 103), ("move.abandoned", {"move": move})), None
    )
    assert given_up.landed is None
    assert [attempt.outcome for attempt in given_up.attempts] == ["landed"] * 3
