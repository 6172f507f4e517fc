"""What machines wrote, read with types; a hostile one is refused by the name of its field."""

from __future__ import annotations

import json

import pytest

from git_orch.plans import document
from git_orch.plans.document import BadDocument


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1} {}', b"\xff\xfe{\x00}\x00",
        b'{"a": ' + b"1" * 5000 + b"}", b"[" * 100_000, b'{"a":' * 100_000,
    ],
    ids=["empty", "cut off", "NaN", "infinity", "two", "UTF-16", "digits", "lists", "objects"],
)  # fmt: skip
def test_what_is_not_json_is_a_bad_document(text: bytes) -> None:
    with pytest.raises(BadDocument, match="run: it is not JSON"):
        document.parse(text, "run")


@pytest.mark.parametrize("text", ["[]", "1", '"x"', "null", '{"\\ud800": 1}'])
def test_a_document_is_an_object_with_names_that_are_text(text: str) -> None:
    with pytest.raises(BadDocument, match="run: expected an object"):
        document.parse(text, "run")


@pytest.mark.parametrize(
    "value", ["true", '"1"', "[1]", "1e16", "-1e16", "1e999", "1" * 400], ids=lambda text: text[:8]
)
def test_a_number_is_one_that_can_be_counted_with(value: str) -> None:
    fields = document.parse(f'{{"usd": {value}}}', "ledger")
    with pytest.raises(BadDocument, match="usd: "):
        document.number(fields, "usd")


def test_nothing_is_no_number_where_one_is_needed() -> None:
    assert document.optional_number({"usd": None}, "usd") is None
    with pytest.raises(BadDocument, match="usd: expected a number"):
        document.number({}, "usd")


def test_an_amount_below_the_least_is_refused() -> None:
    with pytest.raises(BadDocument, match="usd: the number is out of range"):
        document.number({"usd": -0.01}, "usd", least=0.0)


@pytest.mark.parametrize("value", [1.0, True, "1", 2**63, -(2**70)])
def test_a_whole_number_fits_in_64_bits(value: object) -> None:
    with pytest.raises(BadDocument, match="pid: "):
        document.optional_integer({"pid": value}, "pid")


def test_text_holds_no_half_of_a_surrogate_pair() -> None:
    fields = document.parse(json.dumps({"name": "\ud800"}), "run")
    with pytest.raises(BadDocument, match="name: expected a string"):
        document.text(fields, "name")


def test_fields_of_a_later_version_may_be_anything() -> None:
    fields = document.parse('{"pid": 7, "later": {"\\ud800": [1e400]}}', "run")
    assert document.optional_integer(fields, "pid") == 7


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("levels", [1, 99, 100, 101, 500, 900, 100_000])
def test_json_is_read_to_a_depth_that_functions_can_follow(opening: str, levels: int) -> None:
    closing = "]" if opening == "[" else "}"
    text = opening * levels + "1" + closing * levels
    if levels <= document.MOST_LEVELS:
        assert document.decode(text) is not None
    else:
        with pytest.raises(BadDocument):
            document.decode(text)


def test_a_long_list_is_not_deep() -> None:
    assert document.decode(f"[{'[], ' * 1_000}1]") == [*[[]] * 1_000, 1]
