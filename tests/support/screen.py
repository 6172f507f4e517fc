"""A real terminal for a command: tmux draws it, and tests read what stands there."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_PATIENCE = 60.0  # seconds
_END = "the command has ended with"


class Screen:
    """A terminal in which one command runs, and which stays when that has ended."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def tmux(self, *words: str) -> str:
        """What a command of tmux prints."""
        argv = ["tmux", "-u", "-S", str(self._socket), "-f", "/dev/null", *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def text(self, *options: str) -> str:
        """What stands there, and above; with `-e` also its colours."""
        return self.tmux("capture-pane", "-p", "-S", "-", *options).rstrip("\n")

    def shows(self, *texts: str) -> str:
        """What stands there, once all these texts do."""
        until = time.monotonic() + _PATIENCE
        while not all(text in (seen := self.text()) for text in texts):
            assert time.monotonic() < until, f"{texts} not in:\n{seen}"
        return seen

    def press(self, key: str) -> None:
        """Press a key, such as C-c."""
        self.tmux("send-keys", key)

    def resize(self, columns: int) -> None:
        """Make the terminal narrower, or wider."""
        self.tmux("resize-window", "-x", str(columns))

    def ended(self) -> int:
        """The exit status of the command, once it has ended."""
        return int(self.shows(f"\n{_END}").rpartition(_END)[2])

    def is_sane(self) -> bool:
        """Whether the cursor is there, and the screen is the one that scrolls."""
        return self.tmux("display", "-p", "#{cursor_flag} #{alternate_on}").strip() == "1 0"


@contextlib.contextmanager
def screen(
    directory: Path, argv: Sequence[str], env: Mapping[str, str], columns: int = 90
) -> Iterator[Screen]:
    """Run a command in a terminal of 24 lines."""
    made = Screen(directory / "tmux")
    script = f"trap : INT; {shlex.join(argv)}; echo '{_END}' $?; exec sleep 600"
    made.tmux("new-session", "-d", "-x", str(columns), "-y", "24", "-c", str(directory),
              *(f"-e{name}={value}" for name, value in env.items()), script)  # fmt: skip
    try:
        yield made
    finally:
        made.tmux("kill-server")
