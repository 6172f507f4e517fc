"""The source of a shell text: its spans, and its words, whose tokens are compared with bash's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from git_orch.sandbox.policy import tokens, words
from git_orch.sandbox.policy.verdict import Span
from git_orch.sandbox.policy.words import Word

if TYPE_CHECKING:
    from tree_sitter import Node

BLANK = re.compile(r"[ \t]*")
BLANK_LINES = re.compile(r"[ \t\n]*")


class Strange(Exception):
    """A node that is not what bash would make of the text."""

    def __init__(self, start: int, end: int, why: str) -> None:
        super().__init__(why)
        self.start, self.end, self.why = start, end, why


class Source:
    """A text that was parsed; `pending` holds the nodes of commands that wait to be walked.

    `evaluated` are calculations with variables: bash runs commands in the index of a name that such
    a variable holds.
    """

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.pending: list[Node] = []
        self.evaluated: list[Span] = []

    def text(self, start: int, end: int) -> str:
        """The text from byte to byte."""
        return self.data[start:end].decode("utf-8", "replace")  # one byte may be half a character

    def span(self, start: int, end: int) -> Span:
        """The text from byte to byte, with its place counted in characters."""
        at = len(self.text(0, start))
        text = self.text(start, end)
        return Span(text, at, at + len(text))

    def between(self, start: int, end: int, allowed: re.Pattern[str]) -> str:
        """The text between two nodes, which the parser skipped."""
        text = self.text(start, end)
        if not allowed.fullmatch(text):
            raise Strange(start, end, "not a command that can be read: {}")
        return text

    def inside(self, node: Node, allowed: re.Pattern[str] = BLANK) -> Sequence[Node]:
        """The children, when nothing but blanks lies between them."""
        children: Sequence[Node] = node.children
        at = node.start_byte
        for child in children:
            self.between(at, child.start_byte, allowed)
            at = child.end_byte
        self.between(at, node.end_byte, allowed)
        return children

    # -- words -------------------------------------------------------------------------------------

    def words(self, node: Node) -> list[Word]:
        """The words that an argument becomes: several where it lists alternatives in braces."""
        raw = self.text(node.start_byte, node.end_byte)
        if node.type in ("concatenation", "word"):
            alternatives = tokens.alternatives(raw)
            if alternatives:
                span = self.span(node.start_byte, node.end_byte)
                wild = [bool(re.search(r"[*?\[]", text)) for text in alternatives]
                return [
                    Word(text, span, glob=glob)
                    for text, glob in zip(alternatives, wild, strict=True)
                ]
        return [self.word(node)]

    def word(self, node: Node) -> Word:
        """The word of a node; the commands inside it wait to be walked."""
        pieces = [self._piece(part) for part in self._parts_of(node)]
        plain = [text for text, bare in pieces if bare]
        raw = self.text(node.start_byte, node.end_byte)
        if any("{" in text for text in plain) and tokens.expands_braces(raw):
            raise Strange(
                node.start_byte, node.end_byte, "write the words out instead of in braces: {}"
            )
        # Quoted, neither '~' nor what makes it begin a path means anything to the shell.
        joined = "".join(
            text if bare else re.sub("[~=:]", words.UNKNOWN, text) for text, bare in pieces
        )
        return Word(
            "".join(text for text, _ in pieces),
            self.span(node.start_byte, node.end_byte),
            splits=any(bare and words.UNKNOWN in text for text, bare in pieces),
            glob=any(re.search(r"[*?\[]", text) for text in plain),
            home=bool(re.search(r"^~|[=:]~", joined)),
        )

    def _parts_of(self, node: Node) -> Sequence[Node]:
        if node.type != "concatenation":
            return (node,)
        children: Sequence[Node] = node.children
        at = node.start_byte
        for child in (*children, None):
            start = child.start_byte if child is not None else node.end_byte
            if start != at:
                raise Strange(node.start_byte, node.end_byte, "not a word that can be read: {}")
            at = child.end_byte if child is not None else at
        return children

    def _piece(self, node: Node) -> tuple[str, bool]:
        """The text of a piece of a word, and whether the shell still expands and splits it."""
        raw = self.text(node.start_byte, node.end_byte)
        if node.type == "arithmetic_expansion" and tokens.calculates(raw):
            self.evaluated.append(self.span(node.start_byte, node.end_byte))
            return words.UNKNOWN, True
        read = tokens.READERS.get(node.type)
        if read is not None:
            text = read(raw)
            if text is None:
                raise Strange(node.start_byte, node.end_byte, "quote it, with '...': {}")
            return text, node.type in tokens.BARE
        if node.type in ("command_substitution", "process_substitution"):
            self.pending.append(node)
            return words.UNKNOWN, True
        if node.type == "string":
            return self._string(node), False
        raise Strange(node.start_byte, node.end_byte, "not a word that can be read: {}")

    def _string(self, node: Node) -> str:
        """The text between double quotes."""
        children = node.children
        text, at = "", node.start_byte + 1
        if len(children) < 2 or self.data[node.end_byte - 1 : node.end_byte] != b'"':
            raise Strange(node.start_byte, node.end_byte, "not a text that can be read: {}")
        for child in children[1:-1]:
            text += self._quoted_text(at, child.start_byte)
            if child.type in ("string_content", "$"):
                text += self._quoted_text(child.start_byte, child.end_byte)
            else:
                text += self._piece(child)[0]
            at = child.end_byte
        return text + self._quoted_text(at, node.end_byte - 1)

    def _quoted_text(self, start: int, end: int) -> str:
        """Literal text between double quotes; '$' stands alone there only before what begins no
        expansion.
        """
        text = tokens.double_quoted_text(self.text(start, end), self.text(end, end + 1))
        if text is None:
            raise Strange(start, end, "not a text that can be read: {}")
        return text
