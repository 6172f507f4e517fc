"""The fields of a plan file and of a model's reply."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

import jsonschema
import pytest

from git_orch.agents import prompts
from git_orch.errors import UsageError
from git_orch.plans import plan_document
from git_orch.plans.document import BadDocument
from git_orch.plans.file import planfile, schema
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.plan import Command, FileContent, Plan, Pointer, Requirement, Review

Fields = dict[str, object]


def plan(*steps: Fields, used: Iterable[str] = (), **fields: object) -> Plan:
    """The plan in a JSON file with these steps; each gets a title and, if nothing says what it
    does, a prompt.
    """
    return planfile.read(file(*steps, **fields), "plan.json", used)


def file(*steps: Fields, **fields: object) -> str:
    """The text of such a file."""
    does = {"prompt", "run", "argv", "files", "kind"}
    listed = [
        {"title": f"step {n}"} | ({} if does & step.keys() else {"prompt": "do"}) | step
        for n, step in enumerate(steps)
    ]
    return json.dumps({"title": "t", "steps": listed} | fields)


def refused(*steps: Fields, **fields: object) -> list[str]:
    """Fields and messages of the findings on such a file."""
    with pytest.raises(PlanFileError) as caught:
        planfile.read(file(*steps, **fields), "plan.json")
    return [finding.of_field() for finding in caught.value.findings]


# -- defaults and kinds ----------------------------------------------------------------------------


def test_the_objective_is_the_title_unless_it_is_given() -> None:
    assert (plan({}).objective, plan({}, objective="o").objective) == ("t", "o")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"prompt": "x"}, "agent"),
        ({"run": "x"}, "run"),
        ({"argv": ["x"]}, "run"),
        ({"files": {"a": "b"}}, "files"),
    ],
    ids=["prompt", "run", "argv", "files"],
)
def test_the_kind_follows_from_the_fields(fields: Fields, kind: str) -> None:
    assert plan(fields).steps[0].kind == kind


def test_a_manual_step_needs_no_prompt() -> None:
    assert plan({"kind": "manual"}).steps[0].prompt is None


def test_a_check_has_type_command_expected_exit_and_timeout() -> None:
    """S1-163: all four are read, from numbers or from the text YAML gives."""
    check = {"type": "unit", "command": "false", "expected_exit": "1", "timeout": 30}

    found = plan({"checks": [check]}).steps[0].checks[0]

    assert (found.type, found.command, found.expected_exit, found.timeout) == (
        "unit",
        Command(None, "false"),
        1,
        30,
    )


def test_a_check_that_says_only_its_command_runs_it_and_expects_success_in_a_quarter_of_an_hour() -> (
    None
):
    """S1-164: the defaults."""
    check = plan({"checks": [{"argv": ["make"]}]}).steps[0].checks[0]

    assert (check.type, check.command, check.expected_exit, check.timeout) == (
        "run",
        Command(argv=("make",)),
        0,
        900,
    )


@pytest.mark.parametrize("kind", ["compile", "unit", "integration", "run"])
def test_the_four_types_of_check_are_accepted(kind: str) -> None:
    """S1-161."""
    assert plan({"checks": [{"type": kind, "command": "x"}]}).steps[0].checks[0].type == kind


def test_another_type_of_check_is_refused() -> None:
    """S1-161."""
    assert refused({"checks": [{"type": "lint", "command": "x"}]}) == [
        "steps[0].checks[0].type: expected 'compile', 'unit', 'integration' or 'run', not 'lint'"
    ]


def test_a_check_that_is_a_text_is_that_command() -> None:
    checks = plan({"checks": ["make test", {"command": "make test"}]}).steps[0].checks

    assert checks[0] == checks[1]


def test_a_file_is_a_text_an_object_or_null() -> None:
    files = {
        "a": "text",
        "b": {"content": "", "executable": True},
        "c": {"content": "x"},
        "d": None,
    }

    assert plan({"files": files}).steps[0].files == {
        "a": FileContent("text"),
        "b": FileContent("", executable=True),
        "c": FileContent("x"),
        "d": None,
    }


@pytest.mark.parametrize("commit", ["3d" * 20, "3d" * 32])
def test_a_files_step_names_the_commit_of_a_submodule(commit: str) -> None:
    assert plan({"files": {"lib": {"submodule": commit}}}).steps[0].files == {
        "lib": Pointer(commit)
    }


def test_a_directory_among_the_paths_may_end_in_a_slash() -> None:
    assert plan({"paths": ["src/", "a.py"]}).steps[0].paths == ("src", "a.py")


# -- refusals --------------------------------------------------------------------------------------

COMMIT = {"submodule": "3d" * 20}
NOT_FULL = "is not the full ID of a commit: 40 (or 64) hexadecimal digits, a to f small"
WITH_SUBMODULE = "belongs to a file, and 'submodule' moves a submodule"
WRONG: dict[str, tuple[Fields, str]] = {
    "a file without a text": ({"files": {"a": {}}}, "steps[0].files.a.content: is required"),
    "a submodule with a text": (
        {"files": {"a": {**COMMIT, "content": "x"}}},
        f"steps[0].files.a.content: {WITH_SUBMODULE}",
    ),
    "a submodule with a mode": (
        {"files": {"a": {**COMMIT, "executable": True}}},
        f"steps[0].files.a.executable: {WITH_SUBMODULE}",
    ),
    "a short ID": (
        {"files": {"a": {"submodule": "3d5dec8"}}},
        f"steps[0].files.a.submodule: '3d5dec8' {NOT_FULL}",
    ),
    "the ID of nothing": (
        {"files": {"a": {"submodule": "0" * 40}}},
        f"steps[0].files.a.submodule: '{'0' * 40}' {NOT_FULL}",
    ),
    "no title": ({"title": None}, "steps[0].title: expected a text, not nothing"),
    "an empty title": ({"title": ""}, "steps[0].title: is empty"),
    "a blank title": ({"title": "  "}, "steps[0].title: is empty"),
    "a title of two lines": ({"title": "a\nOrch-Step: s2"}, "steps[0].title: must be one line"),
    "a title with an escape": (
        {"title": "\x1b[2J"},
        "steps[0].title: holds the control character U+001B",
    ),
    "a long title": ({"title": "x" * 201}, "steps[0].title: is longer than 200 characters"),
    "a number for a text": ({"title": 5}, "steps[0].title: expected a text, not 5"),
    "a flag for a number": (
        {"timeout": True},
        "steps[0].timeout: expected a whole number, not true",
    ),
    "half a second": ({"timeout": 0.5}, "steps[0].timeout: expected a whole number, not 0.5"),
    "no time": ({"timeout": 0}, "steps[0].timeout: must be at least 1, not 0"),
    "more than a day": ({"timeout": 86_401}, "steps[0].timeout: must be at most 86400, not 86401"),
    "an exit status above 255": (
        {"checks": [{"command": "x", "expected_exit": 256}]},
        "steps[0].checks[0].expected_exit: must be at most 255, not 256",
    ),
    "a negative exit status": (
        {"checks": [{"command": "x", "expected_exit": "-1"}]},
        "steps[0].checks[0].expected_exit: must be at least 0, not -1",
    ),
    "a check without a command": (
        {"checks": [{}]},
        "steps[0].checks[0].command: needs either 'command' or 'argv'",
    ),
    "a check with two commands": (
        {"checks": [{"command": "x", "argv": ["x"]}]},
        "steps[0].checks[0].argv: give either 'command' or 'argv', not both",
    ),
    "an unknown field of a check": (
        {"checks": [{"command": "x", "expected": 1}]},
        "steps[0].checks[0].expected: unknown field (did you mean 'expected_exit'?)",
    ),
    "a check that is an empty text": ({"checks": [""]}, "steps[0].checks[0].command: is empty"),
    "a check that is a number": ({"checks": [1]}, "steps[0].checks[0]: expected an object, not 1"),
    "checks that are no list": (
        {"checks": {"command": "x"}},
        "steps[0].checks: expected a list, not an object",
    ),
    "no arguments": ({"argv": []}, "steps[0].argv: needs at least one entry"),
    "a program without a name": ({"argv": [" ", "x"]}, "steps[0].argv: is empty"),
    "a NUL in an argument": ({"argv": ["a", "\0"]}, "steps[0].argv[1]: holds a NUL character"),
    "a run step without a command": ({"kind": "run"}, "steps[0].run: needs either 'run' or 'argv'"),
    "a run step with two": (
        {"run": "a", "argv": ["a"]},
        "steps[0].argv: give either 'run' or 'argv', not both",
    ),
    "a run step with a prompt": (
        {"run": "a", "prompt": "b"},
        "steps[0].prompt: does not belong to a step of kind 'run'",
    ),
    "an agent step without a prompt": (
        {"kind": "agent"},
        "steps[0].prompt: is required for a step of kind 'agent'",
    ),
    "an agent step with a command": (
        {"kind": "agent", "prompt": "x", "run": "a"},
        "steps[0].run: does not belong to a step of kind 'agent'",
    ),
    "a files step without files": (
        {"kind": "files"},
        "steps[0].files: a step of kind 'files' needs at least one file",
    ),
    "a manual step with a model": (
        {"kind": "manual", "model": "m"},
        "steps[0].model: does not belong to a step of kind 'manual'",
    ),
    "a run step that may be empty": (
        {"run": "make", "may_be_empty": True},
        "steps[0].may_be_empty: does not belong to a step of kind 'run'",
    ),
    "an unknown kind": (
        {"kind": "agnet"},
        "steps[0].kind: expected 'agent', 'run', 'files', 'manual' or 'wait', not 'agnet'",
    ),
    "an ID of another form": ({"id": "s01"}, "steps[0].id: 's01' is not a step ID such as s1"),
    "a model of two words": ({"model": "a b"}, "steps[0].model: 'a b' is not one word"),
    "a path outside": (
        {"paths": ["a/../../b"]},
        "steps[0].paths[0]: lies outside the tree: paths are relative to its top",
    ),
    "a file outside": (
        {"files": {"/x": "y"}},
        "steps[0].files['/x']: lies outside the tree: paths are relative to its top",
    ),
    "a file of git": (
        {"files": {".GIT/hooks/x": ""}},
        "steps[0].files['.GIT/hooks/x']: belongs to git",
    ),
    "a file without content": (
        {"files": {"a": {"executable": True}}},
        "steps[0].files.a.content: is required",
    ),
    "a field of a file": (
        {"files": {"a": {"content": "", "mode": 1}}},
        "steps[0].files.a.mode: unknown field",
    ),
    "a step before the first": (
        {"depends_on": [0]},
        "steps[0].depends_on[0]: there is no step '0'; the plan has 1",
    ),
    "a step after the last": (
        {"depends_on": ["2"]},
        "steps[0].depends_on[0]: there is no step '2'; the plan has 1",
    ),
    "an ID nobody has": (
        {"depends_on": ["s7"]},
        "steps[0].depends_on[0]: there is no step 's7'; the plan has 1",
    ),
    "a step by its title": (
        {"depends_on": ["build"]},
        "steps[0].depends_on[0]: 'build' is neither the number of a step nor its ID",
    ),
    "itself": ({"depends_on": [1]}, "steps[0].depends_on[0]: a step cannot depend on itself"),
}


@pytest.mark.parametrize(("step", "finding"), WRONG.values(), ids=WRONG)
def test_a_wrong_step_is_refused_by_field(step: Fields, finding: str) -> None:
    """S1-114: steps have a description, dependencies that exist, known types of checks, statuses
    and times in range.
    """
    assert refused(step)[0] == finding


def test_a_plan_has_at_least_one_step() -> None:
    assert refused() == ["steps: needs at least one entry"]


def test_a_plan_has_at_most_a_thousand_steps() -> None:
    assert len(plan(*[{}] * 1000).steps) == 1000
    assert refused(*[{}] * 1001) == ["steps: has more than 1000 entries"]


def test_an_unknown_field_of_a_plan_is_named() -> None:
    assert refused({}, objectiv="x") == ["objectiv: unknown field (did you mean 'objective'?)"]


def test_a_command_the_plan_needs_is_one_word() -> None:
    assert refused({}, dependencies=["python3", "node 20"]) == [
        "dependencies[1]: 'node 20' is not one word"
    ]


def test_a_wrong_type_in_one_step_does_not_hide_what_is_wrong_in_another() -> None:
    """S1-121: types, fields that do not belong, and references are found in one pass."""
    assert refused({"timeout": []}, {"run": "x", "model": "m"}, {"depends_on": [7]}) == [
        "steps[0].timeout: expected a whole number, not a list",
        "steps[1].model: does not belong to a step of kind 'run'",
        "steps[2].depends_on[0]: there is no step '7'; the plan has 3",
    ]


# -- IDs and dependencies --------------------------------------------------------------------------


def test_steps_get_ids_by_position() -> None:
    assert [step.id for step in plan({}, {}, {}).steps] == ["s1", "s2", "s3"]


def test_given_ids_are_kept_and_new_steps_get_ids_after_every_one_that_was_ever_used() -> None:
    steps = plan({"id": "s2"}, {}, {"id": "s1"}, {}, used=("s1", "s2", "s5")).steps

    assert [step.id for step in steps] == ["s2", "s6", "s1", "s7"]


def test_an_id_that_is_given_twice_is_refused_at_both_places() -> None:
    assert refused({"id": "s1"}, {"id": "s1"}) == [
        "steps[0].id: 2 steps have the id 's1'",
        "steps[1].id: 2 steps have the id 's1'",
    ]


def test_a_step_after_the_greatest_id_is_refused() -> None:
    assert refused({"id": "s999999"}, {}) == [
        "steps[1].id: no step ID is left for it: the greatest is s999999"
    ]


def test_dependencies_are_numbers_of_this_file_or_ids_and_each_counts_once() -> None:
    steps = plan({"id": "s9"}, {"id": "s1"}, {"depends_on": [1, "2", "s9", "s1"]}).steps

    assert steps[2].depends_on == ("s9", "s1")


def test_a_step_that_names_no_dependency_has_none() -> None:
    assert [step.depends_on for step in plan({}, {}).steps] == [(), ()]


def test_a_cycle_is_printed_with_the_numbers_of_its_steps() -> None:
    """S1-114."""
    assert refused({"depends_on": [3]}, {}, {"depends_on": [1]}) == [
        "steps[0].depends_on: the steps wait for each other: 1 -> 3 -> 1"
    ]


def test_cycles_that_share_no_step_are_all_found() -> None:
    found = refused(
        {"depends_on": [2]},
        {"depends_on": [1]},
        {"depends_on": [4]},
        {"depends_on": [5]},
        {"depends_on": [3]},
    )

    assert [line.partition("other: ")[2] for line in found] == ["1 -> 2 -> 1", "3 -> 4 -> 5 -> 3"]


# -- JSON Schema -----------------------------------------------------------------------------------


def test_the_schema_names_every_field_and_says_what_it_is_for() -> None:
    described = json.loads(json.dumps(schema.plan_json_schema()))

    assert described["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(described["properties"]) == {
        "title",
        "objective",
        "body",
        "approach",
        "design",
        "criteria",
        "requirements",
        "dependencies",
        "missing",
        "shell",
        "network",
        "steps",
    }
    for model in (described, *described["$defs"].values()):
        assert model["additionalProperties"] is False
        assert all(field["description"] for field in model["properties"].values())


def test_the_schema_has_the_ranges_and_the_order_of_steps() -> None:
    step = cast("dict[str, Fields]", schema.schema("step")["properties"])
    check = schema.plan_json_schema()["$defs"]["CheckModel"]["properties"]  # type: ignore[index]

    assert "A step without the field keeps its place in the file" in str(
        step["depends_on"]["description"]
    )
    assert (
        check["timeout"]["minimum"],
        check["timeout"]["maximum"],
        check["timeout"]["default"],
    ) == (1, 86_400, 900)
    assert (check["expected_exit"]["minimum"], check["expected_exit"]["maximum"]) == (0, 255)


def test_an_unknown_schema_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="there is no schema 'pln'"):
        schema.schema("pln")


# -- replies ---------------------------------------------------------------------------------------


def reply(*steps: Fields, **fields: object) -> str:
    """What a model replies: every field is there, absent ones are empty."""
    whole = {
        "title": "a",
        "kind": "agent",
        "prompt": "do",
        "argv": [],
        "run": "",
        "paths": [],
        "depends_on": [],
        "checks": [],
    }
    head = {"title": "T", "objective": "O", "dependencies": ["go"], "missing": []}
    return json.dumps(head | {"steps": [whole | step for step in steps]} | fields)


def reply_findings(text: str) -> list[str]:
    """Fields and messages of the findings on a reply."""
    with pytest.raises(PlanFileError) as caught:
        schema.reply_plan(text)
    return [finding.of_field() for finding in caught.value.findings]


def test_a_reply_becomes_a_plan_and_what_is_empty_is_absent() -> None:
    """S1-101, S1-103, S1-106: steps, dependencies and checks of the reply are those of the plan."""
    check = {
        "type": "compile",
        "argv": ["go", "build", ""],
        "command": "",
        "expected_exit": 0,
        "timeout": 60,
    }
    text = reply(
        {"checks": [check]},
        {"kind": "run", "prompt": "", "run": "go test", "depends_on": [1]},
        missing=["docker"],
    )

    found = schema.reply_plan(text)

    assert (found.title, found.objective, found.dependencies, found.missing) == (
        "T",
        "O",
        ("go",),
        ("docker",),
    )
    assert (found.steps[0].prompt, found.steps[0].command) == ("do", None)
    assert found.steps[0].checks[0].command == Command(argv=("go", "build", ""))
    assert (found.steps[1].command, found.steps[1].depends_on) == (
        Command(None, "go test"),
        ("s1",),
    )


@pytest.mark.parametrize(
    "wrapped",
    [
        "```json\n{}\n```",
        "Here it is {as asked}:\n\n{}\n\nAnything else?",
        "{}\n",
        "A {1: {}} B {}".replace("{}}", "}}"),
    ],
    ids=["fence", "prose", "bare", "braces"],
)
def test_a_reply_in_a_fence_or_in_prose_is_read(wrapped: str) -> None:
    """S1-108."""
    assert schema.reply_plan(wrapped.replace("{}", reply({}))).title == "T"


@pytest.mark.parametrize(
    "text",
    ["", "I cannot do that.", '{"title": "T", "steps": [', "{" * 5000],
    ids=["empty", "prose", "cut", "braces"],
)
def test_a_reply_without_json_is_refused(text: str) -> None:
    """S1-108."""
    assert "not valid JSON" in reply_findings(text)[0] or "nested deeper" in reply_findings(text)[0]


WRONG_REPLIES: dict[str, tuple[Fields, str]] = {
    "an unknown field": ({"promt": "x"}, "steps[0].promt: unknown field (did you mean 'prompt'?)"),
    "a field of plan files": ({"id": "s3"}, "steps[0].id: is not for a reply"),
    "a kind of plan files": (
        {"kind": "manual"},
        "steps[0].kind: expected 'agent' or 'run', not 'manual'",
    ),
    "a text for a list": ({"argv": "go build"}, "steps[0].argv: expected a list, not 'go build'"),
    "a number for a text": ({"prompt": 3}, "steps[0].prompt: expected a text, not 3"),
    "a missing title": ({"title": ""}, "steps[0].title: is required"),
    "a missing prompt": ({"prompt": ""}, "steps[0].prompt: is required for a step of kind 'agent'"),
    "a step that is not there": (
        {"depends_on": [2]},
        "steps[0].depends_on[0]: there is no step '2'; the plan has 1",
    ),
}


@pytest.mark.parametrize(("step", "finding"), WRONG_REPLIES.values(), ids=WRONG_REPLIES)
def test_a_wrong_reply_is_refused_by_field(step: Fields, finding: str) -> None:
    """S1-109: unknown fields, wrong types and numbers of steps that are missing are reported by
    name.
    """
    assert finding in reply_findings(reply(step))


def test_a_field_that_a_reply_gives_twice_is_refused() -> None:
    """S1-109."""
    assert "title: is here twice, first on line 1" in reply_findings(
        reply({}).replace('"title": "T"', '"title": "T", "title": "U"')
    )


def test_a_check_may_be_a_review_which_comes_after_the_commands() -> None:
    checks = [{"review": "It is short.", "model": "claude-opus-5-5"}, "make test", {"review": "x"}]
    step = plan({"checks": checks}).steps[0]
    assert [check.command.text() for check in step.checks] == ["make test"]
    assert step.reviews == (Review("It is short.", "claude-opus-5-5"), Review("x"))


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ({"review": " "}, "review: is empty"),
        ({"review": None}, "review: needs the criteria of the review"),
        ({"review": ["x"]}, "review: expected a text, not a list"),
        ({"review": "x", "model": "two words"}, "model: 'two words' is not one word"),
        ({"review": "x", "modl": "y"}, "modl: unknown field (did you mean 'model'?)"),
        *(
            ({"review": "x", name: value}, f"{name}: belongs to a command, not to 'review'; make two")
            for name, value in (
                ("command", "ls"), ("argv", ["ls"]), ("type", "unit"), ("shell", "plain"),
                ("expected_exit", 1), ("timeout", 5),
            )
        ),
        ({"command": "ls", "model": "x"}, "model: belongs to 'review', not to a command"),
    ],
)  # fmt: skip
def test_a_review_has_criteria_a_model_and_nothing_else(check: Fields, message: str) -> None:
    [finding] = refused({"checks": ["ls", check]})
    assert finding.startswith(f"steps[0].checks[1].{message}")


def test_the_review_of_a_reply_is_a_check_of_its_step() -> None:
    step = {"title": "Do", "kind": "run", "why": "", "prompt": "", "argv": ["make"], "run": "",
            "paths": [], "depends_on": [], "checks": [], "review": "It is short.",
            "network": False}  # fmt: skip
    whole = {"title": "x", "objective": "x", "dependencies": [], "missing": []}
    checks = [{"type": "run", "argv": ["ls"], "command": "", "expected_exit": 0, "timeout": 5}]
    for steps in ([step], [{**step, "checks": checks}], [{**step, "review": ""}]):
        reply = {**whole, "steps": steps}
        jsonschema.validate(reply, prompts.PLAN_REPLY_SCHEMA)
        [read] = schema.reply_plan(json.dumps(reply)).steps
        given = [Review(str(steps[0]["review"]))] if steps[0]["review"] else []
        assert [*read.reviews] == given
        assert len(read.checks) == len(steps[0]["checks"])  # type: ignore[arg-type]


def test_the_requirements_of_a_reply_are_those_of_a_plan_file() -> None:
    check = {"type": "run", "argv": ["go", "test"], "command": "", "expected_exit": 0, "timeout": 9}
    listed = [{"id": "R1", "text": "It is fast.", "checks": ["1:1"], "watch": []}]
    read = schema.reply_plan(
        reply({"checks": [check], "requirements": ["R1"]}, requirements=listed)
    )
    assert read.requirements == (Requirement("R1", "It is fast.", ("go test",)),)
    assert read.steps[0].requirements == ("R1",)
    assert "steps[0].requirements[0]: the plan has no requirement 'R2'" in reply_findings(
        reply({"requirements": ["R2"]}, requirements=[])
    )


# -- hosts -----------------------------------------------------------------------------------------


def test_a_step_lists_hosts_in_one_spelling_each_once() -> None:
    listed = ["API.example.com.", "api.example.com:443", "b.example:80"]
    read = plan({"run": "true", "network": listed})
    assert read.steps[0].network == ("api.example.com", "b.example:80")
    assert plan_document.from_document(plan_document.to_document(read)) == read


def test_the_network_of_a_plan_is_that_of_the_run_and_agent_steps_which_do_not_say_it() -> None:
    steps: list[Fields] = [
        {"run": "true"},
        {"prompt": "do"},
        {"run": "true", "network": "false"},
        {"run": "true", "network": []},
        {"run": "true", "network": ["b.example"]},
        {"files": {"a": "b"}},
        {"kind": "manual"},
    ]
    networks = [step.network for step in plan(*steps, network=["a.example"]).steps]
    hosts = ("a.example",)
    assert networks == [hosts, hosts, False, False, ("b.example",), False, False]
    assert [step.network for step in plan(*steps, network=True).steps][:2] == [True, True]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("example.com", "expected true, false or a list of hosts"),
        ({"a": 1}, "expected true, false or a list of hosts"),
        ([1], "expected true, false or a list of hosts"),
        (["*.example.com"], "'*.example.com' is a pattern; name every host by itself"),
        (["1.2.3.4"], "'1.2.3.4' is an address; name the host"),
        ([f"a{n}.example" for n in range(101)], "has more than 100 entries"),
    ],
)
def test_a_list_that_is_none_of_hosts_is_refused(value: object, message: str) -> None:
    assert refused({"run": "true", "network": value}) == [f"steps[0].network: {message}"]
    assert refused({"run": "true"}, network=value) == [f"network: {message}"]


def test_what_is_produced_without_the_network_cannot_ask_for_hosts() -> None:
    step: Fields = {"run": "true", "produces": ["dist"]}
    [finding] = refused(step, network=["a.example"])
    assert finding.startswith("steps[0].produces: is made again without the network")
    assert plan({**step, "network": False}, network=["a.example"]).steps[0].produces == ("dist",)


@pytest.mark.parametrize(
    "value", [[], ["A.example"], ["a.example:443"], ["*"], [1], "a.example", ["a.example"] * 101]
)
def test_a_stored_list_that_no_file_gives_is_refused(value: object) -> None:
    document = plan_document.to_document(plan({"run": "true", "network": ["a.example"]}))
    cast("list[Fields]", document["steps"])[0]["network"] = value
    with pytest.raises(BadDocument):
        plan_document.from_document(document)


def test_a_reply_may_name_hosts_or_the_whole_network() -> None:
    steps = [
        {"title": "a", "kind": "run", "run": "true", "network": value}
        for value in (["A.example"], True, False, [])
    ]
    reply = schema.reply_plan(json.dumps({"title": "t", "objective": "o", "steps": steps}))
    assert [step.network for step in reply.steps] == [("a.example",), True, False, False]
