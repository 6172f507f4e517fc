"""The map of a repository for a model: what its tree holds, by the words of a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import invisible, redact
from git_orch.plans.repo_map import sections
from git_orch.plans.repo_map.files import File, Survey
from git_orch.plans.repo_map.sections import Facts, Section
from git_orch.repo.local import maps
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import tree_files
from git_orch.repo.objects.objects import Objects
from git_orch.sandbox import secrecy

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

_MOST_FILES = 50_000
_LARGEST_TEXT = 256 << 10  # bytes of a file that the map quotes
_COMMITS = 10
_MOST_LOOKED_AT = 50  # commits, some of which are merges


class Scope(NamedTuple):
    """What the map is of: a commit, and the paths whose instructions count most."""

    commit: str
    places: Sequence[str] = ()


def sections_of(
    repository: Repository, objects: Objects, scope: Scope, task: str, tokens: int
) -> list[Section]:
    """The map for a task in at most so many tokens, without secrets; nothing for 0."""
    if tokens <= 0:
        return []
    tree = odb.commit(objects, scope.commit).tree
    survey = survey_of(repository, objects, tree)
    secrets = secrecy.secrets()
    quoted = texts_of(objects, survey, sections.quoted_paths(_paths(survey), scope.places))
    facts = Facts(
        survey,
        {path: redact.redacted(text, secrets) for path, text in quoted.items()},
        _last_commits(objects, scope.commit),
        scope.places,
    )
    made = sections.sections(facts, task, tokens)
    return [part._replace(text=redact.redacted(part.text, secrets)) for part in made]


def survey_of(repository: Repository, objects: Objects, tree: str) -> Survey:
    """What a tree holds: made once, and kept for the next time."""
    kept = maps.load(repository, tree)
    if kept is not None:
        return kept
    listed = tree_files.listing(objects, tree, _MOST_FILES)
    files = [File(invisible.on_one_line(file.path), file.size, file.oid) for file in listed.files]
    survey = Survey(tuple(files), listed.complete)
    maps.store(repository, tree, survey)
    return survey


def texts_of(objects: Objects, survey: Survey, paths: Sequence[str]) -> dict[str, str]:
    """The texts of these files of a tree."""
    by_path = {file.path: file for file in survey.files}
    chosen = [
        tree_files.TreeFile(path, by_path[path].oid, by_path[path].size)
        for path in paths
        if path in by_path
    ]
    return tree_files.texts(objects, chosen, _LARGEST_TEXT)


def _paths(survey: Survey) -> list[str]:
    return [file.path for file in survey.files]


def _last_commits(objects: Objects, commit: str) -> list[str]:
    """The subjects of the last commits on the first parents' line; merges say too little."""
    lines: list[str] = []
    oid: str | None = commit
    for _ in range(_MOST_LOOKED_AT):
        if oid is None or len(lines) == _COMMITS:
            break
        try:
            made = odb.commit(objects, oid)
        except odb.MissingObject:  # a shallow clone
            break
        if len(made.parents) < 2:
            lines.append(f"{oid[:10]} {made.message.strip().partition(chr(10))[0]}")
        oid = made.parents[0] if made.parents else None
    return lines
