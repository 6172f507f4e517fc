"""How a command ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from git_orch.sandbox.process import output

if TYPE_CHECKING:
    from pathlib import Path

Reason = Literal[
    "exited", "timeout", "output-limit", "stopped", "memory-limit", "process-limit", "disk-limit"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. `output` is stdout and stderr together in order: head and tail of
    `total` bytes.

    A negative `status` is the signal that killed it.
    """

    status: int
    reason: Reason
    output: bytes
    total: int
    seconds: float
    output_path: Path | None = None

    def excerpt(self, limit: int) -> str:
        """The output as safe text of about `limit` characters, with the number of dropped bytes at
        the cut.
        """
        return output.excerpt(self.output, self.total, limit)
