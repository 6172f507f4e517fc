"""A plan's status for people."""

from __future__ import annotations

import time

from git_orch.plans import graph, ids, sentences
from git_orch.plans.history.status import (
    SATISFIED,
    CheckResult,
    Landed,
    PlanState,
    Status,
    StepState,
    StepStatus,
)
from git_orch.plans.plan import Step
from git_orch.views.console import Part, Styled, indented

_STATE_STYLES = {
    StepState.DONE: "green", StepState.UPSTREAM: "green", StepState.FAILED: "red", StepState.UNVERIFIED: "yellow",
    StepState.CLAIMED: "yellow", StepState.REVERTED: "yellow", StepState.PENDING: "dim",
}  # fmt: skip

Line = tuple[Part, ...]

_LINES_SHOWN = 10  # of a failed check's output; the log has more, and a local file the whole


def headline(status: Status, *, running: bool) -> Line:
    """One line: ID, state, how far it is, what it has cost, its title."""
    return (
        Styled(ids.short(status.id), "bold"),
        f"  {state_word(status, running=running):<12} {_progress(status):>7}  {sentences.usd(status.usd()):>8}  ",
        status.plan.title,
        f"  ({_landed_on(status.landed)})" if status.landed is not None else "",
        "  (archived)" if status.archived is not None else "",
    )


def _landed_on(landed: Landed) -> str:
    where = (
        f"merged into {landed.branch()} by somebody,"
        if landed.mode == "found"
        else f"landed on {landed.branch()}"
    )
    return f"{where} as {landed.new[:10]}"


def landed_lines(status: Status) -> list[Line]:
    """Where the plan went, and whether its branch has gone on since."""
    landed = status.landed
    if landed is None:
        return []
    tip = status.branch.tip if status.branch is not None else landed.tip
    since = "; the plan branch has moved on since" if tip != landed.tip else ""
    return [(f"home     {_landed_on(landed)}{since}",)]


def tip_lines(status: Status) -> list[Line]:
    """The checks that fail on what all steps made together."""
    told: list[Line] = []
    for failure in status.tip_failures():
        numbers = [str(each.number) for each in status.steps if each.step.id == failure.step]
        whose = f" of step {numbers[0]}" if numbers else ""
        told.append(
            (Styled("tip      ", "red"), f"check{whose} fails: ", indented(failure.command, 9))
        )
    return told


def moved_lines(status: Status) -> list[Line]:
    """That the user moved the branch away from where git-orch left it, and how to go back."""
    known, branch = status.known_tip, status.branch if status.archived is None else None
    if (
        known is None
        or branch is None
        or known in {branch.tip, *(commit.oid for commit in branch.commits)}
    ):
        return []
    return [
        (
            Styled("moved    ", "yellow"),
            f"the branch was moved away from {known[:10]} since git-orch saw it last",
        ),
        (f"         to go back: git branch -f orch/{status.id} {known[:12]}",),
    ]


def state_word(status: Status, *, running: bool) -> str:
    """The plan's state as people read it: an EXECUTING plan that nobody runs is interrupted or
    waits to go on.
    """
    if running:
        return "running"
    if status.state is PlanState.EXECUTING and (status.open_run is not None or status.interrupted):
        return "INTERRUPTED"
    if status.branch is None and status.archived is None:
        return "NO BRANCH"
    return status.state.value


def _progress(status: Status) -> str:
    done = sum(1 for each in status.steps if each.state in SATISFIED)
    return f"{done}/{len(status.steps)}"


def details(status: Status, *, running: bool) -> list[Line]:
    """The whole plan: headline, base and branch, each step with its checks, what to do next."""
    lines: list[Line] = [(Styled(status.id, "bold"), f"  {state_word(status, running=running)}")]
    lines.append((status.plan.title,))
    if status.plan.objective != status.plan.title:
        lines += [("  ", line) for line in status.plan.objective.splitlines()]
    lines.append(("",))
    lines.append((f"base     {_base(status)}",))
    lines.append((f"branch   orch/{status.id}{_branch_note(status)}",))
    lines += landed_lines(status)
    if status.estimate is not None:
        lines.append(
            (
                f"cost     {sentences.usd(status.usd())} of an estimated {sentences.usd(status.estimate.likely())}",
            )
        )
    if status.plan.missing:
        lines.append((Styled(f"missing  {', '.join(status.plan.missing)}", "yellow"),))
    lines.append(("",))
    lines += step_lines(status)
    lines += tip_lines(status)
    lines += moved_lines(status)
    if status.damaged:
        lines.append(
            (
                Styled(
                    f"{sentences.count(status.damaged, 'line')} of the log cannot be read", "yellow"
                ),
            )
        )
    return [*lines, ("",), next_command(status, running=running)]


def _branch_note(status: Status) -> str:
    if status.archived is not None:
        return " (archived)"
    if status.merged:
        return " (deleted, and part of its base branch)"
    return "" if status.branch is not None else " (deleted)"


def _base(status: Status) -> str:
    name = status.base.ref.removeprefix("refs/heads/") if status.base.ref else "a commit"
    logged, now = status.base.commit, status.base.commit
    if status.branch is not None and status.branch.commits:
        now = status.branch.base
    notes = " (with uncommitted files)" if status.base.snapshot else ""
    if now != logged:
        notes += f" (made on {logged[:10] if logged else 'nothing'}, rebased since)"
    return f"{name} at {now[:10] if now else 'nothing yet'}{notes}"


def step_lines(status: Status) -> list[Line]:
    """Every step with its state, commit and checks."""
    return [line for each in status.steps for line in _step_lines(status, each)]


def _step_lines(status: Status, each: StepStatus) -> list[Line]:
    needs = ", ".join(str(status.plan.position(other)) for other in each.step.depends_on)
    after = f" after {needs}" if needs else ""
    commit = each.commit.oid[:10] if each.commit is not None else ""
    lines: list[Line] = [
        (
            f"{each.number:3}  ",
            Styled(f"{each.state.value:<10}", _STATE_STYLES[each.state]),
            f" {commit:<10}  {each.step.title} [{each.step.kind}]{after}{_asks(each.step)}",
        )
    ]
    lines += [("       check ", indented(check.command.text(), 13)) for check in each.step.checks]
    if each.commit is not None and each.attempt is not None:
        lines += [
            (Styled("       needs review: ", "yellow"), reason) for reason in each.attempt.review
        ]
    if each.state is StepState.FAILED and each.attempt is not None and each.attempt.error:
        lines.append((Styled("       failed: ", "red"), indented(_ends_of(each.attempt.error), 9)))
        words = [check_output(result) for result in each.attempt.checks]
        lines += [(Styled("         " + indented(text, 9), "dim"),) for text in words if text]
    return lines


def _ends_of(error: str) -> str:
    """What failed, and the last lines of what it printed; `show --attempts` has more of them."""
    what, *output = error.split("\n")
    left_out = ["..."] if len(output) > _LINES_SHOWN else []
    return "\n".join([what, *left_out, *output[-_LINES_SHOWN:]])


def _asks(step: Step) -> str:
    return "  asks for the network" if step.network else ""


def check_output(result: CheckResult) -> str:
    """What a check printed, where people need it: the last lines of a failed one, and what any of
    them changed.
    """
    lines = result.output.splitlines()
    if not result.passed:
        return "\n".join(lines[-_LINES_SHOWN:])
    return "\n".join(line for line in lines[-1:] if line.startswith("[the check changed "))


def task_lines(status: Status) -> list[Line]:
    """What each step is going to do: its command, its files, what a model or a person is asked."""
    lines: list[Line] = []
    for each in status.steps:
        lines.append(
            (
                Styled(f"step {each.number} {each.step.title}", "bold"),
                f" [{each.step.kind}]{_asks(each.step)}",
            )
        )
        if each.step.command is not None:
            lines.append(("  run    ", indented(each.step.command.text(), 9)))
        for path, content in each.step.files.items():
            lines.append(("  write  " if content is not None else "  delete ", path))
        if each.step.prompt:
            lines.append(("  asked  ", indented(each.step.prompt.rstrip(), 9)))
        lines += [("  check  ", indented(check.command.text(), 9)) for check in each.step.checks]
    return lines


def next_command(status: Status, *, running: bool) -> Line:
    """What to type next."""
    return (f"next: {_next(status, running=running)}",)


def _next(status: Status, *, running: bool) -> str:
    name = ids.short(status.id)
    if running:
        return f"git orch wait {name}"
    if status.incomplete:
        return "git fsck  # a part of the log cannot be read: what is shown may be wrong"
    if status.state is PlanState.REJECTED:
        return f"git orch edit {name}  # which brings it back"
    if status.archived is not None:
        return f"git orch unarchive {name}  # brings it back"
    if status.branch is None:
        return _without_branch(status)
    return _with_steps(status)


def _without_branch(status: Status) -> str:
    if any(move.old is None for move in status.pending_moves):
        return (
            f"git orch exec {ids.short(status.id)}  # makes the branch, which was about to be made"
        )
    return f"git branch orch/{status.id} {status.known_tip or status.base.commit or 'HEAD'}"


def _with_steps(status: Status) -> str:
    name = ids.short(status.id)
    claimed = next((each for each in status.steps if each.state is StepState.CLAIMED), None)
    if claimed is not None:
        return f"git orch verify {name} --accept {claimed.number}"
    if awaits_person(status) is not None:
        return f"git orch done {name}  # when the work is there; git orch exec {name} says where"
    if (
        any(each.state is StepState.UNVERIFIED for each in status.steps)
        and status.state is PlanState.COMPLETE
    ):
        return f"git orch verify {name} --record  # steps were changed since their checks passed"
    if (
        status.state is PlanState.COMPLETE
        and status.landed is None
        and status.failed_on_earlier_tip()
    ):
        return f"git orch verify {name} --tip --record  # checks failed on an earlier tip"
    if status.state is PlanState.COMPLETE:
        after = (
            f"a look: git log --oneline orch/{status.id}"
            if status.landed is None
            else "which archives it"
        )
        return f"git orch land {name}  # {after}"
    return _goes_on_with(status)


def _goes_on_with(status: Status) -> str:
    """The command that runs what is missing; where each step is done and what they made together
    fails, an edit.
    """
    name = ids.short(status.id)
    if status.tip_failures() and status.satisfied() >= {each.step.id for each in status.steps}:
        return f"git orch edit {name}  # add a step that repairs it"
    return f"git orch exec {name}"


def awaits_person(status: Status) -> Step | None:
    """The manual step that is next, when nothing else can go on."""
    ready = graph.ready_steps(status.plan, status.satisfied())
    return ready[0] if ready and all(step.kind == "manual" for step in ready) else None


def attempts(status: Status) -> list[Line]:
    """Every attempt at every step: when, how it ended, the commit to look at, all that failed
    checks have printed.
    """
    lines: list[Line] = []
    for each in status.attempts:
        number = next((one.number for one in status.steps if one.step.id == each.step), None)
        commit = each.commit[:10] if each.commit else "-"
        lines.append(
            (
                f"{when(each.event)}  step {number or each.step}  ",
                Styled(f"{each.outcome:<11}", "green" if each.outcome == "landed" else "red"),
                f" {commit:<10}  {indented(each.error or '', 4)}",
            )
        )
        outputs = [result.output.strip("\n") for result in each.checks if not result.passed]
        lines += [(Styled("    " + indented(text, 4), "dim"),) for text in outputs if text]
    return lines


def when(event_id: str) -> str:
    """The time in an event's ID, in UTC."""
    moment = time.gmtime(ids.ulid_ms(event_id) / 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
