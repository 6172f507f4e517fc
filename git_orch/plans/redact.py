"""Secrets, which git-orch must not write down: given values, and texts in the shape of keys and
tokens.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MARK = "[redacted]"
_SHORTEST = 8  # characters of a secret; a shorter value would blank out ordinary words
# Characters: enough of a private key to tell it from others. A key without its last line goes to
# the end of the text.
_TELLING = 256

_ROUNDS = 200_000
# One word of at most 8 letters in one case: a longer value, or one with something in it that is no
# letter, has to be made of words that passwords in examples are made of.
_SHORT_WORD = re.compile(r"[a-z]{1,8}|[A-Z]{1,8}|[A-Z][a-z]{1,7}")
_LIKE_EXAMPLES = (
    "a", "abc", "access", "admin", "administrator", "an", "api", "app", "auth", "change", "changeit",
    "changeme", "client", "database", "db", "default", "demo", "dev", "development", "docker",
    "dummy", "elasticsearch", "empty", "example", "fake", "foo", "bar", "baz", "github", "guest",
    "hello", "here", "insert", "is", "it", "key", "letmein", "local", "localhost", "login", "mariadb",
    "master", "me", "minio", "mock", "mongo", "mongodb", "my", "mysql", "no", "none", "not", "nothing",
    "oracle", "p@ssw0rd", "p@ssword", "pa55word", "pass", "passw0rd", "passwd", "password",
    "placeholder", "please", "postgres", "postgresql", "prod", "production", "pw", "qwerty", "rabbitmq",
    "redis", "replace", "root", "sample", "secret", "server", "some", "staging", "super", "test",
    "testing", "the", "this", "to", "token", "undefined", "user", "username", "value", "welcome",
    "wordpress", "world", "your",
)  # fmt: skip
_LONGEST_EXAMPLE = 32  # characters

_SECRET_NAME = re.compile(
    r"KEY|SECRET|TOKEN|PASS|CRED|(?<![A-Z])O?AUTH(?!OR(?!IZ)|_SOCK)", re.IGNORECASE
)

_SHAPES = (
    # a private key, also one without its last line
    re.compile(
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
        re.DOTALL,
    ),
    # Anthropic (sk-ant-...) and others that copied the prefix
    re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),  # AWS
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}"),  # GitHub
    re.compile(r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    re.compile(r"\bglpat-[A-Za-z0-9_-]{16,}"),  # GitLab
    re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"),  # Slack
)
# In prose a word follows ("basic authentication"); a credential has a digit in it, or stands in a
# header.
_BEARER = re.compile(
    r"\b(bearer|basic)(\s+)(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/=-]{12,}", re.IGNORECASE
)
_AUTHORIZATION = re.compile(
    r"(authorization[\"']?\s*[:=]\s*[\"']?(?:[A-Za-z]+\s+)?)[^\s\"',;]{4,}", re.IGNORECASE
)
_API_KEY_HEADER = re.compile(r"(x-api-key[\"']?\s*[:=]\s*[\"']?)[^\s\"',;]+", re.IGNORECASE)
# The user information ends at the last @ before the path, as in RFC 3986 readers that take a bare @
# in a password. Of the scheme its last character will do: whoever looks for its first one looks at
# each word of a long run of them anew.
_USER_INFORMATION = re.compile(r"([A-Za-z0-9+.-]://)[^\s/?#\"'<>]+@")


def secret_values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values, of at least 8 characters, of the variables whose names say that they are secret."""
    return tuple(
        value
        for name, value in environment.items()
        if len(value) >= _SHORTEST and _SECRET_NAME.search(name)
    )


def _telling(secrets: Iterable[str]) -> Iterator[str]:
    """The secrets that stand in a text for no other reason: not a short or common word such as
    `postgres`. These are redacted all the same.
    """
    return (
        secret
        for secret in secrets
        if not (_SHORT_WORD.fullmatch(secret) or _is_like_examples(secret))
    )


def _is_like_examples(value: str) -> bool:
    return len(value) <= _LONGEST_EXAMPLE and _example().fullmatch(value) is not None


@functools.cache
def _example() -> re.Pattern[str]:
    words = "|".join(map(re.escape, _LIKE_EXAMPLES))
    made_of_words = rf"(?:(?:{words})[-_.]?){{1,4}}[0-9]{{0,4}}!?"
    return re.compile(rf"{made_of_words}|0?12345678(?:90?)?|(.)\1+", re.IGNORECASE)


def fingerprint(secret: str) -> str:
    """The fingerprint that a person allows in place of a text that looks like a secret. It is slow
    to make, so that nobody guesses a weak one from it.
    """
    made = hashlib.pbkdf2_hmac(
        "sha256", secret.encode("utf-8", "surrogateescape"), b"git-orch", _ROUNDS, 8
    )
    return made.hex()


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether `text` holds one of the secrets, of which common words do not count, or a text that can
    only be a key; URLs and headers do not count.
    """
    return any(secret in text for secret in _telling(secrets)) or any(
        shape.search(text) for shape in _SHAPES
    )


def secrets_in(text: str, secrets: Iterable[str]) -> frozenset[str]:
    """The secrets and keys in `text`, to compare its versions; of a long key its beginning. Common
    words do not count.
    """
    present = {secret for secret in _telling(secrets) if secret in text}
    for shape in _SHAPES:
        present.update(match[0][:_TELLING] for match in shape.finditer(text))
    return frozenset(present)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets of at least 8 characters, and without texts in the shape of
    a key.
    """
    hidden = {secret for secret in secrets if len(secret) >= _SHORTEST}
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, MARK)
    for shape in _SHAPES:
        text = shape.sub(MARK, text)
    text = _AUTHORIZATION.sub(rf"\1{MARK}", text)
    text = _BEARER.sub(rf"\1\2{MARK}", text)
    text = _API_KEY_HEADER.sub(rf"\1{MARK}", text)
    return _USER_INFORMATION.sub(rf"\1{MARK}@", text)
