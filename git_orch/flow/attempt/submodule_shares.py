"""The files of submodules, which commands see read-only where a worktree has empty directories.

They are layers, each under a key of the commits that it was made from.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.attempt.tree_reader import TreeReader
from git_orch.flow.reports import Note
from git_orch.plans import sentences
from git_orch.repo import settings
from git_orch.repo.git import GitFailed
from git_orch.repo.local import layers
from git_orch.repo.local.layers import Layer
from git_orch.repo.worktree import gitlinks
from git_orch.repo.worktree.gitlinks import Module
from git_orch.sandbox.shares import choice
from git_orch.sandbox.walls.view import Share

if TYPE_CHECKING:
    from git_orch.flow.attempt.means import Means
    from git_orch.repo.objects.objects import Objects

_NAMED = 8
_noted: set[tuple[str, str]] = set()  # notes of this process, each with its plan


def of_tree(of: Means, objects: Objects, tree: str) -> tuple[Share, ...]:
    """The shares with the submodules of a tree, outer ones whole. What is not here is left out, and
    noted once in a process. Raises UnfitRepository.
    """
    reader = TreeReader(objects, tree)
    text = reader.data(gitlinks.FILE)
    if text is None or of.boundary.launcher.sandbox.name != "bubblewrap":
        return ()
    paths = of.memory.submodule_paths
    if text not in paths:
        paths[text] = tuple(gitlinks.names(of.repository.git, text))
    links = {path: reader.gitlink(path) for path in paths[text]}
    commits = {path: commit for path, commit in links.items() if commit is not None}
    key = json.dumps([hashlib.sha256(text).hexdigest(), sorted(commits.items())])
    if key not in of.memory.submodules:
        of.memory.submodules[key] = tuple(_shares(of, text, commits)) if commits else ()
    return of.memory.submodules[key]


def _shares(of: Means, text: bytes, commits: dict[str, str]) -> Iterator[Share]:
    user_settings = settings.of_user(of.repository)
    chosen = choice.of_values(user_settings.share, os.path.expanduser("~"))
    survey = gitlinks.survey(of.repository, text, commits)
    missing = list(survey.missing)
    for place in sorted(commits):
        own = [module for module in survey.here if f"{module.place}/".startswith(f"{place}/")]
        if not own or not chosen.has(Share(place, "", place)):
            continue
        layer = _layer(of, own)
        if layer is None:
            missing.append(place)
            continue
        yield Share(place, os.path.realpath(layer.files), place, fixed=True, lasting=False)
    if missing and not chosen.nothing:
        _note(of, missing)


def _layer(of: Means, modules: Sequence[Module]) -> Layer | None:
    """The layer with a submodule and those inside it, made where it is missing; None where not all
    of its objects are here.
    """
    repository, top = of.repository, modules[0].place
    content = [[module.place.removeprefix(top), module.commit] for module in modules]
    key = hashlib.sha256(json.dumps(["submodule", content]).encode()).hexdigest()[:32]
    fill = functools.partial(gitlinks.check_out, repository, modules)
    layer = layers.find(repository, key)
    if layer is not None:
        return layer
    with layers.making(repository, of.stop):
        layer = layers.find(repository, key)  # somebody else made it meanwhile
        try:
            return layer or layers.make(repository, key, fill)
        except GitFailed as failed:
            if isinstance(failed, errors.DiskFull):
                raise
            return None


def _note(of: Means, missing: Sequence[str]) -> None:
    paths = sorted(missing)
    names = sentences.quoted_names(paths, _NAMED)
    verb = sentences.verb(len(paths), "is empty: its commit is", "are empty: their commits are")
    note = (
        f"{sentences.verb(len(paths), 'submodule', 'submodules')} {names} {verb} not here; to get "
        f"{sentences.verb(len(paths), 'it', 'them')}: git submodule update --init --recursive "
        f"{shlex.join(path for path in paths[:_NAMED])}"
    )
    if (of.furnishing.place.id, note) not in _noted:
        _noted.add((of.furnishing.place.id, note))
        of.reporter.emit(Note(note))
