"""The user's word on a plan on this machine: approved, rejected, made here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from git_orch import errors
from git_orch.flow.approval.grant import refuse_rejected
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import approval, redact
from git_orch.plans.approval import Approved, Grants
from git_orch.plans.document import Document
from git_orch.plans.history import life
from git_orch.plans.history.status import PlanState, Status
from git_orch.plans.plan import Plan
from git_orch.repo import approval_signatures, ask, tree_records
from git_orch.repo.local import approvals
from git_orch.repo.plan_place import PlanPlace
from git_orch.sandbox import secrecy


@dataclass(frozen=True, slots=True)
class Offer:
    """The content that waits for approval: the very bytes that are hashed, stored, signed and
    shown.
    """

    content: bytes
    digest: str

    def value(self) -> Approved:
        """The content as a value."""
        return approval.read(self.content)


@dataclass(frozen=True, slots=True)
class Asked:
    """The grants that somebody asks for: the network for these step numbers (None: for every step
    that asks), and `more` that is not about single steps. They hold on `tree`.
    """

    network: Sequence[int] | None
    tree: str | None
    more: Grants = approval.NOTHING


def make_offer(plan: OpenPlan, status: Status, asked: Asked) -> Offer:
    """The content to approve now. Raises Refused for a rejected plan, and for a step that does not
    ask for the network.
    """
    refuse_rejected(status)
    network = asked.network
    steps = status.plan.steps
    chosen = (
        approval.network_steps(status.plan)
        if network is None
        else tuple(steps[number - 1] for number in network)
    )
    for step in chosen:
        if not step.network:
            raise errors.Refused(
                f"step {status.plan.position(step.id)} ('{step.title}') does not ask for the network",
                f"git orch show {plan.name}",
            )
    grants = asked.more._replace(network=tuple(step.id for step in chosen))
    document = approval.of_status(status, grants, asked.tree).document()
    return Offer(approval.canonical(document), approval.digest(document))


def approve(
    plan: OpenPlan, status: Status, offered: Offer, max_usd: float | None, *, sign: bool
) -> bool:
    """Record an approval on this machine and, to be shown, in the log; `sign` signs the event.
    Gives whether it is new to the log.
    """
    expires = int(time.time()) + approvals.LIFETIME
    body: Document = {
        "by": "approve",
        "digest": offered.digest,
        "grants": offered.value().grants.document(),
    }
    if offered.value().tree is not None:
        body["tree"] = offered.value().tree
    if sign:
        content = approval_signatures.message(offered.content, expires)
        signature = approval_signatures.sign(plan.repository, content, plan.identity.committer)
        body |= {"expires": expires, "format": signature.format, "signature": signature.text}
    before = approvals.read(plan.place).approved
    budget = max_usd
    if budget is None:
        budget = before.max_usd if before is not None else 0.0
    document = offered.value().document()
    approvals.write_approved(plan.place, document, budget, plan.identity.committer)
    if max_usd is not None:
        approvals.write_limits(plan.place, approvals.Limits(plan=max_usd))
    if offered.value().grants.in_place:  # the user stands there: it is where --no-git works
        here = ask.tree(plan.repository.user_git, "HEAD") or plan.repository.empty_tree
        tree_records.add(plan.place, granted=[(offered.digest, here)])
    if not sign and _is_logged(plan, status, body):
        return False
    validated = [plan.event("plan.validated")] if status.recorded_state is PlanState.CREATED else []
    events = [*validated, plan.event("plan.approved", **body)]
    plan.record(*((plan.home, event) for event in events))
    return True


def _is_logged(plan: OpenPlan, status: Status, body: Document) -> bool:
    """Whether the last approval in the log is the same, by the same person in this clone."""
    if status.recorded_state in (PlanState.CREATED, PlanState.VALIDATED):
        return False
    event = plan.event("plan.approved", **body)
    found = (last for last in reversed(status.log.events) if last.name == event.name)
    last = next(found, None)
    return last is not None and (last.clone, dict(last.body)) == (event.clone, dict(event.body))


def reject(plan: OpenPlan, why: str, marks: Mapping[str, str] = MappingProxyType({})) -> None:
    """Reject the plan; `git orch edit` brings it back. Raises Refused when steps have landed.
    `marks` are further fields of the event, as `plans/history/changes.py` says.
    """
    status = plan.status()
    if status.recorded_state is PlanState.REJECTED:
        refuse_rejected(status)
    name, state = plan.name, status.recorded_state
    rollback = []
    if any(step.commit is not None for step in status.steps):
        raise errors.Refused(f"steps of '{name}' have landed", f"git orch rollback {name}")
    if not life.can(state, PlanState.REJECTED):
        if status.branch is None:
            raise errors.Refused(f"the branch of '{name}' is gone", f"git orch show {name}")
        state = life.transition(state, PlanState.ROLLED_BACK, name)
        tip = status.branch.tip  # nothing has landed: it is as if it was rolled back
        rollback = [plan.event("plan.rolled-back", **{"from": tip, "to": tip, "full": True})]
    life.transition(state, PlanState.REJECTED, name)
    approvals.withdraw(plan.place)
    public_reason = redact.redacted(why, secrecy.secrets())
    events = [*rollback, plan.event("plan.rejected", why=public_reason, **marks)]
    plan.record(*((plan.home, event) for event in events))


def is_users_own(place: PlanPlace, status: Status) -> bool:
    """Whether the user made or approved the present text of the plan here, rejected since or not."""
    record = approvals.read(place)
    now = approval.of_status(status).document()
    own_texts = [*record.made, *([record.approved.content] if record.approved is not None else [])]
    return any(approval.same_text(text, now) for text in own_texts)


def was_made(plan: OpenPlan, status: Status, text: Plan) -> bool:
    """Whether the user has made this text of the plan here, at whatever time."""
    document = approval.of_status(status._replace(plan=text)).document()
    return approval.text_digest(document) in approvals.read(plan.place).past


def remember_made(plan: OpenPlan, status: Status, *texts: Plan) -> None:
    """Write down that exactly these texts of the plan were made here."""
    documents = [approval.of_status(status._replace(plan=text)).document() for text in texts]
    approvals.write_made(plan.place, *documents)
