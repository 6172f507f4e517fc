"""Which change of a plan is the last, and what takes it back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.history import changes
from git_orch.plans.history.changes import ChangeKind, Changes
from git_orch.plans.history.events import Event

BRANCH = "refs/heads/orch/PLAN-20261121-0123456789-x"
MAIN = "refs/heads/main"


def oid(number: int) -> str:
    return f"{number:040d}"


SMALL = {
    ChangeKind.READY: "plan.readied",
    ChangeKind.OWN: "plan.owned",
    ChangeKind.COMMENT: "comment.made",
    ChangeKind.SCOUT: "item.ticked",
    ChangeKind.NOTE: "plan.noted",
}


class Written:
    """A log as the commands write it, and what it says of changes."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.write("plan.created", plan={}, base={"commit": oid(1)})
        self.tip = 1

    def write(self, name: str, **body: Any) -> str:
        identifier = f"01K{len(self.events):023d}"
        self.events.append(Event(identifier, name, "here", body))
        return identifier

    def move(self, kind: str, goal: int, ref: str = BRANCH, **marks: str) -> str:
        """A move that was made; that of the plan's branch begins at its tip."""
        body = {"kind": kind, "ref": ref, "from": oid(self.tip), "to": oid(goal), **marks}
        intent = self.write("move.intended", **body, why=f"{kind} it")
        self.write("move.done", move=intent)
        if ref == BRANCH:
            self.tip = goal
        return intent

    @property
    def now(self) -> Changes:
        return changes.read(self.events, BRANCH)

    def make(self, kind: ChangeKind) -> str:
        """A change, as its command writes it; gives its ID."""
        number = len(self.events) + 1_000
        if kind is ChangeKind.RUN:
            run = self.write("run.started", run="r")
            self.move("land", number)
            self.move("land", number + 1)
            return run
        if kind in SMALL:
            return self.write(SMALL[kind])
        if kind is ChangeKind.EDIT:
            return self.write("plan.revised", plan={})
        if kind is ChangeKind.REORDER:
            move = self.move("reorder", number)
            self.write("plan.revised", plan={}, part_of=move)
            return move
        if kind is ChangeKind.LAND:
            move = self.move("land", number, MAIN)
            self.write("plan.archived", why="landed")
            return move
        if kind in (ChangeKind.ARCHIVE, ChangeKind.UNARCHIVE, ChangeKind.REJECT):
            return self.write({"reject": "plan.rejected"}.get(kind.value, f"plan.{kind.value}d"))
        return self.move(kind.value, number)

    def turn(self, turn: changes.Turn = "reverse") -> tuple[str, bool]:
        """Take back or bring again, as `git orch undo` writes it."""
        change, redo = self.now.next(turn)
        assert change is not None
        marks = {"redoes" if redo else "undoes": change.id}
        if change.kind in changes.BRANCH:
            goal = change.new if redo else change.old
            assert oid(self.tip) == (change.old if redo else change.new)
            self.move("undo", int(goal or "0"), **marks)
        elif change.kind in SMALL:
            self.write("change.redone" if redo else "change.undone", **marks)
        elif change.kind in changes.OF_USERS_BRANCH:
            self.move("undo", 1, MAIN, **marks)
        else:
            self.write("plan.revised", plan={}, **marks)
        return change.id, redo


LAST = frozenset({ChangeKind.LAND, ChangeKind.ARCHIVE, ChangeKind.REJECT})
ONCE = frozenset({ChangeKind.CREATE, ChangeKind.SPEC, ChangeKind.PICK})
OTHERS = [kind for kind in ChangeKind if kind not in LAST | ONCE]
MADE = st.sampled_from(OTHERS)


@st.composite
def lives(draw: st.DrawFn) -> list[ChangeKind]:
    """Changes one after the other: none but an undo follows one that archives the plan."""
    kinds = draw(st.lists(MADE, min_size=1, max_size=6))
    return [*kinds, *draw(st.lists(st.sampled_from(sorted(LAST, key=str)), max_size=1))]


@given(lives())
def test_each_change_is_taken_back_in_turn_and_the_branch_is_where_it_was(
    kinds: list[ChangeKind],
) -> None:
    written = Written()
    tips, made = [], []
    for kind in kinds:
        tips.append(written.tip)
        made.append(written.make(kind))
    for tip, change in zip(reversed(tips), reversed(made), strict=True):
        assert written.turn("back") == (change, False)
        assert written.tip == tip
    assert [change.kind for change in written.now.stand] == [ChangeKind.CREATE]
    written.turn("reverse")
    while len(written.now.undone):
        written.turn("onward")
    assert [change.id for change in written.now.stand[1:]] == made


@given(lives(), st.integers(1, 9))
def test_an_undo_takes_itself_back(kinds: list[ChangeKind], times: int) -> None:
    written = Written()
    last = [written.make(kind) for kind in kinds][-1]
    before = [change.id for change in written.now.stand]
    for time in range(times):
        assert written.turn() == (last, time % 2 == 1)
    stands = [change.id for change in written.now.stand]
    assert stands == (before if times % 2 == 0 else before[:-1])


@given(MADE, MADE)
def test_what_was_taken_back_before_a_new_change_comes_no_more(
    first: ChangeKind, second: ChangeKind
) -> None:
    written = Written()
    written.make(first)
    written.turn()
    last = written.make(second)
    assert written.now.undone == []
    assert written.turn() == (last, False)


def test_steps_of_one_run_are_one_change_and_those_of_another_are_another() -> None:
    written = Written()
    written.make(ChangeKind.RUN)
    written.make(ChangeKind.RUN)
    first, second = written.now.stand[1:]
    assert first.new == second.old
    assert second.new == oid(written.tip)


def test_what_is_written_while_a_run_goes_on_leaves_it_one_change() -> None:
    written = Written()
    run = written.write("run.started", run="r")
    written.move("land", 1_001)
    comment = written.write("comment.made")
    written.move("land", 1_002)
    assert [change.id for change in written.now.stand[1:]] == [comment, run]
    assert written.turn() == (run, False)
    assert written.tip == 1


def test_small_changes_of_others_are_not_taken_back() -> None:
    written = Written()
    written.write("item.ticked")
    written.events[-1] = written.events[-1]._replace(clone="there")
    assert len(changes.read(written.events, BRANCH, "here").stand) == 1
    assert len(changes.read(written.events, BRANCH, "there").stand) == 2


def test_a_landing_that_archives_is_one_change() -> None:
    written = Written()
    written.make(ChangeKind.LAND)
    [_, landing] = written.now.stand
    assert (landing.kind, landing.is_archived, landing.archives) == (ChangeKind.LAND, True, True)
    written.write("plan.unarchived", archived=[], part_of=landing.id)
    [_, landing] = written.now.stand
    assert (landing.is_archived, landing.archives) == (False, True)


def test_a_move_that_was_not_made_is_no_change() -> None:
    written = Written()
    intent = written.write("move.intended", kind="drop", ref=BRANCH, to=oid(7), why="drop step 1")
    assert len(written.now.stand) == 1
    written.write("move.abandoned", move=intent)
    written.write("move.done", move=intent)
    assert len(written.now.stand) == 1


def test_an_undo_that_was_cut_off_is_still_to_be_done() -> None:
    written = Written()
    change = written.make(ChangeKind.DROP)
    written.write("move.intended", kind="undo", ref=BRANCH, to=oid(1), why="undo", undoes=change)
    assert written.now.next()[1] is False
    assert [one.id for one in written.now.stand[1:]] == [change]


def test_the_undo_of_an_older_version_took_the_last_rewrite_back() -> None:
    written = Written()
    written.make(ChangeKind.ROLLBACK)
    written.move("undo", 1)
    assert len(written.now.stand) == 1


@pytest.mark.parametrize("field", ["from", "to"])
def test_what_is_no_object_id_reaches_no_git(field: str) -> None:
    written = Written()
    body = {"kind": "drop", "ref": BRANCH, "from": oid(2), "to": oid(3), "why": "drop step 1"}
    intent = written.write("move.intended", **{**body, field: "--output=/tmp/x"})
    written.write("move.done", move=intent)
    change = written.now.stand[-1]
    assert None in (change.old, change.new)
