"""The object database: what is written is read again, by git too."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
from conftest import Repo, Syncs, writing

from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import packs, raw
from git_orch.repo.objects.objects import Database, Found
from git_orch.repo.repository import discover

ABSENT = "1" * 40
STAMP = "Ada Tester <ada@example.com> 1700000000 +0000"


def of(repo: Repo) -> Database:
    return odb.opened(discover(repo.path))


@pytest.fixture
def objects(repo: Repo) -> Iterator[Database]:
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
    oid = repo.git("hash-object", "-w", "--stdin", stdin="alone")
    assert objects.read_many([oid]) == [Found("blob", b"alone")]
    repo.git("gc", "--quiet", "--prune=now")
    assert objects.read_many([oid]) == [None]


@pytest.mark.parametrize(("directory", "file"), [(0o2770, 0o440), (0o755, 0o444), (0o700, 0o400)])
def test_who_may_look_into_the_directory_may_read_what_is_stored(
    repo: Repo, directory: int, file: int
) -> None:
    place = repo.path / ".git/objects/pack"
    place.chmod(directory)
    with contextlib.closing(of(repo)) as database:
        database.write("blob", b"ours\n")
    assert {each.stat().st_mode & 0o777 for each in place.iterdir()} == {file}


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
        synced.then(lambda: seen.extend(packs_of(repo)))
        seen: list[str] = []
        written.flush()
        assert (seen, database.present([oid])) == ([], [True])


def test_what_is_only_in_memory_is_read_and_not_stored(repo: Repo, objects: Database) -> None:
    written = odb.Written(objects)
    oid = written.write("blob", b"not yet\n")
    assert written.read_many([ABSENT, oid]) == [None, Found("blob", b"not yet\n")]
    assert objects.present([oid]) == [False]


def test_what_gc_removes_before_it_has_its_name_is_written_again(repo: Repo, synced: Syncs) -> None:
    """`git prune --expire=now` takes temporary files as well."""
    with contextlib.closing(of(repo)) as database:
        written = odb.Written(database)
        oid = written.write("blob", b"pruned meanwhile\n")
        synced.then(lambda: repo.git("prune", "--expire=now"))
        written.flush()
        assert database.read_many([oid]) == [Found("blob", b"pruned meanwhile\n")]


def test_what_no_ref_holds_yet_stays_whatever_is_collected(repo: Repo, objects: Database) -> None:
    """Also an object that was there before as garbage."""
    repo.git("hash-object", "-w", "--stdin", stdin="held")
    written = odb.Written(objects)
    oid = written.write("blob", b"held")
    written.flush()
    repo.git("gc", "--quiet", "--prune=now")
    repo.git("repack", "-a", "-d", "-q")
    assert objects.read_many([oid]) == [Found("blob", b"held")]

    written.forget()
    repo.git("gc", "--quiet", "--prune=now")
    repo.git("cat-file", "-e", oid, expect=1)


def test_what_is_stored_together_stays_until_all_of_it_is_forgotten(
    repo: Repo, objects: Database
) -> None:
    first, second = odb.Written(objects), odb.Written(objects)
    first.write("blob", b"one\n")
    oid = second.write("blob", b"two\n")
    odb.store([first, second])
    first.forget()
    repo.git("gc", "--quiet", "--prune=now")
    assert objects.present([oid]) == [True]


def test_a_closed_database_holds_no_pack_that_nobody_forgot(repo: Repo, objects: Database) -> None:
    written = odb.Written(objects)
    oid = written.write("blob", b"never moved to\n")
    written.flush()
    objects.close()
    repo.git("gc", "--quiet", "--prune=now")
    repo.git("cat-file", "-e", oid, expect=1)


def packs_of(repo: Repo) -> list[str]:
    """The packs of a repository that git sees: it opens each index, whatever its name."""
    return sorted(path.name for path in (repo.path / ".git/objects/pack").glob("*.idx"))


def test_many_small_packs_become_one_and_no_object_is_lost(repo: Repo, objects: Database) -> None:
    """Not even one that no ref holds, of ours or of somebody else."""
    foreign = repo.git("hash-object", "-w", "--stdin", stdin="foreign")
    oids = []
    for number in range(12):
        written = odb.Written(objects)
        oids.append(written.write("blob", b"%d\n" % number))
        written.flush()
        written.forget()
    packs.roll_up(discover(repo.path), at_least=13)
    assert len(packs_of(repo)) == 12
    packs.roll_up(discover(repo.path), at_least=12)
    assert len(packs_of(repo)) == 1
    assert objects.present([foreign, *oids]) == [True] * 13
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def small_packs(objects: Database, count: int) -> list[str]:
    """So many packs that nobody holds any more, of one object each; gives the objects."""
    oids = []
    for number in range(count):
        written = odb.Written(objects)
        oids.append(written.write("blob", b"%d\n" % number * 4000))
        written.flush()
        written.forget()
    return oids


@pytest.mark.parametrize("setting", [("pack.packSizeLimit", "1"), ("pack.indexVersion", "1")])
def test_no_setting_of_packs_loses_an_object(
    repo: Repo, objects: Database, setting: tuple[str, str]
) -> None:
    oids = small_packs(objects, 6)
    repo.git("config", *setting)
    packs.roll_up(discover(repo.path), at_least=6)
    packs.roll_up(discover(repo.path), at_least=1)
    assert objects.present(oids) == [True] * 6
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_of_packs_with_a_broken_object_none_is_removed(repo: Repo, objects: Database) -> None:
    small_packs(objects, 3)
    before = packs_of(repo)
    broken = repo.path / ".git/objects/pack" / before[1].replace(".idx", ".pack")
    broken.chmod(0o600)
    with broken.open("r+b") as file:
        file.seek(16)
        file.write(b"\xff\xff\xff\xff")
    packs.roll_up(discover(repo.path), at_least=3)
    assert packs_of(repo) == before


def test_a_pack_whose_index_is_cut_short_is_not_removed(repo: Repo, objects: Database) -> None:
    oids = small_packs(objects, 3)
    place = repo.path / ".git/objects/pack"
    cut = place / packs_of(repo)[1]
    cut.chmod(0o600)
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-60])
    packs.roll_up(discover(repo.path), at_least=2)
    assert cut.name in packs_of(repo)
    assert len(packs_of(repo)) == 2
    cut.write_bytes(whole)
    assert objects.present(oids) == [True] * 3


def test_packs_that_an_index_of_several_names_stay(repo: Repo, objects: Database) -> None:
    small_packs(objects, 3)
    repo.git("multi-pack-index", "write")
    before = packs_of(repo)
    packs.roll_up(discover(repo.path), at_least=3)
    assert packs_of(repo) == before


def test_a_repository_that_borrows_objects_still_has_them(
    repo: Repo, objects: Database, tmp_path: Path
) -> None:
    oids = small_packs(objects, 3)
    repo.git("clone", "-q", "--shared", str(repo.path), str(tmp_path / "borrower"))
    packs.roll_up(discover(repo.path), at_least=3)
    assert len(packs_of(repo)) == 1
    borrower = Repo(tmp_path / "borrower")
    assert [borrower.git("cat-file", "-t", oid) for oid in oids] == ["blob"] * 3


def test_whoever_may_not_pack_fails_at_nothing(repo: Repo, objects: Database) -> None:
    oids = small_packs(objects, 3)
    (repo.path / ".git/orch").mkdir(exist_ok=True)
    (repo.path / ".git/orch/packing").mkdir()
    packs.roll_up(discover(repo.path), at_least=3)
    assert objects.present(oids) == [True] * 3


def test_a_keep_file_of_somebody_else_stays(repo: Repo, objects: Database) -> None:
    small_packs(objects, 1)
    [index] = packs_of(repo)
    keep = repo.path / ".git/objects/pack" / index.replace(".idx", ".keep")
    keep.write_text("for the auditors\n")
    packs.roll_up(discover(repo.path), at_least=1)
    assert (keep.exists(), packs_of(repo)) == (True, [index])


ROLLING = """if True:
    import os, signal, sys
    from pathlib import Path
    from git_orch import checkpoints
    from git_orch.repo.objects import packs
    from git_orch.repo.repository import discover
    left = int(sys.argv[1])
    def look(moment, deed, about):
        global left
        if deed == "sync" or deed.endswith(" pack"):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
    checkpoints.observe(look)
    packs.roll_up(discover(Path.cwd()), at_least=3)
    print("over")
"""


def test_packing_that_is_killed_anywhere_loses_nothing_and_the_next_one_ends_it(
    repo: Repo, objects: Database
) -> None:
    oids = small_packs(objects, 3)
    killed, said = 0, ""
    while not said:
        rolling = [sys.executable, "-c", ROLLING, str(killed)]
        done = subprocess.run(rolling, cwd=repo.path, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        assert objects.present(oids) == [True] * 3
        assert repo.git("fsck", "--strict", "--no-dangling") == ""
        killed += not said
    assert (killed > 15, said) == (True, "over\n")
    packs.roll_up(discover(repo.path), at_least=1)
    assert len(packs_of(repo)) == 1
    assert not list((repo.path / ".git/objects/pack").glob("*.keep"))


def test_two_who_pack_and_a_user_who_repacks_at_once_lose_nothing(
    repo: Repo, objects: Database
) -> None:
    """What a ref reaches: all else is garbage that the user's own repack drops."""
    commit = repo.git("rev-parse", "HEAD")
    for number in range(12):
        written = odb.Written(objects)
        tree = odb.write_tree(
            written, [raw.Entry("100644", b"f", written.write("blob", b"%d" % number))]
        )
        commit = odb.write_commit(written, raw.CommitObject(tree, (commit,), STAMP, STAMP, "x\n"))
        written.flush()
        repo.git("update-ref", "refs/heads/rolled", commit)
        written.forget()
        rolling = [
            subprocess.Popen(
                [sys.executable, "-c", ROLLING, "1000"], cwd=repo.path, stdout=subprocess.DEVNULL
            )
            for _ in range(2)
        ]
        repo.git("repack", "-adq", expect=None)
        assert [each.wait() for each in rolling] == [0, 0]
        assert repo.git("fsck", "--strict", "--no-dangling", "--connectivity-only") == ""
    assert repo.git("rev-list", "--count", "--objects", "rolled", "--not", "main") == "36"
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_a_pack_that_is_held_is_not_packed_again(repo: Repo, objects: Database) -> None:
    objects.write("blob", b"held\n")
    [name] = packs_of(repo)
    packs.roll_up(discover(repo.path), at_least=1)
    assert packs_of(repo) == [name]


def test_nothing_is_packed_again_while_the_user_collects(repo: Repo, objects: Database) -> None:
    written = odb.Written(objects)
    written.write("blob", b"one\n")
    written.flush()
    written.forget()
    before = packs_of(repo)
    (repo.path / ".git/gc.pid").write_text("1 here")
    packs.roll_up(discover(repo.path), at_least=1)
    assert packs_of(repo) == before


def test_what_a_killed_process_held_is_let_go(repo: Repo) -> None:
    program = """if True:
        import os, signal, sys
        from pathlib import Path
        from git_orch.repo.objects import objects
        from git_orch.repo.repository import discover
        print(objects.opened(discover(Path.cwd())).write("blob", b"left"), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, capture_output=True, text=True, check=False
    )
    oid = done.stdout.strip()
    repo.git("gc", "--quiet", "--prune=now")
    assert repo.git("cat-file", "blob", oid) == "left"

    packs.roll_up(discover(repo.path))
    repo.git("gc", "--quiet", "--prune=now")
    repo.git("cat-file", "-e", oid, expect=1)


def test_a_repository_of_sha_256_is_no_exception(tmp_path: Path, repo: Repo) -> None:
    repo.git("init", "-q", "--object-format=sha256", str(tmp_path / "long"))
    long = Repo(tmp_path / "long")
    with contextlib.closing(of(long)) as database:
        written = odb.Written(database)
        oids = [written.write("blob", b"%d\n" % number) for number in range(300)]
        written.flush()
        assert database.read_many(oids[-1:]) == [Found("blob", b"299\n")]
        assert long.git("hash-object", "--stdin", stdin="299\n") == oids[-1]
        assert long.git("fsck", "--strict", "--no-dangling") == ""


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
        path = repo.loose(oid)
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
