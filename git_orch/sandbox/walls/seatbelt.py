"""The sandbox of macOS: a profile for sandbox-exec. Written from documentation; it has not been run
on a Mac.

The last rule that matches wins. The kernel compares the real path of a file, so a path stands here
as it is written and after all links (/tmp is /private/tmp). It hides less than bubblewrap
does: there are no namespaces, so loopback is refused with the rest of the network, and the
repository's configuration is shown as it is.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from git_orch import errors
from git_orch.sandbox import trees
from git_orch.sandbox.walls.view import TOOLCHAINS, Confined, View

PROGRAM = "/usr/bin/sandbox-exec"
_ENV = "/usr/bin/env"

# In a home directory; denied also where the user shows the whole of what is around them.
_CREDENTIALS = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".netrc", ".npmrc", ".yarnrc.yml",
    ".pypirc", ".git-credentials", ".config/gh", ".config/git/credentials", ".config/gcloud",
    ".config/op", ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials",
    ".m2/settings.xml", ".gradle/gradle.properties", ".terraform.d", ".vault-token",
    ".password-store", ".bash_history", ".zsh_history", ".local/share/uv/credentials",
    "Library/Keychains", "Library/Cookies", "Library/Application Support",
    "Library/Mobile Documents",
)  # fmt: skip
_PRIVATE = (
    "/Library/Keychains",
    "/private/var/root",
    "/private/var/db/dslocal",
    "/private/etc/master.passwd",
)
# Of all users: sockets and files that nobody meant to show.
_SHARED = ("/private/tmp", "/private/var/tmp")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/dtracehelper")

_SERVICES = (  # they would do for the command what it may not do itself
    "com.apple.SecurityServer", "com.apple.securityd", "com.apple.securityd.xpc",
    "com.apple.securityd.general", "com.apple.secd", "com.apple.coreservices.launchservicesd",
    "com.apple.coreservices.appleevents", "com.apple.coreservices.quarantine-resolver",
    "com.apple.lsd.mapdb", "com.apple.lsd.modifydb", "com.apple.lsd.open",
    "com.apple.lsd.openurls", "com.apple.pasteboard.1", "com.apple.tccd", "com.apple.tccd.system",
)  # fmt: skip
_OTHERS = (
    "(deny appleevent-send)",  # osascript
    "(deny job-creation)",  # launchd would start it outside
    *(
        f"(deny {what})\n(allow {what} (target same-sandbox))"
        for what in ("process-info*", "signal", "mach-priv-task-port")
    ),
    # Arguments and environment of all processes of the user.
    '(deny sysctl-read (sysctl-name "kern.procargs2"))',
)
_OFFLINE = ("(deny network*)", '(deny mach-lookup (global-name "com.apple.dnssd.service"))')


@dataclass(frozen=True, slots=True)
class Seatbelt:
    """sandbox-exec at `program`."""

    program: str = PROGRAM
    name = "seatbelt"
    sandboxed = True
    moves = False

    @contextlib.contextmanager
    def confine(self, argv: Sequence[str], view: View) -> Iterator[Confined]:
        """The command line that runs `argv` where `view` and a temporary directory of its own are
        all it can change.
        """
        if view.proxy is not None:
            raise errors.Refused(
                "the sandbox of macOS cannot hold a command to a list of hosts: it has no network "
                "namespaces",
                "run this plan on Linux, or give the step no list in 'network'",
            )
        temporary = Path(tempfile.mkdtemp(prefix="git-orch-"))
        try:
            text = profile(view, temporary)
            yield Confined((self.program, "-p", text, _ENV, f"TMPDIR={temporary}", *argv))
        finally:
            with contextlib.suppress(OSError):
                trees.remove(temporary)


def find() -> Seatbelt | None:
    """The sandbox of this Mac; None where Apple has removed it."""
    return Seatbelt() if os.access(PROGRAM, os.X_OK) else None


def profile(view: View, temporary: Path) -> str:
    """The rules for a command that sees `view` and may write in `temporary`.

    Raises Refused for a path that cannot be named in them.
    """
    rules = [
        "(version 1)",
        "(allow default)",
        *_write_rules(view, temporary),
        *_read_rules(view, temporary),
    ]
    rules += [_rule("deny mach-lookup", "global-name", _SERVICES), *_OTHERS]
    return "\n".join([*rules, *(() if view.network else _OFFLINE)]) + "\n"


def _write_rules(view: View, temporary: Path) -> Iterator[str]:
    """Nothing but the worktree without its .git, and what is named."""
    writable = [temporary, *view.writable, *([view.worktree] if view.worktree_writable else [])]
    kept = [view.worktree / ".git", *view.protected, *_repository(view)]
    yield "(deny file-write*)"
    yield _rule("allow file-write*", "literal", _DEVICES)
    yield from _nested_rules("file-write*", allowed=writable, denied=kept, last="deny")
    # A rule is about a name: without this a directory could be renamed, and the rules be left with
    # nothing.
    yield _rule(
        "deny file-write-unlink",
        "literal",
        _names_of(_with_ancestors([*writable, *kept, *_hidden(view)])),
    )


def _read_rules(view: View, temporary: Path) -> Iterator[str]:
    """Nothing in the home directory or in what all users share, but what is named and the way to
    it.
    """
    toolchains = [view.home / name for name in TOOLCHAINS]
    # Nothing can be mounted here, so nothing is seen elsewhere than where it is.
    caches = [Path(share.place) for share in view.shares if share.place == share.source]
    shown = [
        *toolchains,
        *caches,
        *_programs(view),
        *view.readable,
        view.worktree,
        *view.writable,
        temporary,
        *_repository(view),
    ]
    hidden = [view.home, temporary.parent, *map(Path, (*_SHARED, *_PRIVATE)), *_hidden(view)]
    yield from _nested_rules("file-read*", allowed=shown, denied=hidden, last="allow")
    yield _rule("allow file-read-metadata", "literal", _names_of(_with_ancestors(shown)))


def _repository(view: View) -> list[Path]:
    if view.git is None:
        return []
    return [view.git.common_dir, *view.git.alternates, *(real for _, real in view.git.links)]


def _hidden(view: View) -> list[Path]:
    common = view.git.common_dir if view.git is not None else None
    local = [common / "orch", *sorted(common.glob("orch-*"))] if common is not None else []
    return [*(view.home / name for name in _CREDENTIALS), *local]


def _nested_rules(
    what: str, *, allowed: Iterable[Path], denied: Iterable[Path], last: str
) -> Iterator[str]:
    """Rules for nested directories: deeper ones come later; of two rules for one directory, the
    verdict `last` does.
    """
    verdicts = [(path, "allow") for path in _names_of(allowed)] + [
        (path, "deny") for path in _names_of(denied)
    ]
    for path, verdict in sorted(
        verdicts, key=lambda one: (len(Path(one[0]).parts), one[1] == last, one[0])
    ):
        yield _rule(f"{verdict} {what}", "subpath", [path])


def _programs(view: View) -> list[Path]:
    """The directories of PATH that show nothing else: not the home directory, nor one that holds
    it.
    """
    directories = [Path(directory) for directory in view.path.split(os.pathsep)]
    return [
        directory
        for directory in directories
        if directory.is_absolute() and not view.home.is_relative_to(directory)
    ]


def _with_ancestors(paths: Iterable[Path]) -> list[Path]:
    with_parents: dict[Path, None] = {}  # in order, without repetition
    for path in paths:
        with_parents |= dict.fromkeys((path, *path.parents))
    return list(with_parents)


def _names_of(paths: Iterable[Path]) -> list[str]:
    """The paths as they are written and after all links, without repetition."""
    names: dict[str, None] = {}
    for path in paths:
        names |= dict.fromkeys((str(path), os.path.realpath(path)))
    return list(names)


def _rule(what: str, how: str, names: Iterable[str]) -> str:
    return " ".join([f"({what}", *(f"({how} {_quote(name)})" for name in names)]) + ")"


def _quote(name: str) -> str:
    """A string of the profile's language. Raises Refused for characters that could end it early or
    are not text: nothing is escaped.
    """
    if any(character in '"\\' or not character.isprintable() for character in name):
        cause = f"the path {name!r} holds a quote, a backslash or a character that is not printable"
        raise errors.Refused(cause, "rename the directory: the macOS sandbox cannot name it safely")
    return f'"{name}"'
