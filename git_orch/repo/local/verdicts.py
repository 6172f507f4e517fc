"""Verdicts that this machine has paid for: a review of the same change by the same criteria is not
asked for again.

They are local files with the seal of receipts: no log and no copy of a repository brings any along.
One is written before its call is told, so that a kill in between loses neither: whoever finds it
untold tells of the call, as the same event.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from git_orch.plans import document as documents
from git_orch.plans import plan_document
from git_orch.plans.change import Change
from git_orch.plans.document import BadDocument, Document
from git_orch.plans.history import events
from git_orch.plans.history.events import Event
from git_orch.plans.plan import Review, Step
from git_orch.repo import localfiles, own_files
from git_orch.repo.local import receipts
from git_orch.repo.repository import Repository

_DIRECTORY = "verdicts"


class Given(NamedTuple):
    """A verdict as a model gave it. `since` is the time (UTC); `call` is the event of its call, for
    a `plan`, until that is told.
    """

    passed: bool
    reasons: str
    model: str
    seconds: float
    since: str
    plan: str = ""
    call: Event | None = None


def name_of(step: Step, review: Review, change: Change) -> str:
    """A name for all that a verdict depends on: what the step was to do, the criteria, the model
    that the plan names, and the change.
    """
    command = step.command.text() if step.command is not None else ""
    judged = [step.title, step.why, step.prompt, command, plan_document.review_document(review)]
    text = json.dumps([*judged, change.digest], sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def find(repository: Repository, name: str) -> Given | None:
    """The verdict of that name; None where there is none that this machine has written."""
    try:
        content = own_files.read_bytes(_path(repository, name))
    except (OSError, own_files.NotOurs):
        return None
    try:
        fields = documents.parse(content, "verdict")
        seal = receipts.seal(repository, name)
        if not hmac.compare_digest(documents.text(fields, "seal"), seal(fields)):
            return None
        return _given(fields)
    except BadDocument:
        return None


def put(repository: Repository, name: str, given: Given) -> None:
    """Write a verdict down."""
    path = _path(repository, name)
    document: Document = {**given._asdict(), "call": None}
    if given.call is not None:
        document["call"] = given.call.line().decode("utf-8")
    document["seal"] = receipts.seal(repository, name)(document)
    localfiles.write(path, json.dumps(document).encode("ascii"))
    if name.startswith(receipts.LOOK_AT):
        receipts.prune(path.parent)


def _path(repository: Repository, name: str) -> Path:
    return repository.state_dir / _DIRECTORY / name


def _given(fields: Mapping[str, object]) -> Given:
    line = documents.optional_text(fields, "call")
    read = list(events.read([line.encode("utf-8")]).events) if line is not None else []
    return Given(
        documents.flag(fields, "passed"),
        documents.optional_text(fields, "reasons") or "",
        documents.text(fields, "model"),
        documents.optional_number(fields, "seconds") or 0.0,
        documents.text(fields, "since"),
        documents.optional_text(fields, "plan") or "",
        read[0] if read else None,
    )
