"""What `git orch check` finds in a well-formed plan."""

from __future__ import annotations

import pytest

from git_orch.plans.file import findings, planfile
from git_orch.plans.history.status import StoredEstimate
from git_orch.plans.money import cost
from git_orch.plans.plan import (
    STEP_KINDS,
    Check,
    Command,
    FileContent,
    Plan,
    Review,
    Step,
    StepKind,
)

MAKE = Check("compile", Command(("make",)))


def available(command: str) -> bool:
    """A machine with three commands."""
    return command in {"make", "git", "python3"}


def agent(title: str, **fields: object) -> Step:
    """An agent step with a check, unless it is told otherwise."""
    return Step("s1", title, "agent", prompt="do it", checks=(MAKE,))._replace(**fields)  # type: ignore[arg-type]


def plan(*steps: Step, **fields: tuple[str, ...]) -> Plan:
    """A plan of steps with IDs by position."""
    return Plan(
        "t",
        "t",
        tuple(step._replace(id=f"s{n}") for n, step in enumerate(steps, start=1)),
        **fields,  # type: ignore[arg-type]
    )


def found(checked: Plan) -> list[str]:
    """Level, code and field of each finding."""
    return [f"{item.level} {item.code} {item.field}" for item in findings.check(checked, available)]


def test_a_plan_with_everything_it_needs_has_no_finding() -> None:
    """S1-118."""
    assert found(plan(agent("a"), agent("b"), dependencies=("git",))) == []


@pytest.mark.parametrize(
    ("length", "expected"),
    [(50, []), (51, ["note"]), (72, ["note"]), (73, ["warning"])],
)
def test_a_title_too_long_for_a_subject_is_found(length: int, expected: list[str]) -> None:
    named = [f"{level} long-subject steps[0].title" for level in expected]
    assert found(plan(agent("x" * length))) == named


def test_each_dependency_that_is_not_on_path_is_named() -> None:
    """S1-112."""
    checked = plan(agent("a"), dependencies=("git", "cargo", "rustc"))

    assert found(checked) == [
        "error dependency-unavailable dependencies[1]",
        "error dependency-unavailable dependencies[2]",
    ]
    assert findings.check(checked, available)[0].text() == "dependency 2: 'cargo' is not on PATH"


def test_a_command_that_was_missing_when_the_plan_was_made_is_an_error() -> None:
    """S1-113."""
    assert found(plan(agent("a"), missing=("docker",))) == ["error command-missing missing[0]"]


def test_the_unavailable_dependencies_are_listed_once_each() -> None:
    """S1-117."""
    checked = plan(agent("a"), dependencies=("cargo", "git", "docker"), missing=("docker", "helm"))

    assert findings.unavailable_dependencies(checked, available) == ["cargo", "docker", "helm"]


def test_all_findings_come_in_one_pass_and_each_says_what_to_do() -> None:
    """S1-121."""
    checked = plan(
        agent("a", checks=()), agent("a", checks=()), dependencies=("cargo",), missing=("docker",)
    )

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


def test_a_command_that_was_missing_and_is_here_now_is_none() -> None:
    checked = plan(agent("a"), missing=("git", "helm"))

    assert found(checked) == ["error command-missing missing[1]"]
    assert findings.unavailable_dependencies(checked, available) == ["helm"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/etc/passwd", "path-outside"),
        ("../x", "path-outside"),
        ("src/../../x", "path-outside"),
        ("~/x", "path-outside"),
        (".git/hooks", "path-git-control"),
        ("sub/.GIT/", "path-git-control"),
        ("a\0b", "path-invalid"),
    ],
)
def test_a_declared_path_out_of_the_tree_is_an_error(path: str, code: str) -> None:
    """S1-114: a log may hold what no plan file is allowed to."""
    assert found(plan(agent("a", paths=("src/main.py", path)))) == [
        f"error {code} steps[0].paths[1]"
    ]


def test_declared_directories_may_end_with_a_slash() -> None:
    assert found(plan(agent("a", paths=("src/", ".github/workflows", "."))))[:1] != [
        "error path-invalid steps[0].paths[0]"
    ]


@pytest.mark.parametrize(
    "prompt",
    [
        "Edit /etc/hosts.",
        "see ../other/x.py",
        "put it into ~/bin",
        "write `.git/config`",
        "./.git/hooks/x",
    ],
)
def test_a_prompt_that_names_a_path_out_of_the_tree_is_a_warning(prompt: str) -> None:
    assert found(plan(agent("a", prompt=prompt))) == ["warning prompt-path-outside steps[0].prompt"]


@pytest.mark.parametrize(
    "prompt",
    [
        "Begin it with #!/usr/bin/env python3.", "GET /login and /api/v1/users",
        "import x from '../lib/x'", "Add .gitignore and .github/ci.yml", "yes/no",
        "see https://example.com/etc/x", "1/2 of it", "and/or", "..., /home",
    ],
)  # fmt: skip
def test_what_only_looks_like_such_a_path_is_none(prompt: str) -> None:
    assert found(plan(agent("a", prompt=prompt))) == []


def test_steps_that_change_the_same_path_and_do_not_wait_for_each_other_are_a_warning() -> None:
    both = (agent("a", paths=("src",)), agent("b", paths=("src/x.py",)), agent("c", paths=("doc",)))

    assert found(plan(*both)) == ["warning overlapping-paths steps[1].paths"]
    assert found(plan(both[0], both[1]._replace(depends_on=("s1",)), both[2])) == []


def test_many_overlaps_are_one_finding_a_step() -> None:
    checked = plan(*(agent(f"step {n}", paths=("x.py",)) for n in range(9)))
    listed = findings.check(checked, available)

    assert [item.field for item in listed] == [f"steps[{n}].paths" for n in range(1, 9)]
    assert "step 1, 2, 3, 4, 5 ... changes too" in listed[-1].message


@pytest.mark.parametrize(
    ("limit", "codes"), [(0, []), (0.5, []), (0.6, []), (0.4, ["over-budget"])]
)
def test_a_plan_that_may_cost_more_than_its_budget_is_an_error(
    limit: float, codes: list[str]
) -> None:
    """S1-115."""
    over = cost.over_budget(StoredEstimate(1, 1, 0.5), limit)

    assert [
        each.code for each in [over] if each is not None and each.level == "error" and each.fix
    ] == codes


@pytest.mark.parametrize(
    "text",
    [
        "", "- a", "title: x", "title: x\ntitle: y\nsteps: []",
        "title: x\nsteps: [{title: a, prompt: p, depends_on: [2]}, {title: b, kind: walk}]",
        "title: x\nsteps: [{title: a, run: x, depends_on: [1]}, {title: b, run: x, files: {}}, {title: c, id: q}]",
        "title: x\nsteps: [{title: a, run: x, depends_on: [2]}, {title: b, run: x, depends_on: [1], timout: 3}]",
    ],
)  # fmt: skip
def test_every_finding_about_a_file_has_a_code_and_a_fix(text: str) -> None:
    """S1-121."""
    with pytest.raises(findings.PlanFileError) as wrong:
        planfile.read(text, "plan.yaml")
    assert all(each.code and each.fix and each.message for each in wrong.value.findings)


# -- code that nothing verifies --------------------------------------------------------------------

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

    assert found(plan(first, agent("Write main.go", checks=()))) == [
        "warning later-dependency steps[0].depends_on[0]"
    ]


# -- commands --------------------------------------------------------------------------------------


def test_programs_of_steps_and_checks_that_are_not_on_path_are_warnings() -> None:
    run = Step("s1", "a", "run", command=Command(("cargo", "build")))
    checks = (
        Check("unit", Command(None, "cargo test | tee log")),
        Check("run", Command(("npm", "test"))),
    )

    assert found(plan(run, agent("b", checks=checks))) == [
        "warning command-unavailable steps[0].argv",
        "warning command-unavailable steps[1].checks[0].command",
        "warning command-unavailable steps[1].checks[1].argv",
    ]


def test_a_program_that_is_a_dependency_is_reported_once() -> None:
    run = Step("s1", "a", "run", command=Command(("cargo", "build")))

    assert found(plan(run, dependencies=("cargo",))) == [
        "error dependency-unavailable dependencies[0]"
    ]


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
def test_the_first_word_of_a_command_line_is_looked_up_only_when_it_is_a_program(
    line: str, word: str | None
) -> None:
    assert findings.first_word(Command(None, line)) == word


@pytest.mark.parametrize(("program", "word"), [("cargo", "cargo"), ("./x", None), ("echo", "echo")])
def test_an_argument_list_names_its_program(program: str, word: str | None) -> None:
    assert findings.first_word(Command((program, "x"))) == word


@pytest.mark.parametrize(
    "path",
    [
        "CON", "d/aux.txt", "nul.c", "com1", "LPT9.log", "com\u00b9", "CONIN$", "a.", "dir./f", "a ",
        "a:b", "a?", 'a"b', "a|b", "a<b", "a*", "a\\b",
    ],
)  # fmt: skip
def test_a_path_that_windows_cannot_check_out_is_a_warning(path: str) -> None:
    step = agent("a", kind="files", files={path: FileContent("x")})
    assert found(plan(step)) == ["warning path-not-portable steps[0].files"]
    declared = agent("a", paths=("ok", path))
    assert found(plan(declared)) == ["warning path-not-portable steps[0].paths[1]"]


@pytest.mark.parametrize("path", ["console.py", "com10", "d/.x", "a b", "lpt", "nul-x", "é.txt"])
def test_a_path_that_windows_can_check_out_is_none(path: str) -> None:
    assert found(plan(agent("a", kind="files", files={path: FileContent("x")}))) == []


def test_deleting_a_path_that_windows_cannot_check_out_is_none() -> None:
    assert found(plan(agent("a", kind="files", files={"CON": None}))) == []


def test_two_names_that_differ_in_their_letter_case_alone_are_a_warning() -> None:
    files = {"Read.me": FileContent("x"), "read.me": FileContent("y")}
    assert found(plan(agent("a", kind="files", files=files))) == [
        "warning path-not-portable steps[0].files"
    ]


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        (Command(shell="true " + "a" * 131_066), []),
        (Command(shell="true " + "a" * 131_067), ["error command-too-long steps[0].checks[0].command"]),
        (Command(shell="true " + "é" * 65_534), ["error command-too-long steps[0].checks[0].command"]),
        (Command(("git", "a" * 131_072)), ["error command-too-long steps[0].checks[0].argv"]),
        (Command(("git", *["a" * 1_000] * 200)), []),
    ],
)  # fmt: skip
def test_a_command_that_no_system_can_start_is_an_error(command: Command, codes: list[str]) -> None:
    assert found(plan(agent("a", checks=(Check("compile", command),)))) == codes


@pytest.mark.parametrize("kind", STEP_KINDS)
def test_a_review_that_is_the_only_check_of_a_step_is_an_error(kind: StepKind) -> None:
    lonely = Step("s1", "Do", kind, reviews=(Review("It is short."),))
    make = Check("run", Command(None, "make"))
    tested = lonely._replace(id="s2", title="Other", checks=(make,))
    listed = findings.check(plan(lonely, tested), available)
    [finding] = [finding for finding in listed if finding.code == "review-alone"]
    assert (finding.level, finding.field) == ("error", "steps[0].checks")
