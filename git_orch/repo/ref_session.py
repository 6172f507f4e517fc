"""One open `git update-ref --stdin`: a run moves its refs through it, a transaction for each move.

git reads the old value under the ref's lock, so that each move is a compare-and-swap. Between two
transactions nothing is locked. The reason in the reflog is the same for all moves of a session.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from git_orch.repo import sync
from git_orch.repo.git import GitFailed, failure
from git_orch.sandbox.process import tools

if TYPE_CHECKING:
    from git_orch.repo.git import Git

_ANSWERS = (b"start: ok", b"prepare: ok", b"commit: ok")


class RefSession:
    """Moves refs of one repository, from any thread, with `reason` in their reflogs."""

    def __init__(self, git: Git, reason: str) -> None:
        self._git = git
        self._reason = reason
        self._guard = threading.Lock()
        self._tool: tools.Session | None = None

    def transact(self, *commands: str) -> None:
        """Have git do all of these commands (see update-ref in git(1)), or none.

        Raises GitFailed with the reason; a git that died without one has status 0, and may have done
        them.
        """
        lines = "".join(f"{line}\n" for line in ("start", *commands, "prepare", "commit"))
        with self._guard:
            try:
                tool = self._opened()
                tool.send(lines.encode("utf-8", "surrogateescape"))
                for answer in _ANSWERS:
                    if tool.read_line() != answer:
                        raise EOFError("an answer to something else")
            except EOFError:
                raise self._failure() from None
            except BaseException:  # a signal: the answers that are left are not for the next one
                if self._tool is not None:
                    self._tool.close()
                self._tool = None
                raise

    def close(self) -> None:
        """End the process; the next transaction starts another."""
        with self._guard:
            if self._tool is not None:
                self._tool.close()
                self._tool = None

    def _opened(self) -> tools.Session:
        if self._tool is None:
            moving = ("update-ref", "--no-deref", "--create-reflog", "-m", self._reason, "--stdin")
            self._tool = self._git.session(*sync.options(), *moving, terse=True)
        return self._tool

    def _failure(self) -> GitFailed:
        """Why the process ended, which it did at the first command that it could not do."""
        if self._tool is None:
            return GitFailed("update-ref", 0, "")
        ended = self._tool.close()
        self._tool = None
        complaint = ended.stderr.decode("utf-8", "replace")
        return failure("update-ref", ended.status if complaint else 0, complaint)
