"""git orch exec: run the steps that are not done."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource
from click.types import FloatParamType

from git_orch import errors, notices
from git_orch.agents import tool_definitions
from git_orch.cli import here, words
from git_orch.flow.branch import opening
from git_orch.plans import durations, graph, ids, plan_document, selection, sentences
from git_orch.plans.history.status import SATISFIED, Status
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.run.execute import Summary
    from git_orch.flow.run.options import Options
    from git_orch.repo.settings import Settings

# Options that go with --in-place: there is one checkout, and a failed step's files stay in it.
_IN_PLACE = frozenset(
    {
        "in_place", "estimate_only", "dry_run", "dry_run_step", "steps", "skip_steps", "from_step",
        "tools", "model", "max_usd", "max_step_usd", "strict", "no_cache", "no_tip_checks",
        "wait_limits", "detach", "as_json",
    }
)  # fmt: skip
_MOST_JOBS = 63  # worktrees that a run may take, but for the one where results are verified


class Typed(NamedTuple):
    """The options of `git orch exec PLAN` as typed."""

    estimate_only: bool
    dry_run: bool
    dry_run_step: int | None
    steps: str | None
    skip_steps: str | None
    from_step: int | None
    jobs: int
    keep_going: bool
    tools: str
    model: str | None
    retries: int | None
    backoff: float
    retry_model: str | None
    max_usd: float | None
    max_step_usd: float | None
    strict: bool
    roll_back: bool
    no_cache: bool
    no_tip_checks: bool
    in_place: bool
    wait_limits: float | None
    detach: bool
    as_json: bool


class _Span(FloatParamType):
    """A span of time such as 90m, in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        span = durations.seconds(value) if isinstance(value, str) else None
        if span is None or span > durations.LONGEST_WAIT:
            self.fail(f"'{value}' is not a time such as 90m or 6h, at most 7d", param, ctx)
        return span


class _Exec(click.Command):
    """Keeps what was typed, for a run in the background."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[__name__] = tuple(args)
        spelled = words.with_default(args, "--wait-limits", durations.WAIT, durations.FORM)
        return super().parse_args(ctx, spelled)


@click.command("exec", cls=_Exec)
@here.plan_argument
@click.option("--estimate-only", is_flag=True, help="Print what the steps may cost; run nothing.")
@click.option("--dry-run", is_flag=True, help="Say what would run; change nothing.")
@click.option("--dry-run-step", type=int, metavar="N", help="The same for step N alone.")
@click.option("--steps", metavar="LIST", help="Only these steps: 2, or 1,3-5.")
@click.option("--skip-steps", metavar="LIST", help="All but these steps.")
@click.option("--from-step", type=int, metavar="N", help="Step N and those after it.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, _MOST_JOBS),
    default=1,
    metavar="N",
    help="Steps at the same time.",
)
@click.option(
    "-k",
    "--keep-going",
    is_flag=True,
    help="After a failure go on with what does not need that step.",
)
@click.option(
    "--tool",
    "tools",
    default="all",
    metavar="LIST",
    help="What a model may use: none, read, write, command, all.",
)
@click.option("--model", metavar="MODEL", help="The model for steps that name none (orch.model).")
@click.option(
    "--retries",
    type=click.IntRange(0, 20),
    metavar="N",
    help="Further attempts after a failed one.",
)
@click.option(
    "--backoff",
    type=here.Amount(600),
    default=0.0,
    metavar="S",
    help="Seconds before the first, at most 600; doubles.",
)
@click.option(
    "--retry-model", metavar="MODEL", help="The model for further attempts (orch.retryModel)."
)
@here.budget_option
@here.step_budget_option
@click.option("--strict", is_flag=True, help="Stop after a step that needs a review.")
@click.option(
    "--rollback", "roll_back", is_flag=True, help="After a failure go back to where the run began."
)
@click.option(
    "--continue", "unfinished", flag_value="continue", help="The same as git orch pick --continue."
)
@click.option(
    "--abort", "unfinished", flag_value="abort", help="The same as git orch pick --abort."
)
@click.option(
    "--no-cache", is_flag=True, help="Run checks also on trees that have passed them before."
)
@click.option(
    "--in-place", is_flag=True, help="Work in your own checkout, which has the plan branch."
)
@click.option(
    "--no-git", is_flag=True, help="Work in this directory, and record nothing: no undo, no log."
)
@click.option(
    "--from", "source", metavar="FILE", help="With --no-git: the plan file; - for standard input."
)
@click.option(
    "--no-tip-checks", is_flag=True, help="Leave out the checks of all steps once more at the end."
)
@click.option(
    "--wait-limits",
    type=_Span(),
    metavar="[TIME]",
    help="Wait for limits of the provider that reset, 6h at most or TIME (orch.waitLimits).",
)
@click.option(
    "--detach", is_flag=True, help="Run in the background; see git orch wait, stop and status."
)
@here.json_option
def command(
    plan: str | None,
    *,
    unfinished: str | None,
    no_git: bool,
    source: str | None,
    **typed: Any,  # click has checked them
) -> int:
    """Run the steps that are not done; stop at the first failure. Run it again to go on."""
    if unfinished is not None:
        _refuse_with(f"--{unfinished}", "unfinished")
        from git_orch.cli import pick

        notices.tell(f"'git orch exec --{unfinished}' is 'git orch pick --{unfinished}' now")
        pick.settle(plan, abort=unfinished == "abort")
        return 0
    options_typed = Typed(**typed)
    if no_git:
        _refuse_with("--no-git", "no_git", "source")
        return _without_git(plan, source)
    if source is not None:
        raise errors.UsageError("--from is for runs without git", "git orch plan --from FILE")
    if options_typed.in_place:
        _refuse_with("--in-place", *_IN_PLACE)
    allowed = tool_definitions.permissions(options_typed.tools)
    repository = here.find_repository()
    plan_id = here.plan_id(repository, plan)
    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, plan_id)
    chosen = _chosen_steps(status, options_typed)
    left_out = _left_out(status, options_typed, chosen)
    if options_typed.dry_run or options_typed.dry_run_step is not None:
        runs = None if chosen is None else chosen - left_out
        _print_preview(status, allowed, runs, as_json=options_typed.as_json)
        if not options_typed.as_json:
            _print_left_out(status, left_out)
        return 0
    if options_typed.estimate_only:
        from git_orch.cli import cost

        cost.print_estimate_left(
            repository, status, options_typed.model, chosen, as_json=options_typed.as_json
        )
        return 0
    if options_typed.steps is not None:
        from git_orch.flow.run import preconditions

        preconditions.refuse_unreachable(status, chosen)
    if options_typed.detach:
        place = PlanPlace(repository, plan_id)
        return _detach(place, named=plan is not None, as_json=options_typed.as_json)
    return _run(repository, status, options_typed, chosen, left_out)


def _refuse_with(option: str, *allowed: str) -> None:
    """Raises UsageError when somebody typed an option that this one would leave without effect."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if typed and isinstance(parameter, click.Option) and name not in allowed:
            raise errors.UsageError(
                f"{max(parameter.opts, key=len)} does not go with {option}", "git orch exec -h"
            )


def _without_git(plan: str | None, source: str | None) -> int:
    """Do the steps of a plan file here, or those of a plan in the user's checkout; records nothing."""
    from git_orch.cli import without_git

    if (plan is None) == (source is None):
        raise errors.UsageError(
            "--no-git needs a plan, or a plan file", "git orch exec --no-git --from FILE"
        )
    return without_git.run_file(source) if source is not None else without_git.run_plan(plan or "")


def _detach(place: PlanPlace, *, named: bool, as_json: bool) -> int:
    """Start a process of its own for the run; it makes the same refusals as this one."""
    from git_orch.flow.run import background

    ours = ("--detach", "--json")
    typed = [word for word in click.get_current_context().meta[__name__] if word not in ours]
    started = background.start(place, typed if named else [*typed, place.id])
    name = ids.short(place.id)
    for line in started.output.splitlines():
        console.err(line)
    if started.exit_code is not None:
        return started.exit_code
    if as_json:
        here.print_json(
            {"plan": place.id, "pid": started.pid, "log": str(started.log)}, f"git orch wait {name}"
        )
        return 0
    console.out(
        f"{name} runs in the background as process {started.pid}; its output: {started.log}"
    )
    console.out(f"next: git orch wait {name}")
    return 0


def _chosen_steps(status: Status, given: Typed) -> frozenset[str] | None:
    """The IDs of the steps that the run is about; None for all."""
    count = len(status.steps)
    only = str(given.dry_run_step) if given.dry_run_step is not None else given.steps
    numbers = selection.run_selection(count, only, given.skip_steps, given.from_step)
    return (
        None
        if numbers is None
        else frozenset(status.steps[number - 1].step.id for number in numbers)
    )


def _left_out(status: Status, given: Typed, chosen: frozenset[str] | None) -> frozenset[str]:
    """The IDs of the steps, not done, that --skip-steps or --from-step leaves out, and of those that
    need one of these.
    """
    if chosen is None or (given.skip_steps is None and given.from_step is None):
        return frozenset()
    satisfied = status.satisfied_steps()
    among = status.step_ids
    if given.steps is not None:
        numbers = selection.numbers(given.steps, len(status.steps))
        among = frozenset(status.steps[number - 1].id for number in numbers)
    named = {step.id for step in status.steps} & among - chosen - satisfied
    return frozenset(named | (graph.needing(status.plan, named, satisfied) & among))


def _print_left_out(status: Status, left_out: frozenset[str]) -> None:
    numbers = [step.number for step in status.steps if step.id in left_out]
    if numbers:
        console.out(f"left out: {sentences.steps(numbers)}")


def _run(
    repository: Repository,
    status: Status,
    given: Typed,
    chosen: frozenset[str] | None,
    left_out: frozenset[str],
) -> int:
    left = [step.step for step in status.steps if step.state not in SATISFIED]
    with_model = any(
        step.kind == "agent" and (chosen is None or step.id in chosen) for step in left
    )
    if with_model:
        from git_orch.agents import messages

        messages.start_import()  # before our own imports: git's work hides a part of it
    from git_orch.flow.model import service as models
    from git_orch.flow.planning import validate
    from git_orch.flow.reports import Note
    from git_orch.flow.run import background, execute
    from git_orch.repo import settings
    from git_orch.repo.local import keep_days, runs
    from git_orch.views.progress import ConsoleReporter

    validate.refuse_invalid(repository, status)
    preferred = settings.of_user(repository)
    options = _options(given, chosen, preferred, left_out)
    with contextlib.ExitStack() as stack:
        longest = preferred.waitLimits if given.wait_limits is None else given.wait_limits
        service = stack.enter_context(models.service(preferred, longest)) if with_model else None
        console_reporter = ConsoleReporter(numbered=given.jobs > 1)
        reporter = background.Announced(console_reporter, lambda: runs.record_at_work(plan.place))
        place = PlanPlace(repository, status.id)
        plan = stack.enter_context(opening.open_for_writing(place, reporter))
        other = runs.cut_off_by(place)
        if other is not None:
            reporter.emit(
                Note(
                    f"the last run, of '{other}', was cut off; this one goes on where its last "
                    f"landed step ended, and files of its other steps stay with '{other}'"
                )
            )
        stack.enter_context(runs.record(plan.place))
        summary = execute.execute(plan, options, service)
        keep_days.tidy(repository, plan.objects, preferred.keepDays)
        after = plan.status()
        runs.record_end(plan.place, summary.exit_code)
    if given.as_json:
        here.print_plan(repository, after)
        _print_failure(after, summary)
    else:
        conclude(after, summary)
    return summary.exit_code


def _options(
    given: Typed, chosen: frozenset[str] | None, preferred: Settings, left_out: frozenset[str]
) -> Options:
    from git_orch.flow.run.options import Options

    return Options(
        model=given.model or preferred.model,
        tools=tool_definitions.permissions(given.tools),
        max_usd=given.max_usd,
        max_step_usd=given.max_step_usd,
        chosen=chosen,
        left_out=left_out,
        jobs=given.jobs,
        keep_going=given.keep_going,
        retries=given.retries,
        backoff=given.backoff,
        retry_model=given.retry_model or preferred.retryModel,
        strict=given.strict,
        roll_back=given.roll_back,
        use_cache=not given.no_cache,
        check_tip=not given.no_tip_checks,
        in_place=given.in_place,
    )


def _print_preview(
    status: Status, allowed: frozenset[str], chosen: frozenset[str] | None, *, as_json: bool
) -> None:
    waiting = [
        step
        for step in status.steps
        if step.state not in SATISFIED and (chosen is None or step.id in chosen)
    ]
    if as_json:
        here.print_json(
            [{"number": step.number, **plan_document.step_document(step.step)} for step in waiting]
        )
        return
    if not waiting:
        console.out("nothing to do")
    for step in waiting:
        asks = "  asks for the network" if step.step.network else ""
        console.out(f"step {step.number} {step.title} [{step.kind}]{asks}")
        if step.step.command is not None:
            console.out("  run   ", console.indented(step.step.command.text(), 8))
        for verb, what in step.step.deeds:
            console.out(f"  {verb:<5} ", what)
        if step.kind == "agent":
            console.out(f"  model may use: {', '.join(sorted(allowed)) or 'no tool'}")
        for check in step.step.checks:
            console.out("  check ", console.indented(check.command.text(), 8))


def conclude(status: Status, summary: Summary) -> None:
    """Say how a run ended and what to type next."""
    from git_orch.views import report

    done = sum(1 for step in status.steps if step.state in SATISFIED)
    expected = status.estimate.likely() if status.estimate is not None else 0.0
    cost = (
        f", {sentences.usd(status.usd())} (estimated {sentences.usd(expected)})"
        if status.usd() or expected
        else ""
    )
    console.out(
        f"{ids.short(status.id)} {report.state_word(status, running=False)}: "
        f"{done}/{len(status.steps)} steps done, "
        f"{len(summary.landed)} in this run ({summary.seconds:.1f} s){cost}"
    )
    for what, numbers in (("failed", summary.failed), ("not started", summary.blocked)):
        if summary.failed and numbers:
            console.out(f"{what}: {sentences.steps(numbers)}")
    _print_left_out(status, status.skipped - status.satisfied_steps())
    _print_failure(status, summary)
    console.out_lines(report.ways_on(status, [*summary.failed]))


def _print_failure(status: Status, summary: Summary) -> None:
    name = ids.short(status.id)
    if summary.failed:
        cause = (summary.error or "").split("\n")[0]  # the whole of it was shown when it happened
        console.failure(
            f"step {summary.failed[0]} failed: {cause}",
            summary.hint or f"git orch show {name} --attempts",
        )
    elif summary.outcome == "review":
        reviewed = sentences.steps(summary.review)
        console.failure(f"needs a review: {reviewed}", f"git orch diff {name} {summary.review[-1]}")
