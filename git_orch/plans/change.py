"""The change of a step as a reviewing model sees it: the patch of git, bounded, and a name for it.

The name does not change with the place of the change in its files: a step that is picked onto
others keeps it.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from git_orch.plans import redact

LARGEST_FILE = 24_000  # characters of one file's patch; a lock file has more than a model need see
LARGEST = 120_000  # characters of a whole change
_SECTION = re.compile(r"^diff --git ", re.MULTILINE)
_INDEX = re.compile(r"^index [0-9a-f]+\.\.[0-9a-f]+(?: [0-7]+)?\n", re.MULTILINE)
_PLACE = re.compile(r"^@@ -[0-9,]+ \+[0-9,]+ @@", re.MULTILINE)
_HUNK = re.compile(r"^@@ ", re.MULTILINE)


class Change(NamedTuple):
    """A change: its `text` without secrets, its `digest`, and the headings of the files of which a
    part is left out.
    """

    text: str
    digest: str
    cut: tuple[str, ...] = ()


def change(patch: bytes, secrets: Iterable[str]) -> Change:
    """The change in a patch that git made of two trees."""
    whole = patch.decode("utf-8", "replace")
    starts = [match.start() for match in _SECTION.finditer(whole)]
    sections = [
        _INDEX.sub("", whole[start:end], count=1)
        for start, end in itertools.pairwise([*starts, len(whole)])
    ]
    hidden = tuple(secrets)
    parts, cut = list[str](), list[str]()
    room = LARGEST
    for section in sections:
        text = redact.redacted(_readable(section), hidden)
        heading = text.partition("\n")[0].removeprefix("diff --git ")
        shown = _bounded(text, min(LARGEST_FILE, max(room, 0)))
        room -= len(shown)
        parts.append(shown)
        if shown != text:
            cut.append(heading)
    digest = hashlib.sha256("".join(_lasting(sections)).encode("utf-8", "replace")).hexdigest()
    return Change("".join(parts), digest, tuple(cut))


def _readable(section: str) -> str:
    """The patch of one file; of one that is no text only its heading."""
    if "\0" not in section:
        return section
    hunk = _HUNK.search(section)
    head = section[: hunk.start()] if hunk is not None else section.replace("\0", "")
    return f"{head}(a file that is no text)\n"


def _bounded(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head, tail = most * 5 // 8, most * 3 // 8
    heading = text.partition("\n")[0]
    left_out = len(text) - head - tail
    shown = f"{text[:head]}\n[... {left_out:,} characters left out ...]\n{text[len(text) - tail :]}"
    return shown if most > len(heading) else f"{heading}\n[... all of it left out ...]\n"


def _lasting(sections: Iterable[str]) -> Iterator[str]:
    """The parts of a patch that stay the same where other steps came before it."""
    for section in sections:
        yield _PLACE.sub("@@", section)
