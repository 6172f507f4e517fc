"""What a project is made with, by its files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import projects

_VENV = "python3 -m venv .venv && .venv/bin/python -m pip install"


def test_a_project_without_files_needs_nothing() -> None:
    assert projects.look([], {}) == ((), None)


@pytest.mark.parametrize(
    ("files", "setup"),
    [
        (["pyproject.toml", "uv.lock"], "uv sync --frozen"),
        (["pyproject.toml", "poetry.lock"], "POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction"),
        (["Pipfile", "Pipfile.lock"], "PIPENV_VENV_IN_PROJECT=1 pipenv sync --dev"),
        (["requirements.txt"], f"{_VENV} -r requirements.txt"),
        (["requirements.txt", "requirements-dev.txt"], f"{_VENV} -r requirements.txt -r requirements-dev.txt"),
        (["setup.py"], f"{_VENV} -e ."),
        (["package.json", "package-lock.json"], "npm ci"),
        (["package.json", "pnpm-lock.yaml"], "pnpm install --frozen-lockfile"),
        (["package.json", "yarn.lock"], "yarn install --frozen-lockfile"),
        (["package.json", "yarn.lock", ".yarnrc.yml"], "yarn install --immutable"),
        (["package.json", "bun.lock"], "bun install --frozen-lockfile"),
        (["Gemfile"], "bundle config set --local path vendor/bundle && bundle install"),
        (["composer.json", "composer.lock"], "composer install --no-interaction"),
        (["go.mod"], None),
        (["Cargo.toml"], None),
        (["uv.lock", "package-lock.json"], "uv sync --frozen && npm ci"),
        (["uv.lock", "web/package-lock.json"], "uv sync --frozen && (cd web && npm ci)"),
        (["package-lock.json", "packages/a/package-lock.json"], "npm ci"),
        (["node_modules/a/package-lock.json"], None),
        (["a b;rm -r c/package-lock.json"], None),
        (["../x/package-lock.json"], None),
        (["package.json"], None),
    ],
    ids=str,
)  # fmt: skip
def test_the_setup_command_is_that_of_the_lock_file(files: list[str], setup: str | None) -> None:
    assert projects.look(files, {}).setup == setup


def test_a_python_package_is_installed_with_what_its_tests_need() -> None:
    text = '[project]\nname = "x"\n[project.optional-dependencies]\ntest = ["pytest"]\n'
    text += '[dependency-groups]\ndev = ["ruff"]\n'
    project = projects.look(["pyproject.toml"], {"pyproject.toml": text})
    assert project.setup == f"{_VENV} -e '.[test]' --group dev"


def test_packages_without_a_lock_file_are_installed_without_making_one() -> None:
    text = json.dumps({"dependencies": {"a": "1"}})
    project = projects.look(["package.json"], {"package.json": text})
    assert project.setup == "npm install --no-package-lock"


@pytest.mark.parametrize(("file", "fill"), [("go.mod", "go mod download"), ("Cargo.toml", "cargo fetch")])  # fmt: skip
def test_what_has_its_dependencies_in_a_cache_says_how_to_fill_it(file: str, fill: str) -> None:
    assert projects.look([file], {}).parts == ((file, None, fill),)


@pytest.mark.parametrize(
    ("files", "texts", "test"),
    [
        (["package.json"], {"package.json": '{"scripts": {"test": "jest"}}'}, "npm test"),
        (["package.json", "yarn.lock"], {"package.json": '{"scripts": {"test": "jest"}}'}, "yarn test"),
        (["package.json"], {"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\""}}'}, None),
        (["pyproject.toml"], {"pyproject.toml": "[tool.pytest.ini_options]"}, "pytest"),
        (["setup.py", "tests/test_a.py"], {}, "pytest"),
        (["manage.py"], {}, "python3 manage.py test"),
        (["go.mod"], {}, "go test ./..."),
        (["Cargo.toml"], {}, "cargo test"),
        (["Gemfile", ".rspec"], {}, "bundle exec rspec"),
        (["pom.xml", "mvnw"], {}, "./mvnw -q test"),
        (["build.gradle"], {}, "gradle test"),
        (["Makefile"], {"Makefile": "all:\n\ntest: all\n\t./t\n"}, "make test"),
        (["Makefile"], {"Makefile": "test := 1\n"}, None),
    ],
    ids=str,
)  # fmt: skip
def test_the_test_command_is_that_of_the_project(
    files: list[str], texts: dict[str, str], test: str | None
) -> None:
    assert projects.look(files, texts).test == test


@given(st.dictionaries(st.sampled_from(projects.READ), st.text()))
def test_no_text_ends_the_look(texts: dict[str, str]) -> None:
    projects.look(projects.READ, texts)


@pytest.mark.parametrize(
    "text", ["[1]", '{"scripts": 1}', '{"scripts": {"test": 3}}', "[" * 100_000]
)
def test_a_package_file_that_is_none_says_nothing(text: str) -> None:
    assert projects.look(["package.json"], {"package.json": text}) == ((), None)
