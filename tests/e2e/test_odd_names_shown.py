"""A name that somebody else chose begins no line of what git-orch says, and hides nothing in it."""

from __future__ import annotations

import pytest
from conftest import Repo

ODD = "odd\nerror: name"
SHOWN = r'"odd\nerror: name'

REFUSED = {
    "a repository": f"git init -q '{ODD}'; touch '{ODD}/x'",
    "a link out of the tree": f"ln -s / '{ODD}'",
    "a key": f"printf '%s%s' AKIAIOSF ODNN7EXAMPLE > '{ODD}'",
    "a link to an odd place": f"ln -s '/{ODD}' x",
}


@pytest.mark.parametrize("run", REFUSED.values(), ids=REFUSED)
def test_an_odd_name_in_a_refusal_is_quoted(repo: Repo, run: str) -> None:
    repo.plan({"title": "A", "steps": [{"title": "A", "run": run}]})
    refused = repo.orch("exec", expect=None)
    (error,) = (line for line in refused.stderr.splitlines() if line.startswith("error: "))
    (failed,) = (line for line in refused.stderr.splitlines() if line.startswith("  failed "))
    place = SHOWN if "ln -s '/" not in run else SHOWN.replace('"', '"/')
    assert place in error
    assert place in failed
    assert ODD not in refused.stderr


def test_an_odd_name_in_a_review_is_quoted(repo: Repo) -> None:
    run = f"touch '{ODD}'; chmod +x '{ODD}'"
    repo.plan({"title": "A", "steps": [{"title": "A", "run": run}]})
    assert (
        f"review: these files are executable or run by tools: {SHOWN}" in repo.orch("exec").stderr
    )
    assert (
        f"review: these files are executable or run by tools: {SHOWN}" in repo.orch("land").stdout
    )


def test_an_odd_name_that_a_check_changed_is_quoted(repo: Repo) -> None:
    step = {"title": "A", "run": "true", "checks": [{"command": f"touch '{ODD}'"}]}
    repo.plan({"title": "A", "steps": [step]})
    assert f"the check changed {SHOWN}" in repo.orch("exec").stderr


def test_an_odd_name_in_a_conflict_is_quoted(repo: Repo) -> None:
    repo.commit({ODD: "one\n"})
    repo.plan({"title": "A", "steps": [{"title": "A", "run": f"echo two > '{ODD}'"}]})
    repo.orch("exec")
    repo.commit({ODD: "three\n"})
    assert f"the plan does not merge into 'main': {SHOWN}" in repo.orch("land", expect=7).stderr
