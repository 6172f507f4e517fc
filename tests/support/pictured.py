"""Plans for pictures and pages: their statuses without a repository, and texts that would break out
of a picture or a page.
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from git_orch.plans.history.events import Log
from git_orch.plans.history.status import Attempt, Base, PlanState, Status, StepState, StepStatus
from git_orch.plans.plan import Command, Plan, Step

ID = "PLAN-20261130-0123456789-a-picture"
HOSTILE = (
    "</title></svg><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]> --> <!-- </pre></details></style>",
    "&lt;b&gt; &amp; &#x41; &copy",
    '\\" \\\\" ]; x -> y; "',
    '"] %%{init: {}}%% end; s1 --> s9 `md` #35; style a:#;',
    "\x1b]0;x\x07 \x00 \x9b \r over",
    "left \u202e tfel \u200b \ufeff \ufffe \uffff",
    "\udcff\ud800",
    "javascript:alert(1) {{7*7}} ${x} <%= x %>",
)


def step(number: int, needs: Sequence[int] = (), **fields: object) -> Step:
    """A run step."""
    command = Command(argv=("true",))
    kept = {"title": f"Step {number}", "kind": "run", "command": command, **fields}
    depends_on = tuple(f"s{need}" for need in needs)
    return Step(id=f"s{number}", depends_on=depends_on, **kept)  # type: ignore[arg-type]


def status(
    steps: Sequence[Step],
    states: Sequence[StepState] = (),
    attempts: Sequence[Attempt] = (),
    **fields: object,
) -> Status:
    """A plan with these steps, whose states are pending where none is named."""
    plan = Plan(str(fields.pop("title", "A picture")), "to look at", tuple(steps))
    last = {attempt.step: attempt for attempt in attempts}
    of_steps = tuple(
        StepStatus(one, number, state or StepState.PENDING, attempt=last.get(one.id))
        for number, (one, state) in enumerate(itertools.zip_longest(steps, states), start=1)
    )
    made = Status(
        ID, plan, PlanState.VALIDATED, of_steps, Base(None, None), None, "0" * 26, "", Log(), "",
        PlanState.VALIDATED, tuple(attempts),
    )  # fmt: skip
    return made._replace(**fields)  # type: ignore[arg-type]


def parsed(text: str) -> ET.Element:
    """The root of XML."""
    return ET.fromstring(text)  # noqa: S314 - our own
