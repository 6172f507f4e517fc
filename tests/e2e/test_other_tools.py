"""Tasks of other tools become plans, and what has no place in a plan is named."""

from __future__ import annotations

import json
import os

from conftest import Here, data

CHANGE = "openspec/changes"


def write(here: Here, name: str, text: str) -> str:
    """A file beside the repository's own; gives its path."""
    path = here.repo.path.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def titles(here: Here, plan: str) -> list[str]:
    """The titles of a plan's steps."""
    return [step["title"] for step in data(here("show", plan, "--json").out)["steps"]]


def test_a_part_of_a_file_of_tasks_becomes_a_plan(here: Here) -> None:
    text = "- [x] T001 A\n## Story\n- [ ] T002 [US1] B\n- [ ] T003 [US2] C (depends on T002)\n"
    file = write(here, "any.txt", text)
    made = here("plan", "--from", file, "--part", "us2")
    assert titles(here, made.out.split()[0]) == ["T003 C (depends on T002)"]
    assert "note: task 'T003' waits for 'T002', which is left out: it does not wait" in made.err


def test_what_has_no_place_in_a_plan_is_a_diagnostic(here: Here) -> None:
    tasks = [{"id": 1, "title": "A", "status": "pending", "priority": "high"}]
    file = write(here, "tasks.json", json.dumps({"master": {"tasks": tasks}}))
    answer = json.loads(here("plan", "--from", file, "--json").out)
    messages = [one["message"] for one in answer["diagnostics"]]
    assert "the field 'priority' of 1 task is left out" in messages


def test_the_only_change_of_a_directory_becomes_a_plan(here: Here) -> None:
    write(here, f"{CHANGE}/archive/old/tasks.md", "- [ ] 1.1 Old\n")
    write(here, f"{CHANGE}/add-login/proposal.md", "## Why\nPeople sign in.\n")
    outside = write(here, "secret", "not a design\n")
    file = write(here, f"{CHANGE}/add-login/tasks.md", "- [ ] 1.1 New\n")
    os.symlink(outside, os.path.join(os.path.dirname(file), "design.md"))
    made = here("plan", "--from", str(here.repo.path.parent / "openspec"))
    shown = data(here("show", made.out.split()[0], "--json").out)
    assert titles(here, shown["id"]) == ["1.1 New"]
    assert "People sign in." in json.dumps(shown)
    assert "not a design" not in json.dumps(shown)


def test_one_of_several_changes_is_chosen_by_its_name(here: Here) -> None:
    for name in ("one", "two"):
        write(here, f"{CHANGE}/{name}/tasks.md", f"- [ ] 1.1 {name}\n")
    top = str(here.repo.path.parent)
    assert "has several files of tasks" in here("plan", "--from", top, expect=2).err
    assert titles(here, here("plan", "--from", top, "--part", "Two").out.split()[0]) == ["1.1 two"]


def test_a_directory_without_tasks_is_refused(here: Here) -> None:
    """A link is none: it may lead to a file that nobody meant."""
    here.repo.path.joinpath("empty").mkdir()
    outside = write(here, "secret", "- [ ] Not yours\n")
    here.repo.path.joinpath("empty/tasks.md").symlink_to(outside)
    refused = here("plan", "--from", "empty", expect=2).err
    assert "the directory 'empty' has no tasks of another tool" in refused


def test_a_part_goes_with_tasks_of_another_tool(here: Here) -> None:
    file = write(here, "plan.yaml", "title: T\nsteps:\n  - title: x\n    run: 'true'\n")
    assert (
        "--part is for the tasks of other"
        in here("plan", "--from", file, "--part", "x", expect=2).err
    )
    assert "--part goes with --from" in here("plan", "--part", "x", "y", expect=2).err
