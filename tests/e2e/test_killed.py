"""git-orch is killed with SIGKILL at every point in turn; nothing is lost, and the next command
goes on.

A bounded choice of points runs always: each kind of point once in one of the tests, and a sample of
them again in each other test. All of them run with GIT_ORCH_SOAK=1.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import places
import pytest
from conftest import Repo, data

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
DRIVER = places.SUPPORT / "killed_at.py"

TWO_STEPS = {
    "title": "Two steps",
    "steps": [
        {"title": "Write a", "files": {"a.txt": "a\n"}},
        {
            "title": "Make b",
            "run": "echo b > b.txt",
            "depends_on": [1],
            "checks": [{"command": "test -f b.txt"}],
        },
    ],
}
FAILING = {
    "title": "Failing",
    "steps": [
        {"title": "Write a", "files": {"a.txt": "a\n"}, "checks": [{"command": "test -f b.txt"}]}
    ],
}
SIDE_BY_SIDE = {
    "title": "Side by side",
    "steps": [
        {"title": "Write a", "files": {"a.txt": "a\n"}, "checks": [{"command": "test -f a.txt"}]},
        {"title": "Make b", "run": "echo b > b.txt", "checks": [{"command": "test -f b.txt"}]},
        {"title": "Write c", "files": {"c.txt": "c\n"}, "depends_on": [1, 2]},
    ],
}
ONE_FILE = {
    "title": "One file",
    "steps": [
        {"title": "Begin", "files": {"a.txt": "one\n"}},
        {"title": "Change", "files": {"a.txt": "two\n"}, "checks": [{"command": "test -s a.txt"}]},
    ],
}
OTHER = {"title": "Another", "steps": [{"title": "Write c", "files": {"c.txt": "c\n"}}]}


@dataclass
class Run:
    """How one run of git-orch ended, and the points it passed; a negative status is the signal that
    killed it.

    `spooled` are the IDs of events that it has put on disk for the next log write.
    """

    status: int
    stdout: str
    stderr: str
    points: list[str]
    spooled: list[str]


class Driver:
    """The process that forks runs of git-orch."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER)],
            env={**os.environ, "PYTHONPATH": str(DRIVER.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        repo: Repo,
        *argv: str,
        point: int | None = None,
        counted: bool = False,
        gc_from: int | None = None,
    ) -> Run:
        """Run git-orch; with `point` kill it there, with `gc_from` collect garbage at that and
        every 31st point.
        """
        asked = {
            "argv": argv,
            "cwd": str(repo.path),
            "env": {"XDG_STATE_HOME": str(state_home(repo))},
            "point": point,
            "counted": counted or point is not None or gc_from is not None,
            "gc_from": gc_from,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        found = Run(**json.loads(self._process.stdout.readline()))
        assert "Traceback" not in found.stderr, found.stderr
        return found

    def close(self) -> None:
        self._process.communicate()


def state_home(repo: Repo) -> Path:
    """Where git-orch keeps the worktrees of this copy."""
    return repo.path.parent / "state"


def approvals(repo: Repo) -> Path:
    """Where git-orch keeps what may be run in this copy."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(repo.path / ".git"))).hexdigest()[:16]
    return state_home(repo) / "git-orch" / "approvals" / name


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    started = Driver()
    yield started
    started.close()


@pytest.fixture
def template(repo: Repo) -> Repo:
    """A repository whose user is in the middle of something: staged, changed, untracked, ignored
    and stashed files.
    """
    repo.write({"stashed.txt": "stashed\n"})
    repo.git("add", "stashed.txt")
    repo.git("stash")
    repo.commit({".gitignore": "*.log\n", "tracked.txt": "one\n"}, "second")
    repo.write(
        {
            "tracked.txt": "two\n",
            "staged.txt": "staged\n",
            "untracked.txt": "mine\n",
            "build.log": "log\n",
        }
    )
    repo.git("add", "staged.txt")
    for name, plan in (
        ("two", TWO_STEPS),
        ("failing", FAILING),
        ("side", SIDE_BY_SIDE),
        ("file", ONE_FILE),
        ("other", OTHER),
    ):
        (repo.path.parent / f"{name}.json").write_text(json.dumps(plan))
    return repo


@dataclass
class Scenario:
    """A command to be killed in copies of a prepared repository."""

    driver: Driver
    prepared: Repo
    argv: Sequence[str]

    def copy(self, name: str) -> Repo:
        """A copy of the prepared repository, the command's files beside it."""
        place = self.prepared.path.parent / name
        place.mkdir()
        path = place / "repo"
        shutil.copytree(self.prepared.path, path, symlinks=True)
        if approvals(self.prepared).exists():
            shutil.copytree(approvals(self.prepared), approvals(Repo(path)))
        for plan in self.prepared.path.parent.glob("*.json"):
            shutil.copy(plan, place)
        return Repo(path)

    def undisturbed(self) -> tuple[Repo, Run]:
        """The command run to its end."""
        repo = self.copy("undisturbed")
        done = self.driver.run(repo, *self.argv, counted=True)
        return repo, done

    def killed(
        self,
        points: Sequence[str],
        plan: str | None = None,
        *,
        in_order: bool = True,
        in_checkout: bool = False,
    ) -> Iterator[Repo]:
        """Copies in which the command was killed, one for each chosen point; the log of `plan` has
        lost nothing.

        Several workers pass points in an order of their own: then it is not `in_order`, and a run
        may be over before the point. A command that works `in_checkout` changes what is the user's
        there.
        """
        for index in chosen(points, " ".join(self.argv[:2])):
            repo = self.copy(f"{index}")
            before = {} if in_checkout else users_own(repo)
            found = self.driver.run(repo, *self.argv, point=index)
            where = f"killed {points[index]} ({index} of {len(points)})"
            assert found.status == -9 or not in_order, f"{where}: {found}"
            assert not in_order or same_way(found.points, points[: index + 1]), where
            lines = logged(repo, plan) if plan is not None else set()
            try:
                assert in_checkout or users_own(repo) == before
                yield repo
                assert in_checkout or users_own(repo) == before
                assert_clean(repo)
                if plan is not None:
                    now = logged(repo, plan)
                    assert lines <= now
                    assert set(found.spooled) <= {json.loads(line)["id"] for line in now}
            except AssertionError as failed:
                raise AssertionError(where) from failed
            shutil.rmtree(repo.path.parent)


READING = {
    f"git {command}"
    for command in (
        "cat-file", "config", "diff-tree", "for-each-ref", "ls-files", "merge-base", "rev-list",
        "rev-parse", "status", "symbolic-ref", "var", "worktree list",
    )
}  # fmt: skip


SAMPLE = 5  # of the kinds of points that another test has chosen, one in so many
_taken: set[str] = set()  # the kinds that a test has chosen


def chosen(points: Sequence[str], command: str) -> list[int]:
    """Every point, or one of each kind that no other test has chosen and a sample of the others, by
    the command; two where a ref moves.

    Bounded, it leaves out what only reads: to be killed there is to be killed after the last write
    before it.
    """
    if SOAK:
        return list(range(len(points)))
    kinds: dict[str, list[int]] = {}
    for index, point in enumerate(points):
        kind = point.partition(" ")[2]
        if kind in READING:
            continue
        kinds.setdefault(point if kind.startswith(("move ", "delete ")) else kind, []).append(index)
    known = sorted(kinds.keys() & _taken, key=lambda kind: zlib.crc32(f"{command} {kind}".encode()))
    taken = [*(kinds.keys() - _taken), *known[::SAMPLE]]
    _taken.update(kinds)
    return sorted(kinds[kind][zlib.crc32(kind.encode()) % len(kinds[kind])] for kind in taken)


def same_way(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two runs passed the same points; how many trees a log takes depends on whether IDs
    begin alike.
    """
    first, second = (
        [each for each in points if not each.endswith(" write tree")] for points in (one, other)
    )
    length = min(len(first), len(second))
    return first[:length] == second[:length] and abs(len(first) - len(second)) <= len(other) // 20


def users_own(repo: Repo) -> dict[str, bytes]:
    """Every byte that is the user's: HEAD, index, configuration, stash, reflogs, and all files of
    the work tree.
    """
    git_dir = repo.path / ".git"
    names = [
        "HEAD",
        "index",
        "config",
        "refs/stash",
        "logs/HEAD",
        "logs/refs/stash",
        "refs/heads/main",
    ]
    files = [git_dir / name for name in [*names, "logs/refs/heads/main"]]
    files += sorted(path for path in repo.path.iterdir() if path.is_file())
    return {str(path.relative_to(repo.path)): path.read_bytes() for path in files}


def assert_clean(repo: Repo) -> None:
    """No worktree is left, no object is broken, nothing of ours stands in the way."""
    assert len(repo.git("worktree", "list").splitlines()) == 1
    left = list(state_home(repo).glob("git-orch/worktrees/*/*"))
    assert left == []
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
    assert list((repo.path / ".git").rglob("*.lock")) == []


def logged(repo: Repo, plan: str) -> set[str]:
    """All lines of the plan's log, and those that wait on disk for the next write."""
    listed = repo.git("notes", f"--ref=orch/{plan}", "list", expect=None).splitlines()
    notes = "".join(f"{each.split()[0]}\n" for each in listed)
    told = repo.git("cat-file", "--batch", stdin=notes).splitlines()
    lines = {line for line in told if line.startswith("{")}  # the others name objects
    spooled = (repo.path / ".git/orch/spool" / plan).glob("*")
    return lines.union(*(path.read_text().splitlines() for path in spooled))


def landed_steps(repo: Repo, plan: str) -> list[str]:
    """The step each commit of the branch claims, newest first."""
    return repo.claimed(f"orch/{plan}")


def tree(repo: Repo, plan: str) -> str:
    return repo.git("rev-parse", f"orch/{plan}^{{tree}}")


def status(driver: Driver, repo: Repo, plan: str) -> dict[str, Any]:
    found: dict[str, Any] = data(driver.run(repo, "show", plan, "--json").stdout)
    return found


def planned(driver: Driver, repo: Repo, name: str) -> str:
    return driver.run(
        repo, "plan", "--from", str(repo.path.parent / f"{name}.json")
    ).stdout.split()[0]


def is_kept(repo: Repo, plan: str, commit: str) -> bool:
    """Whether the plan's kept chain holds the commit."""
    return commit in repo.git("rev-list", f"refs/orch/kept/{plan}").splitlines()


def test_a_killed_exec_is_finished_by_the_next_one(driver: Driver, template: Repo) -> None:
    """S1-127, S1-148, S1-159: same tree, each step landed once, no recorded usage or event lost,
    state COMPLETE.
    """
    plan = planned(driver, template, "two")
    scenario = Scenario(driver, template, ["exec", plan])
    whole, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points, plan):
        again = driver.run(repo, "exec", plan)
        assert again.status == 0, again.stderr

        assert tree(repo, plan) == tree(whole, plan)
        assert landed_steps(repo, plan) == ["s2", "s1"]
        found = status(driver, repo, plan)
        assert found["state"] == "COMPLETE"
        assert [step["state"] for step in found["steps"]] == ["done", "done"]


def test_a_killed_parallel_run_is_finished_by_the_next_one(driver: Driver, template: Repo) -> None:
    """S1-159: whatever two workers and the landing thread were doing, each step lands once."""
    plan = planned(driver, template, "side")
    scenario = Scenario(driver, template, ["exec", "--jobs", "2", plan])
    whole, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points, plan, in_order=False):
        again = driver.run(repo, "exec", "--jobs", "2", plan)
        assert again.status == 0, again.stderr

        assert tree(repo, plan) == tree(whole, plan)
        assert sorted(landed_steps(repo, plan)) == ["s1", "s2", "s3"]
        assert repo.git("rev-list", "--merges", f"orch/{plan}") == ""
        assert repo.git("for-each-ref", "refs/orch/results") == ""
        assert status(driver, repo, plan)["state"] == "COMPLETE"


def test_a_killed_archiving_is_finished_by_the_next_one(driver: Driver, template: Repo) -> None:
    """The plan is live or it is archived, and never lost; the next command that works on it does
    the rest.
    """
    plan = planned(driver, template, "two")
    assert driver.run(template, "exec", plan).status == 0
    scenario = Scenario(driver, template, ["archive", plan])
    _, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points):
        assert [step["state"] for step in status(driver, repo, plan)["steps"]] == ["done", "done"]
        driver.run(repo, "archive", plan)
        assert repo.git("for-each-ref", "refs/heads/orch", f"refs/notes/orch/{plan}") == ""
        assert [step["state"] for step in status(driver, repo, plan)["steps"]] == ["done", "done"]
        assert driver.run(repo, "unarchive", plan).status == 0
        assert [step["state"] for step in status(driver, repo, plan)["steps"]] == ["done", "done"]


def test_a_killed_unarchive_loses_no_event_and_can_be_given_again(
    driver: Driver, template: Repo
) -> None:
    """The plan is in the archive, or live, or both; at the end its branch is where it was, and only
    there.
    """
    plan = planned(driver, template, "two")
    assert driver.run(template, "exec", plan).status == 0
    lines, tip = logged(template, plan), template.git("rev-parse", f"orch/{plan}")
    assert driver.run(template, "archive", plan).status == 0
    scenario = Scenario(driver, template, ["unarchive", plan])
    _, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points):
        assert status(driver, repo, plan)["id"] == plan
        # 5: it was out of the archive already.
        assert driver.run(repo, "unarchive", plan).status in (0, 5)
        assert driver.run(repo, "exec", plan).status == 0
        assert [step["state"] for step in status(driver, repo, plan)["steps"]] == ["done", "done"]
        assert lines <= logged(repo, plan)
        assert repo.git("rev-parse", f"orch/{plan}") == tip
        assert repo.git("ls-tree", "-r", "refs/notes/orch/archive") == ""


@pytest.mark.parametrize(
    "argv", [["rebase"], ["redo", "2"], ["drop", "3"]], ids=lambda argv: argv[0]
)
def test_a_killed_rewrite_leaves_the_old_branch_or_the_new_one(
    driver: Driver, template: Repo, argv: list[str]
) -> None:
    """S1-159: the branch never stands half-way, and its old tip is kept."""
    plan = planned(driver, template, "side")
    assert driver.run(template, "exec", plan).status == 0
    old = template.git("rev-parse", f"orch/{plan}")
    base = template.git("rev-parse", f"orch/{plan}~4")
    if argv == ["rebase"]:
        base = template.commit({"tracked.txt": "three\n"}, "meanwhile")
    scenario = Scenario(driver, template, [*argv, plan])
    _, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points, plan):
        assert driver.run(repo, "exec", plan).status == 0

        assert repo.git("rev-parse", f"orch/{plan}") == old or is_kept(repo, plan, old)
        assert repo.git("rev-parse", f"orch/{plan}~4") in (base, repo.git("rev-parse", f"{old}~4"))
        assert sorted(landed_steps(repo, plan)) == ["s1", "s2", "s3"]
        assert status(driver, repo, plan)["state"] == "COMPLETE"
        assert repo.git("for-each-ref", "refs/orch/results") == ""


def test_a_recovery_that_is_killed_itself_is_recovered(driver: Driver, template: Repo) -> None:
    """S1-159: one kill after the other, each some points later in its own run, until one run is
    through.
    """
    plan = planned(driver, template, "two")
    whole, run = Scenario(driver, template, ["exec", plan]).undisturbed()
    events: set[str] = set()
    spooled: list[str] = []
    ended = run
    for point in range(5, 10 * len(run.points), 3 if SOAK else 17):
        ended = driver.run(template, "exec", plan, point=point)
        now = logged(template, plan)
        assert events <= now
        events = now
        spooled += ended.spooled
        if ended.status != -9:
            break
    assert ended.status == 0, ended.stderr
    assert set(spooled) <= {json.loads(line)["id"] for line in logged(template, plan)}
    assert tree(template, plan) == tree(whole, plan)
    assert landed_steps(template, plan) == ["s2", "s1"]
    assert status(driver, template, plan)["state"] == "COMPLETE"
    assert_clean(template)


def test_a_killed_failing_exec_keeps_its_attempt_or_fails_again(
    driver: Driver, template: Repo
) -> None:
    """The state is FAILED at the end, and the work of the failed attempt can be inspected."""
    plan = planned(driver, template, "failing")
    scenario = Scenario(driver, template, ["exec", plan])
    _, run = scenario.undisturbed()
    assert run.status == 1, run.stderr

    for repo in scenario.killed(run.points, plan):
        assert driver.run(repo, "exec", plan).status == 1

        found = status(driver, repo, plan)
        assert found["state"] == "FAILED"
        shown = driver.run(repo, "show", plan, "--attempts", "--json").stdout
        commits = [attempt["commit"] for attempt in data(shown)["attempts"]]
        assert commits
        assert all(is_kept(repo, plan, commit) for commit in commits)


def test_a_killed_plan_leaves_a_repository_in_which_planning_works(
    driver: Driver, template: Repo
) -> None:
    """S2-078: a half plan breaks neither ls nor status; it is executed like any other, and a new
    one is made.
    """
    scenario = Scenario(
        driver, template, ["plan", "--from", str(template.path.parent / "two.json")]
    )
    whole, run = scenario.undisturbed()
    driver.run(whole, "exec")
    expected = tree(whole, run.stdout.split()[0])

    for repo in scenario.killed(run.points):
        listed = driver.run(repo, "ls")
        assert (listed.status, driver.run(repo, "status").status) == (0, 0)
        half = [line.split()[0] for line in listed.stdout.splitlines()]
        assert len(half) <= 1
        for name in half or [planned(driver, repo, "two")]:
            done = driver.run(repo, "exec", name)
            assert done.status == 0, done.stderr
            found = status(driver, repo, name)
            assert found["state"] == "COMPLETE"
            assert tree(repo, found["id"]) == expected
        assert planned(driver, repo, "other")


def test_a_killed_rollback_is_finished_and_can_be_undone(driver: Driver, template: Repo) -> None:
    """S2-078: the branch ends where an undisturbed rollback puts it; what it left is kept, and
    comes back.
    """
    plan = planned(driver, template, "two")
    assert driver.run(template, "exec", plan).status == 0
    old = template.git("rev-parse", f"orch/{plan}")
    scenario = Scenario(driver, template, ["rollback", "--to-step", "1", plan])
    whole, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points, plan):
        again = driver.run(repo, "rollback", "--to-step", "1", plan)
        assert again.status == 0, again.stderr
        assert repo.git("rev-parse", f"orch/{plan}") == whole.git("rev-parse", f"orch/{plan}")
        assert is_kept(repo, plan, old)

        back = driver.run(repo, "rollback", "--undo", plan)
        assert back.status == 0, back.stderr
        assert repo.git("rev-parse", f"orch/{plan}") == old
        assert status(driver, repo, plan)["state"] == "COMPLETE"


def test_a_killed_undo_is_finished_by_the_next_command(driver: Driver, template: Repo) -> None:
    """S2-078: run again it either does the work or says that it is done; the branch is back either
    way.
    """
    plan = planned(driver, template, "two")
    assert driver.run(template, "exec", plan).status == 0
    old = template.git("rev-parse", f"orch/{plan}")
    assert driver.run(template, "rollback", plan).status == 0
    scenario = Scenario(driver, template, ["rollback", "--undo", plan])
    _, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points, plan):
        again = driver.run(repo, "rollback", "--undo", plan)
        assert again.status in (0, 3), again.stderr
        assert repo.git("rev-parse", f"orch/{plan}") == old
        assert status(driver, repo, plan)["state"] == "COMPLETE"


def test_a_killed_landing_is_finished_by_the_next_one(driver: Driver, template: Repo) -> None:
    """The branch gets the plan once, the log knows it, and nothing of the user's is touched."""
    plan = planned(driver, template, "two")
    assert driver.run(template, "exec", plan).status == 0
    template.git("branch", "release")
    scenario = Scenario(driver, template, ["land", "--onto", "release", plan])
    _, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points):
        again = driver.run(repo, *scenario.argv)
        assert again.status in (0, 3), again.stderr  # 3: it was in the archive already
        assert (
            repo.git("log", "--first-parent", "--format=%s", "main..release")
            == "Merge plan: Two steps"
        )
        landed = status(driver, repo, plan)["landed"]
        assert (landed["mode"], landed["commit"]) == ("merge", repo.git("rev-parse", "release"))


def test_a_killed_pick_is_finished_by_the_next_one(driver: Driver, template: Repo) -> None:
    """The branch gets each step once, and the log knows where it is."""
    plan = planned(driver, template, "two")
    assert driver.run(template, "exec", plan).status == 0
    template.git("branch", "release")
    scenario = Scenario(driver, template, ["pick", plan, "1-2", "--onto", "release"])
    _, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points, plan):
        again = driver.run(repo, *scenario.argv)
        assert again.status == 0, again.stderr
        assert repo.git("log", "--format=%s", "main..release").splitlines() == ["Make b", "Write a"]
        assert picked(repo, plan) >= {
            repo.git("rev-parse", "release~1"),
            repo.git("rev-parse", "release"),
        }


@pytest.fixture
def resolvable(driver: Driver, template: Repo) -> tuple[Repo, str]:
    """A clean checkout of a main whose a.txt is not that of the plan, and the plan."""
    template.commit({"a.txt": "mine\n"}, "mine")
    template.git("reset", "-q", "--hard")
    template.git("checkout", "-q", "--detach", "HEAD~1")
    plan = planned(driver, template, "two")
    assert driver.run(template, "exec", plan).status == 0
    template.git("switch", "-q", "main")
    return template, plan


def picked(repo: Repo, plan: str) -> set[str]:
    """The commits that steps became, as the log has it."""
    events = (json.loads(line) for line in logged(repo, plan))
    return {
        commit
        for event in events
        if event["event"] == "steps.picked"
        for commit in event["commits"].values()
    }


def resolve(repo: Repo) -> None:
    repo.git("checkout", "--theirs", "a.txt")
    repo.git("add", "a.txt")


def test_a_pick_that_was_killed_in_a_checkout_can_be_given_again(
    driver: Driver, resolvable: tuple[Repo, str]
) -> None:
    """It waits there, or has not begun: it goes on to the same end."""
    template, plan = resolvable
    scenario = Scenario(driver, template, ["pick", plan, "1-2"])
    _, run = scenario.undisturbed()
    assert run.status == 7, run.stderr

    for repo in scenario.killed(run.points, plan, in_checkout=True):
        waits = (repo.path / ".git/CHERRY_PICK_HEAD").exists()
        assert driver.run(repo, *scenario.argv).status == (6 if waits else 7)
        resolve(repo)
        ended = driver.run(repo, "pick", "--continue")
        assert ended.status == 0, ended.stderr
        assert repo.git("log", "-3", "--format=%s").splitlines() == ["Make b", "Write a", "mine"]
        assert repo.git("status", "--porcelain") == ""
        assert picked(repo, plan) == set(repo.git("rev-list", "-2", "main").split())


@pytest.mark.parametrize("how", ["--continue", "--abort"])
def test_the_end_of_a_pick_in_a_checkout_can_be_killed(
    driver: Driver, resolvable: tuple[Repo, str], how: str
) -> None:
    """Given again it is done, or was done already; the log has what is on the branch and nothing
    else.
    """
    template, plan = resolvable
    assert driver.run(template, "pick", plan, "1-2").status == 7
    resolve(template)
    scenario = Scenario(driver, template, ["pick", how])
    whole, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points, plan, in_checkout=True):
        again = driver.run(repo, *scenario.argv)
        assert again.status in (0, 3), again.stderr  # 3: nothing waits there any more
        assert repo.git("log", "--format=%s", "main") == whole.git("log", "--format=%s", "main")
        assert repo.git("status", "--porcelain") == ""
        assert picked(repo, plan) == set(
            repo.git("rev-list", f"main~{len(picked(whole, plan))}..main").split()
        )
        assert driver.run(repo, "exec", how).status == 3


def resolve_by_hand(repo: Repo) -> None:
    """Resolve the conflict that a command has shown in a worktree."""
    [place] = state_home(repo).glob("git-orch/worktrees/*/*-conflict")
    (place / "a.txt").write_text("resolved\n")
    repo.git("add", "a.txt", cwd=place)


@pytest.fixture
def conflicting(driver: Driver, template: Repo) -> tuple[Scenario, str]:
    """A plan that is done, and a drop of its first step that conflicts."""
    plan = planned(driver, template, "file")
    assert driver.run(template, "exec", plan).status == 0
    return Scenario(driver, template, ["drop", plan, "1"]), plan


def test_a_command_that_was_killed_at_its_conflict_shows_it_the_next_time(
    driver: Driver, conflicting: tuple[Scenario, str]
) -> None:
    """Whether that is the command itself or done."""
    scenario, plan = conflicting
    _, run = scenario.undisturbed()
    assert run.status == 7, run.stderr

    for repo in scenario.killed(run.points, plan):
        again = driver.run(repo, "done", plan)
        assert again.status in (3, 7), again.stderr  # 3: nothing waits there yet
        assert driver.run(repo, *scenario.argv).status == 7
        resolve_by_hand(repo)
        done = driver.run(repo, "done", plan)
        assert done.status == 0, done.stderr
        assert repo.git("show", f"orch/{plan}:a.txt") == "resolved"


def test_a_killed_done_goes_on_with_what_was_resolved(
    driver: Driver, conflicting: tuple[Scenario, str]
) -> None:
    """Nobody resolves it twice; where the branch has moved already, done has nothing left to do."""
    scenario, plan = conflicting
    whole, _ = scenario.undisturbed()
    resolve_by_hand(whole)
    ended = driver.run(whole, "done", plan, counted=True)
    assert ended.status == 0, ended.stderr

    for index in chosen(ended.points, "done"):
        repo, where = scenario.copy(f"{index}"), f"killed {ended.points[index]} ({index})"
        assert driver.run(repo, *scenario.argv).status == 7
        resolve_by_hand(repo)
        assert driver.run(repo, "done", plan, point=index).status == -9, where
        again = driver.run(repo, "done", plan)
        assert again.status in (0, 3), f"{where}: {again.stderr}"
        assert tree(repo, plan) == tree(whole, plan), f"{where}: {again.stderr}"
        assert driver.run(repo, "archive", plan).status == 0, where
        if "worktree" not in ended.points[index]:  # git no longer knows what a cut-off removal left
            assert_clean(repo)
        shutil.rmtree(repo.path.parent)


def test_a_killed_edit_leaves_the_old_plan_or_the_new_one(driver: Driver, template: Repo) -> None:
    """S2-078: run again it is done, and exec does what the new text says."""
    plan = planned(driver, template, "two")
    scenario = Scenario(
        driver, template, ["edit", plan, "--from", str(template.path.parent / "other.json")]
    )
    whole, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points, plan):
        assert status(driver, repo, plan)["title"] in (TWO_STEPS["title"], OTHER["title"])
        again = driver.run(repo, *scenario.argv)
        assert again.status == 0, again.stderr
        assert repo.git("log", "--format=%s", f"orch/{plan}") == whole.git(
            "log", "--format=%s", f"orch/{plan}"
        )

        assert driver.run(repo, "exec", plan).status == 0
        assert repo.git("show", f"orch/{plan}:c.txt") == "c"
        assert len(landed_steps(repo, plan)) == 1


@pytest.mark.parametrize("gc_from", range(31) if SOAK else range(2, 31, 7))
def test_gc_takes_nothing_that_a_run_needs(driver: Driver, template: Repo, gc_from: int) -> None:
    """`git gc --prune=now` between any two writes: what it takes before a ref holds it is written
    again.
    """
    made = driver.run(
        template, "plan", "--from", str(template.path.parent / "two.json"), gc_from=gc_from
    )
    assert made.status == 0, made.stderr
    plan = made.stdout.split()[0]
    whole, _ = Scenario(driver, template, ["exec", plan]).undisturbed()

    ended = driver.run(template, "exec", plan, gc_from=gc_from)
    assert ended.status == 0, ended.stderr
    assert tree(template, plan) == tree(whole, plan)
    assert len([line for line in logged(template, plan) if '"event":"step.landed"' in line]) == 2
    assert_clean(template)


def specs_written(repo: Repo, plan: str) -> int:
    """How many specs the log of a plan has."""
    return sum(json.loads(line)["event"] == "spec.written" for line in logged(repo, plan))


@pytest.mark.parametrize("command", [["orchestrate", "--offline"], ["spec", "one", "--offline"]])
def test_a_killed_spec_is_finished_by_the_next_orchestrate(
    command: list[str], driver: Driver, template: Repo
) -> None:
    """S2-029 and S2-078."""
    titles = ("One", "Two")
    plans = [driver.run(template, "plan", title, "--ready").stdout.split()[1] for title in titles]
    scenario = Scenario(driver, template, command)
    _, done = scenario.undisturbed()

    for repo in scenario.killed(done.points):
        driver.run(repo, "orchestrate", "--offline")
        for plan in plans:
            assert specs_written(repo, plan) == 1
            assert len(status(driver, repo, plan)["steps"]) == 3
            assert repo.git("rev-parse", f"orch/{plan}^") == repo.git("rev-parse", "main")
