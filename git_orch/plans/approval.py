"""What an approval is about: the plan's text, where it was made, what it is granted, as bytes that
can be hashed.

Whoever approves is shown what these bytes say, and nothing is run whose bytes have changed since.
The budget is not part of them: a larger one needs no new approval.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeGuard

from git_orch.plans import document as documents
from git_orch.plans import plan as plans
from git_orch.plans import plan_document
from git_orch.plans.document import Document
from git_orch.plans.history.status import Status
from git_orch.plans.plan import Plan

# The version of the rules that commands run under; what was approved under others is approved anew.
POLICY = 1


class Setup(NamedTuple):
    """The command line that makes a new worktree ready, and whether it gets the network."""

    command: str
    network: bool = False


class Grants(NamedTuple):
    """What a plan gets out of the ordinary. `network` holds the IDs of steps that get the network,
    in the plan's order.

    With `in_place` its steps may work in the user's own checkout.
    """

    network: tuple[str, ...] = ()
    setup: Setup | None = None
    in_place: bool = False

    def document(self) -> Document:
        """All of it as JSON-ready values; what is not granted is left out, but for the network."""
        found: Document = {"network": list(self.network)}
        if self.setup is not None:
            found["setup"] = self.setup._asdict()
        return found | ({"in_place": True} if self.in_place else {})


NOTHING = Grants()


class Approved(NamedTuple):
    """A plan as it is approved, with what it is granted.

    `base` is the commit that the plan was made on: it stays when the plan follows its branch
    `follows`, or when the user rebases the plan branch. It ties the approval to the repository's
    history (None: there was no commit).
    """

    id: str
    plan: Plan
    base: str | None
    follows: str | None
    grants: Grants = NOTHING
    policy: int = POLICY

    def document(self) -> Document:
        """All of it as JSON-ready values."""
        return {
            "id": self.id,
            "plan": plan_document.to_document(self.plan),
            "base": self.base,
            "follows": self.follows,
            "grants": self.grants.document(),
            "policy": self.policy,
        }


def of_status(status: Status, grants: Grants = NOTHING) -> Approved:
    """What the log says now, with these grants; only steps that ask for the network get it."""
    granted = tuple(step.id for step in asking(status.plan) if step.id in grants.network)
    return Approved(
        status.id, status.plan, status.first_base, status.base.ref, grants._replace(network=granted)
    )


def asking(plan: Plan) -> tuple[plans.Step, ...]:
    """The steps that ask for the network."""
    return tuple(step for step in plan.steps if step.network)


def canonical(document: Document) -> bytes:
    """The one spelling of a document: sorted keys, no spaces, UTF-8."""
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def digest(document: Document) -> str:
    """SHA-256 of the canonical bytes."""
    import hashlib

    return f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}"


def grants(document: Document) -> Grants:
    """What a document grants. Raises BadDocument."""
    fields = documents.mapping(document.get("grants"), "grants")
    asked = fields.get("setup")
    setup = None
    if asked is not None:
        inner = documents.mapping(asked, "grants.setup")
        setup = Setup(documents.text(inner, "command"), documents.flag(inner, "network"))
    return Grants(documents.texts(fields, "network"), setup, documents.flag(fields, "in_place"))


def read(data: bytes) -> Approved:
    """What canonical bytes say. Raises BadDocument."""
    fields = documents.mapping(json.loads(data), "approval")
    policy = documents.optional_number(fields, "policy")
    return Approved(
        id=documents.text(fields, "id"),
        plan=plan_document.from_document(fields.get("plan")),
        base=documents.optional_text(fields, "base"),
        follows=documents.optional_text(fields, "follows"),
        grants=grants({**fields}),
        policy=policy if policy is not None else 0,
    )


def differences(old: Document, new: Document) -> list[str]:
    """The fields that differ, such as steps[2].run, steps[1].checks[0].timeout, base,
    grants.network, policy.
    """
    return [name.removeprefix("plan.") for name in _differing(old, new, "")]


def same_text(old: Document, new: Document) -> bool:
    """Whether two documents are about the same plan, whatever is granted to it."""
    return all(name.startswith("grants.") or name == "policy" for name in differences(old, new))


def _differing(old: object, new: object, where: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            inner = f"{where}.{name}" if where else name
            if where.endswith(".files"):
                inner = f"{where}[{name!r}]"
            yield from _differing(old.get(name), new.get(name), inner)
    elif _is_of_objects(old) and _is_of_objects(new):
        yield from _differing_lists(old, new, where)
    elif old != new or type(old) is not type(new):
        yield where


def _differing_lists(old: Sequence[object], new: Sequence[object], where: str) -> Iterator[str]:
    for index in range(max(len(old), len(new))):
        inner = f"{where}[{index}]"
        if index < len(old) and index < len(new):
            yield from _differing(old[index], new[index], inner)
        else:
            yield inner


def _is_of_objects(value: object) -> TypeGuard[list[dict[str, object]]]:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
