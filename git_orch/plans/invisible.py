"""Characters that a terminal obeys or a reader does not see: one list for what people and models
read, for commands and for the names of files.
"""

from __future__ import annotations

import re

# What reorders, hides or breaks text: the soft hyphen, zero-width and bidirectional characters,
# line separators, byte order marks, interlinear annotations and tags.
UNSEEN = (0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x2028, 0x202F),
          *range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080))  # fmt: skip
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
_HALVES = r"\ud800-\udfff"  # of surrogate pairs, which Python has for bytes that are not UTF-8
CHARACTER = re.compile(f"[{_CONTROLS}{_HALVES}{''.join(map(chr, UNSEEN))}]")
_BREAK = re.compile(r"[\t\n]")


def escaped(text: str) -> str:
    """`text` with an escape in place of each of these characters; newline and tab stay."""
    return CHARACTER.sub(_escape, text)


def on_one_line(text: str) -> str:
    """`text` with newline and tab escaped as well."""
    return _BREAK.sub(_escape, escaped(text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0xA0:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
