"""Names with odd characters are shown as git shows them."""

from __future__ import annotations

import os

import pytest
from conftest import Repo

from git_orch.plans import invisible, sentences

QUOTED = [
    "new\nline", "tab\there", 'double"quote', "back\\slash", "bell\a\b\v\f\r", "escape\x1b[31m",
    "delete\x7f", os.fsdecode(b"not \xff text"),
]  # fmt: skip
PLAIN = ["plain", "it's", "with blank", "gr\u00fc\u00df", "a/b,c", "$(x)"]


@pytest.mark.parametrize("name", [*QUOTED, *PLAIN])
def test_a_name_is_shown_as_git_lists_it(repo: Repo, name: str) -> None:
    (repo.path / name).parent.mkdir(exist_ok=True)
    (repo.path / name).write_text("")
    untracked = ("ls-files", "--others")
    # Bytes that are no text git shows as they are, or all others that are not ASCII with them.
    every = "true" if not name.isascii() and name in QUOTED else "false"
    assert invisible.as_git_quotes(name) == repo.git("-c", f"core.quotePath={every}", *untracked)


@pytest.mark.parametrize("name", ["reversed \u202e", "hidden \u200b", "c1 \x9b"])
def test_a_name_with_unseen_characters_is_shown_as_git_lists_it(repo: Repo, name: str) -> None:
    (repo.path / name).write_text("")
    assert invisible.as_git_quotes(name) == repo.git("ls-files", "--others")


def test_a_name_of_no_bytes_is_shown() -> None:
    assert invisible.as_git_quotes("half \ud83d") == '"half \\355\\240\\275"'


def test_single_quotes_are_for_names_that_git_does_not_quote() -> None:
    assert sentences.quoted_names(["a", "b\nc"]) == "'a', \"b\\nc\""
