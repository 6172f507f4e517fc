"""From a vague idea to a log, as people and their colleagues go it day by day."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import places
import pytest
import yaml
from conftest import Here, Repo
from test_ideas import idea

_ID = r"[0-9]{8}-[0-9A-HJKMNP-TV-Z]{10}-[a-z0-9-]+"
_CREATED = re.compile(r"^created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", re.MULTILINE)
FOLDERS = ["exec_logs", "plans", "scout_reports", "specs"]


def front(path: Path) -> dict[str, object]:
    """The front matter of a file."""
    fields: dict[str, object] = yaml.safe_load(path.read_text("utf-8").split("---\n")[1])
    return fields


def worktree(here: Here) -> Path:
    """The worktree where the person works."""
    return Path(
        here.repo.git("worktree", "list", "--porcelain").split("worktree ")[-1].split("\n")[0]
    )


@pytest.fixture
def worked(here: Here) -> str:
    """A plan from an idea, whose steps a person has done but for one."""
    body = "People forget who they are.\n\n- [ ] a form\n- [ ] a session\n"
    here("plan", "Add user authentication", "--draft", "--body", "-", stdin=body)
    here("do", "mark it ready")
    here("do", "generate specs")
    here("exec", expect=9)
    (worktree(here) / "form.html").write_text("<form>\n")
    here("done")
    here("note", "--decision", "Sessions live in a cookie.")
    here("docs")
    [plan] = here.repo.git(
        "for-each-ref", "--format=%(refname:lstrip=3)", "refs/notes/orch/PLAN-*"
    ).split()
    return plan


def test_a_vague_idea_becomes_steps_and_a_log(here: Here, worked: str) -> None:
    """S2-017, S2-038, S2-079, S2-084 and S2-156: what was done, and what comes next."""
    where = here("do", "what were we working on?").out
    assert "1/2" in where
    assert f"git orch exec {here.repo.handle(worked)}" in where
    told = here("log").out
    for deed in (
        "wrote down the idea",
        "ready",
        "wrote the spec",
        "ran step 1",
        "decision: Sessions",
    ):
        assert deed in told
    assert "[x]   1  a form" in here("scout").out


def test_states_of_plan_and_spec_follow_the_work(here: Here, worked: str) -> None:
    """S2-034."""
    statuses = [here.show(worked)[name] for name in ("status", "spec_status")]
    here("exec", expect=9)
    (worktree(here) / "session.py").write_text("session = {}\n")
    here("done")
    done = [here.show(worked)[name] for name in ("status", "spec_status")]
    assert (statuses, done) == (["executing", "designed"], ["done", "built"])


def test_files_have_names_and_fields_that_people_search_by(here: Here, worked: str) -> None:
    """S2-022, S2-051, S2-052, S2-057, S2-058, S2-086, S2-114 and S2-118."""
    root = here.repo.path / "ai_docs"
    assert sorted(path.name for path in root.iterdir()) == FOLDERS
    [plan], [spec] = (list((root / folder).glob("*.md")) for folder in ("plans", "specs"))
    assert re.fullmatch(f"PLAN-{_ID}", plan.stem)
    assert (front(plan)["id"], front(spec)["id"]) == (plan.stem, spec.stem)
    assert front(plan)["spec_id"] == spec.stem[:24]
    assert front(spec)["plan_id"] == plan.stem == worked
    assert front(spec)["owner"] == front(plan)["owner"]
    for path in (plan, spec):
        assert {"id", "title", "owner", "created", "status"} <= front(path).keys()
        assert _CREATED.search(path.read_text("utf-8"))


def test_orchestrate_says_what_it_made_and_short_ids_find_it(repo: Repo) -> None:
    """S2-054, S2-055 and S2-056."""
    plan = idea(repo, "--ready")
    said = repo.orch("orchestrate", "--offline").stdout
    spec = plan.replace("PLAN", "SPEC")
    for line in (f"Created: {spec}", "Created 1 SPEC(s)", "Updated 1 PLAN(s) to in-spec"):
        assert line in said
    shown = {repo.orch("show", name).stdout for name in (plan, spec, spec[:24], spec[14:18])}
    assert len(shown) == 1


def test_specs_of_several_plans_are_worked_on_by_themselves(repo: Repo) -> None:
    """S2-146, S2-148 and S2-154."""
    one, two = (idea(repo, "--ready", title=title) for title in ("One", "Two"))
    for _ in range(2):
        repo.orch("orchestrate", "--offline")
    repo.orch("exec", two, expect=9)
    assert [repo.status(plan)["status"] for plan in (one, two)] == ["in-spec", "executing"]


def test_nothing_lies_about_and_every_directory_will_do(repo: Repo) -> None:
    """S2-004, S2-005 and S2-125: the same from a subdirectory, a branch and a worktree."""
    (repo.path / "sub").mkdir()
    plan = idea(Repo(repo.path / "sub"))
    repo.orch("ready", plan)
    assert repo.git("status", "--porcelain", "--ignored") == ""
    repo.git("worktree", "add", "-q", "-b", "side", "../side")
    listed = {
        place: Repo(place).orch("ls").stdout for place in (repo.path, repo.path.parent / "side")
    }
    assert len({*listed.values()}) == 1
    Repo(repo.path / "sub").orch("docs")
    assert [path.name for path in (repo.path / "sub").iterdir()] == []
    assert (repo.path / f"ai_docs/plans/{plan}.md").exists()


def test_outside_of_a_repository_there_is_a_clear_error(tmp_path: Path) -> None:
    """S2-006."""
    failed = Repo(tmp_path).orch("plan", "T", "--draft", expect=128)
    assert failed.stderr.splitlines()[-1].startswith("hint: git ")


def test_plans_of_two_clones_come_together_by_git_alone(repo: Repo, tmp_path: Path) -> None:
    """S2-117, S2-123 and S2-124: pushed, they are in a fresh clone with all that belongs to them."""
    subprocess.run(["git", "clone", "-q", "--bare", repo.path, tmp_path / "hub"], check=True)
    plans: list[str] = []
    for name in ("ada", "bob", "eve"):
        subprocess.run(["git", "clone", "-q", tmp_path / "hub", tmp_path / name], check=True)
        clone = Repo(tmp_path / name)
        clone.git("fetch", "-q", "origin", "refs/notes/orch/*:refs/notes/orch/*")
        clone.git("fetch", "-q", "origin", "refs/heads/orch/*:refs/heads/orch/*")
        if name == "eve":
            listed = clone.orch("ls").stdout
            assert all(f"of {who}" in listed for who in ("ada", "bob"))
            assert {clone.status(plan)["status"] for plan in plans} == {"in-spec"}
            break
        plans.append(idea(clone, "--ready", title=f"Plan of {name}"))
        clone.orch("orchestrate", "--offline")
        clone.git("push", "-q", "origin", "refs/notes/orch/*", "refs/heads/orch/*")


def test_the_whole_way_needs_no_network(repo: Repo) -> None:
    """S2-169: in a network namespace that has not even the loopback."""
    lines = (
        'git orch plan "T" --ready', "git orch orchestrate", "git orch scout", "git orch exec",
        "git orch docs", "git orch status",
    )  # fmt: skip
    script = "; ".join(f"{line}; echo {line.split()[2]} $?" for line in lines)
    path = f"PATH={Path(sys.executable).parent}:$PATH"
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "sh", "-c", f"{path}; {script}"],
        cwd=repo.path,
        capture_output=True,
        text=True,
        check=False,
    )
    ends = re.findall(
        r"^(plan|orchestrate|scout|exec|docs|status) (\d+)$", done.stdout, re.MULTILINE
    )
    assert ends == [
        ("plan", "0"), ("orchestrate", "0"), ("scout", "0"), ("exec", "9"), ("docs", "0"), ("status", "0"),
    ], done.stderr  # fmt: skip


@pytest.mark.parametrize("command", ["plan T --draft", "ls", "status", "log"])
def test_a_reader_that_goes_away_is_no_failure(repo: Repo, command: str) -> None:
    """S2-176: and what the command was for is done."""
    idea(repo)
    git_orch = Path(sys.executable).parent / "git-orch"
    script = f'set -o pipefail; "{git_orch}" {command} | true'
    done = subprocess.run(
        ["bash", "-c", script], cwd=repo.path, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 141)
    assert "Traceback" not in done.stderr
    assert "error:" not in done.stderr
    assert repo.orch("ls").stdout.count("DRAFT") == (2 if command.startswith("plan") else 1)


def test_the_owner_is_explained_by_every_source_that_can_win(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-106."""
    monkeypatch.setenv("OTK_OWNER", "Backend Team")
    winner, *chain = repo.orch("owner", "who").stdout.splitlines()
    assert winner == "owner: Backend Team"
    assert [line[5:].split("  ")[0] for line in chain] == [
        "GIT_ORCH_OWNER", "OTK_OWNER", "git config orch.owner", ".otk/.owner", "git config user.name",
        "system user",
    ]  # fmt: skip
    assert [line[0] for line in chain] == [" ", "*", " ", " ", " ", " "]


def test_the_version_and_the_licence_are_those_of_the_package(repo: Repo) -> None:
    """S2-009 and S2-173."""
    package = metadata.metadata("git-orch")
    assert package["Version"] in repo.orch("--version").stdout
    assert package["License-Expression"] == "MIT"
    assert (places.TOP / "LICENSE").read_text().startswith("MIT License")
