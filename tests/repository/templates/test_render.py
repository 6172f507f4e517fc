"""Built-in templates, and that their plans really work without a network."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Here, Repo, data

from git_orch.errors import UsageError
from git_orch.plans import graph
from git_orch.plans.file import findings
from git_orch.plans.plan import Command, Step
from git_orch.templates import render

VARIABLES: dict[str, dict[str, str]] = {
    "python-cli": {"name": "hello"},
    "editorconfig": {},
    "go-rest-api": {"ProjectName": "shop", "resource": "orders"},
    "rust-binary": {"name": "tally-up"},
    "react-app": {"name": "todo"},
}
PROGRAMS = {"python3", "git", "grep", "go", "cargo", "rustc", "node", "npm"}


@pytest.fixture(autouse=True)
def toolchains(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own toolchains and compiled standard library: these tests have another home."""
    with contextlib.suppress(KeyError):  # a user whom the system does not list
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
        for variable, place in (("RUSTUP_HOME", ".rustup"), ("GOCACHE", ".cache/go-build")):
            if os.access(home / place, os.W_OK):
                monkeypatch.setenv(variable, str(home / place))


def exit_status(command: Command, tree: Path) -> int:
    """The exit status of a step's or check's command in a tree."""
    argv = command.argv or ("bash", "-c", command.shell or "")
    return subprocess.run(argv, cwd=tree, check=False, stdin=subprocess.DEVNULL).returncode


def write(step: Step, tree: Path) -> None:
    """What a files step does."""
    assert step.contents.keys() == step.files.keys()
    for path, content in step.contents.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(content.text)
        if content.executable:
            os.chmod(tree / path, 0o755)  # noqa: S103


def carried_out(name: str, variables: Mapping[str, str], repo: Repo) -> list[str]:
    """The titles of the steps, each carried out, checked and committed in a repository."""
    plan = render.render(name, variables)
    titles = []
    for step_id in graph.order(plan):
        step = plan.step(step_id)
        assert step is not None
        if step.produces:
            continue  # it needs packages: `make test-templates`
        write(step, repo.path)
        if step.command is not None:
            assert exit_status(step.command, repo.path) == 0
        repo.git("add", "-A")
        before = repo.git("status", "--porcelain")
        for check in step.checks:
            assert exit_status(check.command, repo.path) == check.expected_exit, (
                check.command.text()
            )
        assert repo.git("status", "--porcelain") == before
        repo.git("commit", "-q", "-m", step.title)
        titles.append(step.title)
    return titles


@pytest.mark.parametrize("name", VARIABLES)
def test_every_step_of_a_template_can_be_carried_out_and_all_its_checks_pass(
    name: str, repo: Repo
) -> None:
    """S1-162, S1-166, S1-257 to S1-260, S1-268: each step changes something, its own checks
    verify it and change nothing git would see.
    """
    titles = carried_out(name, VARIABLES[name], repo)

    assert repo.git("log", "--reverse", "--format=%s").splitlines() == ["first", *titles]
    assert all(
        repo.git("diff", "--name-only", f"HEAD~{n + 1}", f"HEAD~{n}") for n in range(len(titles))
    )


@pytest.mark.parametrize("name", VARIABLES)
def test_a_template_s_plan_has_no_finding(name: str) -> None:
    plan = render.render(name, VARIABLES[name])

    assert findings.check(plan, available=PROGRAMS.__contains__) == []
    assert all(step.checks for step in plan.steps)


def test_the_checks_of_the_python_template_notice_broken_code(repo: Repo) -> None:
    carried_out("python-cli", VARIABLES["python-cli"], repo)
    checks = {
        check.type: check.command
        for step in render.render("python-cli", {"name": "hello"}).steps
        for check in step.checks
    }
    (repo.path / "hello/greeting.py").write_text("def greeting(names):\n    return 'wrong'\n")

    assert exit_status(checks["unit"], repo.path) != 0
    assert exit_status(checks["integration"], repo.path) != 0


def test_the_compile_check_of_the_python_template_notices_a_change_within_the_same_second(
    repo: Repo,
) -> None:
    carried_out("python-cli", VARIABLES["python-cli"], repo)
    code = repo.path / "hello/greeting.py"
    then = code.stat().st_mtime
    code.write_text("def greeting(names:\n")
    os.utime(code, (then, then))

    assert (
        exit_status(
            render.render("python-cli", {"name": "hello"}).steps[1].checks[0].command, repo.path
        )
        != 0
    )


def test_the_python_template_makes_a_project_that_installers_read(repo: Repo) -> None:
    carried_out("python-cli", {"name": "salute", "greeting": "Good morning"}, repo)

    project = tomllib.loads((repo.path / "pyproject.toml").read_text())["project"]

    assert (project["name"], project["scripts"]) == ("salute", {"salute": "salute.cli:main"})
    assert (
        exit_status(
            Command(None, "test \"$(python3 -m salute Ada)\" = 'Good morning, Ada!'"), repo.path
        )
        == 0
    )


def test_the_python_template_adds_to_a_gitignore_that_is_there(repo: Repo) -> None:
    (repo.path / ".gitignore").write_text("*.log")
    step = render.render("python-cli", {"name": "hello"}).steps[0]
    assert step.command is not None

    statuses = [exit_status(step.command, repo.path), exit_status(step.command, repo.path)]

    assert statuses == [0, 0]
    assert (repo.path / ".gitignore").read_text() == "*.log\n__pycache__/\n"


def test_names_are_those_of_the_files() -> None:
    assert render.names() == [
        "editorconfig",
        "go-rest-api",
        "python-cli",
        "react-app",
        "rust-binary",
    ]


def test_a_template_says_what_it_needs() -> None:
    described = render.describe("python-cli")

    assert [(item.name, item.default) for item in described.variables] == [
        ("name", None),
        ("greeting", "Hello"),
    ]
    assert "needs python3 and nothing else" in described.description


@pytest.mark.parametrize(
    ("name", "given", "cause"),
    [
        ("python-cli", {}, "template 'python-cli' needs a value for 'name'"),
        (
            "python-cli",
            {"name": "a", "nmae": "b"},
            "template 'python-cli' has no variable 'nmae' (did you mean 'name'?)",
        ),
        ("python-cli", {"name": "a", "ProjectName": "b"}, "'name' has two values"),
        ("rust-binary", {"name": "match"}, "'match' is no value for 'name'"),
        ("editorconfig", {"indent": "12"}, "'12' is no value for 'indent': it must be at most 8"),
        ("python-cli", {"name": "Hello"}, "'Hello' is no value for 'name'"),
        (
            "python-cli",
            {"name": "hello\n"},
            "'hello\n' is no value for 'name': it must be one line",
        ),
        ("python-cli", {"name": "json"}, "'json' is no value for 'name'"),
        ("python-cli", {"name": "class"}, "'class' is no value for 'name'"),
    ],
)
def test_what_was_typed_wrong_is_named(name: str, given: dict[str, str], cause: str) -> None:
    with pytest.raises(UsageError) as caught:
        render.render(name, given)

    assert caught.value.cause.startswith(cause)


def test_the_hint_is_a_command_that_gives_what_is_missing() -> None:
    with pytest.raises(UsageError) as caught:
        render.render("python-cli", {})

    assert caught.value.hint == "git orch plan --template python-cli --var name=hello"


def test_the_defaults_of_variables_are_listed(here: Here) -> None:
    listed = {each["name"]: each["variables"] for each in data(here("templates", "--json").out)}
    defaults = {
        (name, variable): field["default"]
        for name, variables in listed.items()
        for variable, field in variables.items()
    }
    assert defaults == {
        (name, variable.name): variable.default
        for name in render.names()
        for variable in render.describe(name).variables
    }
    assert None in defaults.values()  # it has to be given
    assert any(defaults.values())
