"""A plan that came from another copy of the repository."""

from __future__ import annotations

import pytest
from conftest import Repo, data, writing


@pytest.fixture
def other(repo: Repo) -> Repo:
    """A clone of the repository."""
    repo.git("clone", "-q", str(repo.path), "../other")
    return Repo(repo.path.parent / "other")


def fetched(repo: Repo, other: Repo, plan: str) -> None:
    other.git("fetch", "-q", str(repo.path), f"refs/heads/orch/{plan}:refs/heads/orch/{plan}",
              f"refs/notes/orch/{plan}:refs/notes/orch/{plan}")  # fmt: skip


def test_a_plan_written_elsewhere_is_shown_but_not_run(repo: Repo, other: Repo) -> None:
    plan = repo.plan(writing("a"))
    fetched(repo, other, plan)
    assert other.step_states(plan) == ["pending"]
    done = other.orch("exec", plan, expect=3)
    assert "has no approval on this machine" in done.stderr
    assert other.orch("verify", plan, expect=None).returncode in (0, 3)
    assert other.git("worktree", "list").count("\n") == 0


def test_the_checks_of_a_plan_that_was_done_elsewhere_are_not_run(repo: Repo, other: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("exec", plan)
    fetched(repo, other, plan)
    told = other.orch("exec", plan).stderr
    assert "its checks did not run on the tip: " in told
    assert "has no approval on this machine" in told
    assert not (other.path / ".git/orch/output").exists()


def test_its_text_makes_a_plan_of_ones_own(repo: Repo, other: Repo) -> None:
    plan = repo.plan(writing("a"))
    fetched(repo, other, plan)
    text = other.orch("show", plan, "--yaml").stdout
    (other.path / "plan.yaml").write_text(text)
    mine = other.orch("plan", "--from", "plan.yaml").stdout.split()[0]
    other.orch("exec", mine)
    assert other.step_states(mine) == ["done"]


def test_an_edit_from_elsewhere_makes_it_somebody_elses(repo: Repo, other: Repo) -> None:
    """What counts is the text that was made here, not who made the plan."""
    plan = repo.plan(writing("a"))
    fetched(repo, other, plan)
    changed = other.orch("show", plan, "--yaml").stdout.replace("Write a", "Write more")
    other.orch("edit", plan, "--from", "-", stdin=changed)
    repo.git("fetch", "-q", "../other", f"+refs/notes/orch/{plan}:refs/notes/orch/{plan}",
             f"+refs/heads/orch/{plan}:refs/heads/orch/{plan}")  # fmt: skip
    assert repo.orch("exec", plan, expect=None).returncode == 3


def test_edits_of_two_people_come_together_and_a_conflict_is_named(repo: Repo, other: Repo) -> None:
    """The logs are merged as any notes: the text is what both made of it."""
    plan = repo.plan(writing("a", "b"))
    fetched(repo, other, plan)
    for clone, changes in (
        (repo, (("Write a", "Write mine"), ("test -f b", "test -s b"))),
        (other, (("Write b", "Write yours"), ("test -f b", "test -r b"))),
    ):
        text = clone.orch("show", plan, "--yaml").stdout
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        clone.orch("edit", plan, "--from", "-", stdin=text)

    log = f"refs/notes/orch/{plan}"
    repo.git("fetch", "-q", "../other", f"{log}:refs/notes/theirs")
    repo.git("notes", f"--ref={log}", "merge", "-q", "-s", "cat_sort_uniq", "refs/notes/theirs")

    text = repo.orch("show", plan, "--yaml").stdout
    assert "Write mine" in text
    assert "Write yours" in text
    assert "two edits changed 'checks' of step 2" in repo.orch("status", plan).stdout
    assert "differs from the plan made here" in repo.orch("exec", plan, expect=3).stderr
    [conflict] = data(repo.orch("show", plan, "--json").stdout)["edit_conflicts"]
    assert (conflict["step"], conflict["field"]) == (2, "checks")
    assert (conflict["value"][0]["command"], conflict["other"][0]["command"]) == (
        "test -r b", "test -s b",
    )  # fmt: skip
    refused = repo.orch("approve", plan, expect=3).stderr
    assert "two edits of step 2 are in conflict: checks" in refused
    assert "git orch edit" in refused
    settled = repo.orch("edit", plan, "--from", "-", stdin=text).stdout  # the later one it is
    assert "the conflicts are settled" in settled
    assert '"was":{' in repo.git("notes", f"--ref={log}", "show", f"orch/{plan}").replace(" ", "")
    assert "two edits" not in repo.orch("status", plan).stdout
    repo.orch("approve", plan)
    repo.orch("edit", plan, "--from", "-", stdin=text.replace("test -r b", "test -s b"))
    repo.orch("undo", plan)
    assert repo.orch("show", plan, "--yaml").stdout == text
