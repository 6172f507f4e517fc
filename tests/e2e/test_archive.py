"""Plans that are put away: one note each below one ref, whole, found again, and brought back."""

from __future__ import annotations

import contextlib
import json
import time
from concurrent import futures
from pathlib import Path
from typing import Any

import locks
import pytest
from conftest import Prepared, Repo, data, writing

from git_orch.plans import ids
from git_orch.plans.history.events import Event
from git_orch.repo import identity
from git_orch.repo.log import archive
from git_orch.repo.objects import objects
from git_orch.repo.repository import discover


def refs(repo: Repo) -> list[str]:
    """All refs but the user's branch."""
    listed = repo.git("for-each-ref", "--format=%(refname)").splitlines()
    return [ref for ref in listed if ref != "refs/heads/main"]


def log_lines(repo: Repo, ref: str) -> set[str]:
    """All lines of all notes of a ref."""
    listed = repo.git("notes", f"--ref={ref}", "list").splitlines()
    return {
        line
        for each in listed
        for line in repo.git("cat-file", "blob", each.split()[0]).splitlines()
    }


def blob_of(repo: Repo, content: bytes) -> str:
    path = repo.path.parent / "content"
    path.write_bytes(content)
    return repo.git("hash-object", "-w", "--no-filters", str(path))


def hung(repo: Repo, ref: str, target: str, *lines: bytes) -> None:
    """Add lines to a note, with git alone."""
    before = repo.git("notes", f"--ref={ref}", "show", target, expect=None).encode()
    blob = blob_of(repo, b"".join(line + b"\n" for line in [*before.splitlines(), *lines]))
    repo.git("notes", f"--ref={ref}", "add", "-f", "-C", blob, target)


def put_away(repo: Repo, plan: str, *, clone: str = "", ahead_ms: int = 5) -> bytes:
    """The event that puts a plan away, of this clone by default, so many milliseconds from now."""
    clone = clone or (repo.path / ".git/orch/clone").read_text().strip()
    now = ids.ulid(time.time_ns() // 1_000_000 + ahead_ms, 7)
    body = {"plan": plan, "state": "COMPLETE", "done": ["s1", "s2"], "why": "x"}
    tip = repo.git("rev-parse", "--verify", "--quiet", f"orch/{plan}", expect=None)
    return (
        Event(now, "plan.archived", clone, body | ({"tip": tip} if tip else {}))
        .line()
        .rstrip(b"\n")
    )


def cut_off(repo: Repo, plan: str, **event: Any) -> None:
    """What a kill leaves behind right after the log says that the plan is put away."""
    hung(repo, f"orch/{plan}", f"orch/{plan}~2", put_away(repo, plan, **event))


@pytest.fixture
def done(repo: Repo, prepared: Prepared) -> str:
    """A plan whose two steps are done."""

    def build(repo: Repo) -> str:
        plan = repo.plan(writing("a.txt", "b.txt"))
        repo.orch("exec", plan)
        return plan

    return prepared.instead(repo, "two done", build)


def test_an_archived_plan_is_one_note_on_its_cover_and_its_refs_are_gone(
    repo: Repo, done: str
) -> None:
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


@pytest.mark.parametrize(
    "command", ["exec", "rollback", "edit --from -", "verify", "archive", "land"]
)
def test_an_archived_plan_is_not_worked_on(repo: Repo, done: str, command: str) -> None:
    repo.orch("archive", done)
    refused = repo.orch(*command.split(), done, stdin=json.dumps(writing("c.txt")), expect=3).stderr
    assert "is archived" in refused
    assert "hint: git orch archive --undo" in refused


def test_unarchive_brings_log_and_branch_back(repo: Repo, done: str) -> None:
    before, tip = repo.status(done), repo.git("rev-parse", f"orch/{done}")
    repo.orch("archive", done)
    repo.orch("unarchive", done)
    assert repo.git("rev-parse", f"orch/{done}") == tip
    assert repo.status(done)["steps"] == before["steps"]
    assert repo.git("ls-tree", "-r", "refs/notes/orch/archive") == ""
    repo.orch("rollback", "--to-step", "1", done)


def test_a_plan_goes_into_the_archive_and_out_again_as_often_as_one_likes(
    repo: Repo, done: str
) -> None:
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
    with contextlib.closing(objects.opened(repository)) as database:
        writer = archive.Writer(repository, database, identity.of_user(repository))
        writer.put(f"PLAN-20260101-{number:010}-x", f"{number:02x}" * 20, f"{number}\n".encode())


def test_many_at_once_lose_nobodys_note(repo: Repo) -> None:
    with futures.ProcessPoolExecutor(4) as workers:
        list(workers.map(_put, [str(repo.path)] * 12, range(12)))
    listed = repo.git("notes", "--ref=orch/archive", "list").splitlines()
    assert sorted(line.split()[1] for line in listed) == sorted(
        f"{number:02x}" * 20 for number in range(12)
    )


@pytest.mark.parametrize(
    "note",
    [
        b"\xff\x00rubbish",
        b'{"event":"plan.archived","plan":[]}',
        b'{"event":"plan.archived"',
        b"[" * 10_000,
    ],
    ids=["bytes", "type", "cut", "deep"],
)
def test_a_hostile_note_is_no_plan(repo: Repo, done: str, note: bytes) -> None:
    repo.orch("archive", done)
    hung(repo, "orch/archive", blob_of(repo, b"anything"), note)
    listed = repo.orch("ls", "--all")
    assert listed.stdout.count("\n") == 1
    assert "1 of the notes in the archive cannot be read" in listed.stderr


def test_a_note_that_claims_another_plan_does_not_hide_it(repo: Repo, done: str) -> None:
    other = repo.plan(writing("c.txt"))
    repo.orch("archive", done)
    claim = {
        "id": "01M7YFTGTMR7KJSY91XF8EADGG",
        "event": "plan.archived",
        "clone": "x",
        "plan": other,
    }
    hung(repo, "orch/archive", blob_of(repo, b"anything"), json.dumps(claim).encode())
    assert repo.status(other)["state"] == "CREATED"
    assert repo.handle(other) in repo.orch("ls").stdout


# -- what others wrote -----------------------------------------------------------------------------


def test_another_note_that_claims_a_plan_hides_nothing_of_it(repo: Repo, done: str) -> None:
    """As when two copies of the repository have put it away: all their lines count."""
    repo.orch("archive", done)
    whole = log_lines(repo, "orch/archive")
    for number in range(4):
        hung(repo, "orch/archive", blob_of(repo, b"%d" % number), put_away(repo, done))
    events = data(repo.orch("log", done, "--json").stdout)
    assert [line for line in whole if json.loads(line) not in events] == []


def test_a_log_on_the_cover_of_another_plan_does_not_take_its_note(repo: Repo, done: str) -> None:
    other = repo.plan(writing("c.txt"))
    cover, lines = repo.git("rev-parse", f"orch/{done}~2"), sorted(log_lines(repo, f"orch/{other}"))
    repo.orch("archive", done)
    repo.git("update-ref", "-d", f"refs/notes/orch/{other}")
    hung(repo, f"orch/{other}", cover, *(line.encode() for line in lines))
    repo.git("update-ref", f"refs/heads/orch/{other}", "main")
    repo.orch("archive", other)
    assert [data(repo.orch("show", plan, "--json").stdout)["id"] for plan in (done, other)] == [
        done,
        other,
    ]


def test_a_note_of_the_users_own_on_the_cover_stays(repo: Repo, done: str) -> None:
    hung(repo, "orch/archive", f"orch/{done}~2", b"mine")
    repo.orch("archive", done)
    assert "mine" in log_lines(repo, "orch/archive")
    assert repo.step_states(done) == ["done", "done"]


def test_a_log_that_says_another_plan_was_put_away_stays(repo: Repo, done: str) -> None:
    other = repo.plan(writing("c.txt"))
    hung(repo, f"orch/{done}", f"orch/{done}~2", put_away(repo, other))
    repo.orch("exec", done)
    assert repo.status(done)["damaged_lines"] == 1


def test_what_another_clone_was_about_to_put_away_stays_until_it_is_asked_for(
    repo: Repo, done: str
) -> None:
    cut_off(repo, done, clone="ffffffffffffffff")
    repo.orch("exec", done, expect=3)
    assert f"refs/heads/orch/{done}" in refs(repo)
    repo.orch("unarchive", done)
    repo.orch("exec", done)


def test_an_event_from_a_clock_far_ahead_can_be_taken_back(repo: Repo, done: str) -> None:
    cut_off(repo, done, ahead_ms=40 * ids.DAY_MS)
    repo.orch("archive", done)
    repo.orch("unarchive", done)
    repo.orch("rollback", "--to-step", "1", done)


def test_an_archive_that_cannot_be_read_is_not_written(repo: Repo, done: str) -> None:
    repo.git("update-ref", "refs/notes/orch/archive", blob_of(repo, b"no commit"))
    assert "cannot be read" in repo.orch("ls", "--all").stderr
    repo.orch("archive", done, expect=128)
    assert f"refs/heads/orch/{done}" in refs(repo)


# -- what is cut off, or in the way ----------------------------------------------------------------


def test_what_was_cut_off_is_done_by_the_next_command(repo: Repo, done: str) -> None:
    cut_off(repo, done)
    assert "is archived" in repo.orch("exec", done, expect=3).stderr
    assert refs(repo) == ["refs/notes/orch/archive", f"refs/orch/kept/{done}"]


def test_what_was_cut_off_waits_while_the_branch_is_checked_out(repo: Repo, done: str) -> None:
    cut_off(repo, done)
    repo.git("switch", "-q", f"orch/{done}")
    assert "is checked out" in repo.orch("exec", done, expect=6).stderr
    assert repo.git("status", "--porcelain") == ""


def test_commits_made_after_it_was_cut_off_come_back_with_the_branch(repo: Repo, done: str) -> None:
    cut_off(repo, done)
    mine = repo.git("commit-tree", f"orch/{done}^{{tree}}", "-p", f"orch/{done}", "-m", "mine")
    repo.git("update-ref", f"refs/heads/orch/{done}", mine)
    repo.orch("archive", done)
    repo.orch("unarchive", done)
    assert repo.git("rev-parse", f"orch/{done}") == mine


def test_a_log_that_cannot_be_written_leaves_the_archive_as_it_is(repo: Repo, done: str) -> None:
    repo.orch("archive", done)
    lines = log_lines(repo, "orch/archive")
    lock = repo.path / f".git/refs/notes/orch/{done}.lock"
    with locks.held(lock):
        repo.orch("unarchive", done, expect=6)
    assert log_lines(repo, "orch/archive") == lines
    lock.unlink()
    repo.orch("unarchive", done)
    assert lines <= log_lines(repo, f"orch/{done}")


def test_a_plan_whose_branch_was_deleted_can_be_put_away(repo: Repo, done: str) -> None:
    tip = repo.git("rev-parse", f"orch/{done}")
    repo.git("branch", "-q", "-D", f"orch/{done}")
    repo.orch("archive", done)
    assert repo.step_states(done) == ["done", "done"]
    repo.orch("unarchive", done)
    assert repo.git("rev-parse", f"orch/{done}") == tip


def test_work_on_a_manual_step_is_kept(repo: Repo) -> None:
    plan = repo.plan({"title": "By hand", "steps": [{"title": "B", "kind": "manual"}]})
    repo.orch("exec", plan, expect=9)
    place = Path(repo.git("worktree", "list", "--porcelain").split("worktree ")[2].splitlines()[0])
    (place / "mine.txt").write_text("mine\n")
    repo.orch("archive", plan)
    assert not place.exists()
    assert "mine.txt" in repo.git("rev-list", "--objects", f"refs/orch/kept/{plan}")


def test_a_secret_in_the_reason_does_not_reach_the_log(repo: Repo, done: str) -> None:
    repo.orch("archive", done, "--why", "canary-0123456789", env={"MY_TOKEN": "canary-0123456789"})
    assert "canary" not in "".join(log_lines(repo, "orch/archive"))


def test_an_archived_plan_has_no_branch(repo: Repo, done: str) -> None:
    tip = repo.git("rev-parse", f"orch/{done}")
    repo.orch("archive", done)
    found = repo.status(done)
    assert (found["archived"], found["branch"], found["tip"]) == (True, None, tip)


def test_the_tool_calls_of_an_archived_plan_can_be_read(repo: Repo, done: str) -> None:
    repo.orch("archive", done)
    assert data(repo.orch("audit", done, "--json").stdout) == []
