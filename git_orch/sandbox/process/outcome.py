"""How a command ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from git_orch.sandbox.process import output

if TYPE_CHECKING:
    from pathlib import Path

    from git_orch.plans.hosts import Visit

Reason = Literal[
    "exited", "timeout", "output-limit", "stopped", "memory-limit", "process-limit", "disk-limit"
]


def timeout(seconds: float) -> str:
    """The words for a command that took longer than it may."""
    return f"timeout after {seconds:g}s"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. `output` is stdout and stderr together in order: head and tail of
    `total` bytes.

    A negative `status` is the signal that killed it. `output_path` has the whole output, unless the
    system refused that. `visits` are the hosts that a command with a list of them asked for.
    """

    status: int
    reason: Reason
    output: bytes
    total: int
    seconds: float
    output_path: Path | None = None
    visits: tuple[Visit, ...] = ()

    def excerpt(self, limit: int) -> str:
        """The output as safe text of about `limit` characters, with the number of dropped bytes at
        the cut.
        """
        return output.excerpt(self.output, self.total, limit)
