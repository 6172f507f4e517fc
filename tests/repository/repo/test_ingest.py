"""Snapshots come in with the result of the user's own `git add`, or nothing of them does."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.flow.machine import sandbox
from git_orch.repo.git import GitFailed
from git_orch.repo.repository import discover
from git_orch.repo.worktree import enclosed, gate, ingest, snapshot, worktrees
from git_orch.repo.worktree.enclosed import Scratch
from git_orch.repo.worktree.gate import GateRefused
from git_orch.repo.worktree.snapshot import Snapshot, Terms
from git_orch.repo.worktree.worktrees import Worktree

PLAN = "PLAN-20261121-0000000000-x"
TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"

Fill = Callable[[Path], None]


def made(repo: Repo) -> Worktree:
    """The worktree of a plan."""
    found = discover(repo.path)
    return worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")


def taken(worktree: Worktree, terms: Terms | None = None) -> Snapshot:
    """Its snapshot, against the commit it stands on."""
    return snapshot.taken(
        discover(worktree.path), worktree, worktrees.head(worktree), terms or Terms()
    )


def both(repo: Repo, fill: Fill) -> tuple[str, str]:
    """The tree of a snapshot, and the one that the user's own git makes of the same files in a
    worktree of theirs.
    """
    worktree = made(repo)
    fill(worktree.path)
    theirs = repo.path.parent / "theirs"
    repo.git("worktree", "add", "-q", "--detach", str(theirs))
    fill(theirs)
    repo.git("add", "-A", cwd=theirs)
    return taken(worktree).tree, repo.git("write-tree", cwd=theirs)


def listed(repo: Repo, tree: str) -> str:
    """A tree for people, when two of them differ."""
    return repo.git("ls-tree", "-r", tree)


def everything(repo: Repo) -> str:
    """All objects of a repository, reachable or not."""
    return repo.git("cat-file", "--batch-all-objects", "--batch-check")


def globally(name: str, value: str) -> None:
    """Set it in the user's own configuration."""
    subprocess.run(["git", "config", "--global", name, value], check=True)


# -- the same tree ---------------------------------------------------------------------------------

_LINES = {
    "lf": b"one\ntwo\n",
    "crlf": b"one\r\ntwo\r\n",
    "mixed": b"one\r\ntwo\n",
    "nul": b"one\r\n\0two\n",
}
_ATTRIBUTES = "*.auto text=auto\n*.crlf text eol=crlf\n*.lf text eol=lf\n*.bin binary\n*.no -text\n"


def _line_endings(path: Path) -> None:
    for ending in ("auto", "crlf", "lf", "bin", "no", "plain"):
        for name, data in _LINES.items():
            (path / f"{name}.{ending}").write_bytes(data)
            (path / f"old-{name}.{ending}").write_bytes(data + b"more\r\n")


@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
@pytest.mark.parametrize("where", ["--local", "--global"])
def test_line_endings_become_what_the_users_git_makes_of_them(
    repo: Repo, autocrlf: str, where: str
) -> None:
    for ending in ("auto", "crlf", "plain"):
        for name, data in _LINES.items():
            (repo.path / f"old-{name}.{ending}").write_bytes(data)
    repo.commit({".gitattributes": _ATTRIBUTES})
    repo.git("config", where, "core.autocrlf", autocrlf)
    tree, expected = both(repo, _line_endings)
    assert listed(repo, tree) == listed(repo, expected)


@pytest.mark.parametrize("where", ["--local", "--global"])
def test_the_users_filters_run(repo: Repo, where: str) -> None:
    repo.commit({".gitattributes": "*.up filter=up\n", "a.up": "OLD\n"})
    repo.git("config", where, "filter.up.clean", "tr a-z A-Z")
    tree, expected = both(
        repo, lambda path: Repo(path).write({"a.up": "new\n", "b.up": "more\n", "c": "plain\n"})
    )
    assert listed(repo, tree) == listed(repo, expected)
    assert repo.git("cat-file", "blob", f"{tree}:b.up") == "MORE"


@pytest.mark.parametrize("required", [False, True])
def test_a_filter_that_the_sandbox_hides_ends_the_snapshot(
    repo: Repo, hermetic: Path, *, required: bool
) -> None:
    """What git would take in without a word is not what the user's own git makes of it; a setting
    helps.
    """
    (hermetic / "filters").mkdir()
    (hermetic / "filters/up").write_text("#!/bin/sh\ntr a-z A-Z\n")
    (hermetic / "filters/up").chmod(0o755)
    globally("filter.up.clean", str(hermetic / "filters/up"))
    globally("filter.up.required", str(required).lower())
    repo.plan(
        {
            "title": "T",
            "steps": [
                {"title": "A", "files": {".gitattributes": "*.up filter=up\n", "a.up": "text\n"}}
            ],
        }
    )
    done = repo.orch("exec", expect=1)
    assert "the result cannot be stored: " in done.stderr
    assert f"{hermetic}/filters/up" in done.stderr
    globally("orch.readable", str(hermetic / "filters"))
    repo.orch("exec")
    [branch] = repo.git("branch", "--list", "orch/*", "--format=%(refname)").splitlines()
    assert repo.git("show", f"{branch}:a.up") == "TEXT"


@pytest.mark.parametrize("place", ["setting", "default"])
def test_the_users_own_ignore_and_attributes_files_count(
    repo: Repo, hermetic: Path, place: str
) -> None:
    files = {"ignore": "*.log\n", "attributes": "*.txt text eol=crlf\n"}
    for name, text in files.items():
        path = hermetic / (f".config/git/{name}" if place == "default" else f"my {name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if place == "setting":
        globally("core.excludesFile", "~/my ignore")
        globally("core.attributesFile", str(hermetic / "my attributes"))
    tree, expected = both(repo, lambda path: Repo(path).write({"a.txt": "one\r\n", "b.log": "x\n"}))
    assert listed(repo, tree) == listed(repo, expected)
    assert "b.log" not in listed(repo, tree)
    assert repo.git("cat-file", "-s", f"{tree}:a.txt") == "4"


@pytest.mark.parametrize("mode", ["true", "false"])
def test_the_executable_bit_counts_whatever_the_users_checkout_has(repo: Repo, mode: str) -> None:
    repo.git("config", "core.fileMode", mode)

    def fill(path: Path) -> None:
        Repo(path).write({"new": "x\n"})
        (path / "README.md").chmod(0o755)
        (path / "new").chmod(0o755)

    tree, _ = both(repo, fill)
    assert listed(repo, tree).count("100755") == 2


def test_a_submodule_stays(repo: Repo, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner")
    shutil.copytree(repo.path, inner.path)
    repo.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.path), "sub"
    )
    repo.git("commit", "-q", "-m", "with a submodule")
    tree, expected = both(repo, lambda path: Repo(path).write({"a": "x\n"}))
    assert listed(repo, tree) == listed(repo, expected)
    assert "160000" in listed(repo, tree)


def test_a_sha256_repository_has_snapshots(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.path.mkdir()
    repo.git("init", "-q", "--object-format=sha256")
    repo.commit({"a": "a\n"})
    tree, expected = both(repo, lambda path: Repo(path).write({"a": "changed\n", "d/b": "b\n"}))
    assert (tree, len(tree)) == (expected, 64)


@pytest.mark.parametrize("name", ["borrower", "with space", 'quote"d', "col:on"])
def test_a_repository_that_borrows_its_objects_has_snapshots(
    repo: Repo, tmp_path: Path, name: str
) -> None:
    repo.path.rename(tmp_path / f"lender of {name}")
    borrower = Repo(tmp_path / name)
    subprocess.run(
        ["git", "clone", "-q", "--shared", f"./lender of {name}", name], cwd=tmp_path, check=True
    )
    tree, expected = both(
        borrower, lambda path: Repo(path).write({"README.md": "changed\n", "new": "x\n"})
    )
    assert tree == expected
    assert borrower.git("cat-file", "blob", f"{tree}:new") == "x"


_ODD = [b"new\nline", b"tab\t", b"quote\"s'", b"-dash", b"--all", b":(top)x", b":!x", b"*", b"[a]", b"back\\slash",
        b" ", b"not-\xff-text", b"\xc3\xa9", b"e\xcc\x81", b"#", b"$HOME", b"`id`", b"a b/\nc"]  # fmt: skip


def test_odd_names_come_in_as_they_are(repo: Repo) -> None:
    def fill(path: Path) -> None:
        for number, name in enumerate(_ODD):
            target = os.fsencode(path) + b"/" + name
            os.makedirs(os.path.dirname(target), exist_ok=True)
            Path(os.fsdecode(target)).write_text(f"{number}\n")

    tree, expected = both(repo, fill)
    assert listed(repo, tree) == listed(repo, expected)
    found = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "--name-only", tree],
        cwd=repo.path,
        capture_output=True,
        check=True,
    )
    assert sorted(found.stdout.split(b"\0")[:-1]) == sorted([*_ODD, b"README.md"])


def test_what_a_planted_attribute_names_is_what_the_user_would_get(repo: Repo) -> None:
    """A step may choose among the user's filters: the tree is theirs all the same."""
    globally("filter.up.clean", "tr a-z A-Z")
    tree, expected = both(
        repo, lambda path: Repo(path).write({".gitattributes": "* filter=up\n", "a": "text\n"})
    )
    assert tree == expected


# -- what is in the repository afterwards ----------------------------------------------------------


def packs(repo: Repo) -> list[str]:
    """The files of the packs of a repository."""
    return sorted(each.suffix for each in (repo.path / ".git/objects/pack").iterdir())


def test_what_is_new_comes_as_one_pack_that_the_index_holds(repo: Repo) -> None:
    worktree = made(repo)
    Repo(worktree.path).write({f"f{number}": f"{number}\n" for number in range(20)})
    tree = taken(worktree).tree
    assert [each for each in packs(repo) if each != ".rev"] == [".idx", ".pack"]
    repo.git("gc", "--quiet", "--prune=now")
    assert repo.git("cat-file", "blob", f"{tree}:f19") == "19"
    repo.git("fsck", "--strict", tree)


def test_a_snapshot_without_changes_brings_nothing(repo: Repo) -> None:
    worktree, before = made(repo), everything(repo)
    assert taken(worktree) == Snapshot(repo.git("rev-parse", "HEAD^{tree}"), (), spotless=True)
    assert everything(repo) == before


def surroundings(worktree: Worktree) -> list[str]:
    """What is beside the worktree, itself included."""
    return sorted(each.name for each in worktree.path.parent.iterdir())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path / "key").write_text(TOKEN),
        lambda path: (path / "l").symlink_to("/etc/passwd"),
    ],
    ids=["secret", "link"],
)
def test_nothing_of_a_refused_snapshot_is_stored_but_as_a_private_patch(
    repo: Repo, tmp_path: Path, spoil: Fill
) -> None:
    worktree, before, patch = made(repo), everything(repo), tmp_path / "refused" / "x.patch"
    Repo(worktree.path).write({"README.md": "changed\n", "new file": "x\n"})
    (worktree.path / "binary").write_bytes(bytes(range(256)))
    spoil(worktree.path)
    with pytest.raises(GateRefused):
        taken(worktree, Terms(refused=patch))
    assert everything(repo) == before
    assert surroundings(worktree) == [worktree.path.name]
    assert (stat.S_IMODE(patch.stat().st_mode), patch.stat().st_uid) == (0o600, os.geteuid())
    repo.git("apply", "--check", str(patch))
    repo.git("apply", str(patch))
    assert (repo.path / "binary").read_bytes() == bytes(range(256))


def test_of_a_very_large_refused_change_only_the_names_are_kept(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_PATCH_LIMIT", 10)
    worktree, patch = made(repo), tmp_path / "x.patch"
    Repo(worktree.path).write({"key": TOKEN})
    with pytest.raises(GateRefused):
        taken(worktree, Terms(refused=patch))
    assert patch.read_text().endswith("A\tkey\n")
    assert TOKEN not in patch.read_text()


_KILLED = """
import os, signal, sys
from git_orch import checkpoints
from git_orch.flow.machine import sandbox
from git_orch.repo.repository import discover
from git_orch.repo.worktree import snapshot, worktrees

def observer(moment, deed, about):
    if (moment, deed) == ("after", "git") and "index-pack" in about:
        os.kill(os.getpid(), signal.SIGKILL)

checkpoints.observe(observer)
found = discover()
worktree = worktrees.existing(found, sys.argv[1], sandbox.boundary(found))
snapshot.taken(found, worktree, worktrees.head(worktree), snapshot.Terms())
"""


def test_what_a_killed_snapshot_leaves_behind_goes_with_the_next(repo: Repo) -> None:
    worktree, before = made(repo), everything(repo)
    Repo(worktree.path).write({"a": "x\n"})
    program = _KILLED.replace(
        "discover()", f"discover(__import__('pathlib').Path({str(repo.path)!r}))"
    )
    ended = subprocess.run([sys.executable, "-c", program, PLAN], check=False)
    assert ended.returncode == -signal.SIGKILL
    own = worktree.path.name
    assert surroundings(worktree) == [
        own,
        f"{own}{enclosed.QUARANTINE}",
        f"{own}{enclosed.SCRATCH}",
    ]
    assert everything(repo) == before
    tree = taken(worktree).tree
    assert repo.git("cat-file", "blob", f"{tree}:a") == "x"
    assert surroundings(worktree) == [own]


# -- a hostile scratch directory -------------------------------------------------------------------


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "outside").write_text("of the user\n")
    return Scratch(tmp_path / "scratch")


@pytest.mark.parametrize(
    "plant",
    [
        lambda path: path.symlink_to(path.parent.parent / "outside"),
        os.mkfifo,
        lambda path: path.mkdir(),
        lambda path: path.write_text("x" * 66),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.exists(),
    ],
    ids=["link", "FIFO", "directory", "too long", "device", "missing"],
)
def test_only_a_plain_file_that_is_short_enough_is_read(scratch: Scratch, plant: Fill) -> None:
    plant(scratch.path / "tree")
    with pytest.raises(errors.UnfitRepository):
        scratch.bytes("tree", 65)


def test_a_plain_file_is_read_to_its_limit(scratch: Scratch) -> None:
    (scratch.path / "tree").write_text("x" * 65)
    assert scratch.bytes("tree", 65) == b"x" * 65


@pytest.mark.parametrize(
    "filter_",
    ['ln -sf other "$OUT/tree"; cat', 'mkdir "$OUT/tree"; cat', "cat; exit 1"],
    ids=["a link for the tree", "a directory for the tree", "failure"],
)
def test_a_filter_that_meddles_with_the_result_ends_the_snapshot(repo: Repo, filter_: str) -> None:
    globally("filter.evil.clean", filter_)
    globally("filter.evil.required", "true")
    worktree, before = made(repo), everything(repo)
    Repo(worktree.path).write({".gitattributes": "* filter=evil\n", "a": "text\n"})
    with pytest.raises(errors.OrchError):
        taken(worktree)
    assert everything(repo) == before
    assert surroundings(worktree) == [worktree.path.name]


def packed(repo: Repo, objects: str, place: Path) -> int:
    """A descriptor of a pack with these objects, made by a git that does not look at them."""
    data = subprocess.run(
        ["git", "pack-objects", "--stdout", "-q"],
        cwd=repo.path,
        input=objects.encode(),
        capture_output=True,
        check=True,
    ).stdout
    return opened(place, data)


def opened(place: Path, data: bytes) -> int:
    """A descriptor of a file with that data."""
    place.write_bytes(data)
    return os.open(place, os.O_RDONLY)


@pytest.fixture
def other(repo: Repo, tmp_path: Path) -> Repo:
    """Somebody else's repository, for objects that ours does not have."""
    path = tmp_path / "other"
    shutil.copytree(repo.path, path)
    return Repo(path)


def blob(repo: Repo, text: str) -> str:
    return repo.git("hash-object", "-w", "--stdin", stdin=text)


def tree_of(repo: Repo, *entries: tuple[str, str, str]) -> str:
    """A tree with these modes, names and object IDs, whatever git thinks of it."""
    data = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for mode, name, oid in entries)
    done = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        cwd=repo.path, input=data, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


def quarantined(repo: Repo, pack: int, tree: str) -> tuple[gate.Change, ...]:
    """What changed from HEAD to a tree whose objects come in a pack."""
    worktree = made(repo)
    with ingest.quarantine(discover(repo.path), worktree.enclosure) as quarantine:
        quarantine.take(pack)
        return quarantine.changes("HEAD", tree)


def test_a_whole_pack_is_taken_in_and_not_yet_let_in(
    repo: Repo, other: Repo, tmp_path: Path
) -> None:
    added = blob(other, "new\n")
    tree = tree_of(other, ("100644", "a", added))
    before = everything(repo)
    changes = quarantined(repo, packed(other, f"{tree}\n{added}\n", tmp_path / "pack"), tree)
    assert [(each.status, each.path) for each in changes] == [("D", "README.md"), ("A", "a")]
    assert everything(repo) == before


@pytest.mark.parametrize("how", ["cut", "changed", "junk", "one object less"])
def test_a_broken_pack_is_refused(repo: Repo, other: Repo, tmp_path: Path, how: str) -> None:
    added = blob(other, "new\n")
    tree = tree_of(other, ("100644", "a", added))
    os.close(packed(other, f"{tree}\n{added}\n", tmp_path / "pack"))
    data = bytearray((tmp_path / "pack").read_bytes())
    if how == "cut":
        del data[-30:]
    elif how == "changed":
        data[-25] ^= 1
    elif how == "junk":
        data = bytearray(os.urandom(200))
    else:
        data[11] -= 1
    before = everything(repo)
    with pytest.raises(GitFailed):
        quarantined(repo, opened(tmp_path / "broken", bytes(data)), tree)
    assert everything(repo) == before


def test_a_pack_that_is_too_large_is_refused(
    repo: Repo, other: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "LARGEST_PACK", 100)
    added = blob(other, os.urandom(400).hex())
    with pytest.raises(GitFailed, match="exceeds maximum"):
        quarantined(repo, packed(other, f"{added}\n", tmp_path / "pack"), "HEAD^{tree}")


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", "..", ".", "a/b", "\u200c.git", ""])
def test_a_tree_with_a_name_that_no_checkout_may_make_is_refused(
    repo: Repo, other: Repo, tmp_path: Path, name: str
) -> None:
    """A03, where git's own porcelain did not make the tree."""
    added = blob(other, "new\n")
    tree = tree_of(other, ("100644", name, added))
    with pytest.raises(GitFailed):
        quarantined(repo, packed(other, f"{tree}\n{added}\n", tmp_path / "pack"), tree)


@pytest.mark.parametrize("what", ["the tree", "a blob", "everything"])
def test_a_tree_whose_objects_are_missing_is_refused(
    repo: Repo, other: Repo, tmp_path: Path, what: str
) -> None:
    added = blob(other, "new\n")
    tree = tree_of(other, ("100644", "a", added))
    objects = {"the tree": f"{added}\n", "a blob": f"{tree}\n", "everything": ""}[what]
    with pytest.raises(GitFailed):
        quarantined(repo, packed(other, objects, tmp_path / "pack"), tree)


@pytest.mark.parametrize("name", ["HEAD", "HEAD:README.md"])
def test_only_a_tree_is_taken_for_one(repo: Repo, tmp_path: Path, name: str) -> None:
    """A commit in its place would end up as the tree of a commit."""
    with pytest.raises(GitFailed):
        quarantined(repo, opened(tmp_path / "pack", b""), repo.git("rev-parse", name))


def test_the_quarantine_is_no_place_that_a_command_sees(repo: Repo) -> None:
    from git_orch.plans.plan import Command

    worktree = made(repo)
    with ingest.quarantine(discover(repo.path), worktree.enclosure) as quarantine:
        shown = worktree.enclosure.launcher.run(
            Command(argv=("ls", str(quarantine.directory))), worktree=worktree.path, timeout=60
        )
    assert shown.status == 2
