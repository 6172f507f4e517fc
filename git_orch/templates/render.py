"""Plans from templates: `${name}` in any text of a template becomes a value somebody typed.

A template is a plan file with variables. It is parsed first and filled in afterwards, text by text,
so that no value can add a field, a step or a command.
"""

from __future__ import annotations

import keyword
import re
import string
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from git_orch.errors import UsageError
from git_orch.plans import document
from git_orch.plans.file import source
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.plan import Plan

_HOME = Path(__file__).parent
_SUFFIX = ".yaml"
_RESERVED = {
    "python": frozenset(keyword.kwlist) | sys.stdlib_module_names
}  # a package of that name would hide Python's
_VARIABLE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """A value a template asks for; without a default it has to be given. `pattern` matches the
    whole value.

    `reserved` names a set of words that are no value: 'python' has keywords and modules of the
    standard library.
    """

    name: str
    description: str
    default: str | None = None
    pattern: str | None = None
    reserved: str | None = None

    def refuses(self, value: str) -> bool:
        """Whether `value` is none for this variable."""
        if self.reserved is not None and value in _RESERVED[self.reserved]:
            return True
        return self.pattern is not None and re.fullmatch(self.pattern, value) is None


@dataclass(frozen=True, slots=True)
class Template:
    """A plan file with variables, as it was read."""

    name: str
    description: str
    variables: tuple[Variable, ...]
    source: source.Source

    def example(self) -> str:
        """A command that plans from it."""
        given = "".join(
            f" --var {item.name}=VALUE" for item in self.variables if item.default is None
        )
        return f"git orch plan --template {self.name}{given}"


def names() -> list[str]:
    """The built-in templates."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in _HOME.glob(f"*{_SUFFIX}"))


def describe(name: str) -> Template:
    """A built-in template. Raises UsageError."""
    if name not in names():
        hint = f"run 'git orch plan --template NAME' with one of: {', '.join(names())}"
        raise UsageError(f"there is no template '{name}'", hint)
    return template((_HOME / f"{name}{_SUFFIX}").read_text(encoding="utf-8"), name)


def template(text: str, name: str) -> Template:
    """The template in a file's text. Raises UsageError."""
    read = source.read(text, name)
    if read.findings:
        raise PlanFileError(name, read.findings)
    try:
        fields = _only(("description", "variables", "plan"), read.value, name)
        listed = document.mapping(fields.get("variables", {}), "variables")
        variables = tuple(_variable(key, item) for key, item in listed.items())
        return Template(name, document.text(fields, "description"), variables, read)
    except document.BadDocument as error:
        raise UsageError(f"template '{name}' is broken: {error}", "git orch schema plan") from error


def _variable(name: str, item: object) -> Variable:
    fields = _only(("description", "default", "pattern", "reserved"), item, f"variables.{name}")
    pattern, reserved = (
        document.optional_text(fields, "pattern"),
        document.optional_text(fields, "reserved"),
    )
    if _VARIABLE.fullmatch(name) is None:
        raise document.BadDocument(
            f"variables.{name}: a variable's name has lower-case letters, digits and underscores"
        )
    if reserved not in (None, *_RESERVED):
        raise document.BadDocument(f"variables.{name}.reserved: '{reserved}' is not a set of words")
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise document.BadDocument(f"variables.{name}.pattern: {error}") from error
    return Variable(
        name,
        document.text(fields, "description"),
        document.optional_text(fields, "default"),
        pattern,
        reserved,
    )


def _only(known: tuple[str, ...], value: object, where: str) -> Mapping[str, object]:
    fields = document.mapping(value, where)
    unknown = sorted(fields.keys() - set(known))
    if unknown:
        raise document.BadDocument(f"{where}: unknown field '{unknown[0]}'")
    return fields


def render(name: str, variables: Mapping[str, str]) -> Plan:
    """The plan of a built-in template with the values filled in. Raises UsageError."""
    return filled(describe(name), variables)


def filled(chosen: Template, given: Mapping[str, str]) -> Plan:
    """The plan of a template with the values filled in. Raises UsageError."""
    from git_orch.plans.file import schema  # pydantic costs 50 ms

    values = _values(chosen, given)
    whole = chosen.source.value
    body = whole.get("plan") if isinstance(whole, dict) else None
    lines = {
        where[1:]: line for where, line in chosen.source.lines.items() if where[:1] == ("plan",)
    }
    return schema.plan_of(source.Source(_filled(body, values, chosen), lines, ()), chosen.name)


def _values(chosen: Template, given: Mapping[str, str]) -> dict[str, str]:
    known = {variable.name: variable for variable in chosen.variables}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise UsageError(
            f"template '{chosen.name}' has no variable {_quoted(unknown)}", chosen.example()
        )
    values = {
        item.name: item.default for item in chosen.variables if item.default is not None
    } | dict(given)
    absent = sorted(known.keys() - values.keys())
    if absent:
        raise UsageError(
            f"template '{chosen.name}' needs a value for {_quoted(absent)}", chosen.example()
        )
    for name, value in values.items():
        if known[name].refuses(value):
            raise UsageError(
                f"'{value}' is no value for '{name}': {known[name].description}", chosen.example()
            )
    return values


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _filled(value: object, values: Mapping[str, str], chosen: Template) -> object:
    if isinstance(value, dict):
        return {
            _text(name, values, chosen): _filled(item, values, chosen)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_filled(item, values, chosen) for item in value]
    return _text(value, values, chosen) if isinstance(value, str) else value


def _text(text: str, values: Mapping[str, str], chosen: Template) -> str:
    try:
        return string.Template(text).substitute(values)
    except KeyError as error:
        wrong = f"it uses {error}, which is not among its variables"
    except ValueError:
        wrong = "a '$' begins no variable; write '$$' for a dollar sign"
    raise UsageError(f"template '{chosen.name}' is broken: {wrong}", "git orch schema plan")
