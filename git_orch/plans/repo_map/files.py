"""The files of a tree, as the map has them: their languages, and which of them are tests, manifests
or instructions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from git_orch.plans import document
from git_orch.plans.document import BadDocument, Document


class Symbol(NamedTuple):
    """A definition in a file: `kind` is class or function, or a word of its language; `owner` is the
    class around it.
    """

    kind: str
    name: str
    line: int
    owner: str = ""


class File(NamedTuple):
    """A file of a tree: its path, its size in bytes, the ID of its blob and what it defines."""

    path: str
    size: int
    oid: str = ""
    symbols: tuple[Symbol, ...] = ()


class Survey(NamedTuple):
    """The files of a tree; where not `complete`, it has more than were listed. `engine` made the
    symbols.
    """

    files: tuple[File, ...]
    complete: bool = True
    engine: str = ""

    def text(self) -> str:
        """The survey as a local file keeps it."""
        files = [
            [file.path, file.size, file.oid, [list(symbol) for symbol in file.symbols]]
            for file in self.files
        ]
        return json.dumps({"files": files, "complete": self.complete, "engine": self.engine})


def read(data: bytes) -> Survey | None:
    """The survey that `Survey.text` wrote; None for half of one."""
    try:
        fields = document.parse(data, "map")
        return Survey(
            tuple(_file(row) for row in document.sequence(fields, "files")),
            fields.get("complete") is True,
            document.text(fields, "engine"),
        )
    except (BadDocument, TypeError, ValueError):
        return None


def _file(row: object) -> File:
    if not isinstance(row, list):
        raise BadDocument("files: expected rows")
    path, size, oid, symbols = row
    made = [
        Symbol(str(kind), str(name), int(line), str(owner)) for kind, name, line, owner in symbols
    ]
    return File(str(path), int(size), str(oid), tuple(made))


def fields_of(symbols: Iterable[Symbol]) -> list[Document]:
    """Symbols for programs."""
    return [symbol._asdict() for symbol in symbols]


# -- languages and tests ---------------------------------------------------------------------------

_LANGUAGES = {
    "Python": ".py .pyi",
    "JavaScript": ".js .mjs .cjs .jsx",
    "TypeScript": ".ts .mts .cts .tsx",
    "Go": ".go",
    "Rust": ".rs",
    "Java": ".java",
    "Kotlin": ".kt .kts",
    "C": ".c .h",
    "C++": ".cc .cpp .cxx .hh .hpp .hxx",
    "C#": ".cs",
    "Ruby": ".rb .rake",
    "PHP": ".php",
    "Swift": ".swift",
    "Scala": ".scala",
    "Elixir": ".ex .exs",
    "Haskell": ".hs",
    "Lua": ".lua",
    "Perl": ".pl .pm",
    "Shell": ".sh .bash .zsh",
    "SQL": ".sql",
    "HTML": ".html .htm .jinja .j2",
    "CSS": ".css .scss .less",
    "Vue": ".vue",
    "Svelte": ".svelte",
    "Markdown": ".md .mdx",
    "reStructuredText": ".rst",
    "YAML": ".yaml .yml",
    "TOML": ".toml",
    "JSON": ".json",
}
_BY_SUFFIX = {
    suffix: language for language, suffixes in _LANGUAGES.items() for suffix in suffixes.split()
}
_TEST_DIRECTORIES = frozenset({"test", "tests", "spec", "specs", "__tests__", "testing", "e2e"})
_TEST_NAME = re.compile(
    r"test_.*|.*_(?:test|spec)\.[a-z]+|.*\.(?:test|spec)\.[a-z]+|.*(?:Test|Tests|Spec)\.[a-z]+"
    r"|conftest\.py"
)


def suffix(path: str) -> str:
    """The ending of a name, with its point, in lower case; "" where there is none."""
    name = path.rpartition("/")[2]
    stem, point, end = name.rpartition(".")
    return f".{end.lower()}" if point and stem else ""


def language(path: str) -> str | None:
    """The language of a file by its name."""
    return _BY_SUFFIX.get(suffix(path))


def is_test(path: str) -> bool:
    """Whether a file belongs to the tests, by its path."""
    *directories, name = path.split("/")
    return not _TEST_DIRECTORIES.isdisjoint(map(str.lower, directories)) or (
        _TEST_NAME.fullmatch(name) is not None
    )


# -- the files that a map quotes -------------------------------------------------------------------

INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md")
_MANIFESTS = (
    "pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "package.json", "deno.json",
    "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts", "Gemfile",
    "composer.json", "mix.exs", "Package.swift", "pubspec.yaml", "CMakeLists.txt", "meson.build",
    "Makefile", "justfile", "tox.ini", "noxfile.py",
)  # fmt: skip
_README = re.compile(r"readme(?:\.(?:md|rst|txt|adoc|org|markdown))?", re.IGNORECASE)


def manifests(paths: Iterable[str]) -> list[str]:
    """The manifests at the top of the tree, those that say most first."""
    names = frozenset(paths)
    return [name for name in _MANIFESTS if name in names]


def readme(paths: Iterable[str]) -> str | None:
    """The README at the top of the tree; of several the one in Markdown."""
    names = [path for path in paths if "/" not in path and _README.fullmatch(path)]
    return min(
        names, key=lambda name: (suffix(name) not in (".md", ".markdown"), name), default=None
    )


def instructions(paths: Iterable[str], places: Sequence[str] = ()) -> list[str]:
    """The files that tell agents how to work here: those at the top, then those on the way to each
    of the places (paths of files or directories), the nearest to a place last.
    """
    names = frozenset(paths)
    return [path for path in instruction_paths(places) if path in names]


def instruction_paths(places: Sequence[str] = ()) -> list[str]:
    """Where the files may be that tell agents how to work at some places, in the same order."""
    directories = ("", *(way for place in places for way in _ways(place)))
    paths = (f"{directory}{name}" for directory in directories for name in INSTRUCTIONS)
    return list(dict.fromkeys(paths))


def _ways(place: str) -> Iterator[str]:
    """The directories on the way to a place, the place itself as well: it may be one."""
    parts = [part for part in place.split("/") if part not in ("", ".")]
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count]) + "/"
