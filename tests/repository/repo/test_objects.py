"""The object database: both backends keep one contract, and libgit2 is left out where it reads
wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Repo, writing

from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw
from git_orch.repo.objects.catfile import CommandObjects
from git_orch.repo.objects.objects import Found, LibraryObjects, Objects
from git_orch.repo.repository import discover

ABSENT = "1" * 40
STAMP = "Ada Tester <ada@example.com> 1700000000 +0000"


def of(repo: Repo, *, warm: bool) -> Objects:
    return odb.opened(discover(repo.path), warm=warm)


@pytest.fixture(params=[True, False], ids=["library", "command"])
def objects(repo: Repo, request: pytest.FixtureRequest) -> Iterator[Objects]:
    """Each backend in turn, on the same repository."""
    with contextlib.closing(of(repo, warm=request.param)) as database:
        assert isinstance(database, LibraryObjects if request.param else CommandObjects)
        yield database


@pytest.mark.parametrize("data", [b"", b"text\n", b"\0\xff\r\n" * 1000, b"x" * 300_000], ids=len)
def test_a_blob_is_read_as_it_was_written(repo: Repo, objects: Objects, data: bytes) -> None:
    """S1-028: and git gives it the same ID."""
    oid = objects.write("blob", data)
    assert objects.read_many([oid]) == [Found("blob", data)]
    assert repo.git("cat-file", "-s", oid) == str(len(data))


def test_a_commit_with_its_tree_is_what_git_reads(repo: Repo, objects: Objects) -> None:
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


def test_missing_objects_are_none_in_their_places(objects: Objects) -> None:
    """S1-028: also many at once, more than fit into a pipe."""
    oid = objects.write("blob", b"here\n")
    wanted = [ABSENT, oid] * 1500
    assert objects.read_many(wanted) == [None, Found("blob", b"here\n")] * 1500


def test_an_object_of_another_kind_is_missing(objects: Objects) -> None:
    """S1-028."""
    oid = objects.write("blob", b"no commit\n")
    with pytest.raises(odb.MissingObject):
        odb.commit(objects, oid)


def test_what_git_writes_later_is_seen(repo: Repo, objects: Objects) -> None:
    """S1-028: a database that is open for long is never stale, packs included."""
    assert objects.read_many([ABSENT]) == [None]
    commit = repo.commit({"later.txt": "later\n"})
    assert objects.read_many([commit])[0] is not None
    repo.git("gc", "--quiet", "--prune=now")
    assert objects.read_many([commit])[0] is not None


def test_what_gc_takes_is_not_seen_any_more(repo: Repo, objects: Objects) -> None:
    """S1-028: a cache would go on to give it."""
    tree = odb.write_tree(objects, [])
    commit = odb.write_commit(objects, raw.CommitObject(tree, (), STAMP, STAMP, "alone\n"))
    assert objects.read_many([commit])[0] is not None
    repo.git("gc", "--quiet", "--prune=now")
    assert objects.read_many([commit]) == [None]


def test_a_second_handle_sees_what_the_first_wrote(objects: Objects) -> None:
    """S1-028: workers have one each."""
    oid = objects.write("blob", b"shared\n")
    with contextlib.closing(objects.another()) as other:
        assert other.read_many([oid]) == [Found("blob", b"shared\n")]


def test_what_was_written_is_written_again_when_gc_took_it(repo: Repo, objects: Objects) -> None:
    written = odb.Written(objects)
    kept = written.write("blob", b"kept\n")
    repo.git("gc", "--quiet", "--prune=now")
    assert objects.read_many([kept]) == [None]

    written.restore()
    assert objects.read_many([kept]) == [Found("blob", b"kept\n")]


def test_what_a_ref_holds_is_forgotten(repo: Repo, objects: Objects) -> None:
    written = odb.Written(objects)
    oid = written.write("blob", b"held\n")
    written.forget()
    repo.git("gc", "--quiet", "--prune=now")
    written.restore()
    assert objects.read_many([oid]) == [None]


def test_a_reading_process_that_was_ended_is_started_again(repo: Repo) -> None:
    """A terminal's Ctrl-C ends it before us, and there is something to write down after that."""
    with contextlib.closing(of(repo, warm=False)) as database:
        assert isinstance(database, CommandObjects)
        oid = database.write("blob", b"x")
        database.read_many([oid])
        database._session._child.kill()
        database._session._child.wait()
        assert database.read_many([oid]) == [Found("blob", b"x")]


def test_a_broken_object_reads_as_missing_and_the_others_are_read(repo: Repo) -> None:
    """Its header is right and its content is not: git's reader ends over it."""
    with contextlib.closing(of(repo, warm=False)) as database:
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


def made_partial(repo: Repo) -> None:
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "extensions.partialClone", "origin")


def made_promisor(repo: Repo) -> None:
    repo.git("config", "remote.origin.url", "nowhere")
    repo.git("config", "remote.origin.promisor", "true")


@pytest.mark.parametrize("prepare", [made_partial, made_promisor])
def test_a_partial_clone_is_not_opened_with_libgit2(
    repo: Repo, prepare: Callable[[Repo], None]
) -> None:
    """libgit2 takes an object that is still at the remote for missing."""
    prepare(repo)
    with contextlib.closing(of(repo, warm=True)) as database:
        assert isinstance(database, CommandObjects)


def test_worktree_configuration_is_no_reason_against_libgit2(repo: Repo) -> None:
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "extensions.worktreeConfig", "true")
    with contextlib.closing(of(repo, warm=True)) as database:
        assert isinstance(database, LibraryObjects)


def test_a_sha256_repository_works_from_plan_to_rollback(tmp_path: Path) -> None:
    """S1-028: the command backend carries the whole road."""
    repo = Repo(tmp_path / "long")
    repo.path.mkdir()
    repo.git("init", "-q", "--object-format=sha256", "-b", "main")
    repo.commit({"README.md": "a project\n"}, "first")
    with contextlib.closing(of(repo, warm=True)) as database:
        assert isinstance(database, CommandObjects)

    plan = repo.plan(writing("a.txt", "b.txt"))
    repo.orch("exec", plan)
    assert repo.step_states(plan) == ["done", "done"]
    assert len(repo.git("rev-parse", f"orch/{plan}")) == 64
    repo.orch("rollback", "--to-step", "1", plan)
    assert repo.step_states(plan) == ["done", "pending"]
    repo.orch("rollback", "--undo", plan)
    assert repo.status(plan)["state"] == "COMPLETE"
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
