"""Plans as Markdown files, and back."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import merge, plan_document
from git_orch.plans.document import Document
from git_orch.plans.documents import edits, front_matter, sections, spec
from git_orch.plans.file import schema, source
from git_orch.plans.merge import Clash, Sides
from git_orch.plans.plan import Check, Command, FileContent, Plan, Requirement, Spec, Step

_TEXTS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), whitelist_characters="\n\t#`-[]:$"),
    max_size=80,
)
_LINES = _TEXTS.map(lambda text: " ".join(text.split()) or "title")


@given(_LINES, _TEXTS.map(lambda text: " ".join(text.split())))
def test_any_title_and_owner_come_back_from_front_matter(title: str, owner: str) -> None:
    text = front_matter.render({"title": title, "owner": owner, "status": "draft"})
    front = front_matter.read(text)
    assert front is not None
    assert (front.text("title"), front.text("owner")) == (title, owner)
    assert front.text("status") == "draft"


@given(_LINES, _TEXTS, _TEXTS, _TEXTS, st.lists(_TEXTS.map(str.strip).filter(bool), max_size=3))
def test_any_spec_comes_back_as_the_plan_that_it_was(
    title: str, prompt: str, approach: str, design: str, criteria: list[str]
) -> None:
    steps = (
        Step("s1", title, "agent", prompt=prompt or "x"),
        Step("s2", title, "run", command=Command(shell="echo ```\nmake"), why=prompt or None),  # noqa: S604
        Step("s3", "files", "files", files={"a b.md": FileContent(f"```yaml\n{design}\n```\n")}),
        Step(
            "s4",
            "manual",
            "manual",
            prompt="2. [ ] no step\n\n## Acceptance Criteria\n\n- [ ] none",
            depends_on=("s1",),
            checks=(Check("unit", Command(argv=("make", "test")), 1, 30),),
        ),
    )
    plan = Plan("T", "O", steps, spec=Spec(approach, design, tuple(criteria)))
    text = spec.body(plan, {"s1"})
    read = spec.read(text)
    document = {"title": "T", "objective": "O", "steps": list(read.steps)}
    back = schema.plan_of(source.read(json.dumps(document), "x"), "x", ["s1", "s2", "s3", "s4"])
    assert back.steps == plan.steps
    assert spec.read(spec.body(plan._replace(steps=back.steps))) == read
    assert spec.updated(text, 0, text, 0) == text


@pytest.mark.parametrize(
    "title",
    ["a\nstatus: done", "a: b", 'say "x"', "---", "${OWNER}", "it's", "# no comment", "yes", "- x"],
)
def test_a_title_makes_no_key(title: str) -> None:
    text = front_matter.update("---\nid: X\n---\nbody\n", {"title": title})
    parsed = next(yaml.safe_load_all(text))
    assert parsed == {"id": "X", "title": title}


def test_an_update_changes_one_line_and_keeps_comments_bom_and_line_ends() -> None:
    text = (
        "\ufeff---\r\n# mine\r\nzeta: [1, 2]  \r\nstatus: draft   # or ready\r\n"
        "title: 'status: ready'\r\nspec_id:   # none yet\r\n---\r\nstatus: draft\r\n"
    )
    new = front_matter.update(text, {"status": "in-spec", "spec_id": "SPEC-1"})
    assert new == text.replace("draft   #", "in-spec   #").replace(
        "spec_id:   #", "spec_id: SPEC-1   #"
    )


@pytest.mark.parametrize("value", ["", "''", '""', "null", "~", None])
def test_an_empty_value_is_empty_however_it_is_written(value: str | None) -> None:
    line = "" if value is None else f"spec_id: {value}\n"
    front = front_matter.read(f"---\nid: X\n{line}---\n")
    assert front is not None
    assert front.text("spec_id") == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\nid: X\n", 1),
        ("---\nid: X\n\ttitle: a: b\n---\n", 3),
        ("---\n- a\n---\n", 2),
        ("---\nid: 1\nid: 2\n---\n", 3),
        ("---\nid: *x\n---\n", 2),
        ("---\nid: \x01\n---\n", 2),
        ("---\nid: " + "[" * 9000 + "\n---\n", 2),
    ],
)
def test_malformed_front_matter_is_named_by_its_line(text: str, line: int) -> None:
    with pytest.raises(front_matter.Malformed) as wrong:
        front_matter.read(text)
    assert wrong.value.line == line


def test_a_text_under_an_unknown_heading_and_a_persons_words_stay() -> None:
    plan = Plan("T", "O", (Step("s1", "one", "manual", prompt="do it"),))
    mine = (
        spec.body(plan).replace("## Acceptance", "Mine.\n\n## Acceptance") + "\n## Risks\n\nmany\n"
    )
    new = plan._replace(steps=(*plan.steps, Step("s2", "two", "manual")))
    updated = spec.updated(mine, 0, spec.body(new, {"s1"}), 0)
    assert updated.endswith("\n## Risks\n\nmany\n")
    assert "1. [x] one" in updated
    assert [step["title"] for step in spec.read(updated).steps] == ["one", "two"]


def test_a_comment_in_the_block_of_a_step_stays_while_the_step_does() -> None:
    steps = tuple(
        Step(f"s{number}", name, "run", command=Command(shell="make"))  # noqa: S604
        for number, name in enumerate(("one", "two"), start=1)
    )
    plan = Plan("T", "O", steps)
    mine = spec.body(plan).replace("run: make\n", "run: 'make'  # mine\n")
    changed = plan._replace(steps=(steps[0], steps[1]._replace(title="three")))

    updated = spec.updated(mine, 0, spec.body(changed, {"s1"}), 0)

    assert spec.updated(mine, 0, spec.body(plan), 0) == mine
    assert updated.count("run: 'make'  # mine\n") == 1
    assert "1. [x] one" in updated
    assert spec.read(updated).steps == spec.read(spec.body(changed)).steps


@pytest.mark.parametrize(
    ("sides", "ticks"),
    [
        (Sides(" ", "x", " "), {"s1": True}),
        (Sides("x", " ", "x"), {"s1": False}),
        (Sides("x", "x", " "), {}),
        (Sides(" ", " ", "x"), {}),
        (Sides(" ", "x", "x"), {}),
        (Sides(None, "X", " "), {"s1": True}),
        (Sides(None, " ", "x"), {}),
    ],
)
def test_a_tick_is_a_persons_where_the_file_alone_changed(
    sides: Sides[str], ticks: dict[str, bool]
) -> None:
    plan = Plan("T", "O", (Step("s1", "one", "manual"),))

    def values(tick: str) -> edits.SpecValues:
        return edits.spec_values(spec.body(plan).replace("1. [ ]", f"1. [{tick}]"))

    base = None if sides.base is None else values(sides.base)
    read = edits.Edits()
    edits.of_spec(read, Sides(base, values(sides.file), values(sides.plan)))

    assert read.values.get("ticks", {}) == ticks


def test_a_box_follows_the_plan_both_ways() -> None:
    steps = (Step("s1", "one", "manual"), Step("s2", "two", "manual"))
    plan = Plan("T", "O", steps, spec=Spec("", "", ("It  works\n\nwell",)))
    body = spec.body(plan, {"s1"})
    ticked = {name for name in spec.ticks(body) if name != "s1"}

    for changed in (plan, plan._replace(steps=(steps[0], steps[1]._replace(title="three")))):
        updated = spec.updated(body, 0, spec.body(changed, ticked), 0)
        assert spec.ticks(updated) == {"s1": False} | dict.fromkeys(ticked, True)


@given(_LINES, st.lists(_TEXTS.filter(lambda text: bool(text.strip())), max_size=2))
def test_any_requirement_comes_back_from_a_spec(text: str, checks: list[str]) -> None:
    required = Requirement("R-1.a", text, tuple(checks), ("src/**", "a `b`.py"))
    other = Requirement("R2", f" {text}\u00a0")
    plan = Plan("T", "O", (), spec=Spec(requirements=(required, other)))
    body = spec.body(plan)
    documents = [plan_document.requirement_document(item) for item in (required, other)]
    assert list(spec.read(body).requirements) == documents
    assert spec.updated(body, 0, body, 0) == body


def test_a_section_of_requirements_that_has_no_ids_is_a_persons_text() -> None:
    plan = Plan("T", "O", (Step("s1", "one", "manual"),))
    mine = f"{spec.body(plan)}\n## Requirements\n\n- It must be fast.\n- **Note**\n"
    assert spec.read(mine).requirements == ()
    assert spec.updated(mine, 0, spec.body(plan), 0) == mine


def test_only_the_item_of_a_requirement_that_changed_changes() -> None:
    one, two = Requirement("R1", "one"), Requirement("R2", "two", watch=("src",))
    plan = Plan("T", "O", (), spec=Spec(requirements=(one, two)))
    mine = spec.body(plan).replace("watch: [src]", "watch: ['src']  # mine")
    changed = plan._replace(spec=Spec(requirements=(one._replace(text="uno"), two)))
    updated = spec.updated(mine, 0, spec.body(changed), 0)
    assert updated == mine.replace("**R1**: one", "**R1**: uno")
    gone = spec.updated(mine, 0, spec.body(plan._replace(spec=None)), 0)
    assert spec.read(gone).requirements == ()


def test_each_side_changes_other_lines() -> None:
    assert merge.lines(Sides("a\nb\nc\n", "A\nb\nc\n", "a\nb\nc\nd\n")) == "A\nb\nc\nd\n"


def test_both_sides_changed_one_line() -> None:
    with pytest.raises(Clash):
        merge.lines(Sides("a\nb\n", "A\nb\n", "AA\nb\n"))


@given(_TEXTS, _TEXTS)
def test_a_text_that_one_side_changed_is_that_sides(base: str, other: str) -> None:
    assert merge.lines(Sides(base, other, base)) == other
    assert merge.lines(Sides(base, base, other)) == other


def test_each_side_changes_another_field_of_a_step() -> None:
    base: Document = {"id": "s1", "title": "one", "prompt": "do"}
    file, plan = {**base, "title": "ONE"}, {**base, "prompt": "DO"}
    new: Document = {"title": "new"}
    sides = Sides((base,), (file, new), (plan,))
    text = edits.Edits()
    text.take("steps", edits._steps, sides)
    assert text.values["steps"] == ({**base, "title": "ONE", "prompt": "DO"}, {"title": "new"})


def test_an_item_in_a_block_of_code_before_the_list_is_no_item() -> None:
    text = "## A\n```\n- [ ] no\n```\n- [x] yes\n  more\n## B\n"
    [item] = sections.items(text, sections.read(text, ("A", "B"))["A"])
    assert (item.title, item.below, item.is_done) == ("yes", "more", True)
