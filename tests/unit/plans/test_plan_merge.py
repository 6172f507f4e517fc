"""Two people's edits of one text of a plan, as one text."""

from __future__ import annotations

from typing import Any

import pytest

from git_orch.plans import plan_document, plan_merge
from git_orch.plans.history import events, fold
from git_orch.plans.history.events import Event
from git_orch.plans.plan import Plan
from git_orch.plans.plan_merge import Clash

BASE: dict[str, Any] = {
    "title": "T", "objective": "one\ntwo\nthree\n", "criteria": ["a", "b"],
    "steps": [
        {"id": "s1", "title": "A", "kind": "run", "run": "make a", "why": "x\ny\nz\n"},
        {"id": "s2", "title": "B", "kind": "manual", "depends_on": ["s1"]},
        {"id": "s3", "title": "C", "kind": "manual", "depends_on": []},
    ],
}  # fmt: skip


def text(*steps: Any, **fields: Any) -> Plan:
    """The text with other fields, and with steps by number: a change, None where one is removed, or
    a whole new one.
    """
    listed = [{**step} for step in BASE["steps"]]
    for at, change in steps:
        if at < len(listed) and change is not None:
            listed[at] |= change
        elif change is not None:
            listed.append(change)
        else:
            listed[at] = {}
    return plan_document.from_document({**BASE, "steps": [s for s in listed if s], **fields})


def documents(plan: Plan) -> dict[str, Any]:
    return {step.id: plan_document.step_document(step) for step in plan.steps}


def test_what_each_changed_counts() -> None:
    first = text((0, {"run": "make all"}), title="U", criteria=["a", "b", "c"])
    later = text((0, {"title": "AA"}), (1, None), objective="one\n2\nthree\n", criteria=["b"])

    both = plan_merge.merged(text(), first, later)

    assert both.clashes == ()
    assert (both.plan.title, both.plan.objective) == ("U", "one\n2\nthree\n")
    assert both.plan.spec is not None
    assert both.plan.spec.criteria == ("b", "c")
    assert [*documents(both.plan)] == ["s1", "s3"]
    step = documents(both.plan)["s1"]
    assert (step["title"], step["run"]) == ("AA", "make all")


def test_prose_is_merged_by_line() -> None:
    first, later = text((0, {"why": "X\ny\nz\n"})), text((0, {"why": "x\ny\nZ\n"}))
    both = plan_merge.merged(text(), first, later)
    assert (both.clashes, documents(both.plan)["s1"]["why"]) == ((), "X\ny\nZ\n")


@pytest.mark.parametrize(
    ("first", "later", "clash"),
    [
        (text((0, {"run": "1"})), text((0, {"run": "2"})), Clash("s1", "run")),
        (text((0, {"why": "1"})), text((0, {"why": "2"})), Clash("s1", "why")),
        (text(title="1"), text(title="2"), Clash("", "title")),
        (text((2, None)), text((2, {"title": "2"})), Clash("s3", "")),
        (text((2, {"title": "1"})), text((2, None)), Clash("s3", "")),
    ],
)
def test_what_both_changed_is_named_and_the_later_counts(
    first: Plan, later: Plan, clash: Clash
) -> None:
    both = plan_merge.merged(text(), first, later)
    assert [one.place for one in both.clashes] == [clash.place]
    kept = first if later.step("s3") is None else later
    assert both.plan == kept


def test_a_step_that_one_removed_stays_where_the_other_needs_it() -> None:
    needs = {"id": "s4", "title": "D", "kind": "manual", "depends_on": ["s3"]}
    later = text((3, needs))
    first = text((2, None), title="U")
    for sides in ((first, later), (later, first)):
        both = plan_merge.merged(text(), *sides)
        assert (both.plan, both.clashes) == (text((3, needs), title="U"), (Clash("s3", ""),))


def test_a_text_that_cannot_be_is_the_later_one() -> None:
    first, later = text((0, {"depends_on": ["s3"]})), text((2, {"depends_on": ["s1"]}))
    both = plan_merge.merged(text(), first, later)
    assert (both.plan, both.clashes) == (later, (Clash("", "steps"),))


def test_a_conflict_has_the_value_that_does_not_count() -> None:
    both = plan_merge.merged(text(), text((0, {"run": "1\n"})), text((0, {"run": "2"})))
    assert both.clashes == (Clash("s1", "run", '"1\\n"'),)


def test_new_steps_of_both_that_have_one_id_are_both_there() -> None:
    mine = {"id": "s4", "title": "Mine", "kind": "manual"}
    yours = [{"id": "s4", "title": "Yours", "kind": "manual"},
             {"id": "s5", "title": "After", "kind": "manual", "depends_on": ["s4"]}]  # fmt: skip
    later = text((3, yours[0]), (4, yours[1]))

    both = plan_merge.merged(text(), text((3, mine)), later, {"s7"})

    steps = documents(both.plan)
    assert both.clashes == ()
    assert {name: step["title"] for name, step in steps.items() if name > "s3"} == {
        "s4": "Mine", "s8": "Yours", "s5": "After",
    }  # fmt: skip
    assert steps["s5"]["depends_on"] == ["s8"]


def test_requirements_are_merged_by_their_ids() -> None:
    one, two, three = ({"id": f"R{n}", "text": "x"} for n in (1, 2, 3))
    base = text(requirements=[one, two])
    first = text(requirements=[{**one, "text": "y"}, two])
    later = text(requirements=[one, two, three])
    both = plan_merge.merged(base, first, later)
    assert both == (text(requirements=[{**one, "text": "y"}, two, three]), ())


def test_one_order_of_two_counts_and_two_clash() -> None:
    steps = BASE["steps"]
    one = plan_document.from_document({**BASE, "steps": [steps[2], *steps[:2]]})
    two = plan_document.from_document({**BASE, "steps": [steps[0], steps[2], steps[1]]})
    assert [*documents(plan_merge.merged(text(), one, text(title="U")).plan)] == ["s3", "s1", "s2"]
    assert plan_merge.merged(text(), one, two).clashes[0].place == ("", "order")


# -- in the log of two clones ----------------------------------------------------------------------


def folded(
    *edits: tuple[Plan, Plan | None], brought: Plan | None = None
) -> tuple[Plan, tuple[Clash, ...]]:
    """The text after edits in a log, each with the text that it is an edit of; the last one may have
    `brought` that along.
    """
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("plan.created", {"plan": BASE, "base": {"commit": None, "ref": None}, "origin": "file"})
    ]
    for new, old in edits:
        of = {} if old is None else {"of": plan_merge.digest(old)}
        bodies.append(("plan.revised", {"plan": plan_document.to_document(new), **of}))
    if brought is not None:
        bodies[-1][1]["was"] = plan_document.to_document(brought)
    log = [Event(f"01K{n:023d}", name, "here", body) for n, (name, body) in enumerate(bodies)]
    status = fold.fold("PLAN-20261121-0123456789-x", events.read(e.line() for e in log), None)
    assert status is not None
    return status.plan, status.clashes


FIRST, LATER = text(title="U"), text((0, {"run": "2"}))
BOTH = text((0, {"run": "2"}), title="U")


def test_edits_of_one_text_come_together() -> None:
    assert folded((FIRST, text()), (LATER, text())) == (BOTH, ())
    assert folded((FIRST, text()), (BOTH, FIRST)) == (BOTH, ())


def test_an_edit_that_goes_on_without_the_others_keeps_theirs() -> None:
    third = text((0, {"run": "2"}), (1, {"title": "BB"}))
    plan, clashes = folded((FIRST, text()), (LATER, text()), (third, LATER))
    assert (plan, clashes) == (text((0, {"run": "2"}), (1, {"title": "BB"}), title="U"), ())


def test_an_edit_of_an_older_version_is_the_text() -> None:
    assert folded((FIRST, text()), (LATER, None)) == (LATER, ())
    assert folded((FIRST, text()), (LATER, text(title="unknown"))) == (LATER, ())


def test_a_clash_is_named_until_somebody_edits_the_text_that_came_of_it() -> None:
    other = text(title="V")
    assert folded((FIRST, text()), (other, text())) == (other, (Clash("", "title", '"U"'),))
    assert folded((FIRST, text()), (other, text()), (LATER, other))[1] == ()


def test_an_edit_of_a_text_that_only_another_clone_had_keeps_the_edits_of_a_third() -> None:
    """One clone had the first and the last edit, and edited what came of these; a third one's lies
    between them.
    """
    third = text((1, {"title": "BB"}))
    edited = text((0, {"run": "2"}), title="U", criteria=["b"])
    whole = text((0, {"run": "2"}), (1, {"title": "BB"}), title="U", criteria=["b"])
    log = ((FIRST, text()), (third, text()), (LATER, text()), (edited, BOTH))
    assert folded(*log, brought=BOTH) == (whole, ())
    assert folded(*log) == (edited, ())
