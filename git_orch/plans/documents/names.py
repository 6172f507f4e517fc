"""The names of exported files, below the directory of documents. They are made of a plan's ID,
which has no character that a path could misunderstand.
"""

from __future__ import annotations

from git_orch.plans import ids

PLANS = "plans"
SPECS = "specs"
REPORTS = "scout_reports"
LOGS = "exec_logs"
FOLDERS = (PLANS, SPECS, REPORTS, LOGS)


def is_ours(name: str) -> bool:
    """Whether it is the ID of a plan of git-orch, or of another document of one."""
    return ids.PLAN_ID.fullmatch(name.replace("SPEC-", "PLAN-", 1)) is not None


def spec_id(plan_id: str) -> str:
    """The ID that the spec of a plan has, or would have."""
    return f"SPEC-{plan_id.removeprefix('PLAN-')}"


def plan_file(plan_id: str) -> str:
    """The name of a plan's file in PLANS."""
    return f"{plan_id}.md"


def spec_file(plan_id: str) -> str:
    """The name of its spec's file in SPECS."""
    return f"{spec_id(plan_id)}.md"


def report_id(plan_id: str) -> str:
    """The ID of its checklist."""
    return f"{spec_id(plan_id)}-scout"


def report_file(plan_id: str) -> str:
    """The name of its checklist in REPORTS."""
    return f"{report_id(plan_id)}.md"


def log_id(plan_id: str, moment: str) -> str:
    """The ID of the log of an execution that began at a `moment` such as 20251014-093000."""
    return f"{spec_id(plan_id)}-exec-{moment}"
