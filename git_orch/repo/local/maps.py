"""The contents of trees for the next map: local files, one for each tree, of which few stay."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans.repo_map import files
from git_orch.plans.repo_map.files import Survey
from git_orch.repo import localfiles, own_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.repo.repository import Repository

MOST = 8  # files; beyond it the oldest go
_LARGEST = 64 << 20  # bytes
_SUFFIX = ".json"


def load(repository: Repository, tree: str) -> Survey | None:
    """The survey of a tree; None where there is none, or none that only this user can have
    written.
    """
    try:
        data = own_files.read(repository.state_path, ("maps", f"{tree}{_SUFFIX}"), _LARGEST)
    except (OSError, own_files.NotOurs):
        return None
    return files.read(data) if data is not None else None


def latest(repository: Repository) -> Survey | None:
    """The survey that was kept last: most files of the next tree are in it already."""
    return next(
        (
            survey
            for path in _by_age(repository)
            if (survey := load(repository, path.name.removesuffix(_SUFFIX))) is not None
        ),
        None,
    )


def store(repository: Repository, tree: str, survey: Survey) -> None:
    """Keep a survey. Where it cannot be written it is made again the next time."""
    try:
        path = repository.state_dir / "maps" / f"{tree}{_SUFFIX}"
        localfiles.write(path, survey.text().encode("ascii"), synced=False)
        for old in _by_age(repository)[MOST:]:
            localfiles.remove(old)
    except (OSError, errors.OrchError):
        return


def _by_age(repository: Repository) -> list[Path]:
    """The files that are kept, the newest first."""
    return [path for _, path in sorted(_dated(repository), reverse=True)]


def _dated(repository: Repository) -> Iterator[tuple[float, Path]]:
    directory = Path(repository.state_path, "maps")
    try:
        listed = os.listdir(directory)
    except OSError:
        return
    for name in listed:
        if name.endswith(_SUFFIX) and not name.startswith("."):
            try:
                yield os.lstat(directory / name).st_mtime, directory / name
            except OSError:
                continue  # somebody else removed it
