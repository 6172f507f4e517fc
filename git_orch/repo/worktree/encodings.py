"""Files whose bytes in a work tree are in another encoding than in the repository (the attribute
`working-tree-encoding`).
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from git_orch.repo import ask, scopes

if TYPE_CHECKING:
    from git_orch.repo.worktree.worktrees import Worktree

_NAME = "working-tree-encoding"
_NONE = ("unspecified", "unset", "set")
_BOMS = {"UTF-16LE-BOM": codecs.BOM_UTF16_LE, "UTF-16BE-BOM": codecs.BOM_UTF16_BE}


def of(worktree: Worktree, paths: Sequence[str]) -> dict[str, str]:
    """The encodings that these paths have in a worktree, as its index has the attributes; a path
    that is stored as it is there is left out. git is asked where some attributes speak of one.
    """
    directories = {str(above) for path in paths for above in PurePosixPath(path).parents}
    files = [worktree.path / directory / ".gitattributes" for directory in directories]
    named = any(_NAME.encode() in (scopes.contents(str(file)) or b"") for file in files)
    if not named:
        return {}
    stdin = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
    fields = ask.names(
        worktree.git.run("check-attr", "--cached", "-z", "--stdin", _NAME, stdin=stdin)
    )
    found = zip(fields[::3], fields[2::3], strict=False)
    return {path: value for path, value in found if value not in _NONE}


def encoded(text: str, encoding: str) -> bytes:
    """The bytes of a text as git writes them to a work tree. Raises LookupError for an encoding that
    is not known, UnicodeError for a text that it cannot hold.
    """
    bom = _BOMS.get(encoding.upper(), b"")
    return bom + text.encode(encoding[: -len("-BOM")] if bom else encoding)
