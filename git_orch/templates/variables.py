"""Variables of templates: what each may be, and the values of those that somebody typed."""

from __future__ import annotations

import difflib
import keyword
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple, get_args

from git_orch.plans import document, one_line
from git_orch.templates.language import Value

Kind = Literal["text", "integer", "boolean"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
# A package of such a name would hide Python's own; cargo refuses a crate of such a name.
_RUST = """
    abstract alloc as async await become box break build const continue core crate deps do dyn else
    enum examples extern false final fn for gen if impl in incremental let loop macro match mod move
    mut override priv proc-macro pub ref return self static std struct super test trait true try type
    typeof unsafe unsized use virtual where while yield
"""
_RESERVED = {
    "python": frozenset(keyword.kwlist) | sys.stdlib_module_names,
    "rust": frozenset(_RUST.split()),
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
# Classes, letters and their counts: without groups, a short value is matched in no time.
_PIECE = r"(?:\[\^?\]?(?:[^\]\\]|\\.)+\]|\\[dw.+*?()\[\]{}|^$/-]|[A-Za-z0-9 _.,:;/@~=-])"
_COUNT = r"(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})"
_PATTERN = re.compile(rf"(?:{_PIECE}{_COUNT}?)+")
_MOST_COUNTS = 3
LONGEST = 1000  # characters of a value
_LONGEST_MATCHED = 200
FIELDS = (
    "description", "type", "default", "choices", "pattern", "reserved", "min", "max", "example",
    "also",
)  # fmt: skip


class Variable(NamedTuple):
    """A value that a template asks for; `default` None where its user has to give one, unless every
    text that uses it has a default of its own (`is_optional`).

    `pattern` matches the whole value. `reserved` names a set of words that are no value: 'python'
    and 'rust' have keywords and names of their own libraries. `also` is another name of the variable.
    """

    name: str
    description: str
    kind: Kind = "text"
    default: Value | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    reserved: str | None = None
    least: int | None = None
    most: int | None = None
    example: str | None = None
    also: str | None = None
    is_optional: bool = False

    @property
    def is_required(self) -> bool:
        """Whether its user has to give a value."""
        return self.default is None and not self.is_optional

    def kind_text(self) -> str:
        """What a value may be, for people."""
        if self.choices:
            return " | ".join(self.choices)
        if self.kind == "integer" and not (self.least is None and self.most is None):
            low = "" if self.least is None else self.least
            return f"integer {low}..{'' if self.most is None else self.most}"
        return self.kind

    def value(self, typed: str) -> Value:
        """The value of what was typed. Raises ValueError, which says what it should be."""
        problem = self._text_problem(typed)
        if problem is not None:
            raise ValueError(problem)
        if self.kind == "boolean":
            return _boolean(typed)
        return self._integer(typed) if self.kind == "integer" else typed

    def _text_problem(self, typed: str) -> str | None:
        problem = one_line.problem(typed) if typed else None
        if problem is not None:
            return f"it {problem}"
        if len(typed) > (LONGEST if self.pattern is None else _LONGEST_MATCHED):
            return "it is too long"
        if self.choices and typed not in self.choices:
            return f"choose one of {', '.join(self.choices)}{near(typed, self.choices)}"
        refused = self.reserved is not None and typed in _RESERVED[self.reserved]
        if refused or (self.pattern is not None and re.fullmatch(self.pattern, typed) is None):
            return self.description
        return None

    def _integer(self, typed: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,15}", typed, re.ASCII) is None:
            raise ValueError("it should be a whole number")
        number = int(typed)
        if self.least is not None and number < self.least:
            raise ValueError(f"it must be at least {self.least}")
        if self.most is not None and number > self.most:
            raise ValueError(f"it must be at most {self.most}")
        return number


def _boolean(typed: str) -> bool:
    if typed.lower() not in _BOOLEANS:
        raise ValueError("it should be true or false")
    return _BOOLEANS[typed.lower()]


def near(word: str, words: Iterable[str]) -> str:
    """The word that was perhaps meant, in brackets; "" for none."""
    close = difflib.get_close_matches(word[:60], list(words), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def read(name: str, value: object) -> Variable:
    """A variable as a template declares it. Raises BadDocument."""
    where = f"variables.{name}"
    if _NAME.fullmatch(name) is None:
        raise document.BadDocument(
            f"{where}: a variable's name has letters, digits and underscores"
        )
    fields = document.mapping(value, where)
    unknown = sorted(fields.keys() - set(FIELDS))
    if unknown:
        raise document.BadDocument(
            f"{where}: unknown field '{unknown[0]}'{near(unknown[0], FIELDS)}"
        )
    variable = Variable(
        name,
        document.text(fields, "description"),
        _kind(fields, where),
        None,
        _choices(fields.get("choices", []), where),
        _pattern(document.optional_text(fields, "pattern"), where),
        document.optional_text(fields, "reserved"),
        _number(fields, "min", where),
        _number(fields, "max", where),
        document.optional_text(fields, "example"),
        document.optional_text(fields, "also"),
    )
    if variable.reserved not in (None, *_RESERVED):
        raise document.BadDocument(f"{where}.reserved: '{variable.reserved}' is not a set of words")
    return _with_default(variable, _scalar(fields, "default"), where)


def _with_default(variable: Variable, default: str | None, where: str) -> Variable:
    """The variable with its default, which is a value like any other."""
    for field, text in (("default", default), ("example", variable.example)):
        try:
            value = None if text is None else variable.value(text)
        except ValueError as wrong:
            raise document.BadDocument(f"{where}.{field}: '{text}' is no value: {wrong}") from wrong
        if field == "default":
            variable = variable._replace(default=value)
    return variable


def _kind(fields: Mapping[str, object], where: str) -> Kind:
    typed = document.optional_text(fields, "type") or "text"
    kind = next((kind for kind in KINDS if kind == typed), None)
    if kind is None:
        raise document.BadDocument(f"{where}.type: '{typed}' is not one of {', '.join(KINDS)}")
    return kind


def _choices(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise document.BadDocument(f"{where}.choices: expected a list of texts")
    return tuple(value)


def _scalar(fields: Mapping[str, object], name: str) -> str | None:
    """The text of a value; JSON has numbers and truth values."""
    value = fields.get(name)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else document.optional_text(fields, name)


def _number(fields: Mapping[str, object], name: str, where: str) -> int | None:
    typed = _scalar(fields, name)
    if typed is None:
        return None
    if re.fullmatch(r"-?[0-9]{1,15}", typed, re.ASCII) is None:
        raise document.BadDocument(f"{where}.{name}: expected a whole number")
    return int(typed)


def _pattern(pattern: str | None, where: str) -> str | None:
    if pattern is None:
        return None
    counts = len(re.findall(r"[*+{?]", pattern))
    if len(pattern) > _LONGEST_MATCHED or _PATTERN.fullmatch(pattern) is None:
        raise document.BadDocument(
            f"{where}.pattern: write letters and [classes] with counts, without groups"
        )
    if counts > _MOST_COUNTS:
        raise document.BadDocument(f"{where}.pattern: has more than {_MOST_COUNTS} counts")
    try:
        re.compile(pattern)
    except re.error as error:
        raise document.BadDocument(f"{where}.pattern: {error}") from error
    return pattern


class Unfit(Exception):
    """What was typed for the variables of a template is wrong."""


def values(
    variables: Collection[Variable], typed: Mapping[str, str], template: str
) -> dict[str, Value]:
    """The values of the variables of a template: typed ones, and defaults. Raises Unfit."""
    names = {variable.name: variable for variable in variables}
    names |= {variable.also: variable for variable in variables if variable.also}
    given: dict[str, Value] = {}
    for name, text in typed.items():
        if name not in names:
            declared = [variable.name for variable in variables]
            meant = near(name, declared) or f"; it has {', '.join(declared) or 'none'}"
            raise Unfit(f"template '{template}' has no variable '{name}'{meant}")
        variable = names[name]
        if variable.name in given:
            raise Unfit(f"'{variable.name}' has two values: one is called '{name}'")
        try:
            given[variable.name] = variable.value(text)
        except ValueError as wrong:
            raise Unfit(f"'{text}' is no value for '{name}': {wrong}") from wrong
    absent = [
        variable.name
        for variable in variables
        if variable.is_required and variable.name not in given
    ]
    if absent:
        quoted = ", ".join(f"'{name}'" for name in absent)
        raise Unfit(f"template '{template}' needs a value for {quoted}")
    defaults = {
        variable.name: variable.default for variable in variables if variable.default is not None
    }
    return {**defaults, **given}
