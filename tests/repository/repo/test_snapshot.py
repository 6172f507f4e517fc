"""Work trees as tree objects, and seeing what changed since."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.flow.machine import sandbox
from git_orch.repo.repository import Repository, discover
from git_orch.repo.worktree import snapshot, worktrees
from git_orch.repo.worktree.enclosed import Boundary
from git_orch.repo.worktree.snapshot import Snapshot, Terms
from git_orch.repo.worktree.worktrees import Worktree

PLAN = "PLAN-20261121-0000000000-x"


@pytest.fixture
def found(repo: Repo) -> Repository:
    repo.commit({".gitignore": "*.o\n", "a": "a\n", "d/b": "b\n"})
    return discover(repo.path)


@pytest.fixture
def worktree(found: Repository) -> Worktree:
    return worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")


def taken(worktree: Worktree, base: str = "HEAD", terms: Terms | None = None) -> Snapshot:
    """The snapshot of a worktree of the repository around it."""
    return snapshot.taken(
        discover(worktree.path), worktree, worktree.git.line("rev-parse", base), terms or Terms()
    )


def users_tree(found: Repository) -> str:
    """The tree of the user's checkout as it is."""
    head = (
        found.user_git.finished("rev-parse", "-q", "--verify", "HEAD", expect=(0, 1, 128))
        .stdout.decode()
        .strip()
    )
    return snapshot.of_user(found, lambda: sandbox.boundary(found), head or None)


def names(repo: Repo, tree: str) -> list[str]:
    """The paths of a tree."""
    return repo.git("ls-tree", "-r", "--name-only", "-z", tree).strip("\0").split("\0")


def test_a_snapshot_holds_everything_but_ignored_files(repo: Repo, worktree: Worktree) -> None:
    (worktree.path / "a").unlink()
    Repo(worktree.path).write(
        {"d/b": "changed\n", "new file é": "x\n", "x.o": "ignored\n", "d/-dash": "x\n"}
    )
    (worktree.path / "link").symlink_to("d/b")
    (worktree.path / "run").write_text("x")
    (worktree.path / "run").chmod(0o755)
    tree, changes, *_ = taken(worktree)
    assert names(repo, tree) == [
        ".gitignore",
        "README.md",
        "d/-dash",
        "d/b",
        "link",
        "new file é",
        "run",
    ]
    assert {(each.status, each.path, each.mode) for each in changes} == {
        ("D", "a", "000000"), ("M", "d/b", "100644"), ("A", "d/-dash", "100644"),
        ("A", "link", "120000"), ("A", "new file é", "100644"), ("A", "run", "100755"),
    }  # fmt: skip
    assert taken(worktree).tree == tree
    assert snapshot.disturbed(worktree, tree) == []


def test_filters_and_line_endings_are_the_users(repo: Repo, found: Repository) -> None:
    repo.commit({".gitattributes": "*.txt text eol=crlf\n*.up filter=up\n", "t.txt": "one\n"})
    repo.git("config", "filter.up.clean", "tr a-z A-Z")
    worktree = worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
    assert (worktree.path / "t.txt").read_bytes() == b"one\r\n"
    Repo(worktree.path).write({"t.txt": "one\r\ntwo\r\n", "x.up": "loud\n"})
    tree = taken(worktree).tree
    assert repo.git("cat-file", "blob", f"{tree}:t.txt") == "one\ntwo"
    assert repo.git("cat-file", "blob", f"{tree}:x.up") == "LOUD"


def test_a_nested_repository_is_seen(repo: Repo, worktree: Worktree) -> None:
    repo.git("clone", "-q", ".", str(worktree.path / "sub dir"))
    (worktree.path / "work").write_text("x\n")
    found = taken(worktree)
    assert found.nested == ("sub dir",)
    assert [change.path for change in found.changes] == ["work"]


def test_a_nested_repository_without_a_commit_is_left_out(repo: Repo, worktree: Worktree) -> None:
    """`git add` alone would fail, and the work beside it would be lost."""
    repo.git("init", "-q", str(worktree.path / "sub"))
    (worktree.path / "sub" / "f").write_text("x\n")
    (worktree.path / "work").write_text("x\n")
    found = taken(worktree)
    assert found.nested == ("sub",)
    assert [change.path for change in found.changes] == ["work"]


def test_what_git_was_told_not_to_look_at_is_looked_at(repo: Repo, worktree: Worktree) -> None:
    for flag, name in (("--skip-worktree", "a"), ("--assume-unchanged", "d/b")):
        worktree.git.run("update-index", flag, name)
        (worktree.path / name).write_text("hidden\n")
    snapshot.look_at_everything(worktree)
    assert [change.path for change in taken(worktree).changes] == ["a", "d/b"]


def test_a_file_that_a_sparse_checkout_left_out_is_no_deleted_one(
    repo: Repo, worktree: Worktree
) -> None:
    worktree.git.run("update-index", "--skip-worktree", "a")
    (worktree.path / "a").unlink()
    snapshot.look_at_everything(worktree)
    found = taken(worktree)
    assert found.changes == ()
    assert "a" in names(repo, found.tree)


def test_a_name_that_is_no_utf_8_is_taken_seen_and_put_back(worktree: Worktree) -> None:
    name = os.fsdecode(b"caf\xe9")
    (worktree.path / name).write_text("one\n")
    found = taken(worktree)
    assert [change.path for change in found.changes] == [name]
    worktree.git.run("update-index", "--assume-unchanged", name)
    (worktree.path / name).write_text("two\n")
    snapshot.look_at_everything(worktree)
    assert snapshot.disturbed(worktree, found.tree) == [name]
    assert snapshot.left_out(worktree, [name, "x.o"]) == ["x.o"]
    snapshot.restore(worktree, found.tree)
    assert (worktree.path / name).read_text() == "one\n"


@pytest.mark.parametrize(
    ("disturb", "seen"),
    [
        (lambda tree: tree.write({"a": "x\n"}), ["a"]),
        (lambda tree: tree.write({"new": "x\n", "d/new é": "x\n"}), ["d/new é", "new"]),
        (lambda tree: (tree.path / "d/b").unlink(), ["d/b"]),
        (lambda tree: (tree.path / "a").chmod(0o755), ["a"]),
        (lambda tree: (tree.write({"new": "x\n"}), tree.git("add", "new")), ["new"]),
        (lambda tree: (tree.write({"a": "x\n"}), tree.git("commit", "-qam", "theirs")), ["a"]),
        (lambda tree: tree.git("rm", "-q", "--cached", "a"), ["a"]),
        (lambda tree: tree.git("checkout", "-q", "HEAD~"), [".gitignore", "a", "d/b"]),
        (lambda tree: tree.git("mv", "a", "moved"), ["a", "moved"]),
        (lambda tree: tree.write({"x.o": "ignored\n"}), []),
    ],
    ids=[
        "content",
        "new",
        "deleted",
        "mode",
        "staged",
        "committed",
        "unstaged",
        "checkout",
        "moved",
        "ignored",
    ],
)
def test_whatever_was_disturbed_is_named_and_put_back(
    worktree: Worktree, disturb: object, seen: list[str]
) -> None:
    assert callable(disturb)
    own = Repo(worktree.path)
    own.write({"t": "of the step\n"})
    tree = taken(worktree).tree
    disturb(own)
    assert sorted(set(snapshot.disturbed(worktree, tree))) == seen
    snapshot.restore(worktree, tree)
    assert snapshot.disturbed(worktree, tree) == []
    assert (worktree.path / "t").read_text() == "of the step\n"
    assert (worktree.path / "a").read_text() == "a\n"
    assert (worktree.path / "x.o").exists() == (seen == [])


def test_an_edit_of_the_same_size_in_the_same_instant_is_seen(worktree: Worktree) -> None:
    import os

    Repo(worktree.path).write({"a": "b\n"})
    tree = taken(worktree).tree
    times = (worktree.path / "a").stat()
    Repo(worktree.path).write({"a": "c\n"})
    os.utime(worktree.path / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert snapshot.disturbed(worktree, tree) == ["a"]


def test_files_of_the_user_are_counted_as_git_status_shows_them(
    repo: Repo, found: Repository
) -> None:
    assert snapshot.uncommitted(found) == 0
    repo.write({"a": "x\n", "n/one": "1\n", "n/two": "2\n", "x.o": "ignored\n"})
    repo.git("add", "n/one")
    repo.git("mv", "d/b", "moved")
    assert snapshot.uncommitted(found) == 5


def test_the_users_tree_is_taken_without_touching_their_index(
    repo: Repo, found: Repository
) -> None:
    """S1-183: what is staged stays staged, what is not stays not."""
    repo.write({"a": "staged\n", "new": "x\n", "x.o": "ignored\n"})
    repo.git("add", "a")
    repo.write({"a": "not staged\n"})
    index = (repo.path / ".git/index").read_bytes()
    before = repo.git("status", "--porcelain=v2")
    (repo.path / ".git/index.lock").touch()
    tree = users_tree(found)
    (repo.path / ".git/index.lock").unlink()
    assert repo.git("cat-file", "blob", f"{tree}:a") == "not staged"
    assert names(repo, tree) == [".gitignore", "README.md", "a", "d/b", "new"]
    assert (repo.path / ".git/index").read_bytes() == index
    assert repo.git("status", "--porcelain=v2") == before
    assert not list(found.state_dir.glob("tmp*"))


def test_a_repository_without_an_index_has_a_tree_too(tmp_path: Path) -> None:
    new = Repo(tmp_path)
    new.git("init", "-q")
    new.write({"a": "a\n"})
    assert names(new, users_tree(discover(tmp_path))) == ["a"]
    assert not (tmp_path / ".git/index").exists()


def test_a_bare_repository_has_no_uncommitted_files(repo: Repo, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    bare = discover(tmp_path / "bare.git")
    assert snapshot.uncommitted(bare) == 0
    with pytest.raises(errors.UnfitRepository, match="bare repository"):
        users_tree(bare)


@pytest.fixture
def nesting(repo: Repo, tmp_path: Path) -> Path:
    """The checkout of a submodule of the repository, whose own configuration has a filter that
    leaves a mark.
    """
    other = Repo(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "-q")
    other.commit({".gitattributes": "* filter=evil\n", "f": "x\n"})
    allowed = ("-c", "protocol.file.allow=always")
    repo.git(*allowed, "submodule", "--quiet", "add", str(other.path), "sub")
    repo.git("commit", "-qm", "with a submodule")
    made = Repo(repo.path / "sub")
    made.git("config", "filter.evil.clean", f"touch {tmp_path}/MARK; cat")
    return made.path


def test_no_filter_of_a_submodule_runs_when_the_users_tree_is_taken(
    repo: Repo, nesting: Path, tmp_path: Path
) -> None:
    (nesting / "f").write_text("other, and longer\n")
    repo.write({"new": "x\n"})
    tree = users_tree(discover(repo.path))
    assert not (tmp_path / "MARK").exists()
    assert names(repo, tree) == [".gitmodules", "README.md", "new", "sub"]


def test_the_commit_of_a_submodule_is_the_one_that_it_is_at(
    repo: Repo, nesting: Path, tmp_path: Path
) -> None:
    moved = Repo(nesting).git("commit-tree", "-m", "x", "HEAD^{tree}")
    Repo(nesting).git("update-ref", "HEAD", moved)
    (repo.path / "README.md").unlink()
    tree = users_tree(discover(repo.path))
    assert repo.git("rev-parse", f"{tree}:sub") == moved
    repo.git("rm", "-q", "--cached", "sub")
    assert names(repo, users_tree(discover(repo.path))) == [".gitmodules", "sub"]
    repo.git("add", "-f", "sub")
    nesting.rename(tmp_path / "gone")
    assert names(repo, users_tree(discover(repo.path))) == [".gitmodules"]


# -- filters ---------------------------------------------------------------------------------------

LFS = {"clean": "git-lfs clean -- %f", "smudge": "git-lfs smudge -- %f", "required": "true"}
ROT13 = {"clean": "tr a-z n-za-m", "smudge": "tr a-z n-za-m"}


@pytest.fixture(params=[LFS, {**LFS, "process": "git-lfs filter-process"}, ROT13])
def filtered(repo: Repo, request: pytest.FixtureRequest) -> Repository:
    """A repository with a file that a filter of the user stands behind, touched since."""
    for name, value in request.param.items():
        repo.git("config", "--global", f"filter.f.{name}", value)
    repo.commit({".gitattributes": "*.bin filter=f\n", "a.bin": "bytes\n"})
    assert repo.git("show", "HEAD:a.bin") != "bytes"
    os.utime(repo.path / "a.bin", (1, 1))
    return discover(repo.path)


def test_a_touched_file_with_a_filter_is_not_dirty(repo: Repo, filtered: Repository) -> None:
    assert snapshot.uncommitted(filtered, lambda: sandbox.boundary(filtered)) == 0
    assert users_tree(filtered) == repo.git("rev-parse", "HEAD^{tree}")


def test_a_changed_file_with_a_filter_is_dirty(repo: Repo, filtered: Repository) -> None:
    repo.write({"a.bin": "other\n", "README.md": "other\n", "new": "new\n"})
    assert snapshot.uncommitted(filtered, lambda: sandbox.boundary(filtered)) == 3
    tree = users_tree(filtered)
    assert repo.git("diff", "--name-only", "HEAD", tree).split() == ["README.md", "a.bin", "new"]


def test_without_a_sandbox_a_touched_file_counts(filtered: Repository) -> None:
    def none() -> Boundary:
        raise errors.Refused("there is no sandbox", "git orch doctor")

    assert snapshot.uncommitted(filtered, none) == 1
