"""What people meet on the way has a way out: a finding, a sentence, or it works."""

from __future__ import annotations

import json

from conftest import Repo, writing


def test_nothing_uncommitted_makes_no_snapshot(repo: Repo) -> None:
    words = ("plan", "--from", "-", "--include-dirty")
    plan = repo.orch(*words, stdin=json.dumps(writing("a"))).stdout.split()[0]
    assert repo.git("rev-parse", f"orch/{plan}~") == repo.git("rev-parse", "main")


def test_a_landing_that_is_repeated_says_so(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("exec")
    repo.orch("land")
    again = repo.orch("land", plan)
    assert "landed on 'main' before, as " in again.stdout
    assert "nothing is left to land" in again.stdout


def test_a_base_branch_that_was_renamed_is_named(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("exec")
    repo.git("branch", "-m", "main", "trunk")
    refused = repo.orch("land", expect=5)
    assert "there is no branch 'main' any more" in refused.stderr
    assert "--onto BRANCH" in refused.stderr
    repo.orch("land", plan, "--onto", "trunk")


def test_a_ref_where_git_orch_has_its_own_is_found_before_a_plan_is_made(repo: Repo) -> None:
    repo.git("update-ref", "refs/orch", "HEAD")
    document = json.dumps(writing("a"))
    refused = repo.orch("plan", "--from", "-", stdin=document, expect=128)
    assert "'refs/orch' stands where plans are stored" in refused.stderr
    repo.follow(refused.stderr)
    repo.plan(writing("a"))
