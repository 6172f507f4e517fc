"""The places where attempts and checks happen: worktrees, and the launcher for their commands."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.approval import ground, required
from git_orch.flow.attempt import setup
from git_orch.flow.attempt.checks import Stage
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.leftovers import boundary, recover, remove_verify_worktrees
from git_orch.flow.attempt.setup import Furnishing
from git_orch.flow.attempt.site import Site
from git_orch.flow.machine import sandbox
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Reporter
from git_orch.plans.approval import Setup
from git_orch.repo import settings
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.identity import Identity
from git_orch.repo.log import spool
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Database, Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import enclosed, file_system, pool, worktrees
from git_orch.repo.worktree.enclosed import Boundary, Enclosure
from git_orch.repo.worktree.standing import Standing
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox import modes, private

if TYPE_CHECKING:
    from git_orch.flow.model.service import Service


@dataclass
class Means:
    """Means that the attempts of one process share. `service` replies to agent steps."""

    repository: Repository
    identity: Identity
    objects: Database
    boundary: Boundary
    reporter: Reporter
    furnishing: Furnishing
    service: Service | None = None
    use_cache: bool = True
    run_hooks: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    at: dict[str, str] = field(default_factory=dict)  # the tree that a worktree holds, by its name
    standings: dict[str, Standing] = field(default_factory=dict)  # of the worktrees, by name
    set_up: set[str] = field(default_factory=set)  # worktrees in which the setup command ran
    made: dict[str, Written] = field(default_factory=dict)  # what attempts made that no ref holds

    @property
    def with_setup(self) -> bool:
        """Whether the user has a setup command."""
        return settings.of_user(self.repository).setup is not None


def means(plan: OpenPlan, service: Service | None = None, *, use_cache: bool = True) -> Means:
    """The means for work on a plan. Raises Refused where no sandbox works."""
    repository, chosen = plan.repository, settings.of_user(plan.repository)
    base = plan.status().base.commit if chosen.worktreeInclude else None
    return Means(
        repository,
        plan.identity,
        plan.objects,
        with_shares(boundary(plan), repository),
        plan.reporter,
        setup.furnishing(plan.place, base),
        service,
        use_cache,
        chosen.runHooks,
    )


def with_shares(boundary: Boundary, repository: Repository) -> Boundary:
    """The boundary whose commands see what is shared with them."""
    return boundary._replace(launcher=sandbox.with_shares(boundary.launcher, repository))


def prepare_worktree(
    of: Means, name: str, commit: str, tree: str, approved: Setup | None = None
) -> Worktree:
    """The worktree of that name, holding `commit` (whose tree is `tree`) and nothing else but what
    `wanted` makes.

    The setup command runs once in each worktree of a run. Raises SetupFailed.
    """
    keep = approved is not None and name in of.set_up
    worktree = _at(of, name, (commit, tree), ignored=not keep)
    if approved is not None and name not in of.set_up:  # also one that had to be made anew
        _set_up(of, worktree, approved)
        of.set_up.add(name)
    setup.copy(of.furnishing, worktree)
    return worktree


def _at(of: Means, name: str, where: tuple[str, str], *, ignored: bool) -> Worktree:
    commit, tree = where
    worktree = worktrees.existing(of.repository, name, of.boundary)
    if worktree is None:
        return _make(of, name, commit)
    worktree = worktree._replace(standing=of.standings.setdefault(name, worktree.standing))
    # The worktree holds this tree already: git need not go through all its files.
    if of.at.pop(name, None) == tree:
        worktrees.hold(worktree, commit)
        if of.furnishing.paths or not worktree.standing.is_spotless(tree):
            worktrees.clean(worktree, ignored=ignored)
        return worktree
    worktree.standing.forget()
    try:
        worktrees.point(worktree, commit, ignored=ignored)
    except GitFailed:
        worktrees.remove(of.repository, name)
        return _make(of, name, commit)
    return worktree


def _make(of: Means, name: str, commit: str) -> Worktree:
    of.set_up.discard(name)
    of.standings.pop(name, None)
    with pool.adding(of.repository):
        return worktrees.made(of.repository, name, of.boundary, commit)


def _set_up(of: Means, worktree: Worktree, approved: Setup) -> None:
    worktree.standing.forget()
    output = of.repository.state_dir / "output" / f"setup-{worktree.path.name}.txt"
    private.make_directory(output.parent)
    setup.run(of.furnishing, worktree, approved, output, of.stop)


def site(of: Means, job: Job) -> Site:
    """The site of one attempt, or of the checks of its result; its events go to a file of their own,
    with IDs after `job.after`.
    """
    writer = spool.Writer(PlanPlace(of.repository, job.plan_id), job.attempt, job.after)
    objects = Written(of.objects)
    if job.in_place:
        own = user_checkout(of)
        made = _site(of, own.path, lambda: own, objects, writer.put, shared=job.plan_id)
        return replace(made, elsewhere=functools.partial(_elsewhere, of, job))
    if job.worktree is None:
        path = worktrees.path_of(of.repository, job.plan_id, "manual")
        opener = functools.partial(person_worktree, of, job.plan_id, job.base)
        made = _site(of, path, opener, objects, writer.put, shared=job.plan_id)
        return replace(made, elsewhere=functools.partial(_elsewhere, of, job))
    path = worktrees.path_of(of.repository, job.worktree)
    opener = functools.partial(prepare_worktree, of, job.worktree, job.base, job.tree, job.setup)
    return _site(of, path, opener, objects, writer.put)


def manual_worktree(plan: OpenPlan, commit: str) -> Worktree:
    """The worktree where a person does a manual step, as they left it; made at `commit` when there
    is none.
    """
    return person_worktree(means(plan), plan.id, commit)


def person_worktree(of: Means, plan: str, commit: str) -> Worktree:
    """The worktree where a person does a manual step, for a worker; made at `commit` when there is
    none.
    """
    boundary = _keeping_repositories(of.boundary)
    worktree = worktrees.existing(of.repository, plan, boundary, "manual")
    return worktree or worktrees.made(of.repository, plan, boundary, commit, "manual")


def _keeping_repositories(boundary: Boundary) -> Boundary:
    """The boundary for a worktree in which somebody uses git."""
    return boundary._replace(launcher=replace(boundary.launcher, keeps_repositories=True))


def user_checkout(of: Means) -> Worktree:
    """The user's own checkout, where they asked for work in place. Raises UnfitRepository in a bare
    repository.
    """
    repository = of.repository
    if repository.top is None:
        raise errors.UnfitRepository(
            "a bare repository has no checkout to work in", "git orch exec"
        )
    git = Git(repository.git_dir, repository.top, repository.variables, repository.drivers)
    boundary = _keeping_repositories(of.boundary)
    enclosure = Enclosure(
        repository.top,
        repository.git_dir,
        repository.common_dir,
        boundary,
        file_system.of_user(repository),
        own=False,
    )
    return Worktree(repository.top, git, enclosure, Standing(repository.top))


@contextlib.contextmanager
def for_checks(plan: OpenPlan, commit: str, *, use_cache: bool = True) -> Iterator[Site]:
    """A worktree of its own for looking at commits, removed afterwards. Raises Refused where a
    setup command would run there on a tree that nobody here approved.
    """
    of = means(plan, use_cache=use_cache)
    approved = None
    if of.with_setup:
        status = plan.status()
        grant = required.require_approval(plan, status)
        tree = odb.commit(plan.objects, commit).tree
        ground.require_ground_for_checks(plan, status, grant, tree)
        approved = grant.setup
    with _verify_worktree(of, plan.id, commit, approved) as made:
        yield _site(of, made.path, lambda: made, Written(plan.objects), _nowhere)


@contextlib.contextmanager
def _elsewhere(of: Means, job: Job, commit: str) -> Iterator[Site]:
    """The site for the checks of a step that somebody did in a worktree of theirs."""
    with _verify_worktree(of, job.plan_id, commit, job.setup) as made:
        yield _site(of, made.path, lambda: made, Written(of.objects), _nowhere)


@contextlib.contextmanager
def _verify_worktree(
    of: Means, plan: str, commit: str, approved: Setup | None
) -> Iterator[Worktree]:
    worktrees.remove(of.repository, plan, "verify")  # one that a killed verification left
    try:
        made = worktrees.made(of.repository, plan, of.boundary, commit, "verify")
        if approved is not None:
            _set_up(of, made, approved)
        setup.copy(of.furnishing, made)
        yield made
    finally:
        worktrees.remove(of.repository, plan, "verify")


def stage_at(site: Site, commit: str, tree: str, *, fresh: bool = False) -> Stage:
    """The stage for checks on a commit, in a worktree for checks, which with `fresh` was just made
    at it. Files of the setup stay in it.
    """
    chosen = settings.of_user(site.repository)

    def enter() -> Site:
        if fresh:
            return site
        worktrees.point(site.worktree, commit, ignored=chosen.setup is None)
        site.discard_writes()
        site.furnish(site.worktree)
        return site

    return Stage(site, tree, enter, chosen.setup is None and not chosen.worktreeInclude)


def _nowhere(name: str, **body: object) -> None:
    """Checks have nothing to tell that costs money."""


def _site(
    of: Means,
    path: Path,
    opener: Callable[[], Worktree],
    objects: Written,
    put: spool.Put,
    *,
    shared: str | None = None,
) -> Site:
    boundary = of.boundary if shared is None else _keeping_repositories(of.boundary)
    # What is written there lasts as long as the attempt. The user's checkout has no such place.
    writes = enclosed.beside(path, enclosed.WRITES) if path != of.repository.top else None
    if writes is not None:
        enclosed.discard(writes)
    return Site(
        repository=of.repository,
        identity=of.identity,
        objects=objects,
        path=path,
        open_worktree=opener,
        launcher=replace(boundary.launcher, writes=writes),
        reporter=of.reporter,
        stop=of.stop,
        spool=put,
        service=of.service,
        run_hooks=of.run_hooks,
        use_cache=of.use_cache,
        copied=of.furnishing.paths,
        shared=shared,
        furnish=functools.partial(setup.copy, of.furnishing),
    )


# -- what killed runs left -------------------------------------------------------------------------


@contextlib.contextmanager
def take_worktrees(plan: OpenPlan, count: int) -> Iterator[list[str]]:
    """The names of `count` worktrees for a run; given back, and removed or kept warm, at its end.

    What a killed run left in them is kept first, for the plan that it was made for.
    """
    repository = plan.repository
    remove_verify_worktrees(plan)
    stay = pool.warm(repository, settings.of_user(repository).keepWorktrees)
    with pool.take(plan.place, count) as names:
        for name in names:
            recover(plan, name)
        for name in names[count:]:
            worktrees.remove(repository, name)
        for name in names[:count]:
            pool.own(plan.place, name)
        try:
            yield names[:count]
        except errors.DiskFull:
            raise  # what is in them could not be stored: the next run keeps it
        except BaseException:
            _give_back(plan, names[:count], stay=stay)
            raise
        _give_back(plan, names[:count], stay=stay)


def _give_back(plan: OpenPlan, names: Sequence[str], *, stay: bool) -> None:
    for name in names:
        worktree = worktrees.existing(plan.repository, name, boundary(plan)) if stay else None
        if worktree is None:
            worktrees.remove(plan.repository, name)
        else:
            worktrees.point(worktree, "HEAD")
            _make_plain(plan, name, worktree)
        pool.disown(plan.repository, name)


def _make_plain(plan: OpenPlan, name: str, worktree: Worktree) -> None:
    """Keep the worktree, but none of the rights that commands gave to files in it."""
    try:
        modes.make_plain(worktree.path)
    except OSError:
        worktrees.remove(plan.repository, name)
