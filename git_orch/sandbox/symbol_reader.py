"""A program of its own, which git-orch runs in the sandbox: what do files of anybody's define?

It imports nothing of git-orch's. Its arguments are a directory, and where Python's packages are.
`order.json` in that directory names files and their grammars; it appends a line of JSON for each
to `symbols.jsonl`, so that what it had read stays when it is stopped.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MOST_SYMBOLS = 600  # of one file
_MOST_NODES = 300_000  # of one file
_LONGEST_NAME = 120

# Node types of the grammars, with the words that people have for them.
_KINDS = {
    "class_definition": "class",  # Python
    "function_definition": "function",
    "class_declaration": "class",  # JavaScript, TypeScript, Java
    "abstract_class_declaration": "class",
    "interface_declaration": "interface",
    "enum_declaration": "enum",
    "record_declaration": "record",
    "type_alias_declaration": "type",
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "method_definition": "method",
    "method_declaration": "method",
    "constructor_declaration": "method",
    "variable_declarator": "function",  # if a function is its value
    "type_spec": "type",  # Go
    "function_item": "function",  # Rust
    "struct_item": "struct",
    "enum_item": "enum",
    "trait_item": "trait",
    "impl_item": "impl",
    "mod_item": "module",
    "macro_definition": "macro",
    "struct_specifier": "struct",  # C, C++
    "union_specifier": "union",
    "enum_specifier": "enum",
    "class_specifier": "class",
    "namespace_definition": "namespace",
    "type_definition": "type",
    "class": "class",  # Ruby
    "module": "module",
    "method": "method",
    "singleton_method": "method",
}
_BODIED = frozenset({"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"})
_CLOSED = frozenset({"function", "method", "macro", "type", "enum"})  # nothing in them is listed
_OWNERS = frozenset({"class", "interface", "record", "struct", "trait", "impl", "module", "union"})
_OF_JAVASCRIPT = frozenset({"arrow_function", "function", "function_expression"})
_MODULES = {
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
}


class Place(NamedTuple):
    """A node to look at, and the name of the class around it."""

    node: Node
    owner: str


def main(directory: str, *packages: str) -> None:
    """Read all files of the order."""
    sys.path[:0] = packages
    with open(os.path.join(directory, "order.json"), encoding="utf-8") as file:
        order = json.load(file)
    parsers: dict[str, Parser] = {}
    with open(os.path.join(directory, "symbols.jsonl"), "a", encoding="ascii") as out:
        for name, grammar in order:
            if grammar not in parsers:
                parsers[grammar] = _parser(grammar)
            with open(os.path.join(directory, name), "rb") as source:
                root = parsers[grammar].parse(source.read()).root_node
            out.write(json.dumps([name, list(definitions(root))]) + "\n")
            out.flush()


def _parser(grammar: str) -> Parser:
    import tree_sitter

    module, function = _MODULES.get(grammar, (f"tree_sitter_{grammar}", "language"))
    language: Callable[[], object] = getattr(importlib.import_module(module), function)
    return tree_sitter.Parser(tree_sitter.Language(language()))


def definitions(root: Node) -> Iterator[tuple[str, str, int, str]]:
    """Kind, name, line and class of what a file defines, from its top to its end."""
    left = [Place(root, "")]
    looked_at = listed = 0
    while left and looked_at < _MOST_NODES and listed < MOST_SYMBOLS:
        node, owner = left.pop()
        looked_at += 1
        kind = _kind(node)
        name = _name(node) if kind is not None else ""
        if kind is not None and name:
            listed += kind not in ("impl", "namespace")
            if kind not in ("impl", "namespace"):
                inside = _receiver(node) or owner
                yield _word(kind, inside), name, node.start_point[0] + 1, inside
            owner = name if kind in _OWNERS else owner
        if kind not in _CLOSED:
            left += [Place(child, owner) for child in reversed(node.named_children)]


def _kind(node: Node) -> str | None:
    """The word for a node that defines something."""
    if not node.is_named or (node.type in _BODIED and node.child_by_field_name("body") is None):
        return None
    if node.type == "module" and node.parent is None:  # Python calls all of a file so
        return None
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        return "function" if value is not None and value.type in _OF_JAVASCRIPT else None
    return _KINDS.get(node.type)


def _word(kind: str, owner: str) -> str:
    return "method" if kind == "function" and owner else kind


def _name(node: Node) -> str:
    """The name of a definition: in C it is inside of declarators."""
    named = node.child_by_field_name("name")
    if node.type == "impl_item":
        named = node.child_by_field_name("type")
    inner = node.child_by_field_name("declarator") if named is None else None
    for _ in range(20):
        if inner is None:
            break
        named, inner = inner, inner.child_by_field_name("declarator")
    return _text(named)


def _receiver(node: Node) -> str:
    """The type that a method of Go belongs to."""
    if node.type != "method_declaration":
        return ""
    return _text(node.child_by_field_name("receiver")).strip("()").split(" ")[-1].lstrip("*")


def _text(node: Node | None) -> str:
    text = node.text if node is not None else None
    return (text or b"")[:_LONGEST_NAME].decode("utf-8", "replace").partition("\n")[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
