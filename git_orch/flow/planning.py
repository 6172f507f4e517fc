"""Where plans come from: a file somebody wrote, a template, or a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from git_orch.agents import prices
from git_orch.agents.prices import Prices
from git_orch.flow.creation import Draft
from git_orch.plans import cost, planfile
from git_orch.plans.plan import Document, Plan


def from_file(text: str, name: str, model: str, table: Prices) -> Draft:
    """The plan in a file's text; `name` is for messages. Raises UsageError that names field and line."""
    plan = planfile.read(text, name)
    return Draft(plan, "file", estimated(plan, model, table))


def from_template(name: str, variables: Mapping[str, str], model: str, table: Prices) -> Draft:
    """The plan of a built-in template. Raises UsageError for unknown names and missing variables."""
    from git_orch.templates import render

    plan = render.render(name, variables)
    return Draft(plan, "template", estimated(plan, model, table))


def estimated(plan: Plan, model: str, table: Prices) -> Document:
    """What the plan may use, as its log stores it: tokens, and USD at the model's price."""
    found = cost.estimate(plan, lambda name: table.price(name or model))
    return {"tokens_in": found.tokens_in, "tokens_out": found.tokens_out, "usd": found.usd}


def price_table(extra: str | None) -> Prices:
    """The built-in prices, with the user's own on top."""
    return prices.load(Path(extra).expanduser() if extra else None)
