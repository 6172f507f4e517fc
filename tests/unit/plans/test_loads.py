"""What a check's command runs or loads from the tree, which a step can hollow out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import loads, needs_review
from git_orch.plans.needs_review import Change
from git_orch.plans.plan import Step


class Files:
    """A tree of texts, and of links, which are written `-> target`."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def text(self, path: str) -> str | None:
        found = self._files.get(path)
        return None if found is None or found.startswith("-> ") else found

    def link(self, path: str) -> str | None:
        found = self._files.get(path, "")
        return found.removeprefix("-> ") if found.startswith("-> ") else None


SCRIPTS = {
    "check.sh": "#!/bin/sh\n. ./lib/env.sh\ncd tools && ./run.py --all\n",
    "lib/env.sh": "source lib/more.sh\n",
    "tools/run.py": "#!/usr/bin/env python3\nimport json\n",
    "Makefile": "include rules.mk\ntest:\n\t@sh scripts/all.sh\n",
    "scripts/all.sh": "pytest -q\n",
    "package.json": '{"scripts": {"test": "node test/run.js && jest", "pretest": "sh prepare.sh"}}',
    "latest": "-> versions/2",
    "versions/2/check.sh": "true\n",
}


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ("python -m pytest", "conftest.py"),
        ("python3 -m pytest -q", "sub/conftest.py"),
        ("python -m pytest", "pytest.ini"),
        ("pytest", "pyproject.toml"),
        ("FOO=1 timeout 60 pytest tests", "setup.cfg"),
        ("uv run pytest", "tox.ini"),
        ("python -m pytest", "pytest.py"),
        ("python -m pytest", "pytest/__init__.py"),
        ("python -m pytest", "sitecustomize.py"),
        ("python -m unittest", "unittest.py"),
        ("python -m unittest", "json.py"),
        ("python -m coverage run -m pytest", "conftest.py"),
        ("pytest -p tools.plugin", "tools/plugin.py"),
        ("python tools/check.py", "tools/json.py"),
        ("npm test", "package.json"),
        ("npm run test", "jest.config.js"),
        ("npm test", "test/run.js"),
        ("npm test", "prepare.sh"),
        ("npm test", "node_modules/jest/bin.js"),
        ("npx vitest run", "vitest.config.ts"),
        ("make test", "Makefile"),
        ("make test", "GNUmakefile"),
        ("make test", "rules.mk"),
        ("make test", "scripts/all.sh"),
        ("make test", "conftest.py"),
        ("make -C sub", "sub/Makefile"),
        ("./check.sh", "lib/env.sh"),
        ("./check.sh", "lib/more.sh"),
        ("bash check.sh", "tools/run.py"),
        ("./check.sh", "tools/json.py"),
        ("sh -c './check.sh && true'", "lib/env.sh"),
        ("true && (. ./lib/env.sh)", "lib/more.sh"),
        ("cd lib; ./env.sh", "lib/env.sh"),
        ("go test ./...", "go.mod"),
        ("go test ./...", "vendor/x/y.go"),
        ("cargo test", "build.rs"),
        ("cargo test", ".cargo/config.toml"),
        ("./gradlew test", "gradlew"),
        ("./gradlew test", "build.gradle"),
        ("sh latest/check.sh", "latest"),
        ("sh latest/check.sh", "versions/2/check.sh"),
        ("sh scripts/missing.sh", "scripts"),
        ("node run.js", "run.js"),
    ],
)
def test_what_a_command_loads_is_found(check: str, path: str) -> None:
    assert loads.loaded(check, Files(SCRIPTS)).include(path)


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ("python -m pytest", "src/app.py"),
        ("python -m pytest", "README.md"),
        ("python -m app", "app/core.py"),
        ("test -f a.txt", "b.txt"),
        ("npm test", "src/index.js"),
        ("./check.sh", "src/main.c"),
        ("make test", "src/main.c"),
        ("grep -q x /etc/passwd", "etc/passwd"),
        ("sh ../outside.sh", "outside.sh"),
        ("echo conftest.py", "src/x.py"),
    ],
)
def test_the_work_itself_is_not(check: str, path: str) -> None:
    assert not loads.loaded(check, Files(SCRIPTS)).include(path)


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_of_a_command_or_a_script_breaks_it(command: str, script: str) -> None:
    tree = Files({"check.sh": script, "Makefile": script, "package.json": script})
    for typed in (command, "./check.sh", "make", "npm test"):
        loads.loaded(typed, tree).include("x")


def test_scripts_that_run_each_other_come_to_an_end() -> None:
    tree = Files({"a": "./b\n" * 50, "b": "./a\n" * 50, "loop": "-> loop"})
    assert loads.loaded("./a", tree).include("b")
    assert loads.loaded("sh loop/x", tree).include("loop")


@pytest.mark.parametrize(
    ("check", "path", "status"),
    [
        ("python -m pytest", "conftest.py", "A"),
        ("python -m pytest", "pytest.py", "A"),
        ("./check.sh", "lib/env.sh", "M"),
        ("make test", "rules.mk", "A"),
    ],
)
def test_a_step_with_a_hand_in_its_check_is_marked(check: str, path: str, status: str) -> None:
    step = Step("s1", "x", "run", paths=("src",))
    change = Change(path, status)  # type: ignore[arg-type]  # one of the letters
    [reason] = needs_review.reasons(step, [check], [change], [Files(SCRIPTS)])
    assert reason == f"changes what check '{check}' runs or loads: {path}"


def test_a_step_that_declares_what_a_check_loads_is_not() -> None:
    step = Step("s1", "x", "run", paths=("conftest.py",))
    assert needs_review.reasons(step, ["pytest"], [Change("conftest.py", "A")]) == ()


def test_a_command_that_runs_itself_again_and_again_is_followed_a_few_times_only() -> None:
    found = loads.loaded("python " + "-m coverage run " * 2000 + "x.py", Files({"x.py": ""}))
    assert ("coverage.py",) in found.hiding
