"""Whether a file of configuration of the user's holds a secret.

Nobody knows the settings of all tools, so that a file is judged without its format: it may hold a
secret where a word stands for one, where somebody has a name in front of a host, and where a text
is too wild to be a word. Whoever hides one file too many loses a setting, not a password. Where the
names are the user's own, only known ones are harmless.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence

from git_orch.plans import redact

_LARGEST = 256 * 1024  # bytes of a file of configuration
_COMMENTS = ("#", ";")

# All of these look at a character a bounded number of times.
_CREDENTIAL = re.compile(
    r"(?i:auth(?!or(?!iz))|token|passw|passphrase|secret|credential|bearer|cookie|pwd|username|"
    r"[a-z0-9][_.-]?keys?(?![a-z])|pass(?![a-z]))|"
    r"(?<![A-Za-z])(?i:pw|pat|pin|ident|jwt|dsn|otp|sas|basic|headers?)(?![A-Za-z])|"
    r"(?<=[a-z0-9])(?:Pass|Pw|Pat|Pin|Ident)(?![a-z])"
)
_SETTING = re.compile(r"[\s#;]*([\w.:/@-]{1,200})[\"']?\s*[=:]\s*\S")
_USER = re.compile(
    r"[A-Za-z0-9+.-]://(?!git@)[^\s/?#\"'<>]+@|"
    r"[\w.-]:[^\s:@/\"'<>]{1,200}@[\w\[]"  # a proxy has no scheme everywhere
)
_WILD = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}|"
    r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|"
    r"/t/[^/\s]"  # in URLs of conda a token follows
)
_IN_STORE = re.compile(r"/(?:nix|gnu)/store/[a-z0-9]{32}-")
# Bundler has the credentials of a host under the name of the host, with these two for its dots.
_BUNDLER, _DOT, _NO_HOSTS = "BUNDLE_", "__", ("BUNDLE_BUILD__", "BUNDLE_MIRROR__")
_KNOWN = {"gradle.properties": ("org.gradle.", "systemProp.", "kotlin.", "android.")}

# Where dependencies have configuration of their own: environments of Python and Conda, Bundler, npm.
_IN_DEPENDENCIES = (
    "pip.conf", "config", ".npmrc", ".yarnrc", ".yarnrc.yml", "auth.json", ".netrc", ".condarc",
    "condarc", "conda-meta/state", "bin/activate", "bin/postactivate",
)  # fmt: skip


def holds_secret(path: str, secrets: Sequence[str]) -> bool:
    """Whether a file holds something that looks like a secret; true for an unreadable file."""
    content = text(path)
    if content is None:
        return True
    known = _KNOWN.get(os.path.basename(path), ("",))
    return (
        redact.holds_secret(content, secrets)
        or _USER.search(content) is not None
        or _WILD.search(_IN_STORE.sub("", content)) is not None
        or any(_names_secret(line, known) for line in content.splitlines())
    )


def _names_secret(line: str, known: tuple[str, ...]) -> bool:
    """Whether a line has a setting that is for secrets; in a comment, one that was made a comment."""
    content = line.strip()
    if content.startswith(_COMMENTS):
        setting = _SETTING.match(content)
        return setting is not None and _CREDENTIAL.search(setting[1]) is not None
    if content.startswith(_BUNDLER) and _DOT in content.partition(":")[0]:
        return not content.startswith(_NO_HOSTS)
    return _CREDENTIAL.search(content) is not None or (
        bool(content) and not content.startswith(known)
    )


def text(path: str) -> str | None:
    """The text of a plain file of no unusual size."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(_LARGEST + 1)
    return data.decode("utf-8", "replace") if len(data) <= _LARGEST else None


def secret_files(directory: str, secrets: Sequence[str]) -> Iterator[str]:
    """The files of configuration in a directory of dependencies, and in environments right below
    it, that hold a secret: by the paths without links that they have in it.
    """
    top = os.path.realpath(directory)
    names = {name: None for above in ("", *_environments(top)) for name in _named_below(above)}
    found = (os.path.realpath(os.path.join(top, name)) for name in names)
    for path in dict.fromkeys(found):
        if path.startswith(f"{top}/") and os.path.isfile(path) and holds_secret(path, secrets):
            yield os.path.relpath(path, top)


def _named_below(above: str) -> Iterator[str]:
    return (os.path.join(above, name) for name in _IN_DEPENDENCIES)


def _environments(top: str) -> Iterator[str]:
    """The environments of Python or Conda in a directory, such as those of tox."""
    try:
        with os.scandir(top) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for name in sorted(names):
        marks = ("pyvenv.cfg", "conda-meta")
        if any(os.path.lexists(os.path.join(top, name, mark)) for mark in marks):
            yield name
