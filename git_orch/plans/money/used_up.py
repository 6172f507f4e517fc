"""A limit of money that a request does not fit into: the sentence that the log keeps, and the limit
to offer after it.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from git_orch.plans import sentences

_USD = r"\$(\d{1,12}(?:\.\d{1,9})?)"
_SENTENCE = re.compile(
    rf"the (plan|step) has cost {_USD}(?: \({_USD} more for requests under way\))? "
    rf"of at most {_USD}, and the next request may cost {_USD}"
)
_ROUNDED = 0.0002  # USD; what the digits of a sentence may leave out of two amounts


class UsedUp(NamedTuple):
    """The limit of a plan or a step, its cost so far, the cost of requests under way, and what the
    next request may cost, in USD.
    """

    whose: str
    limit: float
    spent: float
    held: float
    request: float

    def sentence(self) -> str:
        """The cause of the stop."""
        held = f" ({sentences.usd(self.held)} more for requests under way)" if self.held else ""
        cause = f"the {self.whose} has cost {sentences.usd(self.spent)}{held}"
        limit, request = sentences.usd(self.limit), sentences.usd(self.request)
        return f"{cause} of at most {limit}, and the next request may cost {request}"

    def option(self) -> str:
        """The option that raises the limit far enough: to twice of it, or to what the next request
        needs, in two digits.
        """
        least = Decimal(repr(max(2 * self.limit, self.spent + self.held + self.request)))
        unit = Decimal(1).scaleb(least.adjusted() - 1)
        usd = (least / unit).to_integral_value(ROUND_CEILING) * unit
        name = "--max-usd" if self.whose == "plan" else "--max-step-usd"
        return f"{name} {usd:f}"


def raising_option(error: str | None) -> str | None:
    """The option that raises the limit of which the error of an attempt speaks, None where it
    speaks of none.
    """
    match = _SENTENCE.match(error or "")
    if match is None:
        return None
    spent, held, limit, request = (float(amount or 0) for amount in match.groups()[1:])
    return UsedUp(match[1], limit, spent, held, request + _ROUNDED).option()
