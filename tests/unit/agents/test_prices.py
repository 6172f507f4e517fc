"""The price table and a file of the user's that changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_orch import errors
from git_orch.agents import prices
from git_orch.plans.money import cost

ROW = """
[[model]]
id = "{id}"
date = 2026-11-20
source = "our contract"
context = 100000
max_output = 8000
adaptive_thinking = false
input = 1
output = 2
write_5m = 1.25
write_1h = 2
read = 0.1
"""


def usd(model: str, **tokens: int) -> float:
    return cost.usd(cost.Usage(**tokens), prices.load().price(model))


@pytest.mark.parametrize(
    ("model", "into", "out", "written", "read"),
    [
        ("claude-sonnet-5-5", 2, 10, 2.5, 0.10),
        ("claude-opus-5-5", 4, 20, 5, 0.20),
        ("claude-fable-5-2", 8, 40, 10, 0.20),
        ("claude-fable-5-1", 10, 50, 12.5, 0.25),
        ("claude-opus-4-5", 5, 25, 6.25, 0.50),
        ("claude-sonnet-4-5", 3, 15, 3.75, 0.30),
        ("claude-haiku-4-5", 1, 5, 1.25, 0.10),
    ],
)
def test_prices_per_million_tokens(
    model: str, into: float, out: float, written: float, read: float
) -> None:
    million = 1_000_000

    assert usd(model, input=million) == into
    assert usd(model, output=million) == out
    assert usd(model, cache_write_5m=million) == written
    assert usd(model, cache_write_1h=million) == 2 * into
    assert usd(model, cache_read=million) == read


def test_haiku_costs_five_times_as_much_above_a_hundred_thousand_tokens() -> None:
    assert usd("claude-haiku-5-5", input=100_000) == 0.01
    assert usd("claude-haiku-5-5", input=100_001) == 0.0500005


def test_every_row_has_a_date_and_a_source() -> None:
    for facts in prices.load().models.values():
        assert facts.date.startswith("2026-")
        assert facts.source


def test_the_model_that_answered_decides_also_by_its_dated_name() -> None:
    """S1-079."""
    answered = {"input_tokens": 1000, "output_tokens": 1000}
    table = prices.load()

    assert (
        cost.usd(cost.Usage.from_mapping(answered), table.price("claude-opus-4-5-20251101")) == 0.03
    )
    assert (
        cost.usd(cost.Usage.from_mapping(answered), table.price("claude-sonnet-4-5-20250929"))
        == 0.018
    )


def test_an_unknown_model_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(errors.UsageError) as caught:
        prices.load().price("claude-sonnet-9")

    assert "'claude-sonnet-9'" in caught.value.cause
    assert "claude-sonnet-5-5" in caught.value.hint


def test_a_file_adds_and_replaces_rows(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(ROW.format(id="local-model") + ROW.format(id="claude-opus-5-5"))

    table = prices.load(path)

    assert table.facts("local-model").context == 100_000
    assert cost.usd(cost.Usage(output=1_000_000), table.price("claude-opus-5-5")) == 2
    assert table.price("claude-sonnet-5-5") == prices.load().price("claude-sonnet-5-5")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not toml", "expected '=' after a key"),
        (ROW.format(id="m").replace("read = 0.1", ""), "model 1: read is missing"),
        (
            ROW.format(id="m").replace("read = 0.1", "read = -0.1"),
            "model 1: read must be USD per million tokens",
        ),
        (
            ROW.format(id="m").replace("read = 0.1", "read = nan"),
            "model 1: read must be USD per million tokens",
        ),
        (
            ROW.format(id="m").replace("read = 0.1", 'read = "0.1"'),
            "model 1: read must be USD per million tokens",
        ),
        (
            ROW.format(id="m").replace("context = 100000", "context = 0"),
            "context must be a number of tokens",
        ),
        (ROW.format(id="m") + "reed = 1\n", "model 1: unknown field 'reed'"),
        (ROW.format(id="m") + "[[model.tier]]\nabove = 5\n", "model 1, tier 1: input is missing"),
    ],
)
def test_a_bad_file_is_told_by_field(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)

    with pytest.raises(errors.UsageError) as caught:
        prices.load(path)

    assert told in caught.value.cause


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="no such file or directory"):
        prices.load(tmp_path / "prices.toml")
