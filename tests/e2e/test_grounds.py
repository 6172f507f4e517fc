"""What was granted holds on the tree that was approved, and on what approved steps made of it here."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, Repo

from git_orch.plans import ids
from git_orch.repo.local import approvals
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover

GOOD = "#!/bin/sh\necho good > fetched\n"
EVIL = "#!/bin/sh\necho evil > fetched\n"


def fetching(**fields: Any) -> dict[str, Any]:
    """A plan whose second step runs a script of the tree, with the network."""
    steps: list[dict[str, Any]] = [
        {"title": "Make a", "run": "echo a > a"},
        {"title": "Fetch", "run": "sh ./fetch.sh", "network": True},
        {"title": "Make c", "run": "echo c > c"},
    ]
    return {"title": "Fetch it", "steps": [step | fields for step in steps]}


@pytest.fixture
def scripted(here: Here) -> Here:
    """A repository with the script."""
    here.repo.commit({"fetch.sh": GOOD}, "a script")
    return here


@pytest.fixture
def key(hermetic: Path) -> Path:
    """An SSH key that the user signs with and, on every machine of theirs, trusts."""
    path = hermetic / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True
    )
    settings = {
        "gpg.format": "ssh",
        "user.signingKey": f"{path}.pub",
        "orch.allowedSigners": f"{hermetic}/signers",
    }
    for name, value in settings.items():
        subprocess.run(["git", "config", "--global", name, value], check=True)
    (hermetic / "signers").write_text(f"ada@example.com {Path(f'{path}.pub').read_text()}")
    return path


def push(repo: Repo, plan: str, script: str = EVIL, *, amend: bool = False) -> None:
    """What somebody who can push to the plan branch does: a commit of theirs, on its tip or instead
    of it.
    """
    branch = f"orch/{plan}"
    blob = repo.git("hash-object", "-w", "--stdin", stdin=script)
    listed = repo.git("ls-tree", branch).splitlines()
    rows = [row for row in listed if not row.endswith("\tfetch.sh")]
    tree = repo.git("mktree", stdin="\n".join([*rows, f"100644 blob {blob}\tfetch.sh"]) + "\n")
    message = repo.git("log", "-1", "--format=%B", branch) if amend else "a small fix"
    parent = f"{branch}~" if amend else branch
    commit = repo.git("commit-tree", "-p", parent, "-m", message, tree)
    repo.git("update-ref", f"refs/heads/{branch}", commit)


def checked() -> dict[str, Any]:
    """A plan whose step has a check and asks for nothing."""
    step = {"title": "Make a", "run": "echo a > a", "checks": [{"command": "test -f a"}]}
    return {"title": "Plain", "steps": [step]}


def set_up(command: str) -> None:
    """Have worktrees made ready by a command."""
    subprocess.run(["git", "config", "--global", "orch.setup", command], check=True)


def fetched(here: Here, plan: str) -> str:
    return here.repo.git("show", f"orch/{plan}:fetched")


def refused(here: Here, *args: str) -> str:
    """What a command says that refuses a tree; the script did not run."""
    said = here(*args, expect=3).err
    assert "the network, and would start from another tree than the approved one" in said
    return said


def test_a_tree_that_was_changed_on_the_branch_needs_another_approval(scripted: Here) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    push(scripted.repo, plan)
    said = refused(scripted, "exec", plan)
    assert "'fetch.sh' changed since" in said
    assert "also: fetch.sh  +1 -1" in said
    before = scripted.repo.git("rev-parse", "main^{tree}")
    after = scripted.repo.git("rev-parse", f"orch/{plan}^{{tree}}")
    again = f"git orch approve {ids.short(plan)} --network 2"
    assert f"hint: git diff {before[:12]} {after[:12]}; then, if it is good: {again}" in said
    assert "+echo evil > fetched" in scripted.repo.git("diff", before[:12], after[:12])
    assert scripted.repo.step_states(plan) == ["pending"] * 3


def test_what_was_approved_again_runs(scripted: Here) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    push(scripted.repo, plan)
    refused(scripted, "exec", plan)
    scripted("approve", plan, "--network", "2")
    scripted("exec", plan)
    assert fetched(scripted, plan) == "evil"


def test_a_signature_is_for_the_tree_that_was_signed(scripted: Here, key: Path) -> None:
    """A colleague signs; somebody else changes what the command runs."""
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2", "--sign")
    record(scripted.repo, plan).unlink()
    push(scripted.repo, plan)
    said = refused(scripted, "exec", plan)
    assert "approved by the signature of ada@example.com" in said
    assert "'fetch.sh' changed since" in said


def test_a_signed_tree_runs(scripted: Here, key: Path) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2", "--sign")
    record(scripted.repo, plan).unlink()
    scripted("exec", plan)
    assert fetched(scripted, plan) == "good"


def test_a_signature_for_another_tree_is_none(scripted: Here, key: Path) -> None:
    """The tree stands in the event: what is written there is what has to be signed."""
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2", "--sign")
    record(scripted.repo, plan).unlink()
    push(scripted.repo, plan)
    trees = [scripted.repo.git("rev-parse", f"{at}^{{tree}}") for at in ("main", f"orch/{plan}")]
    cover = scripted.repo.git("rev-parse", f"orch/{plan}~")
    log = scripted.repo.git("notes", f"--ref=orch/{plan}", "show", cover)
    log = log.replace(trees[0], trees[1])
    scripted.repo.git("notes", f"--ref=orch/{plan}", "add", "-f", "-F", "-", cover, stdin=log)
    assert "the plan is not the one that was signed" in scripted("exec", plan, expect=3).err


def record(repo: Repo, plan: str) -> Path:
    return approvals.path_of(PlanPlace(discover(repo.path), plan))


# -- the ways in which a base changes --------------------------------------------------------------


def _own_commit(here: Here, plan: str) -> None:
    push(here.repo, plan)


def _amended(here: Here, plan: str) -> None:
    push(here.repo, plan, amend=True)


def _base_moved(here: Here, _plan: str) -> None:
    here.repo.commit({"fetch.sh": EVIL}, "main goes on")


def _rebased(here: Here, plan: str) -> None:
    here.repo.commit({"fetch.sh": EVIL}, "main goes on")
    here("rebase", plan)


def _rebased_by_hand(here: Here, plan: str) -> None:
    here.repo.commit({"fetch.sh": EVIL}, "main goes on")
    here.repo.git("switch", "-q", f"orch/{plan}")
    here.repo.git("rebase", "-q", "main")
    here.repo.git("switch", "-q", "main")


def _merged(here: Here, plan: str) -> None:
    here.repo.commit({"fetch.sh": EVIL}, "main goes on")
    here.repo.git("switch", "-q", f"orch/{plan}")
    here.repo.git("merge", "-q", "--no-ff", "-m", "merge", "main")
    here.repo.git("switch", "-q", "main")


def _archived(here: Here, plan: str) -> None:
    push(here.repo, plan)
    here("archive", plan)
    here("unarchive", plan)


CHANGES = [_own_commit, _amended, _base_moved, _rebased, _rebased_by_hand, _merged, _archived]


@pytest.mark.parametrize("change", CHANGES)
def test_a_grant_does_not_hold_on_another_base(
    scripted: Here, change: Callable[[Here, str], None]
) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    change(scripted, plan)
    assert "'fetch.sh' changed since" in refused(scripted, "exec", plan)


@pytest.mark.parametrize("change", [_own_commit, _amended, _rebased_by_hand, _merged, _archived])
def test_a_grant_does_not_hold_on_another_base_in_the_middle_of_a_plan(
    scripted: Here, change: Callable[[Here, str], None]
) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    scripted("exec", plan, "--steps", "1")
    change(scripted, plan)
    assert "'fetch.sh'" in refused(scripted, "exec", plan)


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_without_a_grant_is_not_asked_again(
    scripted: Here, change: Callable[[Here, str], None]
) -> None:
    plan = scripted.plan({"title": "Plain", "steps": [{"title": "Make a", "run": "echo a > a"}]})
    change(scripted, plan)
    scripted("exec", plan)
    assert scripted.repo.step_states(plan) == ["done"]


def test_steps_without_a_grant_run_on_another_base(scripted: Here) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    push(scripted.repo, plan)
    scripted("exec", plan, "--steps", "1")
    assert "'fetch.sh'" in refused(scripted, "exec", plan)


def test_what_approved_steps_made_here_is_ground(scripted: Here) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    for number in ("1", "2", "3"):
        scripted("exec", plan, "--steps", number)
    scripted("rollback", plan, "--to-step", "1")
    scripted("exec", plan)
    assert fetched(scripted, plan) == "good"


def test_a_log_that_tells_of_landed_steps_makes_no_ground(scripted: Here) -> None:
    """The same log and branch where this machine has no record of the landing."""
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    scripted("exec", plan, "--steps", "1")
    record(scripted.repo, plan).with_suffix(".trees").unlink()
    assert "'a' changed since" in refused(scripted, "exec", plan)


def test_what_git_orch_itself_rewrote_is_ground(scripted: Here) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    scripted("exec", plan)
    scripted("drop", plan, "1")
    scripted("redo", plan, "2")
    assert fetched(scripted, plan) == "good"


def test_a_step_is_not_done_again_with_a_grant_on_another_base(scripted: Here) -> None:
    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    scripted("exec", plan)
    _rebased_by_hand(scripted, plan)
    refused(scripted, "redo", plan, "2")


def test_steps_beside_each_other_make_ground(scripted: Here) -> None:
    plan = scripted.plan(fetching(depends_on=[]))
    scripted("approve", plan, "--network", "2")
    scripted("exec", plan, "-j", "3")
    scripted("rollback", plan, "--to-step", "1")
    scripted("exec", plan)
    assert fetched(scripted, plan) == "good"


def test_uncommitted_files_are_a_part_of_what_is_approved(scripted: Here) -> None:
    scripted.repo.write({"fetch.sh": EVIL})
    document = json.dumps(fetching())
    plan = scripted("plan", "--from", "-", "--include-dirty", stdin=document).out.split()[0]
    scripted("approve", plan, "--network", "2")
    scripted.repo.git("checkout", "-q", "fetch.sh")
    scripted("exec", plan)
    assert fetched(scripted, plan) == "evil"


def test_an_approval_of_an_earlier_version_has_no_ground(scripted: Here) -> None:
    from git_orch.plans import approval

    plan = scripted.plan(fetching())
    scripted("approve", plan, "--network", "2")
    file = record(scripted.repo, plan)
    stored = json.loads(file.read_text())
    del stored["approved"]["content"]["tree"]
    stored["approved"]["digest"] = approval.digest(stored["approved"]["content"])
    file.write_text(json.dumps(stored))
    said = scripted("exec", plan, expect=3).err
    assert "the approval names no tree that this holds on" in said
    assert ": a run in the sandbox or an earlier version gave it" in said
    assert f"git orch approve {ids.short(plan)} --network 2" in said


# -- other grants ----------------------------------------------------------------------------------


def test_setup_does_not_run_on_another_tree(scripted: Here) -> None:
    set_up("sh fetch.sh")
    plan = scripted.plan(checked())
    scripted("approve", plan, "--setup-network")
    push(scripted.repo, plan)
    said = scripted("exec", plan, expect=3).err
    assert "orch.setup ('sh fetch.sh'), and would start from another tree" in said
    assert "--setup-network" in said


def test_setup_does_not_run_for_checks_on_another_tree(scripted: Here) -> None:
    set_up("sh fetch.sh; rm -f fetched")
    plan = scripted.plan(checked())
    scripted("approve", plan, "--setup")
    scripted("exec", plan)
    push(scripted.repo, plan)
    said = scripted("verify", plan, "--tip", "--no-cache", expect=3).err
    assert "would start from another tree" in said
    assert "its checks did not run on the tip" in scripted("exec", plan).err


def test_a_rebase_does_not_run_setup_on_the_new_base(scripted: Here, tmp_path: Path) -> None:
    set_up("sh fetch.sh; rm -f fetched")
    plan = scripted.plan(checked())
    scripted("approve", plan, "--setup")
    scripted("exec", plan)
    scripted.repo.commit({"fetch.sh": EVIL}, "main goes on")
    said = scripted("rebase", plan).err
    assert "the checks did not run" in said
    assert scripted.repo.step_states(plan) == ["unverified"]


def test_the_commands_that_a_rebase_names_verify_what_did_not_run(scripted: Here) -> None:
    """They allow the setup again, and check the tree that this is about."""
    set_up("sh fetch.sh; rm -f fetched")
    step = {"title": "Make b", "run": "echo b > b", "checks": [{"command": "test -f b"}]}
    plan = scripted.plan({"title": "Plain", "steps": [*checked()["steps"], step]})
    scripted("approve", plan, "--setup")
    scripted("exec", plan)
    scripted.repo.commit({"fetch.sh": EVIL}, "main goes on")
    said = scripted("rebase", plan).err
    approve, verify = said.partition("if it is good: ")[2].splitlines()[0].split(" && ")
    assert approve == f"git orch approve {ids.short(plan)} --setup"
    scripted(*approve.split()[2:])
    refusal = scripted("verify", plan, "--record", expect=3).err
    assert f"the tip is approved, and the tree of step 1 is not\nhint: {verify}" in refusal
    scripted(*verify.split()[2:])
    assert f"next: git orch land {ids.short(plan)}" in scripted("show", plan).out


def test_work_in_place_holds_on_the_approved_tree(scripted: Here) -> None:
    plan = scripted.plan({"title": "Plain", "steps": [{"title": "Run", "run": "sh fetch.sh"}]})
    scripted("approve", plan, "--in-place")
    push(scripted.repo, plan)
    scripted.repo.git("switch", "-q", f"orch/{plan}")
    said = scripted("exec", "--in-place", plan, expect=3).err
    assert "your own checkout, and would start from another tree" in said
    assert not (scripted.repo.path / "fetched").exists()


def test_what_is_uncommitted_in_the_own_checkout_is_ground(scripted: Here) -> None:
    steps = [{"title": "Make a", "run": "echo a > a"}, {"title": "Run", "run": "sh fetch.sh"}]
    plan = scripted.plan({"title": "Plain", "steps": steps})
    scripted("approve", plan, "--in-place")
    scripted.repo.git("switch", "-q", f"orch/{plan}")
    scripted.repo.write({"mine": "mine\n"})
    scripted("exec", "--in-place", plan)
    assert (scripted.repo.path / "fetched").read_text() == "good\n"


def test_without_git_a_plan_works_on_the_approved_tree(scripted: Here) -> None:
    plan = scripted.plan({"title": "Plain", "steps": [{"title": "Run", "run": "sh fetch.sh"}]})
    scripted("approve", plan, "--in-place")
    scripted.repo.commit({"fetch.sh": EVIL}, "main goes on")
    said = scripted("exec", "--no-git", plan, expect=3).err
    assert "your own checkout, and would start from another tree" in said


def test_without_a_sandbox_a_plan_of_ones_own_holds_on_its_own_branch(
    scripted: Here, unsandboxed: None
) -> None:
    plan = scripted.plan({"title": "Plain", "steps": [{"title": "Run", "run": "sh fetch.sh"}]})
    push(scripted.repo, plan)
    scripted("exec", plan, expect=3)
    scripted("approve", plan)
    scripted("exec", plan)


@pytest.mark.parametrize(("pushed", "status"), [("by others", 3), ("", 1)])
def test_a_run_in_the_sandbox_is_no_approval_for_one_without_it(
    scripted: Here, pushed: str, status: int
) -> None:
    """Unless nobody else has put anything on the branch."""
    plan = scripted.plan(
        {"title": "Plain", "steps": [{"title": "Run", "run": "sh fetch.sh; exit 1"}]}
    )
    if pushed:
        push(scripted.repo, plan)
    scripted("exec", plan, expect=1)
    subprocess.run(["git", "config", "--global", "orch.sandbox", "none"], check=True)
    said = scripted("exec", plan, expect=status).err
    names_none = "step 1 gets no sandbox, and the approval names no tree that this holds on"
    assert (names_none in said) == bool(pushed)


def test_without_a_sandbox_a_plan_of_ones_own_follows_its_branch(
    scripted: Here, unsandboxed: None
) -> None:
    plan = scripted.plan({"title": "Plain", "steps": [{"title": "Run", "run": "exit 1"}]})
    scripted("exec", plan, expect=1)
    scripted.repo.commit({"more": "more\n"}, "main goes on")
    assert "now starts from" in scripted("exec", plan, expect=1).err
