"""The files of submodules, from repositories that are here: nothing is fetched.

`.gitmodules` is a file of the tree, and may be anybody's. It only names paths and repositories: git
reads it, the tree says which commit is at a path, and a repository counts below `modules` of the
user's git directory, or as `.git` in the submodule's place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import paths, sentences
from git_orch.repo import ask
from git_orch.repo import git as gits
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.worktree import file_system

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

FILE = ".gitmodules"
MODE = "160000"
_MOST = 500  # submodules of a tree, nested ones among them
_PATH = re.compile(r"submodule\.(.+)\.path", re.DOTALL)


class Module(NamedTuple):
    """A submodule: its path from the top of the tree, its repository, and the commit there."""

    place: str
    git_dir: Path
    commit: str


class Survey(NamedTuple):
    """The submodules of a tree whose commits are here, an outer one before those inside it, and the
    paths of the others.
    """

    here: tuple[Module, ...] = ()
    missing: tuple[str, ...] = ()


class _Tree(NamedTuple):
    """A tree with submodules: where their repositories are, how their paths begin, what its
    .gitmodules says, and the commits at paths.
    """

    git_dirs: tuple[Path, ...]
    checkout: Path | None
    prefix: str
    text: bytes
    commits: Mapping[str, str]


def names(git: Git, text: bytes) -> dict[str, str]:
    """The names of submodules by their paths, as a .gitmodules file says; without a name that would
    lead out of `modules`, or a path out of the tree.
    """
    done = git.finished(
        "config", "--file", "-", "--null", "--list", stdin=text, expect=(0, 1, 3, 128)
    )
    named = {}
    for setting in ask.names(done.stdout) if done.status == 0 else ():
        key, _, path = setting.partition("\n")
        match = _PATH.fullmatch(key)
        if match is not None and _is_name(match[1]) and paths.problem(path) is None:
            named["/".join(paths.parts(path))] = match[1]
    return named


def _is_name(name: str) -> bool:
    return {"", ".", ".."}.isdisjoint(re.split(r"[/\\]", name))


def survey(repository: Repository, text: bytes, commits: Mapping[str, str]) -> Survey:
    """Look for submodules: `text` is the tree's .gitmodules, and `commits` has the commit at each
    path.
    """
    git_dirs = tuple(dict.fromkeys((repository.common_dir, repository.git_dir)))
    trees = [_Tree(git_dirs, repository.top, "", text, commits)]
    here, missing = list[Module](), list[str]()
    for tree in trees:  # grows while we look
        for path, name in sorted(names(repository.git, tree.text).items()):
            commit, git_dir = tree.commits.get(path), _git_dir(tree, path, name)
            if commit is None or len(here) + len(missing) >= _MOST:
                continue
            module = Module(tree.prefix + path, git_dir or Path(), commit)
            inner = _inside(repository, tree, module) if git_dir is not None else None
            if inner is None:
                missing.append(module.place)
                continue
            here.append(module)
            if inner.commits:
                trees.append(inner)
    return Survey(tuple(here), tuple(missing))


def _inside(repository: Repository, tree: _Tree, module: Module) -> _Tree | None:
    """The tree of a submodule's commit; None where that is not here."""
    git = _git(repository, module)
    try:
        listed = git.run("ls-tree", "-r", "-z", "--full-tree", f"{module.commit}^{{commit}}")
    except GitFailed:
        return None
    rows = [entry.partition("\t") for entry in ask.names(listed)]
    commits = {path: facts.split()[2] for facts, _, path in rows if facts.startswith(MODE)}
    text = ask.file(git, module.commit, FILE) or b"" if commits else b""
    path = module.place.removeprefix(tree.prefix)
    checkout = tree.checkout / path if tree.checkout is not None else None
    return _Tree((module.git_dir,), checkout, f"{module.place}/", text, commits)


def _git_dir(tree: _Tree, path: str, name: str) -> Path | None:
    """The repository of a submodule; None where there is none."""
    places = [git_dir / "modules" / name for git_dir in tree.git_dirs]
    if tree.checkout is not None and _has_no_link(tree.checkout, f"{path}/.git"):
        places.append(tree.checkout / path / ".git")
    for place in places:
        if (place / "HEAD").is_file() and (place / "objects").is_dir():
            return place
    return None


def _has_no_link(top: Path, path: str) -> bool:
    """Whether no link stands on the way from a directory to what is at a path in it."""
    return os.path.realpath(top / path) == os.path.join(os.path.realpath(top), path)


def _git(repository: Repository, module: Module) -> Git:
    """git for the objects of a submodule, whose core.worktree may lead nowhere."""
    here = str(module.git_dir)
    return Git(here, here, {**repository.variables, "GIT_WORK_TREE": here})


def check_out(repository: Repository, modules: Sequence[Module], directory: Path) -> None:
    """Write the files of a submodule and of those inside it into an empty directory, without
    filters. Raises GitFailed where something of them is not here.
    """
    outer = modules[0].place
    for module in modules:
        place = module.place.removeprefix(outer).lstrip("/")
        if place and not _has_no_link(directory, place):
            raise GitFailed(
                "read-tree", 0, f"fatal: {sentences.quoted(module.place)} is below a link"
            )
        _write(repository, module, directory / place, directory.with_name("index"))


def _write(repository: Repository, module: Module, directory: Path, index: Path) -> None:
    settings = _git(repository, module).settings()
    drivers = gits.drivers((*(setting.name for setting in settings), *repository.drivers))
    whole = file_system.settings(directory.parent).items()
    chosen = tuple(f"{name}={value}" for name, value in whole)
    git = Git(module.git_dir, directory, repository.variables, drivers, chosen)
    git.run("read-tree", "--reset", "-u", module.commit, variables={"GIT_INDEX_FILE": str(index)})
    index.unlink()
