"""The text of a configuration file of git."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def text(settings: Iterable[tuple[str, str]]) -> bytes:
    """A file with these settings: names as git prints them, and values."""
    return "".join(_lines(settings)).encode("utf-8", "surrogateescape")


def _lines(settings: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in settings:
        section, _, rest = name.partition(".")
        inner, dot, key = rest.rpartition(".")
        yield f'[{section} "{_escaped(inner)}"]\n' if dot else f"[{section}]\n"
        yield f'\t{key} = "{_escaped(value)}"\n'


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\b", "\\b")
