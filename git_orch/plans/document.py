"""The one typed decoder for documents: JSON from a machine, or YAML from a person.

An error names the field. Fields that nobody asks for may be anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeGuard, cast

_SURROGATE = re.compile("[\ud800-\udfff]")
MOST_LEVELS = 100  # of lists and objects in each other; a plan in an event has eight
_LARGEST = 1e15  # seconds, USD or milliseconds since 1970; beyond it a number is damage


class BadDocument(ValueError):
    """A stored plan or event does not have the documented form; the message names the field."""


Document = dict[str, object]


def _is_text(value: object) -> TypeGuard[str]:
    """JSON can spell half of a surrogate pair, which no terminal and no file can show."""
    return isinstance(value, str) and (value.isascii() or _SURROGATE.search(value) is None)


def decode(data: bytes | str) -> object:
    """The value that one JSON text spells. Raises BadDocument, also for NaN and Infinity, which
    JSON does not have, and for one that is nested too deeply.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as wrong:
        raise BadDocument("it is not JSON") from wrong
    if text.count("[") + text.count("{") > MOST_LEVELS and _is_too_deep(value):
        raise BadDocument(f"it is nested deeper than {MOST_LEVELS} levels")
    return value


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MOST_LEVELS):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        level = inner
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)


def values_at_most(data: bytes) -> int:
    """A number that JSON text has no more values than, names of fields not counted: quick to find
    before anything is parsed.
    """
    return sum(map(data.count, (b",", b"[", b"{", b"\n")))


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(data: bytes | str, what: str) -> Mapping[str, object]:
    """The fields of the JSON object that `data` spells. Raises BadDocument."""
    try:
        value = decode(data)
    except BadDocument as wrong:
        raise BadDocument(f"{what}: {wrong}") from wrong
    return mapping(value, what)


def mapping(value: object, where: str) -> Mapping[str, object]:
    """`value` if it is an object with string keys. Raises BadDocument."""
    if not isinstance(value, dict) or not all(_is_text(key) for key in value):
        raise BadDocument(f"{where}: expected an object")
    return cast("Mapping[str, object]", value)  # just checked


def sequence(fields: Mapping[str, object], name: str) -> list[object]:
    """The list under `name`; empty when absent. Raises BadDocument."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadDocument(f"{name}: expected a list")
    return cast("list[object]", value)  # just checked


def text(fields: Mapping[str, object], name: str) -> str:
    """The string under `name`. Raises BadDocument."""
    value = fields.get(name)
    if not _is_text(value):
        raise BadDocument(f"{name}: expected a string")
    return value


def optional_text(fields: Mapping[str, object], name: str) -> str | None:
    """The string under `name`, None when absent. Raises BadDocument."""
    return None if fields.get(name) is None else text(fields, name)


def texts(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The strings under `name`; none when absent. Raises BadDocument."""
    values = sequence(fields, name)
    if not all(_is_text(value) for value in values):
        raise BadDocument(f"{name}: expected a list of strings")
    return cast("tuple[str, ...]", tuple(values))  # just checked


def optional_integer(
    fields: Mapping[str, object], name: str, *, least: int = -(2**63), most: int = 2**63 - 1
) -> int | None:
    """The integer under `name`, None when absent. Raises BadDocument."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadDocument(f"{name}: expected a whole number")
    if not least <= value <= most:
        raise BadDocument(f"{name}: expected {least} to {most}")
    return value


def number(fields: Mapping[str, object], name: str, *, least: float = -_LARGEST) -> float:
    """The number under `name`, at least `least`. Raises BadDocument."""
    return as_number(fields.get(name), name, least=least)


def optional_number(fields: Mapping[str, object], name: str) -> float | None:
    """The number under `name`, None when absent. Raises BadDocument."""
    value = fields.get(name)
    return None if value is None else as_number(value, name)


def as_number(value: object, where: str, *, least: float = -_LARGEST) -> float:
    """`value` if it is a number, at least `least`. Raises BadDocument."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadDocument(f"{where}: expected a number")
    if not least <= value <= _LARGEST:  # nor is NaN, whatever it comes from
        raise BadDocument(f"{where}: the number is out of range")
    return float(value)


def flag(fields: Mapping[str, object], name: str) -> bool:
    """The truth value under `name`; false when absent. Raises BadDocument."""
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadDocument(f"{name}: expected true or false")
    return value
