"""From an idea to a spec, as a user types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import Repo, data

from git_orch.plans.history.status import PlanState

TITLE = "Add user authentication"


def idea(repo: Repo, *options: str, title: str = TITLE, stdin: str = "") -> str:
    """Write down an idea; gives the plan's ID."""
    said = repo.orch("plan", title, *(options or ("--draft",)), stdin=stdin).stdout
    return said.partition("Created: ")[2].split()[0]


def test_an_idea_needs_no_model_and_makes_no_branch(repo: Repo) -> None:
    """S2-016 and S2-050."""
    said = repo.orch("plan", TITLE, "--ready").stdout

    assert "Status: ready" in said
    assert repo.git("for-each-ref", "refs/heads/orch") == ""


def test_the_first_command_in_a_virgin_repository_works(tmp_path: Path) -> None:
    """S2-003 and S2-122: without a commit, up to the spec."""
    subprocess.run(["git", "init", "-q", tmp_path / "new"], check=True)
    repo = Repo(tmp_path / "new")

    plan = idea(repo, "--ready")
    repo.orch("orchestrate", "--offline")

    assert repo.status(plan)["state"] == PlanState.CREATED.value


def test_the_road_from_draft_to_spec(repo: Repo) -> None:
    """S2-002, S2-024, S2-025, S2-036 and S2-037: each refused where it does not lead on."""
    plan = idea(repo)
    repo.orch("ready", plan)
    again = repo.orch("ready", plan).stdout

    created = repo.orch("orchestrate", "--offline").stdout
    refused = repo.orch("ready", plan, expect=3).stderr

    assert "ready already" in again
    assert f"Created: SPEC-{plan.removeprefix('PLAN-')}" in created
    assert "Created 1 SPEC(s)" in created
    assert "has a spec already" in refused
    shown = repo.status(plan)
    assert (shown["status"], shown["spec_status"]) == ("in-spec", "draft")


def test_orchestrate_says_why_it_leaves_a_plan_out(repo: Repo) -> None:
    """S2-023, S2-026, S2-030, S2-031, S2-144, S2-145, S2-153 and S2-155."""
    draft, ready = idea(repo, title="One"), idea(repo, "--ready", title="Two")
    handle = repo.handle(draft)

    first = repo.orch("orchestrate", "--offline").stdout
    before = repo.git("for-each-ref")
    second = repo.orch("orchestrate", "--offline").stdout

    assert f"skipped: {handle} is a draft: git orch ready {handle}" in first
    assert "Created 0 SPEC(s): nothing ready" in second
    assert f"skipped: {repo.handle(ready)} has SPEC-" in second
    assert repo.git("for-each-ref") == before


def test_without_a_key_spec_names_the_way_without_a_model(repo: Repo) -> None:
    plan = idea(repo)

    refused = repo.orch("spec", plan, expect=8).stderr

    assert f"hint: git orch spec {repo.handle(plan)} --offline" in refused


def test_a_title_alone_makes_a_plan_and_its_spec(repo: Repo) -> None:
    """S2-088: orchestrate adds no other."""
    repo.orch("spec", "DB schema", "--offline")

    assert "nothing ready" in repo.orch("orchestrate", "--offline").stdout
    assert [plan["steps"] for plan in data(repo.orch("ls", "--json").stdout)] == [3]


def test_a_plan_that_is_not_there_is_no_title(repo: Repo) -> None:
    """S2-087: nor is it one of --plan."""
    repo.orch("spec", "PLAN-xxx", "--offline", expect=5)
    repo.orch("spec", "T", "--plan", "PLAN-xxx", "--offline", expect=5)

    assert data(repo.orch("ls", "--json").stdout) == []


def test_a_draft_cannot_run(repo: Repo) -> None:
    plan = idea(repo)

    refused = repo.orch("exec", plan, expect=3).stderr

    assert "has no steps yet" in refused
    assert f"hint: git orch spec {repo.handle(plan)}" in refused


def test_a_note_is_redacted_and_shown(repo: Repo) -> None:
    """S2-076."""
    plan = idea(repo)
    repo.orch("note", plan, "--blocker", "the key sk-ant-api03-" + "a" * 40 + " is gone")

    shown = repo.orch("status").stdout

    assert "blocker  the key " in shown
    assert "sk-ant" not in shown + repo.orch("log", plan, "--json").stdout


def test_the_environment_names_the_owner_and_nothing_stays_of_it(repo: Repo) -> None:
    """S2-102, S2-109 and S2-110."""
    mine = idea(repo, "--draft", "--owner", "Grace")
    repo.orch("owner", "set", "Backend Team")
    theirs = idea(repo, title="Other")

    assert (repo.status(mine)["owner"], repo.status(theirs)["owner"]) == ("Grace", "Backend Team")
    assert "owner: Backend Team" in repo.orch("owner", "who").stdout
    assert repo.git("status", "--porcelain") == ""


def test_the_documents_of_plans_are_listed_by_their_owner(repo: Repo) -> None:
    """S2-112, S2-131 and S2-151."""
    mine, other = idea(repo, "--ready", "--owner", "Grace"), idea(repo, title="Other")
    repo.orch("orchestrate", "--offline")

    assert repo.orch("ls", "plans", "--owner", "grace").stdout.split()[:2] == [mine, "in-spec"]
    specs = repo.orch("ls", "specs").stdout.splitlines()
    assert [line.split()[:2] for line in specs] == [[mine.replace("PLAN-", "SPEC-"), "draft"]]
    assert other in repo.orch("ls", "plans").stdout


def test_a_field_of_a_spec_is_asked_for_by_its_id(repo: Repo) -> None:
    """S2-013 and S2-025: a plan and its spec have words of their own."""
    plan = idea(repo, "--ready")
    assert repo.orch("show", "--field", "status").stdout == "ready\n"
    repo.orch("spec", plan, "--offline")

    spec = plan.replace("PLAN-", "spec-")
    assert repo.orch("show", plan, "--field", "status").stdout == "in-spec\n"
    assert repo.orch("show", spec, "--field", "status").stdout == "draft\n"
    assert repo.orch("show", spec, "--field", "plan_id").stdout == f"{plan}\n"


def test_an_edit_changes_title_and_body_of_an_idea(repo: Repo) -> None:
    """S2-049: and its steps come from `spec --from`, never from an edit."""
    plan = idea(repo, "--ready", "--body", "why\n")
    shown = repo.orch("show", plan, "--yaml").stdout

    changed = shown.replace(TITLE, "Log in") + "objective: People log in\n"
    repo.orch("edit", plan, "--from", "-", stdin=changed)
    steps = "title: T\nsteps:\n- {title: Make, run: make}\n"
    refused = repo.orch("edit", plan, "--from", "-", stdin=steps, expect=2).stderr

    now = repo.status(plan)
    assert (now["title"], now["objective"], now["body"]) == ("Log in", "People log in", "why\n")
    assert now["status"] == "ready"
    assert "--from FILE  # takes the steps of the file" in refused


def test_a_spec_comes_from_a_plan_file(repo: Repo) -> None:
    plan = idea(repo, "--ready", "--body", "why\n")
    text = (
        "title: X\napproach: By hand.\ncriteria: [It works]\nsteps:\n- {title: Make, run: 'true'}\n"
    )
    repo.orch("spec", plan, "--from", "-", stdin=text)
    repo.orch("exec", plan)

    now = repo.status(plan)
    assert (now["title"], now["approach"], now["body"]) == (TITLE, "By hand.", "why\n")
    assert (now["status"], now["spec_status"]) == ("done", "built")


def test_an_idea_that_was_undone_comes_again(repo: Repo) -> None:
    plan = idea(repo)
    repo.orch("undo", plan)
    assert "no plan is open" in repo.orch("status").stdout

    repo.orch("undo", plan)

    assert repo.orch("show", plan, "--field", "status").stdout == "draft\n"


def test_a_spec_is_taken_back_and_comes_again(repo: Repo) -> None:
    """And what people wrote before and after it."""
    plan = idea(repo)
    repo.orch("ready", plan)
    repo.orch("spec", plan, "--offline")
    before = repo.git("for-each-ref", "refs/heads")
    repo.orch("scout", plan, "--tick", "1", "--tick", "2")

    ticks = repo.orch("undo", plan).stdout
    assert "[x]" not in repo.orch("scout", plan).stdout
    repo.orch("undo", plan, "--again")
    undone = repo.status(plan)["status"], repo.git("for-each-ref", "refs/heads/orch")
    repo.orch("undo", plan)

    assert "took back 'scout --tick'" in ticks
    assert undone == ("ready", "")
    assert repo.git("for-each-ref", "refs/heads") == before
    repo.orch("undo", plan)
    repo.orch("undo", plan, "--again")
    assert repo.status(plan)["status"] == "draft"
    assert "no faults" in repo.orch("fsck").stdout


def test_the_undo_of_a_spec_goes_on_where_the_branch_is_gone_already(repo: Repo) -> None:
    plan = idea(repo)
    repo.orch("spec", plan, "--offline")
    repo.git("branch", "-qD", f"orch/{plan}")

    repo.orch("undo", plan)

    assert repo.orch("show", plan, "--field", "status").stdout == "draft\n"


def test_a_rejected_idea_comes_back_by_an_edit(repo: Repo) -> None:
    """S2-035."""
    plan = idea(repo)
    repo.orch("archive", plan, "--why", "no")
    repo.orch("ready", plan, expect=3)

    repo.orch("edit", plan, "--from", "-", stdin="title: Another\n")

    assert repo.orch("show", plan, "--field", "status").stdout == "draft\n"


def test_several_orchestrate_at_once_write_each_spec_once(repo: Repo) -> None:
    """S2-028."""
    plans = [idea(repo, "--ready", title=f"Idea {n}") for n in range(6)]

    started = [repo.start("orchestrate", "--offline") for _ in range(4)]
    created = [line for each in started for line in each.communicate()[0].splitlines()]

    assert [each.returncode for each in started] == [0] * 4
    specs = sorted(line.split()[1] for line in created if line.startswith("Created: "))
    assert specs == sorted(plan.replace("PLAN-", "SPEC-") for plan in plans)
    assert len(repo.git("for-each-ref", "refs/heads/orch").splitlines()) == len(plans)


def test_orchestrate_does_with_few_open_files(repo: Repo) -> None:
    """256 of them, as macOS has it; each plan that is locked takes one."""
    plan = idea(repo, "--ready")
    log = repo.git("rev-parse", f"refs/notes/orch/{plan}")
    others = [f"PLAN-20261121-{number:010}-more" for number in range(260)]
    lines = "".join(f"create refs/notes/orch/{other} {log}\n" for other in others)
    repo.git("update-ref", "--stdin", stdin=lines)

    limited = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"]
    command = [*limited, sys.executable, "-m", "git_orch", "orchestrate", "--offline"]
    done = subprocess.run(command, cwd=repo.path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Created 261 SPEC(s)" in done.stdout
