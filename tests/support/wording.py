"""Counts what the house rules limit: lines over 100 columns, and words that say nothing.

`python tests/support/wording.py [DIRECTORY]` prints the words of each file, most of them first.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# A noun or a verb that names the thing says more: repository, message, step, attempt.
WORDS = frozenset({"found", "told", "said", "each", "wanted", "known"})
COLUMNS = 100

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")  # of snake_case and CamelCase


def sources(directory: Path) -> list[Path]:
    """The Python files below a directory."""
    return sorted(directory.rglob("*.py"))


def words_in(source: str) -> Counter[str]:
    """How often each of WORDS is a name in the source, or a part of one; prose and texts do not
    count.
    """
    parts = (part for name in _names(ast.parse(source)) for part in _PART.findall(name))
    return Counter(part.lower() for part in parts if part.lower() in WORDS)


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)) | ast.MatchAs(name=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield from (name, asname or "")


def long_lines(path: Path) -> list[int]:
    """The numbers of the lines over COLUMNS."""
    lines = path.read_text().splitlines()
    return [number for number, line in enumerate(lines, start=1) if len(line) > COLUMNS]


def length(directory: Path) -> int:
    """All lines of a directory's sources."""
    return sum(len(path.read_text().splitlines()) for path in sources(directory))


def main() -> None:
    """Print the words of each file, their sum, and the lines that are too long."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "git_orch")
    by_file = {path: words_in(path.read_text()) for path in sources(directory)}
    for path, words in sorted(by_file.items(), key=lambda item: -item[1].total()):
        if words:
            counts = ", ".join(f"{word} {count}" for word, count in words.most_common())
            sys.stdout.write(f"{words.total():5}  {path}: {counts}\n")
    lines, total = length(directory), sum(words.total() for words in by_file.values())
    too_long = sum(len(long_lines(path)) for path in by_file)
    sys.stdout.write(
        f"{total} in {lines} lines, {1000 * total / lines:.1f} of 1,000; "
        f"{too_long} lines over {COLUMNS} columns, 1 in {lines // max(too_long, 1)}\n"
    )


if __name__ == "__main__":
    main()
