"""The text of a YAML or JSON file as plain values with their line numbers.

In YAML every scalar is the string that was typed (`on`, `12:30`, `1.0`, `0123`), except `~`, `null`
and nothing at all, which are None. The parser's events make the values, so that the limits hold
before the values exist.
"""

from __future__ import annotations

import bisect
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from git_orch.plans.file.findings import Finding, PlanFileError, file_finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES = 1 << 20  # a plan of 1,000 long steps is a third of that
MAX_NODES = 40_000  # forty for each of 1,000 steps: a plan that can be shown can be edited
MAX_DEPTH = 20  # a plan needs 6
MAX_DIGITS = 4_300  # sys.int_info.default_max_str_digits

HALF_A_PAIR = "holds half of a surrogate pair, which is no character"
_SURROGATE = re.compile("[\ud800-\udfff]")

Location = tuple[str | int, ...]

# The loader in C is four times as fast.
_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
_NULLS = frozenset(("", "~", "null"))
# All but the printable characters of YAML 1.1.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# A text without an end goes to the end of the file: the decoder refuses it. Nothing is looked at
# twice for it, hence the possessive quantifiers.
_JSON_LEXEME = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\],:]|[^\s{}\[\],:"]++')


class Source(NamedTuple):
    """Plain values, their lines (from 1) by location, and the findings of the reader."""

    value: object
    lines: Mapping[Location, int]
    findings: tuple[Finding, ...]

    def line(self, where: Location) -> int | None:
        """The line of the value there, or of the nearest one around it: a missing field has the
        line of its step.
        """
        while where not in self.lines and where:
            where = where[:-1]
        return self.lines.get(where)


def path_text(where: Location) -> str:
    """A location as people read it: steps[0].files['a b.txt']."""
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z_]\w{0,40}", part, re.ASCII):
            text += f".{part}" if text else part
        else:
            text += f"[{part if len(part) <= 80 else part[:77] + '...'!r}]"
    return text


def read(text: str, name: str) -> Source:
    """Values of a YAML file, or of a JSON file if its first non-blank character is '{'. Raises
    PlanFileError.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise PlanFileError(
            name, [file_finding("too-big", "", f"the file is larger than {MAX_BYTES >> 10} KiB", 1)]
        )
    if not text.strip():
        raise PlanFileError(name, [file_finding("empty", "", "the file is empty", 1)])
    is_json = text.lstrip().startswith("{")
    return read_json(text, name) if is_json else read_yaml(text, name)


# -- values from events ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """A list or an object whose end the reader has not reached."""

    values: dict[str, object] | list[object]
    where: Location
    key: str | None = None


@dataclass(slots=True)
class _Tree:
    """The values up to the parser's present event, with its findings: fields that come twice, and
    others.
    """

    name: str
    root: object = None
    lines: dict[Location, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    nodes: int = 0
    open: list[_Open] = field(default_factory=list)

    def wants_key(self) -> bool:
        """Whether the next value is the name of a field."""
        return (
            bool(self.open) and isinstance(self.open[-1].values, dict) and self.open[-1].key is None
        )

    def key(self, text: str, line: int) -> None:
        """Begin the field with that name; its value comes next."""
        self._count(line)
        parent = self.open[-1]
        parent.key = text
        where = (*parent.where, text)
        if where in self.lines:
            self.note(
                "duplicate-key", where, f"is here twice, first on line {self.lines[where]}", line
            )
        else:
            self.lines[where] = line

    def value(self, value: object, line: int) -> Location:
        """Put a value into the open list or field; returns its location."""
        self._count(line)
        if not self.open:
            self.root = value
            self.lines[()] = line
            return ()
        parent = self.open[-1]
        if isinstance(parent.values, list):
            where = (*parent.where, len(parent.values))
            self.lines[where] = line
            parent.values.append(value)
            return where
        where = (*parent.where, parent.key or "")
        parent.values[parent.key or ""] = value
        parent.key = None
        return where

    def begin(self, values: dict[str, object] | list[object], line: int) -> Location:
        """Open a list or an object; returns its location."""
        if len(self.open) >= MAX_DEPTH:
            self.stop("too-deep", f"nested deeper than {MAX_DEPTH} levels", line)
        where = self.value(values, line)
        self.open.append(_Open(values, where))
        return where

    def here(self) -> Location:
        """The location of the next value."""
        if not self.open:
            return ()
        parent = self.open[-1]
        return (
            *parent.where,
            len(parent.values) if isinstance(parent.values, list) else parent.key or "",
        )

    def note(self, code: str, where: Location, message: str, line: int) -> None:
        """Note a problem and go on."""
        self.findings.append(file_finding(code, path_text(where), message, line))

    def stop(self, code: str, message: str, line: int) -> None:
        """End the reading. Raises PlanFileError with all findings so far."""
        raise PlanFileError(self.name, [*self.findings, file_finding(code, "", message, line)])

    def source(self) -> Source:
        """All values and findings."""
        return Source(self.root, self.lines, tuple(self.findings))

    def _count(self, line: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.stop("too-many-nodes", f"more than {MAX_NODES:,} values", line)


# -- YAML ------------------------------------------------------------------------------------------


def read_yaml(
    text: str, name: str, loader: type[yaml.BaseLoader] | type[yaml.CBaseLoader] = _LOADER
) -> Source:
    """Values of a YAML file of one document. Raises PlanFileError."""
    bad = _UNPRINTABLE.search(text)
    tree = _Tree(name)
    if bad is not None:
        line = text.count("\n", 0, bad.start()) + 1
        tree.stop(
            "not-text",
            f"the character U+{ord(bad[0]):04X} may not stand in YAML: write it as an escape",
            line,
        )
    documents = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    tree.stop(
                        "documents", "a second document begins; a file holds one", _line(event)
                    )
            elif isinstance(event, yaml.NodeEvent):
                _node(tree, event)
            elif isinstance(event, yaml.CollectionEndEvent):
                tree.open.pop()
    except yaml.MarkedYAMLError as error:
        line, column = _position(error)
        # PyYAML 6.0.4 looks ahead, and has a limit of its own.
        if "nesting depth" in str(error.problem):
            tree.stop("too-deep", f"nested deeper than {MAX_DEPTH} levels", line)
        what = f"{error.context}: {error.problem}" if error.context else str(error.problem)
        tree.stop("syntax", f"not valid YAML: {what} (column {column})", line)
    if tree.root is None and not tree.findings:
        tree.stop("empty", "the file is empty", 1)
    return tree.source()


def _position(error: yaml.MarkedYAMLError) -> tuple[int, int]:
    mark = error.problem_mark or error.context_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else mark.line + 1


def _node(tree: _Tree, event: yaml.NodeEvent) -> None:
    line = _line(event)
    if tree.wants_key():
        _key(tree, event, line)
        return
    if isinstance(event, yaml.AliasEvent):
        where = tree.value(None, line)
        tree.note(
            "alias", where, f"the alias '*{event.anchor}' is refused: write the value out", line
        )
        return
    _refuse_decoration(tree, event, tree.here(), line)
    if isinstance(event, yaml.MappingStartEvent):
        tree.begin({}, line)
    elif isinstance(event, yaml.SequenceStartEvent):
        tree.begin([], line)
    elif isinstance(event, yaml.ScalarEvent):
        plain = event.implicit[0]
        tree.value(None if plain and event.value in _NULLS else event.value, line)


def _key(tree: _Tree, event: yaml.NodeEvent, line: int) -> None:
    if not isinstance(event, yaml.ScalarEvent):
        tree.stop("key", "the name of a field is a text, not a list, an object or an alias", line)
        return
    where = (*tree.open[-1].where, event.value)
    _refuse_decoration(tree, event, where, line)
    if event.value == "<<" and event.implicit[0]:
        tree.note("merge-key", where, "the merge key '<<' is refused: write the fields out", line)
    tree.key(event.value, line)


def _refuse_decoration(tree: _Tree, event: yaml.NodeEvent, where: Location, line: int) -> None:
    if event.anchor is not None:
        tree.note(
            "anchor",
            where,
            f"the anchor '&{event.anchor}' is refused: write the value out where it is used",
            line,
        )
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        tree.note(
            "tag",
            where,
            f"the tag '{event.tag.replace('tag:yaml.org,2002:', '!!')}' is refused",
            line,
        )


# -- JSON ------------------------------------------------------------------------------------------


def read_json(text: str, name: str) -> Source:
    """Values of a JSON file. Raises PlanFileError."""
    tree = _Tree(name)
    # Refuse depth and size before the recursive decoder sees them.
    for lexeme, line in _lexemes(text):
        if lexeme in "{[":
            if len(tree.open) >= MAX_DEPTH:
                tree.stop("too-deep", f"nested deeper than {MAX_DEPTH} levels", line)
            tree.open.append(_Open([], ()))
        elif lexeme in "}]" and tree.open:
            tree.open.pop()
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        cause = error.msg[:1].lower() + error.msg[1:]
        tree.stop(
            "syntax",
            f"not valid JSON: {cause} (line {error.lineno}, column {error.colno})",
            error.lineno,
        )
    except ValueError:
        _stop_at_number(tree, text)
    return _json_tree(text, name)


def _refuse_constant(word: str) -> object:
    raise ValueError(word)


def _stop_at_number(tree: _Tree, text: str) -> None:
    """Find what the decoder refused: NaN and Infinity, which are no JSON, or a number of thousands
    of digits. Raises PlanFileError.
    """
    for lexeme, line in _lexemes(text):
        if lexeme in ("NaN", "Infinity", "-Infinity"):
            tree.stop("syntax", f"not valid JSON: '{lexeme}' is not a value", line)
        if len(lexeme) > MAX_DIGITS and lexeme[0] != '"':
            tree.stop("syntax", "a number has too many digits", line)


def _json_tree(text: str, name: str) -> Source:
    """Values and lines of a text that the decoder has accepted: every lexeme is valid."""
    tree = _Tree(name)
    for lexeme, line in _lexemes(text):
        if lexeme == "{":
            tree.begin({}, line)
        elif lexeme == "[":
            tree.begin([], line)
        elif lexeme in "}]":
            tree.open.pop()
        elif lexeme in ",:":
            continue
        elif tree.wants_key():
            tree.key(_whole(tree, json.loads(lexeme), line), line)
        else:
            tree.value(_whole(tree, json.loads(lexeme), line), line)
    return tree.source()


def _whole(tree: _Tree, value: Any, line: int) -> Any:
    """The value; half of a surrogate pair in a text, which only JSON can spell, is a finding."""
    if isinstance(value, str) and not value.isascii() and _SURROGATE.search(value):
        where = tree.here()
        tree.note("string-unicode", where, HALF_A_PAIR, line)
        return _SURROGATE.sub("\ufffd", value)
    return value


def _lexemes(text: str) -> Iterator[tuple[str, int]]:
    breaks = [match.start() for match in re.finditer("\n", text)]
    for match in _JSON_LEXEME.finditer(text):
        yield match[0], bisect.bisect_left(breaks, match.start()) + 1
