"""A limit of money that is used up: its sentence, and the limit that is offered after it."""

from __future__ import annotations

import pytest

from git_orch.plans.money.used_up import UsedUp, raising_option


@pytest.mark.parametrize(
    ("limit", "needed", "offered"),
    [
        (0.06, 0.09, "0.12"),
        (0.06, 0.5, "0.5"),
        (0.0104, 0.02, "0.021"),
        (50.0, 60.0, "100"),
        (0.0123, 0.1, "0.1"),
    ],
)
def test_a_hint_offers_twice_the_limit_or_what_the_next_request_needs(
    limit: float, needed: float, offered: str
) -> None:
    assert UsedUp("plan", limit, 0.0, 0.0, needed).option() == f"--max-usd {offered}"


@pytest.mark.parametrize(
    ("reached", "option"),
    [
        (UsedUp("plan", 0.02, 0.014, 0.0, 0.0155), "--max-usd 0.04"),
        (UsedUp("step", 0.5, 0.25, 0.0, 0.255), "--max-step-usd 1.0"),
        (UsedUp("plan", 0.02, 0.014, 0.03, 0.0155), "--max-usd 0.060"),
        (UsedUp("plan", 1200.0, 1199.5, 0.0, 1.0), "--max-usd 2400"),
    ],
)
def test_the_sentence_in_a_log_tells_the_limit_to_offer(reached: UsedUp, option: str) -> None:
    assert raising_option(reached.sentence()) == option


@pytest.mark.parametrize("error", [None, "", "exited 1", "the plan has cost $1 of at most $x; rm"])
def test_other_errors_offer_no_limit(error: str | None) -> None:
    assert raising_option(error) is None
