"""The language of templates: expressions of Jinja without loops, calls, attributes and arithmetic.

What is left ends in a time that grows with the text alone, whoever wrote it. `{{ .Name }}` and
`{{ .Port | default 8080 }}`, as Go spells them, mean `{{ Name }}` and `{{ Port | default(8080) }}`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import ext, lexer, nodes, sandbox
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.runtime import StrictUndefined, Undefined

if TYPE_CHECKING:
    from jinja2.lexer import Token, TokenStream

Value = str | int | bool
MARKS = ("{{", "{%")
_BRACKET = re.compile(r"\{(?=[{%]|\Z)")
_MOST_TOKENS = 20_000  # of the expressions of a text
_DEEPEST = 20  # levels of an expression, or of conditions
_LONGEST_VALUE = 65_536  # characters that a filter makes
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
_LITERALS = (lexer.TOKEN_STRING, lexer.TOKEN_INTEGER)


class Malformed(Exception):
    """A text that is no template, or one that cannot be filled in."""


class Text(NamedTuple):
    """A text with its expressions, parsed; a text without any has no `tree`."""

    source: str
    tree: nodes.Template | None

    @property
    def names(self) -> frozenset[str]:
        """The variables that the text uses."""
        return frozenset(name.name for name in self._all(nodes.Name))

    @property
    def bare_names(self) -> frozenset[str]:
        """The variables that must have a value here, because no `default` stands in for it."""
        filters = [node for node in self._all(nodes.Filter) if node.name == "default"]
        covered = {id(node.node) for node in filters}
        return frozenset(name.name for name in self._all(nodes.Name) if id(name) not in covered)

    def _all(self, kind: type[_Node]) -> Iterator[_Node]:
        return iter(()) if self.tree is None else self.tree.find_all(kind)


if TYPE_CHECKING:
    from typing import TypeVar

    _Node = TypeVar("_Node", bound=nodes.Node)


def parse(source: str) -> Text:
    """The parsed text. Raises Malformed for what is no template, or asks for more than this
    language has.
    """
    if not any(mark in source for mark in MARKS):
        return Text(source, None)
    if "\r" in source:
        raise Malformed("it holds a carriage return: write line feeds alone")
    try:
        tree = _environment().parse(source)
        _require_allowed(tree)
    except TemplateError as error:
        raise Malformed(_sentence(str(error.message))) from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise Malformed("it holds an expression that cannot be read") from error
    return Text(source, tree)


def fill(text: Text, values: Mapping[str, Value], limit: int) -> str:
    """The text with the values filled in. Raises Malformed for a text longer than `limit`
    characters, and for an expression that has no value.
    """
    if text.tree is None:
        return text.source
    environment = _environment()
    try:
        code = environment.compile(text.tree)
        template = environment.template_class.from_code(environment, code, {})
        return "".join(_bounded(template.generate(dict(values)), limit))
    except TemplateError as error:
        raise Malformed(_sentence(str(error.message))) from error
    except (RecursionError, MemoryError, TypeError) as error:
        raise Malformed("it holds an expression that has no value") from error


def literal(text: str) -> str:
    """The template that gives this text: a bracket that might begin an expression, here or with the
    text that follows, stands in one.
    """
    return _BRACKET.sub("{{ '{' }}", text)


def _sentence(message: str) -> str:
    return (message[:1].lower() + message[1:200]).rstrip(".")


def _bounded(pieces: Iterable[str], limit: int) -> Iterator[str]:
    for piece in pieces:
        limit -= len(piece)
        if limit < 0:
            raise Malformed("the texts are too long with the values filled in")
        yield piece


def _require_allowed(tree: nodes.Template) -> None:
    """Raises Malformed for a tree that is too deep, or with a node that this language lacks."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if not isinstance(node, _ALLOWED):
            raise Malformed(f"it uses '{type(node).__name__.lower()}', which templates do not have")
        if depth > _DEEPEST:
            raise Malformed(f"an expression is nested deeper than {_DEEPEST} levels")
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise Malformed(
                f"there is no filter '{node.name[:60]}', only {', '.join(sorted(FILTERS))}"
            )
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


# -- filters ---------------------------------------------------------------------------------------


def shown(value: object) -> object:
    """A value as texts have it: true and false as YAML and JSON spell them."""
    return str(value).lower() if isinstance(value, bool) else value


def _text(value: object) -> str:
    return _short(str(shown(value)))


def _short(text: str) -> str:
    if len(text) > _LONGEST_VALUE:
        raise Malformed("a value is too long")
    return text


def _default(value: object, otherwise: Value = "") -> object:
    return otherwise if isinstance(value, Undefined) else value


def _words(value: object) -> Sequence[str]:
    return "".join(sign if sign.isalnum() else " " for sign in _text(value)).split()


FILTERS = {
    "default": _default,
    "json": lambda value: _short(json.dumps(shown(value), ensure_ascii=False)),
    "lower": lambda value: _text(value).lower(),
    "pascal": lambda value: "".join(word[:1].upper() + word[1:] for word in _words(value)),
    "sh": lambda value: _short(shlex.quote(_text(value))),
    "snake": lambda value: "_".join(_words(value)).lower(),
    "upper": lambda value: _text(value).upper(),
}


# -- Jinja -----------------------------------------------------------------------------------------


class _GoSpelling(ext.Extension):
    """The spelling of Go's templates, made Jinja's: no dot before a name, a default in brackets."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """The tokens of a text."""
        previous = before = ""
        for number, token in enumerate(stream):
            if number > _MOST_TOKENS:
                raise TemplateSyntaxError("its expressions are too long", token.lineno)
            if token.type == lexer.TOKEN_DOT and previous == lexer.TOKEN_VARIABLE_BEGIN:
                continue
            is_default = previous == "default" and before == lexer.TOKEN_PIPE
            before = previous
            previous = token.value if token.type == lexer.TOKEN_NAME else token.type
            if is_default and token.type in _LITERALS:
                yield lexer.Token(token.lineno, lexer.TOKEN_LPAREN, "(")
                yield token
                yield lexer.Token(token.lineno, lexer.TOKEN_RPAREN, ")")
            else:
                yield token


@cache
def _environment() -> sandbox.ImmutableSandboxedEnvironment:
    environment = sandbox.ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=shown,
        keep_trailing_newline=True,
        optimized=False,
        # `${#list}` is the length of a list in a shell, and YAML has comments.
        comment_start_string="{{#",
        comment_end_string="#}}",
        extensions=[_GoSpelling],
        cache_size=0,
    )
    environment.filters = dict(FILTERS)
    environment.tests = {}
    environment.globals = {}
    return environment
