"""Trees made of a base and known paths: what `git add` gives, or nothing where only git can tell."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from conftest import Repo
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.plan import Pointer
from git_orch.repo.objects import objects as odb
from git_orch.repo.repository import discover
from git_orch.repo.worktree import known_paths
from git_orch.repo.worktree.known_paths import File
from git_orch.repo.worktree.snapshot import Snapshot

Files = Mapping[str, File | Pointer | None]


@contextlib.contextmanager
def taken(repo: Repo, files: Files) -> Iterator[Snapshot | None]:
    """The snapshot on top of HEAD, its objects stored."""
    repository = discover(repo.path)
    with contextlib.closing(odb.opened(repository)) as database:
        written = odb.Written(database)
        base = repo.git("rev-parse", "HEAD^{tree}")
        found = known_paths.snapshot(repository, written, base, files, [])
        written.flush()
        yield found


def tree(repo: Repo, files: Files) -> str | None:
    with taken(repo, files) as found:
        return found.tree if found is not None else None


def added(repo: Repo, files: Files) -> str:
    """The tree that git gives for the files in the work tree."""
    for path, content in files.items():
        place = repo.path / path
        assert not isinstance(content, Pointer)
        if content is None:
            place.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.data)
        if content.executable is not None:
            place.chmod(0o755 if content.executable else 0o644)
    repo.git("-c", "core.safecrlf=false", "add", "--all")
    return repo.git("write-tree")


def test_a_plain_file_needs_no_look(repo: Repo) -> None:
    files = {"src/new/deep.py": File(b"x = 1\n"), "README.md": File(b"changed\n", executable=True)}
    assert tree(repo, files) == added(repo, files)


def test_a_submodule_moves_without_a_look(repo: Repo) -> None:
    add = ("update-index", "--add", "--cacheinfo")
    repo.git(*add, f"160000,{'1' * 40},deep/lib")
    repo.git("commit", "-qm", "a submodule")
    moved = tree(repo, {"deep/lib": Pointer("2" * 40), "new": File(b"1\n")})
    repo.write({"new": "1\n"})
    repo.git("add", "new")
    repo.git(*add, f"160000,{'2' * 40},deep/lib")
    assert moved == repo.git("write-tree")


def test_what_is_no_submodule_needs_a_look(repo: Repo) -> None:
    assert tree(repo, {"README.md": Pointer("2" * 40)}) is None


def test_changes_are_told_as_git_tells_of_them(repo: Repo) -> None:
    repo.commit({"old.txt": "old\n", "z.txt": "z\n"})
    files = {"z.txt": File(b"Z\n"), "a b.txt": File(b"new\n"), "old.txt": None}
    with taken(repo, files) as found:
        assert found is not None
        listed = repo.git("diff-tree", "-r", "--no-renames", "HEAD", found.tree).splitlines()
        changes = [
            f":{change.old_mode} {change.mode} {change.old_oid} {change.oid} {change.status}\t{change.path}"
            for change in found.changes
        ]
    assert changes == listed


def test_a_directory_that_is_empty_afterwards_is_gone(repo: Repo) -> None:
    repo.commit({"only/one/file": "x\n"})
    files: Files = {"only/one/file": None}
    assert tree(repo, files) == added(repo, files)


def test_a_file_that_stays_as_it_is_is_no_change(repo: Repo) -> None:
    repo.commit({"same.txt": "same\n"})
    with taken(repo, {"same.txt": File(b"same\n")}) as found:
        assert found is not None
        assert (found.tree, found.changes) == (repo.git("rev-parse", "HEAD^{tree}"), ())


class Counting(odb.Written):
    """Objects that count how often each is read."""

    def __init__(self, database: odb.Database) -> None:
        super().__init__(database)
        self.read = Counter[str]()

    def read_many(self, oids: Sequence[str]) -> list[odb.Found | None]:
        self.read.update(oids)
        return super().read_many(oids)


def test_each_tree_of_the_base_is_read_once(repo: Repo) -> None:
    repo.commit({".gitignore": "*.log\n", "new/0.txt": "0\n"})
    repository = discover(repo.path)
    base = repo.git("rev-parse", "HEAD^{tree}")
    with contextlib.closing(odb.opened(repository)) as database:
        written = Counting(database)
        assert known_paths.snapshot(repository, written, base, {"new/1": File(b"1\n")}, [])
    assert written.read[base] == 1
    assert written.read[repo.git("rev-parse", "HEAD:new")] == 1


def made_link(repo: Repo) -> None:
    (repo.path / "link").symlink_to("README.md")
    repo.git("add", "link")
    repo.git("commit", "-qm", "link")


ONLY_GIT_CAN_TELL: dict[str, tuple[dict[str, str], Files]] = {
    "an ignored file": ({".gitignore": "*.log\n"}, {"a.log": File(b"x")}),
    "a file below an ignored directory": ({".gitignore": "/out/\n"}, {"out/a/b": File(b"x")}),
    "a file that a rule may bring back": ({".gitignore": "!*.log\n"}, {"a.log": File(b"x")}),
    "a rule below": ({"sub/.gitignore": "b\n"}, {"sub/a/b": File(b"x")}),
    "a filter": ({".gitattributes": "*.bin filter=lfs\n"}, {"a.bin": File(b"x")}),
    "a macro with a filter": (
        {".gitattributes": "[attr]big filter=lfs\n*.bin big\n"},
        {"a.bin": File(b"x")},
    ),
    "a macro with a later one": (
        {".gitattributes": "[attr]big large\n[attr]large filter=lfs\n*.bin big\n"},
        {"a.bin": File(b"x")},
    ),
    "a rule after a byte order mark": ({".gitignore": "\ufeff*.log\n"}, {"a.log": File(b"x")}),
    "a filter after a byte order mark": (
        {".gitattributes": "\ufeff*.bin filter=lfs\n"},
        {"a.bin": File(b"x")},
    ),
    "a keyword": ({".gitattributes": "* ident\n"}, {"a": File(b"$Id$\n")}),
    "an encoding": (
        {".gitattributes": "*.txt working-tree-encoding=UTF-16\n"},
        {"a.txt": File(b"x")},
    ),
    "a quoted pattern": ({".gitattributes": '"a b" filter=lfs\n'}, {"a b": File(b"x")}),
    "a carriage return": ({}, {"a.txt": File(b"x\r\n")}),
    "rules that the step writes": ({}, {"sub/.gitattributes": File(b"* ident\n")}),
    "a directory in the place of a file": ({"a/b": "x\n"}, {"a": File(b"x")}),
    "a file in the place of a directory": ({"a": "x\n"}, {"a/b": File(b"x")}),
    "a file that is another's directory": ({}, {"a": File(b"x"), "a/b": File(b"x")}),
    "deleting what is not there": ({}, {"absent": None}),
    "a path of git's own": ({}, {".GIT/config": File(b"x")}),
    "a secret": ({}, {"key": File(b"ghp_" + b"a1B2" * 9)}),
}


@pytest.mark.parametrize(("committed", "files"), ONLY_GIT_CAN_TELL.values(), ids=ONLY_GIT_CAN_TELL)
def test_where_only_git_can_tell_there_is_no_tree(
    repo: Repo, committed: dict[str, str], files: Files
) -> None:
    if committed:
        repo.commit(committed)
    assert tree(repo, files) is None


@pytest.mark.parametrize(
    "setting",
    ["core.ignoreCase=true", "core.fileMode=false", "core.safecrlf=true", "core.symlinks=false"],
)
def test_settings_that_change_what_is_stored_are_gits(repo: Repo, setting: str) -> None:
    repo.git("config", *setting.split("="))
    assert tree(repo, {"a": File(b"x")}) is None


def test_a_link_is_gits(repo: Repo) -> None:
    made_link(repo)
    assert tree(repo, {"link": File(b"x")}) is None


@pytest.mark.parametrize("place", ["info/exclude", "excludes"])
def test_rules_outside_of_the_tree_count(repo: Repo, tmp_path: Path, place: str) -> None:
    if place == "excludes":
        (tmp_path / "excludes").write_text("secret*\n")
        repo.git("config", "--global", "core.excludesFile", str(tmp_path / "excludes"))
    else:
        (repo.path / ".git/info").mkdir(exist_ok=True)
        (repo.path / ".git/info/exclude").write_text("secret*\n")
    assert tree(repo, {"secrets/a": File(b"x")}) is None
    assert tree(repo, {"open": File(b"x")}) is not None


NAMES = ["a", "b.txt", "b.log", "c/a", "c/d/b.txt", "c/d/e", "build/x", "Z é", ".hidden"]
RULES = [
    "", "*.log", "build/", "/a", "!b.log", "c/**/b.txt", "**/e", "*", "c/*", "# a", "[ab]", r"\!a",
]  # fmt: skip
ATTRIBUTES = [
    "", "* text=auto", "*.txt text", "*.txt eol=crlf", "* -text", "* binary", "*.txt ident",
    "b.* -ident", "[attr]m ident", "*.log m", "c/** ident", "*.txt diff=x export-ignore",
]  # fmt: skip
SETTINGS = [
    (), ("core.autocrlf", "true"), ("core.autocrlf", "input"), ("core.eol", "crlf"),
    ("core.safecrlf", "true"), ("core.fileMode", "false"), ("core.ignoreCase", "true"),
]  # fmt: skip
CONTENTS = st.sampled_from([b"", b"x\n", b"x\r\ny\n", b"\0\r\n", b"$Id$\n", b"\xff\xfe"])
WRITTEN = st.builds(File, CONTENTS, st.sampled_from([None, True, False]))


def lines(choices: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(choices), max_size=3).map(lambda some: "\n".join(some) + "\n")


@given(
    base=st.dictionaries(st.sampled_from(NAMES), CONTENTS, max_size=5),
    rules=st.dictionaries(st.sampled_from([".gitignore", "c/.gitignore"]), lines(RULES)),
    attributes=st.dictionaries(
        st.sampled_from([".gitattributes", "c/.gitattributes"]), lines(ATTRIBUTES)
    ),
    setting=st.sampled_from(SETTINGS),
    files=st.dictionaries(st.sampled_from(NAMES), WRITTEN | st.none(), min_size=1, max_size=4),
)
def test_a_tree_of_known_paths_is_the_one_that_git_gives(
    template_repository: Path,
    base: dict[str, bytes],
    rules: dict[str, str],
    attributes: dict[str, str],
    setting: tuple[str, ...],
    files: dict[str, File | None],
) -> None:
    with tempfile.TemporaryDirectory() as place:
        repo = Repo(Path(place) / "repo")
        subprocess.run(["cp", "-r", str(template_repository), str(repo.path)], check=True)
        committed = {
            **base,
            **{name: text.encode() for name, text in {**rules, **attributes}.items()},
        }
        for name, data in committed.items():
            (repo.path / name).parent.mkdir(parents=True, exist_ok=True)
            (repo.path / name).write_bytes(data)
        repo.git("add", "--force", "--all")
        repo.git("commit", "-q", "--allow-empty", "-m", "base")
        if setting:
            repo.git("config", *setting)
        files = {name: to for name, to in files.items() if to is not None or name in base}
        made = tree(repo, files)
        if made is not None:
            assert made == added(repo, files)


@pytest.mark.parametrize("last", ["HEAD", "objects/x", "refs/x"])
def test_the_last_part_of_a_repository_is_left_to_the_gate(repo: Repo, last: str) -> None:
    parts = {"HEAD", "objects/x", "refs/x"}
    repo.commit({f"d/{name}": "ref: refs/heads/main\n" for name in parts - {last}})
    assert tree(repo, {f"d/{last}": File(b"ref: refs/heads/main\n")}) is None
    assert tree(repo, {f"e/{last}": File(b"ref: refs/heads/main\n")}) is not None


def test_a_part_may_come_when_another_goes(repo: Repo) -> None:
    repo.commit({"d/HEAD": "x\n", "d/objects/x": "x\n", "d/other": "x\n"})
    files = {"d/refs/x": File(b"x\n"), "d/HEAD": None}
    assert tree(repo, files) == added(repo, files)
