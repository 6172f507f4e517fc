"""One try at one step: do it, take the snapshot, run the checks on exactly that, make the commit.

Nothing here moves a branch: an attempt makes objects, the landing thread moves refs.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from git_orch import checkpoints, errors
from git_orch.flow.attempt import checks, dependencies, pointer_moves, visits
from git_orch.flow.attempt.ending import Asked, Ending, Failed, Interrupted, Made, Verified
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.setup import SetupFailed
from git_orch.flow.attempt.site import AttemptFailed, Site, Work, refused_path
from git_orch.flow.attempt.tree_reader import TreeReader
from git_orch.flow.reports import CheckEnded
from git_orch.plans import (
    ids,
    left_out,
    messages,
    missing,
    needs_review,
    reasons,
    redact,
    sentences,
    trailers,
)
from git_orch.plans.document import Document
from git_orch.plans.history.status import CheckResult
from git_orch.plans.plan import RUN_TIMEOUT, FileContent, Pointer, Step
from git_orch.repo import settings
from git_orch.repo.local import conversations, phases
from git_orch.repo.local.phases import Phase
from git_orch.repo.objects import objects as odb
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import encodings, gate, known_paths, snapshot, worktrees
from git_orch.repo.worktree.snapshot import Snapshot
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox import keeping
from git_orch.sandbox.files import PathRefused, Tree
from git_orch.sandbox.walls import repositories
from git_orch.sandbox.walls.repositories import RepositoriesChanged

# Of git's letters, those of review.
_LETTERS: dict[str, Literal["A", "M", "D"]] = {"A": "A", "M": "M", "D": "D", "T": "M"}
_ERROR_TAIL = 2000  # characters of a failed command's output in its error
_PHASES = {"files": "files", "run": "command", "agent": "model"}
_KEPT_AT_QUESTION = "Kept when its model asked a person."


@dataclass
class _Course:
    """What is known of an attempt while it goes on; `failed` is the first thing that went wrong."""

    work: Work
    taken: Snapshot | None = None
    review: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    failed: Failed | None = None

    @property
    def review_usd(self) -> float:
        """What its reviews have cost."""
        return sum(check.usd for check in self.checks)

    def fail(self, failed: Failed) -> None:
        """Remember why; the first cause is the one to tell."""
        self.failed = self.failed or failed


class Attempt:
    """One try at the step of a job."""

    def __init__(self, job: Job, site: Site) -> None:
        self._job = job
        self._site = site

    def run(self) -> Ending:
        """Try the step once. Its failure is an ending.

        Raises SetupFailed when the worktree cannot be made ready, and what is wrong with the
        repository itself.
        """
        begun, course = time.monotonic(), _Course(Work())
        course.taken = self._without_worktree()
        if course.taken is None:
            # Made now: what goes wrong there is not the step's doing.
            self._site.worktree.standing.begin()
        before = self._job.continued
        more: Document = {"continues": before.attempt} if before is not None else {}
        if self._job.remarks:
            more["remarks"] = list(self._job.remarks)
        if self._job.agent:
            more["agent"] = self._job.agent
        self._site.spool(
            "attempt.started", step=self._job.step.id, attempt=self._job.attempt, **more
        )
        if course.taken is None or self._job.step.checks:
            self._begin_phase()
        try:
            with checkpoints.around("do step", (self._job, self._site)):
                if course.taken is None:
                    course.work = self._do_keeping_repositories()
        except errors.OrchError as failed:
            course.fail(self._failure(failed))
        self._verify(course)
        if self._site.has_worktree:
            self._site.begin_phase(self._job.attempt, "landing")
        ending = self._ending(course, time.monotonic() - begun)
        if self._job.step.kind == "agent" and course.taken is not None:
            place = PlanPlace(self._site.repository, self._job.plan_id)
            step, attempt = self._job.step_id, self._job.attempt
            with keeping.unnecessary(conversations.KEPT):
                conversations.close(place, step, attempt, course.taken.tree, ending.commit)
        return ending

    def _begin_phase(self) -> None:
        """Write down what the step does first, and where, for whoever looks."""
        job, path = self._job, str(self._site.path)
        name = "check" if job.by_hand else _PHASES.get(job.step.kind)
        phase = Phase(name, path, job.number, redact.redacted(job.step.title, self._site.secrets))
        phases.begin(self._site.repository, job.attempt, phase)
        command = job.step.command
        about = command.text() if command is not None and name == "command" else ""
        self._site.report_phase(name or "", about)

    def verify(self) -> Verified | Failed:
        """Run the step's checks on the tree of the job: the commit is the job's base."""
        begun, course = time.monotonic(), _Course(Work())
        self._check(course, self._job.tree)
        if self._job.step.reviews:
            before = odb.commit(self._site.objects, self._job.base).parents[0]
            self._review(course, before, self._job.tree)
        made = Made(time.monotonic() - begun, course.checks, usd=course.review_usd)
        if course.failed is not None:
            return course.failed._replace(made=made)
        return Verified(made, self._job.base, self._job.tree)

    # -- doing it ----------------------------------------------------------------------------------

    def _without_worktree(self) -> Snapshot | None:
        """The tree of a step that writes files, made from its base; None where the files have to be
        in a worktree first.
        """
        job, site = self._job, self._site
        if job.step.kind != "files" or job.worktree is None or site.copied:
            return None
        if job.step.pointers and self._pointer_problem() is not None:
            return None
        files = {
            path: known_paths.File(content.text.encode("utf-8"), content.executable)
            if isinstance(content, FileContent)
            else content
            for path, content in job.step.files.items()
        }
        taken = known_paths.snapshot(site.repository, site.objects, job.tree, files, site.secrets)
        if taken is not None:
            make = site.open_worktree
            self._site = replace(site, open_worktree=lambda: self._with_files(make(), taken))
        return taken

    def _pointer_problem(self) -> pointer_moves.Problem | None:
        site = self._site
        return pointer_moves.problem(site.repository, site.objects, self._job)

    def _with_files(self, worktree: Worktree, taken: Snapshot) -> Worktree:
        """The worktree with the step's files checked out: a check wants them."""
        self._site.objects.flush()
        snapshot.check_out(worktree, taken.tree)
        return worktree

    def _do_keeping_repositories(self) -> Work:
        """Do it. Where somebody uses git in the worktree no file tool makes a repository either; a
        command is held by its launcher.
        """
        if self._job.by_hand:
            return Work()
        if self._job.holds is not None:
            snapshot.check_out(self._site.worktree, self._job.holds)
        if self._site.shared is None or self._job.step.kind not in ("files", "agent"):
            return self._do()
        with repositories.kept(self._site.worktree.path):
            return self._do()

    def _do(self) -> Work:
        match self._job.step.kind:
            case "files":
                self._write_files(Tree(self._site.worktree.path, self._site.launcher.closed))
            case "run":
                self._run_command()
            case "agent":
                if self._job.agent:
                    from git_orch.flow.attempt import other_agent  # as below

                    return other_agent.done(self._job, self._site)
                from git_orch.flow.attempt import agent_step  # only plans with agent steps pay

                return agent_step.done(self._job, self._site)
            case "manual":
                raise AttemptFailed("a person does this step")
        return Work()

    def _write_files(self, tree: Tree) -> None:
        problem = self._pointer_problem()
        if problem is not None:
            raise AttemptFailed(problem.cause, "path", problem.hint)
        files = self._job.step.files
        # What goes first makes room: a file may come where a directory was, or the other way round.
        in_order = sorted(files.items(), key=lambda item: item[1] is not None)
        in_encoding = encodings.of(self._site.worktree, list(self._job.step.contents))
        try:
            for path, content in in_order:
                if isinstance(content, Pointer):  # the snapshot has it
                    continue
                if content is not None:
                    _make_room(tree, path)
                    data = _encoded(path, content.text, in_encoding.get(path, "utf-8"))
                    tree.write(path, data, executable=content.executable)
                elif tree.kind(path) == "absent":
                    raise AttemptFailed(
                        f"cannot delete {sentences.quoted(path)}: there is no such file"
                    )
                else:
                    tree.delete(path)
        except PathRefused as refused:
            raise AttemptFailed(refused.cause, "path") from refused

    def _run_command(self) -> None:
        job, site = self._job, self._site
        command = job.step.command
        if command is None:
            raise AttemptFailed("the step has no command")
        outcome = site.step_launcher.run(
            command,
            worktree=site.worktree.path,
            timeout=job.step.timeout or RUN_TIMEOUT,
            output_path=site.output_path(job.attempt, "run"),
            stop=site.stop,
            network=job.network,
        )
        visits.write_down(job, site, outcome.visits)
        if outcome.reason != "exited" or outcome.status != 0:
            ended = checks.ended(outcome, job.step.timeout or RUN_TIMEOUT)
            output = outcome.excerpt(_ERROR_TAIL).strip()
            place = "\n" if "\n" in output else ": "
            message = f"{sentences.command(command.text())} {ended}"
            message += f"{place}{output}" if output else ""
            lacked = missing.of(outcome.status, output, network=job.network is True)
            hint = visits.hint(job, outcome.visits, lacked)
            reason: reasons.Reason = "timeout" if outcome.reason == "timeout" else "failed"
            raise AttemptFailed(redact.redacted(message, site.secrets), reason, hint)

    def _failure(self, failed: errors.OrchError) -> Failed:
        reason = failed.reason if isinstance(failed, AttemptFailed) else reasons.of(failed)
        return Failed(
            Made(),
            error=redact.redacted(failed.cause, self._site.secrets),
            reason="nested" if isinstance(failed, RepositoriesChanged) else reason,
            hint=failed.own_hint if isinstance(failed, AttemptFailed) else failed.hint,
            exit_code=failed.exit_code,
        )

    # -- verifying it ------------------------------------------------------------------------------

    def _verify(self, course: _Course) -> None:
        """Take the snapshot; while nothing has failed, run the checks on exactly that."""
        try:
            if course.taken is None:
                self._take_snapshot(course)
            asks = course.work.question is not None
            if course.taken is not None and course.failed is None and not asks:
                course.review = self._reasons_to_look(course.taken.changes, course.taken.tree)
                self._check(course, course.taken.tree)
                self._refuse_idle(course, course.taken)
                self._review(course, self._job.tree, course.taken.tree)
        except (errors.Interrupted, SetupFailed):
            raise
        except RepositoriesChanged as failed:
            course.fail(self._failure(failed))
        except errors.OrchError as failed:  # the worktree is in a state that git cannot work with
            if course.failed is None:
                course.taken = None
            error = f"the result cannot be stored: {failed.cause}"
            course.fail(Failed(Made(), error=error, reason="snapshot", hint=failed.hint))

    def _snapshot_of_written(self, work: Work) -> Snapshot | None:
        """The tree of what the file tools wrote, made from the base; None where git has to look for
        more than that.
        """
        job, site = self._job, self._site
        if work.written is None or job.worktree is None or site.set_up or site.copied:
            return None
        tree = Tree(site.worktree.path)
        try:
            files = {path: _file(tree, path) for path in work.written}
        except PathRefused:
            return None
        taken = known_paths.snapshot(site.repository, site.objects, job.tree, files, site.secrets)
        if taken is None:
            return None
        site.objects.flush()
        snapshot.index(site.worktree, taken.tree)
        return taken._replace(spotless=True)

    def _take_snapshot(self, course: _Course) -> None:
        job, site = self._job, self._site
        course.taken = self._snapshot_of_written(course.work)
        if course.taken is not None:
            return
        # In the sandbox the index is read-only; in the user's own checkout what git is told not to
        # look at is theirs.
        foreign = job.step.kind != "files" and not job.by_hand and not site.launcher.sandboxed
        if foreign and site.worktree.enclosure.own:
            snapshot.look_at_everything(site.worktree)
        refused = refused_path(site.repository, job.attempt)
        # Where only commands in the sandbox worked, nobody told git not to look at files.
        alone = site.launcher.sandboxed and site.shared is None
        unchanged = job.tree if alone else None
        modes = _modes(job.step)
        pointers = None if job.by_hand else job.step.pointers
        terms = snapshot.Terms(site.secrets, refused, site.copied, unchanged, modes, pointers)
        try:
            course.taken = snapshot.taken(site.repository, site.worktree, job.base, terms)
        except gate.GateRefused as gated:
            error = redact.redacted(gated.cause, site.secrets)
            hint = f"less {shlex.quote(str(refused))}  # the repository has nothing of it"
            if not os.path.lexists(refused):
                hint = "git orch show --attempts"
            if gated.allowing:
                hint += f"; {redact.redacted(gated.allowing, site.secrets)}"
            course.fail(Failed(Made(), error=error, reason="gate", hint=hint))
            return
        if course.failed is None:
            self._refuse_incomplete(course, course.taken)
        if course.taken.odd and site.elsewhere is None:  # nobody after it is to see that
            snapshot.make_exact(site.worktree, course.taken, ignored=False)

    def _refuse_incomplete(self, course: _Course, taken: Snapshot) -> None:
        """What the step made has to be in the commit, as a whole."""
        if taken.nested:
            nested = sentences.quoted(taken.nested[0])
            error = f"{nested} is a repository inside the tree; the attempt is kept without it"
            course.fail(Failed(Made(), error=error, reason="nested"))
            return
        if taken.below:
            error = (
                f"{sentences.quoted(taken.below[0])} is in "
                "a submodule: no commit here would have it"
            )
            course.fail(Failed(Made(), error=error, reason="nested"))
            return
        as_stored = worktrees.stored(self._site.worktree)
        for change in taken.changes if as_stored else ():
            if change.path in as_stored:
                error = (
                    f"{sentences.quoted(change.path)} "
                    "is not there but as git stores it: its filter failed"
                )
                course.fail(Failed(Made(), error=error, reason="snapshot"))
                return
        if self._job.by_hand:  # a person decides which files there are
            return
        written = list(self._job.step.contents)
        ignored = snapshot.left_out(self._site.worktree, written)
        if ignored:
            error = f"git ignores {sentences.quoted(ignored[0])}: it would not be in the commit"
            course.fail(Failed(Made(), error=error, reason="ignored"))

    def _refuse_idle(self, course: _Course, taken: Snapshot) -> None:
        """A model that changed nothing has not done the step: its checks passed before it."""
        step = self._job.step
        if step.kind != "agent" or self._job.by_hand or taken.changes or step.may_be_empty:
            return
        passed = ", and the checks passed before it" if course.checks else ""
        summary = redact.redacted(course.work.summary, self._site.secrets)
        words = f"; the model says: {summary}" if summary else ""
        hint = f"git orch edit {ids.short(self._job.plan_id)}  # 'may_be_empty: true' allows it"
        error = f"it changed no file{passed}{words}"
        course.fail(Failed(Made(), error=error, reason="nothing-done", hint=hint))

    def _reasons_to_look(self, changes: Sequence[gate.Change], tree: str) -> tuple[str, ...]:
        """Why somebody should look at what the step made: it may have changed how it is judged."""
        listed = [needs_review.Change(change.path, _LETTERS[change.status]) for change in changes]
        read = set(needs_review.paths_to_read(listed))
        compared = [
            change
            for change in changes
            if change.path in read and gate.GITLINK not in (change.mode, change.old_mode)
        ]
        oids = [oid for change in compared for oid in (change.old_oid, change.oid)]
        texts = [_text(blob) for blob in self._site.objects.read_many(oids)]
        pairs = dict(
            zip(
                (change.path for change in compared),
                zip(texts[::2], texts[1::2], strict=True),
                strict=True,
            )
        )
        with_texts = []
        for changed in listed:
            before, after = pairs.get(changed.path, (None, None))
            with_texts.append(changed._replace(before=before, after=after))
        trees = [TreeReader(self._site.objects, oid) for oid in (self._job.tree, tree)]
        return needs_review.reasons(self._job.step, self._job.plan_checks, with_texts, trees)

    def _check(self, course: _Course, tree: str) -> None:
        job, site = self._job, self._site
        if not job.step.checks and not site.run_hooks:
            return
        taken = course.taken
        changes = taken.changes if taken is not None else ()
        moved = any(gate.GITLINK in (change.mode, change.old_mode) for change in changes)
        changed = moved or dependencies.are_changed(change.path for change in changes)
        if site.elsewhere is not None or changed:
            try:
                self._site = site.refitted(tree)
            except SetupFailed as failed:
                course.fail(self._failure(failed)._replace(reason="setup"))
                return
        with self._stage(course, tree) as stage:
            for result in checks.sequence(job.step.verification, stage, job.attempt):
                what = f"check {sentences.command(result.command)}"
                if not self._passed(course, result, what):
                    return
            if site.run_hooks:
                hook = checks.run_hook(stage, site.output_path(job.attempt, "pre-commit"))
                if hook is not None:
                    self._passed(course, hook, "the pre-commit hook")

    def _review(self, course: _Course, before: str, after: str) -> None:
        """Let models judge the change, where the step has reviews and nothing has failed."""
        job, site = self._job, self._site
        if not job.step.reviews or course.failed is not None:
            return
        from git_orch.flow.attempt import reviews  # only plans with reviews pay

        try:
            site.begin_phase(job.attempt, "review")
            site.objects.flush()
            change = reviews.change_between(site.repository, before, after)
            for result in reviews.of_attempt(job, site).results(job.step, change):
                course.checks = (*course.checks, result)
                site.reporter.emit(CheckEnded(job.number, result))
                if not result.passed:
                    hint = reviews.hint(result, job)
                    course.fail(Failed(Made(), reviews.error(result), "check", hint))
        except errors.Interrupted:
            raise
        except errors.OrchError as failed:
            course.fail(self._failure(failed))

    @contextlib.contextmanager
    def _stage(self, course: _Course, tree: str) -> Iterator[checks.Stage]:
        """Where the checks of the step see exactly the tree that lands, and what is shared."""
        site = self._site
        clean = site.is_clean
        with contextlib.ExitStack() as stack:

            def enter() -> Site:
                if site.elsewhere is not None:
                    commit = self._commit(course, tree)
                    site.objects.flush()
                    return stack.enter_context(site.elsewhere(commit))
                site.discard_writes()
                if course.taken is not None and course.taken.spotless is False:
                    snapshot.make_exact(site.worktree, course.taken, ignored=not site.set_up)
                    site.furnish(site.worktree)
                return site

            spotless = course.taken is not None and course.taken.spotless is True
            yield checks.Stage(site, tree, functools.cache(enter), clean, spotless)

    def _passed(self, course: _Course, result: CheckResult, what: str) -> bool:
        course.checks = (*course.checks, result)
        self._site.reporter.emit(CheckEnded(self._job.number, result))
        if not result.passed:
            beside = self._left_out(course)
            reason = left_out.reason(beside, [result.command, result.output])
            error = ": ".join(filter(None, [f"{what} {result.reason}", reason]))
            hint = missing.hint_of([result])
            if reason and hint is None:
                plan = ids.short(self._job.plan_id)
                makes = "produces" if self._job.step.kind == "run" else "a check"
                hint = f"git orch edit {plan}  # '{makes}' may make what it needs"
            word: reasons.Reason = "timeout" if checks.timed_out(result) else "check"
            course.fail(Failed(Made(), error=error, reason=word, hint=hint))
        return result.passed

    def _left_out(self, course: _Course) -> list[str]:
        """What the step left that its checks do not see."""
        beside = course.taken.beside if course.taken is not None else ()
        made = tuple(f"{path}/" for path in self._job.step.produces)
        return [path for path in beside if not f"{path}/".startswith(made)]

    # -- its end -----------------------------------------------------------------------------------

    def _ending(self, course: _Course, seconds: float) -> Ending:
        work, taken = course.work, course.taken
        summary = redact.redacted(work.summary, self._site.secrets)
        changed = tuple(change.path for change in taken.changes) if taken is not None else ()
        code = taken.code if taken is not None else ()
        usd = work.usd + course.review_usd
        made = Made(seconds, course.checks, changed, code, summary, usd, work.model)
        if course.failed is None and work.question is not None:
            kept = None
            if taken is not None and changed:
                kept = self._commit(course, taken.tree, summary=_KEPT_AT_QUESTION)
            return Asked(made, redact.redacted(work.question, self._site.secrets), kept)
        if course.failed is None and taken is not None:
            commit = self._commit(course, taken.tree, summary=summary)
            return Verified(made, commit, taken.tree, course.review)
        failed = course.failed or Failed(made, error="there is no result", reason="snapshot")
        kept = None
        if taken is not None and changed:
            kept = self._commit(course, taken.tree, failure=failed.error)
        if self._site.stop.is_set():
            return Interrupted(made, failed.error, kept)
        return failed._replace(made=made, commit=kept)

    def _commit(self, course: _Course, tree: str, *, summary: str = "", failure: str = "") -> str:
        """The attempt as a commit on its base."""
        job, work = self._job, course.work
        claim = trailers.Claim(job.plan_id, job.step.id, job.attempt)
        lines = [
            messages.CheckLine(check.command, check.passed, check.model) for check in course.checks
        ]
        wanted = settings.of_user(self._site.repository)
        models = [] if work.model is None else [work.model]
        reviewers = dict.fromkeys(check.model for check in course.checks if check.model is not None)
        usd = work.usd + course.review_usd
        extra = [
            *messages.requirement_trailers(job.step),
            *([trailers.Trailer(trailers.COST, f"{usd:.4f} USD")] if models or usd else []),
            *([trailers.Trailer(trailers.AGENT, work.agent)] if work.agent is not None else []),
            *(trailers.Trailer(trailers.MODEL, model) for model in models),
            *(trailers.Trailer(trailers.REVIEWER, model) for model in reviewers),
            *trailers.attribution(wanted.attribution, models),
            *self._site.identity.signoff(wanted=wanted.signoff),
        ]
        # Redacted before the trailers are added: a "secret" that is a word of the plan's ID must not
        # change a claim.
        step = _redacted(job.step, self._site.secrets)
        message = messages.step_message(
            step, claim, lines, extra, summary=summary, failure=failure, review=course.review
        )
        return self._site.identity.commit(self._site.objects, tree, [job.base], message)


def _file(tree: Tree, path: str) -> known_paths.File:
    """The file at a path of a worktree. Raises PathRefused."""
    mode = tree.mode(path)
    return known_paths.File(tree.read(path, gate.LARGEST_FILE), bool(mode & stat.S_IXUSR))


def _text(blob: odb.Found | None) -> str | None:
    """The text of a blob, as far as there is one to compare."""
    if blob is None or b"\0" in blob.data or len(blob.data) > needs_review.LARGEST:
        return None
    return blob.data.decode("utf-8", "replace")


def _redacted(step: Step, secrets: tuple[str, ...]) -> Step:
    """The step as its commit message tells of it."""
    command = step.command
    if command is not None:
        command = command._replace(argv=None, shell=redact.redacted(command.text(), secrets))
    return step._replace(
        title=redact.redacted(step.title, secrets),
        why=redact.redacted(step.why, secrets) if step.why is not None else None,
        prompt=redact.redacted(step.prompt, secrets) if step.prompt is not None else None,
        command=command,
    )


def _modes(step: Step) -> dict[str, bool]:
    """Whether files are executable, of which a step says so."""
    written = step.contents.items()
    return {path: content.executable for path, content in written if content.executable is not None}


def _encoded(path: str, text: str, encoding: str) -> bytes:
    try:
        return encodings.encoded(text, encoding)
    except (LookupError, UnicodeError) as failed:
        raise AttemptFailed(
            f"{sentences.quoted(path)} cannot be written in '{encoding}', its "
            "working-tree-encoding",
            "path",
        ) from failed


def _make_room(tree: Tree, path: str) -> None:
    """Take away a link where the file is to be: what it leads to is another file, which the plan does
    not name. Raises AttemptFailed below a link, and PathRefused where that leads out.
    """
    kind = tree.kind(path)
    above = path.split("/")[:-1]
    for count in range(1, len(above) + 1):
        directory = "/".join(above[:count])
        if tree.kind(directory) == "link":
            raise AttemptFailed(
                f"{sentences.quoted(path)} would be below {sentences.quoted(directory)}, "
                "which is a symbolic link",
                "path",
            )
    if kind == "link":
        tree.delete(path)
