"""Requirements that drift when a watched path changes, and are proved again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, Prepared, Repo, data

HELLO, BYE = "grep -q hello a.py", "grep -q bye b.py"
PLAN: dict[str, Any] = {
    "title": "Greet",
    "requirements": [
        {"id": "R1", "text": "a says hello", "checks": [HELLO], "watch": ["a.*"]},
        {"id": "R2", "text": "b says bye"},
    ],
    "steps": [
        {"title": "a", "files": {"a.py": "hello\n"}, "requirements": ["R1"], "checks": [HELLO]},
        {"title": "b", "files": {"b.py": "bye\n"}, "requirements": ["R2"], "checks": [BYE]},
    ],
}


@pytest.fixture
def plan(repo: Repo, prepared: Prepared, here: Here) -> str:
    """A plan whose steps are done."""

    def build(repo: Repo) -> str:
        made = repo.plan(PLAN)
        repo.orch("exec", made)
        return made

    return prepared.instead(repo, "requirements", build)


def drifted(here: Here) -> list[str]:
    """The requirements that status names."""
    lines = here("status").out.splitlines()
    return [line.split()[1] for line in lines if line.startswith("drifted ")]


def states(here: Here, plan: str) -> list[str]:
    return [requirement["state"] for requirement in here.show(plan)["requirements"]]


def test_exactly_those_that_watch_a_changed_file_drift_until_their_checks_pass(
    here: Here, repo: Repo, plan: str
) -> None:
    here("land", plan)
    assert drifted(here) == []

    repo.commit({"a.py": "hello, you\n", "c.py": "c\n"})
    said = here("status").out
    assert drifted(here) == ["R1"]
    assert "R1 a says hello: a.py changed since its checks passed" in said
    [following] = [line for line in said.splitlines() if line.startswith("next: ")]
    [now] = data(here("status", "--json").out)
    assert [requirement["state"] for requirement in now["requirements"]] == ["drifted", "met"]

    here(*following.removeprefix("next: git orch ").split())
    shutil.rmtree(repo.path / ".git/orch/receipts")  # which are few, and the oldest of them go
    assert drifted(here) == []
    assert "no plan is open; begin with" in here("status").out


def test_one_whose_check_fails_stays_drifted_until_the_file_is_back(
    here: Here, repo: Repo, plan: str
) -> None:
    here("land", plan)
    repo.commit({"b.py": "by\n"})

    refused = here("verify", plan, "--requirement", "all", expect=1)

    assert "the checks of R2 fail" in refused.err
    assert drifted(here) == ["R2"]
    repo.git("revert", "--no-edit", "HEAD")
    assert drifted(here) == []


def test_a_clone_knows_from_the_log_what_drifted(
    here: Here, repo: Repo, plan: str, tmp_path: Path
) -> None:
    here("land", plan)
    repo.commit({"b.py": "bye, you\n"})
    subprocess.run(["git", "clone", "-q", repo.path, tmp_path / "clone"], check=True)
    clone = Repo(tmp_path / "clone")
    archive = "refs/notes/orch/archive"
    clone.git("fetch", "-q", "origin", f"{archive}:{archive}")

    named = clone.orch("status", plan).stdout
    assert "drifted  R2 b says bye: b.py changed" in named
    assert "R1" not in named
    assert "drifted  R2" in clone.orch("status").stdout


def test_what_somebody_changes_in_the_checkout_counts_before_it_is_committed(
    here: Here, repo: Repo, plan: str
) -> None:
    here("land", plan)
    repo.write({"a.py": "hello, you\n", "new.txt": "not tracked\n"})

    said = here("status").out

    assert drifted(here) == ["R1"]
    assert "R1 a says hello: a.py has uncommitted changes" in said
    again = f"git orch verify {repo.handle(plan)} --requirement R1"
    assert f"next: git commit -a  # then: {again}" in said


def test_a_refactoring_whose_plan_runs_the_same_check_lets_nothing_drift(
    here: Here, repo: Repo, plan: str
) -> None:
    here("land", plan)
    step = {"title": "Say more", "files": {"a.py": "hello, all\n"}, "checks": [HELLO]}
    other = here.plan({"title": "Refactor", "steps": [step]})
    here("exec", other)
    here("land", other)

    assert (repo.path / "a.py").read_text() == "hello, all\n"
    assert drifted(here) == []


def test_until_the_plan_has_landed_its_own_branch_counts(here: Here, repo: Repo, plan: str) -> None:
    repo.commit({"a.py": "of somebody else\n"})
    assert states(here, plan) == ["met", "met"]
    repo.git("switch", "-q", f"orch/{plan}")
    repo.commit({"b.py": "bye, all\n"})
    assert drifted(here) == ["R2"]
    here("verify", plan, "--tip")
    assert drifted(here) == []


def test_a_squash_carries_the_requirements(here: Here, repo: Repo, plan: str) -> None:
    here("land", plan, "--squash")
    trailers = repo.git("log", "-1", "--format=%(trailers:key=Orch-Req,valueonly)")
    assert trailers.split() == ["R1", "R2"]


def test_what_no_requirement_is_called_is_refused(here: Here, plan: str) -> None:
    assert (
        "there is no requirement 'R9'" in here("verify", plan, "--requirement", "R9", expect=5).err
    )


def test_before_its_steps_are_done_a_requirement_is_open(here: Here) -> None:
    made = here.plan(PLAN)
    assert states(here, made) == ["open", "open"]
    assert drifted(here) == []
    refused = here("verify", made, "--requirement", "R1", expect=5)
    assert "the steps of R1 are not done" in refused.err


def test_requirements_change_in_exported_files_and_after_their_steps_are_done(
    here: Here, repo: Repo, plan: str
) -> None:
    here("docs")
    [file] = repo.path.glob("ai_docs/specs/*.md")
    text = file.read_text().replace("**R1**: a says hello", "**R1**: a greets")
    file.write_text(text.replace("requirements: [R2]", "requirements: [R1, R2]"))

    here("docs")

    first = here.show(plan)["requirements"][0]
    assert (first["text"], first["steps"]) == ("a greets", [1, 2])


def test_beside_a_setup_command_a_plan_of_ones_own_is_proved_in_the_sandbox(
    here: Here, repo: Repo
) -> None:
    subprocess.run(["git", "config", "--global", "orch.setup", "true"], check=True)
    made = here.plan(PLAN)
    here("approve", made, "--setup")
    here("exec", made)
    here("land", made)
    repo.commit({"a.py": "hello, you\n"})
    here("verify", made, "--requirement", "R1")
    assert drifted(here) == []

    subprocess.run(["git", "config", "--global", "orch.sandbox", "none"], check=True)
    repo.commit({"a.py": "hello, all\n"})
    refused = here("verify", made, "--requirement", "R1", expect=3)
    again = f"orch verify {repo.handle(made)} --requirement R1"
    assert f"hint: git -c orch.sandbox=auto {again}" in refused.err
