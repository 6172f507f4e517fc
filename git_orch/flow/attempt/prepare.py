"""The places where attempts and checks happen: worktrees, and the launcher for their commands."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.approval import required
from git_orch.flow.attempt import setup
from git_orch.flow.attempt.attempt import Site, refused_path
from git_orch.flow.attempt.setup import Furnishing
from git_orch.flow.machine import sandbox
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import ids, redact
from git_orch.plans.approval import Setup
from git_orch.repo import settings
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.identity import Identity
from git_orch.repo.log import kept, spool
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw
from git_orch.repo.objects.objects import Objects, Written
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import pool, snapshot, worktrees
from git_orch.repo.worktree.enclosed import Boundary, Enclosure
from git_orch.repo.worktree.gate import GateRefused
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox import secrecy

if TYPE_CHECKING:
    from git_orch.flow.attempt.agent_step import Service


@dataclass
class Means:
    """What attempts of one process have in common. `service` is where replies for agent steps come from."""

    repository: Repository
    identity: Identity
    objects: Objects
    boundary: Boundary
    reporter: Reporter
    furnishing: Furnishing
    service: Service | None = None
    use_cache: bool = True
    run_hooks: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    at: dict[str, str] = field(default_factory=dict)  # the tree that a worktree holds, by its name
    set_up: set[str] = field(default_factory=set)  # worktrees in which the setup command ran

    @property
    def with_setup(self) -> bool:
        """Whether the user has a setup command."""
        return settings.of_user(self.repository).setup is not None


def means(plan: OpenPlan, service: Service | None = None, *, use_cache: bool = True) -> Means:
    """The means for work on a plan. Raises Refused where no sandbox works."""
    found, chosen = plan.repository, settings.of_user(plan.repository)
    base = plan.status().base.commit if chosen.worktreeInclude else None
    return Means(
        found,
        plan.identity,
        plan.objects,
        _boundary(plan),
        plan.reporter,
        setup.of(found, base),
        service,
        use_cache,
        chosen.runHooks,
    )


def prepared(of: Means, name: str, commit: str, tree: str, wanted: Setup | None = None) -> Worktree:
    """The worktree of that name, holding `commit` (whose tree is `tree`) and nothing else but what `wanted` makes.

    The setup command runs once in each worktree of a run. Raises SetupFailed.
    """
    keep = wanted is not None and name in of.set_up
    worktree = _at(of, name, (commit, tree), ignored=not keep)
    if wanted is not None and name not in of.set_up:  # also one that had to be made anew
        _set_up(of, worktree, wanted)
        of.set_up.add(name)
    setup.copy(of.furnishing, worktree)
    return worktree


def _at(of: Means, name: str, where: tuple[str, str], *, ignored: bool) -> Worktree:
    commit, tree = where
    found = worktrees.existing(of.repository, name, of.boundary)
    if found is None:
        return _made(of, name, commit)
    if of.at.pop(name, None) == tree:  # what it holds was looked at: git need not go through all its files
        worktrees.hold(found, commit)
        worktrees.clean(found, ignored=ignored)
        return found
    try:
        worktrees.point(found, commit, ignored=ignored)
    except GitFailed:
        worktrees.remove(of.repository, name)
        return _made(of, name, commit)
    return found


def _made(of: Means, name: str, commit: str) -> Worktree:
    of.set_up.discard(name)
    with pool.adding(of.repository):
        return worktrees.made(of.repository, name, of.boundary, commit)


def _set_up(of: Means, worktree: Worktree, wanted: Setup) -> None:
    output = of.repository.state_dir / "output" / f"setup-{worktree.path.name}.txt"
    output.parent.mkdir(mode=0o700, exist_ok=True)
    changed = setup.run(of.furnishing, worktree, wanted, output, of.stop)
    if changed:
        named = ", ".join(changed[:5])
        of.reporter.emit(Note(f"orch.setup changed files that git does not ignore; they were put back: {named}"))


@contextlib.contextmanager
def at(of: Means, worktree: Worktree, plan: str, attempt: str, after: str) -> Iterator[Site]:
    """The site of one attempt; its events go to a file of their own, with IDs after `after`."""
    with contextlib.closing(of.objects.another()) as database:
        writer = spool.Writer(of.repository, plan, attempt, after)
        site = _site(of, worktree, Written(database), writer.put)
        persons = not worktree.enclosure.own or worktree.path == worktrees.path_of(of.repository, plan, "manual")
        yield replace(site, shared=plan) if persons else site


def handed_over(plan: OpenPlan, commit: str) -> Worktree:
    """The worktree where a person does a manual step, as they left it; made at `commit` when there is none."""
    return of_person(means(plan), plan.id, commit)


def of_person(of: Means, plan: str, commit: str) -> Worktree:
    """The same for a worker."""
    found = worktrees.existing(of.repository, plan, of.boundary, "manual")
    return found or worktrees.made(of.repository, plan, of.boundary, commit, "manual")


def users_own(of: Means) -> Worktree:
    """The user's own checkout, where they asked for work in place. Raises UnfitRepository in a bare repository."""
    repository = of.repository
    if repository.top is None:
        raise errors.UnfitRepository("a bare repository has no checkout to work in", "git orch exec")
    git = Git(repository.git_dir, repository.top, repository.variables, repository.drivers)
    enclosure = Enclosure(repository.top, repository.git_dir, repository.common_dir, of.boundary, own=False)
    return Worktree(repository.top, git, enclosure)


@contextlib.contextmanager
def for_checks(plan: OpenPlan, commit: str, *, use_cache: bool = True) -> Iterator[Site]:
    """A worktree of its own for looking at commits, removed afterwards."""
    of = means(plan, use_cache=use_cache)
    worktrees.remove(plan.repository, plan.id, "verify")  # one that a killed verification left
    try:
        made = worktrees.made(plan.repository, plan.id, of.boundary, commit, "verify")
        wanted = required.required(plan, plan.status()).what.grants.setup if of.with_setup else None
        if wanted is not None:
            _set_up(of, made, wanted)
        setup.copy(of.furnishing, made)
        yield _site(of, made, Written(plan.objects), _nowhere)
    finally:
        worktrees.remove(plan.repository, plan.id, "verify")


def pointed(site: Site, commit: str) -> bool:
    """Make a worktree for checks another commit; whether it is clean now: what made it ready stays in it."""
    chosen = settings.of_user(site.repository)
    clean = chosen.setup is None and not chosen.worktreeInclude
    worktrees.point(site.worktree, commit, ignored=clean)
    return clean


def _nowhere(name: str, **body: object) -> None:
    """Checks have nothing to tell that costs money."""


def _boundary(plan: OpenPlan) -> Boundary:
    return sandbox.boundary(plan.repository, lambda text: plan.reporter.emit(Note(text)))


def _site(of: Means, worktree: Worktree, objects: Written, put: spool.Put) -> Site:
    return Site(
        repository=of.repository,
        identity=of.identity,
        objects=objects,
        worktree=worktree,
        launcher=worktree.enclosure.launcher,
        reporter=of.reporter,
        stop=of.stop,
        spool=put,
        service=of.service,
        run_hooks=of.run_hooks,
        use_cache=of.use_cache,
        copied=of.furnishing.paths,
    )


# -- what killed runs left --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def taken(plan: OpenPlan, count: int) -> Iterator[list[str]]:
    """The names of `count` worktrees for a run; given back, and removed or kept warm, at its end.

    What a killed run left in them is kept first, for the plan that it was made for.
    """
    repository = plan.repository
    _remove_looked_at(plan)
    stay = pool.warm(repository, settings.of_user(repository).keepWorktrees)
    with pool.taken(repository, plan.id, count) as names:
        for name in names:
            recover(plan, name)
        for name in names[count:]:
            worktrees.remove(repository, name)
        for name in names[:count]:
            pool.own(repository, name, plan.id)
        try:
            yield names[:count]
        finally:
            for name in names[:count]:
                _give_back(plan, name, stay=stay)


def _give_back(plan: OpenPlan, name: str, *, stay: bool) -> None:
    found = worktrees.existing(plan.repository, name, _boundary(plan)) if stay else None
    if found is None:
        worktrees.remove(plan.repository, name)
    else:
        worktrees.point(found, "HEAD")
    pool.disown(plan.repository, name)


def put_away(plan: OpenPlan) -> None:
    """Remove the worktrees that a killed run of this plan left behind; what is in them is kept first."""
    _remove_looked_at(plan)
    with pool.taken(plan.repository, plan.id, 0) as names:
        for name in names:
            recover(plan, name)
            worktrees.remove(plan.repository, name)


def _remove_looked_at(plan: OpenPlan) -> None:
    """Remove what a killed verification left: nobody has worked in it."""
    if worktrees.path_of(plan.repository, plan.id, "verify").exists():
        worktrees.remove(plan.repository, plan.id, "verify")


def put_away_handed_over(plan: OpenPlan) -> None:
    """Remove the worktree of a person's manual step; what they did in it is kept first. One that is broken stays."""
    found = worktrees.existing(plan.repository, plan.id, _boundary(plan), "manual")
    if found is None:
        return
    try:
        left, head = leftover(plan, found), worktrees.head(found)
    except (GitFailed, odb.MissingObject, errors.UnfitRepository) as broken:
        plan.reporter.emit(Note(f"'{found.path}' stays as it is: {broken.cause}"))
        return
    tip = plan.tip()
    if left is not None or tip is None or not plan.is_ancestor(head, tip):
        plan.keep([left or head], "work on a manual step")
        plan.reporter.emit(Note(f"work on a manual step is kept as {(left or head)[:10]}"))
    worktrees.remove(plan.repository, plan.id, "manual")


def recover(plan: OpenPlan, name: str) -> None:
    """Keep what an attempt that was cut off left in the worktree, for the plan it was made for."""
    owner = pool.owner(plan.repository, name)
    if owner is None:
        return
    found = worktrees.existing(plan.repository, name, _boundary(plan))
    if found is not None:
        _keep_left(plan, name, found, owner)
    pool.disown(plan.repository, name)


def _keep_left(plan: OpenPlan, name: str, worktree: Worktree, owner: str) -> None:
    """Keep what a killed attempt left in the worktree; one that is broken is removed."""
    try:
        left = leftover(plan, worktree)
    except (GitFailed, odb.MissingObject, errors.UnfitRepository) as broken:
        plan.reporter.emit(Note(f"the worktree is made anew: {broken.cause}"))
        worktrees.remove(plan.repository, name)
        return
    if left is not None:
        kept.keep(plan.repository, plan.objects, plan.identity, owner, [left], "work of an attempt that was cut off")
        whose = "" if owner == plan.id else f" for '{ids.short(owner)}'"
        plan.reporter.emit(Note(f"work of an attempt that was cut off is kept{whose} as {left[:10]}"))


def leftover(plan: OpenPlan, worktree: Worktree) -> str | None:
    """A commit of what an attempt left in the worktree; None when there is nothing that its base does not have.

    What the gate refuses goes to a local file, of which a note tells.
    """
    head = worktrees.head(worktree)
    refused = refused_path(plan.repository, f"left-in-{head[:12]}")
    terms = snapshot.Terms(redact.secret_values(secrecy.all_variables()), refused)
    try:
        tree = snapshot.taken(plan.repository, worktree, head, terms).tree
    except GateRefused as gated:
        plan.reporter.emit(Note(f"{gated.cause}; it is in {refused}"))
        return None
    tip = plan.tip()
    on_branch = odb.commit(plan.objects, tip).tree if tip is not None else None
    if tree in (odb.commit(plan.objects, head).tree, on_branch):
        return None
    person = plan.identity.now()
    message = "work of an attempt that was cut off\n"
    return odb.write_commit(plan.objects, raw.CommitObject(tree, (head,), person.author, person.committer, message))
