"""How git-orch speaks: an actor, a verb, an object. The phrases that this rule took out of the documents
and the help do not come back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import places
import pytest

from git_orch.cli import table

_TOP = places.TOP
_DOCUMENTS = [
    *(_TOP / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")),
    *sorted((_TOP / "man").glob("*.scd")),
]
# A passive that hides who acts, and clauses that stand for a noun. "You are told" names the reader.
_HIDES_THE_ACTOR = re.compile(
    r"""
    (?<!\byou\ )\b(?:is|are|was|were|be|been)\ (?:said|told)\b
    | \bmade\ from\ nothing\b | \btaken\ out\b | \btries?\ out\ what\ holds\b
    | \bwhat\ it\ (?:was|is)\ to\ (?:cost|be)\b | \bwhat\ it\ says\ is\ in\b
    | \bhas\ the\ shape\ of\ a\ key\b | \bwhat\ leads\ on\b | \bother\ places\ for\b
    | \bthe\ way\ in\ for\b | \bas\ not\ to\ be\ run\b | \bhand\ in\ what\b
    | \binsists?\b | \bwhat\ is\ fetched\b | \bis\ looked\ at\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def hidden(text: str) -> list[str]:
    """The phrases in a text whose actor nobody sees, without the marks of scdoc and Markdown."""
    plain = " ".join(re.sub(r"[*_`]", "", text).split())
    return [found.group() for found in _HIDES_THE_ACTOR.finditer(plain)]


def texts_of(command: click.Command) -> Iterator[str]:
    """The help of a command, of its options and of the commands below it."""
    yield command.help or ""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield parameter.help or ""
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from texts_of(below)


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.name)
def test_a_document_says_who_acts(document: Path) -> None:
    assert hidden(document.read_text()) == []


@pytest.mark.parametrize("name", table.COMMANDS)
def test_the_help_of_a_command_says_who_acts(name: str) -> None:
    assert hidden(" \n".join([table.COMMANDS[name], *texts_of(table.load(name))])) == []


@pytest.mark.parametrize(
    "text",
    [
        "as it is told of them",
        "That they failed on an earlier tip is said.",
        "an environment made\nfrom nothing",
        "what has the shape of a key, are taken out",
        "compares what it was to cost with what it did",
        "hand in what you did for a manual step",
    ],
)
def test_a_phrase_without_an_actor_is_found(text: str) -> None:
    assert hidden(text)


def test_a_reader_may_be_told() -> None:
    assert hidden("You are told if the checks failed on an earlier tip.") == []
