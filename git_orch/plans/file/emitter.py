"""Plan files as git-orch writes them: YAML that every reader takes for the same texts.

A text is left bare only where nobody would take it for something else, stands as it is (`|`) where
it has several lines, and is quoted as in JSON otherwise.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

from git_orch.plans.file import source
from git_orch.plans.file.findings import PlanFileError, file_finding
from git_orch.plans.plan import Plan
from git_orch.plans.plan_document import to_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.plans.file.source import Location

_SURROGATE = re.compile("[\ud800-\udfff]")
_TEXT_WIDTH = 100  # a flow list beyond it is written one entry a line
_LONGEST_KEY = 1000  # YAML wants an explicit '?' before a key beyond 1,024 characters
# Words that YAML 1.1 or 1.2 takes for something other than a text, in any letter case.
_RESERVED = re.compile(r"y|n|yes|no|on|off|true|false|null|none", re.IGNORECASE)
_BARE_WORD = re.compile(r"-{0,2}[A-Za-z_][\w./+=-]*", re.ASCII)
_BARE_LINE = re.compile(r"[A-Za-z_][^:#]*(?:(?::(?=[^\s:])|(?<=[^\s#])#)[^:#]*)*")
_NOT_IN_QUOTES = re.compile(r"[^\x20-\x7e]")


def to_yaml(plan: Plan) -> str:
    """The plan as a YAML file for people. Raises PlanFileError for a plan that holds half a
    surrogate pair.
    """
    document = to_document(plan)
    refuse_surrogates(document)
    return "\n".join(_mapping(document, 0)) + "\n"


def refuse_surrogates(document: object) -> None:
    findings = [
        file_finding(
            "string-unicode",
            source.path_text(where),
            "holds half of a surrogate pair, which is no character",
        )
        for where, text in _texts(document, ())
        if _SURROGATE.search(text)
    ]
    if findings:
        raise PlanFileError("plan", findings)


def _texts(value: object, where: Location) -> Iterator[tuple[Location, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield (*where, "name"), name
            yield from _texts(item, (*where, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*where, index))


def _mapping(fields: dict[str, object], indent: int) -> Iterator[str]:
    for name, value in fields.items():
        first, *rest = _value(value, indent)
        key, pad = _inline(name), " " * indent
        if len(key) > _LONGEST_KEY:
            yield f"{pad}? {key}"
            key = ""
        yield f"{pad}{key}:{first}"
        yield from rest


def _value(value: object, indent: int) -> list[str]:
    """What follows the colon of a field that stands at column `indent`, and the lines below it."""
    if isinstance(value, dict) and value:
        return [
            "",
            *_mapping(cast("dict[str, object]", value), indent + 2),
        ]  # documents have string keys
    if isinstance(value, list) and value:
        flow = _flow(value)
        return [f" {flow}"] if flow is not None else ["", *_sequence(value, indent + 2)]
    if isinstance(value, str) and "\n" in value:
        return _block(value, indent + 2)
    return [f" {_inline(value)}"]


def _sequence(values: list[object], indent: int) -> Iterator[str]:
    dash = " " * indent + "- "
    for value in values:
        if isinstance(value, dict) and value:
            first, *rest = _mapping(
                cast("dict[str, object]", value), indent + 2
            )  # documents have string keys
            yield dash + first.lstrip(" ")
            yield from rest
        elif isinstance(value, str) and "\n" in value:
            first, *rest = _block(value, indent + 2)
            yield dash + first.lstrip(" ")
            yield from rest
        else:
            yield dash + _inline(value)


def _flow(values: list[object]) -> str | None:
    """A list of short texts on one line: [python3, -m, unittest]."""
    if not all(isinstance(value, str) and "\n" not in value for value in values):
        return None
    words = [
        text if _is_bare_word(text) else _quoted(text) for text in cast("list[str]", values)
    ]  # just checked
    line = f"[{', '.join(words)}]"
    return line if len(line) <= _TEXT_WIDTH else None


def _block(text: str, indent: int) -> list[str]:
    """A literal block, or the text in quotes where a reader or an editor would not keep it (blank
    lines at the end).
    """
    lines = text.removesuffix("\n").split("\n")
    if not lines[-1] or not all(_stands_as_it_is(line) for line in lines):
        return [f" {_quoted(text)}"]
    hint = (
        "2" if text[0] in " \t\n" else ""
    )  # a reader takes the indentation from the first line unless it is told
    chomping = "" if text.endswith("\n") else "-"
    return [f" |{hint}{chomping}", *(" " * indent + line if line else "" for line in lines)]


def _stands_as_it_is(line: str) -> bool:
    """Neither invisible characters nor white space at the end, which editors remove."""
    return line.replace("\t", "").isprintable() and line == line.rstrip()


def _inline(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    bare = _BARE_LINE.fullmatch(value) and value.isprintable() and not value.endswith((" ", ":"))
    return value if bare and not _RESERVED.fullmatch(value) else _quoted(value)


def _is_bare_word(text: str) -> bool:
    return _BARE_WORD.fullmatch(text) is not None and not _RESERVED.fullmatch(text)


def _quoted(text: str) -> str:
    """A JSON string with everything invisible escaped, which is also a YAML one."""
    return _NOT_IN_QUOTES.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    return f"\\u{ord(character):04X}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08X}"
