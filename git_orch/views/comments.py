"""The comments on a plan, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator

from git_orch.plans import ids, sentences
from git_orch.plans.document import Document
from git_orch.plans.documents import comments
from git_orch.plans.history.status import Comment, Status
from git_orch.views.console import Part, Styled, indented

_SHOWN = 8
Line = tuple[Part, ...]


def lines(status: Status, *, closed: bool = False, most: int = 1000) -> Iterator[Line]:
    """A line for each open comment, with `closed` for each; of more than `most` the last ones."""
    listed = [
        (number, comment)
        for number, comment in enumerate(status.comments, start=1)
        if closed or comment.closed is None
    ]
    if len(listed) > most:
        left = len(listed) - most
        yield (f"{left} more: git orch comment {ids.short(status.id)}",)
    for number, comment in listed[-most:]:
        yield _line(status, number, comment)


def _line(status: Status, number: int, comment: Comment) -> Line:
    where = comments.name(status.plan, comment)
    state = f", {comment.closed}" if comment.closed is not None else ""
    if comment.closed is None and comments.is_outdated(status.plan, comment):
        state = ", on a text that changed"
    who = f" by {comment.who}" if comment.who else ""
    style = "dim" if comment.closed is not None else "yellow"
    return (
        Styled(f"comment {number}", style),
        f" on {where}{who}{state}: {indented(comment.text, 2)}",
    )


def count_line(status: Status) -> list[Line]:
    """A line that counts the open comments; none without one."""
    count = len(comments.opened(status))
    if not count:
        return []
    name = ids.short(status.id)
    verb = sentences.verb(count, "is", "are")
    return [
        (
            Styled(f"{sentences.count(count, 'comment')} {verb} open", "yellow"),
            f": git orch comment {name}",
        )
    ]


def documents(status: Status) -> list[Document]:
    """All comments as JSON-ready values, with their numbers."""
    return [
        {
            "number": number,
            "comment": comment.id,
            "on": comment.on,
            "text": comment.text,
            "who": comment.who,
            "open": comment.closed is None,
            "closed": comment.closed,
            "changed": comments.is_outdated(status.plan, comment),
        }
        for number, comment in enumerate(status.comments, start=1)
    ]
