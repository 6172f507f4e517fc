"""The life of a plan as commands show and change it: state, graph, check, edit, reject."""

from __future__ import annotations

from conftest import Here, data, writing


def state(here: Here, plan: str) -> str:
    """The state that `git orch state` prints first."""
    return here("state", plan).out.split()[1]


def test_state_names_what_may_follow_and_the_commands_that_lead_there(here: Here) -> None:
    """S1-219."""
    plan = here.plan(writing("a"))
    told = data(here("state", plan, "--json").out)
    assert (told["id"], told["state"]) == (plan, "CREATED")
    assert [each["state"] for each in told["possible"]] == ["VALIDATED", "REJECTED"]
    for each in told["possible"]:
        here(*each["command"].replace("TEXT", "no").split()[2:])
        assert state(here, plan) == each["state"]


def test_an_archived_plan_has_to_be_brought_back_first(here: Here) -> None:
    plan = here.plan(writing("a"))
    here("exec")
    here("archive", plan)
    told = data(here("state", plan, "--json").out)["possible"]
    assert {each["command"].split()[3] for each in told} == {"--undo"}
    here(*told[0]["command"].split()[2:])
    assert state(here, plan) == "COMPLETE"


def test_no_state_is_set_by_hand(here: Here) -> None:
    """S1-220: refused, legal or not, and the plan is unchanged."""
    plan = here.plan(writing("a"))
    before = here.repo.git("for-each-ref")
    illegal = here("state", plan, "COMPLETE", expect=3).err
    assert "is CREATED: it cannot become COMPLETE, only VALIDATED or REJECTED" in illegal
    assert "hint: git orch exec" in illegal
    assert "no state is set by hand" in here("state", "REJECTED", expect=3).err
    assert here.repo.git("for-each-ref") == before


def test_whether_a_state_may_follow_is_an_exit_code(here: Here) -> None:
    """S1-219: all pairs are in the test of the table."""
    assert here("state", "--can", "created", "Validated").out == "yes\n"
    assert here("state", "--can", "CREATED", "COMPLETE", expect=1).out == "no\n"
    assert data(here("state", "--can", "CREATED", "COMPLETE", "--json", expect=1).out) is False
    here("state", "--can", "CREATED", "DONE", expect=2)


def test_a_plan_without_errors_is_validated_and_recorded_once(here: Here) -> None:
    """S1-119."""
    plan = here.plan(writing("a"))
    here("check", plan)
    assert state(here, plan) == "CREATED"
    here("check", plan, "--record")
    assert state(here, plan) == "VALIDATED"
    log = here.repo.git("rev-parse", f"refs/notes/orch/{plan}")
    here("check", plan, "--record")
    assert here.repo.git("rev-parse", f"refs/notes/orch/{plan}") == log
    here("exec", plan)
    names = [event["event"] for event in data(here("log", plan, "--json").out)]
    assert names.count("plan.validated") == 1


def test_a_plan_with_an_error_stays_created(here: Here) -> None:
    """S1-119."""
    plan = here.plan({**writing("a"), "dependencies": ["nonesuch-command"]})
    said = here("check", plan, "--record", expect=1).out
    assert "  fix: install 'nonesuch-command'" in said
    assert state(here, plan) == "CREATED"


def test_a_budget_below_the_estimate_is_an_error(here: Here) -> None:
    """S1-115."""
    plan = here.plan({"title": "Ask", "steps": [{"title": "Write a", "prompt": "Write a.md"}]})
    [found] = data(here("check", plan, "--max-usd", "0.0001", "--json", expect=1).out)
    assert (found["code"], found["field"]) == ("over-budget", "estimate")
    assert found["fix"]
    here("check", plan, "--max-usd", "0")
    here("check", plan)


def test_a_plan_with_an_error_is_refused_with_all_of_them_before_it_begins(here: Here) -> None:
    plan = here.plan(
        {**writing("a"), "dependencies": ["nonesuch-command"], "missing": ["nonesuch-other"]}
    )
    said = here("exec", plan, expect=1).err
    assert "'nonesuch-command' is not on PATH (and 1 more)" in said
    assert "'nonesuch-other', which was missing" in said
    assert f"hint: git orch check {here.repo.handle(plan)}" in said
    assert state(here, plan) == "CREATED"


def test_what_an_edit_ends_is_written_down(here: Here) -> None:
    """An execution that stands still counts as failed before the plan is CREATED again."""
    plan = here.plan(writing("a", "b"))
    here("exec", plan)
    here("rollback", plan, "--to-step", "1")
    text = here("show", plan, "--yaml").out
    here("edit", plan, "--from", "-", stdin=text.replace("Write b", "Write c"))
    names = [event["event"] for event in data(here("log", plan, "--json").out)]
    assert names.index("plan.stopped") < names.index("plan.revised")
    assert state(here, plan) == "CREATED"


def test_a_landed_step_of_a_complete_plan_is_edited_after_the_command_of_the_hint(
    here: Here,
) -> None:
    plan = here.plan(writing("a", "b"))
    here("exec", plan)
    text = here("show", plan, "--yaml").out.replace("Write b", "Write c")
    said = here("edit", plan, "--from", "-", stdin=text, expect=3).err
    here(*said.rpartition("hint: git orch ")[2].split())
    here("edit", plan, "--from", "-", stdin=text)
    assert here.show(plan)["steps"][1]["title"] == "Write c"


def test_an_edited_plan_whose_steps_have_landed_is_not_rejected(here: Here) -> None:
    plan = here.plan(writing("a", "b"))
    here("exec", plan)
    here("rollback", plan, "--to-step", "1")
    here(
        "edit",
        plan,
        "--from",
        "-",
        stdin=here("show", plan, "--yaml").out.replace("Write b", "Write c"),
    )
    assert "have landed" in here("reject", plan, "--why", "no", expect=3).err


def test_the_graph_is_drawn_in_levels(here: Here) -> None:
    """S1-234, S1-235."""
    document = writing("a", "b", "c", "d", chained=False)
    document["steps"][2]["depends_on"] = [1, 2]
    document["steps"][3]["files"] = {"a": "again\n"}
    document["steps"][0]["title"] = 'Say "a\\"'
    plan = here.plan(document)
    shown = here("graph", plan).out
    assert shown.splitlines()[0] == 'level 1   *   1  pending     Say "a\\" [files]'
    assert "level 2   *   3  pending     Write c [files]  after 1, 2" in shown
    assert "* longest chain: 1 -> 3, 2 of 4 steps\nat most 3 at the same time\n" in shown
    assert "not at once: 1 and 4 change the same path" in shown
    told = data(here("graph", plan, "--json").out)
    assert told["levels"] == [["s1", "s2", "s4"], ["s3"]]
    assert told["edges"] == [["s1", "s3"], ["s2", "s3"]]
    assert (told["critical_path"], told["conflicts"]) == (["s1", "s3"], [["s1", "s4"]])
    drawn = here("graph", plan, "--dot").out
    assert drawn == here("graph", plan, "--format", "dot").out
    assert '  s1 [label="1 Say \\"a\\\\\\"" style="filled,bold" ' in drawn
    assert "  s2 -> s3;\n" in drawn


def test_a_graph_shows_twenty_conflicts_and_counts_the_others(here: Here) -> None:
    document = writing(*(f"f{number}" for number in range(8)), chained=False)
    for step in document["steps"]:
        step["files"] = {"same": "text\n"}
        step["checks"] = []
    lines = here("graph", here.plan(document)).out.splitlines()
    conflicts = [line for line in lines if line.startswith("not at once: ")]
    assert len(conflicts) == 21
    assert conflicts[-1] == "not at once: and 8 more pairs"  # of 8 * 7 / 2
