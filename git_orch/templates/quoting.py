"""Variables in the commands of a template: each is one word of the shell, or one argument.

`sh` quotes a value, and a quoted value is one word only where the shell reads words: not between
quotes, not in a here-document, not in what `eval` or `sh -c` reads once more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from jinja2 import nodes

from git_orch.sandbox.policy import shell, words
from git_orch.templates import language
from git_orch.templates.language import Malformed, Text

if TYPE_CHECKING:
    from tree_sitter import Node

_WORD = "OrchVariable"  # stands for a variable while the shell text is parsed
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh", "zsh", "fish"))
_SCRIPT = re.compile(r"\.(?:sh|bash|ksh|zsh)$")
# They read their arguments as commands.
_READ_AGAIN = frozenset(("eval", "trap", "alias", "ssh", "su", "watch", "parallel"))
_CODE_OPTION = re.compile(r"-[A-Za-z]*[ce]|--(?:eval|command)")
_INTERPRETER = re.compile(
    r"(?:ba|da|k|z|fi|a)?sh|busybox|python[0-9.]*|pypy[0-9.]*|perl|ruby|node|nodejs|deno|bun|php"
    r"|lua"
)
# A word below these is one word for the command.
_PLAIN = words.word_set("""
    program list pipeline command redirected_statement file_redirect concatenation word
    negated_command variable_assignment variable_assignments declaration_command subshell
    compound_statement array if_statement elif_clause else_clause while_statement for_statement
    case_statement case_item do_group function_definition test_command unary_expression
    binary_expression
""")
_INNER = frozenset(("command_substitution", "process_substitution"))


def require_quoted(text: Text) -> None:
    """Raises Malformed for a shell text with a variable that is not one word of it."""
    if text.tree is None:
        return
    source, count = _with_words(text.tree)
    if not count:
        return
    denial = shell.text_denial(source)
    if denial is not None:
        raise Malformed(f"the command cannot be read: {denial.reason}")
    root = shell.parsed(source.encode())
    if root.has_error:
        raise Malformed("the command cannot be read: write it more plainly, or as argv")
    data = source.encode()
    for match in re.finditer(rb"OrchVariable\d+x", data):
        node = root.descendant_for_byte_range(match.start(), match.end())
        if node is None or not _is_word(node):
            raise Malformed(
                "a variable stands inside of quotes or of what is no word of the shell: "
                "write {{ name | sh }} as a word of its own"
            )
        _require_not_read_again(node)


def require_one_argument(argv: Sequence[Text]) -> None:
    """Raises Malformed for an argument list whose program is a variable, or with a variable in what
    its program reads as code.
    """
    if not argv:
        return
    if argv[0].names:
        raise Malformed("a variable names the program: write its name out")
    _require_arguments([(text.source, bool(text.names)) for text in argv])


def is_script(path: str, text: str) -> bool:
    """Whether a file is a script of a shell, by its first line or its name."""
    first = text.split("\n", 1)[0]
    if not first.startswith("#!"):
        return _SCRIPT.search(path) is not None
    names = {os.path.basename(word) for word in first[2:].split()}
    return bool(names & _SHELLS) or any(mark in first for mark in language.MARKS)


def _with_words(tree: nodes.Template) -> tuple[str, int]:
    """The text with a word in the place of every variable, and how many those are."""
    pieces: list[str] = []
    count = 0
    for piece in _pieces(tree):
        if isinstance(piece, nodes.TemplateData):
            pieces.append(piece.data)
        elif isinstance(piece, nodes.Const):
            pieces.append(str(piece.value))
        elif isinstance(piece, nodes.Filter) and piece.name == "sh":
            count += 1
            pieces.append(f"{_WORD}{count}x")
        else:
            name = next((node.name for node in piece.find_all(nodes.Name)), "")
            if isinstance(piece, nodes.Name):
                name = piece.name
            raise Malformed(f"'{name}' is not quoted: write {{{{ {name} | sh }}}}")
    return "".join(pieces), count


def _pieces(tree: nodes.Template) -> Iterator[nodes.Node]:
    for node in tree.body:
        if not isinstance(node, nodes.Output):
            raise Malformed("a condition cannot stand in a command: give it a variable of its own")
        yield from node.nodes


def _is_word(node: Node) -> bool:
    """Whether the shell reads a node as a word, or as a part of one."""
    if node.type != "word":
        return False
    above = node.parent
    while above is not None and above.type not in _INNER:
        if above.type not in _PLAIN:
            return False
        above = above.parent
    return above is None or above.text is None or not above.text.startswith(b"`")


def _require_not_read_again(node: Node) -> None:
    command: Node | None = node
    while command is not None and command.type != "command":
        if command.type in _INNER:
            return
        command = command.parent
    if command is None:
        return
    children = [child for child in command.children if child.type != "variable_assignment"]
    texts = [(child.text or b"").decode() for child in children]
    _require_arguments([(text, _WORD in text) for text in texts])


def _require_arguments(arguments: Sequence[tuple[str, bool]]) -> None:
    """Raises Malformed where a word with a variable, the second of each pair, is read as code."""
    plain = [word.strip("'\"") for word, _ in arguments]
    names = [os.path.basename(word) for word in plain]
    again = next((name for name in names if name in _READ_AGAIN), None)
    is_code = any(map(_INTERPRETER.fullmatch, names))
    for number, (_, is_variable) in enumerate(arguments):
        if not is_variable:
            continue
        if again is not None:
            raise Malformed(f"'{again}' reads a variable as a command: leave it out")
        if is_code and number and _CODE_OPTION.fullmatch(plain[number - 1]):
            raise Malformed(
                f"what follows '{plain[number - 1]}' is code: give it the variable as an argument"
            )
