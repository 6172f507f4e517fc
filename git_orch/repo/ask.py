"""A phrase book for git: short questions, and their answers as values.

Each question names the git that it asks, which may stand in any worktree. Names of paths and refs
are decoded so that what is not UTF-8 comes through unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from git_orch.repo.git import Git

_RENAMED = "Branch: renamed "  # how git begins the line in the reflog of a branch
# What git leaves in a git directory while an operation waits for its user, and its name. A pick or
# revert of several commits leaves the last but one alone between two of them.
_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "sequencer": "cherry-pick or revert",
    "BISECT_LOG": "bisect",
}

_PATHS_AT_ONCE = 200  # of up to 4 KiB each in one command line


# -- refs and commits ------------------------------------------------------------------------------


def head_branch(git: Git) -> str | None:
    """The full name of the branch that HEAD is on, born or not; None for a detached HEAD."""
    done = git.finished("symbolic-ref", "--quiet", "HEAD", expect=(0, 1))
    return _text(done.stdout).strip() or None


def patch(git: Git, before: str, after: str) -> bytes:
    """The difference between two commits or trees, all of it as text: no attribute of a file hides
    its lines, and no setting changes the form.
    """
    form = ("-p", "-r", "-M", "--unified=8", "--text", "--src-prefix=a/", "--dst-prefix=b/")
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short")
    return git.run("diff-tree", *form, *plain, "--ignore-submodules=none", before, after, "--")


def real_name(git: Git, ref: str) -> str:
    """The ref that a symbolic ref stands for; of any other ref its own name."""
    done = git.finished("symbolic-ref", "--quiet", "--", ref, expect=(0, 1, 128))
    return _text(done.stdout).strip() or ref


def full_name(git: Git, name: str) -> str | None:
    """The full name of the ref that people mean by `name`; None where they mean no ref."""
    asked = ("rev-parse", "--symbolic-full-name", "--end-of-options", name)
    done = git.finished(*asked, expect=(0, 1, 128))
    name = _text(done.stdout).rstrip("\n").rpartition("\n")[2]
    return name if name.startswith("refs/") else None  # git prints the option, too


def commit(git: Git, name: str) -> str | None:
    """The ID of the commit that `name` leads to; None where it leads to none."""
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return _text(git.finished(*asked, expect=(0, 1, 128)).stdout).strip() or None


def tree(git: Git, name: str) -> str | None:
    """The ID of the tree that `name` leads to; None where it leads to none."""
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}")
    return _text(git.finished(*asked, expect=(0, 1, 128)).stdout).strip() or None


def is_ancestor(git: Git, old: str, new: str) -> bool:
    """Whether commit `old` is `new` or reachable from it; a missing one is not."""
    asked = ("merge-base", "--is-ancestor", old, new)
    return git.finished(*asked, expect=(0, 1, 128)).status == 0


def renamed_branch(git: Git, ref: str) -> str | None:
    """The full name that a branch which is not there any more has now, as the reflogs tell; None
    where they do not.
    """
    asked = ("log", "--walk-reflogs", "--branches", f"--grep-reflog=^{_RENAMED}", "--format=%gs")
    done = git.finished(*asked, "--", expect=(0, 128))
    names: dict[str, str] = {}
    for line in _text(done.stdout).splitlines():
        old, _, new = line.removeprefix(_RENAMED).partition(" to ")
        names.setdefault(old, new)
    present = ref
    for _ in names:
        present = names.get(present, present)
    if present == ref or not present.startswith("refs/heads/"):
        return None
    return present if commit(git, present) is not None else None


# -- objects ---------------------------------------------------------------------------------------


class Stored(NamedTuple):
    """An object that is there: blob, tree, commit or tag, and its size in bytes."""

    kind: str
    size: int


def stored(git: Git, oids: Sequence[str]) -> dict[str, Stored]:
    """The objects of the list that are there."""
    if not oids:
        return {}
    asked = "".join(f"{oid}\n" for oid in oids).encode("ascii")
    listed = git.run("cat-file", "--batch-check", "--buffer", stdin=asked)
    rows = [line.split() for line in listed.decode("ascii").splitlines()]
    return {row[0]: Stored(row[1], int(row[2])) for row in rows if len(row) == 3}


def file(git: Git, tree: str, path: str) -> bytes | None:
    """The file at a path of a commit or tree; None where there is none."""
    done = git.finished("cat-file", "blob", f"{tree}:{path}", expect=(0, 128))
    return done.stdout if done.status == 0 else None


def has_line(git: Git, tree: str, text: str) -> bool:
    """Whether a file of a commit or tree has the text in a line; of a text of several lines, the
    longest one.
    """
    line = max(text.split("\n"), key=len)
    asked = ("grep", "--quiet", "--text", "--fixed-strings", "-f", "-", tree, "--")
    done = git.finished(*asked, stdin=line.encode("utf-8", "surrogateescape"), expect=(0, 1, 128))
    return done.status == 0


class Listed(NamedTuple):
    """A name in a directory of a tree, and whether it is a directory: a submodule is one, too."""

    name: str
    is_directory: bool


def directories(git: Git, tree: str, paths: Sequence[str]) -> Iterator[tuple[str, Listed]]:
    """The names in these directories of a commit or tree, "" for its top, each with its directory."""
    if "" in paths:
        yield from _listed(git.run("ls-tree", "-z", "--full-tree", tree))
    below = [f"{path}/" for path in paths if path]
    for start in range(0, len(below), _PATHS_AT_ONCE):
        some = below[start : start + _PATHS_AT_ONCE]
        asked = ("--literal-pathspecs", "ls-tree", "-t", "-z", "--full-tree", tree, "--", *some)
        yield from _listed(git.run(*asked))


def _listed(output: bytes) -> Iterator[tuple[str, Listed]]:
    for entry in names(output):
        facts, _, path = entry.partition("\t")
        directory, _, name = path.rpartition("/")
        yield directory, Listed(name, facts.split()[1] != "blob")


def changed_paths(git: Git, old: str, new: str, *, deleted: bool = True) -> list[str]:
    """The paths that differ between two commits or trees; `deleted` counts those that go."""
    options = (
        "-r",
        "-z",
        "--name-only",
        "--no-renames",
        *(() if deleted else ("--diff-filter=d",)),
    )
    return names(git.run("diff-tree", *options, old, new))


def moved_submodules(git: Git, old: str, new: str) -> list[str]:
    """The submodules whose commits differ between two commits or trees."""
    fields = names(git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", old, new))
    rows = zip(fields[::2], fields[1::2], strict=True)
    return [path for facts, path in rows if facts.startswith(":160000 160000 ")]


class ChangedLines(NamedTuple):
    """A file that differs between two trees: lines that came and went, None where it is no text."""

    path: str
    added: int | None
    deleted: int | None

    def text(self) -> str:
        """The file and its numbers, for people."""
        numbers = "binary" if self.added is None else f"+{self.added} -{self.deleted}"
        return f"{self.path}  {numbers}"


def changed_lines(git: Git, old: str, new: str) -> list[ChangedLines]:
    """The files that differ between two commits or trees, with the size of the difference."""
    options = ("-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv")
    rows = [row.split("\t", 2) for row in names(git.run("diff-tree", *options, old, new))]
    return [
        ChangedLines(path, *(int(number) if number.isdecimal() else None for number in numbers))
        for *numbers, path in rows
    ]


# -- a worktree ------------------------------------------------------------------------------------


def tracked(git: Git, paths: Sequence[str] | None = None) -> list[str]:
    """The paths in the index; with `paths` those of them, and what lies below them."""
    if paths is None:
        return names(git.run("ls-files", "-z"))
    return names(git.run("--literal-pathspecs", "ls-files", "-z", "--", *paths)) if paths else []


def unmerged(git: Git) -> list[str]:
    """The paths with a conflict that their user has not resolved."""
    entries = names(git.run("ls-files", "--unmerged", "-z"))
    return list(dict.fromkeys(entry.partition("\t")[2] for entry in entries))


def unfinished(git_dir: Path) -> str | None:
    """The operation that waits for its user in the worktree with this git directory: a merge,
    rebase and so on.
    """
    return next((what for name, what in _UNFINISHED.items() if (git_dir / name).exists()), None)


def rebased_branch(git_dir: Path) -> str | None:
    """The full name of the branch that is being rebased there: HEAD is detached until the end."""
    for state in ("rebase-merge", "rebase-apply"):
        try:
            return _text((git_dir / state / "head-name").read_bytes()).strip()
        except OSError:
            continue  # no such rebase
    return None


# -- names -----------------------------------------------------------------------------------------


def ignored(git: Git, paths: Sequence[str]) -> frozenset[str]:
    """The paths of the list that git ignores in the work tree."""
    arguments = ("check-ignore", "-z", "--stdin")
    done = git.finished(*arguments, expect=(0, 1), stdin=input_of(paths))
    return frozenset(names(done.stdout))


def submodules(git: Git) -> tuple[str, ...]:
    """The places of the submodules that the index has."""
    rows = [entry.partition("\t") for entry in names(git.run("ls-files", "-s", "-z"))]
    return tuple(path for facts, _, path in rows if facts.startswith("160000 "))


def filtered(git: Git, paths: Sequence[str]) -> frozenset[str]:
    """The paths of the list that have a filter, by the attributes of the work tree."""
    if not paths:
        return frozenset()
    asked = ("check-attr", "-z", "--stdin", "filter")
    fields = names(git.run(*asked, stdin=input_of(paths)))
    values = zip(fields[::3], fields[2::3], strict=False)
    return frozenset(path for path, value in values if value not in ("unspecified", "unset", "set"))


def names(output: bytes) -> list[str]:
    """The names that a command with `-z` printed, each ended by a NUL."""
    return [name for name in _text(output).split("\0") if name]


def input_of(paths: Iterable[str]) -> bytes:
    """Paths as a command with `-z --stdin` reads them."""
    return "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")
