"""The registration of a worktree with git, the directory `worktrees/NAME` in the repository. It
comes and goes by one rename.

`git worktree add` and `remove` write and delete its files one by one, and a `git gc` of somebody else
that looks meanwhile fails at an empty file or a HEAD of zeros.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import checkpoints
from git_orch.repo import own_files, temporary
from git_orch.repo.repository import unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_orch.repo.repository import Repository

_MOST_TRIES = 100  # names that are taken, and directories that somebody found empty
_SPARSE = "info/sparse-checkout"  # which files the user's checkout has; ours have all
_CONFIG = "config.worktree"  # with extensions.worktreeConfig
_OF_MAIN_ALONE = ("core.bare", "core.worktree")
_OF_SPARSE = ("core.sparseCheckout", "core.sparseCheckoutCone", "index.sparse")


def is_possible(repository: Repository) -> bool:
    """Whether a worktree is nothing but these files: where refs are in tables, it is more."""
    return not any(
        name == "extensions.refstorage" and value != "files" for name, value in repository.settings
    )


@checkpoints.around("add worktree")
def add(repository: Repository, path: Path, commit: str) -> Path:
    """Make a new directory a worktree without files, locked and detached at `commit`; gives its git
    directory. Raises UnfitRepository.
    """
    try:
        path.mkdir()
        with _aside(repository) as made:
            _write(made, path, commit)
            _copy_settings(repository, made)
            repository.sharing.adjust_tree(made)
            git_dir = _place(repository, made, path.name)
        (path / ".git").write_bytes(b"gitdir: " + os.fsencode(git_dir) + b"\n")
    except OSError as failed:
        raise unwritable(failed, path) from failed
    return git_dir


@checkpoints.around("drop worktree")
def drop(repository: Repository, git_dir: Path) -> None:
    """Make git forget a worktree; its files stay."""
    displacing = checkpoints.around("displace worktree", git_dir)
    with _aside(repository) as gone, contextlib.suppress(FileNotFoundError), displacing:
        git_dir.rename(gone)
    with contextlib.suppress(OSError):  # others are in it
        git_dir.parent.rmdir()


@contextlib.contextmanager
def _aside(repository: Repository) -> Iterator[Path]:
    """An empty directory that git does not look at."""
    # Where files are made that others have to read, they get the group that they have there.
    place = repository.shared_dir / "aside"
    own_files.make_directories(place.parent, [place.name])
    with temporary.directory(place) as directory:
        yield directory


def _write(git_dir: Path, path: Path, commit: str) -> None:
    (git_dir / "locked").write_text("git-orch\n")
    (git_dir / "gitdir").write_bytes(os.fsencode(path / ".git") + b"\n")
    (git_dir / "commondir").write_text("../..\n")
    (git_dir / "HEAD").write_text(f"{commit}\n")


def _copy_settings(repository: Repository, git_dir: Path) -> None:
    """What counts in one worktree, as git copies it; not which files are checked out."""
    config = repository.common_dir / _CONFIG
    if config.is_file() and _is_of_the_repository(repository, config):
        shutil.copyfile(config, git_dir / _CONFIG)
        _unset(repository, git_dir, _OF_MAIN_ALONE)
        make_whole(repository, git_dir)


def make_whole(repository: Repository, git_dir: Path) -> None:
    """Have a worktree with all files of its tree, whatever the user's checkout leaves out."""
    (git_dir / _SPARSE).unlink(missing_ok=True)
    config = git_dir / _CONFIG
    if config.is_file() and b"sparse" in config.read_bytes().lower():
        _unset(repository, git_dir, _OF_SPARSE)


def _unset(repository: Repository, git_dir: Path, names: Sequence[str]) -> None:
    for name in names:
        unset = ("config", "--file", str(git_dir / _CONFIG), "--unset-all", name)
        repository.git.finished(*unset, expect=(0, 5))


def _is_of_the_repository(repository: Repository, file: Path) -> bool:
    """Whether a file is not elsewhere behind a link: commands see the copy of what commands do not."""
    return file.resolve().is_relative_to(repository.common_dir.resolve())


def _place(repository: Repository, made: Path, name: str) -> Path:
    """Give what was made its place, under a name that is free."""
    directory = repository.common_dir / "worktrees"
    for number in range(_MOST_TRIES):
        target = directory / (f"{name}{number}" if number else name)
        repository.sharing.make_directory(directory)
        try:
            with checkpoints.around("place worktree", target):
                made.rename(target)
        except OSError:
            if number == _MOST_TRIES - 1:
                raise
        else:
            return target
    raise AssertionError("the last one raises")
