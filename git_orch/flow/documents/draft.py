"""Ideas: plans that have no steps, no branch and no base yet."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import create
from git_orch.flow.planning.base import document
from git_orch.flow.reports import Reporter
from git_orch.plans import plan_document
from git_orch.plans.documents import markdown, templates, words
from git_orch.plans.documents.templates import Template
from git_orch.plans.history.status import Base, PlanState, Status
from git_orch.plans.plan import Plan
from git_orch.repo import identity
from git_orch.repo.log import log as store
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository


class Idea(NamedTuple):
    """An idea that is not stored yet. Without a body it has that of the template."""

    title: str
    body: str | None
    owner: str
    ready: bool = False
    template: Template | None = None

    @property
    def plan(self) -> Plan:
        """The plan without steps."""
        return Plan(self.title, self.title, (), body=self.body or None)

    def filled(self, plan_id: str, ulid: str) -> Idea:
        """The idea with the body of its template; `ulid` holds the time."""
        if self.template is None or self.body:
            return self
        of_plan = {"plan_id": plan_id, "plan_title": self.title}
        fields = {
            "id": plan_id,
            "title": self.title,
            "owner": self.owner,
            "created": markdown.time_of(ulid),
            "status": words.of_state(self.state),
        }
        return self._replace(body=templates.body(self.template, templates.values(fields | of_plan)))

    @property
    def state(self) -> PlanState:
        """The state of the plan that it becomes."""
        return PlanState.READY if self.ready else PlanState.DRAFT


def store_idea(repository: Repository, idea: Idea, reporter: Reporter) -> str:
    """Store an idea; gives the ID of its plan. Raises UnfitRepository, Refused and Busy."""
    person = identity.of_user(repository)
    create.refuse_blocked(repository)
    with contextlib.closing(objects.opened(repository)) as database:
        plan_id = create.unused_id(repository, idea.title)
        place = PlanPlace(repository, plan_id)
        log = store.LogWriter(place, database, person)
        plan = OpenPlan(place, database, person, reporter, log, None)
        whole = idea.filled(plan_id, plan.new_id()).plan
        create.refuse_secrets(repository, whole)
        created = plan.event(
            "plan.created",
            plan=plan_document.to_document(whole),
            base=document(Base(None, None)),
            origin="idea",
            state=idea.state.value,
            owner=idea.owner,
        )
        plan.record((None, created))
    return plan_id


def set_ready(plan: OpenPlan, *, ready: bool) -> bool:
    """Make an idea READY, or a DRAFT again; False where it is that already. Raises Refused for a
    plan that has a spec, and for one that was rejected.
    """
    status = plan.status()
    refuse_specified(status, plan.name)
    if status.recorded_state is (PlanState.READY if ready else PlanState.DRAFT):
        return False
    event = plan.event("plan.readied") if ready else plan.event("plan.drafted")
    plan.record((plan.home, event))
    return True


def refuse_specified(status: Status, name: str) -> None:
    """Raises Refused for a plan that is not an idea any more."""
    if status.is_idea:
        return
    if status.recorded_state is PlanState.REJECTED:
        raise errors.Refused(f"'{name}' was rejected", f"git orch edit {name}  # brings it back")
    word = words.plan_word(status)
    raise errors.Refused(
        f"'{name}' has a spec already and is {word}", f"git orch edit {name}  # changes its steps"
    )
