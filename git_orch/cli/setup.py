"""git orch setup: what a project's tests need in the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans import ids, sentences
from git_orch.plans.approval import Setup
from git_orch.plans.history import life
from git_orch.repo import ask, settings
from git_orch.repo.repository import Repository
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.attempt.setup_trial import Tried
    from git_orch.plans.plan import Check
    from git_orch.plans.projects import Project


@click.command("setup")
@here.plan_argument
@click.option(
    "--command",
    "typed",
    metavar="COMMAND",
    help="The setup command, instead of the one git-orch finds.",
)
@click.option(
    "--check", "check", metavar="COMMAND", help="The command that must pass after the setup."
)
@click.option("--network", is_flag=True, help="Let the setup command use the network.")
@click.option("--print", "only_print", is_flag=True, help="Print the setup command; run nothing.")
@click.option("-n", "--dry-run", is_flag=True, help="Try the setup; store nothing.")
def command(
    plan: str | None,
    typed: str | None,
    check: str | None,
    *,
    network: bool,
    only_print: bool,
    dry_run: bool,
) -> int:
    """Find the command that installs the project's dependencies where steps run, try it, and set
    orch.setup for this repository.
    """
    from git_orch.flow.attempt import setup_trial

    repository = here.find_repository()
    chosen = settings.of_user(repository)
    commit = ask.commit(repository.user_git, "HEAD")
    if commit is None:
        raise errors.UnfitRepository("there is no commit yet", "git commit")
    project = setup_trial.look(repository, commit)
    proposed = typed or chosen.setup or project.setup
    if only_print:
        if proposed is None:
            raise _nothing_proposed(project)
        console.out(proposed)
        return 0
    setup = Setup(proposed, network) if proposed is not None else None
    checks = _checks(repository, plan, check, project)
    request = setup_trial.Request(commit, setup, checks, chosen.setupTimeout, _report)
    if typed is None and checks and not setup_trial.is_needed(repository, request):
        console.out("nothing to set up: the tests find what they need")
        return 0
    if setup is None:
        raise _nothing_proposed(project)
    setup_trial.require_setup(repository, request)
    _store(repository, setup, dry_run=dry_run)
    return 0


def _checks(
    repository: Repository, plan: str | None, check: str | None, project: Project
) -> tuple[Check, ...]:
    """The checks to try: the one that was typed, those of the plan, or the project's own tests."""
    from git_orch.flow.attempt import setup_trial

    if check is not None:
        return (setup_trial.check(check),)
    if plan is not None:
        return _checks_of_plan(repository, plan)
    return (setup_trial.check(project.test),) if project.test is not None else ()


def _checks_of_plan(repository: Repository, plan: str) -> tuple[Check, ...]:
    from git_orch.flow.approval import approve
    from git_orch.repo.plan_place import PlanPlace

    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    life.require_steps(status)
    place = PlanPlace(repository, status.id)
    if not approve.is_users_own(place, status):
        raise errors.Refused(
            f"'{ids.short(status.id)}' has no approval on this machine: its checks may be somebody else's",
            f"git orch approve {status.id}",
        )
    return tuple(dict.fromkeys(check for step in status.plan.steps for check in step.checks))


def _report(what: str, tried: Tried) -> None:
    style = "green" if tried.passed else "red"
    lacked = f": {tried.lacked.value}" if tried.lacked is not None else ""
    words = console.Styled(tried.words, style)
    console.out(f"{what}  ", tried.command, ": ", words, f" in {tried.seconds:.1f} s{lacked}")


def _nothing_proposed(project: Project) -> errors.StepFailed:
    fills = [part for part in project.parts if part.fill is not None]
    if fills:
        return errors.StepFailed(
            f"{sentences.quoted(fills[0].file)} has its dependencies "
            "in a cache of yours, which steps see",
            f"{fills[0].fill}  # fills it",
        )
    return errors.StepFailed(
        "no file here says how its dependencies are installed", "git orch setup --command COMMAND"
    )


def _store(repository: Repository, setup: Setup, *, dry_run: bool) -> None:
    from git_orch.repo.local import setup_approvals

    if dry_run:
        console.out(f"would set orch.setup = {setup.command}")
        return
    if settings.of_user(repository).setup != setup.command:
        console.out(f"{settings.store(repository, 'setup', setup.command)} = {setup.command}")
    setup_approvals.write(repository, setup)
    console.out(f"approved for this repository{', with the network' if setup.network else ''}")
