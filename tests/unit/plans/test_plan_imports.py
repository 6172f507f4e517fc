"""Files of other tools become plans: Task Master, spec-kit, OpenSpec, beads, Markdown checklists."""

from __future__ import annotations

import contextlib
import json

import pytest

from git_orch.errors import UsageError
from git_orch.plans.imports import recognise
from git_orch.plans.imports.assemble import Imported
from git_orch.plans.imports.task import Files


def read(
    text: object, *, name: str = "tasks", part: str = "", beside: dict[str, str] | None = None
) -> Imported:
    """What the file says, which has to be one of another tool."""
    written = text if isinstance(text, str) else json.dumps(text)
    imported = recognise.read(Files(name, written, beside or {}, part))
    assert imported is not None
    return imported


def steps(imported: Imported) -> dict[str, list[str]]:
    """By the title of a step: the titles of those that it waits for."""
    titles = {step.id: step.title for step in imported.plan.steps}
    return {step.title: [titles[need] for need in step.depends_on] for step in imported.plan.steps}


def refusal(text: object, **options: str) -> str:
    """The cause of a refusal; it has a hint, and is one line."""
    with pytest.raises(UsageError) as refused:
        read(text, **options)  # type: ignore[arg-type]
    assert refused.value.hint
    assert "\n" not in refused.value.cause
    return refused.value.cause


def task(number: int, **fields: object) -> dict[str, object]:
    """A task of Task Master."""
    return {"id": number, "title": f"Task {number}", "status": "pending", **fields}


def master(*tasks: dict[str, object]) -> dict[str, object]:
    """A tasks.json with one tag."""
    return {"master": {"tasks": [*tasks], "metadata": {"description": "x"}}}


def issue(name: str, *links: tuple[str, str], **fields: object) -> str:
    """A line of beads."""
    dependencies = [{"issue_id": name, "depends_on_id": to, "type": kind} for to, kind in links]
    usual = {"id": name, "title": f"Do {name}", "status": "open", "priority": 2}
    return json.dumps({**usual, "issue_type": "task", "dependencies": dependencies, **fields})


# -- which tool ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "title: A\nsteps:\n  - title: B\n    run: 'true'\n",
        "# A plan\n---\ntitle: A\nbody: |\n  - [ ] a box\nsteps: []\n",
        '{"title": "A", "steps": [{"title": "B", "run": "true"}]}',
        '{"title": "A", "tasks": [], "steps": []}',
        "just words",
        "",
        "{",
    ],
)
def test_a_plan_file_is_none_of_another_tool(text: str) -> None:
    assert recognise.read(Files("plan.yaml", text)) is None


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        (master(task(1)), "tasks of Task Master"),
        ({"tasks": [task(1)]}, "tasks of Task Master"),
        ("- [ ] T001 Set up\n", "tasks of spec-kit"),
        ("---\ndescription: x\n---\n\n- [ ] T001 [P] [US1] Set up\n", "tasks of spec-kit"),
        ("## 1. Model\n- [ ] 1.1 Add fields\n", "a change of OpenSpec"),
        (issue("bd-1"), "issues of beads"),
        ("# Things\n* [ ] One\n", "a checklist"),
        ("\ufeff1. [ ] One\r\n2. [ ] Two\r\n", "a checklist"),
    ],
)
def test_a_file_is_recognised_by_what_it_says(text: object, tool: str) -> None:
    assert read(text, name="notes.txt").notes[0].startswith(f"read as {tool}: ")


# -- Task Master -----------------------------------------------------------------------------------


def test_open_tasks_of_task_master_wait_for_open_ones() -> None:
    imported = read(
        master(task(1, status="done"), task(2, dependencies=[1]), task(3, dependencies=[2, "1"]))
    )
    assert steps(imported) == {"2 Task 2": [], "3 Task 3": ["2 Task 2"]}
    assert imported.notes == ("read as tasks of Task Master: 2 open tasks, 1 done and left out",)


def test_subtasks_are_the_steps_of_their_task() -> None:
    """A bare number in a subtask is a subtask beside it, and who needs the task needs them all."""
    below = [task(1), task(2, dependencies=[1]), task(3, dependencies=["4.1"])]
    imported = read(
        master(task(1), task(4, dependencies=[1], subtasks=below), task(5, dependencies=[4]))
    )
    first, one = "1 Task 1", "4.1 Task 1"
    assert steps(imported) == {
        first: [],
        one: [first],
        "4.2 Task 2": [first, one],
        "4.3 Task 3": [first, one],
        "5 Task 5": [one, "4.2 Task 2", "4.3 Task 3"],
    }


def test_the_test_strategy_and_the_task_around_it_are_in_the_prompt() -> None:
    below = [task(1, testStrategy="Run it twice")]
    [step] = read(master(task(7, details="All of it", subtasks=below))).plan.steps
    assert step.prompt is not None
    assert "How to test it: Run it twice" in step.prompt
    assert "This is a part of: 7 Task 7\n\nTask 7\n\nAll of it" in step.prompt


def test_tasks_that_are_put_off_are_left_out_with_a_line() -> None:
    notes = read(
        master(task(1, status="deferred"), task(2, dependencies=[1], priority="high"))
    ).notes
    assert notes[1:] == (
        "the field 'priority' of 1 task is left out",
        "task '1' is deferred: it is left out",
        "task '2' waits for '1', which is left out: it does not wait",
    )


def test_a_tag_is_chosen_by_its_name() -> None:
    tags = {**master(task(1)), "api": {"tasks": [task(1, title="Serve")]}}
    assert steps(read(tags, part="API")) == {"1 Serve": []}
    assert read(tags).notes[1] == "1 open task is of the tag 'api' left out (--part)"


def test_several_tags_without_the_usual_one_are_a_choice() -> None:
    tags = {name: {"tasks": [task(1)]} for name in ("one", "two")}
    assert refusal(tags) == "tasks: it has several tags: 'one', 'two'"


# -- spec-kit --------------------------------------------------------------------------------------

PHASES = """\
# Tasks: Photo albums

## Phase 1: Setup
- [x] T001 Create the project
- [ ] T002 [P] Configure linting
- [ ] T003 [P] Configure tests

## Phase 2: Foundational (Blocking Prerequisites)
- [ ] T004 Schema

## Phase 3: User Story 1 - Upload (Priority: P1)

**Goal**: People upload

- [ ] T005 [P] [US1] Model in src/a.py
- [ ] T006 [P] [US1] Model in src/b.py
- [ ] T007 [US1] Service
      with a second line (depends on T005)

## Phase 4: User Story 2 - Share
- [ ] T008 [US2] Share (depends on T005,
  T006)

## Phase N: Polish
- [ ] TXXX [P] Documentation

## Dependencies
- T002 before T003
- T007 blocks all of it
- T004 does not depend on T999

## Validation Checklist
- [ ] Every task names a path
"""


def test_phases_and_marks_of_spec_kit_are_the_order() -> None:
    waits = {
        title[:4]: [need[:4] for need in needs] for title, needs in steps(read(PHASES)).items()
    }
    assert waits == {
        "T002": [],
        "T003": ["T002"],
        "T004": ["T002", "T003"],
        "T005": ["T004"],
        "T006": ["T004"],
        "T007": ["T005", "T006"],
        "T008": ["T004", "T005", "T006"],
        "TXXX": ["T007", "T008"],
    }


def test_what_spec_kit_says_in_vain_is_reported() -> None:
    assert read(PHASES).notes[1:] == (
        "1 box of a checklist about the tasks is left out",
        "line 29 is not understood: - T007 blocks all of it",
        "line 30 is not understood: - T004 does not depend on T999",
    )


def test_the_goal_of_a_phase_is_in_the_prompt() -> None:
    prompts = [step.prompt or "" for step in read(PHASES).plan.steps]
    assert sum("Goal: People upload" in prompt for prompt in prompts) == 3


def test_a_user_story_alone_becomes_a_plan() -> None:
    assert len(read(PHASES, part="us1").plan.steps) == 3
    assert len(read(PHASES, part="Phase 4").plan.steps) == 1


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("T003 → T002", {"T002": ["T003"]}),
        ("- **T003** requires T001-T002", {"T003": ["T001", "T002"]}),
        ("* T002, T003 after T001", {"T002": ["T001"], "T003": ["T001"]}),
        ("```\nT001 -> T002 -> T003\n```", {"T002": ["T001"], "T003": ["T002"]}),
        (
            "- T002 after T001; T003 is alone.\n  T003 after T002",
            {"T002": ["T001"], "T003": ["T002"]},
        ),
        ("- T001 to T002 must be complete before T003", {"T003": ["T001", "T002"]}),
    ],
)
def test_sentences_about_the_order_are_understood(line: str, needs: dict[str, list[str]]) -> None:
    text = "".join(f"- [ ] T00{n} [P] Do {n}\n" for n in (1, 2, 3)) + f"## Dependencies\n{line}\n"
    waits = {title[:4]: [one[:4] for one in names] for title, names in steps(read(text)).items()}
    assert {name: names for name, names in waits.items() if names} == needs


def test_a_named_later_task_outweighs_the_place_in_the_file() -> None:
    text = "- [ ] T001 A (depends on T002)\n- [ ] T002 B\n"
    assert steps(read(text)) == {"T002 B": [], "T001 A (depends on T002)": ["T002 B"]}


def test_the_requirements_of_a_spec_are_the_criteria() -> None:
    beside = {"spec.md": "- **FR-001**: It MUST work\n", "plan.md": "## Summary\nSo.\n## Other\n"}
    spec = read("- [ ] T001 A\n", beside=beside).plan.spec
    assert spec is not None
    assert (spec.criteria, spec.approach) == (("FR-001: It MUST work",), "So.")


# -- OpenSpec --------------------------------------------------------------------------------------


def test_tasks_of_openspec_come_one_after_the_other() -> None:
    text = "## 1. A\n- [x] 1.1 One\n- [ ] 1.2 Two\n## 2. B\n- [ ] 2.1 Three\n"
    assert steps(read(text)) == {"1.2 Two": [], "2.1 Three": ["1.2 Two"]}
    assert [*steps(read(text, part="2"))] == ["2.1 Three"]


def test_a_number_that_openspec_has_twice_is_reported() -> None:
    imported = read("- [ ] 1.1 One\n- [ ] 1.1 Two\n")
    assert steps(imported) == {"1.1 One": [], "1.1 Two": ["1.1 One"]}
    assert imported.notes[1:] == ("line 2: another task has the number 1.1",)


def test_a_change_of_openspec_says_why_what_and_how() -> None:
    beside = {
        "proposal.md": "# Change: Add sign-in\n## Why\nBecause.\n## What Changes\nThis.\n",
        "design.md": "# Design\nSo.\n",
        "specs/auth/spec.md": (
            "## ADDED Requirements\n### Requirement: Sign-in\nThe system SHALL sign in.\n"
            "#### Scenario: Good\n- **WHEN** x\n"
            "## REMOVED Requirements\n### Requirement: Guests\nNobody is a guest.\n"
        ),
    }
    plan = read("- [ ] Write it\n", beside=beside).plan
    assert (plan.title, plan.objective) == ("Add sign-in", "Because.")
    assert plan.spec is not None
    assert (plan.spec.approach, plan.spec.design) == ("This.", "# Design\nSo.")
    assert plan.spec.criteria == (
        "Sign-in: The system SHALL sign in.",
        "removed: Guests: Nobody is a guest.",
    )


# -- beads -----------------------------------------------------------------------------------------


def test_issues_of_beads_run_by_priority_after_those_that_block_them() -> None:
    lines = [
        issue("bd-a", ("bd-c", "blocks"), priority=0),
        issue("bd-b", ("bd-z", "related"), priority=3),
        issue("bd-c", ("bd-d", "blocks"), priority=4),
        issue("bd-d", status="closed"),
    ]
    imported = read("\n".join(lines))
    assert steps(imported) == {
        "bd-b Do bd-b": [],
        "bd-c Do bd-c": [],
        "bd-a Do bd-a": ["bd-c Do bd-c"],
    }
    assert imported.notes[1:] == ("1 link is of the type 'related' left out",)


def test_an_epic_becomes_its_issues() -> None:
    lines = [
        issue("bd-e", issue_type="epic", description="All"),
        issue("bd-e.1", ("bd-e", "parent-child"), labels=["ui"]),
        issue("bd-f", ("bd-e", "blocks")),
        issue("bd-g", issue_type="epic"),
    ]
    imported = read("\n".join(lines))
    assert steps(imported) == {"bd-e.1 Do bd-e.1": [], "bd-f Do bd-f": ["bd-e.1 Do bd-e.1"]}
    assert imported.plan.title == "Do bd-e"
    assert "All" in (imported.plan.steps[0].prompt or "")
    assert len(read("\n".join(lines), part="UI").plan.steps) == 1
    assert imported.notes[1:] == ("task 'bd-g' is an epic without issues: it is left out",)


# -- a checklist -----------------------------------------------------------------------------------


def test_a_nested_checklist_has_its_innermost_boxes_as_steps() -> None:
    text = "# Release\n- [ ] Build\n  - [x] Linux\n  - [ ] Mac\n    on both chips\n- [~] Publish\n"
    imported = read(text)
    assert steps(imported) == {"Mac": [], "Publish": []}
    assert imported.plan.title == "Release"
    assert imported.notes[1:] == ("line 6: the box '[~]' counts as open",)
    assert imported.plan.steps[0].prompt == (
        "Mac\n\non both chips\n\nIt stands below: Release\n\n"
        "This is a part of: Build\n\nBuild\n\nIt stands below: Release"
    )


def test_boxes_in_code_and_comments_are_no_tasks() -> None:
    text = "- [ ] One\n```\n- [ ] Code\n```\n<!--\n- [ ] Comment\n-->\n"
    assert steps(read(text)) == {"One": []}


def test_a_letter_in_brackets_is_no_box() -> None:
    assert steps(read("- [ ] One\n- [P] tasks have no order\n")) == {"One": []}


def test_a_long_task_has_a_short_title_and_a_whole_prompt() -> None:
    long = "word " * 60
    [step] = read(f"- [ ] {long}\n").plan.steps
    assert len(step.title) <= 72
    assert step.title.endswith("word...")
    assert step.prompt == long.strip()


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (master(task(1, dependencies=[2]), task(2, dependencies=[1])), "wait for each other: 1 -> 2 -> 1"),
        (master(task(1, dependencies=[9])), "task '1' waits for '9', and the file has no such task"),
        (master(task(1), task(1)), "2 tasks have the ID '1'"),
        (master(task(1, status="done")), "no task is open"),
        (master(), "it has no task"),
        ({"master": {"tasks": [5]}}, "task 1 is no object"),
        ({"tasks": [{"title": "x"}]}, "task 1 has no 'id'"),
        ("- [ ] T001 A (depends on T009)", "task 'T001' waits for 'T009'"),
        ("- [ ] T001 A\n- [ ] T001 B", "2 tasks have the ID 'T001'"),
        ("- [ ] T001 A (depends on T002)\n- [ ] T002 B (needs T001)", "T001 -> T002 -> T001"),
        (issue("bd-1", ("bd-2", "blocks")), "task 'bd-1' waits for 'bd-2'"),
        (f"{issue('bd-1')}\n<<<<<<< HEAD", "line 2 is no JSON object"),
        (issue("a", ("b", "parent-child")) + "\n" + issue("b", ("a", "parent-child")), "a part of itself"),
        ("".join(f"- [ ] task {n}\n" for n in range(1001)), "1001 open tasks are more than 1000 steps"),
        ("".join(f"{'  ' * n}- [ ] {n}\n" for n in range(2_000)), "nested deeper than 20 levels"),
        (master(task(1, details="x" * (1 << 20))), "make a plan of more than 1024 KiB"),
    ],
)  # fmt: skip
def test_a_file_that_makes_no_plan_is_refused_in_one_line(text: object, cause: str) -> None:
    assert cause in refusal(text)


def test_a_part_that_is_not_there_names_the_parts() -> None:
    cause = refusal(PHASES, part="US9")
    assert "it has no part 'US9'; its parts: 'Phase 1', " in cause
    assert "'US1'" in cause


def test_prose_without_a_box_is_no_plan() -> None:
    assert "no line begins with '- [ ]'" in refusal("# Title\n\nWords\n", name="notes.md")


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] T001 " + "(depends on T001, " * 20_000,
        "## Dependencies\n- [ ] T001 x\n## Dependencies\n" + "T001 and " * 20_000,
        "[" * 100_000,
        '{"tasks": ' + "[" * 100_000,
        "- [ ] a\n" + "  " * 5_000 + "- [ ] b\n",
        '{"tasks": [{"id": 1, "title": "\\ud800\\u0000\\u001b[31m", "dependencies": {"a": 1}}]}',
        '{"tasks": [{"id": true, "title": null}]}',
        '{"tasks": [{"id": 1e999, "title": [], "subtasks": 5, "status": {}}]}',
        "- [ ] \u202eabc\x1b]0;x\x07\n",
    ],
    ids=range(9),
)
def test_hostile_text_makes_a_plan_or_an_error_of_one_line(text: str) -> None:
    titles = ["refused"]
    with contextlib.suppress(UsageError):
        imported = recognise.read(Files("x", text))
        titles = [step.title for step in imported.plan.steps] if imported is not None else titles
    assert not any("\x1b" in title or "\n" in title or "\0" in title for title in titles)
