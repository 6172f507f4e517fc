"""What the optional git hooks do. None of them may fail a command of the user's, but `pre-push`,
which holds a push back on purpose.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.attempt import prepare
from git_orch.flow.branch import opening
from git_orch.flow.reports import Nobody
from git_orch.plans import ids, messages, sentences, trailers
from git_orch.plans.history.status import Status, StepState
from git_orch.plans.trailers import Claim
from git_orch.repo import ask, refs, remotes, settings
from git_orch.repo.log import catalog
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

_REWRITE = re.compile(r"([0-9a-f]{40,64}) ([0-9a-f]{40,64})(?: .*)?")
_MOST = 10_000  # commits of one rewrite
_UNVERIFIED = (StepState.UNVERIFIED, StepState.CLAIMED)


# -- post-rewrite ----------------------------------------------------------------------------------


def record_rewrite(repository: Repository, by: str, lines: Iterable[str]) -> None:
    """Write into the log of the plan whose branch is checked out where git took its commits. The
    lines are `OLD NEW` each.
    """
    branch = ask.head_branch(repository.user_git) or ""
    plan = branch.removeprefix(refs.BRANCHES)
    place = PlanPlace(repository, plan)
    matches = [_REWRITE.fullmatch(line) for line in lines]
    commits = {match[1]: match[2] for match in matches[:_MOST] if match is not None}
    if not branch.startswith(refs.BRANCHES) or ids.PLAN_ID.fullmatch(plan) is None:
        return
    if not commits or refs.value(repository, place.log) is None:
        return
    with opening.open_beside_a_run(place, Nobody()) as opened:
        event = opened.event("branch.rewritten", by=by, commits=commits)
        opened.log.append([(opened.home, event)])


# -- prepare-commit-msg ----------------------------------------------------------------------------


def add_claim(repository: Repository, file: Path, source: str) -> None:
    """Add the claim of a step to the message of a commit that a person makes in its worktree."""
    top = repository.top
    if top is None or source == "merge":
        return
    with contextlib.closing(objects.opened(repository)) as database:
        listing = refs.of_plans(repository)
        own = {plan: values for plan, values in listing.items() if _is_of(plan, top)}
        for status in catalog.statuses(repository, database, own):
            places = prepare.places_by_hand(repository, status)
            for step in (step for step, path in places.items() if _is_same(path, top)):
                _write_claim(repository, file, status, step)


def _is_of(plan: str, top: Path) -> bool:
    return top.name.startswith(f"{ids.without_slug(plan)}-")


def _is_same(path: str, top: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(top)


def _write_claim(repository: Repository, file: Path, status: Status, step: str) -> None:
    message = trailers.read(file.read_text("utf-8", "replace"))
    if any((claim.plan, claim.step) == (status.id, step) for claim in message.claims):
        return
    now = time.time_ns() // 1_000_000
    attempt = ids.ulid(now, int.from_bytes(os.urandom(10), "big"))
    lines = [Claim(status.id, step, attempt).trailer()]
    served = status.plan.step(step)
    lines += messages.requirement_trailers(served) if served is not None else []
    added = [word for name, value in lines for word in ("--trailer", f"{name}: {value}")]
    repository.user_git.run("interpret-trailers", "--in-place", *added, str(file))


# -- pre-push --------------------------------------------------------------------------------------


def check_push(repository: Repository, remote: str, lines: Sequence[str]) -> None:
    """Raises Refused where a plan branch would go out without its log or, with orch.requireVerified,
    with a step that is not verified.

    A line is `LOCAL-REF OID REMOTE-REF OID` of a ref that is pushed, or `OID REF` of one that the
    remote has.
    """
    pushed, there = _read_push(lines)
    strict = settings.of_user(repository).requireVerified
    plans = refs.of_plans(repository)
    for ref in pushed:
        plan = ref.removeprefix(refs.BRANCHES)
        if not ref.startswith(refs.BRANCHES) or plan not in plans or plans[plan].log is None:
            continue
        log = f"{refs.LOGS}{plan}"
        copy = refs.value(repository, f"{remotes.PLACE}{remote}/notes/{plan}")
        if plans[plan].log not in (pushed.get(log), there.get(log), copy):
            raise errors.Refused(
                f"'orch/{plan}' would go out without its log",
                f"git push {remote} orch/{plan} {log}",
            )
        if strict:
            _refuse_unverified(repository, plan)


def _read_push(lines: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The refs that are pushed, by their names there, and those that the remote has."""
    pushed, there = dict[str, str](), dict[str, str]()
    for words in (line.split() for line in lines):
        if len(words) == 4 and words[1].strip("0"):  # zeros delete the ref
            pushed[words[2]] = words[1]
        elif len(words) == 2:
            there[words[1]] = words[0]
    return pushed, there


def _refuse_unverified(repository: Repository, plan: str) -> None:
    with contextlib.closing(objects.opened(repository)) as database:
        listing = refs.of_plans(repository)
        for status in catalog.statuses(repository, database, {plan: listing[plan]}):
            numbers = [step.number for step in status.steps if step.state in _UNVERIFIED]
            if numbers:
                raise errors.Refused(
                    f"{sentences.steps(numbers)} of '{ids.short(plan)}' "
                    f"{sentences.verb(len(numbers), 'is', 'are')} not verified",
                    f"git orch verify {ids.short(plan)}",
                )
