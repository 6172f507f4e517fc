"""The key for the provider is one, and fits into a header, before anything is asked."""

from __future__ import annotations

import pytest

from git_orch import errors
from git_orch.agents import keys

KEY, TOKEN = "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"
CANARY = "canary-7c1d"


def refusal(variables: dict[str, str]) -> errors.UsageError:
    with pytest.raises(errors.UsageError) as refused:
        keys.only_key(variables)
    return refused.value


@pytest.mark.parametrize("name", [KEY, TOKEN])
def test_one_key_is_taken_whatever_its_variable(name: str) -> None:
    assert keys.only_key({name: CANARY}) == {name: CANARY}


def test_no_variable_is_no_key_and_no_error() -> None:
    """Somebody may have logged in with the provider's own program."""
    assert keys.only_key({}) == {}


def test_two_keys_are_refused() -> None:
    refused = refusal({KEY: CANARY, TOKEN: "another"})
    assert (refused.cause, refused.hint) == (
        f"'{KEY}' and '{TOKEN}' are both set",
        f"unset {TOKEN}",
    )


@pytest.mark.parametrize("empty", ["", " ", "\n", "\t\r\n"])
def test_an_empty_key_is_refused(empty: str) -> None:
    refused = refusal({KEY: empty})
    assert refused.cause == f"'{KEY}' is empty"
    assert f"unset {KEY}" in refused.hint


@pytest.mark.parametrize("empty", ["", "\n"])
def test_an_empty_key_beside_another_does_not_count(empty: str) -> None:
    assert keys.only_key({KEY: empty, TOKEN: CANARY}) == {TOKEN: CANARY}
    assert not keys.is_set({KEY: empty})


BLANKS = {
    f"{CANARY}\n": "ends with a line break",
    f"{CANARY}\r\n": "ends with a line break",
    f"{CANARY}\r": "ends with a line break",
    f"{CANARY} ": "ends with a blank",
    f"\t{CANARY}": "begins with a blank",
}


@pytest.mark.parametrize(("key", "told"), BLANKS.items(), ids=map(repr, BLANKS))
def test_a_key_with_blanks_around_it_is_refused_with_what_takes_them_away(
    key: str, told: str
) -> None:
    refused = refusal({TOKEN: key})
    assert refused.cause == f"'{TOKEN}' {told}"
    assert refused.hint.startswith(f"export {TOKEN}=")


@pytest.mark.parametrize(
    "key",
    [f"{CANARY} x", f"{CANARY}\nx", f"{CANARY}é", f"\u201c{CANARY}\u201d", "\x1b[1m", "\udcff"],
)
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(key: str) -> None:
    refused = refusal({KEY: key})
    assert refused.cause == f"'{KEY}' holds characters that no key has"
    assert CANARY not in refused.hint
