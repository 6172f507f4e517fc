"""The plans that may run on this machine: records outside of every repository, below
$XDG_STATE_HOME, that nothing pushes.

A plan has one file with two kinds of record: texts that were made or edited here, and the approval
given here. The place of the repository and the plan's ID name the file, so that a copy of the
repository brings none along.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from git_orch import __version__
from git_orch.plans import approval, document, sentences
from git_orch.plans.document import BadDocument, Document
from git_orch.repo import localfiles, own_files, places
from git_orch.repo.plan_place import PlanPlace

LIFETIME = 30 * 24 * 3600  # seconds that an approval holds
_MOST_PAST = 1000  # texts
_LARGEST = 16 << 20  # bytes; a plan file has at most one MiB, and the record holds it twice


class Approval(NamedTuple):
    """An approval given on this machine; times in seconds since 1970, `max_usd` 0 without a limit."""

    content: Document
    digest: str
    max_usd: float
    created: int
    expires: int
    approver: str

    def grants(self) -> approval.Grants:
        """The grants in its content."""
        return approval.grants(self.content)

    def tree(self) -> str | None:
        """The tree in its content; None in one of an earlier version."""
        return document.optional_text(self.content, "tree")


class Limits(NamedTuple):
    """The limits in USD that the user typed last for a plan, and for each of its steps; 0 is no
    limit, None that none was typed.
    """

    plan: float | None = None
    step: float | None = None


class Record(NamedTuple):
    """The record of a plan on this machine; `problem` is the reason why its file does not count.

    `made` is the plan's text as the user last made or edited it here and, while an edit is stored,
    the text before it. A rejected text stays on record, and never runs. `past` are the digests of
    all texts that were made here: an undo may bring them again.
    """

    made: tuple[Document, ...] = ()
    rejected: bool = False
    approved: Approval | None = None
    limits: Limits = Limits()
    past: tuple[str, ...] = ()
    problem: str | None = None


def path_of(place: PlanPlace) -> Path:
    """The file of a plan."""
    return places.own_directory().joinpath(*_names(place))


def _names(place: PlanPlace) -> tuple[str, ...]:
    return ("approvals", places.name_of(place.repository), f"{place.id}.json")


def read(place: PlanPlace) -> Record:
    """The plan's record; one that others could have written, or cannot be understood, counts as
    none.
    """
    names = _names(place)
    try:
        top = places.own_directory()
    except own_files.NotOurs as wrong:
        return Record(problem=wrong.cause)
    path = top.joinpath(*names)
    try:
        data = own_files.read(top, names, _LARGEST, private=True)
        return Record() if data is None else _record(data)
    except own_files.NotOurs as wrong:
        return Record(problem=wrong.cause)
    except (BadDocument, ValueError, RecursionError) as wrong:
        return Record(problem=f"{sentences.quoted(path)} does not count: {wrong}")
    except OSError as failed:
        return Record(
            problem=(
                f"{sentences.quoted(path)} does not count: "
                f"{(failed.strerror or str(failed)).lower()}"
            )
        )


def write_made(place: PlanPlace, *texts: Document) -> None:
    """Write down the texts that the user made here. Raises UnfitRepository."""
    record = read(place)
    digests = map(approval.text_digest, (*record.made, *texts))
    past = tuple(dict.fromkeys((*record.past, *digests)))[-_MOST_PAST:]
    _write(place, record._replace(made=texts, rejected=False, past=past))


def write_approved(place: PlanPlace, content: Document, max_usd: float, approver: str) -> Approval:
    """Write down that the user approved this content. Raises UnfitRepository."""
    now = int(time.time())
    granted = Approval(content, approval.digest(content), max_usd, now, now + LIFETIME, approver)
    _write(place, read(place)._replace(approved=granted))
    return granted


def write_limits(place: PlanPlace, typed: Limits) -> Limits:
    """Write down the limits that the user typed, beside those of before; gives what holds now. Raises
    UnfitRepository.
    """
    record = read(place)
    before = record.limits
    now = Limits(
        before.plan if typed.plan is None else typed.plan,
        before.step if typed.step is None else typed.step,
    )
    if now != before:
        _write(place, record._replace(limits=now))
    return now


def withdraw(place: PlanPlace) -> None:
    """Write down that the plan must not run, until an edit or an approval. Raises UnfitRepository."""
    _write(place, read(place)._replace(rejected=True, approved=None))


def _write(place: PlanPlace, record: Record) -> None:
    data = json.dumps(_document(record), indent=1).encode("ascii")
    localfiles.write_below(places.own_directory(), _names(place), data)


def _document(record: Record) -> Document:
    made = [{"content": content, "digest": approval.digest(content)} for content in record.made]
    fields: Document = {"v": 1, "rejected": record.rejected, "made": made}
    typed = {name: usd for name, usd in record.limits._asdict().items() if usd is not None}
    if typed:
        fields["limits"] = typed
    if record.past:
        fields["past"] = [*record.past]
    if record.approved is not None:
        fields["approved"] = {**record.approved._asdict(), "tool": f"git-orch {__version__}"}
    return fields


def _record(data: bytes) -> Record:
    fields = document.parse(data, "record")
    if fields.get("v") != 1:
        raise BadDocument("another version of git-orch wrote it")
    made = tuple(
        _verified_content(document.mapping(item, "made"))
        for item in document.sequence(fields, "made")
    )
    approved = (
        None
        if fields.get("approved") is None
        else _approval(document.mapping(fields["approved"], "approved"))
    )
    typed = document.mapping(fields.get("limits", {}), "limits")
    limits = {
        name: document.number(typed, name, least=0.0) for name in Limits._fields if name in typed
    }
    past = document.texts(fields, "past")
    return Record(made, document.flag(fields, "rejected"), approved, Limits(**limits), past)


def _verified_content(fields: Mapping[str, object]) -> Document:
    content = {**document.mapping(fields.get("content"), "content")}
    if approval.digest(content) != document.text(fields, "digest"):
        raise BadDocument("its digest is not that of its content")
    return content


def _approval(fields: Mapping[str, object]) -> Approval:
    content = _verified_content(fields)
    approval.grants(content)  # raises BadDocument
    return Approval(
        content=content,
        digest=document.text(fields, "digest"),
        max_usd=document.number(fields, "max_usd", least=0.0),
        created=document.optional_integer(fields, "created") or 0,
        expires=document.optional_integer(fields, "expires") or 0,
        approver=document.text(fields, "approver"),
    )
