"""Records of this machine about trees: on which ones an approval's grants hold, and on which ones
the checks of a plan passed here.

They lie outside of every repository, beside the approvals: nothing that is fetched, cloned or copied
brings any along. A tree is named by its content, so that a record stays true whatever becomes of
the branch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints
from git_orch.plans import approval, document
from git_orch.plans.document import BadDocument, Document
from git_orch.plans.history.status import Status, StepState, StepStatus
from git_orch.repo import own_files, places
from git_orch.repo.repository import unwritable

if TYPE_CHECKING:
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.repo.repository import Repository

_DIRECTORY = "approvals"
_SUFFIX = ".trees"
_LARGEST = 16 << 20  # bytes; a line has about 200


class Records(NamedTuple):
    """The records of a plan. `granted` holds an approval's digest with a tree, `verified` a step's
    ID with the digest of its checks and a tree, `tips` the digest of all checks with a tree,
    `proofs` the digest of a check of a requirement with a tree, the newest last.
    """

    granted: frozenset[tuple[str, str]] = frozenset()
    verified: frozenset[tuple[str, str, str]] = frozenset()
    tips: frozenset[tuple[str, str]] = frozenset()
    proofs: tuple[tuple[str, str], ...] = ()


NONE = Records()


def read(place: PlanPlace) -> Records:
    """The records of a plan; none where there is no file that only this user can have written."""
    try:
        data = own_files.read(places.own_directory(), _names(place), _LARGEST)
    except (OSError, own_files.NotOurs):
        return NONE
    return _records((data or b"").splitlines())


def with_any(repository: Repository) -> frozenset[str]:
    """The plans of a repository that have records."""
    try:
        listed = os.listdir(places.place_of(repository, _DIRECTORY))
    except (OSError, own_files.NotOurs):
        return frozenset()
    return frozenset(name.removesuffix(_SUFFIX) for name in listed if name.endswith(_SUFFIX))


def _names(place: PlanPlace) -> tuple[str, ...]:
    return (_DIRECTORY, places.name_of(place.repository), f"{place.id}{_SUFFIX}")


def marked(status: Status, records: Records) -> Status:
    """The status with what this machine has no record of: steps, and the tip."""
    commits = status.branch.commits if status.branch is not None else ()
    tip = commits[-1].tree if commits else None
    done = [step for step in status.steps if step.state in (StepState.DONE, StepState.UNVERIFIED)]
    if tip is not None and records.tips and (approval.tip_digest(status), tip) in records.tips:
        # No review runs on the tip: a verdict is about one step.
        reviewed = [step for step in done if step.step.reviews]
        unknown = frozenset(step.step.id for step in reviewed if not _is_known(step, records))
        return status._replace(unverified_here=unknown) if unknown else status
    known = [step for step in done if records.verified and _is_known(step, records)]
    verified = {step.commit.oid for step in known if step.commit is not None}
    # Only of the last step: who brings an earlier tree back undoes what the steps after it did.
    last = next((commit.tree for commit in reversed(commits) if commit.oid in verified), None)
    with_steps = any(step.commit is not None for step in done)
    return status._replace(
        unverified_here=frozenset(step.id for step in done if step not in known),
        tip_unverified_here=with_steps and tip != last,
    )


def _is_known(step: StepStatus, records: Records) -> bool:
    """Whether the checks of a step passed here on the tree that its commit has; where its commits
    are not here any more, on any tree.
    """
    name = (step.step.id, approval.step_digest(step.step))
    if step.commit is None:
        return any(record[:2] == name for record in records.verified)
    return (*name, step.commit.tree) in records.verified


def add(
    place: PlanPlace,
    *,
    granted: Iterable[tuple[str, str]] = (),
    verified: Iterable[tuple[str, str, str]] = (),
    tips: Iterable[tuple[str, str]] = (),
    proofs: Iterable[tuple[str, str]] = (),
) -> None:
    """Add records to those of a plan, which this process has locked. Raises NotOurs,
    UnfitRepository.
    """
    lines: list[Document] = [{"tree": tree, "approval": digest} for digest, tree in granted]
    lines += [{"tree": tree, "step": step, "checks": checks} for step, checks, tree in verified]
    lines += [{"tree": tree, "checks": checks} for checks, tree in tips]
    lines += [{"tree": tree, "proof": check} for check, tree in proofs]
    if not lines:
        return
    # A line that a power cut left half written ends here.
    text = "".join(f"\n{json.dumps(line)}" for line in lines) + "\n"
    names = _names(place)
    top = places.own_directory()
    try:
        with checkpoints.around("append record", place.id):
            own_files.append(top, names, text.encode("ascii"))
    except OSError as failed:
        raise unwritable(failed, top.joinpath(*names)) from failed


def _records(lines: Sequence[bytes]) -> Records:
    granted, verified, tips = (
        set[tuple[str, str]](),
        set[tuple[str, str, str]](),
        set[tuple[str, str]](),
    )
    proofs = dict[tuple[str, str], None]()
    for line in lines:
        try:
            fields = document.parse(line, "record")
            tree = document.text(fields, "tree")
            digest = document.optional_text(fields, "approval")
            step = document.optional_text(fields, "step")
            checks = document.optional_text(fields, "checks")
            proof = document.optional_text(fields, "proof")
        except BadDocument:
            continue  # an empty line, or half of one
        if proof is not None:
            proofs[proof, tree] = None
        elif digest is not None:
            granted.add((digest, tree))
        elif checks is not None and step is not None:
            verified.add((step, checks, tree))
        elif checks is not None:
            tips.add((checks, tree))
    return Records(frozenset(granted), frozenset(verified), frozenset(tips), tuple(proofs))
