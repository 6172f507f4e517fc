"""The reviews of a step: models judge its change by criteria, when all its commands have passed.

A verdict is about a step, the criteria and the change; no tree is part of it, since the model saw
none. It is paid for once on a machine, and counts wherever the same change stands: on another base,
after a kill, in a second attempt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from git_orch import errors
from git_orch.agents import exchange, reviewer
from git_orch.flow.attempt import paid_model
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.paid_model import Payer
from git_orch.flow.attempt.site import Site
from git_orch.flow.model import purse
from git_orch.flow.model.service import Service
from git_orch.flow.reports import Reporter, StepProgress
from git_orch.plans import change as changes
from git_orch.plans import ids, redact, sentences
from git_orch.plans.change import Change
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import CheckResult
from git_orch.plans.plan import Review, Step
from git_orch.repo import ask
from git_orch.repo.local import verdicts
from git_orch.repo.local.verdicts import Given
from git_orch.repo.log import spool
from git_orch.repo.objects import partial
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.sandbox import keeping, secrecy


@dataclass(frozen=True)
class Reviewer:
    """Asks for verdicts that nobody has paid for yet: through a service, which is opened when it
    is needed, at the expense of the payer. `model` is that of reviews which name none, `number` that
    of the step, `after` the greatest event ID known. `remarks` are what a person typed about the
    step.
    """

    payer: Payer
    number: int
    service: Callable[[], Service]
    model: str
    reporter: Reporter
    stop: threading.Event
    after: str
    remarks: tuple[str, ...] = ()
    use_cache: bool = True

    def results(self, step: Step, change: Change) -> Iterator[CheckResult]:
        """The results of the reviews of a step, up to the first that does not pass.

        Raises ProviderFailed, also for a reply without a verdict, LimitReached, UsageError and
        exchange.Stopped.
        """
        refuse_alone(step, self.payer.place.id)
        repository = self.payer.place.repository
        for review in step.reviews:
            name = verdicts.name_of(step, review, change)
            given = verdicts.find(repository, name) if self.use_cache else None
            if given is not None:
                self._tell(name, given)
                result = _result(review, change, given)
            else:
                result = self._ask(step, review, change, name)
            yield result
            if not result.passed:
                return

    def _ask(self, step: Step, review: Review, change: Change, name: str) -> CheckResult:
        """The result of a review that is paid for now."""
        service, payer = self.service(), self.payer
        model = review.model or self.model
        most = service.prices.facts(model).max_output
        writer = spool.Writer(payer.place, payer.attempt, self.after)
        paid: list[float] = []

        def event(call: exchange.Call) -> Event:
            body = purse.call_document(call, model, service.prices)
            paid.append(float(str(body["usd"])))
            self.reporter.emit(purse.report(self.number, call, paid[-1]))
            about = {"purpose": "review", "step": payer.step, "attempt": payer.attempt}
            return writer.event("model.called", **about, **body)

        def lost(call: exchange.Call) -> None:
            spool.append(payer.place, payer.attempt, event(call))

        subject = reviewer.Asked(step, review, change, self.remarks)
        asked = reviewer.request(subject, model, most)
        what = f"{model} reviews the change: {_shown(review)}"
        self.reporter.emit(StepProgress(self.number, redact.redacted(what, secrecy.secrets())))
        reply = paid_model.limited(service, payer, writer.put, self.reporter).reply(
            asked, on_lost=lost, on_wait=self._wait, stop=self.stop
        )
        told = event(reply.call)
        try:
            verdict = reviewer.verdict(reply, payer.again)
        except errors.ProviderFailed:
            spool.append(payer.place, payer.attempt, told)
            raise
        secrets = secrecy.secrets()
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        reasons = redact.redacted(verdict.text(), secrets)
        seconds = round(reply.call.seconds, 3)
        given = Given(verdict.passed, reasons, reply.call.model, seconds, now, payer.place.id, told)
        self._keep(name, given)
        self._tell(name, given)
        result = _result(review, change, given)
        return result._replace(since=None, usd=sum(paid))

    def _tell(self, name: str, given: Given) -> None:
        """Have the log tell of the call that gave the verdict, unless it does."""
        place = self.payer.place
        if given.call is None or given.plan != place.id:
            return
        spool.append(place, self.payer.attempt, given.call)
        self._keep(name, given._replace(call=None))

    def _keep(self, name: str, given: Given) -> None:
        """Write a verdict down; one that is paid for counts, even if that cannot be."""
        with keeping.unnecessary("verdicts of reviews"):
            verdicts.put(self.payer.place.repository, name, given)

    def _wait(self, seconds: float, cause: str) -> None:
        self.reporter.emit(StepProgress(self.number, f"waiting {seconds:.0f} s: {cause}"))


def of_attempt(job: Job, site: Site) -> Reviewer:
    """The reviewer of an attempt, through the service of its run."""

    def service() -> Service:
        if site.service is None:
            raise errors.KeyRefused("there is no model to review the step", job.again)
        return site.service

    place = PlanPlace(site.repository, job.plan_id)
    return Reviewer(
        Payer(place, job.step_id, job.attempt, job.run, job.again),
        job.number,
        service,
        job.reviewer,
        site.reporter,
        site.stop,
        job.after,
        job.remarks,
        site.use_cache,
    )


def refuse_alone(step: Step, plan: str) -> None:
    """Raises Refused where nothing but reviews would let the step land."""
    if step.reviews and not step.checks:
        raise errors.Refused(
            "a review is the only check of the step",
            f"git orch edit {ids.short(plan)}  # add a command that tests what it made",
        )


def change_between(repository: Repository, before: str, after: str) -> Change:
    """The change from one tree, or commit, to another. Raises GitFailed."""
    partial.complete_merge(repository.git, before, after)
    return changes.change(ask.patch(repository.git, before, after), secrecy.secrets())


def known(repository: Repository, step: Step, change: Change) -> list[CheckResult] | None:
    """The results of all reviews of a step, up to the first that does not pass, where this machine
    has them; else None.
    """
    results: list[CheckResult] = []
    for review in step.reviews:
        given = verdicts.find(repository, verdicts.name_of(step, review, change))
        if given is None:
            return None
        results.append(_result(review, change, given))
        if not given.passed:
            break
    return results


def hint(result: CheckResult, job: Job) -> str | None:
    """The way on where an earlier verdict is all that stands in the way; a person mends their work."""
    if not result.is_cached or job.by_hand:
        return None
    return f"git orch exec {ids.short(job.plan_id)} --no-cache  # asks the model again"


def error(result: CheckResult) -> str:
    """Why a review did not pass, on one line."""
    first = result.output.partition("\n")[0].removeprefix("- ")
    return f"review {sentences.command(result.command)} {result.reason}" + (
        f": {first}" if first else ""
    )


def _result(review: Review, change: Change, given: Given) -> CheckResult:
    note = ""
    if change.cut:
        note = f"the model saw a part of {sentences.names(change.cut)}"
    return CheckResult(
        type="review",
        command=redact.redacted(review.criteria.strip(), secrecy.secrets()),
        exit=0 if given.passed else 1,
        passed=given.passed,
        seconds=given.seconds,
        output=given.reasons,
        reason="passed" if given.passed else "did not pass",
        since=given.since,
        note=note,
        model=given.model,
    )


def _shown(review: Review) -> str:
    return sentences.command(review.criteria)
