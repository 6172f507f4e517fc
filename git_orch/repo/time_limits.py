"""The time limits for calls of git, one for each kind of call.

Where one runs out something is wrong (a disk that does not answer, a named pipe where git reads a
file), and nobody should wait for it for ever. Editors have none: a person works there.
"""

from __future__ import annotations

from git_orch import errors

QUESTION = 300.0  # seconds: refs, settings, single objects
HISTORY = 1800.0  # whatever walks over commits or packs
WHOLE_TREE = 7200.0  # whatever looks at, or writes, all files of a work tree
FETCH = 1800.0

_HISTORY = frozenset(
    {
        "cherry-pick", "index-pack", "log", "merge-base", "merge-tree", "pack-objects", "patch-id",
        "rev-list", "verify-pack",
    }
)  # fmt: skip
_WHOLE_TREE = frozenset(
    {
        "add", "checkout", "checkout-index", "clean", "diff-files", "diff-index", "hash-object",
        "ls-files", "merge", "read-tree", "reset", "status", "update-index", "worktree",
    }
)  # fmt: skip


class TookTooLong(errors.UnfitRepository):
    """A call of git did not end, or did not answer, within its time limit."""

    def __init__(self, verb: str, seconds: float, directory: str | None) -> None:
        import shlex  # not for those whom nothing stops

        place = f"-C {shlex.quote(directory)} " if directory is not None else ""
        super().__init__(
            f"git {verb} gave no answer within {seconds:g} seconds",
            f"git {place}status  # where it hangs, too: is a file of the repository a named pipe?",
        )


def of(verb: str) -> float:
    """The time limit, in seconds, of a call of git by what it is asked to do."""
    if verb == "fetch":
        return FETCH
    if verb in _WHOLE_TREE:
        return WHOLE_TREE
    return HISTORY if verb in _HISTORY else QUESTION
