"""What a tree holds is kept in local files: for this user alone, few of them, and never believed
half.
"""

from __future__ import annotations

import os

import pytest
from conftest import Repo

from git_orch.plans.repo_map.files import File, Survey, Symbol
from git_orch.repo import repository
from git_orch.repo.local import maps

SURVEY = Survey((File("a.py", 3, "o1", (Symbol("class", "A", 1, "B"),)),), False, "ctags")
TREE = "a" * 40


def test_a_survey_comes_back_as_it_was(repo: Repo) -> None:
    here = repository.discover(repo.path)
    assert maps.load(here, TREE) is None
    maps.store(here, TREE, SURVEY)
    assert maps.load(here, TREE) == SURVEY
    assert (repo.path / f".git/orch/maps/{TREE}.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "spoilt", ["", '{"files": [[1]]', '{"files": [[1, 2]], "engine": ""}', "[]"]
)
def test_half_of_a_survey_is_none(repo: Repo, spoilt: str) -> None:
    here = repository.discover(repo.path)
    maps.store(here, TREE, SURVEY)
    (repo.path / f".git/orch/maps/{TREE}.json").write_text(spoilt)
    assert maps.load(here, TREE) is None
    assert maps.latest(here) is None


def test_few_surveys_stay_and_the_newest_is_the_latest(repo: Repo) -> None:
    here = repository.discover(repo.path)
    for number in range(maps.MOST + 3):
        maps.store(here, f"{number:040}", SURVEY._replace(engine=str(number)))
        os.utime(repo.path / f".git/orch/maps/{number:040}.json", (number, number))
    kept = os.listdir(repo.path / ".git/orch/maps")
    assert len(kept) == maps.MOST
    assert maps.latest(here) == SURVEY._replace(engine=str(maps.MOST + 2))


def test_where_nothing_can_be_written_nothing_fails(repo: Repo) -> None:
    here = repository.discover(repo.path)
    (repo.path / ".git/orch").mkdir(mode=0o700)
    (repo.path / ".git/orch/maps").write_text("in the way")
    maps.store(here, TREE, SURVEY)
    assert maps.load(here, TREE) is None
