"""Every command answers a program in one shape, also when it fails."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from conftest import Here, data, writing

from git_orch.cli import table
from git_orch.views import answer


def answered(here: Here, *words: str, expect: int | None = 0) -> dict[str, Any]:
    """The whole answer to a command with --json."""
    found: dict[str, Any] = json.loads(here(*words, "--json", expect=expect).out)
    jsonschema.validate(found, answer.schema())
    return found


@pytest.mark.parametrize("name", table.COMMANDS)
def test_every_command_answers_an_unknown_option_in_json(here: Here, name: str) -> None:
    found = answered(here, name, "--nonesuch", expect=2)
    assert (found["schema"], found["status"]) == ("git-orch/error/1", "usage")
    assert found["data"]["code"] == 2
    assert "--nonesuch" in found["data"]["error"]


@pytest.mark.parametrize("name", [name for name in table.COMMANDS if name != "hook"])
def test_every_command_answers_outside_of_a_repository_in_json(
    here: Here, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here.repo.path.parent)
    answered(here, name, expect=None)


@pytest.mark.parametrize(
    ("words", "schema"),
    [(["-h"], "help"), (["--version"], "version"), ([], "help"), (["status"], "status")],
    ids=str,
)
def test_json_before_or_without_a_command_is_answered(
    here: Here, words: list[str], schema: str
) -> None:
    found = json.loads(here("--json", *words).out)
    jsonschema.validate(found, answer.schema())
    assert (found["schema"], found["status"]) == (f"git-orch/{schema}/1", "ok")
    assert here(*words).out


@pytest.mark.parametrize("words", [["ls"], ["caps"], ["caps", "--check", "sh"], ["cost"]], ids=str)
def test_answers_follow_the_schema_that_has_their_name(here: Here, words: list[str]) -> None:
    """S1-023, S1-025."""
    here.plan(writing("a.txt"))
    name = "plans" if words == ["ls"] else words[0]
    jsonschema.validate(answered(here, *words)["data"], json.loads(here("schema", name).out))


def test_what_is_no_command_is_answered_in_json(here: Here) -> None:
    assert answered(here, "nonesuch", expect=2)["data"]["hint"] == "git orch help"


def test_a_life_of_a_plan_is_answered_in_json(here: Here) -> None:
    """Every command that changes a plan says which plan, and the most of them all of it."""
    plan = here.plan(writing("a.txt", "b.txt", chained=False))
    found = [
        answered(here, *words, expect=None)
        for words in (
            ["approve"], ["exec"], ["rollback"], ["rollback", "--undo"], ["drop", "2"], ["exec"],
            ["redo", "1"], ["reorder", "2,1"], ["rebase"], ["done"], ["verify", "--record"],
            ["pick", plan, "1"], ["archive"], ["unarchive", plan], ["land"],
        )
    ]  # fmt: skip
    words = [each["status"] for each in found]
    assert words == ["ok"] * 9 + ["refused"] + ["ok"] * 5
    assert [each["next"][0].split()[2] for each in found[:8]] == [
        "exec", "land", "undo", "land", "undo", "land", "undo", "undo",
    ]  # fmt: skip


def test_what_a_command_would_print_beside_its_data_is_a_note(here: Here) -> None:
    here.plan(writing("a.txt"))
    here("exec")
    notes = answered(here, "rollback")["diagnostics"]
    assert any("rolled back step 1" in note["message"] for note in notes)


def test_a_failed_run_has_the_plan_and_the_error(here: Here) -> None:
    here.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "exit 7"}]})
    found = answered(here, "exec", expect=1)
    assert found["data"]["state"] == "FAILED"
    assert found["data"]["summary"]["failed"] == [1]
    assert [each.split()[2] for each in found["next"]][:3] == ["fix", "edit", "exec"]
    jsonschema.validate(found["data"], json.loads(here("schema", "plan-status").out))
    [error] = [each for each in found["diagnostics"] if each["level"] == "error"]
    assert error["fix"] in found["next"]
    assert error["code"] == "failed"


def test_json_as_the_value_of_another_option_is_none(here: Here) -> None:
    here.plan(writing("a.txt"))
    assert "REJECTED" in here("reject", "--why", "--json").out


def test_json_behind_two_dashes_is_an_argument(here: Here) -> None:
    assert here("allow", "--", "ls", "--json", expect=None).out in ("allow\n", "sandbox-only\n")


def test_schemas_stand_alone_without_json(here: Here) -> None:
    assert json.loads(here("schema", "answer").out) == data(here("schema", "answer", "--json").out)


def test_a_list_of_plans_has_few_keys_for_each(here: Here) -> None:
    plan = here.plan(writing("a.txt", "b.txt"))
    here("exec", "--steps", "1")
    assert answered(here, "ls")["data"] == [
        {
            "id": plan, "handle": plan.split("-")[2][:4], "title": "Write files",
            "state": "EXECUTING", "word": "EXECUTING",
            "running": False, "steps": 2, "done": 1, "usd": 0.0, "archived": False,
        }
    ]  # fmt: skip


def test_a_full_list_has_each_plan_as_show_does(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    assert answered(here, "ls", "--full")["data"] == [here.show(plan)]


def test_a_full_list_is_for_programs(here: Here) -> None:
    assert "git orch ls --json --full" in here("ls", "--full", expect=2).err


@pytest.mark.parametrize("option", ["--open", "--all"])
def test_a_list_for_programs_has_the_plans_of_that_for_people(here: Here, option: str) -> None:
    put_away, done, still = (here.plan(writing(name)) for name in "abc")
    here("archive", put_away)
    here("exec", done)
    named = {"--open": [still], "--all": [put_away, done, still]}[option]
    assert [plan["id"] for plan in answered(here, "ls", option)["data"]] == named


@pytest.mark.parametrize("command", [("log",), ("status",)])
def test_since_without_an_event_means_the_beginning(here: Here, command: tuple[str]) -> None:
    plan = here.plan(writing("a.txt"))
    events = data(here("log", plan, "--json").out)
    for words in (["--since", plan], [plan, "--since"], ["--since"]):
        found = answered(here, *command, *words)["data"]
        assert (found if command == ("log",) else found[0]["events"]) == events


def test_a_log_since_an_event_has_the_later_ones(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    last = here.show(plan)["last_event"]
    here("exec")
    events = data(here("log", plan, "--json").out)
    later = [event for event in events if event["id"] > last]
    assert later
    assert data(here("log", plan, "--since", last, "--json").out) == later


def test_since_takes_no_other_value(here: Here) -> None:
    here.plan(writing("a.txt"))
    assert "is not the ID of an event" in here("log", "--since=yesterday", expect=2).err


@pytest.mark.parametrize("command", ["show", "status"])
def test_the_worktree_of_a_manual_step_is_in_the_answer(here: Here, command: str) -> None:
    by_hand = [{"title": f"Do {number}", "kind": "manual"} for number in (1, 2)]
    here.plan({"title": "By hand", "steps": by_hand})
    said = here("exec", expect=None)
    found = answered(here, command)["data"]
    steps = (found if command == "show" else found[0])["steps"]
    assert [step["worktree"] is not None for step in steps] == [True, False]
    assert steps[0]["worktree"] in said.out + said.err


def test_help_on_a_command_is_answered_in_json(here: Here) -> None:
    lines = answered(here, "ls", "-h")["data"]["lines"]
    assert "Usage: git orch ls [OPTIONS] [plans|specs]" in lines
