"""The definitions in files of a tree: programs read them in the sandbox, from a directory that
holds nothing else and goes afterwards.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from git_orch.plans.plan import Command
from git_orch.plans.repo_map import definitions
from git_orch.plans.repo_map.definitions import Engines
from git_orch.plans.repo_map.files import File, Symbol
from git_orch.repo.objects.objects import Objects
from git_orch.sandbox import symbol_reader, trees
from git_orch.sandbox.files import PathRefused, Tree
from git_orch.sandbox.process import tools
from git_orch.sandbox.walls.launcher import Launcher

_SECONDS = 20.0  # for all files of a tree
_LONG = 5.0  # seconds to say a version
_LARGEST_ANSWER = 32 << 20  # bytes
_CTAGS = ("--options=NONE", "--quiet=yes", "--sort=no", "--excmd=number", "--fields=Kns")
_CORE = "tree_sitter"


def engines(launcher: Launcher | None) -> Engines:
    """The programs that read definitions here, all of them in the sandbox."""
    if launcher is None:
        return Engines()
    grammars = (grammar for grammar, package in definitions.PACKAGES.items() if _directory(package))
    return Engines(
        frozenset(grammars) if _directory(_CORE) else frozenset(), _has_ctags(launcher.source)
    )


def _has_ctags(source: Mapping[str, str]) -> bool:
    """Whether there is a ctags that takes the options of Universal Ctags."""
    try:
        asked = tools.capture(["ctags", "--version"], env=source, cwd="/", timeout=_LONG)
    except (OSError, TimeoutError):
        return False
    return b"Universal Ctags" in asked.stdout


def _directory(package: str) -> str | None:
    """Where an installed package is, which is not imported."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    return next(iter(places), None) if places else None


def symbols_of(
    objects: Objects, listed: Sequence[File], launcher: Launcher, present: Engines
) -> Mapping[str, tuple[Symbol, ...]]:
    """What the files define, by the IDs of their blobs. What nobody could read in time has no
    entry.
    """
    chosen = definitions.chosen(listed, present)
    if not chosen:
        return {}
    names = definitions.names(len(chosen), [file.path for file in chosen])
    place = Path(tempfile.mkdtemp(prefix="git-orch-"))
    try:
        written = dict(_written(place, objects, zip(names, chosen, strict=True)))
        answers = {
            **_by_ctags(place, written, launcher, present),
            **_by_grammars(place, written, launcher, present),
        }
    finally:
        trees.remove(place)
    return {written[name].oid: defined for name, defined in answers.items() if name in written}


def _written(
    place: Path, objects: Objects, named: Iterator[tuple[str, File]]
) -> Iterator[tuple[str, File]]:
    """Write the files, under the names that they have there; one that is missing is left out."""
    for name, file in named:
        [blob] = objects.read_many([file.oid])
        if blob is not None and len(blob.data) <= definitions.LARGEST:
            (place / name).write_bytes(blob.data)
            yield name, file


def _by_grammars(
    place: Path, written: Mapping[str, File], launcher: Launcher, present: Engines
) -> dict[str, tuple[Symbol, ...]]:
    order = [
        (name, reader)
        for name, file in written.items()
        if (reader := present.reader(file.path)) not in (None, "ctags")
    ]
    if not order:
        return {}
    (place / "order.json").write_text(json.dumps(order), encoding="utf-8")
    source = Path(symbol_reader.__file__).read_bytes()
    (place / "reader.py").write_bytes(source)
    packages = sorted({os.path.dirname(_directory(package) or "") for package in _packages(order)})
    shown = [*packages, sys.prefix, sys.base_prefix, os.path.dirname(sys.executable)]
    inside = replace(launcher, readable=(*launcher.readable, *map(Path, shown)))
    argv = (sys.executable, "-I", "-S", "reader.py", ".", *packages)
    inside.run(Command(argv=argv), worktree=place, timeout=_SECONDS)
    lines = _answer(place, "symbols.jsonl").splitlines()
    return dict(definitions.of_reader(lines))


def _packages(order: Sequence[tuple[str, str | None]]) -> set[str]:
    return {_CORE, *(definitions.PACKAGES[reader] for _, reader in order if reader is not None)}


def _by_ctags(
    place: Path, written: Mapping[str, File], launcher: Launcher, present: Engines
) -> dict[str, tuple[Symbol, ...]]:
    names = [name for name, file in written.items() if present.reader(file.path) == "ctags"]
    if not names:
        return {}
    (place / "names").write_text("".join(f"{name}\n" for name in names), encoding="ascii")
    argv = ("ctags", *_CTAGS, "-f", "tags", "-L", "names")
    launcher.run(Command(argv=argv), worktree=place, timeout=_SECONDS)
    return definitions.of_ctags(_answer(place, "tags").splitlines())


def _answer(place: Path, name: str) -> str:
    """What a program has written; "" where it wrote nothing that can be read."""
    try:
        return Tree(place).read(name, _LARGEST_ANSWER).decode("utf-8", "replace")
    except PathRefused:
        return ""
