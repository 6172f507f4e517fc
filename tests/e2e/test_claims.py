"""What a log claims, and this machine has not seen, is shown as such and verified before it lands."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, Prepared, Repo, data

from git_orch.plans import ids
from git_orch.repo.local import approvals
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover

WORKFLOW = ".github/workflows/ci.yml"


def text() -> dict[str, Any]:
    """A plan of two steps; the check of the second one passes where `ok` says so."""
    steps = [
        {"title": "Make a", "run": "echo a > a", "checks": [{"command": "test -f a"}]},
        {"title": "Make ok", "run": "echo yes > ok", "checks": [{"command": "grep -q yes ok"}]},
    ]
    return {"title": "Claim it", "steps": steps}


@pytest.fixture
def plan(here: Here, prepared: Prepared) -> str:
    """A plan that was done, and of which this machine has kept nothing but what git has."""

    def build(repo: Repo) -> str:
        made = repo.plan(text())
        repo.orch("exec", made)
        forget(repo, made)
        return made

    return prepared.instead(here.repo, "done elsewhere", build)


def record(repo: Repo, plan: str) -> Path:
    return approvals.path_of(PlanPlace(discover(repo.path), plan))


def forget(repo: Repo, plan: str) -> None:
    """As if the plan had been fetched."""
    record(repo, plan).unlink()
    record(repo, plan).with_suffix(".trees").unlink()
    (repo.path / ".git/orch/summaries").unlink(missing_ok=True)
    shutil.rmtree(repo.path / ".git/orch/receipts")


def add(repo: Repo, plan: str, path: str, content: str, message: str = "a fix") -> None:
    """A commit of somebody who can push, on the tip."""
    branch = f"orch/{plan}"
    place = repo.path.parent / "pushed"
    repo.git("worktree", "add", "-q", "--detach", str(place), branch)
    tip = repo.commit({path: content}, message, cwd=place)
    repo.git("worktree", "remove", "--force", str(place))
    repo.git("update-ref", f"refs/heads/{branch}", tip)


# -- how it is shown -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("show",), ("status",), ("ls",), ("ls", "--all"), ("status", "PLAN")])  # fmt: skip
def test_steps_that_only_the_log_calls_done_are_shown_as_such(
    here: Here, plan: str, command: tuple[str, ...]
) -> None:
    shown = here(*(plan if word == "PLAN" else word for word in command)).out
    assert "not verified on this machine" in shown
    assert "UNVERIFIED" in shown
    assert "COMPLETE" not in shown
    assert "next: git orch land" not in shown


@pytest.mark.parametrize("command", [("show",), ("status",), ("status", "PLAN")])
def test_the_next_command_verifies(here: Here, plan: str, command: tuple[str, ...]) -> None:
    shown = here(*(plan if word == "PLAN" else word for word in command)).out
    assert f"next: git orch verify {ids.short(plan)} --tip --record" in shown


def test_json_tells_what_this_machine_has_verified(here: Here, plan: str) -> None:
    shown = here.show(plan)
    assert shown["verified_here"] is False
    assert [step["verified_here"] for step in shown["steps"]] == [False, False]
    here("approve", plan)
    here("verify", plan, "--step", "1", "--record")
    assert [step["verified_here"] for step in here.show(plan)["steps"]] == [True, False]


@pytest.mark.parametrize("options", [["--tip"], []])
def test_what_was_verified_here_is_complete(here: Here, plan: str, options: list[str]) -> None:
    here("ls")  # which remembers what it shows
    here("approve", plan)
    here("verify", plan, "--record", *options)
    assert here.show(plan)["verified_here"] is True
    assert "COMPLETE" in here("ls").out
    assert "next: git orch land" in here("status").out


def test_a_verification_without_a_record_leaves_it(here: Here, plan: str) -> None:
    here("approve", plan)
    here("verify", plan, "--tip")
    assert here.show(plan)["verified_here"] is False


def test_what_was_done_here_is_verified(here: Here) -> None:
    made = here.plan(text())
    here("exec", made, "--no-tip-checks")
    assert here.show(made)["verified_here"] is True
    assert "not verified" not in here("show", made).out + here("ls").out


@pytest.mark.parametrize(
    "act",
    [
        ["rollback", "--to-step", "1"],
        ["redo", "1"],
        ["drop", "1"],
        ["reorder", "2,1"],
        ["rollback", "--to-step", "1", "and", "exec"],
    ],
)
def test_what_was_rewritten_here_is_verified(here: Here, act: list[str]) -> None:
    made = here.plan(text())
    here("exec", made)
    for words in " ".join(act).split(" and "):
        here(*words.split(), made)
    assert here.show(made)["verified_here"] is True


def test_a_commit_on_the_tip_is_shown_as_not_verified(here: Here) -> None:
    made = here.plan(text())
    here("exec", made)
    add(here.repo, made, WORKFLOW, "on: push\n")
    shown = here("show", made).out
    assert "tip      has commits that were not verified on this machine" in shown
    assert f"next: git orch verify {ids.short(made)} --tip --record" in shown


def test_a_tip_that_has_an_earlier_steps_tree_is_not_verified(here: Here) -> None:
    """The checks of the first step passed on it, and those of the second one cannot."""
    made = here.plan(text())
    here("exec", made)
    tree = here.repo.git("rev-parse", f"orch/{made}~^{{tree}}")
    commit = here.repo.git("commit-tree", "-p", f"orch/{made}", "-m", "a fix", tree)
    here.repo.git("update-ref", f"refs/heads/orch/{made}", commit)
    assert here.show(made)["verified_here"] is False
    said = here("land", made, expect=1).err
    assert "check 'grep -q yes ok' of step 2 fails on the tip" in said


def test_checks_that_were_changed_since_verify_nothing(here: Here) -> None:
    """A record is about the checks that passed, not about a step's name."""
    made = here.plan(text())
    here("exec", made)
    log = f"orch/{made}"
    cover = here.repo.git("rev-parse", f"{log}~2")
    stored = here.repo.git("notes", f"--ref={log}", "show", cover)
    weaker = stored.replace("grep -q yes ok", "true")
    here.repo.git("notes", f"--ref={log}", "add", "-f", "-F", "-", cover, stdin=weaker)
    assert here.show(made)["verified_here"] is False


@pytest.mark.parametrize("copy", ["clone", "cp"])
def test_a_copy_of_the_repository_brings_no_verification_along(
    here: Here, tmp_path: Path, copy: str
) -> None:
    made = here.plan(text())
    here("exec", made)
    other = Repo(tmp_path / "copy")
    if copy == "cp":
        shutil.copytree(here.repo.path, other.path, symlinks=True)
    else:
        here.repo.git("clone", "-q", str(here.repo.path), str(other.path))
        refs = [f"+refs/{kind}/orch/{made}:refs/{kind}/orch/{made}" for kind in ("heads", "notes")]
        other.git("fetch", "-q", "origin", *refs)
    assert other.status(made)["verified_here"] is False
    assert "not verified on this machine" in other.orch("ls").stdout


# -- approvals -------------------------------------------------------------------------------------


def test_a_fetched_approval_is_not_shown(here: Here) -> None:
    made = here.plan(text())
    here("approve", made)
    assert here.show(made)["state"] == "APPROVED"
    record(here.repo, made).unlink()
    (here.repo.path / ".git/orch/summaries").unlink(missing_ok=True)
    assert here.show(made)["state"] == "VALIDATED"
    for command in (["show", made], ["status"], ["ls"], ["status", made], ["state", made]):
        assert "APPROVED\n" not in (shown := here(*command).out.replace("  APPROVED  git", ""))
        assert "VALIDATED" in shown


# -- land ------------------------------------------------------------------------------------------


def landed(here: Here, plan: str) -> dict[str, Any]:
    """The event of the landing."""
    events = data(here("log", plan, "--json").out)
    return next(event for event in events if event["event"] == "plan.landed")


def test_land_runs_the_checks_first(here: Here, plan: str) -> None:
    here("approve", plan)
    said = here("land", plan)
    assert (
        "steps 1, 2 were not verified on this machine: running all checks on the tip first"
        in said.err
    )
    assert "grep -q yes ok" in said.err
    assert "unverified" not in landed(here, plan)


def test_land_refuses_where_the_checks_may_not_run(here: Here, plan: str) -> None:
    before = here.repo.git("rev-parse", "main")
    said = here("land", plan, expect=3).err
    assert "were not verified on this machine, and its checks may not run here" in said
    assert f"git orch approve {ids.short(plan)}" in said
    assert f"git orch land --unverified {ids.short(plan)}" in said
    assert here.repo.git("rev-parse", "main") == before


def test_land_refuses_where_a_check_fails(here: Here, plan: str) -> None:
    """The log says that all is well."""
    add(here.repo, plan, "ok", "no\n")
    here("approve", plan)
    before = here.repo.git("rev-parse", "main")
    said = here("land", plan, expect=1).err
    assert "check 'grep -q yes ok' of step 2 fails on the tip: nothing was landed" in said
    assert here.repo.git("rev-parse", "main") == before


def test_who_insists_lands_what_nobody_here_has_verified(here: Here, plan: str) -> None:
    said = here("land", "--unverified", plan)
    assert "steps 1, 2 were not verified on this machine" in said.err
    assert landed(here, plan)["unverified"] is True
    assert here.repo.git("show", "main:ok") == "yes"


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_pick_names_what_nobody_here_has_verified(
    here: Here, plan: str, options: list[str]
) -> None:
    assert "step 1 was not verified on this machine" in here("pick", *options, plan, "1").err
    here("approve", plan)
    here("verify", plan, "--step", "1", "--record")
    assert "not verified" not in here("pick", *options, plan, "1").err


def test_a_commit_on_the_tip_is_verified_before_it_lands(here: Here) -> None:
    made = here.plan(text())
    here("exec", made)
    add(here.repo, made, "ok", "no\n")
    assert "the tip, which has other commits, was not verified" in here("land", made, expect=1).err


def test_a_foretold_landing_runs_no_check(here: Here, plan: str) -> None:
    said = here("land", "--dry-run", plan)
    assert "landing runs all checks on the tip first" in said.err
    assert here.show(plan)["verified_here"] is False


def test_what_was_verified_here_lands_at_once(here: Here) -> None:
    made = here.plan(text())
    here("exec", made)
    assert "check" not in here("land", made).err


def _executable(here: Here, made: str) -> str:
    return _added(here, made, "tool.sh", mode="+x")


def _added(here: Here, made: str, path: str, mode: str = "-x") -> str:
    place = here.repo.path.parent / "pushed"
    here.repo.git("worktree", "add", "-q", "--detach", str(place), f"orch/{made}")
    (place / path).parent.mkdir(parents=True, exist_ok=True)
    (place / path).write_text("on: push\n")
    here.repo.git("add", "-A", cwd=place)
    here.repo.git("update-index", f"--chmod={mode}", path, cwd=place)
    here.repo.git("commit", "-qm", "more", cwd=place)
    here.repo.git("update-ref", f"refs/heads/orch/{made}", here.repo.git("rev-parse", "HEAD", cwd=place))  # fmt: skip
    here.repo.git("worktree", "remove", "--force", str(place))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda here, made: _added(here, made, WORKFLOW),
        lambda here, made: _added(here, made, "Makefile"),
        lambda here, made: _added(here, made, ".husky/pre-commit"),
        _executable,
    ],
)
@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--squash"]])
def test_land_names_changed_files_that_run_code(
    here: Here, change: Callable[[Here, str], str], options: list[str]
) -> None:
    made = here.plan(text())
    here("exec", made)
    path = change(here, made)
    said = here("land", made, *options).out
    assert f"review: these files are executable or run by tools: {path}" in said


def test_land_names_them_in_json(here: Here) -> None:
    made = here.plan(text())
    here("exec", made)
    _added(here, made, WORKFLOW)
    assert data(here("land", made, "--json").out)["code"] == [WORKFLOW]


# -- checks that the step itself hollows out -------------------------------------------------------


def _module(_files: dict[str, str]) -> str:
    """A module of the name of the test runner's, in the present directory."""
    return "echo 'raise SystemExit(0)' > unittest.py"


def _link(_files: dict[str, str]) -> str:
    """Another target of a link on the way to the script."""
    return "mkdir -p other; echo true > other/check.sh; ln -sfn other tools"


def _sourced(_files: dict[str, str]) -> str:
    """What the script sources."""
    return "echo exit 0 > lib.sh"


@pytest.mark.parametrize(
    ("deed", "check", "named"),
    [
        (_module, "python3 -m unittest", "unittest.py"),
        (_link, "sh tools/check.sh", "tools"),
        (_sourced, "sh check.sh", "lib.sh"),
    ],
)
def test_a_check_that_its_step_hollows_out_is_marked(
    here: Here, deed: Callable[[dict[str, str]], str], check: str, named: str
) -> None:
    """It passes, and the step is to be reviewed: told at once, by show, and in JSON."""
    files = {"check.sh": ". ./lib.sh\nfalse\n", "lib.sh": "true\n", "real/check.sh": "false\n"}
    here.repo.write(files)
    (here.repo.path / "tools").symlink_to("real")
    here.repo.commit({}, "checks")
    step = {"title": "Hollow", "run": deed(files), "checks": [{"command": check}]}
    plan = here.plan({"title": "Hollow it", "steps": [step]})
    said = here("exec", plan).err
    reason = f"changes what check '{check}' runs or loads: "
    assert f"needs review: {reason}" in said
    [shown] = here.show(plan)["steps"][0]["review"]
    assert reason in shown
    assert named in shown.removeprefix(reason).split(", ")
    assert f"needs review: {reason}" in here("show", plan).out
    assert f"step 1 needs review: {reason}" in here("land", plan, "--dry-run").out
    landing = data(here("land", plan, "--json").out)
    assert landing["review"]["1"] == [shown]
