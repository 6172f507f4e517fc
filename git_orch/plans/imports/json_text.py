"""The JSON that other tools wrote, as plain values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from git_orch.plans import sentences
from git_orch.plans.imports import task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_orch.plans.imports.task import Files


def value(text: str) -> object:
    """The value of a JSON text, None for a text that is none."""
    try:
        read: object = json.loads(text)
        return read
    except (ValueError, RecursionError):
        return None


def name(values: Mapping[str, object], key: str = "id") -> str:
    """The ID or the name there; "" for none."""
    return " ".join(task.clean(values.get(key)).split())


def text(values: Mapping[str, object], *keys: str) -> str:
    """The first text there that says something."""
    return next((written for key in keys if (written := task.clean(values.get(key)))), "")


def objects(values: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """The objects of a list; none where there is no list."""
    listed = values.get(key)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def names(values: Mapping[str, object], key: str) -> list[str]:
    """The texts and numbers of a list."""
    listed = values.get(key)
    every = [task.clean(one) for one in listed] if isinstance(listed, list) else []
    return [one for one in every if one]


def count(number: int, noun: str, verb: str = "") -> str:
    """How many there are, with a verb: `1 comment is`, `2 comments are`."""
    return f"{sentences.count(number, noun)} {verb or sentences.verb(number, 'is', 'are')}"


def require_id(files: Files, values: Mapping[str, object], what: str) -> str:
    """The ID of a task. Raises UsageError for one without."""
    identifier = name(values)
    if not identifier:
        raise files.error(f"{what} has no 'id'", "give it one")
    return identifier
