"""Comments on a plan, as a user types them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Here, data, writing
from model_server import ModelServer, text, turn

from git_orch.repo import places


def test_a_comment_is_shown_counted_and_closed(here: Here) -> None:
    plan = here.plan(writing("a.txt", "b.txt"))
    said = here("comment", plan, "2:checks", "Run more.").out
    assert said.startswith("comment 1 on step 2: checks by ")
    assert "comment 1 on step 2: checks" in here("show", plan).out
    assert "1 comment is open: git orch comment" in here("status").out
    assert "comment on step 2: checks: Run more." in here("log", plan).out

    assert here("comment", plan, "--close", "1").out == "no comment is open\n"

    assert "comment" not in here("status").out
    here("comment", plan, "--close", "1", expect=5)
    assert [one["closed"] for one in data(here("comment", plan, "--json").out)] == ["closed"]


def test_approve_refuses_while_a_comment_is_open(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    here("comment", plan, "1", "Not so.")

    refused = here("approve", plan, expect=3)

    assert "1 comment on the plan is open" in refused.err
    assert "approved on this machine" in here("approve", plan, "--with-comments").out


def test_an_edit_marks_the_comment_on_what_it_changed(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    here("comment", plan, "1:checks", "Unclear.")
    text = here("show", plan, "--yaml").out
    assert "test -f a.txt" in text
    here("edit", plan, "--from", "-", stdin=text.replace("test -f a.txt", "test -s a.txt"))

    assert "on a text that changed: Unclear." in here("comment", plan).out


def test_a_comment_is_redacted_and_needs_a_part(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    here("comment", plan, "1", "the key sk-ant-api03-" + "a" * 40)

    assert "sk-ant" not in here("comment", plan).out
    refused = here("comment", plan, "9", "x", expect=5).err
    assert "it has 1, title, objective" in refused
    here("comment", plan, "1", " ", expect=2)
    here("comment", "a", "b", "c", "d", expect=2)


def revised(*steps: object) -> str:
    """The reply of a model that revises a plan."""
    fields = {"title": "", "objective": "", "dependencies": [], "missing": []}
    return json.dumps({**fields, "steps": [*steps]})


STEP: dict[str, Any] = {
    "id": "s1", "title": "Other", "why": "", "kind": "run", "prompt": "", "argv": [],
    "run": "echo 1 >a.txt", "paths": [], "depends_on": [], "checks": [], "network": False,
}  # fmt: skip


@pytest.mark.parametrize("is_copied", [False, True])
def test_a_model_gets_open_comments_and_what_it_changed_is_addressed(
    here: Here, model_server: ModelServer, *, is_copied: bool
) -> None:
    """Whoever else wrote a comment is no person to follow, whatever clone the log names."""
    plan = here.plan(writing("a.txt", "b.txt"))
    here("comment", plan, "1:checks", "Say other.")
    here("comment", plan, "2", "Keep this one.")
    if is_copied:
        [made] = places.own_directory().glob("comments/*/*")
        made.unlink()
    model_server.script(turn(text(revised(STEP, {"keep": "s2"}))))

    said = here("plan", "--revise", plan, *(("-m", "Go on.") if is_copied else ())).out

    person = model_server.calls[0].said().partition("A person says what is to change:")[2]
    assert ("comment 1 on step 1: checks: Say other." in person) is not is_copied
    assert ("Comments of other people" in model_server.calls[0].said()) is is_copied
    assert "comment 1 is addressed: its part changed" in said
    assert here("comment", plan).out.startswith("comment 2 on step 2 by ")


def test_a_model_says_which_comments_it_took_up_and_an_undo_opens_them_again(
    here: Here, model_server: ModelServer
) -> None:
    plan = here.plan(writing("a.txt", "b.txt"))
    for where in ("1:checks", "2", "title"):
        here("comment", plan, where, "Say other.")
    reply = {**json.loads(revised(STEP, {"keep": "s2"})), "addressed": [2, 9]}
    model_server.script(turn(text(json.dumps(reply))))

    said = here("plan", "--revise", plan).out

    assert "comment 2 is addressed: by a change elsewhere, says the model" in said
    assert "comment 2" not in here("comment", plan).out
    here("undo", plan)
    assert "comment 2 on step 2" in here("comment", plan).out


def test_two_texts_of_a_plan_are_compared(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    for old, new in (("test -f a.txt", "test -s a.txt"), ("test -s a.txt", "test -r a.txt")):
        yaml = here("show", plan, "--yaml").out
        here("edit", plan, "--from", "-", stdin=yaml.replace(old, new))

    assert "{+s+}" in here("diff", "--plan", plan, "1", "2").out
    assert "{+r+}" in here("diff", "--plan", "1").out
    assert "{+s+}" in here("diff", "--plan", plan, "3", "2").out
    assert "it has 1 to 3" in here("diff", "--plan", plan, "4", expect=5).err
    here("diff", "--plan", plan, "1", "2", "3", expect=2)
