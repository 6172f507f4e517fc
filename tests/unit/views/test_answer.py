"""The one JSON shape in which commands answer programs."""

from __future__ import annotations

import jsonschema
import pytest

from git_orch.views.answer import WORDS, Answer, schema


def asked(*lines: str) -> Answer:
    """An answer that heard lines of result."""
    answer = Answer("show")
    for line in lines:
        answer.result(line)
    return answer


@pytest.mark.parametrize("code", [*WORDS, 3, 77])
def test_an_answer_has_the_shape_that_its_schema_describes(code: int) -> None:
    answer = asked("a line", "next: git orch ls  # all of them")
    answer.diagnosis("note: a note")
    answer.diagnosis("error: a failure")
    answer.diagnosis("hint: git orch status")
    jsonschema.validate(answer.document(code), schema())


def test_commands_that_lines_name_are_next_once_and_without_their_comment() -> None:
    answer = asked(
        "next: git orch land 28V6  # a look",
        "approved on this machine; run: git orch exec 28V6",
        "next: git orch land 28V6",
        "      git orch edit 28V6  # change the plan",
    )
    assert answer.document(0)["next"] == [
        "git orch land 28V6", "git orch exec 28V6", "git orch edit 28V6",
    ]  # fmt: skip


def test_lines_are_the_data_of_a_command_that_gives_none() -> None:
    assert asked("one", "two").document(0)["data"] == {"lines": ["one", "two"]}


def test_lines_beside_data_are_notes() -> None:
    answer = asked("one")
    answer.give(1)
    document = answer.document(0)
    note = {"level": "note", "code": "note", "message": "one", "fix": None}
    assert (document["data"], document["diagnostics"]) == (1, [note])


def test_data_that_is_nothing_is_data() -> None:
    answer = asked("one")
    answer.give(None)
    assert answer.document(0)["data"] is None


def test_an_error_without_data_is_the_data() -> None:
    answer = asked()
    answer.diagnosis("error: it failed")
    answer.diagnosis("hint: git orch status")
    document = answer.document(3)
    assert document["data"] == {"error": "it failed", "hint": "git orch status", "code": 3}
    assert document["schema"] == "git-orch/error/1"


def test_an_error_beside_data_is_a_diagnosis() -> None:
    answer = asked()
    answer.give([])
    answer.diagnosis("error: it failed")
    answer.diagnosis("hint: look at it")
    document = answer.document(1)
    assert document["diagnostics"] == [
        {"level": "error", "code": "failed", "message": "it failed", "fix": "look at it"}
    ]
    assert (document["data"], document["next"]) == ([], [])


@pytest.mark.parametrize("hint", ["df -h", "git orch setup --command COMMAND", "git add FILE..."])
def test_a_hint_that_cannot_be_run_as_it_is_does_not_lead_on(hint: str) -> None:
    answer = asked()
    answer.diagnosis("error: it failed")
    answer.diagnosis(f"hint: {hint}")
    assert answer.document(1)["next"] == []


def test_progress_is_no_diagnosis() -> None:
    answer = asked()
    answer.diagnosis("step 1/2 Write a.txt [files]")
    assert answer.document(0)["diagnostics"] == []


@pytest.mark.parametrize(("hint", "is_next"), [("GDZC", True), ("PLAN", False), ("FILE...", False)])
def test_a_handle_of_letters_is_nothing_to_fill_in(hint: str, *, is_next: bool) -> None:
    answer = asked()
    answer.diagnosis("error: it failed")
    answer.diagnosis(f"hint: git orch show {hint}")
    assert answer.document(0)["next"] == ([f"git orch show {hint}"] if is_next else [])
