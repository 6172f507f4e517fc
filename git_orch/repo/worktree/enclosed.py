"""git on files that commands wrote: inside the sandbox, with an index and an object directory of
its own.

Filters of the user run there, and so does whatever a worktree may have planted for git to start.
Nothing comes out but files in a scratch directory, which are read as what they are: bytes of
somebody else.

The worktree stands where it stands for commands, and git gets the paths of the inside: a filter or
a hook is a command, and one that the user wrote with the path of the checkout has to find it there.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo.git import REPLACING, GitFailed, failure
from git_orch.sandbox import trees
from git_orch.sandbox.process.outcome import Outcome
from git_orch.sandbox.walls.launcher import Launcher
from git_orch.sandbox.walls.view import share_layers

SCRATCH = ".scratch"
QUARANTINE = ".quarantine"
WRITES = ".writes"
_SECONDS = 900.0  # a filter may have gigabytes to look at
# One that is not required.
_FILTER_FAILED = re.compile(rb"^error: external filter '(.+)' failed$", re.MULTILINE)
_PINNED = {  # inside as outside; the user's filters are what this is for, and stay
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.fsync": "none",  # nothing in the scratch directory outlives us
    "core.untrackedCache": "false",
    "core.splitIndex": "false",  # the shared half would be written where nothing can be
    "index.sparse": "false",
    "advice.addEmbeddedRepo": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
}


@dataclass(frozen=True, slots=True)
class Scratch:
    """A directory for one use of git: `index` is a copy, `objects` takes what is new, `out` what
    git says.
    """

    path: Path

    @property
    def index(self) -> Path:
        """The private index."""
        return self.path / "index"

    @property
    def objects(self) -> Path:
        """The private object directory, which borrows from the repository's."""
        return self.path / "objects"

    @property
    def lfs(self) -> Path:
        """The directory in which git-lfs puts the contents of its pointers."""
        return self.path / "lfs"

    def bytes(self, name: str, limit: int) -> bytes:
        """What git left in the file `name`, a plain one of at most `limit` bytes. Raises
        UnfitRepository.
        """
        with self.opened(name, limit) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(limit)

    def has(self, name: str) -> bool:
        """Whether git left a file `name`."""
        return os.path.lexists(self.path / name)

    @contextlib.contextmanager
    def opened(self, name: str, limit: int) -> Iterator[int]:
        """The file, opened for reading."""
        try:
            descriptor = os.open(
                self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
        except OSError as missing:
            raise errors.UnfitRepository(
                f"git left no {sentences.quoted(name)} behind", "git orch status"
            ) from missing
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
                raise errors.UnfitRepository(
                    f"what git left in {sentences.quoted(name)} is larger than {limit} bytes",
                    "git status",
                )
            yield descriptor
        finally:
            os.close(descriptor)


class FilterFailed(GitFailed):
    """A filter of the user failed in the sandbox: git would store the files as they are, which they
    did not ask for.
    """

    def __init__(self, command: str) -> None:
        super().__init__("add", 1, "")
        self.cause = f"the filter '{command}' failed in the sandbox"
        self.hint = "git config --global --add orch.readable /the/directory/of/its/program"


def silent(_text: str) -> None:
    """For those whom no trouble concerns."""


class Boundary(NamedTuple):
    """The launcher of the sandbox, and the listener for trouble there that does not end the work."""

    launcher: Launcher
    tell: Callable[[str], None] = silent


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A worktree, its git directory and the common one, and the sandbox that git looks at the files
    in.
    """

    worktree: Path
    git_dir: Path
    common_dir: Path
    boundary: Boundary
    settings: Mapping[str, str]  # of the file system that it lies on, see file_system
    own: bool = True  # git-orch's, not the user's checkout
    stop: threading.Event | None = None

    @property
    def launcher(self) -> Launcher:
        """The launcher that runs git in the sandbox."""
        return self.boundary.launcher

    @property
    def mount_points(self) -> frozenset[str]:
        """The places in the worktree where shares are mounted for commands."""
        return frozenset(
            share.place for share in self.launcher.shares if not os.path.isabs(share.place)
        )

    def changed_shares(self) -> tuple[str, ...]:
        """The shares that commands wrote to in this attempt; what they wrote to caches does not
        count.
        """
        if not self.own:
            return ()
        writes = beside(self.worktree, WRITES)
        return tuple(
            f"{share.place}/"
            for share in self.launcher.shares
            if not share.cache and _has_entries(share_layers(writes, share)[0])
        )

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """A scratch directory with a copy of the worktree's index."""
        with self.directory(SCRATCH) as directory:
            made = Scratch(directory)
            for inner in (made.objects / "info", made.lfs):
                inner.mkdir(parents=True)
            (made.objects / "info" / "alternates").write_bytes(
                os.fsencode(self.inside(self.common_dir) / "objects") + b"\n"
            )
            # An index that was never written is an empty one.
            index = self.git_dir / "index"
            with contextlib.suppress(FileNotFoundError):
                if not index.is_symlink():  # commands see the copy
                    shutil.copy2(index, made.index)
            if self.launcher.git is not None:
                view, _ = self.launcher.view_and_variables(self.worktree)
                (made.path / "config").write_bytes(view.git_config)
            yield made

    def inside(self, path: Path) -> Path:
        """The path that a command in the sandbox has for what is at `path`."""
        return self.launcher.site_map(self.worktree).inside(path)

    @contextlib.contextmanager
    def directory(self, suffix: str) -> Iterator[Path]:
        """An empty directory beside the worktree, gone afterwards; the next use removes what a
        killed one left.

        The user's own checkout has no such neighbour: then it is somewhere among the temporary
        files.
        """
        if not self.own:
            made = Path(tempfile.mkdtemp(prefix="git-orch-"))
            try:
                yield made
            finally:
                with contextlib.suppress(OSError):
                    trees.remove(made)
            return
        path = beside(self.worktree, suffix)
        discard(path)
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            discard(path)

    def run(self, scratch: Scratch, script: str, *args: str, writes_files: bool = False) -> None:
        """Run a script of sh in the worktree, where "$OUT" is the scratch directory. Raises
        GitFailed.
        """
        script_and_args = (script, "git-orch", *args)
        outcome = self.outcome(scratch, script=script_and_args, writes_files=writes_files)
        if outcome.reason == "stopped":
            raise GitFailed("add", -15, "stopped")
        if outcome.reason != "exited" or outcome.status != 0:
            said = outcome.output.decode("utf-8", "replace")
            reason = (
                ""
                if outcome.reason == "exited"
                else f"fatal: git on the worktree ended by {outcome.reason}\n"
            )
            raise failure("on the worktree", outcome.status or 1, reason + said)
        failed = _FILTER_FAILED.search(outcome.output)
        if failed is not None:
            raise FilterFailed(failed[1].decode("utf-8", "replace"))

    def outcome(
        self,
        scratch: Scratch,
        argv: Sequence[str] = (),
        *,
        script: Sequence[str] = (),
        writes_files: bool = False,
        timeout: float = _SECONDS,
        output_path: Path | None = None,
    ) -> Outcome:
        """How a command, or a script with its name and arguments, that uses git with the scratch
        directory's index ended; `timeout` is in seconds.
        """
        return self.launcher.git_tool(
            argv,
            script=script,
            worktree=self.worktree,
            variables=self._variables(scratch),
            writable=[scratch.path, *([self.worktree] if writes_files else [])],
            timeout=timeout,
            output_path=output_path,
            stop=self.stop,
        )

    def _variables(self, scratch: Scratch) -> Mapping[str, str]:
        inside = self.inside
        objects = inside(self.common_dir) / "objects"
        pinned = {**_PINNED, **self.settings, "lfs.storage": str(inside(scratch.lfs))}
        numbered = {f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(pinned)}
        numbered |= {
            f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(pinned.values())
        }
        return {
            **numbered,
            "GIT_CONFIG_COUNT": str(len(pinned)),
            "GIT_CONFIG_GLOBAL": str(inside(scratch.path) / "config"),
            "GIT_DIR": str(inside(self.git_dir)),
            "GIT_WORK_TREE": str(inside(self.worktree)),
            "GIT_INDEX_FILE": str(inside(scratch.index)),
            "GIT_OBJECT_DIRECTORY": str(inside(scratch.objects)),
            # git-lfs looks only here.
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(objects),
            **{name: os.environ[name] for name in REPLACING if name in os.environ},
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_LITERAL_PATHSPECS": "0",
            "OUT": str(inside(scratch.path)),
            "LANGUAGE": "en",
        }


def _has_entries(directory: Path) -> bool:
    try:
        return bool(os.listdir(directory))
    except FileNotFoundError:
        return False


def _quoted(path: Path) -> str:
    """A path in a list that is separated by colons, see GIT_ALTERNATE_OBJECT_DIRECTORIES in git(1)."""
    text = str(path)
    if ":" not in text and not text.startswith('"'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def beside(worktree: Path, suffix: str) -> Path:
    """A directory that belongs to a worktree and is not in it."""
    return worktree.with_name(worktree.name + suffix)


def discard(path: Path) -> None:
    """Remove a directory, whatever is in it."""
    trees.remove(path)
