"""No call of git is waited for for ever: a repository can have git read from a named pipe."""

from __future__ import annotations

import os
import re

import places
import pytest
from conftest import Repo

from git_orch.repo import refs, time_limits
from git_orch.repo.objects.catfile import Reader
from git_orch.repo.repository import discover

REF = "refs/heads/orch/PLAN-20260101-0000000000-one"


def hang(repo: Repo, ref: str) -> None:
    """Make the file of a ref one that git reads without end."""
    file = repo.path / ".git" / ref
    file.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(file)


def test_finding_the_repository_ends_where_its_configuration_does_not(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(repo.path / "pipe")
    repo.git("config", "include.path", str(repo.path / "pipe"))
    monkeypatch.setattr(time_limits, "QUESTION", 0.5)
    with pytest.raises(time_limits.TookTooLong, match="git rev-parse gave no answer within"):
        discover(repo.path)


def test_a_question_about_a_ref_ends(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = discover(repo.path)
    hang(repo, REF)
    monkeypatch.setattr(time_limits, "QUESTION", 0.5)
    with pytest.raises(time_limits.TookTooLong, match="git for-each-ref gave no answer"):
        refs.below(repository, "refs/heads/orch/")


def test_a_reader_that_gets_no_answer_ends(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(discover(repo.path).git)
    hang(repo, REF)
    monkeypatch.setattr(time_limits, "QUESTION", 0.5)
    with pytest.raises(time_limits.TookTooLong, match="git cat-file gave no answer"):
        reader.ref(REF)
    reader.close()


def test_a_move_that_gets_no_answer_ends(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, head = discover(repo.path), repo.git("rev-parse", "HEAD")
    hang(repo, REF)
    monkeypatch.setattr(time_limits, "QUESTION", 0.5)
    with (
        refs.session(repository, "orch: exec"),
        pytest.raises(time_limits.TookTooLong, match="git update-ref gave no answer"),
    ):
        refs.move(repository, REF, old=None, new=head, reason="orch: land")


@pytest.mark.parametrize("kind", ["_HISTORY", "_WHOLE_TREE"])
def test_each_verb_of_the_table_is_one_that_git_orch_calls(kind: str) -> None:
    sources = "".join(path.read_text() for path in (places.TOP / "git_orch").rglob("*.py"))
    verbs = getattr(time_limits, kind)
    assert [verb for verb in verbs if not re.search(f"[\"' ]{verb}[\"' ]", sources)] == []
