"""The price table: price and context of models, with the date and source of every row."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import document as documents
from git_orch.plans import sentences
from git_orch.plans.money import cost

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLE = Path(__file__).with_name("prices.toml")
_CONTEXT = 128_000  # tokens
_OUTPUT = 16_000  # tokens
_RATES = cost.Rates._fields
# The provider answers as claude-sonnet-4-5-20250929 to claude-sonnet-4-5.
_SNAPSHOT_DATE = re.compile(r"-20\d{6}$")


class ModelFacts(NamedTuple):
    """The facts about a model that a call needs; `context` and `max_output` are tokens."""

    id: str
    price: cost.Price
    context: int
    max_output: int
    adaptive_thinking: bool
    date: str
    source: str


@dataclass(frozen=True, slots=True)
class Prices:
    """The models in the table, by ID, and the price of every other one, where the user has named
    it.
    """

    models: Mapping[str, ModelFacts]
    unknown: cost.Price | None = None

    def facts(self, model: str) -> ModelFacts:
        """The facts about a model, also under a name with a snapshot date. Raises UsageError for an
        unknown one.
        """
        facts = self.models.get(model) or self.models.get(base_name(model))
        if facts is None and self.unknown is not None:
            return _facts_of_unknown(model, self.unknown)
        if facts is None:
            raise errors.UnpricedModel(
                f"there is no price for model '{model}'",
                f"choose one of {', '.join(self.models)}, or name a file with a row for it: "
                "git config --global orch.prices FILE; or say what all others cost: "
                "git config --global orch.priceUnknown USD",
            )
        return facts

    def price(self, model: str) -> cost.Price:
        """The price of a model. Raises UsageError for an unknown one: never zero, never another
        model's price.
        """
        return self.facts(model).price


def base_name(model: str) -> str:
    """The name of a model without the date of its snapshot."""
    return _SNAPSHOT_DATE.sub("", model)


def _facts_of_unknown(model: str, price: cost.Price) -> ModelFacts:
    """The facts about a model of which nothing but the price is known: the rest is what the smallest
    of today's models have.
    """
    return ModelFacts(model, price, _CONTEXT, _OUTPUT, False, "", "orch.priceUnknown")


def load(extra: Path | None = None, unknown: float | None = None) -> Prices:
    """The built-in table; rows of the file `extra` replace its rows or join them. `unknown` is the
    price of all other models, in USD per million tokens. Raises UsageError for a bad file.
    """
    models = _rows(_TABLE)
    if extra is not None:
        models |= _rows(extra)
    if unknown is None:
        return Prices(models)
    rate = Decimal(str(unknown))
    return Prices(models, cost.Price(cost.Rates(rate, rate, rate, rate, rate)))


def _rows(path: Path) -> dict[str, ModelFacts]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        rows = [_facts(item, f"model {number}") for number, item in _entries(document, "model")]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, documents.BadDocument) as error:
        raise errors.UsageError(
            f"cannot read prices from {sentences.quoted(path)}: {_lower_first(error)}",
            "give each [[model]] id, date, source, context, max_output, adaptive_thinking, "
            f"{', '.join(_RATES)} and nothing else",
        ) from error
    return {row.id: row for row in rows}


def _lower_first(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words[:1].lower() + words[1:]


def _entries(document: Mapping[str, object], name: str) -> enumerate[object]:
    return enumerate(documents.sequence(document, name), start=1)


def _facts(item: object, where: str) -> ModelFacts:
    fields = documents.mapping(item, where)
    unknown = fields.keys() - {
        *_RATES,
        "tier",
        "id",
        "date",
        "source",
        "context",
        "max_output",
        "adaptive_thinking",
    }
    if unknown:
        raise documents.BadDocument(f"{where}: unknown field '{min(unknown)}'")
    tiers = tuple(
        _tier(tier, f"{where}, tier {number}") for number, tier in _entries(fields, "tier")
    )
    return ModelFacts(
        id=documents.text(fields, "id"),
        price=cost.Price(_rates(fields, where), tiers),
        context=_tokens(fields, "context", where),
        max_output=_tokens(fields, "max_output", where),
        adaptive_thinking=fields.get("adaptive_thinking") is True,
        date=str(_value(fields, "date", where)),
        source=documents.text(fields, "source"),
    )


def _tier(item: object, where: str) -> cost.Tier:
    fields = documents.mapping(item, where)
    return cost.Tier(_tokens(fields, "above", where), _rates(fields, where))


def _rates(fields: Mapping[str, object], where: str) -> cost.Rates:
    return cost.Rates(*(_usd(fields, name, where) for name in _RATES))


def _usd(fields: Mapping[str, object], name: str, where: str) -> Decimal:
    value = _value(fields, name, where)
    number = Decimal(value) if isinstance(value, int) else value
    if (
        not isinstance(number, Decimal)
        or isinstance(value, bool)
        or not number.is_finite()
        or number < 0
    ):
        raise documents.BadDocument(f"{where}: {name} must be USD per million tokens, zero or more")
    return number


def _tokens(fields: Mapping[str, object], name: str, where: str) -> int:
    value = _value(fields, name, where)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise documents.BadDocument(f"{where}: {name} must be a number of tokens")
    return value


def _value(fields: Mapping[str, object], name: str, where: str) -> object:
    if name not in fields:
        raise documents.BadDocument(f"{where}: {name} is missing")
    return fields[name]
