"""Plan files as other systems write them, and those that no system can run."""

from __future__ import annotations

import json

import pytest
from conftest import Repo

YAML = "title: T\nsteps:\n  - title: x\n    files:\n      a.txt: |\n        é one\n        two\n"
JSON = json.dumps({"title": "T", "steps": [{"title": "x", "files": {"a.txt": "é one\ntwo\n"}}]})


def planned(repo: Repo, data: bytes, *, expect: int = 0) -> str:
    """What `git orch plan` says of a file with these bytes."""
    path = repo.path.parent / "plan.yaml"
    path.write_bytes(data)
    done = repo.orch("plan", "--from", str(path), expect=expect)
    return done.stderr + done.stdout


@pytest.mark.parametrize(
    "text", [YAML, YAML.replace("\n", "\r\n"), JSON], ids=["LF", "CRLF", "JSON"]
)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_a_plan_file_of_windows_is_read(repo: Repo, text: str, encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith("e") else ""
    planned(repo, (mark + text).encode(encoding))
    repo.orch("exec")
    [branch] = repo.git("for-each-ref", "--format=%(refname)", "refs/heads/orch").split()
    assert repo.git("show", f"{branch}:a.txt") == "é one\ntwo"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1252", "WINDOWS-1252"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE")],
)
def test_a_file_without_a_mark_is_refused_with_the_command_that_converts_it(
    repo: Repo, encoding: str, name: str
) -> None:
    assert f"hint: iconv -f {name} -t UTF-8 " in planned(repo, YAML.encode(encoding), expect=2)


def test_half_an_emoji_is_a_finding_with_its_line(repo: Repo) -> None:
    said = planned(
        repo, b'{"title": "T",\n"steps": [{"title": "x", "files": {"a": "\\ud83d"}}]}', expect=2
    )
    assert "plan.yaml:2: step 1, files, a: holds half of a surrogate pair" in said


def long_command(repo: Repo, size: int) -> str:
    """The ID of a plan that runs a command line of so many bytes."""
    return repo.plan({"title": "L", "steps": [{"title": "x", "run": ": ".ljust(size, "a")}]})


def test_the_longest_command_line_runs(repo: Repo) -> None:
    long_command(repo, 131_071)
    repo.orch("exec")


def test_a_command_line_that_no_system_starts_is_found_before_the_run(repo: Repo) -> None:
    long_command(repo, 131_072)
    assert "[command-too-long]" in repo.orch("check", expect=1).stdout
    error = repo.orch("exec", expect=1).stderr
    assert "it has 131,072 bytes: the system starts none of more than 131,071" in error
    assert "exited 126" not in error
