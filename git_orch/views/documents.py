"""A plan's status as plain values, for programs, and the JSON Schema of these."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import document as documents
from git_orch.plans import plan_document
from git_orch.plans.document import Document
from git_orch.plans.documents import words
from git_orch.plans.history.status import (
    SATISFIED,
    Attempt,
    CheckResult,
    Noted,
    PlanState,
    Status,
    StepState,
    StepStatus,
)
from git_orch.plans.plan import Spec, Step
from git_orch.views import plan_diff, requirements
from git_orch.views.report import when

if TYPE_CHECKING:
    from git_orch.plans.drift import Verdict


class Local(NamedTuple):
    """This machine's knowledge of a plan: the worktrees in which a person works, by step ID; the
    limit that its run waits for; the conflict that a person resolves; what became of its
    requirements.
    """

    worktrees: Mapping[str, str] = MappingProxyType({})
    waiting: Document | None = None
    conflict: Document | None = None
    verdicts: Sequence[Verdict] | None = None


def document(status: Status, *, running: bool, local: Local | None = None) -> Document:
    """The plan as `git orch show --json` prints it; the schema is `git orch schema plan-status`."""
    places, waiting, conflict, verdicts = local or Local()
    estimate = status.estimate
    spec = status.plan.spec or Spec()
    return {
        "id": status.id,
        "title": status.plan.title,
        "objective": status.plan.objective,
        "state": status.state.value,
        "running": running,
        "waiting": waiting,
        "conflict": conflict,
        "interrupted": status.open_run is not None and not running,
        "created": when(status.created),
        "origin": status.origin,
        "owner": status.owner or None,
        "old_ids": list(status.old_ids),
        "status": words.plan_word(status),
        "spec_id": words.spec_id(status),
        "spec_status": words.spec_word(status),
        "body": status.plan.body,
        "approach": spec.approach or None,
        "design": spec.design or None,
        "criteria": list(spec.criteria),
        "requirements": requirements.documents(status, verdicts),
        "edit_conflicts": plan_diff.clash_documents(status),
        "notes": [_noted_document(noted) for noted in status.noted],
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
        "network": bool(step.step.network),
        "hosts": [] if isinstance(step.step.network, bool) else list(step.step.network),
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
    stored = [
        *(plan_document.check_document(check) for check in step.checks),
        *(plan_document.review_document(review) for review in step.reviews),
    ]
    results = attempt.checks if attempt is not None else ()
    commands = [result for result in results if not result.is_review]
    verdicts = [result for result in results if result.is_review]
    values: list[object] = []
    pairs = [
        *itertools.zip_longest(stored[: len(step.checks)], commands),
        *itertools.zip_longest(stored[len(step.checks) :], verdicts),
    ]
    for check, result in pairs:
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
        **({"model": result.model, "usd": result.usd} if result.is_review else {}),
    }


def _noted_document(noted: Noted) -> Document:
    return {**noted._asdict(), "when": when(noted.event)}


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


def log_documents(status: Status) -> Document:
    """The execution logs of a plan, the oldest first; no key where there is none."""
    from git_orch.plans.documents import execution_log  # which lists of plans need not load

    logs = [
        {"id": log.id, "status": log.outcome, "started": execution_log.stamp(log.began)}
        for log in execution_log.of(status.id, status.log.events)
    ]
    return {"exec_logs": logs} if logs else {}


def schema() -> Document:
    """JSON Schema of `document`."""
    text, number, truth = {"type": "string"}, {"type": "number", "minimum": 0}, {"type": "boolean"}
    texts = {"type": "array", "items": text}
    maybe_text = {"type": ["string", "null"]}
    check = object_schema(
        {},
        {"type": text, "expected_exit": {"type": "integer"}, "timeout": {"type": "integer"},
         "review": text, "model": text, "usd": number,
         "argv": texts, "command": text, "exit": {"type": "integer"}, "passed": truth,
         "result": text, "seconds": number, "output": text},
    )  # fmt: skip
    step = object_schema(
        {"id": text, "number": {"type": "integer", "minimum": 1}, "title": text, "kind": text,
         "state": {"enum": [state.value for state in StepState]},
         "commit": maybe_text, "tree": maybe_text, "verified_here": truth,
         "changed_since": truth,
         "attempts": {"type": "integer"}, "error": maybe_text, "reason": maybe_text,
         "question": maybe_text, "answer": maybe_text, "summary": text, "review": texts,
         "seconds": number, "ended": maybe_text,
         "usage": {"type": "object"}, "usd": number, "depends_on": texts, "network": truth,
         "hosts": texts, "worktree": maybe_text,
         "checks": {"type": "array", "items": check}},
        {"why": text, "prompt": text, "run": text, "argv": texts, "files": {"type": "object"},
         "paths": texts, "agent": text, "model": text, "timeout": {"type": "integer"}, "produces": texts,
         "may_be_empty": truth, "requirements": texts,
         "wait": {"type": "object"},
         "until": object_schema({"check": {"type": "object"}, "times": {"type": "integer"}})},
    )  # fmt: skip
    base = object_schema({"commit": maybe_text, "ref": maybe_text, "snapshot": truth})
    estimate = object_schema({"tokens_in": number, "tokens_out": number, "usd": number})
    landed = object_schema(
        {"mode": text, "ref": text, "commit": text, "commits": {"type": "object"}}
    )
    failed = {"type": "array", "items": object_schema({"step": text, "command": text})}
    tip = object_schema({"tree": text, "passed": truth, "failed": failed})
    now = object_schema(
        {"step": text, "number": {"type": ["integer", "null"]}, "attempt": text, "since": text,
         "usd": number, "phase": maybe_text, "worktree": maybe_text, "lines": texts}
    )  # fmt: skip
    waiting = object_schema({"until": text, "cause": text})
    conflict = object_schema({"command": text, "path": text, "abort": text})
    noted = object_schema(
        {"event": text, "when": text, "kind": text, "text": text, "step": maybe_text, "who": text}
    )  # fmt: skip
    requirement = object_schema(
        {"id": text, "text": text, "checks": texts, "watch": texts,
         "steps": {"type": "array", "items": {"type": "integer"}},
         "state": {"enum": ["open", "met", "drifted", None]}, "changed": texts, "uncommitted": texts}
    )  # fmt: skip
    clash = object_schema(
        {"step": {"type": ["integer", "null"]}, "field": maybe_text, "value": {}, "other": {}}
    )
    run = object_schema({"pid": number, "began": text, "said": texts, "phase": maybe_text})
    plan = object_schema(
        {"id": text, "title": text, "objective": text,
         "state": {"enum": [state.value for state in PlanState]},
         "owner": maybe_text, "old_ids": texts, "status": text, "spec_id": maybe_text, "spec_status": maybe_text,
         "body": maybe_text, "approach": maybe_text, "design": maybe_text, "criteria": texts,
         "requirements": {"type": "array", "items": requirement},
         "edit_conflicts": {"type": "array", "items": clash},
         "notes": {"type": "array", "items": noted},
         "running": truth, "waiting": {"anyOf": [waiting, {"type": "null"}]},
         "conflict": {"anyOf": [conflict, {"type": "null"}]},
         "interrupted": truth, "created": text, "origin": text, "base": base,
         "branch": maybe_text, "tip": maybe_text, "dependencies": texts, "missing": texts,
         "estimate": {"anyOf": [estimate, {"type": "null"}]},
         "usd": number, "elapsed_ms": number, "steps": {"type": "array", "items": step},
         "damaged_lines": number, "landed": {"anyOf": [landed, {"type": "null"}]}, "incomplete": truth,
         "tip_checked": {"anyOf": [tip, {"type": "null"}]}, "last_event": text, "archived": truth,
         "verified_here": truth},
        {"summary": run_summary_schema(),
         "attempts": {"type": "array", "items": {"type": "object"}},
         "exec_logs": {"type": "array",
                       "items": object_schema({"id": text, "status": text, "started": text})},
         "now": {"type": "array", "items": now},
         "events": {"type": "array", "items": {"type": "object"}},
         "run": {"anyOf": [run, {"type": "null"}]},
         "kept": {"type": "array", "items": object_schema({"commit": text, "why": text})}},
    )  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "git-orch plan status",
        **plan,
    }


def run_summary_schema() -> Document:
    """JSON Schema of how a run ended, in what `exec --json` gives."""
    numbers: Document = {"type": "array", "items": {"type": "integer", "minimum": 1}}
    amount: Document = {"type": "number", "minimum": 0}
    tokens: Document = {"type": "integer", "minimum": 0}
    outcomes = ["complete", "failed", "interrupted", "waiting", "review"]
    return object_schema(
        {"outcome": {"enum": outcomes},
         **dict.fromkeys(("done", "failed", "not_started", "skipped", "review"), numbers),
         "seconds": amount,
         "tokens": object_schema({"input": tokens, "output": tokens}),
         "usd": amount, "estimate_usd": amount}
    )  # fmt: skip


def object_schema(required: Document, optional: Document | None = None) -> Document:
    """JSON Schema of an object that has these properties and no others."""
    properties = {**required, **(optional or {})}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
