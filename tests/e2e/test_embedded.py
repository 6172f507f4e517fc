"""Repositories inside the tree that need no `.git`: none gets onto a branch, whoever brings its
parts.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from conftest import Repo

BARE = "git init -q --bare deep/er/store && echo x > deep/er/store/objects/x && echo x > deep/er/store/refs/x"
PARTS = {"HEAD": "ref: refs/heads/main\n", "objects/x": "x\n", "refs/x": "x\n"}


def steps(*runs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A plan of steps, each after the one before it."""
    return {
        "title": "Embedded",
        "steps": [
            {"title": f"Step {number}", "depends_on": [number - 1] if number > 1 else [], **run, **more}
            for number, run in enumerate(runs, start=1)
        ],
    }  # fmt: skip


def test_a_bare_repository_made_by_a_command_does_not_enter(repo: Repo) -> None:
    plan = repo.plan(steps({"run": BARE}))
    error = repo.orch("exec", expect=1).stderr
    assert "'deep/er/store' is a repository inside the tree" in error
    assert repo.step_states(plan) == ["failed"]


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)), ids=" ".join)
@pytest.mark.parametrize("kind", ["files", "run"])
def test_the_step_that_completes_one_fails(repo: Repo, order: tuple[str, ...], kind: str) -> None:
    made: dict[str, list[dict[str, Any]]] = {
        "files": [{"files": {f"d/{name}": PARTS[name]}} for name in order],
        "run": [
            {"run": f"mkdir -p $(dirname d/{name}); echo 'ref: refs/heads/main' > d/{name}"}
            for name in order
        ],
    }
    plan = repo.plan(steps(*made[kind]))
    assert "'d' is a repository inside the tree" in repo.orch("exec", expect=1).stderr
    assert repo.step_states(plan) == ["done", "done", "failed"]


def test_steps_side_by_side_do_not_make_one_together(repo: Repo) -> None:
    halves = [
        {"run": "mkdir d; echo 'ref: refs/heads/main' > d/HEAD"},
        {"run": "mkdir -p d/objects d/refs; touch d/objects/x d/refs/x"},
    ]
    plan = repo.plan(steps(*halves, depends_on=[]))
    assert "'d' is a repository inside the tree" in repo.orch("exec", "-j2", expect=1).stderr
    assert repo.step_states(plan) == ["done", "failed"]


def test_steps_are_not_picked_onto_what_makes_one_of_them(repo: Repo) -> None:
    plan = repo.plan(steps({"run": "mkdir d; echo 'ref: refs/heads/main' > d/HEAD"}))
    repo.orch("exec")
    repo.git("switch", "-q", "-c", "side", "main")
    repo.commit({"d/objects/x": "x\n", "d/refs/x": "x\n"})
    refused = repo.orch("pick", plan, "1", "--onto", "side", expect=3).stderr
    assert "'d' on 'side' is a repository inside the tree" in refused


def test_the_bare_repositories_of_a_projects_tests_may_grow_but_not_run(repo: Repo) -> None:
    repo.commit({f"tests/data/{name}": text for name, text in PARTS.items()})
    plan = repo.plan(
        steps(
            {"run": "echo y > tests/data/refs/y"},
            {"files": {"tests/data/config": "[core]\n\tfsmonitor = x\n"}},
        )
    )
    error = repo.orch("exec", expect=1).stderr
    assert "'tests/data/config' runs programs in a repository inside the tree" in error
    assert repo.step_states(plan) == ["done", "failed"]
