"""A clock that lags behind the log: an answer counts after its question all the same."""

from __future__ import annotations

import json

import pytest
from conftest import Repo, data, writing

from git_orch.plans import ids

AHEAD_MS = 3 * ids.DAY_MS + 3_600_000


def dated_later(repo: Repo, plan: str) -> None:
    """Date the events of a log, and what names them, days later: as if our clock had gone back."""
    ref = f"orch/{plan}"
    for listed in repo.git("notes", f"--ref={ref}", "list").splitlines():
        blob, target = listed.split()
        events = [json.loads(line) for line in repo.git("cat-file", "blob", blob).splitlines()]
        for event in events:
            for name in ("id", "move"):
                if name in event:
                    event[name] = ids.ulid(ids.ulid_ms(event[name]) + AHEAD_MS, hash(event[name]))
        lines = "".join(f"{json.dumps(event)}\n" for event in events)
        later = repo.git("hash-object", "-w", "--stdin", stdin=lines)
        repo.git("notes", f"--ref={ref}", "add", "-f", "-C", later, target)


@pytest.fixture
def plan(repo: Repo) -> str:
    """A plan of two steps, the first of which is done, made when the clock was days ahead."""
    plan = repo.plan(writing("a.txt", "b.txt"))
    repo.orch("exec", plan, "--steps", "1")
    dated_later(repo, plan)
    return plan


def test_an_edit_counts_although_the_clock_lags(repo: Repo, plan: str) -> None:
    text = repo.path.parent / "edited.yaml"
    shown = repo.orch("show", plan, "--yaml").stdout
    text.write_text(shown.replace("Write b.txt", "Write it anew"), encoding="utf-8")
    repo.orch("edit", plan, "--from", str(text))
    assert [step["title"] for step in repo.status(plan)["steps"]] == [
        "Write a.txt",
        "Write it anew",
    ]


def test_a_branch_that_we_moved_is_not_taken_for_one_that_the_user_moved(
    repo: Repo, plan: str
) -> None:
    repo.orch("exec", plan)
    repo.orch("rollback", "--last", "1", plan)
    done = repo.orch("exec", plan)
    assert "the branch was moved" not in done.stderr
    assert repo.step_states(plan) == ["done", "done"]


def test_events_that_are_dated_ahead_of_the_clock_are_a_finding(repo: Repo, plan: str) -> None:
    [finding] = data(repo.orch("check", plan, "--json").stdout)
    assert (finding["code"], finding["level"], finding["field"]) == (
        "dated-ahead",
        "warning",
        "log",
    )
    assert "dated more than a day ahead of the clock" in finding["message"]


def test_events_of_today_are_no_finding(repo: Repo) -> None:
    assert repo.orch("check", repo.plan(writing("a.txt"))).stdout == "no findings\n"


def test_a_clock_that_lags_is_named_once(repo: Repo, plan: str) -> None:
    done = repo.orch("exec", plan)
    assert done.stderr.count("the clock is 3 days behind the log of") == 1
