"""The places where attempts and checks happen: worktrees, and the launcher for their commands."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.approval import ground, required
from git_orch.flow.attempt import dependencies, setup, submodule_shares
from git_orch.flow.attempt.checks import Stage
from git_orch.flow.attempt.dependencies import Start
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.leftovers import boundary, recover, remove_verify_worktrees
from git_orch.flow.attempt.means import Means
from git_orch.flow.attempt.site import Site
from git_orch.flow.machine import sandbox
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Printed
from git_orch.plans import ids, sentences
from git_orch.plans.approval import Setup
from git_orch.plans.history.status import SATISFIED, Status
from git_orch.plans.plan import Step
from git_orch.repo import ask, settings
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.local import approvals
from git_orch.repo.log import spool
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import enclosed, file_system, pool, worktrees
from git_orch.repo.worktree.enclosed import Boundary, Enclosure
from git_orch.repo.worktree.standing import Standing
from git_orch.repo.worktree.worktrees import Purpose, Worktree
from git_orch.sandbox import modes, private

if TYPE_CHECKING:
    from git_orch.flow.model.service import Service

MANUAL: Purpose = "manual"


def means(plan: OpenPlan, service: Service | None = None, *, use_cache: bool = True) -> Means:
    """The means for work on a plan. Raises Refused where no sandbox works."""
    repository, chosen = plan.repository, settings.of_user(plan.repository)
    status = plan.status() if chosen.worktreeInclude or chosen.setup is not None else None
    base = status.base.commit if status is not None and chosen.worktreeInclude else None
    return Means(
        repository,
        plan.identity,
        plan.objects,
        with_shares(boundary(plan), repository),
        plan.reporter,
        setup.furnishing(plan.place, base)._replace(origin=_origin(plan, status)),
        service,
        use_cache,
        chosen.runHooks,
    )


def _origin(plan: OpenPlan, status: Status | None) -> str | None:
    """The commit that a plan which the user made here starts from."""
    record = approvals.read(plan.place) if status is not None else approvals.Record()
    if status is None or status.branch is None or not record.made or record.rejected:
        return None
    return status.branch.base


def with_shares(boundary: Boundary, repository: Repository) -> Boundary:
    """The boundary whose commands see what is shared with them."""
    return boundary._replace(launcher=sandbox.with_shares(boundary.launcher, repository))


def prepare_worktree(
    of: Means, name: str, commit: str, tree: str, approved: Setup | None = None
) -> Worktree:
    """The worktree of that name, holding `commit` (whose tree is `tree`) and nothing else but what
    the `approved` setup command makes.

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
    with contextlib.suppress(OSError):  # whoever writes to it says why it cannot
        private.make_directory(output.parent)
    setup.run(of.furnishing, worktree, approved, output, of.stop, of.reporter)


def site(of: Means, job: Job) -> Site:
    """The site of one attempt, or of the checks of its result; its events go to a file of their own,
    with IDs after `job.after`. Raises SetupFailed.
    """
    writer = spool.Writer(PlanPlace(of.repository, job.plan_id), job.attempt, job.after)
    objects = Written(of.objects)
    refit = functools.partial(_fitting, of, job, objects)
    elsewhere = functools.partial(_elsewhere, of, job)
    if job.in_place:
        own = user_checkout(of)
        made = _site(
            of, own.path, lambda: own, objects, writer.put, number=job.number, shared=job.plan_id
        )
        launcher = replace(made.launcher, closed=ask.submodules(own.git))
        return replace(made, launcher=launcher, refit=refit, elsewhere=elsewhere)
    # A step without commands needs no dependencies.
    has_commands = job.step.kind != "files" or job.step.checks or of.run_hooks
    if has_commands and (job.step.wait is None or job.step.command is not None):
        of = replace(of, boundary=refit(job.tree, job.base))
    if job.worktree is None:
        purpose = purpose_of(job.step)
        path = worktrees.path_of(of.repository, job.plan_id, purpose)
        opener = functools.partial(person_worktree, of, job.plan_id, job.base, purpose)
        made = _site(of, path, opener, objects, writer.put, number=job.number, shared=job.plan_id)
        return replace(made, refit=refit, elsewhere=elsewhere)
    path = worktrees.path_of(of.repository, job.worktree)
    here = _in_worktree(of, job.setup)
    opener = functools.partial(prepare_worktree, of, job.worktree, job.base, job.tree, here)
    made = _site(of, path, opener, objects, writer.put, number=job.number, set_up=here is not None)
    return replace(made, refit=refit)


def _in_worktree(of: Means, approved: Setup | None) -> Setup | None:
    """The setup command, where it has to run in the worktree: no layer can be shown there."""
    return None if dependencies.works_with(of.boundary, of.repository) else approved


def _fitting(
    of: Means, job: Job, objects: Written, tree: str, commit: str | None = None
) -> Boundary:
    """The boundary by which commands of a job see the dependencies and submodules of a tree. The
    user's checkout has its own submodules.
    """
    start = Start(objects, tree, commit)
    boundary = dependencies.fitting(of, start, job.setup)
    return boundary if job.in_place else _with_submodules(of, boundary, start)


def _fitted(of: Means, start: Start, approved: Setup | None) -> Means:
    """The means by which commands see the dependencies and submodules of a tree."""
    boundary = dependencies.fitting(of, start, approved)
    return replace(of, boundary=_with_submodules(of, boundary, start))


def _with_submodules(of: Means, boundary: Boundary, start: Start) -> Boundary:
    submodules = submodule_shares.of_tree(of, start.objects, start.tree)
    if not submodules:
        return boundary
    shares = (*boundary.launcher.shares, *submodules)
    return boundary._replace(launcher=replace(boundary.launcher, shares=shares))


def purpose_of(step: Step) -> Purpose:
    """The purpose of the worktree where a person does a step."""
    if step.kind == "manual":
        return MANUAL
    # Whoever wrote a log names its steps, and this becomes a part of a path.
    plain = ids.STEP_ID.fullmatch(step.id) is not None
    digest = hashlib.sha256(step.id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{step.id if plain else digest[:16]}-fix"


def places_by_hand(repository: Repository, status: Status) -> dict[str, str]:
    """By step ID, the worktrees that are there for a person's work on a step that is not done."""
    there = {*worktrees.purposes(repository, status.id)}
    places: dict[str, str] = {}
    for step in status.steps:
        purpose = purpose_of(step.step)
        if purpose in there and step.state not in SATISFIED:
            places[step.id] = str(worktrees.path_of(repository, status.id, purpose))
            if purpose == MANUAL:
                there.discard(MANUAL)  # it is for the first of them
    return places


def manual_worktree(plan: OpenPlan, commit: str) -> Worktree:
    """The worktree where a person does a manual step, as they left it; made at `commit` when there
    is none.
    """
    return person_worktree(means(plan), plan.id, commit, MANUAL)


def person_worktree(of: Means, plan: str, commit: str, purpose: Purpose) -> Worktree:
    """The worktree where a person works, for a worker; made at `commit` when there is none."""
    boundary = _keeping_repositories(of.boundary)
    worktree = existing_person_worktree(of, plan, purpose)
    return worktree or worktrees.made(of.repository, plan, boundary, commit, purpose)


def existing_person_worktree(of: Means, plan: str, purpose: Purpose) -> Worktree | None:
    """The worktree where a person works, if it is there. Raises Refused where somebody moved it."""
    boundary = _keeping_repositories(of.boundary)
    worktree = worktrees.existing(of.repository, plan, boundary, purpose)
    moved = worktrees.displaced(of.repository, plan, purpose) if worktree is None else None
    if moved is None:
        return worktree
    path = worktrees.path_of(of.repository, plan, purpose)
    there, place = shlex.quote(str(moved)), shlex.quote(str(path))
    what = "manual step" if purpose == MANUAL else "work by hand"
    raise errors.Refused(
        f"the worktree of the {what} is at {sentences.quoted(moved)}, not at its own place",
        f"mkdir -p {shlex.quote(str(path.parent))} && git worktree repair {there} && "
        f"git worktree move --force --force {there} {place}",
    )


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


class Bench:
    """A worktree for the checks of commits: one after the other, and none as long as no check has
    to run.
    """

    def __init__(self, plan: OpenPlan, *, use_cache: bool = True) -> None:
        self._plan = plan
        self._of = means(plan, use_cache=use_cache)
        self._is_there = False

    def stage(self, commit: str, tree: str) -> Stage:
        """The stage for checks on a commit. Raises Refused where a setup command would run on a
        tree that nobody here approved, and SetupFailed.
        """
        of, plan = self._means(commit), self._plan
        here = _in_worktree(of, self._approved(commit))
        site = _site(
            of,
            worktrees.path_of(plan.repository, plan.id, "verify"),
            lambda: self._worktree(of, commit, here),
            Written(plan.objects),
            _nowhere,
            set_up=here is not None,
        )

        def enter() -> Site:
            _ = site.worktree
            return site

        return Stage(site, tree, enter, site.is_clean)

    def _worktree(self, of: Means, commit: str, here: Setup | None) -> Worktree:
        plan = self._plan
        worktree = worktrees.existing(plan.repository, plan.id, of.boundary, "verify")
        if self._is_there and worktree is not None:
            worktrees.point(worktree, commit, ignored=here is None)
        else:
            worktrees.remove(plan.repository, plan.id, "verify")  # of a killed verification
            self._is_there = True
            worktree = worktrees.made(plan.repository, plan.id, of.boundary, commit, "verify")
            if here is not None:
                _set_up(of, worktree, here)
        setup.copy(of.furnishing, worktree)
        return worktree

    def _means(self, commit: str) -> Means:
        tree = odb.commit(self._plan.objects, commit).tree
        start = Start(Written(self._plan.objects), tree, commit)
        return _fitted(self._of, start, self._approved(commit))

    def _approved(self, commit: str) -> Setup | None:
        """The setup command, where the user has one and approved it for this commit's tree."""
        if not self._of.with_setup:
            return None
        plan, status = self._plan, self._plan.status()
        grant = required.require_approval(plan, status)
        tree = odb.commit(plan.objects, commit).tree
        ground.require_ground_for_checks(plan, status, grant, tree)
        return grant.setup

    def remove(self) -> None:
        """Remove the worktree."""
        if self._is_there:
            worktrees.remove(self._plan.repository, self._plan.id, "verify")


@contextlib.contextmanager
def bench(plan: OpenPlan, *, use_cache: bool = True) -> Iterator[Bench]:
    """A place for the checks of commits, removed afterwards."""
    made = Bench(plan, use_cache=use_cache)
    try:
        yield made
    finally:
        made.remove()


@contextlib.contextmanager
def _elsewhere(of: Means, job: Job, commit: str) -> Iterator[Site]:
    """The site for the checks of a step that somebody did in a worktree of theirs."""
    objects = Written(of.objects)
    tree = odb.commit(objects, commit).tree
    of = _fitted(of, Start(objects, tree, commit), job.setup)
    here = _in_worktree(of, job.setup)
    worktrees.remove(of.repository, job.plan_id, "verify")  # one that a killed verification left
    try:
        made = worktrees.made(of.repository, job.plan_id, of.boundary, commit, "verify")
        if here is not None:
            _set_up(of, made, here)
        setup.copy(of.furnishing, made)
        set_up = here is not None
        yield _site(
            of, made.path, lambda: made, objects, _nowhere, number=job.number, set_up=set_up
        )
    finally:
        worktrees.remove(of.repository, job.plan_id, "verify")


def _nowhere(name: str, **body: object) -> None:
    """Checks have nothing to tell that costs money."""


def _site(
    of: Means,
    path: Path,
    opener: Callable[[], Worktree],
    objects: Written,
    put: spool.Put,
    *,
    number: int | None = None,
    shared: str | None = None,
    set_up: bool = False,
) -> Site:
    boundary = of.boundary if shared is None else _keeping_repositories(of.boundary)
    # What is written there lasts as long as the attempt. The user's checkout has no such place.
    writes = enclosed.beside(path, enclosed.WRITES) if path != of.repository.top else None
    if writes is not None and os.path.lexists(writes):
        enclosed.discard(writes)
    return Site(
        repository=of.repository,
        identity=of.identity,
        objects=objects,
        path=path,
        open_worktree=opener,
        launcher=replace(boundary.launcher, writes=writes, hear=_hearing(of, number)),
        reporter=of.reporter,
        stop=of.stop,
        spool=put,
        service=of.service,
        run_hooks=of.run_hooks,
        use_cache=of.use_cache,
        copied=of.furnishing.paths,
        set_up=set_up,
        shared=shared,
        furnish=functools.partial(setup.copy, of.furnishing),
        number=number,
    )


def _hearing(of: Means, number: int | None) -> Callable[[bytes], None]:
    """Have the watcher of the run hear what a command prints, of a step or (None) of the run."""
    return lambda data: of.reporter.emit(Printed(number, data))


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
