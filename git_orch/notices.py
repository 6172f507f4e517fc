"""Messages from the depths of a command to the person who typed it, beside its results and errors.

Nobody listens where a program works on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_listeners: list[Callable[[str, str], None]] = []
_warned: set[str] = set()


def listen(listener: Callable[[str, str], None]) -> None:
    """Have this one, and no other, hear what there is to say: how grave it is, and a sentence."""
    _listeners[:] = [listener]
    _warned.clear()


def tell(text: str) -> None:
    """Say a sentence to whoever listens."""
    for listener in _listeners:
        listener("note", text)


def warn_once(about: str, text: str) -> None:
    """Say what is wrong with something, the first time."""
    if about in _warned:
        return
    _warned.add(about)
    for listener in _listeners:
        listener("warning", text)
