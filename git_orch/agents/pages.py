"""Files and outputs as a model sees them: with line numbers, and a note where text is missing."""

from __future__ import annotations

from git_orch.agents import edits, tool_definitions
from git_orch.plans import sentences

BYTE_ORDER_MARK = "\ufeff"


def short_lines(text: str) -> str:
    """The text with its lines cut to 1,000 characters."""
    return "\n".join(_short(line) for line in text.split("\n"))


def _short(line: str) -> str:
    if len(line) <= tool_definitions.LINE_LENGTH:
        return line
    rest = len(line) - tool_definitions.LINE_LENGTH
    return f"{line[: tool_definitions.LINE_LENGTH]} [... {rest:,} more characters]"


def is_binary(data: bytes) -> bool:
    """Whether a file is binary by git's rule (buffer_is_binary in its xdiff-interface.c)."""
    return b"\0" in data[:8000]


def page(path: str, lines: list[str], first: int, count: int) -> str:
    """At most `count` lines from line `first` on, with numbers, under a headline that says whether
    these are all.
    """
    shown: list[str] = []
    room = tool_definitions.READ_CHARACTERS
    for number, line in enumerate(lines[first - 1 : first - 1 + count], start=first):
        numbered = f"{number}\t{_short(line)}"
        room -= len(numbered) + 1
        if room < 0:
            break
        shown.append(numbered)
    last = first + len(shown) - 1
    whole = first == 1 and last == len(lines)
    rest = "" if last == len(lines) else f", go on with offset {last + 1}"
    part = "" if whole else f"PARTIAL, {first} to {last} of "
    return "\n".join([f"[{path}: {part}{sentences.count(len(lines), 'line')}{rest}]", *shown])


def content_like(existing: bytes, content: str) -> bytes:
    """`content` as bytes, with the byte order mark and the CRLF line endings of `existing`."""
    if is_binary(existing):
        return content.encode()
    before = existing.decode("utf-8", "surrogateescape")
    if before.count("\r\n") == before.count("\n") > 0:
        content = edits.with_endings(content, "\r\n")
    if before.startswith(BYTE_ORDER_MARK):
        content = BYTE_ORDER_MARK + content.removeprefix(BYTE_ORDER_MARK)
    return content.encode()
