"""Running a part of a plan, waiting between attempts, and stopping for a review."""

from __future__ import annotations

import signal

import pytest
from conftest import Here, Repo, writing


def states(here: Here, plan: str) -> list[str]:
    return [step["state"] for step in here.show(plan)["steps"]]


@pytest.mark.parametrize(
    ("options", "done"),
    [
        (["--steps", "1,3"], [1, 3]),
        (["--skip-steps", "2-3"], [1, 4]),
        (["--from-step", "3"], [3, 4]),
        (["--steps", "1-3", "--skip-steps", "2"], [1, 3]),
        (["--from-step", "2", "--skip-steps", "4"], [2, 3]),
    ],
)
def test_only_the_chosen_steps_are_run(here: Here, options: list[str], done: list[int]) -> None:
    """S1-225 to S1-227."""
    plan = here.plan(writing("a", "b", "c", "d", chained=False))
    here("exec", *options)
    assert [number for number, state in enumerate(states(here, plan), 1) if state == "done"] == done


def test_two_ways_to_choose_steps_are_refused(here: Here) -> None:
    """S1-230; the hint says the same in one."""
    plan = here.plan(writing("a", "b", "c", chained=False))
    refused = here("exec", "--steps", "1", "--from-step", "2", expect=2).err
    assert "write --steps 2-3" in refused
    assert states(here, plan) == ["pending"] * 3


@pytest.mark.parametrize("typed", ["4-2", "0", "99", "x"])
@pytest.mark.parametrize("option", ["--steps", "--skip-steps"])
def test_a_list_that_names_no_step_is_a_usage_error(here: Here, option: str, typed: str) -> None:
    """S1-229."""
    plan = here.plan(writing("a", "b", chained=False))
    here("exec", option, typed, expect=2)
    assert states(here, plan) == ["pending"] * 2


def test_what_needs_a_step_that_is_left_out_is_left_out_as_well(here: Here) -> None:
    plan = here.plan(writing("a", "b", "c"))
    assert "left out: steps 2, 3\n" in here("exec", "--skip-steps", "2", "--dry-run").out
    assert "left out: steps 2, 3\n" in here("exec", "--skip-steps", "2").out
    assert states(here, plan) == ["done", "skipped", "skipped"]


def test_the_next_run_takes_what_was_left_out(here: Here) -> None:
    plan = here.plan(writing("a", "b", chained=False))
    assert "left out: step 1\n" in here("exec", "--from-step", "2").out
    assert "  1  skipped" in here("show", plan).out
    assert "left out" not in here("exec").out
    assert states(here, plan) == ["done", "done"]


def test_steps_that_nobody_asked_for_are_not_left_out(here: Here) -> None:
    plan = here.plan(writing("a", "b", chained=False))
    assert "left out" not in here("exec", "--steps", "1").out
    assert states(here, plan) == ["done", "pending"]


@pytest.mark.parametrize("chosen", ["3", "1,3"])
def test_a_step_whose_needs_are_not_chosen_is_refused_before_anything_runs(
    here: Here, chosen: str
) -> None:
    """S1-231."""
    plan = here.plan(writing("a", "b", "c"))
    refused = here("exec", "--steps", chosen, expect=3).err
    assert "step 3 needs step 2" in refused
    assert states(here, plan) == ["pending"] * 3
    here(*refused.rpartition("hint: git orch ")[2].partition("#")[0].split())
    assert states(here, plan) == ["done"] * 3


@pytest.mark.parametrize(
    ("options", "done"),
    [
        (["--steps", "1,3"], [1, 3]),
        (["--skip-steps", "2"], [1, 3]),
        (["--from-step", "3"], [3]),
        (["--from-step", "2", "--skip-steps", "2"], [3]),
    ],
)
def test_a_forced_step_does_without_what_it_needs(
    here: Here, options: list[str], done: list[int]
) -> None:
    """S1-231."""
    plan = here.plan(writing("a", "b", "c"))
    here("exec", *options, "--force")
    assert [number for number, state in enumerate(states(here, plan), 1) if state == "done"] == done
    here("exec")
    assert states(here, plan) == ["done"] * 3


def test_force_goes_with_a_choice_of_steps(here: Here) -> None:
    here.plan(writing("a"))
    assert "--force goes with --steps" in here("exec", "--force", expect=2).err


def test_a_preview_of_one_step_runs_nothing(here: Here) -> None:
    """S1-228."""
    plan = here.plan(writing("a", "b", "c"))
    told = here("exec", "--dry-run-step", "2").out
    assert "step 2 Write b" in told
    assert "step 1" not in told
    assert states(here, plan) == ["pending"] * 3


def test_a_strict_run_ends_with_a_step_that_needs_a_review(here: Here) -> None:
    here.repo.commit({"check.sh": "true\n"}, "check")
    step = {"title": "Weaken", "run": "echo : > check.sh", "checks": [{"command": "sh check.sh"}]}
    plan = here.plan(
        {"title": "Two", "steps": [step, {**writing("b")["steps"][0], "depends_on": [1]}]}
    )
    told = here("exec", "--strict", expect=9).err
    assert states(here, plan) == ["done", "pending"]
    assert "+:" in here(*told.rpartition("hint: git orch ")[2].split()).out


def test_the_last_line_says_how_a_script_of_several_lines_ended(here: Here) -> None:
    here.plan(
        {"title": "Fail", "steps": [{"title": "Fail", "run": "echo one\necho two\nexit 3\n"}]}
    )
    assert "error: step 1 failed: 'echo one ...' exited 3\nhint: " in here("exec", expect=1).err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--max-usd=x", "'--max-usd' / '--max-cost': 'x' is not a number"),
        ("--max-step-usd=nan", "'--max-step-usd': nan is not between 0 and 1,000,000,000"),
        ("--max-usd=-1", "'--max-usd' / '--max-cost': -1 is not between 0 and 1,000,000,000"),
        ("--backoff=601", "'--backoff': 601 is not between 0 and 600"),
    ],
)
def test_an_amount_is_a_number_in_its_range(here: Here, option: str, said: str) -> None:
    assert said in here("exec", option, expect=2).err


def test_a_plan_that_needs_no_model_ends_without_a_word_about_money(here: Here) -> None:
    here.plan(writing("a"))
    assert "$" not in here("exec").out


def test_there_is_a_pause_before_another_attempt(repo: Repo) -> None:
    """Ten minutes of it: a signal ends it, and the attempt is not made."""
    plan = repo.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "false"}]})
    running = repo.start("exec", plan, "--retries", "1", "--backoff", "600")
    assert running.stderr is not None
    said = next(line for line in running.stderr if "trying again" in line)
    running.send_signal(signal.SIGINT)
    _, more = running.communicate()
    assert "trying again in 600 s" in said
    assert running.returncode == 130, more
    assert len(repo.orch("show", plan, "--attempts").stdout.splitlines()) == 2
