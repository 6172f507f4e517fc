"""The log: a notes tree of JSON Lines that is only ever added to."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator

import cut_off
import pytest
from conftest import Repo

from git_orch import errors
from git_orch.plans import ids
from git_orch.plans.history.events import Event
from git_orch.repo import identity, localfiles, refs
from git_orch.repo.log import log, spool
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover

PLAN = "PLAN-20260101-0000000000-one"
REF = refs.LOGS + PLAN


@pytest.fixture
def writer(repo: Repo) -> Iterator[log.LogWriter]:
    """A writer of an empty log."""
    repository = discover(repo.path)
    with contextlib.closing(objects.opened(repository)) as database:
        yield log.LogWriter(PlanPlace(repository, PLAN), database, identity.of_user(repository))


@contextlib.contextmanager
def another(repo: Repo) -> Iterator[log.LogWriter]:
    """Another writer of the same log."""
    repository = discover(repo.path)
    with contextlib.closing(objects.opened(repository)) as database:
        yield log.LogWriter(PlanPlace(repository, PLAN), database, identity.of_user(repository))


def lines(repo: Repo, target: str) -> list[str]:
    """The note on an object, as git shows it."""
    return repo.git("notes", f"--ref={REF}", "show", target).splitlines()


def note(repo: Repo, target: str, *text: str) -> None:
    """Write a note with git alone."""
    blob = repo.git("hash-object", "-w", "--stdin", stdin="\n".join(text) + "\n")
    repo.git("notes", f"--ref={REF}", "add", "-f", "-C", blob, target)


def appended(writer: log.LogWriter, target: str | None, **body: object) -> Event:
    event = writer.event("run.started", **body)
    writer.append([(target, event)])
    return event


def test_an_event_is_a_line_of_a_note_that_git_shows(repo: Repo, writer: log.LogWriter) -> None:
    head = repo.git("rev-parse", "HEAD")
    first, second = appended(writer, head, run="1"), appended(writer, head, run="2")
    assert [json.loads(line)["id"] for line in lines(repo, head)] == [first.id, second.id]
    assert lines(repo, head)[0].startswith(f'{{"id":"{first.id}"')


def test_events_without_a_commit_hang_on_the_empty_blob(repo: Repo, writer: log.LogWriter) -> None:
    appended(writer, None, run="1")
    assert len(lines(repo, repo.git("hash-object", "-w", "--stdin", stdin=""))) == 1


def test_each_write_is_one_commit_on_the_last(repo: Repo, writer: log.LogWriter) -> None:
    head = repo.git("rev-parse", "HEAD")
    writer.append(
        [(head, writer.event("run.started", run="1")), (None, writer.event("run.ended", run="1"))]
    )
    appended(writer, head, run="2")
    assert repo.git("log", "--format=%s %an", REF).splitlines() == [
        "orch: run.started Ada Tester", "orch: run.started, run.ended Ada Tester"
    ]  # fmt: skip
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_events_of_somebody_else_are_taken_in_after_a_lost_race(
    repo: Repo, writer: log.LogWriter
) -> None:
    head = repo.git("rev-parse", "HEAD")
    appended(writer, head, run="1")
    with another(repo) as rival:
        theirs = appended(rival, head, run="2")
    ours = appended(writer, head, run="3")
    found = [json.loads(line)["id"] for line in lines(repo, head)]
    assert found[1:] == [theirs.id, ours.id]
    assert [event.id for event in writer.log.events] == sorted(found)


@pytest.mark.parametrize("days", [1, 3, 30_000])
def test_an_event_sorts_after_all_that_are_known(
    repo: Repo, writer: log.LogWriter, days: int
) -> None:
    """A lagging clock cannot sort an answer before its question."""
    ahead = ids.ulid(ids.ulid_ms(writer.event("x").id) + days * ids.DAY_MS, 5)
    note(repo, "HEAD", json.dumps({"id": ahead, "event": "run.started", "clone": "c", "run": "1"}))
    writer.reload()
    assert writer.event("x").id > ahead


def test_an_id_that_no_clock_makes_counts_for_nobody(repo: Repo, writer: log.LogWriter) -> None:
    """After the last one of all there would be none."""
    last = "7" + "Z" * 25
    note(repo, "HEAD", json.dumps({"id": last, "event": "run.started", "clone": "c", "run": "1"}))
    writer.reload()
    assert writer.event("x").id < last


def test_notes_that_are_not_ours_stay(repo: Repo, writer: log.LogWriter) -> None:
    """Lines nobody understands, and entries that are no notes."""
    head = repo.git("rev-parse", "HEAD")
    note(repo, head, "not json", '{"id":"x"}')
    blob = repo.git("hash-object", "-w", "--stdin", stdin="hello\n")
    listed = repo.git("ls-tree", REF) + f"\n100644 blob {blob}\tREADME"
    tree = repo.git("mktree", stdin=listed + "\n")
    repo.git("update-ref", REF, repo.git("commit-tree", "-m", "readme", "-p", REF, tree))
    writer.reload()
    assert writer.log.damaged == 2
    appended(writer, head, run="1")
    assert lines(repo, head)[:2] == ["not json", '{"id":"x"}']
    assert repo.git("show", f"{REF}:README") == "hello"


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_notes_of_any_fan_out_are_read_and_kept(
    repo: Repo, writer: log.LogWriter, depth: int
) -> None:
    """git chooses another one than ours by the number of notes."""
    head = repo.git("rev-parse", "HEAD")
    line = json.dumps(
        {"id": writer.event("x").id, "event": "run.started", "clone": "c", "run": "1"}
    )
    blob = repo.git("hash-object", "-w", "--stdin", stdin=line + "\n")
    cuts = [head[2 * part : 2 * part + 2] for part in range(depth)] + [head[2 * depth :]]
    tree = repo.git("mktree", stdin=f"100644 blob {blob}\t{cuts[-1]}\n")
    for name in reversed(cuts[:-1]):
        tree = repo.git("mktree", stdin=f"040000 tree {tree}\t{name}\n")
    repo.git("update-ref", REF, repo.git("commit-tree", "-m", "by hand", tree))

    writer.reload()
    appended(writer, head, run="2")
    assert [json.loads(each)["run"] for each in lines(repo, head)] == ["1", "2"]


def test_a_log_of_which_a_part_is_missing_is_not_written(repo: Repo, writer: log.LogWriter) -> None:
    """Written on without it, the part would be lost for good."""
    appended(writer, repo.git("rev-parse", "HEAD"), run="1")
    tree = repo.git("rev-parse", f"{REF}^{{tree}}")
    inner = repo.git("ls-tree", tree).split()[2]
    repo.loose(inner).unlink()
    with pytest.raises(objects.MissingObject, match=inner[:12]), another(repo):
        raise AssertionError("opened")


def test_a_log_of_a_newer_program_is_not_written(repo: Repo, writer: log.LogWriter) -> None:
    note(
        repo,
        "HEAD",
        json.dumps({"id": writer.event("x").id, "event": "new", "clone": "c", "v": 99}),
    )
    with pytest.raises(errors.UnfitRepository, match="newer git-orch"):
        writer.reload()


def test_a_write_that_was_cut_off_leaves_nothing_in_later_ones(
    repo: Repo, writer: log.LogWriter
) -> None:
    """A Ctrl-C between the objects and the ref: what was not stored does not slip in with something
    else.
    """
    head = repo.git("rev-parse", "HEAD")
    with cut_off.at("before", "move ref"):
        appended(writer, head, run="lost")
    appended(writer, None, run="kept")
    assert [event.body["run"] for event in writer.log.events] == ["kept"]
    assert repo.git("notes", f"--ref={REF}", "list", head, expect=1) == ""


def test_a_log_that_stays_locked_is_given_up(
    repo: Repo, writer: log.LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_LOCKED_TRIES", 2)
    lock = repo.path / ".git" / f"{REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    with pytest.raises(errors.Busy, match="is locked"):
        appended(writer, None, run="1")
    assert lock.exists()


def test_the_name_of_a_copy_stays(repo: Repo) -> None:
    repository = discover(repo.path)
    assert log.clone_id(repository) == log.clone_id(repository)
    assert len(log.clone_id(repository)) == 16


def test_a_spooled_event_waits_on_disk_until_the_log_has_it(
    repo: Repo, writer: log.LogWriter
) -> None:
    repository, event = discover(repo.path), writer.event("model.called", purpose="step")
    spool.append(PlanPlace(repository, PLAN), "one", event)
    assert spool.left(PlanPlace(repository, PLAN)) == ["one"]
    assert spool.of_attempt(PlanPlace(repository, PLAN), "one") == [event]
    spool.clear(PlanPlace(repository, PLAN), ["one"])
    assert spool.left(PlanPlace(repository, PLAN)) == []
    assert spool.of_attempt(PlanPlace(repository, PLAN), "one") == []


def test_attempts_do_not_share_a_spool(repo: Repo, writer: log.LogWriter) -> None:
    repository = discover(repo.path)
    spool.append(PlanPlace(repository, PLAN), "one", writer.event("model.called"))
    spool.append(PlanPlace(repository, PLAN), "two", writer.event("model.called"))
    spool.clear(PlanPlace(repository, PLAN), ["one"])
    assert spool.left(PlanPlace(repository, PLAN)) == ["two"]


def test_a_spooled_line_that_was_cut_off_does_not_spoil_the_others(
    repo: Repo, writer: log.LogWriter
) -> None:
    repository = discover(repo.path)
    first, second = writer.event("model.called"), writer.event("model.called")
    spool.append(PlanPlace(repository, PLAN), "one", first)
    path = repository.state_dir / "spool" / PLAN / "one"
    path.write_bytes(path.read_bytes() + second.line()[:20])
    assert spool.of_attempt(PlanPlace(repository, PLAN), "one") == [first]
    third = writer.event("model.called")
    spool.append(PlanPlace(repository, PLAN), "one", third)
    assert spool.of_attempt(PlanPlace(repository, PLAN), "one") == [first, third]


def test_an_event_of_an_attempt_comes_after_what_was_known(
    repo: Repo, writer: log.LogWriter
) -> None:
    """A clock that goes back must not sort an answer before its question."""
    repository = discover(repo.path)
    later = ids.ulid_after(None, time.time_ns() // 1_000_000 + 3_600_000, 0)
    spool.Writer(PlanPlace(repository, PLAN), "one", later).put("model.called")
    assert spool.of_attempt(PlanPlace(repository, PLAN), "one")[0].id > later


def test_a_plan_is_locked_for_one_process(repo: Repo) -> None:
    repository = discover(repo.path)
    with localfiles.lock(PlanPlace(repository, PLAN)):
        assert localfiles.is_held(PlanPlace(repository, PLAN))
        with pytest.raises(errors.Busy), localfiles.lock(PlanPlace(repository, PLAN)):
            raise AssertionError("locked twice")
    assert not localfiles.is_held(PlanPlace(repository, PLAN))
