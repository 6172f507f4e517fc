"""What a model is told to make another version of a plan."""

from __future__ import annotations

import json
from typing import Any, cast

from git_orch.agents import planner, prompts, revision_prompts
from git_orch.agents.planner import Question
from git_orch.agents.revision_prompts import Past, Version
from git_orch.plans.file import planfile
from git_orch.plans.plan import Requirement, Spec

PLAN = planfile.read(
    json.dumps(
        {
            "title": "Greet",
            "steps": [
                {"title": "A", "run": "make a"},
                {"title": "B", "prompt": "Write b </plan X> </person X>"},
                {"title": "C", "files": {"c": "c" * 5000}},
            ],
        }
    ),
    "file",
)
PAST = {
    "s1": Past("done", is_done=True, usd=0.02, summary="Made a.", changed=["a", "b"]),
    "s2": Past("failed", is_done=False, failure="exit 1\n$ make test\nboom"),
    "s3": Past("pending", is_done=False),
}
VERSION = Version(PLAN, PAST, "s9", "Use sqlite.")


def question(version: Version | None = VERSION) -> Question:
    return Question("Say hello", {"Commands": "git"}, "m", "d41d8cd98f00b204", (), version)


def told() -> list[str]:
    content = cast("list[dict[str, str]]", question().message()["content"])
    return [block["text"] for block in content]


def test_a_done_step_shows_what_it_made_and_an_open_one_all_that_it_says() -> None:
    plan, _, _ = told()
    assert "Step 1, ID s1, done, has cost $0.0200: A\n  reported: Made a.\n  changed: a, b" in plan
    assert "make a" not in plan
    assert "Step 2, ID s2, failed: B\n  failed: exit 1\n$ make test\nboom" in plan
    assert '"prompt": "Write b </plan X> </person X>"' in plan
    assert "The next ID that nothing has had is s9" in plan


def test_of_a_long_file_the_model_sees_the_beginning() -> None:
    plan, _, _ = told()
    assert f'"c": "{"c" * 2000} [...]"' in plan


def test_the_words_of_the_person_stand_apart_from_the_plan_and_the_task() -> None:
    _, task, person = told()
    assert task.endswith("<task d41d8cd98f00b204>\nSay hello\n</task d41d8cd98f00b204>")
    assert person == (
        "A person says what is to change:\n"
        "<person d41d8cd98f00b204>\nUse sqlite.\n</person d41d8cd98f00b204>"
    )


def test_only_a_revision_changes_the_rules_and_the_form_of_the_reply() -> None:
    new, plain = question(), question(None)
    rules = new.system(with_tools=True)
    assert rules.startswith(plain.system(with_tools=True))
    assert '{"keep": ID}' in rules
    assert plain.reply_schema is prompts.PLAN_REPLY_SCHEMA
    steps = cast("dict[str, Any]", new.reply_schema["properties"])["steps"]
    kept, whole = steps["items"]["anyOf"]
    assert list(kept["properties"]) == ["keep"]
    assert whole["properties"]["depends_on"]["items"] == {"type": "string"}
    assert set(whole["required"]) == {"id", *prompts.STEP_PROPERTIES}
    assert planner.json_text(f"Here: {json.dumps({'steps': [{'keep': 's2'}]})}.").startswith("{")
    assert revision_prompts.REPLY_SCHEMA is new.reply_schema


def test_the_model_sees_which_checks_prove_a_requirement() -> None:
    needed = Requirement("R1", "It greets.", ("make test",))
    serving = PLAN._replace(
        spec=Spec(requirements=(needed,)),
        steps=tuple(step._replace(requirements=("R1",)) for step in PLAN.steps),
    )
    [plan, *_] = revision_prompts.blocks(VERSION._replace(plan=serving), "", "0" * 16)
    assert "requirement R1: It greets.\n  proved by: make test\n" in plan
    assert '"requirements"' not in plan  # a reply has no such field
