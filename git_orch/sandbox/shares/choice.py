"""The user's choice of what is shared: the values of `orch.share`, one after the other.

`none` takes everything away, a name or a path adds something, and one with `-` before it takes it
away again; an empty value goes back to what is shared without a choice.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_orch.sandbox.walls.view import Share

NONE = "none"


class Choice(NamedTuple):
    """Whether things are shared that nobody named, and the names and paths that the user added and
    left out.
    """

    usual: bool = True
    added: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing at all is shared."""
        return not self.usual and not self.added

    def has(self, share: Share) -> bool:
        """Whether the user wants this one."""
        names = {share.name, share.place, share.source, os.path.basename(share.place)}
        if not names.isdisjoint(self.left_out):
            return False
        return self.usual or not names.isdisjoint(self.added)


def within(chosen: Choice, checkout: str) -> Choice:
    """The same choice, with the paths below a checkout as paths from there."""
    top = f"{checkout}/"
    added, left_out = (
        tuple(name.removeprefix(top) for name in names) for names in (chosen.added, chosen.left_out)
    )
    return Choice(chosen.usual, added, left_out)


def of_values(values: Iterable[str | None], home: str) -> Choice:
    """The choice that these values make; ~ is the home directory."""
    usual, added, left_out = True, dict[str, None](), dict[str, None]()
    for value in values:
        if value is None or value == "":
            usual, added, left_out = True, {}, {}
        elif value.lower() == NONE:
            usual, added, left_out = False, {}, {}
        elif value.startswith("-"):
            name = _written_out(value[1:], home)
            added.pop(name, None)
            left_out[name] = None
        else:
            name = _written_out(value, home)
            left_out.pop(name, None)
            added[name] = None
    return Choice(usual, tuple(added), tuple(left_out))


def _written_out(value: str, home: str) -> str:
    if value == "~" or value.startswith("~/"):
        value = home + value[1:]
    return os.path.normpath(value)
