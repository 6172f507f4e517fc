"""A plan's status as plain values, for programs, and the JSON Schema of these."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from git_orch.plans import document as documents
from git_orch.plans import plan_document
from git_orch.plans.document import Document
from git_orch.plans.history.status import (
    SATISFIED,
    Attempt,
    CheckResult,
    PlanState,
    Status,
    StepState,
    StepStatus,
)
from git_orch.plans.plan import Step
from git_orch.views.report import when


def document(
    status: Status,
    *,
    running: bool,
    worktrees: Mapping[str, str] | None = None,
    waiting: Document | None = None,
) -> Document:
    """The plan as `git orch show --json` prints it; the schema is `git orch schema plan-status`.

    `worktrees` are those in which a person works, by step ID; `waiting` is the limit
    that its run waits for.
    """
    places = worktrees or {}
    estimate = status.estimate
    return {
        "id": status.id,
        "title": status.plan.title,
        "objective": status.plan.objective,
        "state": status.state.value,
        "running": running,
        "waiting": waiting,
        "interrupted": status.open_run is not None and not running,
        "created": when(status.created),
        "origin": status.origin,
        "base": {
            "commit": status.base.commit,
            "ref": status.base.ref,
            "snapshot": status.base.snapshot,
        },
        "branch": f"refs/heads/orch/{status.id}"
        if status.branch is not None and status.archived is None
        else None,
        "tip": status.branch.tip if status.branch is not None else None,
        "dependencies": list(status.plan.dependencies),
        "missing": list(status.plan.missing),
        "estimate": None
        if estimate is None
        else {
            "tokens_in": estimate.tokens_in,
            "tokens_out": estimate.tokens_out,
            "usd": estimate.usd,
        },
        "usd": round(status.usd(), 9),
        "elapsed_ms": round(status.run_seconds * 1000),
        "steps": [
            {**_step_document(status, step), "worktree": places.get(step.id)}
            for step in status.steps
        ],
        "landed": _landing_document(status),
        "tip_checked": _tip_document(status),
        "last_event": last_event(status),
        "archived": status.archived is not None,
        "verified_here": status.is_verified_here(),
        "damaged_lines": status.damaged,
        "incomplete": status.incomplete,
    }


def last_event(status: Status) -> str:
    """The ID of the newest event of the log."""
    return status.log.events[-1].id


def _tip_document(status: Status) -> Document | None:
    """The last run of all checks on the present tip; None when they did not run on its tree."""
    checked, branch = status.tip_checked, status.branch
    if (
        checked is None
        or branch is None
        or not branch.commits
        or branch.commits[-1].tree != checked.tree
    ):
        return None
    failed = [failure._asdict() for failure in checked.failed]
    return {"tree": checked.tree, "passed": checked.passed, "failed": failed}


def _landing_document(status: Status) -> Document | None:
    landed = status.landed
    if landed is None:
        return None
    return {
        "mode": landed.mode,
        "ref": landed.ref,
        "commit": landed.new,
        "commits": dict(landed.commits),
    }


def _step_document(status: Status, step: StepStatus) -> Document:
    calls = [call for call in status.calls if call.step == step.id]
    attempt = step.attempt
    stored = plan_document.step_document(step.step)
    failed = attempt if step.state in (StepState.FAILED, StepState.STOPPED) else None
    return {
        **stored,
        "network": step.step.network,
        "number": step.number,
        "state": step.state.value,
        "verified_here": step.state in SATISFIED and step.step.id not in status.unverified_here,
        "changed_since": step.changed_since,
        "commit": step.commit.oid if step.commit is not None else None,
        "tree": step.commit.tree if step.commit is not None else None,
        "attempts": sum(1 for one in status.attempts if one.step == step.id),
        "error": failed.error if failed is not None else None,
        "reason": failed.reason if failed is not None else None,
        "question": attempt.question if attempt is not None else None,
        "answer": (attempt.answer or None) if attempt is not None else None,
        "summary": attempt.summary if attempt is not None else "",
        "review": list(attempt.review) if attempt is not None else [],
        "seconds": attempt.seconds if attempt is not None else 0,
        "ended": when(attempt.event) if attempt is not None else None,
        "usage": _usage(call.usage for call in calls),
        "usd": round(sum(call.usd for call in calls), 9),
        "depends_on": list(step.step.depends_on),
        "checks": _checks(step.step, attempt),
    }


def _usage(usages: Iterable[object]) -> Document:
    """Sums of the numeric fields of verbatim usages."""
    total: dict[str, int] = {}
    for usage in usages:
        for name, value in documents.mapping(
            usage if isinstance(usage, dict) else {}, "usage"
        ).items():
            if isinstance(value, int) and not isinstance(value, bool):
                total[name] = total.get(name, 0) + value
    return {**total}


def _checks(step: Step, attempt: Attempt | None) -> list[object]:
    stored = documents.sequence(plan_document.step_document(step), "checks")
    results = attempt.checks if attempt is not None else ()
    values: list[object] = []
    for check, result in itertools.zip_longest(stored, results):
        result_value = _check_result(result) if result is not None else {}
        of_plan = documents.mapping(check, "check") if check is not None else {}
        hook = (
            {"type": result.type, "command": result.command}
            if check is None and result is not None
            else {}
        )
        values.append({**of_plan, **hook, **result_value})
    return values


def _check_result(result: CheckResult) -> Document:
    return {
        "exit": result.exit,
        "passed": result.passed,
        "result": result.reason,
        "seconds": result.seconds,
        "output": result.text,
    }


def attempt_documents(status: Status) -> list[Document]:
    """All attempts as plain values, oldest first."""
    return [_attempt_document(attempt) for attempt in status.attempts]


def _attempt_document(attempt: Attempt) -> Document:
    return {
        "id": attempt.id,
        "step": attempt.step,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "commit": attempt.commit,
        "error": attempt.error,
        "question": attempt.question,
        "answer": attempt.answer or None,
        "remarks": list(attempt.remarks),
        "seconds": attempt.seconds,
        "ended": when(attempt.event),
        "summary": attempt.summary,
    }


def schema() -> Document:
    """JSON Schema of `document`."""
    text, number, truth = {"type": "string"}, {"type": "number", "minimum": 0}, {"type": "boolean"}
    texts = {"type": "array", "items": text}
    maybe_text = {"type": ["string", "null"]}
    check = _object(
        {"type": text, "expected_exit": {"type": "integer"}, "timeout": {"type": "integer"}},
        {"argv": texts, "command": text, "exit": {"type": "integer"}, "passed": truth,
         "result": text, "seconds": number, "output": text},
    )  # fmt: skip
    step = _object(
        {"id": text, "number": {"type": "integer", "minimum": 1}, "title": text, "kind": text,
         "state": {"enum": [state.value for state in StepState]},
         "commit": maybe_text, "tree": maybe_text, "verified_here": truth,
         "changed_since": truth,
         "attempts": {"type": "integer"}, "error": maybe_text, "reason": maybe_text,
         "question": maybe_text, "answer": maybe_text, "summary": text, "review": texts,
         "seconds": number, "ended": maybe_text,
         "usage": {"type": "object"}, "usd": number, "depends_on": texts, "network": truth,
         "worktree": maybe_text,
         "checks": {"type": "array", "items": check}},
        {"why": text, "prompt": text, "run": text, "argv": texts, "files": {"type": "object"},
         "paths": texts, "model": text, "timeout": {"type": "integer"}, "produces": texts,
         "may_be_empty": truth},
    )  # fmt: skip
    base = _object({"commit": maybe_text, "ref": maybe_text, "snapshot": truth})
    estimate = _object({"tokens_in": number, "tokens_out": number, "usd": number})
    landed = _object({"mode": text, "ref": text, "commit": text, "commits": {"type": "object"}})
    failed = {"type": "array", "items": _object({"step": text, "command": text})}
    tip = _object({"tree": text, "passed": truth, "failed": failed})
    now = _object(
        {"step": text, "number": {"type": ["integer", "null"]}, "attempt": text, "since": text,
         "usd": number, "lines": texts}
    )  # fmt: skip
    waiting = _object({"until": text, "cause": text})
    run = _object({"pid": number, "began": text, "said": texts})
    plan = _object(
        {"id": text, "title": text, "objective": text,
         "state": {"enum": [state.value for state in PlanState]},
         "running": truth, "waiting": {"anyOf": [waiting, {"type": "null"}]},
         "interrupted": truth, "created": text, "origin": text, "base": base,
         "branch": maybe_text, "tip": maybe_text, "dependencies": texts, "missing": texts,
         "estimate": {"anyOf": [estimate, {"type": "null"}]},
         "usd": number, "elapsed_ms": number, "steps": {"type": "array", "items": step},
         "damaged_lines": number, "landed": {"anyOf": [landed, {"type": "null"}]}, "incomplete": truth,
         "tip_checked": {"anyOf": [tip, {"type": "null"}]}, "last_event": text, "archived": truth,
         "verified_here": truth},
        {"attempts": {"type": "array", "items": {"type": "object"}},
         "now": {"type": "array", "items": now},
         "events": {"type": "array", "items": {"type": "object"}},
         "run": {"anyOf": [run, {"type": "null"}]},
         "kept": {"type": "array", "items": _object({"commit": text, "why": text})}},
    )  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "git-orch plan status",
        **plan,
    }


def _object(required: Document, optional: Document | None = None) -> Document:
    properties = {**required, **(optional or {})}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
