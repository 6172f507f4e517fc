"""Characters that a terminal obeys or a reader does not see: one list for what people and models
read, for commands and for the names of files.
"""

from __future__ import annotations

import functools
import itertools
import re

# What reorders, hides or breaks text: the soft hyphen, zero-width and bidirectional characters,
# line separators, byte order marks, interlinear annotations and tags.
_UNSEEN = ((0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200F), (0x2028, 0x202E),
           (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F))  # fmt: skip
# C0 but tab and newline, DEL, C1, and halves of surrogate pairs, which Python has for bytes that
# are not UTF-8.
_UNFIT = ((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0xD800, 0xDFFF))
_C_ESCAPES = {
    "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r",
    '"': '"', "\\": "\\",
}  # fmt: skip
UNSEEN = tuple(itertools.chain.from_iterable(range(low, high + 1) for low, high in _UNSEEN))


def escaped(text: str) -> str:
    """`text` with an escape in place of each of these characters; newline and tab stay."""
    if text.isascii() and text.isprintable():
        return text
    return _pattern().sub(_escape, text)


def on_one_line(text: str) -> str:
    """`text` with newline and tab escaped as well."""
    return escaped(text).replace("\n", "\\n").replace("\t", "\\t")


def as_git_quotes(path: str) -> str:
    """`path` as git lists it: where one of these characters, a newline, a tab, a double quote or a
    backslash is in it, in double quotes and with the escapes of C.
    """
    if path.isascii() and path.isprintable() and not ('"' in path or "\\" in path):
        return path
    escapes = "".join(_in_c(character) for character in path)
    return path if escapes == path else f'"{escapes}"'


def _in_c(character: str) -> str:
    if character in _C_ESCAPES:
        return f"\\{_C_ESCAPES[character]}"
    if first(character) is None:
        return character
    is_byte = "\udc80" <= character <= "\udcff"  # of a name that is not UTF-8
    data = character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in data)


def first(text: str) -> re.Match[str] | None:
    """The first of these characters in `text`, and its place."""
    return _pattern().search(text)


@functools.cache
def _pattern() -> re.Pattern[str]:
    ranges = (f"{chr(low)}-{chr(high)}" for low, high in (*_UNFIT, *_UNSEEN))
    return re.compile(f"[{''.join(ranges)}]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0xA0:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
