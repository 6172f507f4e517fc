"""A way out for what looks like a secret and is none."""

from __future__ import annotations

import json
import re

import pytest
from conftest import Repo

KEY = "AKIAIOSFODNN7EXAMPLE"
FINGERPRINT = re.compile(r"orch\.allowSecret ([0-9a-f]{16})")


def writing_key(place: str = "conf.py") -> dict[str, object]:
    """A plan whose step writes the key in line 2, without having it in its text."""
    run = f"mkdir -p d; printf 'first\\n%s%s\\n' AKIAIOSF ODNN7EXAMPLE > {place}"
    return {"title": "Write", "steps": [{"title": "Write", "run": run}]}


def test_a_refusal_names_file_line_and_fingerprint_and_what_allows_it(repo: Repo) -> None:
    plan = repo.plan(writing_key())
    refused = repo.orch("exec", expect=None)
    assert refused.returncode != 0
    assert "'conf.py' holds what looks like a key or a secret in line 2" in refused.stderr
    allowed = FINGERPRINT.search(refused.stderr)
    assert allowed is not None
    assert f"(fingerprint {allowed[1]})" in refused.stderr
    repo.git("config", "--global", "--add", "orch.allowSecret", allowed[1])
    repo.orch("exec")
    assert repo.git("show", f"orch/{plan}:conf.py") == f"first\n{KEY}"


def test_the_fingerprint_is_in_no_commit_and_in_the_local_patch(repo: Repo) -> None:
    repo.plan(writing_key())
    allowed = FINGERPRINT.search(repo.orch("exec", expect=None).stderr)
    assert allowed is not None
    stored = repo.git("log", "--all", "-p", "--format=%B")
    assert "looks like a key or a secret in line 2" in stored
    assert allowed[1] not in stored
    patches = list((repo.path / ".git/orch/refused").iterdir())
    assert [allowed[1] in patch.read_text() for patch in patches] == [True]
    repo.git("apply", "--check", str(patches[0]))


def test_the_repository_allows_no_secret(repo: Repo) -> None:
    repo.plan(writing_key())
    allowed = FINGERPRINT.search(repo.orch("exec", expect=None).stderr)
    assert allowed is not None
    repo.git("config", "orch.allowSecret", allowed[1])
    assert repo.orch("exec", expect=None).returncode != 0


def test_one_that_is_allowed_allows_no_other(repo: Repo) -> None:
    repo.git("config", "--global", "orch.allowSecret", "0123456789abcdef")
    repo.plan(writing_key())
    assert repo.orch("exec", expect=None).returncode != 0


def test_a_plan_with_an_allowed_text_is_made(repo: Repo) -> None:
    document = {"title": "Write", "steps": [{"title": "Write", "files": {"conf": f"{KEY}\n"}}]}
    words = ("plan", "--from", "-")
    refused = repo.orch(*words, stdin=json.dumps(document), expect=3)
    allowed = FINGERPRINT.search(refused.stderr)
    assert allowed is not None
    repo.git("config", "--global", "--add", "orch.allowSecret", allowed[1])
    repo.plan(document)
    repo.orch("exec")


@pytest.mark.parametrize(
    "run",
    [
        "mv conf.py moved.py",
        "mkdir d; cp conf.py d/copy.py",
        "cat conf.py >> other.py",
        "echo more >> conf.py",
        "printf '%s' \"$(tac conf.py)\" > conf.py",
    ],
)
def test_what_the_base_has_already_is_no_new_secret(repo: Repo, run: str) -> None:
    repo.commit({"conf.py": f"first\n{KEY}\n"})
    plan = repo.plan({"title": "Move", "steps": [{"title": "Move", "run": run}]})
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]


@pytest.mark.parametrize(
    "value",
    ["postgres", "password", "password123", "changeme", "PASSWORD", "Postgres1", "12345678",
     "your-api-key", "mysecretpassword"],
)  # fmt: skip
def test_a_common_word_is_no_secret(repo: Repo, value: str) -> None:
    document = {"title": "Write", "steps": [{"title": "Write", "files": {"db.yml": f"{value}\n"}}]}
    env = {"DB_PASSWORD": value}
    repo.orch("plan", "--from", "-", stdin=json.dumps(document), env=env)
    repo.orch("exec", env=env)


@pytest.mark.parametrize(
    "value", ["hunter2-correct", "tr0ub4dor&3xyz", "kJ8f2LmQ9z", "dragonfly42"]
)
def test_another_value_of_such_a_variable_is_one(repo: Repo, value: str) -> None:
    document = {"title": "Write", "steps": [{"title": "Write", "files": {"db.yml": f"{value}\n"}}]}
    words = ("plan", "--from", "-")
    refused = repo.orch(*words, stdin=json.dumps(document), env={"DB_PASSWORD": value}, expect=3)
    assert "looks like a key or a secret" in refused.stderr
    assert value not in refused.stderr


def test_a_common_word_stays_out_of_the_log(repo: Repo) -> None:
    check = {"command": "echo user postgres; false"}
    repo.plan({"title": "A", "steps": [{"title": "A", "run": "true", "checks": [check]}]})
    repo.orch("exec", env={"DB_PASSWORD": "postgres"}, expect=None)
    stored = repo.git("log", "--all", "-p", "--format=%B")
    assert "user [redacted]" in stored
