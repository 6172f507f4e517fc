"""The subject of an approval: the plan's text, its base and its grants, as bytes with a hash.

git-orch shows these bytes to the approver, and runs nothing whose bytes have changed since. The
budget is not part of them: a larger one needs no new approval.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeGuard

from git_orch.plans import document as documents
from git_orch.plans import plan as plans
from git_orch.plans import plan_document
from git_orch.plans.document import Document
from git_orch.plans.history.status import SATISFIED, Status
from git_orch.plans.plan import Plan

# The version of the rules that commands run under; an approval under other rules does not count.
POLICY = 1


class Setup(NamedTuple):
    """The command line that prepares a new worktree, and whether it gets the network."""

    command: str
    network: bool = False


class Grants(NamedTuple):
    """The extra rights of a plan. `network` holds the IDs of steps that get the network, in the
    plan's order.

    With `in_place` its steps may work in the user's own checkout. `agents` are agent programs, each
    with the variables of the keys that it gets, as `agents.grant` says it.
    """

    network: tuple[str, ...] = ()
    setup: Setup | None = None
    in_place: bool = False
    agents: tuple[str, ...] = ()

    def document(self) -> Document:
        """The grants as JSON-ready values, without those that are not given; `network` always
        stands there.
        """
        document: Document = {"network": list(self.network)}
        if self.setup is not None:
            document["setup"] = self.setup._asdict()
        if self.in_place:
            document["in_place"] = True
        if self.agents:
            document["agents"] = list(self.agents)
        return document

    def reach_out(self) -> bool:
        """Whether something is granted that the sandbox does not give by itself."""
        return bool(self.network or self.agents) or self.setup is not None or self.in_place


NOTHING = Grants()


class Approved(NamedTuple):
    """A plan as the user approves it, with its grants.

    `base` is the commit that the plan was made on: it stays when the plan follows its branch
    `follows`, or when the user rebases the plan branch. It ties the approval to the repository's
    history (None: there was no commit). `tree` is the tree that the next step was to start from:
    grants hold on it, and on what approved steps make of it (None: of an approval without one).
    """

    id: str
    plan: Plan
    base: str | None
    follows: str | None
    grants: Grants = NOTHING
    policy: int = POLICY
    tree: str | None = None

    def document(self) -> Document:
        """The approved plan as JSON-ready values."""
        start: Document = {} if self.tree is None else {"tree": self.tree}
        return start | {
            "id": self.id,
            "plan": plan_document.approved_document(self.plan),
            "base": self.base,
            "follows": self.follows,
            "grants": self.grants.document(),
            "policy": self.policy,
        }


def of_status(status: Status, grants: Grants = NOTHING, tree: str | None = None) -> Approved:
    """The plan of the log with these grants, to start from this tree; only steps that ask for the
    network get it.
    """
    network = tuple(step.id for step in network_steps(status.plan) if step.id in grants.network)
    return Approved(
        status.id,
        status.plan,
        status.first_base,
        status.base.ref,
        grants._replace(network=network),
        tree=tree,
    )


def network_steps(plan: Plan) -> tuple[plans.Step, ...]:
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


def text_digest(document: Document) -> str:
    """SHA-256 of the plan's text alone, whatever is granted, and wherever it starts."""
    return digest({name: document.get(name) for name in ("id", "plan")})


def grants(document: Document) -> Grants:
    """The grants in a document. Raises BadDocument."""
    fields = documents.mapping(document.get("grants"), "grants")
    value = fields.get("setup")
    setup = None
    if value is not None:
        inner = documents.mapping(value, "grants.setup")
        setup = Setup(documents.text(inner, "command"), documents.flag(inner, "network"))
    in_place, agents = documents.flag(fields, "in_place"), documents.texts(fields, "agents")
    return Grants(documents.texts(fields, "network"), setup, in_place, agents)


def read(data: bytes) -> Approved:
    """The approved plan in canonical bytes. Raises BadDocument."""
    fields = documents.parse(data, "approval")
    policy = documents.optional_integer(fields, "policy")
    return Approved(
        id=documents.text(fields, "id"),
        plan=plan_document.from_document(fields.get("plan")),
        base=documents.optional_text(fields, "base"),
        follows=documents.optional_text(fields, "follows"),
        grants=grants({**fields}),
        policy=policy if policy is not None else 0,
        tree=documents.optional_text(fields, "tree"),
    )


def differences(old: Document, new: Document) -> list[str]:
    """The fields that differ, such as steps[2].run, steps[1].checks[0].timeout, base,
    grants.network, policy.
    """
    return [name.removeprefix("plan.") for name in _differing(old, new, "")]


def same_text(old: Document, new: Document) -> bool:
    """Whether two documents hold the same plan, with the same grants or others, wherever it starts."""
    return all(
        name.startswith("grants.") or name in ("policy", "tree") for name in differences(old, new)
    )


@functools.lru_cache(maxsize=1024)
def checks_digest(checks: tuple[plans.Check, ...]) -> str:
    """A name for these checks: what they run and expect; their time limits do not count."""
    commands = [
        [
            check.command.argv,
            check.command.shell,
            *(["plain"] if check.command.plain else []),
            check.expected_exit,
        ]
        for check in checks
    ]
    return digest({"checks": commands})


def step_digest(step: plans.Step) -> str:
    """A name for all that has to pass before a step is done."""
    commands = checks_digest(step.checks)
    if not step.reviews:
        return commands
    reviews = [plan_document.review_document(review) for review in step.reviews]
    return digest({"checks": commands, "reviews": reviews})


def tip_digest(status: Status) -> str:
    """A name for all checks that run on the tip: those of the satisfied steps."""
    satisfied = [step.step for step in status.steps if step.state in SATISFIED]
    return checks_digest(tuple(check for step in satisfied for check in step.checks))


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
