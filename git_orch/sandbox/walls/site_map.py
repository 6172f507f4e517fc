"""The paths inside the sandbox of the host's files.

A worktree of git-orch's own stands at the path of the user's checkout, so that absolute paths in
editable installs, shebangs and build directories mean the worktree. It covers all of the checkout
there. What a command has to see of the checkout besides, such as the git directory, is shown
elsewhere, at BESIDE.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import NamedTuple

# Nothing can be written there, not even beside the mounts; `git worktree list` names it.
BESIDE = Path("/var/git-orch/checkout")

# Without these no command starts, and in some of them no directory can be made.
NEEDED = tuple(map(Path, (
    "/usr/bin", "/usr/sbin", "/usr/lib", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
    "/dev", "/proc",
)))  # fmt: skip
_IN_MEMORY = "/dev/shm"  # noqa: S108 - people have checkouts there
SHARED = frozenset(map(Path, (
    _IN_MEMORY, "/etc", "/opt", "/nix", "/snap", "/gnu", "/tmp", "/var", "/run",  # noqa: S108
)))  # fmt: skip
_WITHOUT_FILES = ("/proc", "/sys", "/dev")


class SiteMap(NamedTuple):
    """The paths of the host and those of a sandbox. The worktree is at `worktree`, and stands at
    `checkout`, whose own files it covers; None: everything is where it is. The path `link` goes
    through links of the user's to the checkout.
    """

    worktree: Path
    checkout: Path | None = None
    link: Path | None = None

    @property
    def top(self) -> Path:
        """The path of the worktree inside."""
        return self.worktree if self.checkout is None else self.checkout

    @property
    def tops(self) -> tuple[Path, ...]:
        """The paths that the worktree has inside."""
        return (self.top,) if self.link is None else (self.top, self.link)

    def inside(self, path: Path) -> Path:
        """The path inside of what is at `path` on the host."""
        if self.checkout is None:
            return path
        if path.is_relative_to(self.worktree):
            return self.checkout / path.relative_to(self.worktree)
        for place in (self.checkout, self.link):
            if place is not None and path.is_relative_to(place):
                return BESIDE / path.relative_to(place)
        return path


# Asked for each command of a run.
@functools.lru_cache
def can_stand_at(worktree: Path, checkout: Path, home: Path) -> bool:
    """Whether a worktree can stand at the path of this checkout, which is another one: nothing that
    commands need is there, neither programs nor the home directory.
    """
    real, own = Path(os.path.realpath(checkout)), Path(os.path.realpath(home))
    if real == Path(os.path.realpath(worktree)) or real.is_relative_to(BESIDE):
        return False
    if any(needed.is_relative_to(real) for needed in (*NEEDED, *SHARED, BESIDE, home, own)):
        return False
    return real.is_relative_to(_IN_MEMORY) or not any(map(real.is_relative_to, _WITHOUT_FILES))
