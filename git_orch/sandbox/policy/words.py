"""The words of a command as the policy knows them, and what a word may name."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import paths
from git_orch.sandbox.policy import verdict
from git_orch.sandbox.policy.verdict import Span, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN = "\x1a"  # stands for text that only the shell can expand; no command may hold it

_INSIDE = "name files of the worktree, relative to its root"
_DEVICES = frozenset(
    ("/dev/null", "/dev/zero", "/dev/full", "/dev/stdin", "/dev/stdout", "/dev/stderr")
)
# Spellings that a wildcard must not reach.
_HIDDEN = (
    ".git",
    "..",
    ".env",
    ".env.local",
    ".netrc",
    ".ssh",
    ".aws",
    ".git-credentials",
    "id_rsa",
    "id_ed25519",
)
_WILDCARD = re.compile(r"[*?\[]")


def word_set(names: str) -> frozenset[str]:
    """The names in a text with blanks between them."""
    return frozenset(names.split())


class Word(NamedTuple):
    """One word. `text` is what the program gets, with UNKNOWN for what only the shell will know.

    `splits`: an unquoted expansion may make it several words, or none; `glob`: it has unquoted
    wildcards; `home`: the shell puts a home directory in place of an unquoted '~'.
    """

    text: str
    span: Span
    splits: bool = False
    glob: bool = False
    home: bool = False

    @property
    def is_literal(self) -> bool:
        """Whether the program gets exactly `text`."""
        return UNKNOWN not in self.text and not self.glob and not self.home

    @property
    def may_be_option(self) -> bool:
        """Whether the shell may make an option of it that cannot be seen here."""
        return self.splits or self.text.startswith(UNKNOWN) or (self.glob and self.text[0] in "*?[")


def path_verdicts(word: Word, root: str) -> Iterator[Verdict]:
    """The verdict against a word as the name of a file, also after '=' or the letter of an option;
    at most one.

    `root` is the absolute path of the tree: names below it are inside.
    """
    if word.home:
        yield verdict.denial(
            "PATH_OUTSIDE", word.span, "path outside the worktree not allowed: {}", _INSIDE
        )
        return
    for text in _path_names(word.text):
        refusal = _path_verdict(text, root, word)
        if refusal is not None:
            yield refusal
            return


def _path_names(text: str) -> Iterator[str]:
    """The file names that a word may hold."""
    yield text
    _, sign, value = text.partition("=")
    if sign:
        yield value
    if text.startswith("-") and not text.startswith("--") and text[2:] != "/":  # as in cut -d/
        yield text[2:]


def _path_verdict(text: str, root: str, word: Word) -> Verdict | None:
    if root and (text == root or text.startswith(f"{root}/")):
        text = text[len(root) :].lstrip("/")
    if text in _DEVICES or text == "-":
        return None
    if text.startswith(("/dev/tcp/", "/dev/udp/")):
        return verdict.denial(
            "NETWORK", word.span, "blocked pattern: {}", "the worktree has no network"
        )
    if text.startswith("/") or re.match(r"[A-Za-z]:[\\/]", text):
        return verdict.denial(
            "PATH_OUTSIDE", word.span, "path outside the worktree not allowed: {}", _INSIDE
        )
    names = text.split("/")
    if climbs(names):
        return verdict.denial("PATH_OUTSIDE", word.span, "path traversal not allowed: {}", _INSIDE)
    if any(paths.is_control_directory(name) for name in names if name):
        reason = "the repository's own directory is not a step's: {}"
        return verdict.denial("PATH_GIT_CONTROL", word.span, reason, verdict.JUST_EDIT)
    if paths.holds_secrets(text):
        return verdict.denial(
            "SECRET_FILE",
            word.span,
            "a file of secrets: {}",
            "work without it; use an example file",
        )
    if word.glob and any(_reaches_hidden(name) for name in names):
        hint = "name the files, or begin the pattern with a letter"
        return verdict.denial(
            "PATH_OUTSIDE", word.span, "the pattern may match .git, '..' or a secret: {}", hint
        )
    return None


def climbs(names: list[str]) -> bool:
    """Whether a path of these names leaves the directory it starts in."""
    depth = 0
    for name in names:
        if name == "..":
            depth -= 1
        elif name not in ("", ".") and UNKNOWN not in name:
            depth += 1
        if depth < 0:
            return True
    return False


def _reaches_hidden(pattern: str) -> bool:
    """Whether a pattern that begins with a letter or a dot matches what must not be reached."""
    wild = _WILDCARD.search(pattern)
    if wild is None or wild.start() == 0:
        return False
    # More than the shell takes for a match: case does not count, and neither does which characters
    # a class names.
    loose = re.sub(r"\[[^\]]*\]?", "?", pattern.casefold())
    return any(fnmatch.fnmatchcase(name, loose) for name in _HIDDEN)


# Upper-case names mean something to programs and to the shell.
VARIABLE = re.compile(r"[a-z_][a-z0-9_]*")
