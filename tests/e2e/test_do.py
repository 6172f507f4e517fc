"""git orch do and git orch otk: a sentence, or a command of another tool, is run as a command."""

from __future__ import annotations

import json

import pytest
from conftest import Repo

READY = "plan 'Add user authentication' and mark it ready"


def states(repo: Repo) -> list[str]:
    """The states of all plans."""
    listed = json.loads(repo.orch("ls", "--json").stdout)["data"]
    return [plan["state"] for plan in (listed["plans"] if isinstance(listed, dict) else listed)]


def test_a_sentence_is_run_and_its_command_is_told(repo: Repo) -> None:
    """S2-013 and S2-083."""
    done = repo.orch("do", READY)
    assert done.stderr == "git orch plan 'Add user authentication' --ready\n"
    assert "Status: ready" in done.stdout
    repo.orch("do", "generate", "specs")
    assert states(repo) == ["CREATED"]
    assert "Implement" in repo.orch("do", "scout the spec").stdout


def test_words_of_a_title_name_a_plan(repo: Repo) -> None:
    repo.orch("plan", "Add user authentication", "--draft")
    repo.orch("plan", "Rate limits", "--draft")
    repo.orch("do", "mark rate limits as ready")
    assert sorted(states(repo)) == ["DRAFT", "READY"]


def test_a_dry_run_prints_the_command_alone(repo: Repo) -> None:
    """S2-101."""
    done = repo.orch("do", "-n", READY)
    assert (done.stdout, done.stderr) == ("git orch plan 'Add user authentication' --ready\n", "")
    assert states(repo) == []
    data = json.loads(repo.orch("do", "-n", "--json", READY).stdout)["data"]
    assert data["argv"] == ["git", "orch", "plan", "Add user authentication", "--ready"]


def test_a_sentence_that_is_not_understood_makes_no_plan(repo: Repo) -> None:
    """S2-095 and S2-100."""
    failed = repo.orch("do", "add search", expect=2)
    assert "hint: git orch plan 'add search' --draft" in failed.stderr
    repo.orch("do", expect=2)
    assert states(repo) == []


def test_a_sentence_comes_from_standard_input(repo: Repo) -> None:
    assert "Status: ready" in repo.orch("do", "-", stdin=READY).stdout


def test_the_answer_to_a_program_is_that_of_the_command(repo: Repo) -> None:
    answer = json.loads(repo.orch("do", "--json", READY).stdout)
    assert answer["schema"].startswith("git-orch/plan/")
    assert answer["data"]["state"] == "READY"
    failed = json.loads(repo.orch("do", "--json", "execute PLAN-none", expect=5).stdout)
    assert failed["status"] == "not-found"


def test_a_title_of_a_spec_needs_its_plan(repo: Repo) -> None:
    """S2-015 and S2-087."""
    error = repo.orch("do", "spec 'DB schema' for it", expect=5).stderr
    assert "there is no plan for that" in error
    repo.orch("do", "plan 'one'")
    done = repo.orch("do", "-n", "spec 'DB schema' for it")
    assert done.stdout.startswith("git orch spec ")
    assert "for which plan" in repo.orch("do", "design the schema", expect=2).stderr
    repo.orch("do", "plan 'two'")
    several = repo.orch("do", "spec 'DB schema' for it", expect=5).stderr
    assert several.count("git orch spec ") == 2


def test_old_commands_run_as_new_ones(repo: Repo) -> None:
    """S2-157 to S2-160, and S2-162."""
    assert repo.orch("otk", "task-new", "Feature").stderr == "git orch plan Feature --ready\n"
    repo.orch("plan", "Another", "--ready")
    assert "created_plans=2" in repo.orch("otk", "orchestrator-once").stdout
    assert "created_plans=0" in repo.orch("otk", "orchestrator-once").stdout
    repo.orch("otk", expect=2)
    repo.orch("otk", "nonesuch", expect=2)


@pytest.mark.parametrize("program", [("otk", "plan-summarize"), ("do", "show plan")])
def test_no_shell_reads_what_was_typed(repo: Repo, program: tuple[str, ...]) -> None:
    """S2-166."""
    repo.orch(*program, 'x"; touch pwned; echo "', expect=5 if program[0] == "otk" else 2)
    assert not (repo.path / "pwned").exists()
