"""Where a plan is: nothing of two plans is the same, and asking makes nothing."""

from __future__ import annotations

from conftest import Repo, writing

from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover

PLAN = "PLAN-20260101-0000000000-one"


def everything(place: PlanPlace) -> list[str]:
    files = (place.run, place.run_output, place.ledger, place.spool, place.traces)
    return [place.branch, place.log, place.kept, place.results, *map(str, files)]


def test_refs_and_files_of_two_plans_are_apart(repo: Repo) -> None:
    repository = discover(repo.path)
    one, two = PlanPlace(repository, PLAN), PlanPlace(repository, f"{PLAN}-more")
    places = [*everything(one), *everything(two)]
    assert len(set(places)) == len(places)
    assert not two.results.startswith(one.results)


def test_naming_a_file_of_a_plan_makes_no_directory(repo: Repo) -> None:
    everything(PlanPlace(discover(repo.path), PLAN))
    assert not (repo.path / ".git/orch").exists()


def test_the_refs_are_those_that_a_plan_has(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    place = PlanPlace(discover(repo.path), plan)
    named = repo.git("for-each-ref", "--format=%(refname)").splitlines()
    assert {place.branch, place.log} <= set(named)
