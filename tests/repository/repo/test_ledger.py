"""The ledger of a run: shared by threads and processes, begun anew by each run."""

from __future__ import annotations

import stat
from concurrent import futures
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.plans.money.budget import WAIT, Book, Request
from git_orch.plans.money.cost import Price, Rates
from git_orch.repo.local.ledger import Ledger
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover

PLAN = "PLAN-20261121-0000000000-money"
WANTED = Request(Price(Rates(*(Decimal(1_000) for _ in range(5)))), 0, 1_000)  # a dollar each


def ledger(path: Path) -> Ledger:
    return Ledger(PlanPlace(discover(path), PLAN))


def _reserve(path: str, worker: int) -> int:
    found = ledger(Path(path))
    return sum(found.reserve(f"{worker}-{number}", "s1", WANTED) == 1_000 for number in range(100))


def test_processes_do_not_spend_the_same_dollar(repo: Repo) -> None:
    ledger(repo.path).begin(Book(limit=200.5))
    with futures.ProcessPoolExecutor(4) as workers:
        given = list(workers.map(_reserve, [str(repo.path)] * 4, range(4)))
    assert sum(given) == 200
    assert len(ledger(repo.path).book().reserved) == 200


def test_what_a_killed_run_reserved_is_free_again(repo: Repo) -> None:
    found = ledger(repo.path)
    found.begin(Book(limit=1))
    assert found.reserve("a", "s1", WANTED) == 1_000
    assert found.reserve("b", "s1", WANTED) == WAIT
    found.begin(Book(limit=1))
    assert found.reserve("b", "s1", WANTED) == 1_000


def test_it_is_read_back_as_it_was_written(repo: Repo) -> None:
    found = ledger(repo.path)
    found.begin(Book(limit=5, step_limit=2, spent=1.5, steps={"s1": 1.5}))
    found.reserve("plan-1", None, WANTED)
    found.reserve("a", "s2", WANTED)
    found.settle("a", 0.25)
    book = found.book()
    assert (book.limit, book.step_limit, book.spent, dict(book.steps)) == (
        5,
        2,
        1.75,
        {"s1": 1.5, "s2": 0.25},
    )
    assert [(call, each.step) for call, each in book.reserved.items()] == [("plan-1", None)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"limit": 1',
        b'{"limit":"x","step_limit":0,"spent":0,"steps":{},"reserved":{}}',
        b'{"limit":' + b"[" * 100_000,
    ],
)
def test_a_ledger_that_cannot_be_read_is_not_taken_for_no_limit(repo: Repo, content: bytes) -> None:
    found = ledger(repo.path)
    found.begin(Book())
    (repo.path / f".git/orch/ledger/{PLAN}.json").write_bytes(content)
    with pytest.raises(errors.UnfitRepository):
        found.reserve("a", "s1", WANTED)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "true", "null"])
def test_a_limit_that_is_no_amount_is_not_taken_for_none(repo: Repo, value: str) -> None:
    found = ledger(repo.path)
    found.begin(Book(limit=1))
    path = repo.path / f".git/orch/ledger/{PLAN}.json"
    path.write_text(path.read_text().replace('"limit": 1,', f'"limit": {value},'))
    with pytest.raises(errors.UnfitRepository):
        found.reserve("a", "s1", WANTED)


def test_only_the_user_can_read_it(repo: Repo) -> None:
    ledger(repo.path).begin(Book(limit=1))
    files = list((repo.path / ".git/orch/ledger").iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_without_a_run_there_is_no_ledger(repo: Repo) -> None:
    with pytest.raises(errors.UnfitRepository):
        ledger(repo.path).reserve("a", "s1", WANTED)
