"""A plan's status for people."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from git_orch.plans import hosts, ids, sentences
from git_orch.plans.history.persons_turn import persons_turn
from git_orch.plans.history.status import (
    SATISFIED,
    Attempt,
    CheckResult,
    Landing,
    Noted,
    PlanState,
    Status,
    StepState,
    StepStatus,
)
from git_orch.plans.money import used_up
from git_orch.plans.plan import Check, FileContent, Pointer, Review, Spec, Step
from git_orch.plans.waits import Wait
from git_orch.views import comments as comment_views
from git_orch.views import headlines, plan_diff
from git_orch.views import requirements as requirement_views
from git_orch.views.console import Styled, excerpts, indented
from git_orch.views.headlines import ByHand, Line, Summary, Whole

if TYPE_CHECKING:
    from git_orch.repo.log.upstream import GoneBase

STATE_STYLES = {
    StepState.DONE: "green", StepState.UPSTREAM: "green", StepState.FAILED: "red",
    StepState.ASKED: "yellow", StepState.STOPPED: "yellow",
    StepState.UNVERIFIED: "yellow", StepState.CLAIMED: "yellow", StepState.REVERTED: "yellow", StepState.PENDING: "dim",
    StepState.SKIPPED: "dim",
}  # fmt: skip

_NOTES_SHOWN = 8
_LOGS_SHOWN = 4
_OWN_SHOWN = 5  # commits of a person
_LONGEST_WHY = 160  # characters
_HEAD = 5  # lines of a file that a step writes
_LINES_SHOWN = 10  # of a failed check's output; the log has more, and a local file the whole


def headline(status: Status, *, running: bool) -> Line:
    """One line: ID, state, how far it is, what it has cost, its title."""
    return headlines.headline(summary(status), running=running)


def summary(status: Status) -> Summary:
    """The plan as one line of a list."""
    goes_on = status.is_open() or status.waits_to_land()
    return Summary(
        id=status.id,
        handle=ids.short(status.id),
        word=state_word(status, running=False),
        done=sum(1 for step in status.steps if step.state in SATISFIED),
        steps=len(status.steps),
        spent=sentences.usd(status.usd()),
        title=_one_line(status.plan.title),
        home=_home_words(status),
        archived=status.archived is not None,
        is_open=status.is_open(),
        next=following(status, running=False) if goes_on else None,
        state=status.state.value,
        usd=round(float(status.usd()), 9),
        why=why(status) if status.is_open() else None,
        with_requirements=bool(status.plan.requirements),
    )


def why(status: Status) -> str | None:
    """The failed step with its error, or the question, in one line; None where nothing stopped the
    plan.
    """
    stopped = (StepState.ASKED, StepState.FAILED, StepState.STOPPED)
    for step in status.steps:
        if step.state in stopped and step.attempt is not None:
            asks = step.state is StepState.ASKED
            reason = step.attempt.question if asks else step.attempt.error
            word = "asks" if asks else step.word
            return _one_line(f"step {step.number} {word}: {_first_line(reason)}")
    for failure in status.tip_failures():
        return _one_line(f"on the finished branch this check fails: {failure.command}")
    return None


def _first_line(text: str | None) -> str:
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "no reason")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_WHY else f"{line[: _LONGEST_WHY - 3]}..."


def whole(status: Status, gone: GoneBase | None = None) -> Whole:
    """The plan as `git orch status` shows it when it shows no other; `gone` is its base branch when
    that is not there.
    """
    lines = [*step_lines(status), *tip_lines(status)]
    lines += [*elsewhere_lines(status), *moved_lines(status), *blocker_lines(status)]
    lines += plan_diff.clash_lines(status)
    lines += comment_views.count_line(status) if status.is_open() else []
    lines += gone_base_lines(status, gone)
    return Whole(summary(status), tuple(map(excerpts, lines)), following(status, running=False))


def _home_words(status: Status) -> str | None:
    """Where the plan went, and whether this machine has seen its checks pass."""
    words = [_landing_words(status.landed)] if status.landed is not None else []
    words += ["not verified on this machine"] if _done_elsewhere(status) else []
    return "; ".join(words) or None


def _landing_words(landed: Landing) -> str:
    where = (
        f"merged into {landed.branch()} by somebody,"
        if landed.mode == "found"
        else f"landed on {landed.branch()}"
    )
    return f"{where} as {landed.new[:10]}"


def landing_lines(status: Status) -> list[Line]:
    """A line about the landing of the plan, and whether its branch has moved on since."""
    landed = status.landed
    if landed is None:
        return []
    tip = status.branch.tip if status.branch is not None else landed.tip
    since = "; the plan branch has moved on since" if tip != landed.tip else ""
    return [(f"home     {_landing_words(landed)}{since}",)]


def tip_lines(status: Status) -> list[Line]:
    """The checks that fail on the tip, the result of all steps."""
    lines: list[Line] = []
    numbers = {step.id: step.number for step in status.steps}
    for failure in status.tip_failures():
        whose = f" of step {numbers[failure.step]}" if failure.step in numbers else ""
        lines.append(
            (Styled("tip      ", "red"), f"check{whose} fails: ", indented(failure.command, 9))
        )
    return lines


def elsewhere_lines(status: Status) -> list[Line]:
    """That the tip holds what no check has seen on this machine."""
    if not status.tip_unverified_here or status.unverified_here:
        return []
    return [(Styled("tip      ", "yellow"), "has commits that were not verified on this machine")]


def moved_lines(status: Status) -> list[Line]:
    """A warning that the branch has left the tip of git-orch's last look, and the way back."""
    tip, branch = status.known_tip, status.branch
    if tip is None or branch is None or status.archived is not None:
        return []
    if tip in {branch.tip, *(commit.oid for commit in branch.commits)}:
        return []
    return [
        (
            Styled("moved    ", "yellow"),
            f"the branch was moved away from {tip[:10]} since git-orch saw it last",
        ),
        (f"         to go back: git branch -f orch/{status.id} {tip[:12]}",),
    ]


def gone_base_lines(status: Status, gone: GoneBase | None) -> list[Line]:
    """A warning that the base branch is not there any more, and what has the plan follow another."""
    if gone is None:
        return []
    old, new = (name.removeprefix("refs/heads/") for name in (gone.ref, gone.renamed or "BRANCH"))
    fate = f"was renamed to {sentences.quoted(new)}" if gone.renamed else "is not there any more"
    follow = f"git orch rebase {ids.short(status.id)} --onto {shlex.quote(new)}"
    return [
        (Styled("base     ", "yellow"), f"{sentences.quoted(old)} {fate}"),
        (f"         to follow it: {follow}" if gone.renamed else f"         else: {follow}",),
    ]


def state_word(status: Status, *, running: bool) -> str:
    """The plan's state in one word for people; an EXECUTING plan that nobody runs may be
    interrupted.
    """
    if running:
        return "running"
    if status.state is PlanState.EXECUTING and (status.open_run is not None or status.interrupted):
        return "INTERRUPTED"
    if status.is_idea:
        return status.state.value
    if status.branch is None and status.archived is None:
        return "NO BRANCH"
    if status.state is PlanState.COMPLETE and _done_elsewhere(status):
        return "UNVERIFIED"
    asks = any(step.state is StepState.ASKED for step in status.steps)
    if asks and status.state is PlanState.EXECUTING:
        return "ASKED"
    if status.state is PlanState.FAILED and not status.tip_failures():
        return _stopped_word(status) or status.state.value
    return status.state.value


def _stopped_word(status: Status) -> str | None:
    """What stopped a plan in which no step failed."""
    ended = [step for step in status.steps if step.state in (StepState.FAILED, StepState.STOPPED)]
    if not ended or any(step.state is StepState.FAILED for step in ended):
        return None
    last = max(ended, key=lambda step: step.attempt.event if step.attempt is not None else "")
    return last.word.upper()


def _done_elsewhere(status: Status) -> bool:
    """Whether a step is done by the log alone: no check of it has passed on this machine."""
    return any(
        step.state is StepState.DONE and step.step.id in status.unverified_here
        for step in status.steps
    )


def details(
    status: Status,
    *,
    running: bool,
    by_hand: ByHand | None = None,
    drifted: Sequence[Line] = (),
) -> list[Line]:
    """The whole plan: headline, base and branch, steps with their checks, the lines about
    requirements that `drifted`, the work of a person that waits, the next command.
    """
    lines: list[Line] = [(Styled(status.id, "bold"), f"  {state_word(status, running=running)}")]
    lines.append((status.plan.title,))
    if status.plan.objective != status.plan.title:
        lines.append(("  ", indented(status.plan.objective.rstrip("\n"), 2)))
    lines += document_lines(status)
    if status.plan.steps:
        lines.append(("",))
        lines.append((f"base     {_base(status)}",))
        lines.append((f"branch   orch/{status.id}{_branch_note(status)}",))
    lines += landing_lines(status)
    if status.estimate is not None:
        estimate = sentences.usd(status.estimate.likely())
        lines.append((f"cost     {sentences.usd(status.usd())} of an estimated {estimate}",))
    if status.plan.missing:
        lines.append((Styled(f"missing  {', '.join(status.plan.missing)}", "yellow"),))
    if status.steps:
        lines.append(("",))
    lines += step_lines(status)
    lines += tip_lines(status)
    lines += elsewhere_lines(status)
    lines += moved_lines(status)
    lines += drifted
    lines += log_lines(status)
    lines += noted_lines(status)
    lines += plan_diff.clash_lines(status)
    lines += comment_views.lines(status, most=_NOTES_SHOWN)
    if status.damaged:
        lines.append(
            (
                Styled(
                    f"{sentences.count(status.damaged, 'line')} of the log cannot be read", "yellow"
                ),
            )
        )
    lines = [excerpts(line) for line in lines]
    if by_hand is not None and not running:
        return [*lines, *by_hand.lines, ("",), (f"next: {by_hand.next}",)]
    return [*lines, ("",), next_command(status, running=running)]


def document_lines(status: Status) -> list[Line]:
    """The idea and the spec of a plan, and whom it belongs to."""
    lines: list[Line] = []
    spec = status.plan.spec or Spec()
    for name, text in (
        ("", status.plan.body),
        ("approach", spec.approach),
        ("design", spec.design),
    ):
        if text and text.strip():
            lines += [("",), *([(Styled(name, "bold"),)] if name else [])]
            lines.append(("  ", indented(text.strip("\n"), 2)))
    if spec.criteria:
        lines += [("",), (Styled("accepted when", "bold"),)]
        lines += [("  - ", line) for line in spec.criteria]
    lines += requirement_views.text_lines(status.plan)
    facts = [f"owner    {status.owner}"] if status.owner else []
    facts += [f"was      {', '.join(status.old_ids)}"] if status.old_ids else []
    return [*lines, ("",), *((fact,) for fact in facts)] if facts else lines


def log_lines(status: Status) -> list[Line]:
    """The last execution logs, the newest first."""
    from git_orch.plans.documents import execution_log  # which lists of plans need not load

    logs = execution_log.of(status.id, status.log.events)[::-1]
    lines: list[Line] = []
    for log in logs[:_LOGS_SHOWN]:
        lines.append(("         " if lines else "logs     ", f"{log.id}  {log.outcome}"))
    left = len(logs) - len(lines)
    return [*lines, (f"         and {left} older",)] if left else lines


def noted_lines(status: Status) -> list[Line]:
    """What people noted last about the plan."""
    return [_noted_line(status, noted) for noted in status.noted[-_NOTES_SHOWN:]]


def blocker_lines(status: Status) -> list[Line]:
    """What people say is in the way of the plan, while it is open."""
    if not status.is_open():
        return []
    blockers = [noted for noted in status.noted if noted.kind == "blocker"]
    return [_noted_line(status, noted) for noted in blockers[-_NOTES_SHOWN:]]


def _noted_line(status: Status, noted: Noted) -> Line:
    numbers = {step.id: step.number for step in status.steps}
    about = f"step {numbers[noted.step]}: " if noted.step in numbers else ""
    style = "yellow" if noted.kind == "blocker" else "dim"
    return (Styled(f"{noted.kind:<8} ", style), f"{about}{indented(noted.text, 9)}")


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
    lines: list[Line] = []
    for step in status.steps:
        lines += _step_lines(status, step)
    return [*lines, *_own_lines(status)]


def _own_lines(status: Status) -> list[Line]:
    """The newest commits on the branch that a person made for no step, and what takes them as one."""
    own = status.own_commits()
    shown = own[-_OWN_SHOWN:]
    lines: list[Line] = [
        ("     ", Styled("yours     ", "yellow"), f" {commit.oid[:10]:<10}  ", commit.subject)
        for commit in shown
    ]
    left = next((step for step in status.steps if step.state not in SATISFIED), None)
    if len(own) > len(shown):
        lines.insert(0, (f"     {len(own) - len(shown)} more commits of yours",))
    if own and left is not None and status.archived is None:
        named = f" {own[-1].oid[:10]}" if len(own) > 1 else ""
        again = f"git orch adopt {ids.short(status.id)} {left.number}{named}"
        lines.append((f"       to take it as step {left.number}: {again}",))
    return lines


def _step_lines(status: Status, now: StepStatus) -> list[Line]:
    step, attempt = now.step, now.attempt
    needs = ", ".join(str(status.plan.position(other)) for other in step.depends_on)
    after = f" after {needs}" if needs else ""
    commit = now.commit.oid[:10] if now.commit is not None else ""
    elsewhere = now.state is StepState.DONE and step.id in status.unverified_here
    lines: list[Line] = [
        (
            f"{now.number:3}  ",
            Styled(f"{now.word:<11}", "yellow" if elsewhere else STATE_STYLES[now.state]),
            f"{commit:<10}  {step.title} [{step.kind}]{after}{_network_note(step)}",
        )
    ]
    if elsewhere:
        lines.append((Styled("       not verified on this machine", "yellow"),))
    if now.changed_since and status.archived is None:
        again = f"git orch redo {ids.short(status.id)} {now.number}"
        lines.append(
            (Styled("       its prompt changed since it landed; ", "yellow"), f"run: {again}")
        )
    if step.wait is not None:
        lines.append(("       wait ", indented(_event(step.wait), 12)))
    lines += [("       check ", indented(check.command.text(), 13)) for check in step.own_checks]
    if step.until is not None:
        lines.append(("       until ", indented(_until(step.until, step.times), 13)))
    lines += [("       review ", indented(_criteria(review), 14)) for review in step.reviews]
    if attempt is None:
        return lines
    if now.commit is not None:
        lines += [(Styled("       needs review: ", "yellow"), reason) for reason in attempt.review]
    if attempt.question and now.state in (StepState.ASKED, StepState.PENDING):
        lines += _question_lines(attempt.question, attempt.answer)
    if now.state in (StepState.FAILED, StepState.STOPPED) and attempt.error:
        style = STATE_STYLES[now.state]
        lines.append(
            (Styled(f"       {now.word}: ", style), indented(_error_excerpt(attempt.error), 9))
        )
        lines += _dim_lines([check_output(result) for result in attempt.checks], 9)
    return lines


def _question_lines(question: str, answer: str | None) -> list[Line]:
    lines: list[Line] = [(Styled("       asks: ", "yellow"), indented(question, 9))]
    return [*lines, (Styled("       answered: ", "dim"), indented(answer, 9))] if answer else lines


def _dim_lines(texts: Iterable[str], indent: int) -> list[Line]:
    """The texts that are not empty, `indent` columns to the right."""
    margin = " " * indent
    return [(Styled(margin + indented(text, indent), "dim"),) for text in texts if text]


def _error_excerpt(error: str) -> str:
    """The first line of an error and the last lines of its output; `show --attempts` has more."""
    cause, *output = error.split("\n")
    gap = ["..."] if len(output) > _LINES_SHOWN else []
    return "\n".join([cause, *gap, *output[-_LINES_SHOWN:]])


def _network_note(step: Step) -> str:
    return f"  {hosts.asking(step.network)}" if step.network else ""


def _criteria(review: Review) -> str:
    by = f" ({review.model})" if review.model is not None else ""
    return f"{review.criteria.rstrip()}{by}"


def kind_of_check(result: CheckResult) -> str:
    """The word for a check whose result this is: a command ran, or a model judged."""
    return "review" if result.is_review else "check"


def check_output(result: CheckResult) -> str:
    """The part of a check's output that people need: the last lines of a failed check, and a note
    about its changes.
    """
    shown = result.note_lines() if result.passed else result.text.splitlines()
    return "\n".join(shown[-_LINES_SHOWN:])


def task_lines(status: Status, *, full: bool = False) -> list[Line]:
    """The work of the steps: commands, files, prompts and checks. `full` has files with all their
    lines.
    """
    lines: list[Line] = []
    for number, step in enumerate(status.plan.steps, start=1):
        title = Styled(f"step {number} {step.title}", "bold")
        lines.append((title, f" [{step.kind}]{_network_note(step)}"))
        if step.command is not None and step.wait is None:
            lines.append(("  run    ", indented(step.command.text(), 9)))
        if step.wait is not None:
            lines.append(("  wait   ", indented(_event(step.wait), 9)))
        for path, content in step.files.items():
            lines += _file_lines(path, content, full=full)
        if step.why:
            lines.append(("  why    ", indented(step.why.rstrip(), 9)))
        if step.prompt:
            lines.append(("  asked  ", indented(step.prompt.rstrip(), 9)))
        lines += [("  check  ", indented(check.command.text(), 9)) for check in step.own_checks]
        if step.until is not None:
            lines.append(("  until  ", indented(_until(step.until, step.times), 9)))
        lines += [("  review ", indented(_criteria(review), 9)) for review in step.reviews]
    return lines


def _event(wait: Wait) -> str:
    """What a step waits for, and how often git-orch looks."""
    looks = "" if wait.what == "person" else f" (a look every {wait.every} s)"
    return f"{wait.text()}{looks}"


def _until(check: Check, times: int) -> str:
    """The check that a step is repeated for, and how often."""
    return f"{check.command.text()} ({sentences.at_most(times)})"


def _file_lines(path: str, content: FileContent | Pointer | None, *, full: bool) -> list[Line]:
    if content is None:
        return [("  delete ", path)]
    if isinstance(content, Pointer):
        return [("  move   ", f"{path} to {content.commit}")]
    every = content.text.splitlines()
    size = sentences.count(len(content.text.encode("utf-8", "surrogatepass")), "byte")
    program = ", executable" if content.executable else ""
    first = f"{path}  ({sentences.count(len(every), 'line')}, {size}{program})"
    shown = every if full else every[:_HEAD]
    lines: list[Line] = [("  write  ", first)]
    lines += [(Styled(f"         | {line}", "dim"),) for line in shown]
    if len(every) > len(shown):
        lines.append((f"         | ... {len(every) - len(shown)} more; whole: --full",))
    return lines


def next_command(status: Status, *, running: bool) -> Line:
    """The line with the next command to type."""
    return (f"next: {following(status, running=running)}",)


def ways_on(status: Status, failed: Sequence[int] = (), work: str | None = None) -> list[Line]:
    """What to type after a run. After a failure of a step these are three: mend it by hand, change
    the plan, try again. `work` goes on with what a person does.
    """
    ways = [work] if work is not None and not failed else commands_on(status, failed)
    first, *others = ways or [""]
    return [(f"next: {first}",), *((f"      {other}",) for other in others)] if first else []


def commands_on(status: Status, failed: Sequence[int] = ()) -> list[str]:
    """The commands of `ways_on`."""
    mended = [step for step in status.steps if step.state is StepState.FAILED]
    numbers = [step.number for step in mended if step.number in failed]
    if not numbers:
        return _redos(status, failed) if failed else [following(status, running=False)]
    name = ids.short(status.id)
    return [
        f"git orch fix {name} {numbers[0]}  # mend it by hand",
        f"git orch edit {name}  # change the plan",
        f"git orch exec {name}  # try again",
    ]


def _redos(status: Status, failed: Sequence[int]) -> list[str]:
    """The commands after a redo that failed."""
    name = ids.short(status.id)
    done = [status.steps[number - 1] for number in failed]
    done = [step for step in done if step.commit is not None]
    if not done:
        return []
    tries = [attempt for attempt in status.attempts if attempt.step == done[0].id]
    again = f"git orch redo {name} {done[0].number}{more_money(tries[-1:])}"
    return [
        f"{again}  # try again; the result of before stays",
        f"git orch edit {name}  # change the step, for a redo",
    ]


def following(status: Status, *, running: bool) -> str:
    """The next command to type."""
    name = ids.short(status.id)
    if running:
        return answer_command(status) if _asking(status) else f"git orch wait {name}"
    if status.incomplete:
        return "git fsck  # a part of the log cannot be read: what is shown may be wrong"
    if status.state is PlanState.REJECTED:
        return f"git orch edit {name}  # which brings it back"
    if status.archived is not None:
        return f"git orch archive --undo {name}  # brings it back"
    if status.is_idea:
        return f"git orch {'ready' if status.state is PlanState.DRAFT else 'spec'} {name}"
    if status.branch is None:
        return _next_without_branch(status)
    return _next_with_branch(status)


def _next_without_branch(status: Status) -> str:
    if any(move.old is None for move in status.pending_moves):
        return (
            f"git orch exec {ids.short(status.id)}  # makes the branch, which was about to be made"
        )
    return f"git branch orch/{status.id} {status.known_tip or status.base.commit or 'HEAD'}"


def _next_with_branch(status: Status) -> str:
    name = ids.short(status.id)
    for step in status.steps:
        if step.state is StepState.CLAIMED:
            return f"git orch adopt {name} {step.number}"
    if any(step.state is StepState.ASKED for step in status.steps):
        return answer_command(status)
    turn = persons_turn(status)
    if turn:
        money = more_money([step.attempt for step in turn])
        if turn[0].kind == "wait":
            return f"git orch done {name} {turn[0].number}  # once you have seen to it"
        return f"git orch exec {name}{money}  # step {turn[0].number} is yours: it makes the place"
    return _next_complete(status) if status.state is PlanState.COMPLETE else _next_run(status)


def _asking(status: Status) -> list[int]:
    return [step.number for step in status.steps if step.state is StepState.ASKED]


def answer_command(status: Status) -> str:
    """The command that answers the first question; it names the step where several ask."""
    asking = _asking(status)
    step = f"{asking[0]} " if len(asking) > 1 else ""
    return f'git orch answer {ids.short(status.id)} {step}"ANSWER"'


def _next_complete(status: Status) -> str:
    name = ids.short(status.id)
    if not status.is_verified_here():
        if any(step.state is StepState.UNVERIFIED for step in status.steps):
            return (
                f"git orch verify {name} --record  # steps were changed since their checks passed"
            )
        return f"git orch verify {name} --tip --record  # not verified on this machine"
    if status.landed is not None:
        return f"git orch land {name}  # which archives it"
    if status.failed_on_earlier_tip():
        return f"git orch verify {name} --tip --record  # checks failed on an earlier tip"
    return f"git orch land {name}  # a look: git orch diff {name}"


def _next_run(status: Status) -> str:
    """The command that runs the missing steps; an edit where all steps are done and checks fail on
    the tip.
    """
    name = ids.short(status.id)
    if status.tip_failures() and status.satisfied_steps() >= {
        step.id for step in status.plan.steps
    }:
        return f"git orch edit {name}  # add a step that repairs it"
    failed = next((step for step in status.steps if step.state is StepState.FAILED), None)
    if failed is None:
        stopped = [step for step in status.steps if step.state is StepState.STOPPED]
        return f"git orch exec {name}{more_money([step.attempt for step in stopped])}"
    if status.state is PlanState.CREATED:  # somebody has changed its text since
        return f"git orch exec {name}  # or: git orch fix {name} {failed.number}"
    return f"git orch fix {name} {failed.number}  # or: git orch edit, git orch exec"


def more_money(tries: Iterable[Attempt | None]) -> str:
    """The option that raises the limit which stopped one of these attempts; without it the next one
    stops there, too.
    """
    errors = [attempt.error for attempt in tries if attempt and attempt.reason == "budget"]
    option = used_up.raising_option(errors[0]) if errors else None
    return f" {option}" if option is not None else ""


def attempts(status: Status) -> list[Line]:
    """All attempts: time, step, outcome, commit, error, what a person said about it, and the whole
    logged output of failed checks.
    """
    lines: list[Line] = []
    numbers = {step.id: step.number for step in status.steps}
    for attempt in status.attempts:
        commit = attempt.commit[:10] if attempt.commit else "-"
        lines.append(
            (
                f"{when(attempt.event)}  step {numbers.get(attempt.step, attempt.step)}  ",
                Styled(f"{attempt.outcome:<11}", "green" if attempt.outcome == "landed" else "red"),
                f" {commit:<10}  {indented(attempt.error or attempt.question or '', 4)}",
            )
        )
        lines += _dim_lines([f"a person says: {text}" for text in attempt.remarks], 4)
        failed = [result for result in attempt.checks if not result.passed]
        lines += _dim_lines([result.text.strip("\n") for result in failed], 4)
    return lines


def when(event_id: str) -> str:
    """The time in an event's ID, in UTC."""
    moment = time.gmtime(ids.ulid_ms(event_id) / 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
