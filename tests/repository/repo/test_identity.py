"""Who commits: what git itself would say, or a refusal."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.repo import identity
from git_orch.repo.objects import objects
from git_orch.repo.repository import discover


def test_the_identity_is_the_one_git_commits_with(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("config", "user.name", "Örtlich <x>")
    repo.git("config", "author.email", "author@example.com")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Committer")
    repo.git("commit", "-q", "--allow-empty", "-m", "theirs")
    found = identity.of_user(discover(repo.path))
    assert found.author == repo.git("log", "-1", "--format=%an <%ae>")
    assert found.committer == repo.git("log", "-1", "--format=%cn <%ce>")


def test_the_time_is_now_in_the_local_zone_as_git_writes_it(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    for zone, offset in (
        ("UTC", r"\+0000"),
        ("Asia/Kolkata", r"\+0530"),
        ("America/St_Johns", "-0(2|3)30"),
    ):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        stamp = identity.of_user(discover(repo.path)).now()
        assert re.fullmatch(rf"Ada Tester <ada@example.com> \d{{10}} {offset}", stamp.author)
        assert stamp.author.split(">")[1] == stamp.committer.split(">")[1]
    monkeypatch.undo()
    time.tzset()


def test_a_date_of_the_environment_stays(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-02-03T04:05:06+0130")
    stamp = identity.of_user(discover(repo.path)).now()
    assert stamp.author == "Ada Tester <ada@example.com> 981167706 +0130"
    assert not stamp.committer.endswith(" 981167706 +0130")


def test_a_commit_that_is_made_is_the_one_that_git_makes(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Committer")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-02-03T04:05:06+0130")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2002-02-03T04:05:06-0330")
    head, tree = repo.git("rev-parse", "HEAD", "HEAD^{tree}").split()
    found = discover(repo.path)
    with contextlib.closing(objects.opened(found)) as database:
        ours = identity.of_user(found).commit(database, tree, [head], "why\n\nbecause\n")
    theirs = ("commit-tree", "-p", head, "-m", "why", "-m", "because", tree)
    assert ours == repo.git(*theirs)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[user]\n\tname = Only\n",
        "[user]\n\temail = only@x\n",
        "[user]\n\tname =\n\temail = a@x\n",
        "[user]\n\tname = ,;\n\temail = a@x\n",
    ],
    ids=["none", "name", "email", "empty", "crud"],
)
def test_a_guessed_or_incomplete_identity_is_refused(
    repo: Repo, hermetic: Path, config: str
) -> None:
    """git would guess one from the machine's names; a plan's commits are not made by
    root@localhost.
    """
    (hermetic / ".gitconfig").write_text(config)
    with pytest.raises(errors.UnfitRepository, match="does not know who you are") as refused:
        identity.of_user(discover(repo.path))
    assert refused.value.hint.startswith("git config --global user.name")
