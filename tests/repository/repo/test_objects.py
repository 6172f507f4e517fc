"""The object database: what is stored as loose files, and through git where a group shares the
repository, keeps one contract.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
from conftest import Repo, Syncs, writing

from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw
from git_orch.repo.objects.objects import Database, Found
from git_orch.repo.repository import discover

ABSENT = "1" * 40
STAMP = "Ada Tester <ada@example.com> 1700000000 +0000"


def of(repo: Repo) -> Database:
    return odb.opened(discover(repo.path))


@pytest.fixture(params=["loose", "shared"])
def objects(repo: Repo, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Each way of storing in turn: git itself knows the permissions that a group needs."""
    if request.param == "shared":
        repo.git("config", "core.sharedRepository", "group")
    with contextlib.closing(of(repo)) as database:
        yield database


@pytest.mark.parametrize("data", [b"", b"text\n", b"\0\xff\r\n" * 1000, b"x" * 300_000], ids=len)
def test_a_blob_is_read_as_it_was_written(repo: Repo, objects: Database, data: bytes) -> None:
    """S1-028: and git gives it the same ID."""
    oid = objects.write("blob", data)
    assert objects.read_many([oid]) == [Found("blob", data)]
    assert repo.git("cat-file", "-s", oid) == str(len(data))


def test_a_commit_with_its_tree_is_what_git_reads(repo: Repo, objects: Database) -> None:
    """S1-028: trees are sorted as git sorts them, messages keep every byte."""
    blob = objects.write("blob", b"b\n")
    inner = odb.write_tree(objects, [raw.Entry(raw.BLOB_MODE, b"f", blob)])
    entries = [raw.Entry(raw.TREE_MODE, b"a", inner), raw.Entry(raw.BLOB_MODE, b"a.txt", blob)]
    tree = odb.write_tree(objects, entries)
    head = repo.git("rev-parse", "HEAD")
    commit = odb.write_commit(
        objects, raw.CommitObject(tree, (head,), STAMP, STAMP, "Grüße\n\nbody\n")
    )

    assert repo.git("log", "-1", "--format=%P %an %B", commit) == f"{head} Ada Tester Grüße\n\nbody"
    assert repo.git("ls-tree", "-r", "--name-only", commit).splitlines() == ["a.txt", "a/f"]
    assert repo.git("fsck", "--strict", "--no-dangling", commit) == ""
    assert odb.commit(objects, commit).tree == tree
    assert sorted(odb.tree(objects, tree)) == sorted(entries)


def test_another_reader_of_git_repositories_reads_what_we_store(
    repo: Repo, objects: Database
) -> None:
    """libgit2 shares no code with git or with us."""
    blob = objects.write("blob", b"b\n")
    tree = odb.write_tree(objects, [raw.Entry(raw.BLOB_MODE, b"f", blob)])
    head = repo.git("rev-parse", "HEAD")
    fields = raw.CommitObject(tree, (head,), STAMP, STAMP, "Grüße\n")
    commit = odb.write_commit(objects, fields)

    library = pygit2.Repository(str(repo.path))
    read = library[commit]
    assert isinstance(read, pygit2.Commit)
    assert (read.message, [str(parent) for parent in read.parent_ids]) == ("Grüße\n", [head])
    assert [(entry.name, str(entry.id)) for entry in read.tree] == [("f", blob)]
    library.free()


def test_missing_objects_are_none_in_their_places(objects: Database) -> None:
    """S1-028: also many at once, more than fit into a pipe."""
    oid = objects.write("blob", b"here\n")
    wanted = [ABSENT, oid] * 1500
    assert objects.read_many(wanted) == [None, Found("blob", b"here\n")] * 1500


def test_an_object_of_another_kind_is_missing(objects: Database) -> None:
    """S1-028."""
    oid = objects.write("blob", b"no commit\n")
    with pytest.raises(odb.MissingObject):
        odb.commit(objects, oid)


def test_what_git_writes_later_is_seen(repo: Repo, objects: Database) -> None:
    """S1-028: a database that is open for long is never stale, packs included."""
    assert objects.read_many([ABSENT]) == [None]
    commit = repo.commit({"later.txt": "later\n"})
    assert objects.read_many([commit])[0] is not None
    repo.git("gc", "--quiet", "--prune=now")
    assert objects.read_many([commit])[0] is not None


def test_what_gc_takes_is_not_seen_any_more(repo: Repo, objects: Database) -> None:
    """S1-028: a cache would go on to give it."""
    tree = odb.write_tree(objects, [])
    commit = odb.write_commit(objects, raw.CommitObject(tree, (), STAMP, STAMP, "alone\n"))
    assert objects.read_many([commit])[0] is not None
    repo.git("gc", "--quiet", "--prune=now")
    assert objects.read_many([commit]) == [None]


def test_a_shared_repository_stays_one_for_its_group(repo: Repo) -> None:
    repo.git("config", "core.sharedRepository", "0660")
    with contextlib.closing(of(repo)) as database:
        oid = database.write("blob", b"ours\n")
    path = repo.path / ".git/objects" / oid[:2] / oid[2:]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o440, 0o770)


def test_many_objects_cost_one_sync(repo: Repo, synced: Syncs) -> None:
    with contextlib.closing(of(repo)) as database:
        written = odb.Written(database)
        oids = [written.write("blob", b"%d\n" % number) for number in range(50)]
        written.flush()
        assert database.present(oids) == [True] * 50
    assert synced.count == 1


def test_an_object_has_no_name_before_it_is_synced(repo: Repo, synced: Syncs) -> None:
    """After a power cut half an object under its name would be in the way of the whole one for
    ever.
    """
    with contextlib.closing(of(repo)) as database:
        written = odb.Written(database)
        oid = written.write("blob", b"whole or not at all\n")
        path = repo.path / ".git/objects" / oid[:2] / oid[2:]
        synced.then(lambda: seen.append(path.exists()))
        seen: list[bool] = []
        written.flush()
    assert (seen, path.exists()) == ([False], True)


def test_what_is_only_in_memory_is_read_and_not_stored(repo: Repo, objects: Database) -> None:
    written = odb.Written(objects)
    oid = written.write("blob", b"not yet\n")
    assert written.read_many([ABSENT, oid]) == [None, Found("blob", b"not yet\n")]
    assert objects.present([oid]) == [False]


def test_a_directory_that_gc_removes_is_made_again(repo: Repo, synced: Syncs) -> None:
    """Git removes object directories that it finds empty, and temporary objects when it prunes."""
    with contextlib.closing(of(repo)) as database:
        written = odb.Written(database)
        oid = written.write("blob", b"pruned meanwhile\n")
        directory = repo.path / ".git/objects" / oid[:2]
        synced.then(lambda: shutil.rmtree(directory))
        written.flush()
        assert database.read_many([oid]) == [Found("blob", b"pruned meanwhile\n")]


def test_what_was_written_is_written_again_when_gc_took_it(repo: Repo, objects: Database) -> None:
    written = odb.Written(objects)
    kept = written.write("blob", b"kept\n")
    written.flush()
    repo.git("gc", "--quiet", "--prune=now")
    assert objects.read_many([kept]) == [None]

    written.restore()
    assert objects.read_many([kept]) == [Found("blob", b"kept\n")]


def test_what_a_ref_holds_is_forgotten(repo: Repo, objects: Database) -> None:
    written = odb.Written(objects)
    oid = written.write("blob", b"held\n")
    written.flush()
    written.forget()
    repo.git("gc", "--quiet", "--prune=now")
    written.restore()
    assert objects.read_many([oid]) == [None]


def test_a_reading_process_that_was_ended_is_started_again(repo: Repo) -> None:
    """A terminal's Ctrl-C ends it before us, and there is something to write down after that."""
    with contextlib.closing(of(repo)) as database:
        oid = database.write("blob", b"x")
        database.read_many([oid])
        tool = database._reader._opened()
        tool._child.kill()
        tool._child.wait()
        assert database.read_many([oid]) == [Found("blob", b"x")]


def test_a_broken_object_reads_as_missing_and_the_others_are_read(repo: Repo) -> None:
    """Its header is right and its content is not: git's reader ends over it."""
    with contextlib.closing(of(repo)) as database:
        oid = database.write("blob", bytes(range(256)) * 500)
        path = repo.path / ".git/objects" / oid[:2] / oid[2:]
        data = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(data[: len(data) // 2])
        other = database.write("blob", b"whole\n")
        assert database.read_many([other, oid, other]) == [
            Found("blob", b"whole\n"),
            None,
            Found("blob", b"whole\n"),
        ]


def test_a_sha256_repository_works_from_plan_to_rollback(tmp_path: Path) -> None:
    """S1-028: the command backend carries the whole road."""
    repo = Repo(tmp_path / "long")
    repo.path.mkdir()
    repo.git("init", "-q", "--object-format=sha256", "-b", "main")
    repo.commit({"README.md": "a project\n"}, "first")
    plan = repo.plan(writing("a.txt", "b.txt"))
    repo.orch("exec", plan)
    assert repo.step_states(plan) == ["done", "done"]
    assert len(repo.git("rev-parse", f"orch/{plan}")) == 64
    repo.orch("rollback", "--to-step", "1", plan)
    assert repo.step_states(plan) == ["done", "pending"]
    repo.orch("rollback", "--undo", plan)
    assert repo.status(plan)["state"] == "COMPLETE"
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
