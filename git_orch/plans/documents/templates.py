"""The user's own templates of documents: Markdown in which `${NAME}` becomes a value of the plan.

Values go in once: one that looks like a variable stays as it is. A spec is read before they go in,
text by text, so that no title adds a step, a field or a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from git_orch.plans import one_line
from git_orch.plans.document import Document
from git_orch.plans.documents import front_matter, spec

LARGEST = 65_536  # characters
_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")
_OF_ANYBODY = frozenset(("TITLE", "OWNER", "PLAN_TITLE"))  # texts that no command may hold
_TEXTS = frozenset(("title", "prompt", "why"))

Values = Mapping[str, str]


class Template(NamedTuple):
    """A template with its name for messages; it `is_own` where no checkout can have brought it."""

    name: str
    text: str
    is_own: bool = False


def require_sound(template: Template, *, is_spec: bool) -> None:
    """Raises front_matter.Malformed for a template from which no document can be made."""
    start = body_start(template.text)
    if not is_spec:
        return
    try:
        steps = spec.read(template.text, start).steps
    except spec.Malformed as wrong:
        raise front_matter.Malformed(
            _line_of(template.text, wrong.step), f"step '{wrong.step}': {wrong.problem}"
        ) from wrong
    for step in steps:
        for field in step.keys() - _TEXTS:
            name = _variable_of_anybody(step[field])
            if name is not None:
                raise front_matter.Malformed(
                    _line_of(template.text, str(step["title"])),
                    f"${{{name}}} can stand in the title and the text of a step, not in its '{field}'",
                )


def _variable_of_anybody(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return next(filter(None, map(_variable_of_anybody, value)), None)
    names = _VARIABLE.findall(value) if isinstance(value, str) else []
    return next((name for name in names if name in _OF_ANYBODY), None)


def _line_of(text: str, part: str) -> int:
    return text.count("\n", 0, max(text.find(part), 0)) + 1


def body_start(text: str) -> int:
    """Where the body of a file begins. Raises front_matter.Malformed."""
    front = front_matter.read(text)
    return 0 if front is None else front.body


def body(template: Template, values: Values) -> str:
    """The text below the front matter, filled in."""
    return fill(template.text[body_start(template.text) :], values)


def document(template: str, values: Values) -> str:
    """The whole template, filled in; in the front matter a value has the quotes that it needs."""
    head = body_start(template)
    quoted = {name: front_matter.scalar(value) for name, value in values.items()}
    harmless = {name: re.sub(r"[^\w ./-]", "_", value) for name, value in values.items()}
    rows = [
        _VARIABLE.sub(
            lambda match: (quoted if _stands_alone(match) else harmless).get(match[1], match[0]),
            row,
        )
        for row in template[:head].splitlines(keepends=True)
    ]
    return "".join(rows) + fill(template[head:], values)


def _stands_alone(match: re.Match[str]) -> bool:
    """Whether a variable is the whole value of a key."""
    line = match.string
    return line[: match.start()].rstrip().endswith(":") and not line[match.end() :].strip()


def values(fields: Mapping[str, str]) -> dict[str, str]:
    """The values of variables, from the fields of front matter and others with their names."""
    names = {"created": "DATE"}
    return {names.get(name, name.upper()): value for name, value in fields.items()}


def fill(text: str, values: Values) -> str:
    """The text with its variables replaced once; what is no variable stays."""
    return _VARIABLE.sub(lambda match: one_line_of(values, match), text)


def one_line_of(values: Values, match: re.Match[str]) -> str:
    """The value of a variable: one line, so that it begins no section."""
    value = values.get(match[1])
    if value is None:
        return match[0]
    return value if one_line.problem(value) is None else one_line.of(value)


def spec_text(template: Template, values: Values) -> spec.Text:
    """The spec that a template says. Raises front_matter.Malformed, spec.Malformed."""
    read = spec.read(template.text, body_start(template.text))
    prose = {name: fill(text, values) for name, text in read.prose.items()}
    steps = tuple(_step(step, lambda text: fill(text, values)) for step in read.steps)
    return spec.Text(prose, steps, tuple(fill(text, values) for text in read.criteria))


def _step(step: Document, fill_text: Callable[[str], str]) -> Document:
    filled = {name: _filled(value, fill_text) for name, value in step.items()}
    return {**filled, "title": one_line.of(str(filled["title"]))}


def _filled(value: object, fill_text: Callable[[str], str]) -> object:
    if isinstance(value, Mapping):
        return {fill_text(str(name)): _filled(each, fill_text) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, fill_text) for each in value]
    return fill_text(value) if isinstance(value, str) else value
