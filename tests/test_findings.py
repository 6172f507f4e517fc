"""What `git orch check` finds in a well-formed plan."""

from __future__ import annotations

import pytest

from git_orch.plans import findings
from git_orch.plans.plan import Check, Command, FileContent, Plan, Step

MAKE = Check("compile", Command(("make",)))


def available(command: str) -> bool:
    """A machine with three commands."""
    return command in {"make", "git", "python3"}


def agent(title: str, **fields: object) -> Step:
    """An agent step with a check, unless it is told otherwise."""
    return Step("s1", title, "agent", prompt="do it", checks=(MAKE,))._replace(**fields)  # type: ignore[arg-type]


def plan(*steps: Step, **fields: tuple[str, ...]) -> Plan:
    """A plan of steps with IDs by position."""
    return Plan("t", "t", tuple(step._replace(id=f"s{n}") for n, step in enumerate(steps, start=1)), **fields)


def found(checked: Plan) -> list[str]:
    """Level, code and field of each finding."""
    return [f"{item.level} {item.code} {item.field}" for item in findings.check(checked, available)]


def test_a_plan_with_everything_it_needs_has_no_finding() -> None:
    """S1-118."""
    assert found(plan(agent("a"), agent("b"), dependencies=("git",))) == []


def test_each_dependency_that_is_not_on_path_is_named() -> None:
    """S1-112."""
    checked = plan(agent("a"), dependencies=("git", "cargo", "rustc"))

    assert found(checked) == [
        "error dependency-unavailable dependencies[1]",
        "error dependency-unavailable dependencies[2]",
    ]
    assert findings.check(checked, available)[0].text() == "dependencies[1]: 'cargo' is not on PATH"


def test_a_command_that_was_missing_when_the_plan_was_made_is_an_error() -> None:
    """S1-113."""
    assert found(plan(agent("a"), missing=("docker",))) == ["error command-missing missing[0]"]


def test_the_unavailable_dependencies_are_listed_once_each() -> None:
    """S1-117."""
    checked = plan(agent("a"), dependencies=("cargo", "git", "docker"), missing=("docker", "helm"))

    assert findings.unavailable_dependencies(checked, available) == ["cargo", "docker", "helm"]


def test_all_findings_come_in_one_pass_and_each_says_what_to_do() -> None:
    """S1-121."""
    checked = plan(agent("a", checks=()), agent("a", checks=()), dependencies=("cargo",), missing=("docker",))

    assert found(checked) == [
        "error dependency-unavailable dependencies[0]",
        "error command-missing missing[0]",
        "warning duplicate-title steps[0].title",
        "warning duplicate-title steps[1].title",
        "warning unchecked-code steps[1].checks",
        "warning unchecked-code steps[0].checks",
    ]
    assert all(item.fix for item in findings.check(checked, available))


def test_a_plan_without_steps_is_an_error() -> None:
    assert found(plan()) == ["error no-steps steps"]


def test_more_steps_than_a_review_takes_in_are_a_warning() -> None:
    assert found(plan(*(agent(f"step {n}") for n in range(10)))) == []
    assert found(plan(*(agent(f"step {n}") for n in range(11)))) == ["warning many-steps steps"]


def test_a_dependency_on_a_later_step_is_a_warning() -> None:
    assert found(plan(agent("a", depends_on=("s2",)), agent("b"))) == [
        "warning later-dependency steps[0].depends_on[0]"
    ]


# -- code that nothing verifies ---------------------------------------------------------------------------------------

UNCHECKED = ["warning unchecked-code steps[0].checks"]


@pytest.mark.parametrize(
    "step",
    [
        agent("Write main.go", checks=()),
        agent("a", prompt="Put it into src/Main.JAVA.", checks=()),
        agent("a", paths=("lib/x.rs",), checks=()),
        agent("a", checks=()),
        Step("s1", "a", "files", files={"README.md": FileContent("x"), "a.py": FileContent("x")}),
        Step("s1", "a", "manual", prompt="write tool.sh"),
    ],
    ids=["title", "prompt", "paths", "nothing named", "files", "manual"],
)
def test_a_step_that_makes_code_needs_a_check(step: Step) -> None:
    """S1-160."""
    assert found(plan(step)) == UNCHECKED


@pytest.mark.parametrize(
    "step",
    [
        agent("Write README.md", checks=()),
        agent("a", prompt="Write about it in README.md.", checks=()),
        agent("a", prompt="Explain main.go", paths=("docs/guide.md",), checks=()),
        Step("s1", "a", "files", files={"LICENSE": FileContent("x"), "gone.py": None}),
        Step("s1", "a", "run", command=Command(("make",))),
        Step("s1", "a", "manual", prompt="Ask the lawyers, e.g. Ada."),
    ],
    ids=["a document", "a sentence", "paths decide", "files", "run", "manual"],
)
def test_a_step_that_makes_no_code_needs_none(step: Step) -> None:
    assert found(plan(step)) == []


def test_a_check_of_its_own_verifies_a_step() -> None:
    """S1-160."""
    assert found(plan(agent("Write main.go", checks=(MAKE,)))) == []


@pytest.mark.parametrize(
    "following",
    [Step("s2", "b", "run", command=Command(("make",))), Step("s2", "b", "manual", checks=(MAKE,))],
    ids=["command", "checks"],
)
def test_a_following_step_verifies_the_ones_before_it(following: Step) -> None:
    """S1-160, S1-162: main.go is written, then the next step builds it."""
    code = agent("Write main.go", checks=())

    assert found(plan(code, following)) == []
    assert found(plan(following, code)) == ["warning unchecked-code steps[1].checks"]


def test_following_means_in_the_order_the_steps_run() -> None:
    first = Step("s1", "a", "run", command=Command(("make",)), depends_on=("s2",))

    assert found(plan(first, agent("Write main.go", checks=()))) == ["warning later-dependency steps[0].depends_on[0]"]


# -- commands ---------------------------------------------------------------------------------------------------------


def test_programs_of_steps_and_checks_that_are_not_on_path_are_warnings() -> None:
    run = Step("s1", "a", "run", command=Command(("cargo", "build")))
    checks = (Check("unit", Command(None, "cargo test | tee log")), Check("run", Command(("npm", "test"))))

    assert found(plan(run, agent("b", checks=checks))) == [
        "warning command-unavailable steps[0].argv",
        "warning command-unavailable steps[1].checks[0].command",
        "warning command-unavailable steps[1].checks[1].argv",
    ]


def test_a_program_that_is_a_dependency_is_reported_once() -> None:
    run = Step("s1", "a", "run", command=Command(("cargo", "build")))

    assert found(plan(run, dependencies=("cargo",))) == ["error dependency-unavailable dependencies[0]"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("cargo test", "cargo"),
        ("CC=clang X= make -j2", "make"),
        ("# a comment\nnpm test", "npm"),
        ("'my tool' x", None),
        ("cd src && make", None),
        ("[ -f a ]", None),
        ("if true; then x; fi", None),
        ("! make", None),
        ("(cd a; b)", None),
        ("$CC a.c", None),
        ("./build.sh", None),
        ("/usr/bin/env x", None),
        ("cat <<E\nisn't\nE", None),
        ("", None),
    ],
)
def test_the_first_word_of_a_command_line_is_looked_up_only_when_it_is_a_program(line: str, word: str | None) -> None:
    assert findings.first_word(Command(None, line)) == word


@pytest.mark.parametrize(("program", "word"), [("cargo", "cargo"), ("./x", None), ("echo", "echo")])
def test_an_argument_list_names_its_program(program: str, word: str | None) -> None:
    assert findings.first_word(Command((program, "x"))) == word
