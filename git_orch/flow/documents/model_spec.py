"""The spec of an idea by a model, which sees the idea and a map of the repository."""

from __future__ import annotations

import contextlib

from git_orch import errors
from git_orch.flow.documents import spec
from git_orch.flow.documents.spec import Draft
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import create, draft, replies, revise
from git_orch.flow.planning.ask import Terms
from git_orch.plans.history.status import Base
from git_orch.plans.plan import Plan


def write(plan: OpenPlan, terms: Terms, base: Base, title: str | None = None) -> None:
    """Let a model write the spec of a plan that is an idea, and store it. What the calls have cost
    becomes the plan's, also where there is no spec in the end. Raises ProviderFailed and StepFailed.
    """
    status = plan.status()
    with contextlib.ExitStack() as held:
        file = held.enter_context(replies.begin(plan.repository, _task(status.plan, title)))
        try:
            drafted = draft.from_model(plan.repository, terms, plan.reporter, file, with_spec=True)
        except errors.OrchError:
            revise.record_calls(plan, file)
            raise
        plain = spec.of_plan(status.plan, drafted.plan, "model", drafted.estimate)
        spec.write(plan, Draft(plain.plan, "model", plain.estimate, file.calls), base)
        create.put_away_reply(plan.place, file.path, plan.new_id())


def _task(idea: Plan, title: str | None) -> str:
    """The idea as a model reads it."""
    parts = [idea.title, idea.body or "", f"The spec is about: {title}" if title else ""]
    return "\n\n".join(part for part in parts if part.strip())
