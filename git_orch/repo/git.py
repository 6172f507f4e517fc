"""The one caller of the git command.

Every call names its repository, runs without hooks, pagers, editors and automatic maintenance, and
without any of the user's `GIT_*` variables that would point it at another repository.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints, errors
from git_orch.plans import sentences
from git_orch.repo import git_settings, scopes, time_limits
from git_orch.repo.scopes import Scoped
from git_orch.sandbox import secrecy
from git_orch.sandbox.process import tools

if TYPE_CHECKING:
    from pathlib import Path

# Whether objects are shown as `git replace` has them: in the sandbox as outside.
REPLACING = ("GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE")
# Variables of git that are kept: configuration given on the command line, identity, and what
# reaching a remote needs.
_KEPT_VARIABLES = (
    "GIT_CONFIG_", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_EXEC_PATH", "GIT_SSH", "GIT_ASKPASS", "GIT_TERMINAL_PROMPT",
    "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_PROXY_", "GIT_SSL_", "GIT_HTTP_", "GIT_TRACE",
    "GIT_TEST_DEFAULT", "GIT_DEFAULT_HASH", "GIT_DEFAULT_REF_FORMAT", *REPLACING,
)  # fmt: skip
# For finding the repository the user's own words count as well.
_LOCATION_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR")

_PINNED = (
    *git_settings.PINNED,
    "color.ui=false",
    "color.diff=false",  # color.ui does not outvote it, and a coloured patch has another patch ID
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "log.mailmap=false",
    "submodule.recurse=false",
    "worktree.useRelativePaths=false",
    "advice.detachedHead=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "protocol.ext.allow=never",
    "rerere.enabled=false",
)
# Variables that settings of any name are set from: `-c` would cut a name with "=" there.
_NOTHING = "GIT_ORCH_NOTHING"
_NO = "GIT_ORCH_NO"
# `merge-tree --write-tree` and `worktree list -z` work from 2.38 on; this is what Debian 12 has.
OLDEST = "2.39"
USAGE_STATUS = 129  # git's own, for an option that it does not know
# A terminal's Ctrl-C goes to git as well, and may end it before we hear of it ourselves.
_STOPPED_BY = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGTERM})


# What the system says of a full disk, what git says of any file that it could not write to its end,
# and reasons that are another story.
_FULL = ("No space left on device", "Disk quota exceeded", "Out of diskspace")
_UNWRITTEN = (
    "unable to write file",
    "unable to write new index file",
    "unable to write new_index file",
    "could not write index",
    "couldn't write",
    "write error",
)
_OTHER_REASONS = ("Permission denied", "Read-only file system", "File too large", "File exists")


class GitFailed(errors.OrchError):
    """git ended with a status nobody expected; `status` and `stderr` say more."""

    exit_code = 128

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(*_explain(command, status, stderr))
        self.status = status
        self.stderr = stderr

    @property
    def locked(self) -> bool:
        """Whether another git held a lock that it needed."""
        return ".lock': File exists" in self.stderr


class NoRoom(GitFailed, errors.DiskFull):
    """git found no room to write."""


def failure(command: str, status: int, stderr: str) -> GitFailed:
    """The error for a git that ended with a status nobody expected."""
    kind = NoRoom if tells_of_full_disk(stderr) else GitFailed
    return kind(command, status, stderr)


def environment(source: Mapping[str, str], *, keep_location: bool = False) -> dict[str, str]:
    """The environment for git: without the variables that name another repository, index or pager."""
    kept = _KEPT_VARIABLES + (_LOCATION_VARIABLES if keep_location else ())
    inherited = {
        name: value
        for name, value in source.items()
        if not name.startswith("GIT_") or name.startswith(kept)
    }
    for name in secrecy.PROVIDER_KEYS:
        inherited.pop(name, None)
    return inherited | {
        "LANGUAGE": "en",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        # Not known to every git: then no protocol is allowed to fetch. See objects/partial.py.
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "",
        _NOTHING: "",
        _NO: "false",
    }


# `false` as a merge driver reports a conflict.
_SWITCHES = ("required", "enabled", "driver")


def drivers(names: Iterable[str]) -> tuple[str, ...]:
    """Of names in git's configuration those that make git start a program for a path, whatever a
    pattern may be.
    """
    driver = git_settings.Care.DRIVER
    return tuple(dict.fromkeys(name for name in names if git_settings.matches(name, driver)))


class Git(NamedTuple):
    """git for one git directory, and for one work tree where that is given.

    `drivers` are the settings that would start a program when git looks at files; they count as not
    set. What the repository's own configuration says of paths and programs counts in no call.
    `chosen` are settings of the form name=value that count whatever any configuration says.
    """

    directory: Path | str
    top: Path | str | None
    variables: Mapping[str, str]
    drivers: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()

    @property
    def git_dir(self) -> Path:
        """The git directory."""
        from pathlib import Path  # not for those who only read refs

        return Path(self.directory)

    @property
    def work_tree(self) -> Path | None:
        """The work tree."""
        from pathlib import Path

        return Path(self.top) if self.top is not None else None

    def argv(self, *args: str) -> list[str]:
        """The whole command line for `args`. Raises Refused for a repository that leads elsewhere."""
        command = ["git", "--no-pager", f"--git-dir={self.directory}"]
        if self.top is not None:
            command.append(f"--work-tree={self.top}")
        for pinned in (*_PINNED, *self.chosen):
            command += ["-c", pinned]
        for name, value in self.outvoted().items():
            command += _option(name, value)
        return [*command, *(_unset(name) for name in self.drivers), *args]

    def session(self, *args: str, terse: bool = False) -> tools.Session:
        """A git that answers requests until it is closed. What waits for an answer for too long
        raises TookTooLong.
        """
        overdue = time_limits.TookTooLong(_verb(args), time_limits.QUESTION, str(self.directory))
        patience = tools.Patience(time_limits.QUESTION, overdue)
        return tools.Session(self.argv(*args), env=self.variables, terse=terse, patience=patience)

    def outvoted(self) -> Mapping[str, str | None]:
        """The settings of the repository that do not count, by name, with what counts instead."""
        return scopes.outvoted(self.place(), self.variables, self._list)

    def settings(self) -> tuple[Scoped, ...]:
        """All of git's configuration as it is set, whether it counts or not."""
        return scopes.settings(self.place(), self.variables, self._list)

    def mentions(self, words: frozenset[bytes]) -> bool:
        """Whether one of these words, in lower case, stands in a file of git's configuration."""
        return scopes.mentions(self.place(), self.variables, words)

    def place(self) -> scopes.Place:
        """The place where this git acts."""
        return scopes.place(str(self.directory), str(self.top) if self.top is not None else None)

    def _list(self) -> bytes:
        argv = ["git", f"--git-dir={self.directory}", "config", "--list"]
        options = ("--show-scope", "--show-origin", "-z")
        done = start([*argv, *options], self.variables, self._directory(), None)
        return _checked("config", done, (0,)).stdout

    def run(
        self,
        *args: str,
        stdin: bytes | int | None = None,
        expect: Sequence[int] = (0,),
        variables: Mapping[str, str] | None = None,
    ) -> bytes:
        """Standard output of git. A status that is not in `expect` raises GitFailed."""
        return self.finished(*args, stdin=stdin, expect=expect, variables=variables).stdout

    def finished(
        self,
        *args: str,
        stdin: bytes | int | None = None,
        expect: Sequence[int] = (0,),
        variables: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> tools.Finished:
        """Status and output of git. A status that is not in `expect` raises GitFailed, a Ctrl-C
        Interrupted.

        Raises TimeoutError after `timeout` seconds; without one, TookTooLong after the usual time.
        """
        done = start(
            self.argv(*args),
            {**self.variables, **(variables or {})},
            self._directory(),
            stdin,
            timeout,
        )
        return _checked(_verb(args), done, expect)

    def line(self, *args: str) -> str:
        """The first line of git's output, decoded."""
        return self.run(*args).decode("utf-8", "surrogateescape").split("\n", 1)[0]

    def _directory(self) -> str:
        # A work tree that is gone must not turn every call into FileNotFoundError.
        there = self.top is not None and os.path.isdir(self.top)
        return str(self.top if there else self.directory)


def _checked(verb: str, done: tools.Finished, expect: Sequence[int]) -> tools.Finished:
    if -done.status in _STOPPED_BY:
        raise errors.Interrupted(-done.status, "git orch status")
    if done.status not in expect:
        raise failure(verb, done.status, done.stderr.decode("utf-8", "replace"))
    return done


def _option(name: str, value: str | None) -> list[str]:
    """The option that gives a setting a value; one that no option can give one counts as not set."""
    if value == "" or "=" in name:
        return [_unset(name)]
    return ["-c", name if value is None else f"{name}={value}"]


def _unset(name: str) -> str:
    """The option that takes a driver's setting away; an empty command is none."""
    return f"--config-env={name}={_NO if name.endswith(_SWITCHES) else _NOTHING}"


def start(
    argv: Sequence[str],
    variables: Mapping[str, str],
    directory: str | None,
    stdin: bytes | int | None,
    timeout: float | None = None,
) -> tools.Finished:
    """Run git, for at most `timeout` seconds, or what is usual for such a call.

    Raises UnfitRepository when there is none on PATH, TimeoutError after `timeout`, and TookTooLong
    after the usual time.
    """
    verb = _verb(argv[1:])
    limit = timeout if timeout is not None else time_limits.of(verb)
    try:
        with checkpoints.around("git", argv):
            return tools.capture(argv, env=variables, cwd=directory, stdin=stdin, timeout=limit)
    except TimeoutError as hung:
        if timeout is not None:
            raise
        raise time_limits.TookTooLong(verb, limit, directory) from hung
    except FileNotFoundError as missing:
        raise errors.UnfitRepository("git is not on PATH", "apt-get install git") from missing


def user_editor(own: str | None) -> str:
    """The editor that git itself would open for the user, whose own core.editor is `own`: their
    variables count before and after it.
    """
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    variables = environment(os.environ) | alone
    for name in ("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"):
        variables.pop(name, None)
    chosen = os.environ.get("GIT_EDITOR") or own
    if chosen:
        variables["GIT_EDITOR"] = chosen
    done = start(["git", "var", "GIT_EDITOR"], variables, "/", None)
    return done.stdout.decode("utf-8", "surrogateescape").strip() or "vi"


def _verb(args: Sequence[str]) -> str:
    skip_next = False
    for word in args:
        if skip_next:
            skip_next = False
        elif word == "-c":
            skip_next = True
        elif not word.startswith("-"):
            return word
    return "git"


# What git says of a repository that is damaged.
_DAMAGE = re.compile(
    r"corrupt|bad object|bad (?:tree|index file)|missing (?:blob|tree|commit|object)|invalid object"
    r"|unable to (?:read|find|unpack|parse) (?:\S+ )?(?:object|tree|commit|blob|[0-9a-f]{7,})"
    r"|could not (?:read|parse) (?:object |commit |tree )?[0-9a-f]{7,}|hash mismatch|inflate|"
    r"broken (?:link|ref)|index file smaller|index uses|packfile|not our ref|garbage at end"
    r"|failed to (?:read|unpack) (?:object|tree)|Could not read from|object file .* is empty"
    r"|loose object|\bsha1 mismatch"
)


def _explain(command: str, status: int, stderr: str) -> tuple[str, str]:
    """Cause and hint for what git said."""
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith("hint:")]
    complaint = next(
        (line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else ""
    )
    complaint = complaint.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
    if tells_of_full_disk(stderr):
        full = errors.disk_full(f"git {command}: {complaint}")
        return full.cause, full.hint
    if (
        "Read-only file system" in stderr
        or "Permission denied" in stderr
        or "insufficient permission" in stderr
    ):
        return (
            f"the repository cannot be written (git {command}: {complaint})",
            "ls -ld .git .git/objects .git/refs",
        )
    if ".lock': File exists" in stderr:
        lock = stderr.partition("Unable to create '")[2].partition("'")[0]
        return (
            f"{sentences.quoted(lock)} is locked by another git process",
            f"ls -l {shlex.quote(lock)}  # if no git runs, remove it",
        )
    if "dubious ownership" in stderr:
        return complaint, 'git config --global --add safe.directory "$PWD"'
    if status == USAGE_STATUS:
        return too_old(f"git {command}: {complaint}")
    if status < 0:
        return f"git {command} was killed by signal {-status}", "git orch status"
    return f"git {command} failed: {complaint or f'exit status {status}'}", _look(stderr)


def _look(stderr: str) -> str:
    """The command that shows more of what git complains about."""
    if _DAMAGE.search(stderr):
        return "git fsck"
    if "config" in stderr:
        return "git config --list --show-origin"
    if "lock ref" in stderr or "reference" in stderr:
        return "git for-each-ref"
    return "git status"


def tells_of_full_disk(text: str) -> bool:
    """Whether git or libgit2 says that there was no room. Often they do not give the reason: then a
    file that was opened and could not be written is taken for it.
    """
    if any(reason in text for reason in _FULL):
        return True
    return not any(reason in text for reason in _OTHER_REASONS) and any(
        words in text for words in _UNWRITTEN
    )


def too_old(complaint: str) -> tuple[str, str]:
    """Cause and hint for a git that does not know what we ask of it."""
    return f"this git is too old: {OLDEST} or newer is needed ({complaint})", "git --version"
