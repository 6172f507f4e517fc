"""git orch exec: run the steps that are not done."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from git_orch import errors, notices
from git_orch.agents import tool_definitions
from git_orch.cli import exported, here, reading, words
from git_orch.flow.branch import opening
from git_orch.plans import durations, graph, hosts, ids, plan_document, selection, sentences
from git_orch.plans.history import life
from git_orch.plans.history.status import SATISFIED, Status, StepState
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.views import answer, console

if TYPE_CHECKING:
    from git_orch.flow.model.service import Service
    from git_orch.flow.run.execute import Summary
    from git_orch.flow.run.options import Options
    from git_orch.plans.plan import Step
    from git_orch.repo.settings import Settings

# Options that go with --in-place: there is one checkout, and a failed step's files stay in it.
_IN_PLACE = frozenset(
    {
        "in_place", "approved", "estimate_only", "dry_run", "dry_run_step", "debug_step", "steps",
        "skip_steps", "from_step", "force", "tools", "agent", "model", "max_usd", "max_step_usd",
        "strict", "no_cache", "no_tip_checks", "wait_limits", "record", "replay", "remarks", "detach",
        "stream", "progress", "quiet", "as_json",
    }
)  # fmt: skip
_LAST_TRACE = "last"
_TRACE = re.compile(r".*/.*|.*\.jsonl|last|[0-9A-HJKMNP-TV-Z]{26}")  # of --replay
_MOST_JOBS = 63  # worktrees that a run may take, but for the one where results are verified


class Typed(NamedTuple):
    """The options of `git orch exec PLAN` as typed."""

    estimate_only: bool
    dry_run: bool
    dry_run_step: int | None
    debug_step: int | None
    steps: str | None
    skip_steps: str | None
    from_step: int | None
    force: bool
    jobs: int
    keep_going: bool
    tools: str
    agent: str | None
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
    approved: bool
    wait_limits: float | None
    record: bool
    replay: str | None
    remarks: tuple[str, ...]
    detach: bool
    stream: bool
    progress: bool | None
    quiet: bool
    as_json: bool


class _Exec(click.Command):
    """Keeps what was typed, for a run in the background."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[__name__] = tuple(args)
        spelled = words.with_default(args, "--wait-limits", durations.WAIT, durations.FORM)
        spelled = words.with_default(spelled, "--replay", _LAST_TRACE, _TRACE)
        return super().parse_args(ctx, spelled)


def _streaming(_context: click.Context, _option: click.Parameter, value: bool) -> bool:  # noqa: FBT001  # so click calls it
    """See to it that a --stream which is the value of another option does not count."""
    asked = answer.current()
    if not value and asked is not None:
        asked.stream = None
    return value


@click.command("exec", cls=_Exec)
@here.plan_argument
@click.option(
    "--estimate-only", is_flag=True, help="Print the estimated cost of the steps; run nothing."
)
@click.option("--dry-run", is_flag=True, help="Print the steps that would run; change nothing.")
@click.option("--dry-run-step", type=int, metavar="N", help="Print step N alone in the same way.")
@click.option(
    "--debug-step", type=int, metavar="N", help="Print the prompt that the model of step N gets."
)
@click.option("--steps", metavar="LIST", help="Run only these steps: 2, or 1,3-5.")
@click.option(
    "--skip-steps", metavar="LIST", help="Leave out these steps, and those that need them."
)
@click.option("--from-step", type=int, metavar="N", help="Run step N and the steps after it.")
@click.option(
    "--force", is_flag=True, help="Run them also where a step that they need is left out."
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, _MOST_JOBS),
    default=1,
    metavar="N",
    help="Run at most N steps at the same time.",
)
@click.option(
    "-k",
    "--keep-going",
    is_flag=True,
    help="After a failure go on with the steps that do not need the failed one.",
)
@click.option(
    "--tool",
    "tools",
    default="all",
    metavar="LIST",
    help="The tools of a model: none, read, write, command, all.",
)
@here.agent_option
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
    help="Seconds before the first further attempt, at most 600; doubles each time.",
)
@click.option(
    "--retry-model", metavar="MODEL", help="The model for further attempts (orch.retryModel)."
)
@here.budget_option
@here.step_budget_option
@here.price_unknown_option
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
    "--no-cache", is_flag=True, help="Also run checks on trees that have passed them before."
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
    "--approved", is_flag=True, help="Run only a plan that git orch approve has approved."
)
@click.option("--no-tip-checks", is_flag=True, help="Do not run all checks once more at the end.")
@here.wait_limits_option
@click.option(
    "--trace",
    "--record",
    "record",
    is_flag=True,
    help="Write each request to a model and its reply into a local file (git orch trace).",
)
@click.option(
    "--replay",
    metavar="[TRACE]",
    help="Take the replies from a trace, of the last run by default: no model, no network.",
)
@here.message_option("Add this text for the next step's model; another -m is another paragraph.")
@click.option(
    "--detach", is_flag=True, help="Run in the background; see git orch wait, stop and status."
)
@click.option(
    "--stream",
    is_flag=True,
    is_eager=True,
    callback=_streaming,
    help="Print each event of the run as a line of JSON, and the answer of --json as the last.",
)
@here.progress_option
@here.quiet_option
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
        pick.settle(plan, "abort" if unfinished == "abort" else "continue")
        return 0
    typed["as_json"] = typed["as_json"] or typed["stream"]
    options_typed = Typed(**typed)
    if no_git:
        _refuse_with("--no-git", "no_git", "source")
        return _without_git(plan, source)
    if source is not None:
        raise errors.UsageError("--from is for runs without git", "git orch plan --from FILE")
    _refuse_unfit(options_typed)
    allowed = tool_definitions.permissions(options_typed.tools)
    repository = here.find_repository()
    plan_id = reading.plan_id(repository, plan)
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan_id)
    life.require_steps(status)
    _debugged(status, options_typed.debug_step)
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
    if options_typed.steps is not None and not options_typed.force:
        from git_orch.flow.run import preconditions

        preconditions.refuse_unreachable(status, chosen)
    if options_typed.detach:
        place = PlanPlace(repository, plan_id)
        return _detach(place, named=plan is not None, as_json=options_typed.as_json)
    return _run(repository, status, options_typed, chosen, left_out)


def _refuse_unfit(given: Typed) -> None:
    """Raises UsageError for options that exclude each other."""
    if given.stream and given.detach:
        raise errors.UsageError("--stream does not go with --detach", "git orch exec -h")
    if given.record and given.replay is not None:
        raise errors.UsageError("--record does not go with --replay", "git orch exec -h")
    if given.in_place:
        _refuse_with("--in-place", *_IN_PLACE)


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
    """The IDs of the steps that the run is about; None for all. Raises UsageError."""
    if given.force and (given.steps, given.skip_steps, given.from_step) == (None, None, None):
        raise errors.UsageError(
            "--force goes with --steps, --skip-steps or --from-step", "git orch exec -h"
        )
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
    need one of these, which --force runs.
    """
    if chosen is None or (given.skip_steps is None and given.from_step is None):
        return frozenset()
    satisfied = status.satisfied_steps()
    among = status.step_ids
    if given.steps is not None:
        numbers = selection.numbers(given.steps, len(status.steps))
        among = frozenset(status.steps[number - 1].id for number in numbers)
    named = {step.id for step in status.steps} & among - chosen - satisfied
    if given.force:
        return frozenset(named)
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
    from git_orch.repo import settings

    preferred = settings.of_user(repository)
    options = _options(given, chosen, preferred, left_out)
    left = [step.step for step in status.steps if step.state not in SATISFIED]
    with_model = any(
        options.asks_model(step) and (chosen is None or step.id in chosen) for step in left
    )
    if given.replay is not None:
        _refuse_programs(options, left, chosen)
    elif with_model:
        from git_orch.agents import messages

        messages.start_import()  # before our own imports: git's work hides a part of it
    from git_orch.flow.model import service as models
    from git_orch.flow.model import tapes
    from git_orch.flow.planning import validate
    from git_orch.flow.reports import Note
    from git_orch.flow.run import background, execute, remarks
    from git_orch.repo.local import keep_days, runs
    from git_orch.repo.log import durations as durations_before
    from git_orch.views import watching

    validate.refuse_invalid(repository, status)
    options = replace(
        options,
        debug_step=_debugged(status, given.debug_step),
        remarks=remarks.of_run(status, given.remarks, chosen, named=given.steps is not None),
    )
    with contextlib.ExitStack() as stack:
        longest = preferred.waitLimits if given.wait_limits is None else given.wait_limits
        place = PlanPlace(repository, status.id)
        service: Service | None = None
        if with_model and given.replay is not None:
            table = models.price_table(preferred)
            service = models.played(preferred, tapes.player(place, given.replay, table))
        elif with_model:
            table = models.price_table(preferred)
            recorder = stack.enter_context(tapes.recorder(place, table)) if given.record else None
            service = stack.enter_context(models.service(preferred, longest, recorder))
        watcher = stack.enter_context(
            watching.watch(
                jobs=given.jobs,
                quiet=given.quiet,
                progress=given.progress,
                expected=lambda: durations_before.expected(repository, status),
            )
        )
        asked = answer.current()
        if asked is not None and asked.stream is not None:
            from git_orch.views.events import EventReporter

            watcher = EventReporter(asked.stream, watcher)
        reporter = background.Announced(watcher, lambda: runs.record_at_work(plan.place))
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
    log = exported.new_log(status, after)
    if log is not None:
        exported.write_new_log(repository, after, log, is_told=not given.as_json)
    conclude(repository, after, summary, options.model, as_json=given.as_json)
    return summary.exit_code


def _refuse_programs(options: Options, left: Sequence[Step], chosen: frozenset[str] | None) -> None:
    """Raises UsageError where another agent's program would do a step: it asks its own model."""
    for step in left:
        if options.agent_of(step) and (chosen is None or step.id in chosen):
            raise errors.UsageError(
                f"a program does the step '{step.title}': it has no trace to be replayed",
                "git orch exec --agent git-orch",
            )


def _options(
    given: Typed, chosen: frozenset[str] | None, preferred: Settings, left_out: frozenset[str]
) -> Options:
    from git_orch.flow.run.options import Options

    return Options(
        agent=here.agent(given.agent, preferred),
        model=given.model or preferred.model,
        tools=tool_definitions.permissions(given.tools),
        max_usd=given.max_usd,
        max_step_usd=given.max_step_usd,
        chosen=chosen,
        left_out=left_out,
        force=given.force,
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
        approved=given.approved,
    )


def _debugged(status: Status, number: int | None) -> str | None:
    """The ID of the step whose prompt is printed. Raises UsageError for one that has none."""
    if number is None:
        return None
    step = life.numbered_step(status, number)
    if step.step.kind != "agent":
        raise errors.UsageError(
            f"step {number} needs no model: it is a {step.step.kind} step",
            f"git orch show {ids.short(status.id)}",
        )
    return step.id


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
        asks = f"  {hosts.asking(step.step.network)}" if step.step.network else ""
        console.out(f"step {step.number} {step.title} [{step.kind}]{asks}")
        if step.step.command is not None:
            console.out("  run   ", console.indented(step.step.command.text(), 8))
        for verb, what in step.step.deeds:
            console.out(f"  {verb:<5} ", what)
        if step.kind == "agent":
            console.out(f"  model may use: {', '.join(sorted(allowed)) or 'no tool'}")
        for check in step.step.checks:
            console.out("  check ", console.indented(check.command.text(), 8))
        for review in step.step.reviews:
            console.out("  review ", console.indented(review.criteria.strip(), 9))


def conclude(
    repository: Repository,
    status: Status,
    summary: Summary,
    model: str | None = None,
    *,
    as_json: bool = False,
) -> None:
    """Say how a run ended and what to type next. `model` is that of steps that name none; None
    where a person did the work.
    """
    from git_orch.views import by_hand, documents, report, run_summary

    # A run that began no step has made no call.
    before = summary.paid_before
    calls = [call for call in status.calls if summary.tried and call.id not in before]
    estimate = _estimate(repository, status, summary, model) if model is not None else 0.0
    spent = run_summary.money(calls, estimate)
    stopped = any(status.steps[number - 1].state is StepState.STOPPED for number in summary.failed)
    if as_json and stopped:  # its way on is in the hint
        _print_failure(status, summary)
    if as_json:
        more = {
            "summary": run_summary.document(status, summary, spent),
            **documents.log_documents(status),
        }
        ways = report.commands_on(status, summary.failed) if summary.failed else ()
        here.print_plan(repository, status, more=more, ways=ways)
    else:
        console.out_lines((line,) for line in run_summary.lines(status, summary, spent))
        _print_left_out(status, status.skipped - status.satisfied_steps())
    if not (as_json and stopped):
        _print_failure(status, summary)
    if not as_json:
        work = by_hand.of_plan(repository, status.id)
        console.out_lines(
            report.ways_on(status, summary.failed, work.next if work is not None else None)
        )


def _estimate(repository: Repository, status: Status, summary: Summary, model: str) -> float:
    """What the steps that a run has tried were to cost, in USD."""
    tried = [status.steps[number - 1] for number in summary.tried]
    if not any(step.step.asks_model for step in tried):
        return 0.0
    from git_orch.cli import cost

    return cost.estimate_of_steps(repository, status, frozenset(step.id for step in tried), model)


def _print_failure(status: Status, summary: Summary) -> None:
    name = ids.short(status.id)
    if summary.failed:
        cause = (summary.error or "").split("\n")[0]  # the whole of it was shown when it happened
        stopped = status.steps[summary.failed[0] - 1].state is StepState.STOPPED
        console.failure(
            f"step {summary.failed[0]} {'stopped' if stopped else 'failed'}: {cause}",
            summary.hint or f"git orch show {name} --attempts",
        )
    elif summary.outcome == "review":
        reviewed = sentences.steps(summary.review)
        console.failure(f"needs a review: {reviewed}", f"git orch diff {name} {summary.review[-1]}")
