"""What the depths of a command have to say to the person who typed it, beside its results and errors.

Nobody listens where a program works on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_listeners: list[Callable[[str], None]] = []


def listen(listener: Callable[[str], None]) -> None:
    """Have this one, and no other, hear what there is to say: a sentence each time."""
    _listeners[:] = [listener]


def tell(text: str) -> None:
    """Say a sentence to whoever listens."""
    for listener in _listeners:
        listener(text)
