"""The file of a checklist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.documents import front_matter, scout_report
from git_orch.plans.documents.checklist import Item
from git_orch.plans.documents.scout_report import Added, Changes
from git_orch.plans.documents.task_groups import GROUPS

ITEMS = [
    Item("s1", "Create the model", "Implementation", "step"),
    Item("s2", "Add the form", "Implementation", "step", ticked=True),
    Item("s3", "Write tests", "Testing", "step"),
    Item("criterion-0a", "Users log in", "Validation", "criterion"),
]
FIELDS = {"id": "x", "status": "1 of 4 tasks done"}


def report(items: list[Item]) -> str:
    """The file of these items."""
    return scout_report.updated("", None, items, FIELDS, {})


BASE = report(ITEMS)


def again(file: str, items: list[Item], base: str = BASE) -> str:
    return scout_report.updated(file, base, items, FIELDS, {})


def test_a_report_has_the_groups_as_headings() -> None:
    """S2-063."""
    assert BASE.partition("---\n\n")[2] == (
        "## Implementation\n\n- [ ] Create the model <!-- s1 -->\n- [x] Add the form <!-- s2 -->\n"
        "\n## Testing\n\n- [ ] Write tests <!-- s3 -->\n"
        "\n## Validation\n\n- [ ] Users log in <!-- criterion-0a -->\n"
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_ticks_tasks_and_removals_are_read(newline: str) -> None:
    file = (
        BASE.replace("[ ] Create", "[X] Create")
        .replace("[x] Add", "[ ] Add")
        .replace("- [ ] Write tests <!-- s3 -->", "  * [ ] Ask Bob\n1. [x]  Tell Eve")
    ).replace("\n", newline)
    assert scout_report.changes(BASE, file, ITEMS) == Changes(
        ("s1",),
        ("s2",),
        ("s3",),
        (Added("Ask Bob", "Testing", False), Added("Tell Eve", "Testing", True)),
    )


def test_what_the_checklist_ticked_meanwhile_is_no_change_of_a_person() -> None:
    now = [ITEMS[0]._replace(ticked=True), *ITEMS[1:]]
    assert not any(scout_report.changes(BASE, BASE, now))
    assert "[x] Create the model" in again(BASE, now)


def test_a_tick_without_an_export_counts_and_nothing_is_removed() -> None:
    file = BASE.replace("[ ] Create", "[x] Create").replace("- [x] Add the form <!-- s2 -->\n", "")
    assert scout_report.changes(None, file, ITEMS) == Changes(("s1",))


def test_a_file_without_boxes_removes_nothing() -> None:
    assert not any(scout_report.changes(BASE, "", ITEMS))


def test_a_block_of_code_without_an_end_is_a_problem() -> None:
    """It would hide all boxes below it."""
    with pytest.raises(front_matter.Malformed) as raised:
        scout_report.changes(BASE, BASE.replace("## Testing", "```\n## Testing"), ITEMS)
    assert raised.value.line == 11


def test_hand_edits_stay_and_new_tasks_come_below_their_group() -> None:
    """S2-066."""
    file = BASE.replace("Create the model", "Create my model").replace(
        "## Testing", "Mine.\n\n## Testing"
    )
    items = [
        ITEMS[0],
        ITEMS[2]._replace(text="Write more tests"),
        Item("s4", "Log out", "Implementation", "step"),
        Item("s5", "Tell all", "Documentation", "step"),
        ITEMS[3],
        ITEMS[1]._replace(gone=True),
    ]
    assert again(file, items).partition("---\n\n")[2] == (
        "## Implementation\n\n- [ ] Create my model <!-- s1 -->\n- [x] ~~Add the form~~ <!-- s2 -->\n"
        "- [ ] Log out <!-- s4 -->\n\nMine.\n"
        "\n## Testing\n\n- [ ] Write more tests <!-- s3 -->\n"
        "\n## Validation\n\n- [ ] Users log in <!-- criterion-0a -->\n"
        "\n## Documentation\n\n- [ ] Tell all <!-- s5 -->\n"
    )


def test_a_task_that_is_back_is_not_struck_out_any_more() -> None:
    gone = [*ITEMS[:3], ITEMS[3]._replace(gone=True)]
    struck = again(BASE, gone)
    assert "- [ ] ~~Users log in~~ <!--" in struck
    assert again(struck, ITEMS, report(gone)) == BASE


def test_a_task_that_somebody_took_off_elsewhere_is_struck_out() -> None:
    assert "- [ ] ~~Write tests~~ <!-- s3 -->" in again(BASE, [*ITEMS[:2], ITEMS[3]])


def test_a_line_that_is_there_again_brings_its_task_back() -> None:
    """Also one that was struck out, when it is not any more."""
    now = [*ITEMS[:2], ITEMS[3]]
    struck = again(BASE, now)
    assert scout_report.changes(report(now), BASE, now, ["s3"]) == Changes(restored=("s3",))
    assert not any(scout_report.changes(report(now), struck, now, ["s3"]))


def test_an_added_line_gets_the_id_and_the_redacted_text() -> None:
    file = BASE.replace("## Testing\n", "## Testing\n\n- [ ] Use key sk-1\n")
    item = Item("added-1", "Use key [redacted]", "Testing", "added")
    items = [*ITEMS, item]
    said = scout_report.updated(file, BASE, items, FIELDS, {"Use key sk-1": "added-1"})
    assert "- [ ] Use key [redacted] <!-- added-1 -->" in said
    assert "sk-1" not in said
    assert not any(scout_report.changes(report(items), said, items))


def test_a_line_of_a_million_blanks_is_read_at_once() -> None:
    file = BASE + "- [ ] x" + " " * 1_000_000 + "y\n#" + " " * 1_000_000 + "z\n" + "<!--" * 200_000
    assert len(scout_report.read(file)) == 5


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_ITEMS = st.lists(
    st.tuples(_TEXTS, st.sampled_from(GROUPS), st.booleans(), st.booleans()), max_size=6
).map(
    lambda rows: [
        Item(f"s{n}", text, group, "step", ticked=ticked, gone=gone)
        for n, (text, group, ticked, gone) in enumerate(rows)
    ]
)


@given(_ITEMS, _ITEMS)
def test_a_report_says_the_checklist_whatever_its_texts_are(
    old: list[Item], new: list[Item]
) -> None:
    """And what is written says no change of a person."""
    base = report(old)
    assert [line.item for line in scout_report.read(base)] != [""]
    assert not any(scout_report.changes(base, base, old))
    said = again(base, new, base)
    ticks = {line.item: line.ticked for line in scout_report.read(said)}
    assert {item.id: item.ticked for item in new} == {
        name: ticked for name, ticked in ticks.items() if name in {item.id for item in new}
    }
    assert not any(scout_report.changes(report(new), said, new))
    assert again(said, new, report(new)) == said
