"""A name that somebody else chose goes into a sentence by `sentences.quoted`, and into a command by
`shlex.quote`: an apostrophe in the text before it and after it is a newline's way out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import places
import wording

PRODUCT = places.TOP / "git_orch"
# What the code calls paths and the names of refs.
_NAMES = frozenset({
    "absent", "branch", "chosen", "common", "common_dir", "directory", "executable", "file",
    "git_dir", "link", "lock", "moved", "parent", "path", "paths", "place", "readlink", "ref",
    "removeprefix", "storage", "top", "worktree",
})  # fmt: skip
# It is the mechanism.
_MECHANISM = PRODUCT / "plans" / "sentences.py"


def _word(value: ast.expr) -> str:
    """The last word of an expression: the attribute, the name, or what is called or indexed."""
    match value:
        case ast.Attribute(attr=word) | ast.Name(id=word):
            return word
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _word(inner)
    return ""


def by_hand(source: str) -> Iterator[str]:
    """The paths and refs that a text has between apostrophes."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for before, value, after in zip(
            node.values, node.values[1:], node.values[2:], strict=False
        ):
            match before, value, after:
                case ast.Constant(value=str(left)), ast.FormattedValue(value=name), ast.Constant(
                    value=str(right)
                ):
                    is_quoted = left.endswith("'") and right.startswith("'")
                    if is_quoted and _word(name) in _NAMES:
                        yield f"line {node.lineno}: {ast.unparse(name)}"


def test_no_path_stands_between_apostrophes() -> None:
    quoted = {
        str(path.relative_to(PRODUCT)): names
        for path in wording.sources(PRODUCT)
        if path != _MECHANISM and (names := list(by_hand(path.read_text())))
    }
    assert quoted == {}


def test_a_path_between_apostrophes_is_seen() -> None:
    source = """f"there is no '{plan.path}'; '{paths[0]}' {ref} '{os.readlink(at)}' '{title}'" """
    assert list(by_hand(source.strip())) == [
        "line 1: plan.path", "line 1: paths[0]", "line 1: os.readlink(at)",
    ]  # fmt: skip
