"""A model whose calls a plan pays for: it stays within the ledger, and tells of limits that make
the run wait.
"""

from __future__ import annotations

from typing import NamedTuple

from git_orch.agents import limits, tape
from git_orch.flow.model import purse
from git_orch.flow.model.service import Service
from git_orch.flow.reports import Note, Reporter
from git_orch.repo.local import ledger
from git_orch.repo.log.spool import Put
from git_orch.repo.plan_place import PlanPlace


class Payer(NamedTuple):
    """The purpose of calls: a plan, a step, an attempt of a run. `again` is the command that goes
    on after a stop.
    """

    place: PlanPlace
    step: str
    attempt: str
    run: str
    again: str


def limited(service: Service, payer: Payer, spool: Put, reporter: Reporter) -> purse.LimitedModel:
    """The model of a service, behind the ledger of the plan."""

    def wait(limit: limits.Limit) -> None:
        about = {"run": payer.run, "step": payer.step, "attempt": payer.attempt}
        spool("run.waiting", **about, until=limit.utc(), cause=limit.cause)
        reporter.emit(Note(f"waiting until {limit.moment()}: {limit.cause}"))

    return purse.LimitedModel(
        service.model_for(tape.About(payer.run, payer.step, payer.attempt)),
        purse.Pocket(0.0) if service.is_free else ledger.Ledger(payer.place),
        service.prices,
        purse.About(payer.attempt, payer.step),
        payer.again,
        purse.Waits(service.breaker, wait),
    )
