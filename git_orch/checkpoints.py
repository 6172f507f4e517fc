"""The borders at which git-orch changes what outlives it, and what comes before and after each.

A border is a line in the product: `with checkpoints.around("move ref", ref): ...`, or the same as a
decorator. Nobody looks there, unless a test that kills a run at every border, or collects garbage
between any two, installs an observer.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Literal, Protocol

Moment = Literal["before", "after"]


class Observer(Protocol):
    """What looks at the borders, in whatever thread passes one; `about` is the deed's own: a ref, a
    path, a command line.
    """

    def __call__(self, moment: Moment, deed: str, about: object, /) -> None: ...


class _Installed:
    observer: Observer | None = None


def observe(observer: Observer | None) -> None:
    """Let `observer`, or nobody, look at every border that this process passes from now on."""
    _Installed.observer = observer


class around(ContextDecorator):  # noqa: N801 - used like a function
    """A border: the deed is `with` the block, or the decorated function. One that raises has no
    moment after.
    """

    def __init__(self, deed: str, about: object = None) -> None:
        self._deed = deed
        self._about = about

    def __enter__(self) -> None:
        if _Installed.observer is not None:
            _Installed.observer("before", self._deed, self._about)

    def __exit__(self, kind: type[BaseException] | None, *_raised: object) -> None:
        if _Installed.observer is not None and kind is None:
            _Installed.observer("after", self._deed, self._about)
