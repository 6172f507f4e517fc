"""The view of a command in a sandbox, and the duties of every sandbox."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from git_orch.sandbox.walls import git_config
from git_orch.sandbox.walls.site_map import SiteMap

if TYPE_CHECKING:
    from git_orch.sandbox.network.proxy import Proxy

# Toolchains in a home directory, none of which holds a credential. Those that do lie beside them:
# .cargo/credentials.toml, .local/share/uv/credentials.
TOOLCHAINS = (
    ".cargo/bin", ".nvm", ".volta", ".pyenv", ".rbenv", ".asdf", ".bun/bin", ".deno/bin",
    ".sdkman/candidates", "go/bin", ".local/bin", ".local/lib", ".local/pipx",
    ".local/share/pipx", ".local/share/uv/python", ".local/share/uv/tools",
    ".local/share/mise/installs",
)  # fmt: skip


class Share(NamedTuple):
    """A directory of the user's, or a file, that commands see, and whose changes are thrown away:
    `source`, a path without links on this machine, is seen at `place`, an absolute path or one from
    the worktree.

    `programs` are directories in it that go onto PATH, `hidden` files in it that nobody sees.
    `environment` says that it is one of Python or Conda; a `cache` is of no use where it cannot be
    written, and what is `fixed` can only be read: an overlay takes the kernel some milliseconds. What
    commands write to one that is not `lasting` is in memory, and gone with the command: the kernel
    syncs the disk where an overlay that writes to it ends. A link of the checkout leads to what is
    `linked`.
    """

    name: str
    source: str
    place: str
    programs: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    environment: bool = False
    cache: bool = False
    fixed: bool = False
    lasting: bool = True
    linked: bool = False

    def is_there(self) -> bool:
        """Whether the source is there, and no link to anything else: the user may install anew while
        a run goes on.
        """
        return os.path.realpath(self.source) == self.source and os.path.exists(self.source)


class GitView(NamedTuple):
    """The part of the repository that a command sees: the common git directory, read-only, with
    `config` in place of its own configuration.

    `alternates` are object directories elsewhere that it borrows from, `files` settings that name
    a file of the user's, `links` parts of it that are links, each with the real place elsewhere.
    """

    common_dir: Path
    config: bytes
    alternates: tuple[Path, ...] = ()
    files: tuple[tuple[str, Path], ...] = ()
    links: tuple[tuple[Path, Path], ...] = ()


class View(NamedTuple):
    """The files that a command sees besides the programs of the system. It starts in `worktree`.

    `path` is a PATH of absolute directories. `readable` and `writable` are paths beside the
    worktree, `protected` are paths in it that stay as they are. What commands write to one of the
    `shares` goes to a directory in `writes`, or is gone with the command. With `network` it has the
    machine's network; else a `proxy` is all that it has of it. The worktree stands at the path
    `checkout`, to which `link` leads; None: where it is. All paths but PATH are those of the host.
    """

    worktree: Path
    home: Path
    path: str
    git: GitView | None = None
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    network: bool = False
    worktree_writable: bool = True
    protected: tuple[Path, ...] = ()
    shares: tuple[Share, ...] = ()
    writes: Path | None = None
    checkout: Path | None = None
    link: Path | None = None
    proxy: Proxy | None = None

    @property
    def site_map(self) -> SiteMap:
        """The paths that things have inside."""
        return SiteMap(self.worktree, self.checkout, self.link)

    @property
    def git_config(self) -> bytes:
        """The repository's configuration, as it counts inside."""
        if self.git is None:
            return b""
        inside = self.site_map.inside
        return self.git.config + git_config.text(
            (name, str(inside(path))) for name, path in self.git.files
        )


class Confined(NamedTuple):
    """A command line that runs a command in a sandbox, and the open descriptors it needs."""

    argv: tuple[str, ...]
    descriptors: tuple[int, ...] = ()


class Sandbox(Protocol):
    """A way to confine commands; `sandboxed` says whether it is one at all, `moves` whether it can
    show a directory at another path.
    """

    @property
    def name(self) -> str: ...

    @property
    def sandboxed(self) -> bool: ...

    @property
    def moves(self) -> bool: ...

    def confine(
        self, argv: Sequence[str], view: View
    ) -> contextlib.AbstractContextManager[Confined]:
        """The command line that runs `argv` where `view` is all there is; valid while the context
        is open.
        """


@dataclass(frozen=True, slots=True)
class Unconfined:
    """No sandbox: for users whose own configuration says so, and for what we start ourselves."""

    name = "none"
    sandboxed = False
    moves = False

    @contextlib.contextmanager
    def confine(self, argv: Sequence[str], view: View) -> Iterator[Confined]:  # noqa: ARG002
        """The command as it is."""
        yield Confined(tuple(argv))


def share_layers(writes: Path, share: Share) -> tuple[Path, Path]:
    """The directories in `writes` for what commands write to a share, and for the kernel."""
    name = hashlib.sha256(os.fsencode(share.place)).hexdigest()[:16]
    return writes / name / "upper", writes / name / "work"


def outermost(paths: Iterable[str]) -> list[str]:
    """The paths that lie below no other of them."""
    kept: list[str] = []
    for path in sorted(set(paths), key=lambda path: path.split(os.sep)):
        if not kept or not f"{path}/".startswith(f"{kept[-1]}/"):
            kept.append(path)
    return kept
