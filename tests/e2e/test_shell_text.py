"""What bash makes of the text of a step or a check: it ends where something fails."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Repo

from git_orch.plans import approval, plan_document
from git_orch.plans.plan import Check, Command

FAILING = {
    "in the middle": "false\necho later > made\n",
    "inside a pipe": "cat nowhere | sort > made",
    "without a variable": 'echo "$NOT_SET" > made',
    "in a substitution": "made=$(cat nowhere); echo > made",
}
PLAIN = {"shell": "plain"}


def one(**step: object) -> dict[str, Any]:
    """A plan of one step."""
    return {"title": "One", "steps": [{"title": "Do it", **step}]}


@pytest.mark.parametrize("text", FAILING.values(), ids=FAILING)
def test_a_step_whose_text_fails_does_not_land(repo: Repo, text: str) -> None:
    plan = repo.plan(one(run=text))
    repo.orch("exec", expect=1)
    assert repo.step_states(plan) == ["failed"]


@pytest.mark.parametrize("text", FAILING.values(), ids=FAILING)
def test_a_check_whose_text_fails_does_not_pass(repo: Repo, text: str) -> None:
    plan = repo.plan(one(files={"a": "a\n"}, checks=[{"command": text}]))
    repo.orch("exec", expect=1)
    assert repo.step_states(plan) == ["failed"]


@pytest.mark.parametrize("text", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("place", ["plan", "step"])
def test_plain_text_of_a_step_goes_on_after_what_fails(repo: Repo, text: str, place: str) -> None:
    step = one(run=text, **({"shell": "plain"} if place == "step" else {}))
    plan = repo.plan({**step, **({"shell": "plain"} if place == "plan" else {})})
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]


@pytest.mark.parametrize("place", ["plan", "check"])
def test_plain_text_of_a_check_goes_on_after_what_fails(repo: Repo, place: str) -> None:
    check = {"command": "false; true", **({"shell": "plain"} if place == "check" else {})}
    step = one(files={"a": "a\n"}, checks=[check])
    repo.plan({**step, **({"shell": "plain"} if place == "plan" else {})})
    repo.orch("exec")


def test_a_check_is_strict_in_a_plain_plan_when_it_says_so(repo: Repo) -> None:
    check = {"command": "false; true", "shell": "strict"}
    repo.plan({**one(files={"a": "a\n"}, checks=[check]), "shell": "plain"})
    repo.orch("exec", expect=1)


def test_a_receipt_of_a_plain_check_is_none_of_a_strict_one(repo: Repo) -> None:
    check = {"command": "false; true"}
    repo.plan(one(files={"a": "a\n"}, checks=[{**check, "shell": "plain"}]))
    repo.orch("exec")
    plan = repo.plan(one(files={"a": "a\n"}, checks=[check]))
    repo.orch("exec", plan, expect=1)


def test_plain_stays_when_a_plan_is_edited(repo: Repo) -> None:
    plan = repo.plan(one(run="false; true", **PLAIN))
    text = repo.orch("show", plan, "--yaml").stdout
    assert "shell: plain" in text
    repo.orch("edit", plan, "--from", "-", stdin=text.replace("Do it", "Do that"))
    repo.orch("exec")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"argv": ["true"], "shell": "plain"}, "step 1, shell: belongs to 'run', not to 'argv'"),
        ({"run": "true", "shell": "sh"}, "step 1, shell: expected 'strict' or 'plain'"),
        ({"files": {"a": "a"}, "shell": "plain"}, "does not belong to a step of kind 'files'"),
    ],
)
def test_shell_is_a_word_about_text(repo: Repo, fields: dict[str, object], message: str) -> None:
    done = repo.orch("plan", "--from", "-", stdin=str(one(**fields)).replace("'", '"'), expect=None)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr


def test_the_names_of_checks_in_older_logs_still_count() -> None:
    check = Check("run", Command(None, "make"))
    before = approval.digest({"checks": [[None, "make", 0]]})
    assert approval.checks_digest((check,)) == before


def test_the_document_of_strict_text_is_that_of_older_logs() -> None:
    plan = {
        "title": "One",
        "objective": "o",
        "steps": [{"id": "s1", "title": "x", "kind": "run", "run": "make"}],
    }
    assert plan_document.to_document(plan_document.from_document(plan)) == plan
