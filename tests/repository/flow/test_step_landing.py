"""Results that cannot land are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import Here, Repo, writing

from git_orch import checkpoints, errors


@pytest.fixture
def switched_before_landing(repo: Repo) -> Iterator[None]:
    """Somebody checks the plan's branch out between the end of an attempt and its landing."""

    def observer(moment: checkpoints.Moment, deed: str, about: object) -> None:
        del about
        if (moment, deed) == ("before", "land step"):
            branch = repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads/orch/")
            repo.git("switch", "-q", branch)

    checkpoints.observe(observer)
    yield
    checkpoints.observe(None)


@pytest.mark.usefixtures("switched_before_landing")
def test_the_result_of_a_step_is_kept_when_its_branch_is_checked_out_meanwhile(
    here: Here, repo: Repo
) -> None:
    plan = here.plan(writing("a.txt"))
    said = here("exec", plan, expect=6).err
    told = re.search(r"kept the work that can no longer land: (\w+)", said)
    assert told is not None
    assert repo.git("show", f"{told[1]}:a.txt") == "a.txt"
    kept = repo.git("rev-list", f"refs/orch/kept/{plan}").split()
    assert [oid for oid in kept if oid.startswith(told[1])]


def test_work_that_a_full_disk_keeps_from_landing_is_kept_by_the_next_run(
    here: Here, repo: Repo
) -> None:
    def full(moment: checkpoints.Moment, deed: str, about: object) -> None:
        del about
        if (moment, deed) == ("before", "land step"):
            raise errors.disk_full("a pack")

    plan = here.plan({"title": "Run", "steps": [{"title": "A", "run": "echo $RANDOM > a.txt"}]})
    checkpoints.observe(full)
    try:
        here("exec", plan, expect=128)
    finally:
        checkpoints.observe(None)
    told = re.search(r"kept the work of an interrupted attempt: (\w+)", here("exec", plan).err)
    assert told is not None
    assert repo.git("ls-tree", "--name-only", told[1]).splitlines() == ["README.md", "a.txt"]
