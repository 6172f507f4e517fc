"""Plan files as git-orch writes them: YAML that every reader takes for the same texts.

PyYAML lays it out. Which texts need quotes is for us to say: its resolver knows the guesses of YAML
1.1 as PyYAML reads it, and takes neither `y` for a truth value, nor `1e3` and `0o14` for numbers,
as others do. And its quoted texts would hold invisible characters as they are.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

import yaml

from git_orch.plans.file import source
from git_orch.plans.file.findings import PlanFileError, file_finding
from git_orch.plans.plan import Plan
from git_orch.plans.plan_document import to_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_orch.plans.file.source import Location

_SURROGATE = re.compile("[\ud800-\udfff]")
_TEXT_WIDTH = 100  # a flow list beyond it is written one entry a line
# Words that YAML 1.1 or 1.2 takes for something other than a text, in any letter case.
_RESERVED = re.compile(r"y|n|yes|no|on|off|true|false|null|none", re.IGNORECASE)
_BARE = re.compile(r"(?:[A-Za-z_]|-{1,2}[A-Za-z_])[^:#]*(?:(?::(?=[^\s:])|(?<=[^\s#])#)[^:#]*)*")
_NOT_IN_QUOTES = re.compile(r"[^\x20-\x7e]")


def to_yaml(plan: Plan) -> str:
    """The plan as a YAML file for people. Raises PlanFileError for a plan that holds half a
    surrogate pair.
    """
    document = to_document(plan)
    if not plan.steps:  # an idea
        del document["steps"]
        if plan.objective == plan.title:
            del document["objective"]
    return document_yaml(document)


def document_yaml(document: object) -> str:
    """A document of texts, lists and mappings as YAML for people. Raises PlanFileError for one that
    holds half a surrogate pair.
    """
    refuse_surrogates(document)
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf)


def refuse_surrogates(document: object) -> None:
    """Raises PlanFileError for a document that holds half a surrogate pair."""
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


class _Dumper(yaml.SafeDumper):
    """Sequences are indented, nothing is an alias, quoted texts are JSON strings, and a block may
    hold tabs: PyYAML would write a Makefile as one long line in quotes.
    """

    def ignore_aliases(self, _data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, False)

    def choose_scalar_style(self) -> str:
        style = self.event.style if isinstance(self.event, yaml.ScalarEvent) else None
        is_block = style == "|" and not self.simple_key_context
        return "|" if is_block else super().choose_scalar_style()

    def determine_block_hints(self, text: str) -> str:
        hints: str = super().determine_block_hints(text)
        return f"{self.best_indent}{hints}" if text[0] == "\t" else hints

    def write_double_quoted(self, text: str, split: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002
        self.write_indicator(_quoted(text), True)

    write_single_quoted = write_double_quoted


def _text_node(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if _stands_as_a_block(text) else "" if _is_bare(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


def _list_node(dumper: _Dumper, values: Sequence[object]) -> yaml.SequenceNode:
    """A list of short texts stands on one line: [python3, -m, unittest]."""
    texts = [value for value in values if isinstance(value, str) and "\n" not in value]
    on_one_line = len(texts) == len(values) and len(", ".join(texts)) <= _TEXT_WIDTH
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=on_one_line)


_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(list, _list_node)


def scalar(text: str) -> str:
    """The text on one line, with quotes where it needs them."""
    return text if _is_bare(text) else _quoted(text)


def _is_bare(text: str) -> bool:
    bare = _BARE.fullmatch(text) and text.isprintable() and not text.endswith((" ", ":"))
    return bool(bare) and not _RESERVED.fullmatch(text)


def _stands_as_a_block(text: str) -> bool:
    """Whether a text of several lines has neither invisible characters nor white space at the end
    of a line or blank lines at its own, which editors remove.
    """
    lines = text.removesuffix("\n").split("\n")
    return "\n" in text and bool(lines[-1]) and all(map(_stands_as_it_is, lines))


def _stands_as_it_is(line: str) -> bool:
    return line.replace("\t", "").isprintable() and line == line.rstrip()


def _quoted(text: str) -> str:
    """A JSON string with everything invisible escaped, which is also a YAML one."""
    return _NOT_IN_QUOTES.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    return f"\\u{ord(character):04X}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08X}"
