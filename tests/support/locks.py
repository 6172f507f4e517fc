"""A lock of git's that somebody holds who lives, and whom anybody can look at."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """A new lock, which a process has open: not that of the tests, whose memory, and so files,
    may be closed to others as git-orch's are.
    """
    holding = ["sh", "-c", f"exec 3>{shlex.quote(str(lock))} && echo held && read end"]
    with subprocess.Popen(
        holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as somebody:
        assert somebody.stdout is not None
        assert somebody.stdout.readline() == "held\n"
        yield
