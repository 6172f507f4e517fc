"""The plans of a repository: reading their status, and finding the one that somebody means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from git_orch import errors
from git_orch.plans import ids, sentences
from git_orch.plans.history import fold
from git_orch.plans.history.status import NOT_DONE, Branch, Status
from git_orch.repo import ask, refs, tree_records
from git_orch.repo.log import archive, branch, upstream
from git_orch.repo.log import log as store
from git_orch.repo.log.summaries import Key
from git_orch.repo.objects.catfile import MissingObject
from git_orch.repo.plan_place import PlanPlace

if TYPE_CHECKING:
    from git_orch.plans.history.events import Log
    from git_orch.repo.log.archive import Archive
    from git_orch.repo.objects.objects import Objects
    from git_orch.repo.refs import Listing, PlanRefs
    from git_orch.repo.repository import Repository

Value = TypeVar("Value")

_TRIES = 50  # somebody who puts plans away and brings them back, again and again


def read_steadily(repository: Repository, read: Callable[[Listing], Value]) -> Value:
    """The value that `read` makes of the refs. It reads again when it misses something and the refs
    have changed meanwhile, because somebody archived a plan, for example.
    """
    listing = refs.listing(repository)
    for _ in range(_TRIES):
        try:
            return read(listing)
        except (errors.NotFound, MissingObject):
            before, listing = listing, refs.listing(repository)
            if listing == before:
                raise
    return read(listing)


def statuses(
    repository: Repository,
    objects: Objects,
    plans: Mapping[str, PlanRefs] | None = None,
    bases: dict[str, str | None] | None = None,
    unread: dict[str, str] | None = None,
) -> list[Status]:
    """The status of all plans (or of those given), oldest first; refs that hold no plan are left
    out. Where they are several, only the last event of each log is kept.

    `bases` takes the values of the base branches that were looked at, `unread` the plans whose logs
    are larger than any that we write, with what they have.
    """
    chosen = plans if plans is not None else refs.of_plans(repository)
    logged = [(plan, values) for plan, values in chosen.items() if values.log is not None]

    def fold_one(index: int, log: Log) -> Status | None:
        plan, _ = logged[index]
        if log.unread is not None and unread is not None:
            unread[plan] = log.unread
        return _folded(plan, log, alone=len(logged) == 1)

    read = store.fold_logs(objects, [values.log or "" for _, values in logged], fold_one)
    tips = [values.branch for _, values in logged]
    statuses = _on_branches(repository, objects, tips, [status for _, status in read], bases)
    return [
        status if notes.missing is None else status._replace(incomplete=True)
        for status, (notes, _) in zip(statuses, read, strict=True)
        if status is not None
    ]


def key(status: Status, values: PlanRefs, bases: Mapping[str, str | None]) -> Key | None:
    """The IDs that the status was made from; None where more than these IDs decided it, such as
    commits that nothing holds.
    """
    if status.incomplete or status.archived is not None:
        return None
    branch = status.branch
    if branch is not None and not _stands_alone(status, branch):
        return None
    if values.branch is not None:
        return Key(values.log, values.branch)
    ref = status.base.ref
    if status.is_idea or status.is_rejected_idea:
        return Key(values.log, None)  # it has neither branch nor base
    if ref is None or ref not in bases:
        return Key(values.log, None)
    return Key(values.log, None, ref, bases[ref])


def _stands_alone(status: Status, branch: Branch) -> bool:
    """Whether the branch was read to its cover, on the base that the log names, and no revert on it
    names a commit of somewhere else.
    """
    commits = {commit.oid for commit in branch.commits}
    return (
        bool(commits)
        and branch.commits[0].message.cover_of == status.id
        and branch.base == status.base.commit
        and all(commits.issuperset(commit.message.reverts) for commit in branch.commits)
    )


def archived_statuses(
    repository: Repository, objects: Objects, plan: str | None = None
) -> list[Status]:
    """The status of the plans in the archive, oldest first, or of that one; what is live as well is
    left out.

    A branch is read from where it was, when that commit is here; else the log says what was done.
    """

    def read(listing: Listing) -> list[Status]:
        notes = archive.read_at(repository, objects, listing.archive)
        return statuses_of_notes(repository, objects, notes, listing.plans, plan)

    return read_steadily(repository, read)


def statuses_of_notes(
    repository: Repository,
    objects: Objects,
    stored: Archive,
    live: Mapping[str, PlanRefs],
    plan: str | None = None,
) -> list[Status]:
    """The status of the plans, or of one, in an archive that is already read; those that are `live`
    as well are left out.
    """
    plans = {
        name: notes
        for name, notes in stored.plans.items()
        if plan in (None, name) and (name not in live or live[name].log is None)
    }
    folded = archive.fold_logs(
        objects, plans, lambda name, log: _folded(name, log, alone=len(plans) == 1)
    )
    statuses = _on_branches(repository, objects, [None for _ in plans], folded)
    return [status for status in statuses if status is not None]


def status(place: PlanPlace, objects: Objects, log: Log, tip: str | None) -> Status:
    """The status of one plan whose log is already read. Raises NotFound when the log holds no plan."""
    folded = fold.fold(place.id, log, None)
    [result] = _on_branches(place.repository, objects, [tip], [folded])
    if result is None:
        raise errors.NotFound(f"the log of '{ids.short(place.id)}' holds no plan", "git orch ls")
    return result


def _folded(plan: str, log: Log, *, alone: bool) -> Status | None:
    """The status by a log. That of one plan among many does not hold its events: a log may have a
    hundred megabytes of them.
    """
    status = fold.fold(plan, log, None)
    return status if status is None or alone else status._replace(log=log.end())


def _on_branches(
    repository: Repository,
    objects: Objects,
    own_tips: Sequence[str | None],
    folded: Sequence[Status | None],
    bases: dict[str, str | None] | None = None,
) -> list[Status | None]:
    """The statuses by the logs, corrected by the commits on the branches with these tips.

    That of a plan that was put away is where it was then, when that commit is here.
    """
    looked_at = bases if bases is not None else {}
    past = _with_present_tips(objects, list(zip(folded, own_tips, strict=True)))
    past = [
        _with_merge(repository, status, looked_at)
        if status is not None and tip is None and status.archived is None
        else status
        for tip, status in zip(own_tips, past, strict=True)
    ]
    tips = [
        status.known_tip if status is not None and status.merged else tip
        for tip, status in zip(_tips_when_archived(objects, past, own_tips), past, strict=True)
    ]
    walks = [
        (status.id, tip, status.base.commit)
        for tip, status in zip(tips, past, strict=True)
        if tip is not None and status is not None
    ]
    branches = {
        plan: content
        for (plan, _, _), content in zip(walks, branch.read_many(objects, walks), strict=True)
    }
    now = [
        status
        if status is None or status.id not in branches
        else _on_branch(repository, status, branches[status.id])
        for status in past
    ]
    return _with_records(repository, now)


def _with_records(repository: Repository, statuses: Sequence[Status | None]) -> list[Status | None]:
    """The statuses with what this machine has not verified itself."""
    if not any(status is not None and status.satisfied_steps() for status in statuses):
        return list(statuses)
    recorded = tree_records.with_any(repository)
    marked = list[Status | None]()
    for status in statuses:
        if status is None:
            marked.append(None)
            continue
        place = PlanPlace(repository, status.id)
        records = tree_records.read(place) if status.id in recorded else tree_records.NONE
        marked.append(tree_records.marked(status, records))
    return marked


def _tips_when_archived(
    objects: Objects, past: Sequence[Status | None], tips: Sequence[str | None]
) -> list[str | None]:
    """The tips, with where the branches of archived plans were."""
    were = [
        status.archived.tip
        if status is not None and status.archived is not None and tip is None
        else None
        for status, tip in zip(past, tips, strict=True)
    ]
    asked = [tip for tip in were if tip is not None]
    here = (
        {tip for tip, it in zip(asked, objects.read_many(asked), strict=True) if it is not None}
        if asked
        else set()
    )
    return [was if was in here else tip for was, tip in zip(were, tips, strict=True)]


def _with_merge(repository: Repository, status: Status, bases: dict[str, str | None]) -> Status:
    """The status of a plan without a branch; what was merged into its base before the branch went
    is not lost.
    """
    ref = status.base.ref
    if status.known_tip is None or ref is None:
        return status
    if ref not in bases:
        bases[ref] = refs.value(repository, ref)
    base = bases[ref]
    if base is None:
        return status
    return status._replace(merged=ask.is_ancestor(repository.git, status.known_tip, base))


def _with_present_tips(
    objects: Objects, past: Sequence[tuple[Status | None, str | None]]
) -> list[Status | None]:
    """The statuses; one without a branch loses a known tip that is collected: no branch can be made
    from it.
    """
    lost = [
        status.known_tip
        for status, tip in past
        if status is not None and tip is None and status.known_tip is not None
    ]
    gone = (
        {oid for oid, stored in zip(lost, objects.read_many(lost), strict=True) if stored is None}
        if lost
        else set()
    )
    return [
        status._replace(known_tip=None)
        if status is not None and tip is None and status.known_tip in gone
        else status
        for status, tip in past
    ]


def _on_branch(repository: Repository, past: Status, branch: Branch) -> Status:
    now = fold.on_branch(past, branch)
    landed = {
        attempt.step: attempt.commit
        for attempt in past.attempts
        if attempt.outcome == "landed" and attempt.commit is not None
    }
    gone = {step.id for step in now.steps if step.state in NOT_DONE}
    missing = {step: commit for step, commit in landed.items() if step in gone}
    if (
        not missing
        or branch.base is None
        or past.base.commit is None
        or branch.base == past.base.commit
    ):
        return now
    place = PlanPlace(repository, past.id)
    there = frozenset(upstream.steps(place, past.base.commit, branch.base, missing))
    return fold.on_branch(past, branch._replace(upstream=there)) if there else now


def resolve(repository: Repository, objects: Objects, typed: str | None) -> str:
    """The ID of the plan that a person named. Raises NotFound, which lists the candidates when
    there are several.
    """
    return read_steadily(
        repository, lambda listing: find_plan(repository, objects, typed, listing)[0]
    )


def find_plan(
    repository: Repository, objects: Objects, typed: str | None, listing: Listing
) -> tuple[str, Archive | None]:
    """The ID of the plan that a person named, with the archive if the plan is there: git-orch reads
    the archive only when no live plan fits. Raises NotFound.
    """
    plans = listing.plans
    logged = [plan for plan, values in plans.items() if values.log is not None]
    if typed is None:
        return _only_open(repository, objects, plans), None
    matches = _imported(repository, objects, typed, plans) or ids.matches(typed, logged)
    if len(matches) == 1:
        return matches[0], None
    if not matches:
        archived_plans = archive.read_at(repository, objects, listing.archive)
        put_away = _imported_and_archived(repository, objects, typed, archived_plans, plans)
        put_away = put_away or ids.matches(typed, archived_plans.plans)
        if len(put_away) == 1:
            return put_away[0], archived_plans
        rest = ids.matches(
            typed, [plan for plan, values in plans.items() if values.branch is not None]
        )
        if len(rest) == 1:
            raise _without_log(rest[0])
        if not put_away:
            raise errors.NotFound(f"no plan is called '{typed}'", "git orch ls --all")
        matches = put_away
    raise errors.NotFound(
        f"'{typed}' may mean {_names(matches)}", f"git orch show {ids.short(matches[-1])}"
    )


def _imported(
    repository: Repository, objects: Objects, typed: str, plans: Mapping[str, PlanRefs]
) -> list[str]:
    """The plans that had this ID in another tool, where their own IDs do not tell it: only then are
    all logs read.
    """
    if not ids.is_old_spec(typed):
        return []
    return [status.id for status in statuses(repository, objects, plans) if _was(status, typed)]


def _imported_and_archived(
    repository: Repository,
    objects: Objects,
    typed: str,
    stored: Archive,
    live: Mapping[str, PlanRefs],
) -> list[str]:
    """The plans of the archive that had this ID in another tool."""
    if not ids.is_old_spec(typed):
        return []
    every = statuses_of_notes(repository, objects, stored, live)
    return [status.id for status in every if _was(status, typed)]


def _was(status: Status, typed: str) -> bool:
    name = typed.strip().casefold()
    old = [one.casefold() for one in status.old_ids]
    return any(one == name or one.startswith(f"{name}-") for one in old)


def resolve_archived(repository: Repository, objects: Objects, typed: str) -> str:
    """The ID of the archived plan that a person named, also of one that was cut off on its way.
    Raises NotFound.
    """
    return read_steadily(
        repository, lambda listing: _find_archived(repository, objects, typed, listing)
    )


def _find_archived(repository: Repository, objects: Objects, typed: str, listing: Listing) -> str:
    put_away = archive.read_at(repository, objects, listing.archive).plans.keys()
    live = listing.plans
    asked = {plan: live[plan] for plan in ids.matches(typed, live) if plan not in put_away}
    cut_off = [
        status.id for status in statuses(repository, objects, asked) if status.archived is not None
    ]
    matches = ids.matches(typed, [*put_away, *cut_off])
    if len(matches) == 1:
        return matches[0]
    cause = (
        f"'{typed}' may mean {_names(matches)}"
        if matches
        else f"no archived plan is called '{typed}'"
    )
    raise errors.NotFound(cause, "git orch ls --all")


def _without_log(plan: str) -> errors.NotFound:
    return errors.NotFound(
        f"'{plan}' has no log any more (refs/notes/orch/{plan}); its branch is left, with every step commit on it",
        f"git log --stat orch/{plan}",
    )


def _only_open(repository: Repository, objects: Objects, plans: Mapping[str, PlanRefs]) -> str:
    here = ask.head_branch(repository.user_git) or ""
    current = here.removeprefix(refs.BRANCHES)
    if here.startswith(refs.BRANCHES) and current in plans:
        if plans[current].log is not None:
            return current
        if ids.PLAN_ID.fullmatch(current):
            raise _without_log(current)
    now_open = [status for status in statuses(repository, objects, plans) if status.is_open()]
    with_steps = [status for status in now_open if not status.is_idea]
    open_plans = [status.id for status in with_steps or now_open]
    if len(open_plans) == 1:
        return open_plans[0]
    if open_plans:
        cause = f"{len(open_plans)} plans are open: {_names(open_plans)}"
        raise errors.PlanUnnamed(cause, "git orch ls", ids.short(open_plans[-1]))
    logged = [plan for plan, values in plans.items() if values.log is not None]
    if len(logged) == 1:
        return logged[0]
    if not logged:
        raise errors.NoPlanOpen("no plan is open", 'git orch plan "what to do"')
    cause = f"no plan is open; you can mean {_names(logged)}"
    raise errors.NoPlanOpen(cause, "git orch ls", ids.short(logged[-1]))


def _names(plans: Sequence[str]) -> str:
    return sentences.names([ids.short(plan) for plan in plans])
