"""Typed readers for the fields of a document: JSON from a machine, or YAML from a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeGuard, cast

_SURROGATE = re.compile("[\ud800-\udfff]")


class BadDocument(ValueError):
    """A stored plan or event does not have the documented form; the message names the field."""


Document = dict[str, object]


def _is_text(value: object) -> TypeGuard[str]:
    """JSON can spell half of a surrogate pair, which no terminal and no file can show."""
    return isinstance(value, str) and (value.isascii() or _SURROGATE.search(value) is None)


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


def optional_number(fields: Mapping[str, object], name: str) -> int | None:
    """The integer under `name`, None when absent. Raises BadDocument."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadDocument(f"{name}: expected a whole number")
    return value


def flag(fields: Mapping[str, object], name: str) -> bool:
    """The truth value under `name`; false when absent. Raises BadDocument."""
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadDocument(f"{name}: expected true or false")
    return value
