"""orch.notify: a program of the user's that is told of new specs, and of the changes of plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Here, Repo, writing
from model_server import ModelServer, tool, turn


def _set(repo: Repo, tmp_path: Path, body: str) -> Path:
    """Set a program that notes what it gets; gives the file of its notes."""
    script = tmp_path / "tell"
    notes = tmp_path / "told"
    script.write_text(
        f"#!/bin/sh\necho \"$*|$GIT_ORCH_MESSAGE|$GIT_ORCH_PLAN\" >>'{notes}'\n{body}\n"
    )
    script.chmod(0o755)
    repo.git("config", "--global", "orch.notify", f"'{script}' -x")
    return notes


def test_a_program_is_told_of_a_spec_and_of_several_at_once(repo: Repo, tmp_path: Path) -> None:
    """S2-180; a title is an argument, and never a word of the command line."""
    notes = _set(repo, tmp_path, "")
    title = 'Add $(touch evil); `x` "y"'

    repo.orch("spec", title, "--offline")
    repo.orch("plan", "One", "--ready")
    repo.orch("plan", "Two", "--ready")
    repo.orch("orchestrate", "--offline")
    repo.orch("orchestrate", "--offline")

    first, second = notes.read_text().splitlines()
    said, variable, plan = first.split("|")
    assert said == f"-x {variable}"
    assert variable == f"SPEC-{plan.removeprefix('PLAN-')} created: {title}"
    assert second.startswith("-x 2 specs created: SPEC-")


@pytest.mark.parametrize(
    ("body", "tries", "problem"),
    [
        ("exit 3", 3, "ended with 3, 3 times"),
        ("sleep 60", 1, "did not end within 3 s"),
        ("sleep 60 & exit 0", 1, "did not end within 3 s"),
    ],
)
def test_a_program_that_fails_or_hangs_stops_nothing(
    repo: Repo, tmp_path: Path, body: str, tries: int, problem: str
) -> None:
    """S2-179."""
    notes = _set(repo, tmp_path, body)

    done = repo.orch("spec", "One", "--offline")

    assert f"note: the command of 'orch.notify' {problem}" in done.stderr
    assert len(notes.read_text().splitlines()) == tries
    assert "in-spec" in done.stdout


def _changes(repo: Repo, tmp_path: Path, before: str = "") -> Path:
    """Set a program that notes each change; gives the file of its notes."""
    notes = tmp_path / "changes"
    line = f"""{before} echo "$GIT_ORCH_EVENT $GIT_ORCH_MESSAGE" >>'{notes}'; :"""
    repo.git("config", "--global", "orch.notify", line)
    return notes


def test_a_program_is_told_once_that_a_plan_is_complete_and_landed(
    repo: Repo, tmp_path: Path
) -> None:
    notes = _changes(repo, tmp_path)
    plan = repo.plan(writing("a.txt"))
    repo.orch("exec", plan)
    repo.orch("exec", plan)
    repo.orch("verify", plan)
    repo.orch("land", plan)
    told = [line.split()[0] for line in notes.read_text().splitlines()]
    assert told == ["complete", "landed"]


def test_a_program_in_a_file_that_the_users_configuration_includes_is_told(
    repo: Repo, tmp_path: Path
) -> None:
    notes, mine = tmp_path / "changes", tmp_path / "mine"
    repo.git("config", "--file", str(mine), "orch.notify", f"echo told >>'{notes}'; :")
    repo.git("config", "--global", "include.path", str(mine))
    repo.orch("exec", repo.plan(writing("a.txt")))
    assert notes.read_text() == "told\n"


def test_a_program_is_told_once_that_a_plan_waits_for_a_person(repo: Repo, tmp_path: Path) -> None:
    notes = _changes(repo, tmp_path)
    manual = {"title": "Look", "kind": "manual", "prompt": "Look at it"}
    plan = repo.plan({"title": "Two", "steps": [*writing("a.txt")["steps"], manual]})
    repo.orch("exec", plan, expect=9)
    repo.orch("exec", plan, expect=9)
    [line] = notes.read_text().splitlines()
    assert line.startswith("waiting ")
    assert line.endswith(": step 2 waits for you: Look")


def test_a_program_is_told_of_each_failure(repo: Repo, tmp_path: Path) -> None:
    notes = _changes(repo, tmp_path)
    plan = repo.plan({"title": "Fails $(touch evil)", "steps": [{"title": "x", "run": "exit 3"}]})
    repo.orch("exec", plan, expect=1)
    repo.orch("exec", plan, expect=1)
    first, second = notes.read_text().splitlines()
    assert first == second
    assert first.endswith(": failed: Fails $(touch evil)")


def test_what_a_killed_command_did_not_tell_the_next_one_tells(repo: Repo, tmp_path: Path) -> None:
    kill = f"test -e '{tmp_path}/killed' || {{ touch '{tmp_path}/killed'; kill -9 $PPID; exit; }};"
    notes = _changes(repo, tmp_path, kill)
    plan = repo.plan(writing("a.txt"))
    repo.orch("exec", plan, expect=-9)
    assert not notes.exists()
    repo.orch("verify", plan)
    repo.orch("verify", plan)
    [line] = notes.read_text().splitlines()
    assert line.startswith("complete ")


def test_a_program_that_is_set_later_is_not_told_of_the_past(repo: Repo, tmp_path: Path) -> None:
    plan = repo.plan(writing("a.txt"))
    repo.orch("exec", plan)
    notes = _changes(repo, tmp_path)
    repo.orch("verify", plan)
    assert not notes.exists()


def test_a_program_is_told_of_a_question_and_not_of_the_end_of_its_run(
    here: Here, model_server: ModelServer, tmp_path: Path
) -> None:
    notes = _changes(here.repo, tmp_path)
    model_server.script(turn(tool("ask", question="Is -v free?\nOr \x1b[31mtaken?")))
    plan = here.plan({"title": "Options", "steps": [{"title": "Add it", "prompt": "Add it."}]})
    here("exec", plan, expect=9)
    [line] = notes.read_text().splitlines()
    assert line.startswith("question ")
    assert "step 1 asks: Is -v free?" in line
    assert "\x1b" not in line


def test_a_program_is_told_that_a_budget_ended_a_step(
    here: Here, model_server: ModelServer, tmp_path: Path
) -> None:
    notes = _changes(here.repo, tmp_path)
    plan = here.plan({"title": "Options", "steps": [{"title": "Add it", "prompt": "Add it."}]})
    here("exec", plan, "--max-usd", "0.000001", expect=4)
    [line] = notes.read_text().splitlines()
    assert line.startswith("budget ")
    assert model_server.calls == []
