"""Every option of the smaller commands does what it says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Here, data, writing

from git_orch import errors
from git_orch.flow.branch import opening
from git_orch.repo.plan_place import PlanPlace


def checked(*commands: str) -> dict[str, Any]:
    """A plan of one step with these checks."""
    return {
        "title": "Checked",
        "steps": [
            {"title": "A", "files": {"a": "1"}, "checks": [{"command": c} for c in commands]}
        ],
    }


# -- plan ------------------------------------------------------------------------------------------


def test_base_chooses_where_a_plan_starts(here: Here) -> None:
    first = here.repo.git("rev-parse", "HEAD")
    here.repo.commit({"later": "x"})
    here.repo.git("branch", "old", first)
    made = here("plan", "--from", "-", "--base", "old", stdin=json.dumps(writing("a")))
    plan = made.out.split()[0]
    assert here.show(plan)["base"] == {"commit": first, "ref": "refs/heads/old", "snapshot": False}
    assert here.repo.git("rev-parse", f"orch/{plan}~1") == first


def test_a_base_that_names_nothing_is_refused(here: Here) -> None:
    assert (
        "names no commit"
        in here("plan", "--from", "-", "--base", "nowhere", stdin="{}", expect=128).err
    )


def test_plan_says_what_is_not_part_of_it_and_include_dirty_takes_it_in(here: Here) -> None:
    here.repo.write({"new": "x", "README.md": "changed\n"})
    assert (
        "2 uncommitted files are not part of it"
        in here("plan", "--from", "-", stdin=json.dumps(writing("a"))).err
    )
    made = here("plan", "--from", "-", "--include-dirty", stdin=json.dumps(writing("a")))
    plan = made.out.split()[0]
    assert here.repo.git("show", f"orch/{plan}:README.md") == "changed"
    assert here.repo.git("show", f"orch/{plan}:new") == "x"
    assert here.repo.git("status", "--porcelain").split() == ["M", "README.md", "??", "new"]


def test_a_template_needs_no_key(here: Here) -> None:
    made = here("plan", "--template", "python-cli", "--var", "name=hello")
    assert "5 steps" in made.out


@pytest.mark.parametrize(
    "args",
    [("task", "--from", "x"), ("--var", "a=b", "task"), ("--template", "python-cli", "--var", "name"),
     ("--template", "nonesuch"), ("--from", "nonesuch.yaml"), ("--include-dirty", "--base", "HEAD", "task")],
    ids=" ".join,
)  # fmt: skip
def test_what_does_not_go_together_is_a_usage_error(here: Here, args: tuple[str, ...]) -> None:
    done = here("plan", *args, expect=2)
    assert done.err.count("error: ") == done.err.count("hint: ") == 1


def test_plan_json_is_the_status_of_the_new_plan(here: Here) -> None:
    made = data(here("plan", "--from", "-", "--json", stdin=json.dumps(writing("a"))).out)
    assert made["state"] == "CREATED"
    assert here.show(made["id"]) == made


# -- show, ls, status, log, schema -----------------------------------------------------------------


def test_show_json_follows_its_schema(here: Here) -> None:
    """S1-021 to S1-024."""
    plan = here.plan(checked("true", "false"))
    here("exec", plan, expect=1)
    schema = json.loads(here("schema", "plan-status").out)
    jsonschema.validate(data(here("show", plan, "--json", "--attempts").out), schema)


def test_a_plan_file_follows_the_schema_of_plan_files(here: Here) -> None:
    jsonschema.validate(writing("a", "b"), json.loads(here("schema", "plan").out))
    jsonschema.validate(writing("a")["steps"][0], json.loads(here("schema", "step").out))


def test_the_schema_of_states_lists_them(here: Here) -> None:
    """S1-024, with DRAFT and READY before them."""
    states = json.loads(here("schema", "plan-state").out)["enum"]
    assert states[2:] == [
        "CREATED", "VALIDATED", "APPROVED", "EXECUTING", "COMPLETE", "FAILED", "ROLLED_BACK",
        "REJECTED",
    ]  # fmt: skip


def test_an_unknown_schema_is_a_usage_error(here: Here) -> None:
    here("schema", "nonesuch", expect=2)


def test_ls_open_leaves_out_what_is_complete(here: Here) -> None:
    done, still = here.plan(writing("a")), here.plan(writing("b"))
    here("exec", done)
    assert [plan["id"] for plan in data(here("ls", "--json").out)] == [done, still]
    assert [plan["id"] for plan in data(here("ls", "--open", "--json").out)] == [still]
    listed = [plan["id"] for plan in data(here("status", "--json").out)]
    assert sorted(listed) == sorted([done, still])  # one waits to be landed
    assert data(here("status", done, "--json").out)[0]["id"] == done


def test_log_shows_the_last_events_only_when_asked(here: Here) -> None:
    plan = here.plan(writing("a"))
    every = data(here("log", plan, "--json").out)
    assert every[0]["event"] == "plan.created"
    assert data(here("log", plan, "--json", "-n", "1").out) == every[-1:]


def test_what_a_command_printed_begins_no_line_of_the_log(here: Here) -> None:
    plan = here.plan(
        {
            "title": "Fail",
            "steps": [
                {"title": "Fail", "run": "printf 'a\\n2026-01-01T00:00:00Z  forged\\n'; false"}
            ],
        }
    )
    here("exec", plan, expect=1)
    lines = here("log", "--all", plan).out.splitlines()
    assert [line for line in lines if "forged" in line]
    assert not [line for line in lines if line.startswith("2026-01-01")]


def test_no_escape_sequence_of_a_command_is_shown(here: Here) -> None:
    plan = here.plan(
        {"title": "x", "steps": [{"title": "y", "run": "echo '\x1b]0;title\x07' >&2; exit 1"}]}
    )
    here("exec", plan, expect=1)
    for command in (("show",), ("log",), ("log", "--all"), ("status",), ("show", "--attempts")):
        assert "\x1b" not in here(*command, plan).out
    assert "0;title" in here("log", "--all", plan).out


def test_the_log_tells_what_was_done_newest_first(here: Here) -> None:
    plan = here.plan(writing("a", "b"))
    here("exec", plan)
    here("rollback", plan, "--last")
    here("undo")
    lines = here("log", "--oneline", plan).out.splitlines()
    assert [line[18:] for line in lines] == [
        "took back 'rollback by 1 step'",
        "rolled back by 1 step",
        "ran steps 1, 2",
        "planned 2 steps from a file",
    ]
    assert here("log", "--oneline", "-n", "2", plan).out.splitlines() == lines[:2]
    assert "                  step 2 " in here("log", plan).out
    assert "move.intended" in here("log", "--all", plan).out
    here("log", "--oneline", "--all", plan, expect=2)


# -- edit ------------------------------------------------------------------------------------------


def test_an_edited_plan_keeps_its_step_ids_and_its_cover_follows(here: Here) -> None:
    """S1-092: what was edited before execution is what runs."""
    plan = here.plan(writing("a", "b"))
    text = here("show", plan, "--yaml").out.replace("Write b", "Write the second")
    here("edit", plan, "--from", "-", stdin=text)
    assert [step["id"] for step in here.show(plan)["steps"]] == ["s1", "s2"]
    assert "Write the second" in here.repo.git("log", "-1", "--format=%B", f"orch/{plan}")
    here("exec", plan)
    assert here.repo.git("log", "-1", "--format=%s", f"orch/{plan}") == "Write the second"


def test_landed_steps_are_immutable(here: Here) -> None:
    plan = here.plan(writing("a", "b"))
    here("exec", plan)
    here("rollback", plan, "--to-step", "1")
    text = here("show", plan, "--yaml").out
    assert (
        "step 1"
        in here("edit", plan, "--from", "-", stdin=text.replace("Write a", "Write c"), expect=3).err
    )
    here("edit", plan, "--from", "-", stdin=text.replace("Write b", "Write c"))
    here("exec", plan)
    assert here.show(plan)["state"] == "COMPLETE"


def test_a_new_step_gets_an_id_that_was_never_used(here: Here) -> None:
    plan = here.plan(writing("a", "b"))
    text = here("show", plan, "--yaml").out
    shorter = text[: text.index("  - id: s2")]
    here("edit", plan, "--from", "-", stdin=shorter)
    here("edit", plan, "--from", "-", stdin=shorter + "  - {title: Another, run: 'true'}\n")
    assert [step["id"] for step in here.show(plan)["steps"]] == ["s1", "s3"]


def test_edit_opens_no_editor_without_a_terminal(here: Here) -> None:
    """S1-001."""
    here.plan(writing("a"))
    done = here("edit", expect=2)
    assert "--from FILE  # begin with what this shows: git orch show" in done.err


def test_an_edit_that_changes_nothing_writes_nothing(here: Here) -> None:
    plan = here.plan(writing("a"))
    before = here.repo.git("rev-parse", f"refs/notes/orch/{plan}")
    assert (
        "nothing changed"
        in here("edit", plan, "--from", "-", stdin=here("show", plan, "--yaml").out).out
    )
    assert here.repo.git("rev-parse", f"refs/notes/orch/{plan}") == before


# -- check, verify, cost, caps, config, help, diff -------------------------------------------------


def test_check_names_what_is_missing_and_ends_with_one(here: Here) -> None:
    plan = here.plan({**writing("a"), "dependencies": ["nonesuch-command"]})
    assert "nonesuch-command" in here("check", plan, expect=1).out
    assert here("check", plan, "--deps", expect=1).out == "nonesuch-command\n"
    assert data(here("check", plan, "--json", expect=1).out)[0]["level"] == "error"


def test_check_of_a_sound_plan_ends_with_zero(here: Here) -> None:
    assert here("check", here.plan(writing("a"))).out == "no findings\n"


def test_verify_runs_the_checks_again_and_leaves_the_plan_alone(here: Here) -> None:
    """S1-172, S1-173, S1-175."""
    plan = here.plan({**writing("a", "b")})
    here("exec", plan)
    before = here.repo.git("rev-parse", f"refs/notes/orch/{plan}", f"orch/{plan}")
    results = data(here("verify", plan, "--json").out)
    assert [(each["step"], each["passed"]) for each in results] == [(1, True), (2, True)]
    assert [each["step"] for each in data(here("verify", plan, "--step", "2", "--json").out)] == [2]
    assert here.repo.git("rev-parse", f"refs/notes/orch/{plan}", f"orch/{plan}") == before


def test_verify_runs_one_check_of_a_step(here: Here) -> None:
    plan = here.plan(checked("true", "test -f a"))
    here("exec", plan)
    [result] = data(here("verify", plan, "--check", "2", "--json").out)
    assert [check["command"] for check in result["checks"]] == ["test -f a"]
    assert "no step has a check 3" in here("verify", plan, "--check", "3", expect=5).err


def test_an_amended_step_is_unverified_until_verify_records_it(here: Here) -> None:
    plan = here.plan(writing("a"))
    here("exec", plan)
    here.repo.git("worktree", "add", "-q", "../wt", f"orch/{plan}")
    there = here.repo.path.parent / "wt"
    (there / "a").write_text("amended\n")
    here.repo.git("commit", "-qa", "--amend", "--no-edit", cwd=there)
    here.repo.git("worktree", "remove", "../wt")
    assert here.show(plan)["steps"][0]["state"] == "unverified"
    here("verify", plan)
    assert here.show(plan)["steps"][0]["state"] == "unverified"
    here("verify", plan, "--record")
    assert here.show(plan)["steps"][0]["state"] == "done"


@pytest.mark.usefixtures("unsandboxed")
def test_a_check_that_fails_now_makes_verify_end_with_one(here: Here) -> None:
    marker = here.repo.path.parent / "marker"
    marker.write_text("")
    plan = here.plan(checked(f"test -f {marker}"))
    here("exec", plan)
    marker.unlink()
    assert "FAILED" in here("verify", plan, "--no-cache", expect=1).out


def test_cost_shows_the_estimate_for_another_model(here: Here) -> None:
    """S1-068 to S1-073, S1-078."""
    plan = here.plan({"title": "x", "steps": [{"title": "Think", "prompt": "think"}]})
    assert data(here("cost", plan, "--json").out)["estimate_usd"] == pytest.approx(0.014)
    dearer = data(here("cost", plan, "--json", "--model", "claude-opus-5-5").out)
    assert dearer["estimate_usd"] == pytest.approx(0.028)
    here("cost", plan, "--model", "nonesuch", expect=2)


def test_prices_of_the_users_own_are_added(here: Here, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[[model]]\nid = "my-model"\ndate = 2026-11-01\nsource = "me"\ncontext = 1000000\nmax_output = 64000\n'
        "input = 1.0\noutput = 2.0\nwrite_5m = 1.0\nwrite_1h = 1.0\nread = 0.1\n"
    )
    here.repo.git("config", "--global", "orch.prices", str(prices))
    plan = here.plan(
        {"title": "x", "steps": [{"title": "Think", "prompt": "think", "model": "my-model"}]}
    )
    assert here.show(plan)["estimate"]["usd"] == pytest.approx(0.004)


def test_caps_work_without_a_key_and_outside_of_a_repository(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-030 to S1-039."""
    listed = data(here("caps", "--json").out)
    assert next(each for each in listed["commands"] if each["name"] == "git")["available"] is True
    assert data(here("caps", "--check", "git", "--json").out)["available"] is True
    assert data(here("caps", "--check", "nonesuch", "--json", expect=1).out)["available"] is False
    directory = Path(here("caps", "--path").out.strip())
    assert any(directory.iterdir())
    assert here.repo.git("status", "--porcelain") == ""
    monkeypatch.chdir(tmp_path)
    assert "Commands: " in here("caps", "--refresh").out


def test_caps_refresh_looks_again(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-043: what is remembered holds until asked, or until PATH changes."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    here("caps")
    before = here("caps", "--json").out
    shim = tmp_path / "rg"
    shim.write_text("#!/bin/sh\necho ripgrep 99.1.2\n")
    shim.chmod(0o755)
    assert "99.1.2" not in before
    assert "99.1.2" in here("caps", "--refresh", "--json").out


def test_config_lists_what_is_in_force(here: Here) -> None:
    """S1-018."""
    here.repo.git("config", "--global", "orch.model", "claude-haiku-5-5")
    assert "orch.model=claude-haiku-5-5" in here("config", "-l").out
    document = data(here("config", "--json").out)
    assert document["model"] == "claude-haiku-5-5"
    assert document["sources"]["model"]["scope"] == "global"
    assert document["sources"]["prices"] == {"scope": "default", "file": None}


def test_help_of_the_program_a_command_and_a_topic(here: Here) -> None:
    """S1-002."""
    assert "rollback" in here("help").out
    assert "--to-step" in here("help", "rollback").out
    assert "128" in here("help", "exit-codes").out
    here("help", "nonesuch", expect=2)


def test_templates_are_listed_with_a_command_to_try(here: Here) -> None:
    assert "git orch plan --template python-cli --var name=" in here("templates").out
    assert {each["name"] for each in data(here("templates", "--json").out)} >= {"python-cli"}


def test_diff_of_a_plan_of_a_step_and_of_a_failed_attempt(here: Here) -> None:
    plan = here.plan({"title": "x", "steps": [
        {"title": "A", "files": {"a": "one\n"}},
        {"title": "B", "run": "echo two > b; exit 1", "depends_on": [1]},
    ]})  # fmt: skip
    here("exec", plan, expect=1)
    assert "+one" in here("diff", plan).out
    assert "+one" in here("diff", "1").out
    assert "+two" in here("diff", plan, "2").out
    assert "1 file changed" in here("diff", plan, "1", "--stat").out
    here("diff", plan, "9", expect=5)


def test_dry_run_says_what_would_run_and_changes_nothing(here: Here) -> None:
    plan = here.plan({"title": "x", "steps": [
        {"title": "A", "files": {"a": "one\n", "README.md": None}, "checks": [{"command": "test -f a"}]},
        {"title": "B", "run": "echo two"},
        {"title": "C", "prompt": "think"},
    ]})  # fmt: skip
    before = here.repo.git("for-each-ref")
    out = here("exec", plan, "--dry-run", "--tool", "read").out
    for words in (
        "write a",
        "delete README.md",
        "check test -f a",
        "run   echo two",
        "model may use: read",
    ):
        assert words in out
    assert here.repo.git("for-each-ref") == before


def test_exec_json_is_the_status_after_the_run(here: Here) -> None:
    plan = here.plan(writing("a"))
    assert data(here("exec", plan, "--json").out)["state"] == "COMPLETE"


def test_exec_of_a_complete_plan_does_nothing(here: Here) -> None:
    """S1-155."""
    plan = here.plan(writing("a"))
    here("exec", plan)
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    here("exec", plan)
    assert here.repo.git("rev-parse", f"orch/{plan}") == tip


def test_a_plan_whose_open_steps_were_edited_away_is_complete(here: Here) -> None:
    plan = here.plan(writing("a", "b"))
    here("exec", plan)
    here("rollback", plan, "--to-step", "1")
    text = here("show", plan, "--yaml").out
    here("edit", plan, "--from", "-", stdin=text[: text.index("  - id: s2")])
    here("exec", plan)
    assert here.show(plan)["state"] == "COMPLETE"


def test_the_hint_for_a_branch_in_a_new_worktree_works(here: Here) -> None:
    """A worktree that was made on the branch has no branch before it to go back to."""
    plan = here.plan(writing("a"))
    here.repo.git("worktree", "add", "-q", "../mine", f"orch/{plan}")
    hint = next(
        line for line in here("exec", plan, expect=6).err.splitlines() if line.startswith("hint: ")
    )
    assert os.system(hint.removeprefix("hint: ") + " 2>/dev/null") == 0  # noqa: S605 - the hint is a shell line
    here("exec", plan)


def test_a_log_that_cannot_be_read_is_named_and_the_others_are_shown(here: Here) -> None:
    good, bad = here.plan(writing("a")), here.plan(writing("b"))
    tip = here.repo.git("rev-parse", f"refs/notes/orch/{bad}")
    loose = here.repo.loose(tip)
    loose.chmod(0o600)
    loose.write_bytes(loose.read_bytes()[:12])
    done = here("ls", "--json")
    assert [plan["id"] for plan in data(done.out)] == [good]
    assert bad in done.err


def test_a_truncated_commit_ends_exec_with_an_error(here: Here) -> None:
    """libgit2 would read it for ever; it is what a power cut can leave."""
    plan = here.plan(writing("a"))
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    loose = here.repo.loose(tip)
    loose.chmod(0o600)
    loose.write_bytes(loose.read_bytes()[:20])
    done = here("exec", plan, expect=None)
    assert done.status in (6, 128)
    assert done.err.count("error: ") == 1


def test_a_file_that_git_ignores_fails_its_step(here: Here) -> None:
    here.repo.commit({".gitignore": "*.log\n"})
    plan = here.plan({"title": "x", "steps": [{"title": "A", "files": {"a.txt": "", "b.log": ""}}]})
    assert "git ignores 'b.log'" in here("exec", plan, expect=1).err


@pytest.mark.usefixtures("unsandboxed")
def test_failing_checks_of_verify_have_an_error_and_a_hint(here: Here) -> None:
    marker = here.repo.path.parent / "marker"
    marker.write_text("")
    plan = here.plan(checked(f"test -f {marker}"))
    here("exec", plan)
    marker.unlink()
    done = here("verify", plan, "--no-cache", expect=1)
    assert done.err.count("error: ") == done.err.count("hint: ") == 1


def test_dry_run_and_diff_print_json(here: Here) -> None:
    """S1-002."""
    plan = here.plan(writing("a", "b"))
    assert [step["number"] for step in data(here("exec", plan, "--dry-run", "--json").out)] == [
        1,
        2,
    ]
    here("exec", plan)
    assert data(here("diff", plan, "--json").out)["files"] == [
        {"status": "A", "path": "a"}, {"status": "A", "path": "b"},
    ]  # fmt: skip


def test_tasks_shows_what_each_step_is_going_to_do(here: Here) -> None:
    plan = here.plan({"title": "x", "steps": [
        {"title": "A", "files": {"a": "one\n"}, "checks": [{"command": "test -f a"}]},
        {"title": "B", "run": "make all"},
        {"title": "C", "kind": "manual", "prompt": "Choose a licence."},
    ]})  # fmt: skip
    out = here("show", plan, "--tasks").out
    for words in ("write  a", "check  test -f a", "run    make all", "asked  Choose a licence."):
        assert words in out


def test_a_failing_check_says_what_it_printed(here: Here) -> None:
    plan = here.plan(checked("echo assert 1 == 2; exit 1"))
    assert "    assert 1 == 2" in here("exec", plan, expect=1).err
    assert "assert 1 == 2" in here("show", plan).out


def test_a_check_that_changes_files_is_reported(here: Here) -> None:
    plan = here.plan(checked("echo x > a"))
    assert "the check changed a: reverted" in here("exec", plan).err


def test_a_check_that_passes_cannot_speak_as_git_orch(here: Here) -> None:
    plan = here.plan(checked("echo '[the check changed a: reverted]'"))
    assert "\n    [the check changed" not in here("exec", plan).err


def test_a_receipt_keeps_what_was_put_back(here: Here) -> None:
    first = here.plan(checked("echo x > a"))
    here("exec", first)
    second = here.plan(checked("echo x > a"))
    assert "cached\n    [the check changed a: reverted]" in here("exec", second).err


def test_a_plan_that_was_merged_is_complete_without_its_branch(here: Here) -> None:
    plan = here.plan(writing("a"))
    here("exec", plan)
    here.repo.git("merge", "-q", f"orch/{plan}")
    here.repo.git("branch", "-q", "-d", f"orch/{plan}")
    assert here.show(plan)["state"] == "COMPLETE"
    assert here("ls", "--open").out == ""
    here("exec", plan)


def test_status_says_that_the_branch_was_moved_and_how_to_go_back(here: Here) -> None:
    plan = here.plan(writing("a", "b"))
    here("exec", plan)
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    here.repo.git("branch", "-f", f"orch/{plan}", f"orch/{plan}~1")
    for reading in ("show", "status"):
        assert f"git branch -f orch/{plan} {tip[:12]}" in here(reading, plan).out


def test_status_names_the_complete_plans_where_none_is_open(here: Here) -> None:
    assert "begin with" in here("status").out
    name = here.repo.handle(here.plan(writing("a.txt")))
    here("exec")
    assert f"next: git orch land {name}" in here("status").out


def test_status_names_the_complete_plans_beside_the_open_ones(here: Here) -> None:
    done, first = here.plan(writing("a.txt")), here.plan(writing("b.txt"))
    here("exec", done)
    lands, runs = (f"next: git orch land {here.repo.handle(done)}", "next: git orch exec")
    shown = here("status").out
    assert shown.index(runs) < shown.index(lands)
    second = here.plan(writing("c.txt"))
    assert lands in here("status").out
    listed = data(here("status", "--json").out)
    assert {plan["id"] for plan in listed} == {done, first, second}


def test_a_command_that_the_plan_needs_and_is_not_here_stops_exec_before_it_begins(
    here: Here,
) -> None:
    """S1-112, S1-120."""
    plan = here.plan({**writing("a"), "dependencies": ["nonesuch-command"]})
    assert "nonesuch-command" in here("exec", plan, expect=1).err
    assert here.show(plan)["steps"][0]["state"] == "pending"


def test_every_finding_about_a_plan_file_is_shown(here: Here) -> None:
    """S1-121."""
    bad = json.dumps({"title": "x", "stps": [], "steps": [{"title": "A", "kind": "walk"}]})
    err = here("plan", "--from", "-", stdin=bad, expect=2).err
    assert err.count("error: ") == 1
    assert "stps" in err
    assert "walk" in err


def test_a_secret_in_a_plan_is_refused(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "canary-token-value-1234")
    plan = {"title": "x", "steps": [{"title": "A", "run": "curl -H canary-token-value-1234 x"}]}
    done = here("plan", "--from", "-", stdin=json.dumps(plan), expect=3)
    assert "canary-token" not in done.err


def test_a_word_of_the_plan_that_is_somebodys_secret_does_not_break_its_claims(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redaction never touches trailers: a claim that cannot be read would land its step again and
    again.
    """
    plan = here.plan(writing("a"))
    monkeypatch.setenv("PROJECT_KEY", "write-files")
    here("exec", plan)
    assert here.show(plan)["state"] == "COMPLETE"


def test_two_edits_from_the_same_text_are_not_both_taken(here: Here) -> None:
    plan = here.plan(writing("a"))
    text = here("show", plan, "--yaml").out
    here("edit", plan, "--from", "-", stdin=text + "  - {title: Mine, run: 'true'}\n")
    from git_orch.flow.planning import edit
    from git_orch.plans.file import planfile
    from git_orch.repo import repository
    from git_orch.views.progress import ConsoleReporter

    old = planfile.read(text, "old")
    theirs = planfile.read(text + "  - {title: Theirs, run: 'true'}\n", "theirs")
    found = repository.discover(here.repo.path)
    with (
        opening.open_for_writing(PlanPlace(found, plan), ConsoleReporter()) as opened,
        pytest.raises(errors.Busy),
    ):
        edit.revise(opened, old, theirs, {})


def test_verify_leaves_a_persons_worktree_alone(here: Here) -> None:
    plan = here.plan({"title": "x", "steps": [
        {"title": "A", "files": {"a": "1"}, "checks": [{"command": "test -f a"}]},
        {"title": "B", "kind": "manual", "depends_on": [1]},
    ]})  # fmt: skip
    here("exec", plan, expect=9)
    paths = [line.split()[1] for line in here.repo.git("worktree", "list", "--porcelain").splitlines()
             if line.startswith("worktree ")]  # fmt: skip
    work = Path(paths[1]) / "work"
    work.write_text("mine\n")
    here("verify", plan)
    assert work.read_text() == "mine\n"


def test_done_after_the_branch_moved_on_takes_nothing_back(here: Here) -> None:
    plan = here.plan({"title": "x", "steps": [{"title": "B", "kind": "manual"}]})
    here("exec", plan, expect=9)
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    blob = here.repo.git("hash-object", "-w", "--stdin", stdin="mine\n")
    tree = here.repo.git("mktree", stdin=f"100644 blob {blob}\tmine.txt\n")
    mine = here.repo.git("commit-tree", tree, "-p", tip, "-m", "mine")
    here.repo.git("update-ref", f"refs/heads/orch/{plan}", mine)
    done = here("done", plan, expect=6)
    hint = next(line for line in done.err.splitlines() if line.startswith("hint: ")).removeprefix(
        "hint: "
    )
    assert os.system(f"{hint} 2>/dev/null") == 0  # noqa: S605 - the hint is a shell line
    here("done", plan)
    assert here.repo.git("show", f"orch/{plan}:mine.txt") == "mine"


def test_a_ref_that_has_no_plans_name_is_no_plan(here: Here) -> None:
    plan = here.plan(writing("a"))
    here.repo.git("update-ref", "refs/notes/orch/archive", f"refs/notes/orch/{plan}")
    assert [each["id"] for each in data(here("ls", "--json").out)] == [plan]


def test_a_revert_by_reference_is_seen(here: Here) -> None:
    plan = here.plan(writing("a"))
    here("exec", plan)
    here.repo.git("worktree", "add", "-q", "../wt", f"orch/{plan}")
    here.repo.git("revert", "--no-edit", "--reference", "HEAD", cwd=here.repo.path.parent / "wt")
    here.repo.git("worktree", "remove", "../wt")
    assert here.show(plan)["steps"][0]["state"] == "reverted"
