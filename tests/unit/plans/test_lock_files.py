"""The part of a lock file or manifest that says which dependencies there are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import lock_files

_PROJECT = b"""
[project]
name = "x"
version = "1"
dependencies = ["a"]
[tool.ruff]
line-length = 100
[tool.uv]
dev-dependencies = ["b"]
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (b'version = "1"', b'version = "2"', True),
        (b"line-length = 100", b"line-length = 88", True),
        (b'["a"]', b'["a", "c"]', False),
        (b'["b"]', b'["c"]', False),
        (b'name = "x"', b'name = "y"', False),
        (b"[project]", b"[broken", False),
    ],
)
def test_of_pyproject_only_dependencies_count(old: bytes, new: bytes, *, same: bool) -> None:
    before = lock_files.essence("pyproject.toml", _PROJECT)
    after = lock_files.essence("pyproject.toml", _PROJECT.replace(old, new))
    assert (before == after) is same


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"scripts": {"test": "other"}}, True),
        ({"description": "other"}, True),
        ({"scripts": {"postinstall": "make"}}, False),
        ({"devDependencies": {"b": "2"}}, False),
        ({"workspaces": ["packages/*"]}, False),
    ],
)
def test_of_package_json_only_dependencies_count(change: dict[str, object], *, same: bool) -> None:
    package = {"name": "x", "scripts": {"test": "y"}, "dependencies": {"a": "1"}}
    before = lock_files.essence("a/package.json", json.dumps(package).encode())
    after = lock_files.essence("a/package.json", json.dumps({**package, **change}).encode())
    assert (before == after) is same


def test_of_a_lock_file_every_byte_counts_but_for_the_ends_of_lines() -> None:
    assert lock_files.essence("uv.lock", b"a\r\n") == lock_files.essence("uv.lock", b"a\n")
    assert lock_files.essence("uv.lock", b"a\n") != lock_files.essence("uv.lock", b"a\n\n")


@given(name=st.sampled_from(["package.json", "pyproject.toml", "go.sum"]), data=st.binary())
def test_no_content_ends_the_look(name: str, data: bytes) -> None:
    lock_files.essence(name, data)


@pytest.mark.parametrize(
    ("place", "environment", "name", "decides"),
    [
        ("web/node_modules", False, "package-lock.json", True),
        ("node_modules", False, "uv.lock", False),
        (".venv", True, "uv.lock", True),
        (".venv", True, "requirements-dev.txt", True),
        (".venv", True, "package.json", False),
        ("vendor/bundle", False, "Gemfile.lock", True),
        ("vendor", False, "composer.lock", True),
        ("data", False, "uv.lock", False),
    ],
)
def test_each_directory_has_its_lock_files(
    place: str, name: str, *, environment: bool, decides: bool
) -> None:
    patterns = lock_files.patterns_of(place, environment=environment)
    assert lock_files.is_one(name, patterns) is decides


def test_a_project_needs_the_kinds_that_its_files_name() -> None:
    python = lock_files.patterns_of(".venv", environment=True)
    node = lock_files.patterns_of("node_modules", environment=False)
    assert list(lock_files.needed(["setup.py", "package.json", "go.mod"])) == [python, node]
