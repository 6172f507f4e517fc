"""Comments of people on a plan: made, closed, and given to a model that revises it."""

from __future__ import annotations

from git_orch import errors
from git_orch.flow.model import typed_text
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import sentences
from git_orch.plans.documents import comments
from git_orch.plans.file.revised import Revision
from git_orch.plans.history.status import Comment, Status
from git_orch.repo.local import own_comments


def make(plan: OpenPlan, where: str, text: str, who: str) -> Comment:
    """Write a comment on a part of the plan into the log, redacted. Raises UsageError for an empty
    one, and NotFound for a part that is not there.
    """
    hint = f'git orch comment {plan.name} 1 "TEXT"'
    redacted = "\n\n".join(typed_text.paragraphs([text], hint))
    if not redacted:
        raise errors.UsageError("the comment is empty", hint)
    status = plan.status()
    part = comments.typed(status.plan, where)
    if part is None:
        names = ", ".join(comments.parts(status.plan, where))
        raise errors.NotFound(
            f"the plan has no part '{where}'; it has {names}", f"git orch show --tasks {plan.name}"
        )
    comment = Comment(plan.new_id(), part.on, comments.digest(part.text), redacted, who)
    event = plan.event(
        "comment.made",
        comment=comment.id,
        on=comment.on,
        digest=comment.digest,
        text=comment.text,
        who=who,
    )
    own_comments.add(plan.place, comment)  # before the log: what is only here does no harm
    plan.record((plan.home, event))
    return comment


def close(plan: OpenPlan, number: int, who: str) -> Comment:
    """Close an open comment. Raises NotFound."""
    listed = plan.status().comments
    comment = listed[number - 1] if 1 <= number <= len(listed) else None
    if comment is None or comment.closed is not None:
        what = f"there is no comment {number}" if comment is None else f"comment {number} is closed"
        raise errors.NotFound(what, f"git orch comment {plan.name}")
    _close(plan, comment, "closed", who)
    return comment


def close_addressed(
    plan: OpenPlan, before: Status, revised: Revision, who: str
) -> list[tuple[int, bool]]:
    """Close the open comments that the writer of the next version took up, or, where it does not say,
    those on parts that changed; gives their numbers, and whether the part changed. An undo of the
    version opens them again.
    """
    numbers = []
    for number, comment in comments.opened(before):
        has_changed = comments.changed_between(before.plan, revised.plan, comment)
        is_taken_up = has_changed if revised.addressed is None else number in revised.addressed
        if is_taken_up:
            _close(plan, comment, "addressed", who, part_of=_last_edit(plan))
            numbers.append((number, has_changed))
    return numbers


def _last_edit(plan: OpenPlan) -> str:
    events = reversed(plan.log.log.events)
    return next(event.id for event in events if event.name == "plan.revised")


def _close(plan: OpenPlan, comment: Comment, how: str, who: str, **marks: str) -> None:
    event = plan.event("comment.closed", comment=comment.id, how=how, who=who, **marks)
    plan.record((plan.home, event))


def require_no_conflict(status: Status, name: str) -> None:
    """Raises Refused while two people's edits of the plan are in conflict."""
    if not status.clashes:
        return
    step_id, field = status.clashes[0].place
    step = status.plan.step(step_id)
    where = f"step {status.plan.position(step_id)}" if step is not None else "the plan"
    more = len(status.clashes) - 1
    rest = f", and {sentences.count(more, 'more conflict')}" if more else ""
    raise errors.Refused(
        f"two edits of {where} are in conflict: {field or 'one removed it'}{rest}",
        f"git orch edit {name}  # shows both; saving the text settles it",
    )


def require_none_open(status: Status, name: str) -> None:
    """Raises Refused while comments are open."""
    listed = comments.opened(status)
    if listed:
        count = sentences.count(len(listed), "comment")
        verb = sentences.verb(len(listed), "is", "are")
        raise errors.Refused(
            f"{count} on the plan {verb} open; --with-comments approves it anyway",
            f"git orch comment {name}",
        )
