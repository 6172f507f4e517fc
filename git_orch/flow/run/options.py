"""Options that the user chose for a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from git_orch.flow.run.remarks import NOTHING, Remarks
from git_orch.plans import agents
from git_orch.plans.plan import Step

ALL_TOOLS = frozenset({"read", "write", "command"})


@dataclass(frozen=True, slots=True)
class Options:
    """Options that the user chose for this run. `tools` narrows what a model may use; `model` is
    the default model's name.

    `max_usd` and `max_step_usd` are what the plan and each step may cost, all runs together,
    instead of what was approved or set; 0 is no limit. `chosen` are step IDs (None: all),
    `left_out` those that somebody named to be left out or that need one of these, which `force`
    runs. `retries` is None where nobody asked, `backoff` is in seconds. `remarks` are what a person
    typed about steps; of the others what the log has counts. `agent` is the program that does agent
    steps which name none ("": git-orch does). With `approved` running approves nothing.
    `debug_step` is the ID of a step whose prompt people see.
    """

    model: str
    tools: frozenset[str] = ALL_TOOLS
    max_usd: float | None = None
    max_step_usd: float | None = None
    chosen: frozenset[str] | None = None
    left_out: frozenset[str] = frozenset()
    force: bool = False
    jobs: int = 1
    keep_going: bool = False
    retries: int | None = None
    backoff: float = 0.0
    retry_model: str | None = None
    strict: bool = False
    roll_back: bool = False
    use_cache: bool = True
    check_tip: bool = True
    in_place: bool = False
    approved: bool = False
    remarks: Remarks = field(default_factory=lambda: NOTHING)
    agent: str = ""
    debug_step: str | None = None

    def agent_of(self, step: Step) -> str:
        """The choice of the program that does the step; "" where git-orch does it, or a person."""
        return agents.of_step(step, self.agent)

    def asks_model(self, step: Step) -> bool:
        """Whether git-orch asks a model for the step: to do it, or to judge it."""
        return bool(step.reviews) or (step.kind == "agent" and not self.agent_of(step))
