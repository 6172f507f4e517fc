"""Which files are read for what they define, by which program, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from git_orch.plans import invisible
from git_orch.plans.repo_map import files
from git_orch.plans.repo_map.files import File, Symbol

LARGEST = 256 << 10  # bytes of a file
_MOST_FILES = 2_000
_MOST_BYTES = 16 << 20
_MOST_SYMBOLS = 600  # of one file
_LONGEST = 120  # characters of a name

_GRAMMARS = {
    "python": ".py .pyi",
    "javascript": ".js .mjs .cjs .jsx",
    "typescript": ".ts .mts .cts",
    "tsx": ".tsx",
    "go": ".go",
    "rust": ".rs",
    "java": ".java",
    "c": ".c .h",
    "cpp": ".cc .cpp .cxx .hh .hpp .hxx",
    "ruby": ".rb .rake",
}
_BY_SUFFIX = {
    suffix: grammar for grammar, suffixes in _GRAMMARS.items() for suffix in suffixes.split()
}
# The Python packages that hold the grammars.
PACKAGES = {
    grammar: f"tree_sitter_{'typescript' if grammar == 'tsx' else grammar}" for grammar in _GRAMMARS
}
# What only ctags reads here.
_MORE = """
.php .cs .kt .kts .swift .scala .ex .exs .hs .lua .pl .pm .sh .bash .sql .vim .erl .ml .clj .jl .r
.dart .f90 .vhd .v .tcl .elm
"""
_FOR_CTAGS = frozenset(_BY_SUFFIX) | frozenset(_MORE.split())
_KINDS_OF_CTAGS = frozenset({
    "class", "function", "func", "method", "struct", "interface", "type", "typedef", "enum",
    "trait", "module", "union", "record", "protocol", "object", "subroutine", "procedure",
    "singletonMethod", "implementation", "macro",
})  # fmt: skip
_SHORT = {"func": "function", "singletonMethod": "method", "subroutine": "function",
          "typedef": "type"}  # fmt: skip
_VENDORED = frozenset({"node_modules", "vendor", "third_party", "dist", "build", "generated"})


class Engines(NamedTuple):
    """The programs that read definitions here: the grammars of tree-sitter, and ctags."""

    grammars: frozenset[str] = frozenset()
    ctags: bool = False

    @property
    def name(self) -> str:
        """What a survey remembers: other engines make another one."""
        return " ".join(["1", *sorted(self.grammars), *(["ctags"] if self.ctags else [])])

    def reader(self, path: str) -> str | None:
        """The grammar for a file, `ctags`, or None where nobody here reads it."""
        suffix = files.suffix(path)
        grammar = _BY_SUFFIX.get(suffix)
        if grammar in self.grammars:
            return grammar
        return "ctags" if self.ctags and suffix in _FOR_CTAGS else None


def chosen(listed: Iterable[File], engines: Engines) -> list[File]:
    """The files to read: of too many those that stand high up, are no tests and nobody else's."""
    readable = [
        file
        for file in listed
        if 0 < file.size <= LARGEST and engines.reader(file.path) is not None
    ]
    readable.sort(key=_order)
    total, taken = 0, list[File]()
    for file in readable[:_MOST_FILES]:
        total += file.size
        if total > _MOST_BYTES:
            break
        taken.append(file)
    return taken


def _order(file: File) -> tuple[bool, bool, int, str]:
    foreign = not _VENDORED.isdisjoint(file.path.split("/")[:-1])
    return (foreign, files.is_test(file.path), file.path.count("/"), file.path)


def of_reader(lines: Iterable[str]) -> Iterator[tuple[str, tuple[Symbol, ...]]]:
    """The symbols of each file that our reader has written down, by the file's name. Anybody's text
    led its hand: what has another form is none.
    """
    for line in lines:
        try:
            name, rows = json.loads(line)
            made = tuple(_symbol(*row) for row in rows[:_MOST_SYMBOLS])
        except (ValueError, TypeError, RecursionError):
            continue  # half of a line
        if isinstance(name, str):
            yield name, made


def of_ctags(lines: Iterable[str]) -> dict[str, tuple[Symbol, ...]]:
    """The symbols of each file in a list of tags, by the file's name."""
    made: dict[str, list[Symbol]] = {}
    for line in lines:
        fields = line.rstrip("\r\n").split("\t")
        if len(fields) < 5 or line.startswith("!"):
            continue
        name, file, _, kind, *more = fields
        facts = dict(field.partition(":")[::2] for field in more)
        is_method = kind == "member" and file.endswith((".py", ".pyi"))
        if (kind not in _KINDS_OF_CTAGS and not is_method) or "function" in facts:
            continue
        line_number = facts.get("line", "")
        if not line_number.isdecimal() or len(line_number) > 9:
            continue
        owner = next(
            (facts[word] for word in ("class", "struct", "interface") if word in facts), ""
        )
        symbols = made.setdefault(file, [])
        if len(symbols) < _MOST_SYMBOLS:
            word = "method" if is_method else _SHORT.get(kind, kind)
            symbols.append(_symbol(word, name, int(line_number), owner))
    return {file: tuple(sorted(symbols, key=_line)) for file, symbols in made.items()}


def _line(symbol: Symbol) -> int:
    return symbol.line


def _symbol(kind: object, name: object, line: object, owner: object) -> Symbol:
    """Raises TypeError for what is no symbol."""
    if not isinstance(line, int) or not all(isinstance(text, str) for text in (kind, name, owner)):
        raise TypeError("no symbol")
    texts = (invisible.on_one_line(str(text))[:_LONGEST] for text in (kind, name, owner))
    word, title, around = texts
    return Symbol(word, title, line, around)


def names(count: int, paths: Sequence[str]) -> list[str]:
    """The names that files have where they are read: nothing of theirs is in them but the ending of
    a language.
    """
    return [
        f"{number:04}{files.suffix(path)}" for number, path in zip(range(count), paths, strict=True)
    ]
