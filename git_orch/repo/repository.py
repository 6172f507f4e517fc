"""Finding the repository, once per command; everything else gets its paths from here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import git as gits
from git_orch.repo import own_files, scopes, sharing
from git_orch.repo.git import Git
from git_orch.repo.scopes import Scoped
from git_orch.repo.sharing import Sharing

if TYPE_CHECKING:
    from pathlib import Path

    from git_orch.repo.ref_session import RefSession


class Places(NamedTuple):
    """The directories of a repository as git prints them: its own one, the one that all worktrees
    share, and that of the work tree, which a bare repository lacks.
    """

    git_dir: str
    common_dir: str
    top: str | None


class Repository:
    """A repository as the user stands in it. `top` is None in a bare one; `git_dir` is that of the
    user's worktree. The last of `sessions` moves refs while it is open.
    """

    def __init__(
        self, directories: Places, object_format: str, variables: Mapping[str, str]
    ) -> None:
        self.directories = directories
        self.object_format = object_format
        self.variables = variables
        self.sessions: list[RefSession] = []

    # Paths are made where they are asked for: `ls` and `status` do without, and without pathlib.
    @cached_property
    def git_dir(self) -> Path:
        """The git directory of the user's worktree."""
        return _path(self.directories.git_dir)

    @cached_property
    def common_dir(self) -> Path:
        """The directory that all worktrees share."""
        return _path(self.directories.common_dir)

    @cached_property
    def top(self) -> Path | None:
        """The user's work tree."""
        return _path(self.directories.top) if self.directories.top is not None else None

    @cached_property
    def git(self) -> Git:
        """git on the shared part: objects and refs."""
        return Git(self.directories.common_dir, None, self.variables)

    @cached_property
    def user_git(self) -> Git:
        """git on the worktree the user stands in: read from it, never write."""
        return Git(self.directories.git_dir, self.directories.top, self.variables)

    @cached_property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """All of git's configuration as it counts in the user's worktree: names as git prints them,
        and values.
        """
        return tuple((setting.name, setting.value or "") for setting in self.scoped_settings)

    @cached_property
    def scoped_settings(self) -> tuple[Scoped, ...]:
        """The same with where each value comes from. A command works with what there was when it
        looked first.
        """
        return self.user_git.settings()

    @cached_property
    def drivers(self) -> tuple[str, ...]:
        """The settings that make git start programs for the files it looks at."""
        return gits.drivers(name for name, _ in self.settings)

    @cached_property
    def quiet_git(self) -> Git:
        """git on the user's worktree that starts no program for any file in it."""
        return Git(self.git_dir, self.top, self.variables, self.drivers)

    @cached_property
    def sharing(self) -> Sharing:
        """Who shares the repository (core.sharedRepository). Raises UnfitRepository."""
        return sharing.of_git(self.user_git)

    @cached_property
    def state_path(self) -> str:
        """The directory of this user's local, disposable files, whether it is there or not."""
        return sharing.state_path(self.directories.common_dir, self.sharing)

    @cached_property
    def shared_path(self) -> str:
        """The directory of those that all who share the repository have in common: locks, names of
        runs, events that are not in the log yet. Where nobody shares it, the same one.
        """
        if not self.sharing.is_on:
            return self.state_path
        return os.path.join(self.directories.common_dir, own_files.SHARED)

    @cached_property
    def shared_dir(self) -> Path:
        """The same, made when first asked for, with the modes that git gives its own. Raises
        UnfitRepository, NotOurs.
        """
        if not self.sharing.is_on:
            return self.state_dir
        directory = _path(self.shared_path)
        try:
            self.sharing.make_directory(directory)
        except OSError as failed:
            raise unwritable(failed, directory) from failed
        return directory

    @cached_property
    def state_dir(self) -> Path:
        """Local, disposable files of this user, mode 0700: made when first asked for. Raises
        NotOurs where somebody else could have written them.
        """
        directory = _path(self.state_path)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            own_files.require(directory)
        except OSError as failed:
            raise unwritable(failed, directory) from failed
        return directory

    @property
    def places(self) -> tuple[Path, ...]:
        """Directories that hold files of the repository: what lies in them may be somebody else's."""
        main = [self.common_dir.parent] if self.common_dir.name == ".git" else []
        return (*([self.top] if self.top is not None else []), self.git_dir, self.common_dir, *main)

    @property
    def null_oid(self) -> str:
        """The object ID that stands for no object."""
        return "0" * self.oid_length

    @property
    def oid_length(self) -> int:
        """Hexadecimal digits of an object ID."""
        return 64 if self.object_format == "sha256" else 40

    @property
    def empty_blob(self) -> str:
        """The ID of the empty blob, which stands for a plan that has no commit yet."""
        import hashlib

        return hashlib.new(self.object_format, b"blob 0\0").hexdigest()

    @property
    def empty_tree(self) -> str:
        """The ID of the tree without entries, which git knows everywhere."""
        import hashlib

        return hashlib.new(self.object_format, b"tree 0\0").hexdigest()


def around() -> Repository:
    """The repository around the current directory. Raises UnfitRepository."""
    try:
        directory = os.getcwd()
    except FileNotFoundError as gone:
        raise errors.UnfitRepository(
            "the current directory does not exist any more", "cd"
        ) from gone
    return discover(directory)


def discover(directory: Path | str, source: Mapping[str, str] = os.environ) -> Repository:
    """The repository that git finds from `directory`. Raises UnfitRepository."""
    argv = [
        "git", "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir",
        "--show-object-format", "--is-bare-repository", "--show-toplevel",
    ]  # fmt: skip
    done = gits.start(argv, gits.environment(source, keep_location=True), str(directory), None)
    lines = done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]
    if lines[:1] == ["--path-format=absolute"]:  # git before 2.31 repeats what it does not know
        raise errors.UnfitRepository(*gits.too_old("git rev-parse --path-format"))
    if len(lines) < 4:
        raise _unfit(done.stderr.decode("utf-8", "replace"), directory)
    if len(lines) > 5 or lines[3] not in ("true", "false"):
        raise errors.UnfitRepository(
            "the path of the repository holds a line break",
            "rename the directory: git-orch stores its path in files of one line",
        )
    named = lines[4] if len(lines) > 4 else None
    if named is None or _is_inferred(lines[0], named, str(directory), source):
        named = (None if lines[3] == "true" else _home_of(lines[0])) or named
    directories = Places(lines[0], lines[1], named)
    _refuse_other_tree(directories, str(directory), source)
    return Repository(directories, lines[2], gits.environment(source))


def _is_inferred(git_dir: str, top: str, directory: str, source: Mapping[str, str]) -> bool:
    """Whether git takes the current directory for the work tree only because the user named the git
    directory alone. The files of the repository may be elsewhere.
    """
    if "GIT_WORK_TREE" in source or "GIT_DIR" not in source:
        return False
    same = os.path.realpath(top) == os.path.realpath(directory)
    return same and not _settings_of_tree(git_dir, source)


def _settings_of_tree(git_dir: str, source: Mapping[str, str]) -> list[Scoped]:
    """The values of core.worktree; the last one counts."""
    git = Git(git_dir, None, gits.environment(source))
    return [setting for setting in git.settings() if setting.name == "core.worktree"]


def _home_of(git_dir: str) -> str | None:
    """The work tree that a git directory belongs to by its place, or as a worktree by what its file
    says.
    """
    pointer = scopes.contents(os.path.join(git_dir, "gitdir"))
    if pointer is not None:
        home = os.path.dirname(os.path.join(git_dir, os.fsdecode(pointer.rstrip(b"\n"))))
    elif os.path.basename(git_dir) == ".git":
        home = os.path.dirname(git_dir)
    else:
        return None
    home = os.path.normpath(home)
    return home if leads_to(home, git_dir) else None


def _refuse_other_tree(directories: Places, directory: str, source: Mapping[str, str]) -> None:
    """Raises Refused where only the repository's configuration (core.worktree) says that its files
    are in a directory which does not have it as its repository.
    """
    _refuse_other_repository(directories, source)
    top = directories.top
    if top is None or "GIT_WORK_TREE" in source or leads_to(top, directories.git_dir):
        return
    inside = os.path.realpath(directory) + "/"
    if "GIT_DIR" in source and inside.startswith(os.path.realpath(top).rstrip("/") + "/"):
        return  # who names the git directory, and stands in the files
    if _is_tree_of_user(directories, source):
        return
    import shlex  # not for those whom nothing stops

    raise errors.Refused(
        f"the repository's own configuration says that its files are in {sentences.quoted(top)} "
        "(core.worktree)",
        f"GIT_WORK_TREE={shlex.quote(top)} git orch status  # if that is what you want",
    )


def _is_tree_of_user(directories: Places, source: Mapping[str, str]) -> bool:
    """Whether core.worktree is a setting of the user's own, as with `git -c`."""
    places = scopes.place(directories.git_dir, None).inside()
    named = _settings_of_tree(directories.git_dir, source)
    return bool(named) and scopes.is_own(named[-1], places, gits.environment(source))


def _refuse_other_repository(directories: Places, source: Mapping[str, str]) -> None:
    """Raises Refused where a git directory has the objects and refs of another one (`commondir`), and
    is no worktree of that.
    """
    own, common = map(os.path.realpath, (directories.git_dir, directories.common_dir))
    if own == common or "GIT_COMMON_DIR" in source or own.startswith(f"{common}/worktrees/"):
        return
    raise errors.Refused(
        f"{sentences.quoted(directories.git_dir)} takes the objects and refs of "
        f"{sentences.quoted(directories.common_dir)}, and is no "
        "worktree of that repository",
        "git rev-parse --git-common-dir",
    )


def leads_to(top: str, git_dir: str) -> bool:
    """Whether the `.git` of a directory, or the file that it is, leads to this git directory."""
    pointer = os.path.join(top, ".git")
    text = scopes.contents(pointer)
    if text is None:
        return os.path.isdir(pointer) and os.path.realpath(pointer) == os.path.realpath(git_dir)
    if not text.startswith(b"gitdir: "):
        return False
    named = os.fsdecode(text.removeprefix(b"gitdir: ").rstrip(b"\r\n"))
    return os.path.realpath(os.path.join(top, named)) == os.path.realpath(git_dir)


def _path(directory: str) -> Path:
    from pathlib import Path

    return Path(directory)


def _unfit(stderr: str, directory: Path | str) -> errors.UnfitRepository:
    complaint = next(
        (line for line in stderr.splitlines() if line.startswith("fatal: ")), ""
    ).removeprefix("fatal: ")
    if "dubious ownership" in complaint:
        return errors.UnfitRepository(
            complaint, f"git config --global --add safe.directory {shlex.quote(str(directory))}"
        )
    if "not a git repository" in complaint:
        return errors.UnfitRepository(
            f"{sentences.quoted(directory)} is not in a git repository", "git init"
        )
    return errors.UnfitRepository(
        f"git cannot open the repository: {complaint or stderr.strip()}", "git status"
    )


def unwritable(failed: OSError, path: Path) -> errors.UnfitRepository:
    """The error for a file of git-orch's own that the system does not let us write."""
    if errors.is_disk_full(failed):
        return errors.disk_full(f"writing {sentences.quoted(path)}")
    parent = shlex.quote(str(path.parent))
    return errors.UnfitRepository(
        f"cannot write {sentences.quoted(path)}: {(failed.strerror or str(failed)).lower()}",
        f"df -h {parent}; ls -ld {parent}",
    )
