"""Plans from templates: `${name}` in any text of a template becomes a value that somebody typed.

A template is a plan file with variables. The reader parses it before values come in, text by text,
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
# A package of such a name would hide Python's own.
_RESERVED = {"python": frozenset(keyword.kwlist) | sys.stdlib_module_names}
_VARIABLE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that a template asks for; its user has to give one that has no default. `pattern`
    matches the whole value.

    `reserved` names a set of words that are no value: 'python' has keywords and modules of the
    standard library.
    """

    name: str
    description: str
    default: str | None = None
    pattern: str | None = None
    reserved: str | None = None

    def refuses(self, value: str) -> bool:
        """Whether `value` is wrong for this variable."""
        if self.reserved is not None and value in _RESERVED[self.reserved]:
            return True
        return self.pattern is not None and re.fullmatch(self.pattern, value) is None


@dataclass(frozen=True, slots=True)
class Template:
    """A plan file with variables; `source` holds the values of the whole file."""

    name: str
    description: str
    variables: tuple[Variable, ...]
    source: source.Source

    def example(self) -> str:
        """A command that makes a plan of the template."""
        required = [variable.name for variable in self.variables if variable.default is None]
        options = "".join(f" --var {name}=VALUE" for name in required)
        return f"git orch plan --template {self.name}{options}"


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
        fields = _fields(("description", "variables", "plan"), read.value, name)
        items = document.mapping(fields.get("variables", {}), "variables")
        variables = tuple(_variable(key, item) for key, item in items.items())
        return Template(name, document.text(fields, "description"), variables, read)
    except document.BadDocument as error:
        raise UsageError(f"template '{name}' is broken: {error}", "git orch schema plan") from error


def _variable(name: str, item: object) -> Variable:
    fields = _fields(("description", "default", "pattern", "reserved"), item, f"variables.{name}")
    pattern = document.optional_text(fields, "pattern")
    reserved = document.optional_text(fields, "reserved")
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


def _fields(names: tuple[str, ...], value: object, where: str) -> Mapping[str, object]:
    fields = document.mapping(value, where)
    unknown = sorted(fields.keys() - set(names))
    if unknown:
        raise document.BadDocument(f"{where}: unknown field '{unknown[0]}'")
    return fields


def render(name: str, variables: Mapping[str, str]) -> Plan:
    """The plan of a built-in template with the values filled in. Raises UsageError."""
    return plan_from(describe(name), variables)


def plan_from(template: Template, typed: Mapping[str, str]) -> Plan:
    """The plan of a template with the `typed` values and the defaults. Raises UsageError."""
    from git_orch.plans.file import schema  # pydantic costs 50 ms

    values = _values(template, typed)
    whole = template.source.value
    body = whole.get("plan") if isinstance(whole, dict) else None
    lines = {
        where[1:]: line for where, line in template.source.lines.items() if where[:1] == ("plan",)
    }
    plan = source.Source(_substitute(body, values, template), lines, ())
    return schema.plan_of(plan, template.name)


def _values(template: Template, typed: Mapping[str, str]) -> dict[str, str]:
    variables = {variable.name: variable for variable in template.variables}
    unknown = sorted(typed.keys() - variables.keys())
    if unknown:
        raise UsageError(
            f"template '{template.name}' has no variable {_names(unknown)}", template.example()
        )
    defaults = {name: variable.default for name, variable in variables.items()}
    values = {name: default for name, default in defaults.items() if default is not None}
    values.update(typed)
    absent = sorted(variables.keys() - values.keys())
    if absent:
        raise UsageError(
            f"template '{template.name}' needs a value for {_names(absent)}", template.example()
        )
    for name, value in values.items():
        if variables[name].refuses(value):
            raise UsageError(
                f"'{value}' is no value for '{name}': {variables[name].description}",
                template.example(),
            )
    return values


def _names(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _substitute(value: object, values: Mapping[str, str], template: Template) -> object:
    if isinstance(value, dict):
        return {
            _text(name, values, template): _substitute(item, values, template)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_substitute(item, values, template) for item in value]
    return _text(value, values, template) if isinstance(value, str) else value


def _text(text: str, values: Mapping[str, str], template: Template) -> str:
    try:
        return string.Template(text).substitute(values)
    except KeyError as error:
        wrong = f"it uses {error}, which is not among its variables"
    except ValueError:
        wrong = "a '$' begins no variable; write '$$' for a dollar sign"
    raise UsageError(f"template '{template.name}' is broken: {wrong}", "git orch schema plan")
