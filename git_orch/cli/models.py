"""git orch models: list the models of the provider, with their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors, notices
from git_orch.cli import here
from git_orch.repo import settings
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.agents.prices import Prices

_RATES = ("input", "output", "write_5m", "write_1h", "read")


@click.command("models")
@here.price_unknown_option
@here.json_option
def command(*, as_json: bool) -> None:
    """List the models that the provider offers, with their prices; without a key or a network those
    of the price table. An asterisk marks the one of orch.model.
    """
    from git_orch.flow.model import service

    chosen = settings.of_user(here.find_repository())
    table = service.price_table(chosen)
    titles: dict[str, str] = {}
    try:
        titles = {offer.id: offer.title for offer in service.offered(chosen)}
        if not titles:
            notices.tell("these are the models of the price table: the provider names none")
    except (errors.ProviderFailed, errors.ProviderLimit) as without:
        notices.tell(f"these are the models of the price table: {without.cause}")
    names = list(titles) or list(table.models)
    if chosen.model not in names:
        notices.warn_once("orch.model", f"'{chosen.model}' (orch.model) is not one of them")
    if as_json:
        rows = [_document(table, name, titles.get(name), chosen.model) for name in names]
        here.print_json({"source": "provider" if titles else "table", "models": rows})
        return
    width = max(map(len, names))
    console.out(f"  {'model':{width}}  {'input':>9}  {'output':>9}  {'context':>9}")
    for name in names:
        console.out("* " if name == chosen.model else "  ", name.ljust(width), _row(table, name))


def _row(table: Prices, name: str) -> str:
    try:
        facts = table.facts(name)
    except errors.UnpricedModel:
        return "  no price: see orch.prices and orch.priceUnknown"
    rates = facts.price.rates
    return f"  {_usd(rates.input):>9}  {_usd(rates.output):>9}  {facts.context:>9,}"


def _usd(rate: object) -> str:
    return f"${rate:,.2f}"


def _document(table: Prices, name: str, title: str | None, chosen_model: str) -> dict[str, object]:
    """The facts about a model, in USD per million tokens, and in tokens; null where nobody has told
    them.
    """
    document: dict[str, object] = {"id": name, "title": title, "chosen": name == chosen_model}
    try:
        facts = table.facts(name)
    except errors.UnpricedModel:
        unknown = ("prices", "context", "max_output", "price_date", "price_source")
        return {**document, **dict.fromkeys(unknown)}
    return {
        **document,
        "prices": {rate: float(getattr(facts.price.rates, rate)) for rate in _RATES},
        "context": facts.context,
        "max_output": facts.max_output,
        "price_date": facts.date,
        "price_source": facts.source,
    }
