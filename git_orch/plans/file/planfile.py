"""Reading plan files: what people write and edit, in YAML or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_orch.plans.file import source
from git_orch.plans.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable


def read(text: str, name: str, ids: Iterable[str] = (), old: Plan | None = None) -> Plan:
    """The plan in a file's text. Messages call the file `name`; `ids` are all step IDs that the
    plan ever used. Steps without an ID that are steps of the `old` text keep the ID from there.

    Raises PlanFileError with all findings.
    """
    from git_orch.plans.file import schema  # pydantic costs 50 ms, and writing needs none of it

    return schema.plan_of(source.read(text, name), name, ids, old)


def read_idea(text: str, name: str, plan: str) -> Plan:
    """The idea in a file's text, a plan without steps. Messages call the file `name`; `plan` is the
    handle of its plan. Raises PlanFileError with all findings, and UsageError for a file with steps.
    """
    from git_orch.plans.file import schema

    return schema.idea_of(source.read(text, name), name, plan)
