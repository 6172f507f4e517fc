"""What must not be written down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key sk-ant-api03-abcdefghijklmnop_q-r.", "key [redacted]."),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer [redacted]"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic [redacted]"),
        ("AKIAIOSFODNN7EXAMPLE rest", "[redacted] rest"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[redacted]"),
        ("github_pat_11ABCDEFG0123456789_abc", "[redacted]"),
        ("https://user:p@ss@host/path?x=1", "https://[redacted]@host/path?x=1"),
        ("x-api-key: abc123", "x-api-key: [redacted]"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nrest",
            "[redacted]\nrest",
        ),
        ("-----BEGIN PRIVATE KEY-----\nabc cut off", "[redacted]"),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, expected: str) -> None:
    assert redact.redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "see https://example.com/a@b and mail ada@example.com",
        "the bearer of the ring",
        "task-force sketch sk-1 tokens: 15",
        "git@github.com:owner/name.git",
        "-----BEGIN PUBLIC KEY-----",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact.redacted(text) == text


@given(st.text(), st.text(min_size=8), st.text())
def test_a_known_secret_never_stays(before: str, secret: str, behind: str) -> None:
    kept = redact.redacted(before + secret + behind, [secret])

    assert secret not in kept.replace(redact.MARK, "")


def test_a_secret_that_begins_another_does_not_leave_its_end() -> None:
    assert redact.redacted("password-and-more", ["password", "password-and-more"]) == "[redacted]"


def test_short_values_are_no_secrets() -> None:
    assert redact.redacted("true is true", ["true"]) == "true is true"


def test_names_say_which_variables_are_secret() -> None:
    environment = {
        "MY_API_KEY": "a1a1a1a1", "Db_Password": "b2b2b2b2", "GITHUB_TOKEN": "c3c3c3c3",
        "AUTHOR_TOKEN": "short", "HOME": "/home/somebody",
    }  # fmt: skip

    assert redact.secret_values(environment) == ("a1a1a1a1", "b2b2b2b2", "c3c3c3c3")


@pytest.mark.parametrize(
    "prose",
    [
        "Add basic authentication to the API",
        "the bearer certificate chain",
        "Author: Ada",
        "basic functionality",
    ],
)
def test_ordinary_words_stay(prose: str) -> None:
    assert redact.redacted(prose) == prose


@pytest.mark.parametrize(
    "name", ["GIT_AUTHOR_NAME", "SSH_AUTH_SOCK", "XAUTHORITY", "GIT_AUTHOR_EMAIL"]
)
def test_names_that_only_look_like_secrets_hide_nothing(name: str) -> None:
    assert redact.secret_values({name: "Ada Lovelace"}) == ()


@pytest.mark.parametrize("name", ["OAUTH_CLIENT", "PROXY_AUTH", "AUTHORIZATION", "auth"])
def test_names_of_credentials_do(name: str) -> None:
    assert redact.secret_values({name: "Ada Lovelace"}) == ("Ada Lovelace",)


@pytest.mark.parametrize("value", ["postgres", "password123", "your-api-key", "xxxxxxxxxx"])
def test_a_common_word_is_redacted_and_refuses_nothing(value: str) -> None:
    secrets = redact.secret_values({"DB_PASSWORD": value})
    assert redact.redacted(f"user {value}", secrets) == "user [redacted]"
    assert redact.secrets_in(f"user {value}", secrets) == frozenset()
    assert not redact.holds_secret(f"user {value}", secrets)


@pytest.mark.parametrize(
    "value", ["dragonfly", "dragonfly42", "postgrez1", "48291736", "correct-horse", "MixedCas"]
)
def test_a_longer_word_or_one_with_digits_is_a_secret(value: str) -> None:
    secrets = redact.secret_values({"DB_PASSWORD": value})
    assert redact.secrets_in(f"user {value}", secrets) == {value}
    assert redact.holds_secret(f"user {value}", secrets)
