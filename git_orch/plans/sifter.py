"""Redacts a text that arrives in pieces: a secret may be cut in two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_orch.plans import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY_BEGINS = re.compile(r"-----BEGIN (?:[A-Z0-9 ]*PRIVATE KEY-----|[A-Z0-9 ]*\Z)")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY-----")
# What follows these is a secret: `authorization: Bearer TOKEN` are three words.
_LEADS_ON = re.compile(r"authorization|x-api-key|\b(?:bearer|basic)\b", re.IGNORECASE)
_WORDS = 3
_MOST = 64 * 1024  # characters held back
_KEPT = 1024  # of them at either end, where there are more


class Sifter:
    """Gives the pieces of a text without secrets, as soon as no later piece can belong to one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)
        self._held = ""

    def feed(self, piece: str) -> str:
        """The text that can be shown, now that this piece is there."""
        text = self._held + piece
        cut = self._end_of_safe(text)
        self._held = text[cut:]
        if len(self._held) > _MOST:  # a key without an end, or a word of that length
            self._held = self._held[:_KEPT] + self._held[-_KEPT:]
        return redact.redacted(text[:cut], self._secrets)

    def rest(self) -> str:
        """The text that was held back, at the end."""
        return self._all(self._held)

    def _all(self, text: str) -> str:
        self._held = ""
        return redact.redacted(text, self._secrets)

    def _end_of_safe(self, text: str) -> int:
        cut = _start_of_key(text, _end_of_words(text))
        for secret in self._secrets:
            cut = _start_of_secret(text, secret, cut)
        return cut


def _end_of_words(text: str) -> int:
    """The end of the last whole word, before words that lead on to a secret."""
    parts = text.rsplit(maxsplit=1)
    cut = len(text)
    if text and not text[-1].isspace():
        cut -= len(parts[-1])
    before = text.rsplit(maxsplit=_WORDS)
    leads_on = _LEADS_ON.search(text, len(before[0]) if len(before) > _WORDS else 0)
    return cut if leads_on is None else min(cut, leads_on.start())


def _start_of_key(text: str, cut: int) -> int:
    """The start of a private key that goes on after the cut; the cut without one."""
    begins = max((match.start() for match in _KEY_BEGINS.finditer(text, 0, cut)), default=cut)
    ends = _KEY_ENDS.search(text, begins, cut)
    return begins if ends is None else cut


def _start_of_secret(text: str, secret: str, cut: int) -> int:
    """The start of a secret, with spaces in it, that goes on after the cut; the cut without one."""
    start = text.find(secret[0], max(0, cut - len(secret) + 1), cut)
    while start >= 0:
        if secret.startswith(text[start : start + len(secret)]):
            return start
        start = text.find(secret[0], start + 1, cut)
    return cut
