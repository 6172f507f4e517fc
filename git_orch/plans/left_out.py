"""Files of a step that git does not keep, and that a failing check may need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from git_orch.plans import sentences

_WORD = re.compile(r"[^\s'\"`:;,()<>=]+")


def reason(beside: Sequence[str], texts: Iterable[str]) -> str:
    """The end of a sentence about a check that failed: what it may have needed of `beside`, the
    paths that git does not keep. Directories end with a slash; one that is empty with two. `texts`
    are what the check runs and what it printed.
    """
    for text in texts:
        for word in _WORD.findall(text):
            for path in beside:
                named = _named(word, path.rstrip("/"))
                if named is None:
                    continue
                if path.endswith("//"):
                    return f"it needs {sentences.quoted(named)}, and git keeps no empty directory"
                return f"it needs {sentences.quoted(named)}, which git ignores"
    if not beside:
        return ""
    listed = sentences.paths([path.replace("//", "/") for path in beside])
    return f"it does not see files that git leaves out: {listed}"


def _named(word: str, path: str) -> str | None:
    """The part of a word that names a path or something in it; None where none does."""
    whole = f"/{word.removeprefix('./')}/"
    place = whole.find(f"/{path}/")
    return whole[place + 1 :].rstrip("/").rstrip(".") if place >= 0 else None
