"""Approval by signature: a signed event in the log counts when the user trusts the key."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.approval import ground
from git_orch.flow.approval.grant import Grant, extent
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import approval, document
from git_orch.plans.approval import Approved
from git_orch.plans.document import BadDocument
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Status
from git_orch.repo import approval_signatures, ask, settings
from git_orch.repo.approval_signatures import Signature
from git_orch.repo.repository import Repository

_SIGNATURES_TRIED = 5  # the newest ones; one costs up to three processes


class Signed(NamedTuple):
    """A signed approval, and the trusted signer."""

    what: Approved
    who: str


def find_signed_grant(plan: OpenPlan, status: Status) -> tuple[Grant | None, list[str]]:
    """The grant of the newest signature in the log that the user trusts, and why newer ones do not
    count.
    """
    signed, doubts = find_signed(plan.repository, status)
    if signed is None:
        return None, doubts
    what = f"{extent(status.plan)}, {_network_text(signed.what.grants.network)}"
    plan.reporter.emit(Note(f"approved by the signature of {signed.who}: {what}"))
    return Grant(signed.what, ground.of_approved(plan, signed.what)), doubts


def find_signed(repository: Repository, status: Status) -> tuple[Signed | None, list[str]]:
    """The newest signed approval in the log that the user trusts, and why newer ones do not count."""
    doubts: list[str] = []
    events = [
        event
        for event in reversed(status.log.events)
        if event.name == "plan.approved" and "signature" in event.body
    ]
    for event in events[:_SIGNATURES_TRIED]:
        try:
            return _verify(repository, status, event), doubts
        except (BadDocument, errors.Refused, errors.StepFailed) as wrong:
            doubts.append(str(wrong))
    return None, doubts


def _verify(repository: Repository, status: Status, event: Event) -> Signed:
    """The approval of a signed event. Raises BadDocument, Refused, StepFailed when it does not
    count.
    """
    granted = approval.grants(
        {"grants": event.body.get("grants", {"network": event.body.get("network", [])})}
    )
    expires = document.optional_integer(event.body, "expires") or 0
    now = approval.of_status(status, granted, document.optional_text(event.body, "tree"))
    if document.text(event.body, "digest") != approval.digest(now.document()):
        raise BadDocument("the plan is not the one that was signed")
    if expires <= time.time():
        raise BadDocument("it has expired")
    _refuse_elsewhere(repository, status)
    kind = document.text(event.body, "format")
    signature = Signature(
        "ssh" if kind == "ssh" else "openpgp", document.text(event.body, "signature")
    )
    content = approval_signatures.message(approval.canonical(now.document()), expires)
    chosen = settings.of_user(repository)
    return Signed(now, approval_signatures.signer(repository, chosen, signature, content))


def _refuse_elsewhere(repository: Repository, status: Status) -> None:
    """A signature is for one repository: the commit that the plan was made on has to be in the
    branch's history.
    """
    branch = status.branch
    if status.first_base is None:
        raise BadDocument(
            "the plan was made in an empty repository: nothing ties the signature to this one"
        )
    if branch is None or not ask.is_ancestor(repository.git, status.first_base, branch.tip):
        raise BadDocument("the branch does not come from the commit that the plan was made on")


def _network_text(network: Iterable[str]) -> str:
    granted = ", ".join(network)
    return f"network for {granted}" if granted else "no network"
