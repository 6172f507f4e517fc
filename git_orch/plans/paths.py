"""Which path strings may name a file of a worktree: spelling only, nothing here reads a disk."""

from __future__ import annotations

import re

from git_orch.plans import invisible

PATH_INVALID = "PATH_INVALID"
PATH_OUTSIDE = "PATH_OUTSIDE"
PATH_GIT_CONTROL = "PATH_GIT_CONTROL"
EXPLANATIONS = {
    PATH_INVALID: "is not the name of a file",
    PATH_OUTSIDE: "lies outside the tree: paths are relative to its top",
    PATH_GIT_CONTROL: "belongs to git",
}

_LONGEST_PATH = 4096  # PATH_MAX on Linux
_LONGEST_NAME = 255  # bytes; NAME_MAX on Linux

# HFS+ drops some of them when it compares names (git's utf8.c): so we drop them all.
_IGNORED = dict.fromkeys(invisible.UNSEEN)
_CONTROL_DIRECTORY = re.compile(r"(?:\.git|git~[0-9]+)[. ]*(?::.*)?", re.DOTALL)
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ELSEWHERE = re.compile(r"/|\\|~(?:/|$)|[A-Za-z]:[\\/]|[A-Za-z][A-Za-z0-9+.-]*://")
# See "Naming Files, Paths, and Namespaces" of the Win32 documentation.
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9\u00b9\u00b2\u00b3])[ ]*(?:[.:].*)?",
    re.IGNORECASE | re.DOTALL,
)
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*\\]')


def windows_problem(path: str) -> str | None:
    """Why Windows cannot check `path` out, in words; None when it can, or when it lies outside."""
    if problem(path) is not None:
        return None
    for name in parts(path):
        if _DEVICE.fullmatch(name):
            return f"Windows takes '{name}' for a device"
        if name.endswith((".", " ")):
            return "Windows drops a dot or a space at the end of a name"
        unfit = _NOT_ON_WINDOWS.search(name)
        if unfit is not None:
            return f"no name on Windows has the character '{unfit[0]}'"
    return None


def is_control_directory(name: str) -> bool:
    """Whether some file system takes `name`, one part of a path, for `.git`: HFS+ and NTFS rules of
    git's verify_path.

    Backslashes separate, as they do on Windows.
    """
    return any(
        _CONTROL_DIRECTORY.fullmatch(piece) is not None
        for piece in name.translate(_IGNORED).casefold().strip(" ").split("\\")
    )


def parts(path: str) -> tuple[str, ...]:
    """The names in `path`, without '.' and doubled slashes."""
    return tuple(name for name in path.split("/") if name not in ("", "."))


def problem(path: str) -> str | None:
    """PATH_INVALID, PATH_OUTSIDE or PATH_GIT_CONTROL when `path` cannot name a file of a worktree,
    else None.
    """
    names = parts(path)
    if len(path) > _LONGEST_PATH or _CONTROL_CHARACTER.search(path):
        return PATH_INVALID
    if _ELSEWHERE.match(path) or ".." in names:
        return PATH_OUTSIDE
    if (
        not names
        or path.endswith(("/", "/."))
        or any(len(name.encode()) > _LONGEST_NAME for name in names)
    ):
        return PATH_INVALID
    if any(is_control_directory(name) for name in names):
        return PATH_GIT_CONTROL
    return None


def are_related(one: str, other: str) -> bool:
    """Whether two declared paths are equal, or one is a directory above the other."""
    first, second = parts(one), parts(other)
    length = min(len(first), len(second))
    return first[:length] == second[:length]


# -- files of secrets ------------------------------------------------------------------------------

_SECRETS = re.compile(
    r"\.env(?:\.(?!example$|sample$|template$|dist$|schema$).*)?|\.netrc|_netrc|\.pgpass|\.pypirc|"
    r"\.git-credentials|\.htpasswd|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|\.ssh|\.aws|\.gnupg|\.kube|"
    r"\.docker|\.bash_history"
)


def holds_secrets(path: str) -> bool:
    """Whether a file of this path holds secrets, by the names in it."""
    return any(_SECRETS.fullmatch(name.casefold()) for name in path.split("/"))
