"""The lines about an attempt that runs."""

from __future__ import annotations

import pytest

from git_orch.plans import ids
from git_orch.repo.local.live import Now
from git_orch.repo.local.phases import Phase
from git_orch.views import activity

LONG_AGO = ids.ulid(0, 0)


def shown(now: Now) -> list[str]:
    return [
        "".join(part if isinstance(part, str) else part.text for part in line)
        for line in activity.lines(now)
    ]


@pytest.mark.parametrize(
    ("phase", "begins"),
    [
        (Phase("check 2", None, 3, "Do it"), "now      step 3 Do it: check 2, for "),
        (Phase(), "now      step s3: for "),
        (Phase("model", None, 3), "now      step 3 s3: model, for "),
        (Phase("model", None, 3, "a\nb"), "now      step 3 a\n         b: model, for "),
    ],
)
def test_a_line_has_the_step_and_its_phase(phase: Phase, begins: str) -> None:
    [line] = shown(Now("s3", "A", LONG_AGO, 0.0, (), phase))
    assert line.startswith(begins)


def test_a_line_has_the_cost_and_another_one_the_worktree() -> None:
    first, second = shown(Now("s3", "A", LONG_AGO, 0.5, (), Phase("model", "/tmp/w")))
    assert first.endswith(" s, $0.50")
    assert second == "         worktree: /tmp/w"
