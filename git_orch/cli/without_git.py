"""`git orch exec --no-git`: runs a plan and records nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.flow.branch import opening
from git_orch.plans import ids
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.plans.plan import Plan
    from git_orch.sandbox.walls.launcher import Launcher


def run_file(source: str) -> int:
    """Run the plan in a file in the current directory; gives the exit code. Raises UsageError."""
    from git_orch.cli import planning
    from git_orch.flow.machine import sandbox
    from git_orch.flow.run import without_git
    from git_orch.plans.file import planfile
    from git_orch.repo import settings

    text = planning.input_text(source)
    plan = planfile.read(text, "standard input" if source == "-" else source)
    try:
        repository = here.find_repository()
    except errors.UnfitRepository:
        console.err("note: this is no repository")
        return _run(plan, Path.cwd(), without_git.launcher_outside())
    return _run(plan, Path.cwd(), sandbox.launcher(repository, settings.of_user(repository)))


def run_plan(handle: str) -> int:
    """Run a stored plan in the checkout around the current directory, if its approval allows that.
    Raises Refused, NotFound.
    """
    from git_orch.flow.approval import ground, required
    from git_orch.flow.machine import sandbox
    from git_orch.repo import ask, settings
    from git_orch.views.progress import ConsoleReporter

    repository = here.find_repository()
    plan_id = reading.plan_id(repository, handle)
    if repository.top is None:
        raise errors.UnfitRepository(
            "a bare repository has no checkout to work in", f"git orch exec {handle}"
        )
    place = PlanPlace(repository, plan_id)
    with opening.open_for_writing(place, ConsoleReporter()) as opened:
        status = opened.status()
        grant = required.require_approval(opened, status)
        if not grant.what.grants.in_place:
            name = ids.short(plan_id)
            raise errors.Refused(
                f"'{name}' is not approved for work in your own checkout",
                f"git orch approve {name} --in-place",
            )
        tree = ask.tree(repository.user_git, "HEAD") or repository.empty_tree
        ground.require_ground(opened, status, grant, tree, status.plan.steps, in_place=True)
        return _run(
            status.plan, repository.top, sandbox.launcher(repository, settings.of_user(repository))
        )


def _run(plan: Plan, directory: Path, launcher: Launcher) -> int:
    from git_orch.flow.run import without_git
    from git_orch.views.progress import ConsoleReporter

    ended = without_git.execute(plan, directory, launcher, ConsoleReporter())
    console.out(
        f"{ended.done} of {len(plan.steps)} steps done in {ended.seconds:.1f} s; nothing is recorded"
    )
    if ended.failed is None:
        return 0
    console.failure(
        f"step {ended.failed} failed: {(ended.error or '').splitlines()[0]}",
        "git orch plan --from FILE",
    )
    return 1
