"""Where plans come from: a file somebody wrote, a template, or a model."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from git_orch import errors
from git_orch.agents.prices import Prices
from git_orch.flow.machine import command_policy
from git_orch.flow.machine import machine as surroundings
from git_orch.flow.model import estimate as estimating
from git_orch.flow.model import purse
from git_orch.flow.model import service as models
from git_orch.flow.planning.create import Draft
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import redact
from git_orch.plans.document import Document
from git_orch.plans.file import planfile, schema
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.plan import Plan
from git_orch.repo import localfiles
from git_orch.repo.repository import Repository
from git_orch.sandbox import secrecy
from git_orch.sandbox.capabilities import Capabilities


def from_file(text: str, name: str, model: str, table: Prices) -> Draft:
    """The plan in a file's text; `name` is for messages. Raises UsageError that names field and
    line.
    """
    plan = planfile.read(text, name)
    return Draft(plan, "file", estimating.estimated(plan, model, table))


def from_template(name: str, variables: Mapping[str, str], model: str, table: Prices) -> Draft:
    """The plan of a built-in template. Raises UsageError for unknown names and missing variables."""
    from git_orch.templates import render

    plan = render.render(name, variables)
    return Draft(plan, "template", estimating.estimated(plan, model, table))


def from_model(
    repository: Repository,
    task: str,
    wanted: tuple[str, float],
    extra_prices: str | None,
    reporter: Reporter,
) -> Draft:
    """A plan that a model made of the task; `wanted` is the model, and what planning may cost in
    USD (0: no limit).

    What was paid for is on disk as soon as it is there: each call's cost, and the reply, in a local
    file. It is the draft's `kept`, to be removed once the plan is stored; after a failure the hint
    names it.
    """
    from git_orch.agents import planner

    model, max_usd = wanted
    with models.service(extra_prices) as service:
        service.prices.facts(model)  # an unknown model is refused before anything is asked
        machine = surroundings.capabilities(
            repository.top or repository.common_dir, repository.top
        ).capabilities
        question = planner.Question(task, _described(machine), model, service.delimiter)
        reporter.emit(Note(f"asking {model} for a plan"))
        kept = _Kept(repository, task)

        def read(text: str) -> Plan | list[str]:
            is_first = not kept.reply
            kept.reply = text
            kept.save()
            return _read(text, machine if is_first else None)

        try:
            drafted = planner.draft(
                question,
                purse.Within(
                    service.model,
                    purse.Pocket(max_usd),
                    service.prices,
                    ("plan", None),
                    "git orch plan",
                ),
                read=read,
                on_wait=lambda seconds, cause: reporter.emit(
                    Note(f"waiting {seconds:.0f} s: {cause}")
                ),
                on_call=lambda call: kept.add(
                    {"purpose": "plan", **purse.priced(call, model, service.prices)}
                ),
            )
        except planner.NoPlan as failed:
            kept.reply = failed.raw
            kept.save()
            raise errors.StepFailed(
                failed.cause, f"{failed.hint}; the reply is in '{kept.path}'"
            ) from failed
        estimate = estimating.estimated(drafted.value, model, service.prices)
    return Draft(drafted.value, "model", estimate, _stored(task), kept.calls, kept.path)


class _Kept:
    """The file that holds what was asked, what came back and what it has cost so far."""

    def __init__(self, repository: Repository, task: str) -> None:
        self.path = repository.state_dir / "replies" / f"{time.time_ns()}.json"
        self.calls: list[Document] = []
        self.reply = ""
        self._task = task
        self._secrets = secrecy.secrets()

    def add(self, call: Document) -> None:
        """One more call was paid for."""
        self.calls.append(call)
        self.save()

    def save(self) -> None:
        """Write the file anew."""
        kept = {"task": self._task, "reply": self.reply, "calls": self.calls}
        text = redact.redacted(json.dumps(kept, indent=2, ensure_ascii=False), self._secrets)
        localfiles.write(self.path, text.encode("utf-8", "backslashreplace"))


def _read(text: str, machine: Capabilities | None) -> Plan | list[str]:
    """The plan in a reply, or what to tell the model when it is none.

    With `machine` that is also the commands that the policy denies. They are told once: a plan that
    still has one is a plan, whose findings `git orch check` names.
    """
    try:
        plan = schema.reply_plan(text)
    except PlanFileError as wrong:
        return [finding.text() for finding in wrong.findings]
    denied = command_policy.denied(plan, machine) if machine is not None else ()
    return [f"{finding.text()} [{finding.code}]; {finding.fix}" for finding in denied] or plan


def _described(machine: Capabilities) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in surroundings.described(machine))


def _stored(task: str) -> str:
    return redact.redacted(task, secrecy.secrets())
