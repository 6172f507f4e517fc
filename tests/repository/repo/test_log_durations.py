"""The time of steps comes from those of earlier plans that are most like them."""

from __future__ import annotations

import contextlib
from typing import Any

from conftest import Here, Repo

from git_orch.cli.reading import status_of
from git_orch.plans.history.status import Status
from git_orch.repo.log import durations
from git_orch.repo.objects import objects
from git_orch.repo.repository import Repository, discover

_FILES: dict[str, Any] = {"title": "Write", "files": {"a": "a\n"}}
_RUN: dict[str, Any] = {"title": "Run", "run": "true"}
_MODEL: dict[str, Any] = {"title": "Ask", "prompt": "Do it."}


def read(repo: Repo, plan: str) -> tuple[Repository, Status]:
    """A plan as it is now."""
    repository = discover(repo.path)
    with contextlib.closing(objects.opened(repository)) as database:
        return repository, status_of(repository, database, plan)


def test_a_step_takes_as_long_as_others_of_its_kind_and_without_any_it_is_not_known(
    repo: Repo, here: Here
) -> None:
    """S1-248."""
    before = here.plan({"title": "Before", "steps": [_FILES, _RUN]})
    here("exec", before)
    repository, done = read(repo, before)
    took = {attempt.step: attempt.seconds for attempt in done.attempts}
    files, run = (took[step.id] for step in done.steps)
    other = {**_RUN, "run": "echo other"}
    steps = [_RUN, other, {**_FILES, "files": {"b": "b\n"}}, _MODEL]
    _, new = read(repo, here.plan({"title": "New", "steps": steps}))
    assert durations.expected(repository, new) == {1: run, 2: run, 3: files}
    assert durations.expected(repository, done) == {1: files, 2: run}
