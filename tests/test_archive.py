"""Plans that are put away: one note each below one ref, whole, found again, and brought back."""

from __future__ import annotations

import contextlib
import json
from concurrent import futures
from pathlib import Path

import pytest
from conftest import Repo, writing

from git_orch.repo import archive, identity, objects
from git_orch.repo.repository import discover


def refs(repo: Repo) -> list[str]:
    """All refs but the user's branch."""
    listed = repo.git("for-each-ref", "--format=%(refname)").splitlines()
    return [ref for ref in listed if ref != "refs/heads/main"]


def log_lines(repo: Repo, ref: str) -> set[str]:
    """All lines of all notes of a ref."""
    listed = repo.git("notes", f"--ref={ref}", "list").splitlines()
    return {line for each in listed for line in repo.git("cat-file", "blob", each.split()[0]).splitlines()}


@pytest.fixture
def done(repo: Repo) -> str:
    """A plan whose two steps are done."""
    plan = repo.plan(writing("a.txt", "b.txt"))
    repo.orch("exec", plan)
    return plan


def test_an_archived_plan_is_one_note_on_its_cover_and_its_refs_are_gone(repo: Repo, done: str) -> None:
    cover, tip = repo.git("rev-parse", f"orch/{done}~2"), repo.git("rev-parse", f"orch/{done}")
    lines = log_lines(repo, f"orch/{done}")
    repo.orch("archive", done)
    assert refs(repo) == ["refs/notes/orch/archive", f"refs/orch/kept/{done}"]
    assert repo.git("notes", "--ref=orch/archive", "list").split()[1] == cover
    assert lines < log_lines(repo, "orch/archive")
    assert tip in repo.git("rev-list", f"refs/orch/kept/{done}").splitlines()


def test_reading_commands_find_an_archived_plan(repo: Repo, done: str) -> None:
    before = repo.status(done)
    repo.orch("archive", done)
    after = repo.status(done)
    assert [step["state"] for step in after["steps"]] == ["done", "done"]
    assert after["steps"] == before["steps"]
    assert "step.landed" in repo.orch("log", done, "--json").stdout
    assert "+a.txt" in repo.orch("diff", done).stdout
    assert repo.orch("cost", done, "--json").stdout


def test_only_ls_all_lists_it(repo: Repo, done: str) -> None:
    repo.orch("archive", done)
    assert repo.orch("ls").stdout == ""
    assert "(archived)" in repo.orch("ls", "--all").stdout
    assert "no plan is open" in repo.orch("status").stdout
    repo.orch("ls", "--all", "--open", expect=2)


@pytest.mark.parametrize("command", ["exec", "rollback", "edit --from -", "verify", "archive", "land"])
def test_an_archived_plan_is_not_worked_on(repo: Repo, done: str, command: str) -> None:
    repo.orch("archive", done)
    refused = repo.orch(*command.split(), done, stdin=json.dumps(writing("c.txt")), expect=3).stderr
    assert "is archived" in refused
    assert "hint: git orch unarchive" in refused


def test_unarchive_brings_log_and_branch_back(repo: Repo, done: str) -> None:
    before, tip = repo.status(done), repo.git("rev-parse", f"orch/{done}")
    repo.orch("archive", done)
    repo.orch("unarchive", done)
    assert repo.git("rev-parse", f"orch/{done}") == tip
    assert repo.status(done)["steps"] == before["steps"]
    assert repo.git("ls-tree", "-r", "refs/notes/orch/archive") == ""
    repo.orch("rollback", "--to-step", "1", done)


def test_a_plan_goes_into_the_archive_and_out_again_as_often_as_one_likes(repo: Repo, done: str) -> None:
    for _ in range(2):
        repo.orch("archive", done)
        repo.orch("unarchive", done)
    assert repo.step_states(done) == ["done", "done"]


def test_without_its_commits_the_log_says_what_was_done(repo: Repo, done: str) -> None:
    """As in another copy of the repository, after a squash."""
    repo.orch("archive", done)
    repo.git("update-ref", "-d", f"refs/orch/kept/{done}")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert [step["state"] for step in repo.status(done)["steps"]] == ["done", "done"]
    assert "are not in this repository" in repo.orch("unarchive", done).stdout


def test_a_rejected_plan_is_archived_and_an_edit_brings_it_back(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    repo.orch("reject", plan, "--why", "no")
    assert f"refs/heads/orch/{plan}" not in refs(repo)
    assert "was rejected: no" in repo.orch("exec", plan, expect=3).stderr
    repo.orch("edit", plan, "--from", "-", stdin=json.dumps(writing("b.txt")))
    repo.orch("exec", plan)
    assert repo.git("show", f"orch/{plan}:b.txt") == "b.txt"


def test_a_landed_plan_is_archived(repo: Repo, done: str) -> None:
    repo.orch("land", done)
    assert refs(repo) == ["refs/notes/orch/archive", f"refs/orch/kept/{done}"]
    assert repo.status(done)["landed"]["ref"] == "refs/heads/main"


def test_a_checked_out_branch_is_not_taken_away(repo: Repo, done: str) -> None:
    repo.git("switch", "-q", f"orch/{done}")
    repo.orch("archive", done, expect=6)
    assert f"refs/notes/orch/{done}" in refs(repo)


def test_an_unknown_plan_cannot_be_brought_back(repo: Repo) -> None:
    assert "hint: git orch ls --all" in repo.orch("unarchive", "nothing", expect=5).stderr


def _put(path: str, number: int) -> None:
    repository = discover(Path(path))
    with contextlib.closing(objects.opened(repository, warm=False)) as database:
        archive.put(repository, database, identity.of_user(repository), f"{number:02x}" * 20, f"{number}\n".encode())


def test_many_at_once_lose_nobodys_note(repo: Repo) -> None:
    with futures.ProcessPoolExecutor(4) as workers:
        list(workers.map(_put, [str(repo.path)] * 12, range(12)))
    listed = repo.git("notes", "--ref=orch/archive", "list").splitlines()
    assert sorted(line.split()[1] for line in listed) == sorted(f"{number:02x}" * 20 for number in range(12))


@pytest.mark.parametrize(
    "note",
    [b"\xff\x00rubbish\n", b'{"event":"plan.archived","plan":[]}\n', b'{"event":"plan.archived"\n', b"[" * 10_000],
    ids=["bytes", "type", "cut", "deep"],
)
def test_a_hostile_note_is_no_plan(repo: Repo, done: str, note: bytes) -> None:
    repo.orch("archive", done)
    repository = discover(repo.path)
    with contextlib.closing(objects.opened(repository, warm=False)) as database:
        archive.put(repository, database, identity.of_user(repository), "00" * 20, note)
    assert repo.orch("ls", "--all").stdout.count("\n") == 1


def test_a_note_that_claims_another_plan_does_not_hide_it(repo: Repo, done: str) -> None:
    other = repo.plan(writing("c.txt"))
    repo.orch("archive", done)
    claim = {"id": "01M7YFTGTMR7KJSY91XF8EADGG", "event": "plan.archived", "clone": "x", "plan": other}
    repository = discover(repo.path)
    with contextlib.closing(objects.opened(repository, warm=False)) as database:
        archive.put(repository, database, identity.of_user(repository), "00" * 20, json.dumps(claim).encode())
    assert repo.status(other)["state"] == "CREATED"
    assert other[:24] in repo.orch("ls").stdout
