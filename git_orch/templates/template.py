"""Templates: plan files with variables, and the plans that they become.

The reader parses a file before values come in, text by text, so that no value can add a field, a
step or a command.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from git_orch.errors import UsageError
from git_orch.plans import document
from git_orch.plans.file import source
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.plan import Plan
from git_orch.templates import language, quoting, variables
from git_orch.templates.language import Malformed, Text, Value
from git_orch.templates.variables import Variable, near

_OWN_FIELDS = ("template", "description", "variables", "needs")
_MOST_MARKS = 3_000  # expressions and conditions of a whole template
_HINT = "git orch schema template"

Convert = Callable[[str, source.Location], str]


@dataclass(frozen=True, slots=True)
class Template:
    """A plan file with variables; `plan` holds the values of the plan, `declared` the variables as
    the file has them, `needs` what it needs beside its dependencies.

    Its `origin` is `built in`, `yours` or, where a checkout may have brought it, a path: then
    `is_own` is false, and its plan needs an approval.
    """

    name: str
    description: str
    variables: tuple[Variable, ...]
    plan: source.Source
    declared: document.Document
    needs: str | None = None
    origin: str = "built in"
    is_own: bool = True

    def example(self) -> str:
        """A command that makes a plan of the template."""
        options = ""
        for variable in self.variables:
            if variable.is_required:
                value = "VALUE" if variable.example is None else shlex.quote(variable.example)
                options += f" --var {variable.name}={value}"
        return f"git orch plan --template {self.name}{options}"

    def step_titles(self) -> list[str]:
        """The titles of the steps, with their variables as the file has them."""
        titles = [
            step.get("title") for step in _list(self.plan.value, "steps") if isinstance(step, dict)
        ]
        return [str(title) for title in titles]

    def document(self) -> document.Document:
        """The template as the fields of its file."""
        fields: document.Document = {"template": self.name, "description": self.description}
        if self.needs is not None:
            fields["needs"] = self.needs
        return {**fields, **self.declared, **document.mapping(self.plan.value, "plan")}

    def sample(self) -> dict[str, str]:
        """Values to try the template with: the examples of its variables."""
        return {
            variable.name: variable.example
            for variable in self.variables
            if variable.example is not None
        }


class Place(NamedTuple):
    """The place a template comes from, see Template."""

    origin: str = "built in"
    is_own: bool = True


BUILT_IN = Place()


def read(text: str, name: str, place: Place = BUILT_IN) -> Template:
    """The template in a file's text, with all its rules checked. Raises UsageError."""
    whole = source.read(text, name)
    if whole.findings:
        raise PlanFileError(name, whole.findings)
    try:
        fields = document.mapping(whole.value, "template")
        declared = document.mapping(fields.get("variables", {}), "variables")
        listed = tuple(variables.read(key, item) for key, item in declared.items())
        _refuse_twice(listed)
        document.optional_text(fields, "template")
        plan = whole._replace(
            value={key: item for key, item in fields.items() if key not in _OWN_FIELDS}
        )
        used = _Texts(plan, listed, name).used()
        return Template(
            name,
            document.text(fields, "description"),
            tuple(variable._replace(is_optional=variable.name not in used) for variable in listed),
            plan,
            {key: fields[key] for key in ("variables",) if key in fields},
            document.optional_text(fields, "needs"),
            *place,
        )
    except document.BadDocument as error:
        raise broken(name, str(error)) from error


def broken(name: str, problem: str) -> UsageError:
    """The error of a template that no plan can be made of."""
    return UsageError(f"template '{name}' is broken: {problem}", _HINT)


def _refuse_twice(listed: tuple[Variable, ...]) -> None:
    names = [name for variable in listed for name in (variable.name, variable.also) if name]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise document.BadDocument(f"variables: two are called '{twice}'")


class _Texts:
    """The texts of a template's plan, parsed and checked."""

    def __init__(self, plan: source.Source, listed: tuple[Variable, ...], name: str) -> None:
        self._plan = plan
        self._declared = {variable.name: variable for variable in listed}
        self._also = {variable.also: variable.name for variable in listed if variable.also}
        self._name = name
        self._marks = 0
        self._used: set[str] = set()
        self._bare: set[str] = set()

    def used(self) -> set[str]:
        """The variables that some text has no default for. Raises UsageError for a text that is
        wrong, and for a variable that no text uses.
        """
        converted(self._plan.value, self._check)
        for where, argv in _argument_lists(self._plan.value):
            with self._located(where):
                quoting.require_one_argument([language.parse(item) for item in argv])
        unused = sorted(self._declared.keys() - self._used)
        if unused:
            raise document.BadDocument(f"variables.{unused[0]}: no text uses it")
        return self._bare

    def _check(self, text: str, where: source.Location) -> str:
        with self._located(where):
            self._marks += sum(text.count(mark) for mark in language.MARKS)
            if self._marks > _MOST_MARKS:
                raise Malformed(f"it has more than {_MOST_MARKS:,} expressions")
            parsed = language.parse(text)
            for name in sorted(parsed.names):
                self._use(name)
            self._bare |= {self._also.get(name, name) for name in parsed.bare_names}
            if is_shell(where, text):
                quoting.require_quoted(parsed)
        return text

    def _use(self, name: str) -> None:
        main = self._also.get(name, name)
        if main not in self._declared:
            raise Malformed(
                f"it uses '{name}', which is not among its variables{near(name, self._declared)}"
            )
        self._used.add(main)

    @contextlib.contextmanager
    def _located(self, where: source.Location) -> Iterator[None]:
        try:
            yield
        except Malformed as wrong:
            field = source.path_text(where)
            raise broken(self._name, f"line {self._plan.line(where)}, {field}: {wrong}") from wrong


def is_shell(where: source.Location, text: str) -> bool:
    """Whether a shell reads the text: a command, or a script."""
    match where:
        case ("steps", _, "run") | ("steps", _, "checks", _) | ("steps", _, "checks", _, "command"):
            return True
        case ("steps", _, "files", str(path)) | ("steps", _, "files", str(path), "content"):
            return quoting.is_script(path, text)
    return False


def _argument_lists(plan: object) -> Iterator[tuple[source.Location, list[str]]]:
    """The argv of every step and check, with its place."""
    for number, step in enumerate(_list(plan, "steps")):
        yield from _argv(step, ("steps", number))
        for index, check in enumerate(_list(step, "checks")):
            yield from _argv(check, ("steps", number, "checks", index))


def _list(value: object, name: str) -> list[object]:
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, list) else []


def _argv(value: object, where: source.Location) -> Iterator[tuple[source.Location, list[str]]]:
    texts = [item for item in _list(value, "argv") if isinstance(item, str)]
    if texts:
        yield (*where, "argv"), texts


def converted(value: object, convert: Convert, where: source.Location = ()) -> object:
    """A value with every text of it converted, names of fields too. Raises Malformed where two
    fields come to have the same name.
    """
    if isinstance(value, dict):
        pairs = [
            (convert(name, (*where, "name")), converted(item, convert, (*where, name)))
            for name, item in value.items()
        ]
        fields = dict(pairs)
        if len(fields) < len(pairs):
            raise Malformed("two fields or files come to have the same name")
        return fields
    if isinstance(value, list):
        return [converted(item, convert, (*where, at)) for at, item in enumerate(value)]
    return convert(value, where) if isinstance(value, str) else value


def plan_from(template: Template, typed: Mapping[str, str]) -> Plan:
    """The plan of a template with the `typed` values and the defaults. Raises UsageError."""
    from git_orch.plans.file import schema  # pydantic costs 50 ms

    try:
        values = variables.values(template.variables, typed, template.name)
    except variables.Unfit as wrong:
        raise UsageError(str(wrong), template.example()) from wrong
    also = {variable.also: variable.name for variable in template.variables if variable.also}
    names = {**values, **{other: values[name] for other, name in also.items() if name in values}}
    try:
        body = converted(template.plan.value, _Filling(names))
    except Malformed as wrong:
        raise broken(template.name, str(wrong)) from wrong
    return schema.plan_of(source.Source(body, template.plan.lines, ()), template.name)


class _Filling:
    """Fills in text after text, up to the size of a plan file in all."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values
        self._left = source.MAX_BYTES

    def __call__(self, text: str, _where: source.Location) -> str:
        parsed: Text = language.parse(text)
        filled = language.fill(parsed, self._values, self._left)
        self._left -= len(filled)
        return filled


def json_schema() -> document.Document:
    """JSON Schema 2020-12 of a template: that of a plan file with variables. Where a plan has a
    number or a flag, a template may have a text, which becomes one.
    """
    from git_orch.plans.file import schema

    whole = document.mapping(_with_texts(schema.plan_json_schema()), "schema")
    text: document.Document = {"type": "string"}
    scalar: document.Document = {"type": ["string", "integer", "boolean"]}
    number: document.Document = {"type": ["string", "integer"]}
    types: dict[str, document.Document] = {
        "type": {"enum": list(variables.KINDS)},
        "default": scalar,
        "choices": {"type": "array", "items": text},
        "min": number,
        "max": number,
    }
    variable: document.Document = {
        "type": "object",
        "properties": {name: types.get(name, text) for name in variables.FIELDS},
        "required": ["description"],
        "additionalProperties": False,
    }
    return {
        **whole,
        "title": "git-orch template of a plan",
        "properties": {
            "template": text,
            "description": text,
            "needs": text,
            "variables": {"type": "object", "additionalProperties": variable},
            **document.mapping(whole["properties"], "properties"),
        },
        "required": ["description", *document.texts(whole, "required")],
    }


def _with_texts(value: object) -> object:
    if isinstance(value, list):
        return [_with_texts(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = {name: _with_texts(item) for name, item in value.items()}
    if fields.get("type") in ("integer", "boolean"):
        fields["type"] = [fields["type"], "string"]
    return fields
