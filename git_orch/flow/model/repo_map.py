"""The map of a repository for a model: what its tree holds, by the words of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.flow.model import symbols
from git_orch.plans import invisible, paths, redact
from git_orch.plans.repo_map import sections
from git_orch.plans.repo_map.definitions import Engines
from git_orch.plans.repo_map.files import File, Survey, Symbol
from git_orch.plans.repo_map.sections import Facts, Section
from git_orch.repo.local import maps
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import tree_files
from git_orch.repo.objects.objects import Objects
from git_orch.sandbox import secrecy

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository
    from git_orch.sandbox.walls.launcher import Launcher

_MOST_FILES = 50_000
_LARGEST_TEXT = 256 << 10  # bytes of a file that the map quotes
_COMMITS = 10
_MOST_LOOKED_AT = 50  # commits, some of which are merges


class Scope(NamedTuple):
    """What the map is of: a commit, and the paths whose instructions count most. Programs that read
    what files define run by `launcher`; without one nothing is read.
    """

    commit: str
    places: Sequence[str] = ()
    launcher: Launcher | None = None


def sections_of(
    repository: Repository, objects: Objects, scope: Scope, task: str, tokens: int
) -> list[Section]:
    """The map for a task in at most so many tokens, without secrets; nothing for 0."""
    if tokens <= 0:
        return []
    tree = odb.commit(objects, scope.commit).tree
    survey = survey_of(repository, objects, tree, scope.launcher)
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


def survey_of(
    repository: Repository, objects: Objects, tree: str, launcher: Launcher | None = None
) -> Survey:
    """What a tree holds: made once, and kept for the next time."""
    engines = symbols.engines(launcher)
    kept = maps.load(repository, tree)
    if kept is not None and kept.engine == engines.name:
        return kept
    listed = tree_files.listing(objects, tree, _MOST_FILES)
    files = [
        File(invisible.on_one_line(file.path), file.size, file.oid)
        for file in listed.files
        if not paths.holds_secrets(file.path)
    ]
    defined = _defined(repository, objects, files, (launcher, engines))
    complete = [file._replace(symbols=defined.get(file.oid, ())) for file in files]
    survey = Survey(tuple(complete), listed.complete, engines.name)
    maps.store(repository, tree, survey)
    return survey


def _defined(
    repository: Repository,
    objects: Objects,
    files: Sequence[File],
    by: tuple[Launcher | None, Engines],
) -> Mapping[str, tuple[Symbol, ...]]:
    """What the files define, by the IDs of their blobs: those that the last tree had as well are
    not read again.
    """
    launcher, engines = by
    if launcher is None:
        return {}
    last = maps.latest(repository)
    remembered = (
        {file.oid: file.symbols for file in last.files if file.symbols}
        if last is not None and last.engine == engines.name
        else {}
    )
    new = [file for file in files if file.oid not in remembered]
    return {**remembered, **symbols.symbols_of(objects, new, launcher, engines)}


def texts_of(objects: Objects, survey: Survey, named: Sequence[str]) -> dict[str, str]:
    """The texts of these files of a tree."""
    by_path = {file.path: file for file in survey.files}
    chosen = [
        tree_files.TreeFile(path, by_path[path].oid, by_path[path].size)
        for path in named
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
