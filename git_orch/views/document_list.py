"""Plans, or their specs, as documents in a list: ID, how far it is, owner, title."""

from __future__ import annotations

from collections.abc import Sequence

from git_orch.plans.documents import names, words
from git_orch.plans.history.status import Status
from git_orch.views.console import Styled
from git_orch.views.headlines import Line


def lines(statuses: Sequence[Status], *, of_specs: bool) -> list[Line]:
    """One line for each."""
    rows = [_row(status, of_specs=of_specs) for status in statuses]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 2)]
    return [
        (Styled(name.ljust(widths[0]), "bold"), f"  {word:<9}  {owner.ljust(widths[1])}  ", title)
        for name, word, owner, title in rows
    ]


def _row(status: Status, *, of_specs: bool) -> tuple[str, str, str, str]:
    name = names.spec_id(status.id) if of_specs else status.id
    word = (words.spec_word(status) or "") if of_specs else words.plan_word(status)
    return name, word, status.owner or "-", status.plan.title
