"""Drafts of plans: from a file somebody wrote, a template, or a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from git_orch.agents.prices import Prices
from git_orch.flow.model import estimate as estimating
from git_orch.flow.model import service as models
from git_orch.flow.planning import ask, validate
from git_orch.flow.planning.ask import Terms
from git_orch.flow.planning.create import Draft
from git_orch.flow.planning.replies import ReplyFile
from git_orch.flow.reports import Reporter
from git_orch.plans import redact
from git_orch.plans.file import planfile, schema
from git_orch.plans.file.findings import Finding, PlanFileError
from git_orch.plans.money import budget
from git_orch.plans.plan import Plan
from git_orch.repo.repository import Repository
from git_orch.sandbox import secrecy

if TYPE_CHECKING:
    from git_orch.agents import planner
    from git_orch.plans.imports.task import Files
    from git_orch.templates.template import Template

# The model has said itself what is missing.
_NOT_THE_MODELS = frozenset({"command-missing"})


def from_file(text: str, name: str, model: str, table: Prices) -> Draft:
    """The plan in a file's text; `name` is for messages. Raises UsageError that names field and
    line.
    """
    plan = planfile.read(text, name)
    return Draft(plan, "file", estimating.plan_estimate(plan, model, table))


def from_other_tool(
    files: Files, model: str, table: Prices
) -> tuple[Draft, tuple[str, ...]] | None:
    """The plan of a file of another tool, with a line for everything that it leaves out; None for a
    file of no such tool. Raises UsageError.
    """
    from git_orch.plans.imports import recognise

    imported = recognise.read(files)
    if imported is None:
        return None
    estimate = estimating.plan_estimate(imported.plan, model, table)
    return Draft(imported.plan, "file", estimate), imported.notes


def from_template(
    template: Template, variables: Mapping[str, str], model: str, table: Prices
) -> Draft:
    """The plan of a template. Raises UsageError for values that are wrong or missing."""
    from git_orch.templates import template as templates

    plan = templates.plan_from(template, variables)
    estimate = estimating.plan_estimate(plan, model, table)
    return Draft(plan, "template", estimate, needs_approval=not template.is_own)


def from_model(
    repository: Repository,
    terms: Terms,
    reporter: Reporter,
    file: ReplyFile,
    *,
    with_spec: bool = False,
) -> Draft:
    """Let a model make a plan of the task in the file, which is to be removed once the plan is
    stored. What an earlier planning of it has cost is the plan's cost, too. The plan of an idea comes
    `with_spec`.
    """

    def question(delimiter: str) -> planner.Question:
        asked = _question(repository, file.task, terms, delimiter)
        return replace(asked, asks_spec=with_spec)

    plan = ask.ask(
        repository,
        terms,
        reporter,
        file,
        question,
        lambda text: _parse_reply(text, repository),
    )
    estimate = estimating.plan_estimate(plan, terms.model, models.price_table(terms.chosen))
    task = redact.redacted(file.task, secrecy.secrets())
    return Draft(plan, "model", estimate, task, file.calls, file.path)


def prompt_tokens(repository: Repository, task: str, terms: Terms) -> int:
    """About how many tokens the first request has; nobody is asked."""
    question = _question(repository, task, terms, "0" * 16)
    return tokens_of(question, with_tools=terms.look and terms.base is not None)


def tokens_of(question: planner.Question, *, with_tools: bool) -> int:
    """About how many tokens the first request of a question has."""
    read = json.dumps(
        [question.system(with_tools=with_tools), question.message()], ensure_ascii=False
    )
    return len(read.encode("utf-8", "replace")) // budget.BYTES_PER_TOKEN


def _question(repository: Repository, task: str, terms: Terms, delimiter: str) -> planner.Question:
    from git_orch.agents import planner

    facts = ask.capabilities(repository, terms)
    sections = ask.map_of(repository, task, terms)
    return planner.Question(task, facts, terms.model, delimiter, sections)


def _parse_reply(text: str, repository: Repository) -> Plan | planner.Flawed[Plan]:
    """The plan in a reply, or the findings for the model to correct: those of `git orch check`. A
    plan that keeps some is a plan, and its findings are printed.
    """
    from git_orch.agents import planner

    try:
        plan = schema.reply_plan(text)
    except PlanFileError as wrong:
        return planner.Flawed([finding.of_field() for finding in wrong.findings])
    problems = [
        finding_text(finding)
        for finding in validate.findings_of_plan(repository, plan)
        if is_for_model(finding)
    ]
    return planner.Flawed(problems, plan) if problems else plan


def is_for_model(finding: Finding) -> bool:
    """Whether the model that made the plan is to correct what was found."""
    return finding.level != "note" and finding.code not in _NOT_THE_MODELS


def finding_text(finding: Finding) -> str:
    """A finding and its remedy, for a model."""
    return f"{finding.of_field()} [{finding.code}]; {finding.fix}"
