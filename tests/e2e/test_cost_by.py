"""What plans and commits have cost, summed: every sum is the ledger's, to the cent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Here, data
from model_server import ModelServer, tool, turn

DONE = tool("step_done", summary="Done.")
KINDS = ["step", "path", "author", "month", "model"]


def writes(path: str, output: int) -> list[Any]:
    """The replies for one step that writes a file; the first has so many tokens of output."""
    used = {"output_tokens": output}
    return [turn(tool("write_file", path=path, content=f"{path}\n"), usage=used), turn(DONE)]


@pytest.fixture
def paid(here: Here, model_server: ModelServer) -> tuple[Here, str]:
    """A plan that a model made, whose first step failed once and whose second one is another
    model's.
    """
    document = {
        "title": "Write",
        "steps": [
            {"title": "Write a", "prompt": "a", "checks": [{"command": "test -f lib/a"}]},
            {"title": "Write b", "prompt": "b", "model": "claude-haiku-4-5"},
        ],
    }
    model_server.script(
        turn(DONE, usage={"output_tokens": 3_001}),
        *writes("lib/a", 2_003),
        *writes("b", 1_007),
    )
    plan = here.plan(document)
    here("exec", plan, "--retries", "1")
    return here, plan


def sums(here: Here, by: str, *commits: str) -> dict[str, Any]:
    found: dict[str, Any] = data(here("cost", "--by", by, "--json", *commits).out)
    assert round(sum(row["usd"] for row in found["rows"]), 9) == found["usd"]
    return found


def test_every_sum_is_what_the_log_has(paid: tuple[Here, str]) -> None:
    here, plan = paid
    ledger = here.show(plan)["usd"]
    for by in KINDS:
        assert sums(here, by)["usd"] == pytest.approx(ledger, abs=1e-9)
        assert sums(here, by, f"orch/{plan}")["usd"] == pytest.approx(ledger, abs=1e-9)


def test_the_rows_are_steps_paths_models_months_and_authors(paid: tuple[Here, str]) -> None:
    here, _ = paid
    keys = {by: [row[by] for row in sums(here, by)["rows"]] for by in KINDS}
    assert [key.partition(" ")[2] for key in keys["step"]] == ["1 Write a", "2 Write b"]
    assert keys["path"] == ["lib/a", "b"]
    assert set(keys["model"]) == {"claude-sonnet-5-5", "claude-haiku-4-5"}
    assert len(keys["month"]) == 1
    assert here.repo.git("log", "-1", "--format=%an <%ae>").strip() in keys["author"]


def test_a_plan_that_landed_and_was_archived_counts_in_the_range_it_landed_in(
    paid: tuple[Here, str],
) -> None:
    here, plan = paid
    ledger = here.show(plan)["usd"]
    before = here.repo.git("rev-parse", "main").strip()
    here("land", plan, "--squash")
    assert sums(here, "model")["usd"] == pytest.approx(ledger, abs=1e-9)
    assert sums(here, "step", f"{before}..main")["usd"] == pytest.approx(ledger, abs=1e-9)
    assert sums(here, "step", before)["usd"] == 0


def test_commits_whose_log_is_elsewhere_count_as_their_messages_say(
    paid: tuple[Here, str],
) -> None:
    here, plan = paid
    git = here.repo.git
    git("switch", "-q", f"orch/{plan}")
    git("switch", "-q", "-c", "taken")
    for ref in git("for-each-ref", "--format=%(refname)").split():
        if "orch" in ref:
            git("update-ref", "-d", ref)
    found = sums(here, "path", "taken")
    told = git("log", "--format=%(trailers:key=Orch-Cost,valueonly)").split()
    assert found["usd"] == pytest.approx(sum(float(word) for word in told if word != "USD"))
    assert found["usd"] > 0


def test_a_person_reads_amounts_and_a_total(paid: tuple[Here, str]) -> None:
    here, _ = paid
    *rows, total = here("cost", "--by", "model").out.splitlines()
    assert len(rows) == 2
    assert total.split()[1:] == ["in", "all"]


def test_a_plan_may_stand_in_the_place_of_a_range(paid: tuple[Here, str]) -> None:
    here, plan = paid
    assert sums(here, "step", plan)["usd"] == pytest.approx(here.show(plan)["usd"], abs=1e-9)


def test_a_range_that_names_no_commits_is_an_error(here: Here) -> None:
    assert (
        "'nothing..here' names neither commits nor a plan"
        in here("cost", "--by", "step", "nothing..here", expect=5).err
    )


def test_sums_and_estimates_do_not_go_together(here: Here) -> None:
    here("cost", "--by", "step", "--count-tokens", expect=2)


def test_without_a_plan_nothing_has_cost_anything(here: Here) -> None:
    assert json.loads(here("cost", "--by", "month", "--json").out)["data"]["rows"] == []
