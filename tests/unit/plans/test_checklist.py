"""The checklist of a plan."""

from __future__ import annotations

from typing import Any

from git_orch.plans.documents import checklist
from git_orch.plans.history import events, fold
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Branch, Commit, Status
from git_orch.plans.trailers import Claim, Message

PLAN = "PLAN-20261120-8MD3K0R7Q2-x"
BASE = {"commit": "1" * 40, "ref": "refs/heads/main"}
TREE = "2" * 40
TITLES = (
    "Set up the OAuth2 library",
    "Create the user model",
    "Implement login and logout",
    "Add session management",
    "Add rate limits",
    "Write unit tests",
)
CRITERIA = ("Users log in with OAuth2", "`make test` passes")
CHECKS = [{"type": "unit", "argv": ["make", "test"]}]

Body = tuple[str, dict[str, Any]]


def plan(*, titles: tuple[str, ...] = TITLES, **fields: object) -> dict[str, Any]:
    """A plan in a document, with a step for each title."""
    steps = [
        {"id": f"s{n}", "title": title, "kind": "manual", "checks": CHECKS if n == 6 else []}
        for n, title in enumerate(titles, start=1)
    ]
    return {"title": "T", "objective": "T", "steps": steps, "criteria": [*CRITERIA], **fields}


def status(*bodies: Body, branch: Branch | None = None, **fields: Any) -> Status:
    """The status after these events; the first one creates a plan."""
    first = ("plan.created", {"plan": plan(**fields), "base": BASE, "origin": "file"})
    listed = [
        Event(f"01K{n:023d}", name, "here", body) for n, (name, body) in enumerate([first, *bodies])
    ]
    folded = fold.fold(PLAN, events.read([event.line() for event in listed]), branch)
    assert folded is not None
    return folded


def done(step: str) -> tuple[Body, Branch]:
    """A step that has landed, and the branch that says so."""
    landed = {"step": step, "attempt": "a1", "commit": "3" * 40, "tree": TREE, "seconds": 1}
    commit = Commit("3" * 40, TREE, ("1" * 40,), Message(claims=(Claim(PLAN, step, "a1"),)))
    return ("step.landed", landed), Branch("3" * 40, (commit,), "1" * 40)


def ticked(status: Status) -> list[str]:
    """The IDs of the items that are ticked."""
    return [item.id for item in checklist.of(status) if item.ticked]


def test_every_step_and_criterion_is_one_item() -> None:
    """S2-062 and S2-063."""
    items = checklist.of(status())

    assert [tuple(tally) for tally in checklist.tallies(items)] == [
        ("Development", 1, 0),
        ("Implementation", 4, 0),
        ("Testing", 1, 0),
        ("Validation", 2, 0),
    ]
    assert {item.text for item in items} == {*TITLES, *CRITERIA}


def test_a_step_that_is_done_ticks_itself() -> None:
    event, branch = done("s2")

    assert ticked(status(event, branch=branch)) == ["s2"]


def test_a_step_whose_result_was_not_verified_does_not_tick_itself() -> None:
    event, branch = done("s2")
    amended = branch._replace(commits=(branch.commits[0]._replace(tree="4" * 40),))

    assert ticked(status(event, branch=amended)) == []


def test_a_criterion_ticks_itself_when_the_check_that_it_names_has_passed() -> None:
    event, branch = done("s6")

    assert ticked(status(event, branch=branch)) == [
        "s6",
        checklist.text_id("criterion", CRITERIA[1]),
    ]


def test_a_check_that_fails_on_the_tip_unticks_its_criterion() -> None:
    event, branch = done("s6")
    failure = {"tree": TREE, "failed": [{"step": "s6", "command": "make test"}]}

    assert ticked(status(event, ("tip.checked", failure), branch=branch)) == ["s6"]


def test_a_person_ticks_and_unticks() -> None:
    event, branch = done("s2")
    by_hand = ("item.unticked", {"item": "s2", "who": "Ada"}), ("item.ticked", {"item": "s3"})

    after = status(event, *by_hand, branch=branch)

    assert ticked(after) == ["s3"]
    assert [item.by for item in checklist.of(after) if item.by] == ["Ada", "somebody"]


def test_ticks_outlive_an_edit_of_the_text() -> None:
    """S2-066: the step that is gone is marked, the new one is there."""
    titles = (*TITLES[1:], "Write the documentation")
    edited = plan()
    edited["steps"] = plan(titles=titles)["steps"]
    for number, step in enumerate(edited["steps"], start=2):
        step["id"] = f"s{number}"
    items = checklist.of(
        status(
            ("item.ticked", {"item": "s1"}),
            ("item.ticked", {"item": "s2"}),
            ("plan.revised", {"plan": edited}),
        )
    )

    assert [(item.id, item.ticked) for item in items if item.gone] == [("s1", True)]
    assert {item.id for item in items if item.ticked and not item.gone} == {"s2"}
    assert checklist.tallies(items)[-1].group == "Documentation"


def test_a_changed_title_changes_no_id() -> None:
    retitled = plan(titles=("Set up OAuth2", *TITLES[1:]))
    items = checklist.of(
        status(("item.ticked", {"item": "s1"}), ("plan.revised", {"plan": retitled}))
    )

    assert [item.text for item in items if item.ticked] == ["Set up OAuth2"]
    assert not any(item.gone for item in items)


def test_boxes_of_an_idea_are_items() -> None:
    body = "## Milestones\r\n- [x] Create the tables\r\n* [ ] Write tests\r\n"
    draft = {"plan": plan(titles=(), criteria=[], body=body), "base": BASE, "state": "DRAFT"}
    log = events.read([Event(f"01K{0:023d}", "plan.created", "here", draft).line()])
    folded = fold.fold(PLAN, log, None)
    assert folded is not None

    assert [(item.text, item.ticked) for item in checklist.of(folded)] == [
        ("Create the tables", True),
        ("Write tests", False),
    ]


def test_a_box_that_became_a_step_is_one_item() -> None:
    items = checklist.of(status(body=f"- [ ] {TITLES[0].upper()}\n- [ ] More\n"))

    assert [item.text for item in items if item.source == "idea"] == ["More"]


def test_the_tick_of_a_box_stays_when_it_becomes_a_step() -> None:
    box = checklist.text_id("box", TITLES[2])

    assert ticked(status(("item.ticked", {"item": box}))) == ["s3"]


def test_people_add_items_and_remove_them() -> None:
    added = {"item": "added-1", "text": "Tell support", "group": "Documentation"}
    bodies: tuple[Body, ...] = (("item.added", added), ("item.removed", {"item": "s4"}))

    texts = [item.text for item in checklist.of(status(*bodies))]

    assert "Tell support" in texts
    assert TITLES[3] not in texts
    assert "Tell support" not in [
        item.text for item in checklist.of(status(*bodies, ("item.removed", {"item": "added-1"})))
    ]


def test_a_damaged_change_counts_for_nothing() -> None:
    bodies: list[Body] = [("item.ticked", {"item": 1}), ("item.added", {"item": "a"})]

    assert len(checklist.of(status(*bodies))) == 8


def test_an_item_is_found_by_id_by_number_and_by_the_beginning_of_its_id() -> None:
    items = checklist.of(status())

    assert [item.id for item in checklist.find(items, "s2")] == ["s2"]
    assert [item.id for item in checklist.find(items, "2")] == ["s2"]
    assert len(checklist.find(items, "criterion")) == 2
    assert (
        checklist.find(items, "99") == checklist.find(items, "") == checklist.find(items, "*") == []
    )
