"""The two pipes to a command that talks with git-orch: its standard input and output."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Wires:
    """`writer` and `reader` are our ends, descriptors that whoever talks closes. The others are for
    the command.
    """

    def __init__(self) -> None:
        self.stdin, self.writer = os.pipe()
        self.reader, self.stdout = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.hand_over()

    def hand_over(self) -> None:
        """Close the command's ends here: then the end of either side is seen by the other."""
        for descriptor in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.stdin = self.stdout = -1
