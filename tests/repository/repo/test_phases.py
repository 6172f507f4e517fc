"""What a running attempt says of itself in a local file."""

from __future__ import annotations

import pytest
from conftest import Repo

from git_orch.repo.local import phases, runs
from git_orch.repo.local.phases import Phase
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository, discover
from git_orch.views import activity

FIRST = Phase("command", "/worktree", 3, "Do it")


@pytest.fixture
def repository(repo: Repo) -> Repository:
    return discover(repo.path)


def test_a_phase_keeps_what_it_does_not_change(repository: Repository) -> None:
    phases.begin(repository, "A", FIRST)
    phases.begin(repository, "A", Phase("check 1"))
    assert phases.now(repository, "A") == FIRST._replace(name="check 1")


def test_an_attempt_that_wrote_nothing_has_no_phase(repository: Repository) -> None:
    phases.begin(repository, "A", FIRST)
    assert phases.now(repository, "B") == Phase()


@pytest.mark.parametrize("line", ["{", '{"name": 1}', "[]", "\\xff", '{"number": "x"}'])
def test_a_line_that_is_damaged_changes_nothing(repository: Repository, line: str) -> None:
    phases.begin(repository, "A", FIRST)
    path = repository.state_dir / "output" / "A" / "phases"
    path.write_text(f"{path.read_text()}{line}\n")
    assert phases.now(repository, "A") == FIRST


def test_a_phase_that_cannot_be_written_stops_nothing(repository: Repository) -> None:
    (repository.state_dir / "output").mkdir(parents=True)
    (repository.state_dir / "output" / "A").write_text("in the way")
    phases.begin(repository, "A", FIRST)
    assert phases.now(repository, "A") == Phase()


def test_a_run_without_an_attempt_is_between_steps(repository: Repository) -> None:
    place = PlanPlace(repository, "PLAN-20261121-0000000000-title")
    assert activity.of_plan(repository, place.id, {place.id}) == []
    runs.record_start(place)
    [(_, text)] = activity.of_plan(repository, place.id, {place.id})
    assert "between steps" in str(text)
    assert activity.of_plan(repository, place.id, ()) == []


@pytest.mark.parametrize("name", ["setup", "final checks"])
def test_what_a_run_does_for_no_step_is_shown_while_it_lasts(
    repository: Repository, name: str
) -> None:
    place = PlanPlace(repository, "PLAN-20261121-0000000000-title")
    runs.record_start(place)
    with phases.of_run(place, name):
        [(_, text)] = activity.of_plan(repository, place.id, {place.id})
    assert str(text).startswith(f"{name}, for ")
    [(_, text)] = activity.of_plan(repository, place.id, {place.id})
    assert str(text).startswith("between steps")
