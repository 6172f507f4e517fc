"""What people meet on the way has a way out: a finding, a sentence, or it works."""

from __future__ import annotations

import json

import pytest
from conftest import Repo, writing


def test_nothing_uncommitted_makes_no_snapshot(repo: Repo) -> None:
    words = ("plan", "--from", "-", "--include-dirty")
    plan = repo.orch(*words, stdin=json.dumps(writing("a"))).stdout.split()[0]
    assert repo.git("rev-parse", f"orch/{plan}~") == repo.git("rev-parse", "main")


def test_a_landing_that_is_repeated_says_so(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("exec")
    repo.orch("land")
    again = repo.orch("land", plan)
    assert "landed on 'main' before, as " in again.stdout
    assert "nothing is left to land" in again.stdout


def test_a_base_branch_that_was_renamed_is_named(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("exec")
    repo.git("branch", "-m", "main", "middle")
    repo.git("branch", "-m", "middle", "trunk")
    repo.commit({"z": "z\n"})
    refused = repo.orch("rebase", plan, expect=5).stderr
    assert "there is no branch 'main' any more" in refused
    assert "it was renamed to 'trunk'" in refused
    repo.follow(refused)
    repo.orch("land", plan)
    assert repo.git("cat-file", "-p", "trunk:a") == "a"


def test_landing_on_a_base_branch_that_was_renamed_names_the_command(repo: Repo) -> None:
    repo.plan(writing("a"))
    repo.orch("exec")
    repo.git("branch", "-m", "main", "trunk")
    repo.follow(repo.orch("land", expect=5).stderr)
    assert repo.git("cat-file", "-p", "trunk:a") == "a"


def test_status_and_exec_name_the_new_name_of_a_base_branch(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("status")
    repo.git("branch", "-m", "main", "trunk")
    follow = f"to follow it: git orch rebase {repo.handle(plan)} --onto trunk"
    assert all(follow in repo.orch(*words).stdout for words in (["status"], ["status", plan]))
    assert follow in repo.orch("exec").stderr
    repo.git("branch", "-m", "trunk", "main")
    assert follow not in repo.orch("status").stdout


def test_a_base_branch_that_was_deleted_asks_for_another(repo: Repo) -> None:
    repo.plan(writing("a"))
    repo.orch("exec")
    repo.git("switch", "-q", "-c", "trunk")
    repo.git("branch", "-D", "main")
    for command in ("rebase", "land"):
        refused = repo.orch(command, expect=5)
        assert "there is no branch 'main' any more" in refused.stderr
        assert "--onto BRANCH" in refused.stderr


def test_a_ref_where_git_orch_has_its_own_is_found_before_a_plan_is_made(repo: Repo) -> None:
    repo.git("update-ref", "refs/orch", "HEAD")
    document = json.dumps(writing("a"))
    refused = repo.orch("plan", "--from", "-", stdin=document, expect=128)
    assert "'refs/orch' stands in the place of plans" in refused.stderr
    repo.follow(refused.stderr)
    repo.plan(writing("a"))


@pytest.mark.parametrize(
    "encoding", ["UTF-16", "UTF-16LE-BOM", "UTF-16LE", "ISO-8859-1", "SHIFT-JIS", "UTF-8"]
)
def test_a_file_is_written_in_the_encoding_that_its_attribute_names(
    repo: Repo, encoding: str
) -> None:
    repo.commit({"d/.gitattributes": f"*.txt working-tree-encoding={encoding}\n"})
    document = {"title": "x", "steps": [{"title": "Write", "files": {"d/a.txt": "hello\n"}}]}
    repo.plan(document)
    repo.orch("exec")
    repo.orch("land")
    assert repo.git("cat-file", "-p", "main:d/a.txt") == "hello"
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("show", "--name-only", "--format=", "main^2").split() == ["d/a.txt"]


def test_a_text_that_its_encoding_cannot_hold_fails_the_step_in_words(repo: Repo) -> None:
    repo.commit({".gitattributes": "*.txt working-tree-encoding=ISO-8859-1\n"})
    document = {"title": "x", "steps": [{"title": "Write", "files": {"a.txt": "\u20ac\n"}}]}
    repo.plan(document)
    refused = repo.orch("exec", expect=1)
    assert "'a.txt' cannot be written in 'ISO-8859-1', its working-tree-encoding" in refused.stderr


def test_a_file_takes_the_place_of_a_link_and_what_that_leads_to_stays(repo: Repo) -> None:
    (repo.path / "link").symlink_to("README.md")
    repo.git("add", "link")
    repo.git("commit", "-qm", "link")
    plan = repo.plan({"title": "x", "steps": [{"title": "Write", "files": {"link": "mine\n"}}]})
    repo.orch("exec")
    assert repo.git("show", f"orch/{plan}:README.md") == "a project"
    assert repo.git("ls-tree", f"orch/{plan}", "link").startswith("100644 ")
    assert repo.git("show", f"orch/{plan}:link") == "mine"


def test_a_file_below_a_link_is_refused_with_its_cause(repo: Repo) -> None:
    (repo.path / "d").mkdir()
    (repo.path / "d/x").touch()
    (repo.path / "link").symlink_to("d")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "link")
    repo.plan({"title": "x", "steps": [{"title": "Write", "files": {"link/y": "mine\n"}}]})
    refused = repo.orch("exec", expect=1)
    assert "'link/y' would be below 'link', which is a symbolic link" in refused.stderr


@pytest.mark.parametrize("value", ["no", "normal", "all"])
def test_what_status_shows_of_untracked_files_changes_no_snapshot(repo: Repo, value: str) -> None:
    repo.git("config", "--global", "status.showUntrackedFiles", value)
    (repo.path / "new").write_text("new\n")
    words = ("plan", "--from", "-", "--include-dirty")
    document = {"title": "x", "steps": [{"title": "Write", "run": "echo a > made"}]}
    plan = repo.orch(*words, stdin=json.dumps(document)).stdout.split()[0]
    repo.orch("exec")
    assert repo.git("ls-tree", "--name-only", f"orch/{plan}").split() == [
        "README.md",
        "made",
        "new",
    ]


def test_an_untracked_file_that_status_does_not_show_is_not_overwritten(repo: Repo) -> None:
    repo.git("config", "--global", "status.showUntrackedFiles", "no")
    repo.plan(writing("a"))
    repo.orch("exec")
    (repo.path / "a").write_text("mine\n")
    assert "are in the way: 'a'" in repo.orch("land", expect=6).stderr
    assert (repo.path / "a").read_text() == "mine\n"
