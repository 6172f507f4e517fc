"""Plan files: what is read, how it is refused, and that what is written reads back."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable

import hostile_plans
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from git_orch.errors import UsageError
from git_orch.plans.document import BadDocument
from git_orch.plans.file import emitter, planfile, source
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.plan import Check, Command, FileContent, Plan, Step
from git_orch.plans.plan_document import from_document, to_document

EXAMPLE = """\
title: Greet people
objective: A greeting module with a test.
steps:
  - title: Write the module
    kind: files                      # agent | run | files | manual
    files: {hello.py: "def hi(): return 'hi'\\n"}
    checks: [{type: run, command: "python3 -c 'import hello; hello.hi()'", expected_exit: 0, timeout: 30}]
  - title: Record the version
    kind: run
    argv: [sh, -c, "echo 1.0 > VERSION"]   # or run: "echo 1.0 > VERSION"
    depends_on: [1]
  - title: Add a test
    kind: agent
    prompt: Write test_hello.py for hello.hi with pytest.
    paths: [test_hello.py]
    depends_on: [1]
    checks: [{type: unit, argv: [python3, -m, pytest, -q]}]
"""
CHECK = Check("unit", Command(("make", "test")))


def refused(text: str) -> list[str]:
    """The findings on a file called plan.yaml."""
    with pytest.raises(PlanFileError) as caught:
        planfile.read(text, "plan.yaml")
    return caught.value.lines()


def one_step(body: str) -> Step:
    """The only step of a plan, from the lines of its fields."""
    text = "title: t\nsteps:\n  - title: x\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )
    return planfile.read(text, "plan.yaml").steps[0]


# -- reading ---------------------------------------------------------------------------------------


def test_the_documented_example_is_read() -> None:
    plan = planfile.read(EXAMPLE, "plan.yaml")

    assert [(step.id, step.kind, step.depends_on) for step in plan.steps] == [
        ("s1", "files", ()),
        ("s2", "run", ("s1",)),
        ("s3", "agent", ("s1",)),
    ]
    assert plan.steps[0].files == {"hello.py": FileContent("def hi(): return 'hi'\n")}
    assert plan.steps[1].command == Command(argv=("sh", "-c", "echo 1.0 > VERSION"))
    assert plan.steps[2].checks[0].command == Command(argv=("python3", "-m", "pytest", "-q"))


def test_the_same_plan_in_json_is_the_same_plan() -> None:
    values = yaml.safe_load(EXAMPLE)

    assert planfile.read("\n " + json.dumps(values), "plan.json") == planfile.read(
        EXAMPLE, "plan.yaml"
    )


@pytest.mark.parametrize(
    "word",
    ["on", "yes", "12:30", "1.0", "0123", "12345678e9", "2026-11-20", "0x1f", "True", "Null"],
)
def test_a_scalar_stays_what_was_typed(word: str) -> None:
    assert one_step(f"argv: [{word}, '{word}']").command == Command(argv=(word, word))


@pytest.mark.parametrize("nothing", ["", "~", "null"])
def test_nothing_is_null_only_when_it_is_not_quoted(nothing: str) -> None:
    step = one_step(f"files:\n  gone: {nothing}\n  kept: '{nothing}'")

    assert step.files == {"gone": None, "kept": FileContent(nothing)}


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    assert planfile.read("\ufeff" + EXAMPLE.replace("\n", "\r\n"), "p") == planfile.read(
        EXAMPLE, "p"
    )


def _json(plan: Plan) -> str:
    """The plan as a plan file in JSON."""
    return json.dumps(to_document(plan))


@given(hostile_plans.plans().map(emitter.to_yaml) | st.just(EXAMPLE))
def test_both_parsers_give_the_same_values_and_lines(text: str) -> None:
    assert source.read_yaml(text, "p", yaml.BaseLoader) == source.read_yaml(
        text, "p", yaml.CBaseLoader
    )


# -- refusing --------------------------------------------------------------------------------------


def test_a_finding_names_file_line_field_and_what_was_meant() -> None:
    assert refused(EXAMPLE.replace("timeout", "timeuot")) == [
        "plan.yaml:7: step 1, check 1, timeuot: unknown field (did you mean 'timeout'?)"
    ]


def test_a_field_that_is_missing_is_reported_where_its_step_begins() -> None:
    assert refused("title: t\nsteps:\n  - title: a\n    prompt: x\n  - prompt: y\n") == [
        "plan.yaml:5: step 2, title: is required"
    ]


def test_all_findings_come_in_one_pass() -> None:
    """S1-121: a plan with three faults lists three."""
    text = (
        EXAMPLE.replace("timeout", "timeuot")
        .replace("kind: run", "kind: rum")
        .replace("depends_on: [1]", "depends_on: [9]")
    )

    assert refused(text) == [
        "plan.yaml:7: step 1, check 1, timeuot: unknown field (did you mean 'timeout'?)",
        "plan.yaml:9: step 2, kind: expected 'agent', 'run', 'files', 'manual' or 'wait', not 'rum'",
        "plan.yaml:11: step 2, depends_on 1: there is no step '9'; the plan has 3",
        "plan.yaml:16: step 3, depends_on 1: there is no step '9'; the plan has 3",
    ]


def test_the_error_gives_the_first_finding_the_number_of_others_and_the_next_command() -> None:
    with pytest.raises(UsageError) as caught:
        planfile.read("title: t\nx: 1\ny: 2\nsteps: [{title: a, prompt: b}]\n", "plan.yaml")

    assert caught.value.cause == "plan.yaml:2: x: unknown field (and 1 more)"
    assert caught.value.hint == "git orch schema plan"
    assert caught.value.exit_code == 2


REFUSALS: dict[str, tuple[str, str]] = {
    "an empty file": ("", "plan.yaml:1: the file is empty"),
    "only a comment": ("# x\n", "plan.yaml:1: the file is empty"),
    "a list": ("- a\n", "plan.yaml:1: expected an object, not a list"),
    "a word": ("hello\n", "plan.yaml:1: expected an object, not 'hello'"),
    "broken YAML": (
        "a: b: c",
        "plan.yaml:1: not valid YAML: mapping values are not allowed in this context (column 5)",
    ),
    "a control character": (
        "\ntitle: a\x07",
        "plan.yaml:2: the character U+0007 may not stand in YAML: write it as an escape",
    ),
    "a surrogate": (
        "title: \ud800",
        "plan.yaml:1: the character U+D800 may not stand in YAML: write it as an escape",
    ),
    "two documents": (
        "a: b\n---\nc: d\n",
        "plan.yaml:2: a second document begins; a file holds one",
    ),
    "an alias": ("*a", "plan.yaml:1: the alias '*a' is refused: write the value out"),
    "a tag": (
        "!!python/object:os.system x",
        "plan.yaml:1: the tag '!!python/object:os.system' is refused",
    ),
    "a list as key": (
        "? [a]\n: b\n",
        "plan.yaml:1: the name of a field is a text, not a list, an object or an alias",
    ),
    "deep YAML": ("[" * 100_000, "plan.yaml:1: nested deeper than 20 levels"),
    "deep JSON": ('{"a":' * 100_000, "plan.yaml:1: nested deeper than 20 levels"),
    "many nodes": ("a: [" + "b," * 40_001 + "]", "plan.yaml:1: more than 40,000 values"),
    "many JSON nodes": ('{"a": [' + "1," * 40_001 + "1]}", "plan.yaml:1: more than 40,000 values"),
    "a big file": ("a: " + "é" * (1 << 19), "plan.yaml:1: the file is larger than 1024 KiB"),
    "broken JSON": (
        '{"a":\n  "b" "c"}',
        "plan.yaml:2: not valid JSON: expecting ',' delimiter (line 2, column 7)",
    ),
    "a number that is none": ('{"a":\nNaN}', "plan.yaml:2: not valid JSON: 'NaN' is not a value"),
    "endless digits": ('{"a":\n\n' + "9" * 5000 + "}", "plan.yaml:3: a number has too many digits"),
}


@pytest.mark.parametrize(("text", "finding"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_no_plan_file_is_refused_by_line(text: str, finding: str) -> None:
    assert refused(text)[0] == finding


@pytest.mark.parametrize(
    "text", ["", " \n", "# x\n", "---\n"], ids=["", "blank", "comment", "mark"]
)
def test_a_file_without_a_plan_is_empty_to_a_program_too(text: str) -> None:
    with pytest.raises(PlanFileError) as raised:
        planfile.read(text, "plan.yaml")
    assert [(finding.code, finding.line) for finding in raised.value.findings] == [("empty", 1)]


def test_anchors_aliases_and_merge_keys_are_named_and_nothing_is_expanded() -> None:
    text = "title: t\nbase: &base {prompt: x}\nsteps:\n  - *base\n  - <<: *base\n    title: x\n"

    findings = refused(text)

    assert (
        "plan.yaml:2: base: the anchor '&base' is refused: write the value out where it is used"
        in findings
    )
    assert "plan.yaml:4: step 1: the alias '*base' is refused: write the value out" in findings
    assert (
        "plan.yaml:5: step 2, '<<': the merge key '<<' is refused: write the fields out" in findings
    )


def test_a_billion_laughs_are_refused_one_by_one_and_never_expanded() -> None:
    names = "abcdefghi"
    lines = [
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]"
        for before, name in itertools.pairwise(names)
    ]
    laughs = "\n".join(["a: &a [x]", *lines])

    assert len(source.read_yaml(laughs, "p").findings) == 9 + 8 * 9


@pytest.mark.parametrize(
    "text", ["title: a\ntitle: b\n", '{"title": "a",\n "title": "b"}'], ids=["YAML", "JSON"]
)
def test_a_field_that_is_there_twice_is_refused(text: str) -> None:
    assert "plan.yaml:2: title: is here twice, first on line 1" in refused(text)


def test_half_a_surrogate_pair_in_a_json_escape_is_refused() -> None:
    text = '{"title": "a\\ud83d", "steps": [{"title": "b", "prompt": "c"}]}'

    assert refused(text) == [
        "plan.yaml:1: title: holds half of a surrogate pair, which is no character"
    ]


@pytest.mark.parametrize(
    "step",
    [
        '"files": {"a": "\\ud83d"}',
        '"files": {"a": {"content": "\\ude00"}}',
        '"run": "echo \\ud83d"',
        '"argv": ["echo", "\\ud83d"]',
        '"run": "true", "checks": ["\\ud83d"]',
        '"files": {"a\\ud83d": "x"}',
        '"\\ud83d": 1, "run": "true"',
    ],
)
def test_half_a_surrogate_pair_is_refused_wherever_json_has_one(step: str) -> None:
    text = f'{{"title": "a", "steps": [\n{{"title": "b", {step}}}]}}'
    assert any("holds half of a surrogate pair" in line for line in refused(text))


def test_a_whole_surrogate_pair_in_a_json_escape_is_a_character() -> None:
    text = '{"title": "a\\ud83d\\ude80", "steps": [{"title": "b", "prompt": "c"}]}'

    assert planfile.read(text, "p").title == "a\U0001f680"


@given(
    st.text() | hostile_plans.texts | st.lists(st.sampled_from(EXAMPLE.splitlines())).map("\n".join)
)
def test_any_text_is_a_plan_or_a_plan_file_error(text: str) -> None:
    try:
        planfile.read(text, "p")
    except PlanFileError as error:
        assert error.findings  # noqa: PT017


@given(st.data())
def test_a_damaged_example_is_a_plan_or_a_plan_file_error(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from([EXAMPLE, _json(planfile.read(EXAMPLE, "p"))]))
    at = data.draw(st.integers(0, len(form)))
    text = form[:at] + data.draw(hostile_plans.texts) + form[at + data.draw(st.integers(0, 20)) :]

    try:
        planfile.read(text, "p")
    except PlanFileError as error:
        assert error.findings  # noqa: PT017


# -- writing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [emitter.to_yaml, _json], ids=["YAML", "JSON"])
@given(plan=hostile_plans.plans())
def test_what_is_written_reads_back_exactly(written: Callable[[Plan], str], plan: Plan) -> None:
    text = written(plan)

    assert text.encode().decode() == text
    assert planfile.read(text, "p") == plan


@given(hostile_plans.plans())
def test_other_readers_take_the_yaml_for_the_same_values(plan: Plan) -> None:
    """PyYAML's full YAML 1.1 resolver sees neither dates, numbers, truth values nor nulls in our
    texts.
    """
    text = emitter.to_yaml(plan)

    assert yaml.safe_load(text) == to_document(plan)
    assert yaml.load(text, Loader=yaml.CSafeLoader) == to_document(plan)


def test_a_text_of_several_lines_stands_as_it_is() -> None:
    step = Step(
        "s1",
        "x",
        "files",
        files={"m": FileContent("all:\n\t@echo a: b # c\n\n  end"), "n": FileContent("\n x\n")},
    )

    text = emitter.to_yaml(Plan("t", "t", (step,)))

    assert "      m: |-\n        all:\n        \t@echo a: b # c\n\n          end\n" in text
    assert '      "n": |2\n\n         x\n' in text


@pytest.mark.parametrize("prompt", ["a  \nb\n", "a\nb\n\n"], ids=["of a line", "of a text"])
def test_white_space_at_the_end_is_written_in_quotes_because_editors_remove_it(prompt: str) -> None:
    step = Step("s1", "x", "agent", prompt=prompt)

    assert f"prompt: {json.dumps(prompt)}\n" in emitter.to_yaml(Plan("t", "t", (step,)))


def test_invisible_characters_are_written_as_escapes() -> None:
    step = Step("s1", "x", "agent", prompt="a\u2028b\x85c\x1b\xa0d\r\ne \n")

    assert 'prompt: "a\\u2028b\\u0085c\\u001b\\u00A0d\\r\\ne \\n"' in emitter.to_yaml(
        Plan("t", "t", (step,))
    )


@pytest.mark.parametrize("prompt", ["\tx\ny\n", " x\ny\n", "\n\tx\n"], ids=["tab", "space", "line"])
def test_a_block_that_begins_with_white_space_is_still_one(prompt: str) -> None:
    plan = Plan("t", "t", (Step("s1", "x", "agent", prompt=prompt),))
    text = emitter.to_yaml(plan)
    assert "prompt: |2\n" in text
    assert planfile.read(text, "p") == plan


@pytest.mark.parametrize("word", ["y", "No", "on", "~", "1e3", "0o14", "0x1F", "12:30", "=", "<<"])
def test_what_some_reader_takes_for_no_text_is_written_in_quotes(word: str) -> None:
    step = Step("s1", word, "run", command=Command(argv=(word, "-x")), paths=(word,))
    text = emitter.to_yaml(Plan("t", "t", (step,)))
    assert f'title: "{word}"\n' in text
    assert f'argv: ["{word}", -x]\n' in text


def test_a_plan_that_is_no_text_is_not_written() -> None:
    plan = Plan("t", "t", (Step("s1", "x", "agent", prompt="half \ud83d"),))

    with pytest.raises(PlanFileError, match="prompt: holds half of a surrogate pair"):
        emitter.to_yaml(plan)


def test_a_plan_of_a_thousand_steps_can_be_edited() -> None:
    steps = (
        Step(
            f"s{n}",
            f"step {n}",
            "agent",
            "do",
            depends_on=("s1",),
            paths=("a", "b"),
            checks=(CHECK, CHECK),
        )
        for n in range(2, 1001)
    )
    plan = Plan("t", "t", (Step("s1", "first", "manual"), *steps))

    assert planfile.read(emitter.to_yaml(plan), "p") == plan


def test_the_reason_of_a_step_survives_a_plan_file() -> None:
    plan = planfile.read("title: t\nsteps:\n- title: a\n  run: make\n  why: It is slow.\n", "p")
    assert plan.steps[0].why == "It is slow."
    assert planfile.read(emitter.to_yaml(plan), "p") == plan


def test_writing_needs_no_pydantic() -> None:
    code = (
        "import sys; from git_orch.plans import plan; from git_orch.plans.file import emitter;"
        "emitter.to_yaml(plan.Plan('t', 't', ())); sys.exit('pydantic' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


UNTIL = "title: T\nsteps:\n  - title: S\n    run: make\n    checks: [a]\n    until: {check: b, times: 4}\n"


def test_a_step_that_is_repeated_reads_back() -> None:
    plan = planfile.read(UNTIL, "plan.yaml")
    [step] = plan.steps
    assert [check.command.shell for check in step.checks] == ["a", "b"]
    assert (step.until, step.own_checks, step.times) == (step.checks[1], step.checks[:1], 4)
    assert from_document(to_document(plan)) == plan
    assert planfile.read(emitter.to_yaml(plan), "plan.yaml") == plan


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("run: make", "kind: manual", "until: does not belong to a step of kind 'manual'"),
        ("times: 4", "times: 0", "until, times: must be at least 1, not 0"),
        ("times: 4", "times: 101", "until, times: must be at most 100, not 101"),
        ("check: b", "check: {review: x}", "until, check, review: needs a command, not a review"),
        ("check: b", "check: {argv: [b], command: c}", "give either 'command' or 'argv', not both"),
        ("check: b, ", "", "until, check: is required"),
        ("times: 4", "time: 4", "until, time: unknown field (did you mean 'times'?)"),
    ],
)
def test_a_step_that_cannot_be_repeated_so_is_refused(old: str, new: str, finding: str) -> None:
    assert finding in "\n".join(refused(UNTIL.replace(old, new)))


@pytest.mark.parametrize(
    "until", [{"times": 3}, {"check": {"type": "run", "command": "x"}}, 5, {"check": 5, "times": 2}]
)
def test_a_stored_repetition_that_is_none_is_refused(until: object) -> None:
    document = json.loads(json.dumps(to_document(planfile.read(UNTIL, "plan.yaml"))))
    document["steps"][0]["until"] = until
    with pytest.raises(BadDocument):
        from_document(document)


WAIT = "title: T\nsteps:\n  - title: S\n    wait: {file: x, every: 7}\n"


@pytest.mark.parametrize(
    "event",
    [
        "file: x",
        "command: make -q",
        "time: 2027-01-31T08:00Z",
        "person: Look",
        "ci: true",
        "pull_request: true",
    ],
)
def test_a_step_that_waits_reads_back(event: str) -> None:
    plan = planfile.read(WAIT.replace("file: x", event), "plan.yaml")
    [step] = plan.steps
    assert (step.kind, step.wait is not None and step.wait.every) == ("wait", 7)
    assert (step.command is not None) == event.startswith("command")
    assert from_document(to_document(plan)) == plan
    assert planfile.read(emitter.to_yaml(plan), "plan.yaml") == plan


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("file: x", "time: tomorrow", "wait, time: is no time with its zone"),
        ("file: x", "time: 2027-13-31T08:00Z", "wait, time: is no time with its zone"),
        ("file: x", "ci: false", "wait, ci: expected True"),
        ("file: x, ", "", "wait: needs one of: command, time, file"),
        ("file: x", "file: x, ci: true", "wait: needs one of: command, time, file"),
        ("every: 7", "every: 0", "wait, every: must be at least 1"),
        ("every: 7", "every: 3601", "wait, every: must be at most 3600"),
        ("wait: {file: x, every: 7}", "kind: wait", "wait: is required for a step of kind 'wait'"),
        (
            "    wait",
            "    checks: [a]\n    wait",
            "checks: does not belong to a step of kind 'wait'",
        ),
        ("    wait", "    run: x\n    wait", "run: does not belong to a step of kind 'wait'"),
        ("    wait", "    kind: run\n    run: x\n    wait", "wait: does not belong to a step"),
        (
            "    wait",
            "    network: true\n    wait",
            "network: is for a step that waits for a command",
        ),
        ("file: x", "fil: x", "unknown field (did you mean 'file'?)"),
    ],
)
def test_a_step_that_cannot_wait_so_is_refused(old: str, new: str, finding: str) -> None:
    assert finding in "\n".join(refused(WAIT.replace(old, new)))


@pytest.mark.parametrize(
    "wait",
    [None, 5, {}, {"file": "x"}, {"file": "x", "time": "y", "every": 5}, {"time": "x", "every": 5}],
)
def test_a_stored_wait_that_is_none_is_refused(wait: object) -> None:
    document = json.loads(json.dumps(to_document(planfile.read(WAIT, "plan.yaml"))))
    document["steps"][0]["wait"] = wait
    with pytest.raises(BadDocument):
        from_document(document)
