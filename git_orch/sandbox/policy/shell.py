"""Shell text, parsed with tree-sitter's grammar of bash, which is not trusted.

The walk visits every node, refuses node types that are not on its lists, and compares every token
with bash's own rules: a command could hide where grammar and bash differ.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from git_orch.plans import invisible
from git_orch.sandbox.policy import (
    builtins,
    programs,
    redirects,
    source,
    tokens,
    verdict,
    words,
    wrappers,
)
from git_orch.sandbox.policy.rules import Surroundings
from git_orch.sandbox.policy.source import Strange
from git_orch.sandbox.policy.verdict import Span, Verdict
from git_orch.sandbox.policy.words import Word

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LONGEST = 20_000  # bytes
# The parser's time grows with the square of these; what people write has a few.
_MANY = (
    ("|", 1000),
    ("(", 1000),
    (")", 1000),
    (">", 1000),
    ("<", 1000),
    ("=(", 50),
    ("${", 1000),
    ("<<", 20),
)
_LOST_DASH = re.compile(r"[ \t]*|[ \t]+-[ \t]+")
_WRITE_PLAINLY = "write it more plainly, as argv or as several steps"

# Statements with statements in them: between two of these stands an operator or a new line.
_HOLDERS = words.word_set("""
    program list pipeline negated_command subshell compound_statement do_group if_statement
    elif_clause else_clause while_statement command_substitution process_substitution
""")
_KEYWORDS = frozenset(
    "; & && || | |& ! ( ) { } do done if then elif else fi while until $( ` <( >( \n".replace(
        " ", "\0"
    ).split("\0")
)


def text_denial(text: str) -> Verdict | None:
    """The refusal of a text that is empty, too long, or has characters that mislead a reader; None
    for any other.
    """
    whole = Span(text, 0, len(text))
    if not text.strip():
        return verdict.denial("PARSE", whole, "the command is empty", "write a command")
    strange = invisible.first(text)
    if strange is not None:
        reason = f"the character U+{ord(strange[0]):04X} is not allowed in a command"
        return verdict.denial(
            "PARSE", Span(strange[0], strange.start(), strange.end()), reason, "leave it out"
        )
    if len(text.encode()) > LONGEST or any(text.count(sign) > most for sign, most in _MANY):
        hint = "write a script into the worktree and run that"
        return verdict.denial(
            "TOO_LONG", whole, f"the command is longer than {LONGEST} bytes or too involved", hint
        )
    return None


@cache
def _parser() -> Parser:
    import tree_sitter  # with its grammar 15 ms, which only those pay who have shell text
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def parsed(data: bytes) -> Node:
    """The root of the tree of a shell text that `text_denial` lets pass; it may hold errors."""
    return _parser().parse(data).root_node


class Script:
    """One shell text; `parts` gives the verdicts against it."""

    def __init__(self, text: str, around: Surroundings) -> None:
        self._source = source.Source(text)
        self._around = around
        self._moved: Span | None = None
        self._git: Span | None = None

    def parts(self) -> Iterator[Verdict]:
        """Walk the text and give a verdict for every part that keeps it from running."""
        root = parsed(self._source.data)
        if root.has_error:
            yield self._denial(*_first_error(root), "not a command that can be read: {}")
            return
        try:
            self._source.between(0, root.start_byte, source.BLANK_LINES)
            self._source.between(root.end_byte, len(self._source.data), source.BLANK_LINES)
            self._source.pending = [root]
            # A list instead of recursion: the input may be nested to any depth.
            while self._source.pending:
                yield from self._statement(self._source.pending.pop())
        except Strange as strange:
            yield self._denial(strange.start, strange.end, strange.why)
        for span in self._source.evaluated:
            yield verdict.sandbox_only(
                span, "it evaluates variables, so it runs in the sandbox only: {}"
            )
        if self._moved is not None and self._git is not None:
            # A repository may have been planted there.
            reason = "git in another directory runs in the sandbox only: {}"
            yield verdict.sandbox_only(self._git, reason)

    def _denial(self, start: int, end: int, why: str) -> Verdict:
        return verdict.denial("PARSE", self._source.span(start, end), why, _WRITE_PLAINLY)

    # -- statements --------------------------------------------------------------------------------

    def _statement(self, node: Node) -> Iterator[Verdict]:
        kind = node.type
        if kind in _HOLDERS:
            yield from self._holder(node)
        elif kind == "command":
            yield from self._command(node)
        elif kind == "redirected_statement":
            yield from self._redirected_statement(node)
        elif kind == "for_statement":
            yield from self._for(node)
        elif kind == "test_command":
            yield from self._test(node)
        elif kind == "variable_assignment":
            yield from self._assignment(node, alone=True)
        elif kind in ("declaration_command", "unset_command", "function_definition"):
            name = node.children[0] if kind != "function_definition" else node
            hint = "write the command out, with assignments in front of it"
            span = self._source.span(name.start_byte, name.end_byte)
            yield verdict.denial("BUILTIN", span, "blocked pattern: {}", hint)
        else:
            raise Strange(node.start_byte, node.end_byte, "not a command that can be read: {}")

    def _holder(self, node: Node) -> Iterator[Verdict]:
        before: Node | None = None  # the statement that no operator has ended yet
        for child in self._source.inside(node, source.BLANK_LINES):
            if child.type == "comment":
                self._comment(child)
                continue
            if not child.is_named:
                if (
                    child.type not in _KEYWORDS
                    or self._source.text(child.start_byte, child.end_byte) != child.type
                ):
                    raise Strange(
                        child.start_byte, child.end_byte, "not a command that can be read: {}"
                    )
                if child.type == "&":
                    span = self._source.span(child.start_byte, child.end_byte)
                    yield verdict.sandbox_only(
                        span, "background work runs in the sandbox only: {}", "BACKGROUND"
                    )
                before = None
                continue
            if before is not None and "\n" not in self._source.text(
                before.end_byte, child.start_byte
            ):
                raise Strange(
                    child.start_byte, child.end_byte, "not a command that can be read: {}"
                )
            before = child
            self._source.pending.append(child)

    def _comment(self, node: Node) -> None:
        """A comment stands after a blank or an operator and ends with the line."""
        start, end = node.start_byte, node.end_byte
        before = self._source.data[start - 1 : start]
        after = self._source.data[end : end + 1]
        if (
            before not in (b"", b" ", b"\t", b"\n", b";")
            or b"\n" in self._source.data[start:end]
            or after not in (b"", b"\n")
        ):
            raise Strange(start, end, "not a comment that can be read: {}")

    def _redirected_statement(self, node: Node) -> Iterator[Verdict]:
        at = node.start_byte
        for child in node.children:
            # The grammar loses a '-' there, which names the standard input that follows.
            lost = (
                _LOST_DASH
                if child.type == "heredoc_redirect" and at > node.start_byte
                else source.BLANK
            )
            self._source.between(at, child.start_byte, lost)
            at = child.end_byte
            if child.type in ("file_redirect", "herestring_redirect", "heredoc_redirect"):
                yield from self._redirect(child)
            elif child.is_named:
                self._source.pending.append(child)
            else:
                raise Strange(
                    child.start_byte, child.end_byte, "not a command that can be read: {}"
                )

    def _redirect(self, node: Node) -> Iterator[Verdict]:
        if node.type == "heredoc_redirect":
            yield from self._heredoc(node)
            return
        children = list(self._source.inside(node))
        if node.type == "file_redirect" and children and children[0].type == "file_descriptor":
            descriptor = children.pop(0)
            text = self._source.text(descriptor.start_byte, descriptor.end_byte)
            if not re.fullmatch("[0-9]", text) or children[0].start_byte != descriptor.end_byte:
                raise Strange(
                    node.start_byte, node.end_byte, "not a redirection that can be read: {}"
                )
        operator = self._source.text(children[0].start_byte, children[0].end_byte)
        targets = children[1:]
        if len(targets) != (0 if operator in (">&-", "<&-") else 1):
            raise Strange(
                node.start_byte, node.end_byte, "write redirections at the end of the command: {}"
            )
        for target in targets:
            yield from redirects.judge(operator, self._source.word(target), self._around.root)

    def _heredoc(self, node: Node) -> Iterator[Verdict]:
        """A here-document ends where bash ends it, and its text is data; commands may follow on its
        first line.
        """
        start, end = node.start_byte, node.end_byte
        before, whole, after = (
            self._source.text(*ends) for ends in ((0, start), (start, end), (end, end + 1))
        )
        if not redirects.plain_heredoc(before, whole, after):
            raise Strange(
                start, end, "not a here-document that can be read; quote its mark, as in <<'EOF'"
            )
        at = start
        for child in node.children:
            if child.type == "heredoc_body":
                return
            self._source.between(at, child.start_byte, source.BLANK)
            at = child.end_byte
            if child.type == "file_redirect":
                yield from self._redirect(child)
            elif child.type in ("command", "pipeline", "list", "redirected_statement"):
                self._source.pending.append(child)
            elif child.type not in ("<<", "<<-", "heredoc_start", "&&", "||"):
                raise Strange(
                    start, child.end_byte, "write here-documents at the end of the command: {}"
                )

    def _for(self, node: Node) -> Iterator[Verdict]:
        children = [
            child
            for child in self._source.inside(node, source.BLANK_LINES)
            if child.type != "comment"
        ]
        name = self._source.text(children[1].start_byte, children[1].end_byte)
        if (
            children[0].type != "for"
            or children[1].type != "variable_name"
            or not words.VARIABLE.fullmatch(name)
        ):
            span = self._source.span(node.start_byte, children[1].end_byte)
            yield verdict.denial(
                "ENV_VAR", span, "variable not allowed: {}", "use a lower-case name"
            )
        last = children[1]
        for child in children[2:]:
            if child.type == "do_group":
                self._source.pending.append(child)
            elif child.is_named:
                self._source.between(last.end_byte, child.start_byte, re.compile(r"[ \t]+"))
                self._source.word(child)
            elif child.type not in ("in", ";", "\n"):
                raise Strange(child.start_byte, child.end_byte, "not a loop that can be read: {}")
            last = child

    def _command(self, node: Node) -> Iterator[Verdict]:
        command_words: list[Word] = []
        last: Node | None = None
        for child in self._source.inside(node):
            redirect = child.type in ("file_redirect", "herestring_redirect")
            if last is not None and last.end_byte == child.start_byte and not redirect:
                raise Strange(last.start_byte, child.end_byte, "not words that can be read: {}")
            last = child
            if redirect:
                yield from self._redirect(child)
            elif child.type == "variable_assignment" and not command_words:
                yield from self._assignment(child, alone=False)
            elif child.type == "command_name":
                command_words.append(self._name(child))
            elif child.is_named:
                command_words.extend(self._source.words(child))
            else:
                raise Strange(child.start_byte, child.end_byte, "not words that can be read: {}")
        if not command_words:
            return
        if any(word.text == "cd" for word in command_words):
            self._moved = command_words[0].span
        if any(word.text == "git" for word in command_words):
            self._git = command_words[0].span
        yield from programs.judge(command_words[0], tuple(command_words[1:]), self._around)

    def _name(self, node: Node) -> Word:
        """The word of a command's name; one that is not plain is marked as `splits`, so it is
        refused.
        """
        [child] = node.children
        word = self._source.word(child)
        return word if child.type == "word" and not word.splits else word._replace(splits=True)

    def _assignment(self, node: Node, *, alone: bool) -> Iterator[Verdict]:
        children = self._source.inside(node)
        span = self._source.span(node.start_byte, node.end_byte)
        sign = (
            self._source.text(children[1].start_byte, children[1].end_byte)
            if len(children) > 1
            else ""
        )
        if children[0].type != "variable_name" or sign not in ("=", "+=") or len(children) > 3:
            raise Strange(node.start_byte, node.end_byte, "not an assignment that can be read: {}")
        name = self._source.text(children[0].start_byte, children[0].end_byte)
        value = self._source.word(children[2]) if len(children) == 3 else None
        if value is not None and children[2].start_byte != children[1].end_byte:
            raise Strange(node.start_byte, node.end_byte, "not an assignment that can be read: {}")
        whole = (
            value._replace(text=f"{name}={value.text}", span=span)
            if value
            else Word(f"{name}=", span)
        )
        yield from wrappers.variable(name, whole, self._around.root, alone=alone)

    # -- tests -------------------------------------------------------------------------------------

    def _test(self, node: Node) -> Iterator[Verdict]:
        """[ is a program, so its words are judged; [[ evaluates some of its words, so that few
        operators are left.
        """
        children = self._source.inside(node)
        double = children[0].type == "[["
        leaves = list(self._leaves(children[1:-1]))
        ends = [
            (node.start_byte, children[0].end_byte),
            *((leaf.start_byte, leaf.end_byte) for leaf in leaves),
        ]
        for (_, end), (start, _) in itertools.pairwise(ends):
            if end == start:
                raise Strange(node.start_byte, node.end_byte, "not a test that can be read: {}")
        test_words = [self._test_word(leaf, double=double) for leaf in leaves]
        name = Word(
            self._source.text(children[0].start_byte, children[0].end_byte),
            self._source.span(*ends[0]),
        )
        yield from builtins.test(name, tuple(test_words), self._around)

    def _leaves(self, nodes: Sequence[Node]) -> Iterator[Node]:
        stack = list(reversed(nodes))
        while stack:
            node = stack.pop()
            if node.type in ("unary_expression", "binary_expression"):
                stack.extend(reversed(self._source.inside(node)))
            else:
                yield node

    def _test_word(self, node: Node, *, double: bool) -> Word:
        text = self._source.text(node.start_byte, node.end_byte)
        span = self._source.span(node.start_byte, node.end_byte)
        if node.type == "extglob_pattern":
            if not re.fullmatch(r"[\w./*?-]+", text):
                raise Strange(node.start_byte, node.end_byte, "not a test that can be read: {}")
            return Word(text, span)
        if node.type == "test_operator" or not node.is_named:
            if text not in (tokens.DOUBLE_TEST if double else tokens.SINGLE_TEST):
                raise Strange(node.start_byte, node.end_byte, "not a test that can be read: {}")
            return Word(text, span)
        word = self._source.word(node)
        return word._replace(splits=False) if double else word


def _first_error(root: Node) -> tuple[int, int]:
    """Where the parser stumbled first."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            return node.start_byte, node.end_byte
        stack.extend(child for child in reversed(node.children) if child.has_error)
    return root.start_byte, root.end_byte
