"""A history as people make them, replayed as a plan: each landed commit has the tree of its
original.

Bounded: 12 commits; 100 with GIT_ORCH_SOAK=1.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import Repo

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
COMMITS = 100 if SOAK else 12
NAMES = (
    "plain",
    "sp ace",
    "ünïcödé",
    "日本語",
    "quo'te",
    "semi;colon",
    "-dash",
    "ümlaut/é",
    "#hash",
)


class Author:
    """Changes a work tree as people do, by chance from a seed; each act changes something."""

    def __init__(self, top: Path, seed: int) -> None:
        self.top = top
        self.chance = random.Random(seed)
        self.count = 0

    def change(self, number: int) -> None:
        """Do what is due in commit `number`: each act comes once in as many commits as there are."""
        acts: tuple[Callable[[], object], ...] = (
            self.write_text, self.rename, self.write_binary, self.make_executable, self.link,
            self.delete, self.write_text, self.file_for_directory, self.write_crlf,
            self.write_empty, self.edit, self.directory_for_file, self.rename_directory,
        )  # fmt: skip
        acts[number % len(acts)]()

    def files(self) -> list[Path]:
        """All files but links, in an order that does not change."""
        found = [path for path in self.top.rglob("*") if ".git" not in path.parts]
        return sorted(path for path in found if path.is_file() and not path.is_symlink())

    def some_file(self) -> Path:
        """One of them."""
        return self.chance.choice(self.files())

    def new_path(self) -> Path:
        """A path that nothing has yet, in one of several directories."""
        self.count += 1
        directory = self.chance.choice((".", "src", "src/deep/er", "dök"))
        name = f"{self.chance.choice(NAMES)}-{self.count}.txt"
        path = self.top / directory / name
        for parent in path.relative_to(self.top).parents:
            if (self.top / parent).is_file():  # what was a directory is a file now
                path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_text(self) -> None:
        """Some new files of text, one without a line end."""
        for _ in range(3):
            self.new_path().write_text(f"text {self.chance.random()}\n" * 4, "utf-8")
        self.new_path().write_text("no end é", "utf-8")

    def write_crlf(self) -> None:
        """A file with the line ends of another system."""
        self.new_path().write_bytes(f"one {self.count}\r\ntwo\r\n".encode())

    def write_empty(self) -> None:
        """A file without content."""
        self.new_path().touch()

    def write_binary(self) -> None:
        """Bytes that are no text."""
        self.new_path().write_bytes(b"\0\xff" + self.chance.randbytes(2000))

    def edit(self) -> None:
        """One more line in a file."""
        path = self.some_file()
        path.write_bytes(path.read_bytes() + f"more {self.count}\n".encode())

    def make_executable(self) -> None:
        """Another mode."""
        path = self.some_file()
        path.chmod(path.stat().st_mode ^ 0o111)

    def link(self) -> None:
        """A symbolic link to something beside it, and one to nothing."""
        path = self.new_path()
        path.symlink_to("../README.md" if path.parent != self.top else "README.md")
        self.new_path().symlink_to(f"nowhere-{self.count}")

    def rename(self) -> None:
        """A file under another name, perhaps in another directory."""
        self.some_file().rename(self.new_path())

    def rename_directory(self) -> None:
        """A whole directory under another name."""
        self.write_text()
        self.count += 1
        directory = self.chance.choice(self.files()).parent
        if directory != self.top:
            directory.rename(directory.with_name(f"moved-{self.count}"))

    def delete(self) -> None:
        """A file goes."""
        self.some_file().unlink()

    def file_for_directory(self) -> None:
        """A directory becomes a file."""
        directory = next(path.parent for path in self.files() if path.parent != self.top)
        shutil.rmtree(directory)
        directory.write_text(f"was a directory {self.count}\n")

    def directory_for_file(self) -> None:
        """A file becomes a directory."""
        path = self.some_file()
        path.unlink()
        path.mkdir()
        (path / "inner.txt").write_text("inner\n")


def history(original: Repo, trees: Path) -> list[str]:
    """Commit by commit, what an author does; gives the commits, and leaves a copy of each tree in
    `trees`.
    """
    author = Author(original.path, seed=20)
    commits = []
    for number in range(COMMITS):
        author.change(number)
        original.git("add", "-A")
        original.git("commit", "-q", "-m", f"commit {number}")
        commits.append(original.git("rev-parse", "HEAD"))
        shutil.copytree(
            original.path, trees / f"{number}", symlinks=True, ignore=shutil.ignore_patterns(".git")
        )
    return commits


def as_files(original: Repo, commit: str) -> dict[str, Any] | None:
    """What a commit changes as a step of kind `files`; None when it is not only text."""
    listed = original.git(
        "diff-tree", "-r", "-z", "--no-renames", "--abbrev=40", f"{commit}~", commit
    )
    fields = listed.split("\0")[:-1]
    files: dict[str, Any] = {}
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        _, mode, _, oid, status = head.split()
        if status == "D":
            files[path] = None
            continue
        data = subprocess.run(
            ["git", "cat-file", "blob", oid], cwd=original.path, capture_output=True, check=True
        ).stdout
        if mode not in ("100644", "100755") or b"\0" in data:
            return None
        files[path] = {"content": data.decode(), "executable": mode == "100755"}
    gone = {path: None for path, content in files.items() if content is None}
    return {**gone, **files}  # in this order: where a directory was, a file may come


def copied(trees: Path, number: int) -> str:
    """A command that makes the worktree a copy of a tree."""
    return (
        "find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} + && "
        f"cp -a {trees}/{number}/. ."
    )


def replayed(repo: Repo, steps: list[dict[str, Any]]) -> list[str]:
    """The trees of the steps' commits, oldest first, when the plan is done."""
    chained = [
        {"title": f"Commit {number}", **step} | ({"depends_on": [number]} if number else {})
        for number, step in enumerate(steps)
    ]
    plan = repo.plan({"title": "Replay", "steps": chained})
    repo.orch("approve", plan)
    repo.orch("exec", plan)
    commits = repo.git("log", "--reverse", "--format=%T", f"-{len(steps)}", f"orch/{plan}")
    return commits.splitlines()


def trees_of(original: Repo, commits: list[str]) -> list[str]:
    """The tree of each commit."""
    return [original.git("rev-parse", f"{commit}^{{tree}}") for commit in commits]


def test_a_history_replayed_by_commands_has_the_trees_of_the_original(
    repo: Repo, tmp_path: Path, unsandboxed: None
) -> None:
    original = Repo(tmp_path / "original")
    shutil.copytree(repo.path, original.path, symlinks=True)
    commits = history(original, tmp_path / "trees")
    steps = [{"run": copied(tmp_path / "trees", number)} for number in range(COMMITS)]
    assert replayed(repo, steps) == trees_of(original, commits)
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_a_history_replayed_as_files_where_it_is_text_has_the_trees_of_the_original(
    repo: Repo, tmp_path: Path, unsandboxed: None
) -> None:
    """Steps of both kinds, on top of each other."""
    original = Repo(tmp_path / "original")
    shutil.copytree(repo.path, original.path, symlinks=True)
    commits = history(original, tmp_path / "trees")
    steps = []
    for number, commit in enumerate(commits):
        files = as_files(original, commit)
        steps.append(
            {"run": copied(tmp_path / "trees", number)} if files is None else {"files": files}
        )
    assert {"run", "files"} == {kind for step in steps for kind in step}
    assert replayed(repo, steps) == trees_of(original, commits)
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
