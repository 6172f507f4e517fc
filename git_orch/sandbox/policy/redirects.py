"""Redirections: to plain names inside the tree, and here-documents whose text is data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_orch.sandbox.policy import verdict, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.sandbox.policy.verdict import Verdict
    from git_orch.sandbox.policy.words import Word

_TARGET = re.compile(r"[\w./+@%,:=-]+")
_OPERATORS = frozenset((">", ">>", "<", ">|", "&>", "&>>", ">&", "<&", ">&-", "<&-", "<<<"))
_HEREDOC = re.compile(
    r"<<(?P<tabs>-?)[ \t]*(?:(?P<quote>['\"])(?P<mark>\w+)(?P=quote)|(?P<bare>\w+))"
    r"(?P<rest>[\w./ \t<>&|;+,:=@%-]*)\n(?P<body>.*)",
    re.DOTALL,
)
_EXPANDS = re.compile(r"[`\\]|\$(?![A-Za-z_]\w*|[ \t\n.,;]|$)")
_LITERAL = re.compile(r"[^'\"`$#]*", re.DOTALL)


def judge(operator: str, target: Word, root: str) -> Iterator[Verdict]:
    """Give the verdicts against one redirection; none when it is allowed."""
    text = target.text
    if operator not in _OPERATORS or "<(" in text or ">(" in text:
        yield verdict.denial(
            "PARSE", target.span, "not a redirection that can be read: {}", "use > or <"
        )
    elif operator == "<<<":
        return
    elif not target.is_literal or not _TARGET.fullmatch(text):
        reason = "the target of a redirection is not a plain name: {}"
        yield verdict.denial(
            "REDIRECT_OUTSIDE", target.span, reason, "redirect to a plain name inside the worktree"
        )
    elif operator in (">&", "<&") and text.isdigit():
        return
    else:
        for part in words.path_verdicts(target, root):
            yield part._replace(code="REDIRECT_OUTSIDE") if part.code == "PATH_OUTSIDE" else part


def plain_heredoc(before: str, text: str, after: str) -> bool:
    """Whether `text`, from its '<<' to its end, is a here-document that ends at the first line that
    is its mark.

    Nothing quoted stands on its first line, and without quotes around the mark nothing in it is
    run.
    """
    match = _HEREDOC.fullmatch(text)
    line = before.rpartition("\n")[2]
    if match is None or after not in ("", "\n"):
        return False
    if not _LITERAL.fullmatch(line) or "<<" in line or "<<" in match["rest"]:
        return False
    lines = match["body"].split("\n")
    mark = match["mark"] or match["bare"]
    if match["tabs"]:
        lines = [line.lstrip("\t") for line in lines]
    if mark not in lines or lines.index(mark) != len(lines) - 1:
        return False
    return match["bare"] is None or _EXPANDS.search("\n".join(lines[:-1])) is None
