"""What a user does to a plan branch with git alone: each row of the table USER ACTS is tried as it
is written.

The table says, for every act, the state of each step afterwards, what the next `git orch exec`
lands, and what is kept; text after a semicolon is for people, but what stands in quotes there is
printed. A row without a function of its name here, or the other way round, is an error.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import places
import pytest
from conftest import Prepared, Repo, data, writing

from git_orch.repo.plan_place import PlanPlace

MAN = places.TOP / "man"
SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"


class Row(NamedTuple):
    """One row; `status`, `exec` and `kept` begin with what is compared, up to the first semicolon."""

    act: str
    commands: str
    status: str
    exec: str
    kept: str


def table() -> list[Row]:
    """The rows of the table."""
    lines = (MAN / "user-acts.tsv").read_text(encoding="utf-8").splitlines()
    return [Row(*line.split("\t")) for line in lines[1:]]


class Scene:
    """A plan of three steps, done, and a user with git. `mine` are commits of the user's that must
    stay reachable.
    """

    def __init__(self, repo: Repo, plan: str) -> None:
        self.repo = repo
        self.plan = plan
        self.branch = f"orch/{plan}"
        self.tip = self.at(self.branch)
        self.mine: list[str] = []

    def git(self, *args: str, cwd: Path | None = None, expect: int | None = 0) -> str:
        """git in the main checkout."""
        return self.repo.git(*args, cwd=cwd, expect=expect)

    def at(self, name: str) -> str:
        """The commit of that name."""
        return self.git("rev-parse", "--verify", name)

    def on_branch(self, *commands: list[str]) -> None:
        """Git commands with the plan branch checked out, then back to where the user was."""
        self.git("switch", "-q", self.branch)
        for command in commands:
            self.git(*command)
        self.git("switch", "-q", "-")

    def rebase(self, script: str, onto: str | None = None) -> None:
        """An interactive rebase of the branch from its base; `script` is a sed script on the todo
        list.
        """
        self.git("-c", f"sequence.editor=sed -i -e '{script}'", "-c", "core.editor=true", "rebase", "-q", "-i",
                 "--keep-empty", onto or "main", self.branch)  # fmt: skip
        self.git("switch", "-q", "main")

    def newer_main(self, name: str = "news.txt") -> str:
        """One more commit on main."""
        made = self.repo.commit({name: "news\n"}, "news")
        self.mine.append(made)
        return made

    def collect(self) -> None:
        """What a user does who wants the space back."""
        self.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
        self.git("gc", "-q", "--prune=now")

    def landed(self) -> list[str]:
        """The steps of all `step.landed` events, in order."""
        events = data(self.repo.orch("log", self.plan, "--json").stdout)
        return [
            event["step"].removeprefix("s") for event in events if event["event"] == "step.landed"
        ]

    def holds(self, commit: str) -> bool:
        """Whether some ref reaches the commit."""
        return bool(self.git("for-each-ref", "--contains", commit, expect=None))


ACTS: dict[str, Callable[[Scene], None]] = {}
NOT_EXECUTED = {"base-moved", "base-rewritten", "rebase-before-exec", "amend-cover"}


def act(function: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """Name the function after its row."""
    ACTS[function.__name__.replace("_", "-")] = function
    return function


@act
def reset_one(scene: Scene) -> None:
    scene.on_branch(["reset", "-q", "--hard", "HEAD~1"])


@act
def reset_to_cover(scene: Scene) -> None:
    scene.on_branch(["reset", "-q", "--hard", "HEAD~3"])


@act
def reset_before_cover(scene: Scene) -> None:
    scene.on_branch(["reset", "-q", "--hard", "HEAD~4"])


@act
def amend_message(scene: Scene) -> None:
    message = scene.git("log", "-1", "--format=%B", scene.branch).replace(
        "Write c.txt", "Write the third file"
    )
    scene.on_branch(["commit", "-q", "--amend", "-m", message])


@act
def amend_message_away(scene: Scene) -> None:
    scene.on_branch(["commit", "-q", "--amend", "-m", "the third file"])


@act
def amend_content(scene: Scene) -> None:
    scene.git("switch", "-q", scene.branch)
    scene.repo.write({"c.txt": "better\n"})
    scene.git("commit", "-q", "-a", "--amend", "--no-edit")
    scene.mine.append(scene.at("HEAD"))
    scene.git("switch", "-q", "-")


@act
def amend_cover(scene: Scene) -> None:
    scene.git("switch", "-q", scene.branch)
    scene.repo.write({"mine.txt": "mine\n"})
    scene.git("add", "mine.txt")
    scene.git("commit", "-q", "--amend", "--no-edit")
    scene.mine.append(scene.at("HEAD"))
    scene.git("switch", "-q", "-")
    scene.newer_main()


@act
def reword(scene: Scene) -> None:
    scene.git("-c", "sequence.editor=sed -i -e '3s/^pick/reword/'", "-c", "core.editor=sed -i -e '1s/.*/Reworded/'",
              "rebase", "-q", "-i", "--keep-empty", "main", scene.branch)  # fmt: skip
    scene.git("switch", "-q", "main")


@act
def squash_steps(scene: Scene) -> None:
    scene.rebase("3s/^pick/squash/")


@act
def fixup_into_step(scene: Scene) -> None:
    scene.rebase("3s/^pick/fixup/")


@act
def squash_into_cover(scene: Scene) -> None:
    scene.rebase("2s/^pick/squash/")


@act
def fixup_into_cover(scene: Scene) -> None:
    scene.rebase("2s/^pick/fixup/")


@act
def drop_step(scene: Scene) -> None:
    scene.rebase("3s/^pick/drop/")


@act
def drop_cover(scene: Scene) -> None:
    scene.rebase("1s/^pick/drop/")


@act
def reorder(scene: Scene) -> None:
    scene.rebase("2{h;d};3{G}")


@act
def merge_main(scene: Scene) -> None:
    scene.newer_main()
    scene.on_branch(["merge", "-q", "--no-edit", "main"])
    scene.mine.append(scene.at(scene.branch))


@act
def revert(scene: Scene) -> None:
    scene.on_branch(["revert", "--no-edit", "HEAD~1"])
    scene.mine.append(scene.at(scene.branch))


@act
def revert_of_revert(scene: Scene) -> None:
    scene.on_branch(["revert", "--no-edit", "HEAD~1"], ["revert", "--no-edit", "HEAD"])
    scene.mine.append(scene.at(scene.branch))


@act
def revert_then_rebase(scene: Scene) -> None:
    scene.git("switch", "-q", scene.branch)
    scene.repo.write({"c.txt": "better\n"})
    scene.git("commit", "-q", "-a", "--amend", "--no-edit")
    scene.git("revert", "--no-edit", "HEAD")
    scene.git("switch", "-q", "-")
    scene.newer_main()
    scene.git("rebase", "-q", "main", scene.branch)
    scene.git("switch", "-q", "main")
    scene.mine.append(scene.at(scene.branch))


@act
def cherry_pick_elsewhere(scene: Scene) -> None:
    scene.git("cherry-pick", f"{scene.branch}~2")
    scene.mine.append(scene.at("main"))


@act
def rebase_onto_newer(scene: Scene) -> None:
    scene.newer_main()
    scene.git("rebase", "-q", "main", scene.branch)
    scene.git("switch", "-q", "main")


@act
def rebase_before_exec(scene: Scene) -> None:
    rebase_onto_newer(scene)


@act
def rebase_onto_picked(scene: Scene) -> None:
    scene.newer_main()
    scene.git("cherry-pick", f"{scene.branch}~2")
    scene.mine.append(scene.at("main"))
    scene.git("rebase", "-q", "main", scene.branch)
    scene.git("switch", "-q", "main")


@act
def rebase_onto_equal_patch(scene: Scene) -> None:
    scene.newer_main()
    scene.mine.append(scene.repo.commit({"a.txt": "a.txt\n"}, "the same by hand"))
    scene.git("rebase", "-q", "main", scene.branch)
    scene.git("switch", "-q", "main")


@act
def rebase_onto_picked_and_reverted(scene: Scene) -> None:
    scene.git("cherry-pick", f"{scene.branch}~2")
    scene.git("revert", "--no-edit", "HEAD")
    scene.mine.append(scene.at("main"))
    scene.rebase("2s/^pick/drop/")


@act
def rebase_onto_rewritten_main(scene: Scene) -> None:
    old = scene.at("main")
    scene.git("commit", "-q", "--amend", "-m", "first, again")
    scene.git(
        "-c",
        "sequence.editor=sed -i -e '2s/^pick/drop/'",
        "rebase",
        "-q",
        "-i",
        "--onto",
        "main",
        old,
        scene.branch,
    )
    scene.git("switch", "-q", "main")
    scene.collect()
    assert scene.git("cat-file", "-t", old, expect=None) == ""


@act
def branch_deleted(scene: Scene) -> None:
    scene.git("branch", "-q", "-D", scene.branch)


@act
def branch_deleted_and_collected(scene: Scene) -> None:
    scene.git("branch", "-q", "-D", scene.branch)
    scene.collect()
    assert scene.git("cat-file", "-t", scene.tip, expect=None) == ""


@act
def branch_deleted_seen_and_collected(scene: Scene) -> None:
    scene.git("branch", "-q", "-D", scene.branch)
    scene.repo.orch("exec", scene.plan, expect=6)
    scene.collect()


@act
def branch_renamed(scene: Scene) -> None:
    scene.git("branch", "-m", scene.branch, "mine")


@act
def checked_out(scene: Scene) -> None:
    scene.git("switch", "-q", scene.branch)
    scene.git("reset", "-q", "--hard", "HEAD~1")


@act
def checked_out_elsewhere(scene: Scene) -> None:
    scene.on_branch(["reset", "-q", "--hard", "HEAD~1"])
    scene.git("worktree", "add", "-q", "../mine", scene.branch)
    scene.git("switch", "-q", "-c", "elsewhere", cwd=scene.repo.path / "../mine")
    scene.git("switch", "-q", scene.branch, cwd=scene.repo.path / "../mine")


@act
def rebase_in_progress(scene: Scene) -> None:
    scene.git("worktree", "add", "-q", "../mine")
    scene.git("switch", "-q", scene.branch, cwd=scene.repo.path / "../mine")
    scene.git("-c", "sequence.editor=sed -i -e '2s/$/\\nbreak/'", "rebase", "-q", "-i", "--keep-empty", "main",
              cwd=scene.repo.path / "../mine")  # fmt: skip


@act
def rebase_in_progress_here(scene: Scene) -> None:
    scene.git("switch", "-q", scene.branch)
    scene.git(
        "-c",
        "sequence.editor=sed -i -e '2s/$/\\nbreak/'",
        "rebase",
        "-q",
        "-i",
        "--keep-empty",
        "main",
    )


@act
def own_commit_on_top(scene: Scene) -> None:
    scene.git("switch", "-q", scene.branch)
    scene.mine.append(scene.repo.commit({"mine.txt": "mine\n"}, "mine"))
    scene.git("switch", "-q", "-")


@act
def own_commit_between(scene: Scene) -> None:
    scene.git("switch", "-q", "--detach", f"{scene.branch}~1")
    scene.repo.commit({"mine.txt": "mine\n"}, "mine")
    scene.git("cherry-pick", scene.branch)
    scene.git("branch", "-q", "-f", scene.branch)
    scene.git("switch", "-q", "main")
    scene.mine.append(scene.at(f"{scene.branch}~1"))


@act
def log_removed(scene: Scene) -> None:
    scene.git("update-ref", "-d", f"refs/notes/orch/{scene.plan}")


@act
def collected(scene: Scene) -> None:
    scene.collect()


@act
def reset_and_collected(scene: Scene) -> None:
    scene.on_branch(["reset", "-q", "--hard", "HEAD~1"])
    scene.collect()


@act
def worktrees_pruned(scene: Scene) -> None:
    _interrupted_worktree(scene)
    scene.git("worktree", "prune")


@act
def worktree_removed(scene: Scene) -> None:
    shutil.rmtree(_interrupted_worktree(scene))


def _interrupted_worktree(scene: Scene) -> Path:
    """The worktree of git-orch's own as a killed run leaves it behind, with a step to do."""
    scene.on_branch(["reset", "-q", "--hard", "HEAD~1"])
    from git_orch.flow.machine import sandbox
    from git_orch.repo import repository
    from git_orch.repo.worktree import worktrees

    found = repository.discover(scene.repo.path)
    return worktrees.made(found, scene.plan, sandbox.boundary(found), scene.at(scene.branch)).path


@act
def base_deleted(scene: Scene) -> None:
    scene.on_branch(["reset", "-q", "--hard", "HEAD~1"])
    scene.git("switch", "-q", "-c", "other")
    scene.git("branch", "-q", "-D", "main")


@act
def base_moved(scene: Scene) -> None:
    scene.newer_main()


@act
def base_rewritten(scene: Scene) -> None:
    scene.git("commit", "-q", "--amend", "-m", "first, again")
    scene.mine.append(scene.at("main"))


def shown(scene: Scene) -> str:
    """What `show --json` says: the steps' states and the plan's."""
    status = scene.repo.status(scene.plan)
    return f"{', '.join(step['state'] for step in status['steps'])} / {status['state']}"


def first(text: str) -> str:
    """The compared part of a cell."""
    return text.partition(";")[0].strip()


ROWS = table()


def test_every_row_has_its_function_and_every_function_its_row() -> None:
    assert sorted(ACTS) == sorted(row.act for row in ROWS)


def test_the_man_page_holds_the_same_rows() -> None:
    """Word for word, in the same order; what scdoc makes of the source is tested with the other
    pages.
    """
    page = (MAN / "git-orch-log.scd").read_text(encoding="utf-8")
    section = page.partition("# USER ACTS\n")[2].partition("\n# ")[0]
    told = [
        f"_{row.act}_: {row.commands} Shown: {row.status}. Next exec: {row.exec}. Kept: {row.kept}."
        for row in ROWS
    ]
    rows = [" ".join(paragraph.split()) for paragraph in section.strip().split("\n\n")]
    assert rows[1:] == told


def before(path: Path, prepared: Prepared, *, executed: bool = True) -> Scene:
    """The plan before the user's act."""

    def build(repo: Repo) -> str:
        plan = repo.plan(writing("a.txt", "b.txt", "c.txt"))
        if executed:
            repo.orch("exec", plan)
        return plan

    return Scene(
        *prepared.at(path / "repo", "three executed" if executed else "three planned", build)
    )


@pytest.fixture
def done(tmp_path: Path, prepared: Prepared) -> Scene:
    """A plan that is complete."""
    return before(tmp_path, prepared)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, prepared: Prepared) -> Scene:
    """The plan before the act of that name."""
    return before(tmp_path, prepared, executed=request.param not in NOT_EXECUTED)


@pytest.mark.parametrize(
    ("row", "scene"),
    [(row, row.act) for row in ROWS],
    ids=[row.act for row in ROWS],
    indirect=["scene"],
)
def test_the_users_act_is_seen_as_the_table_says(row: Row, scene: Scene) -> None:
    ACTS[row.act](scene)
    if row.act == "log-removed":
        _is_reviewable_without_log(scene)
        return
    assert shown(scene) == first(row.status)
    scene.repo.orch("ls")
    advice = scene.repo.orch("status", scene.plan).stdout.splitlines()[-1]
    if advice.startswith("next: git branch "):
        assert scene.git("cat-file", "-t", advice.split()[-1]) == "commit"
    before, files = scene.landed(), _checkout(scene)

    done = scene.repo.orch("exec", scene.plan, expect=None)
    landed = scene.landed()[len(before) :]
    assert f"exit {done.returncode}, lands {', '.join(landed) or 'nothing'}" == first(row.exec), (
        done.stderr
    )
    assert all(said in done.stderr for said in re.findall('"([^"]+)"', row.exec)), done.stderr
    assert _checkout(scene) == files
    assert all(scene.holds(commit) for commit in scene.mine)
    assert ("old tip" if scene.holds(scene.tip) else "nothing") == first(row.kept)
    _follow_hints(scene, done)
    assert {step["state"] for step in scene.repo.status(scene.plan)["steps"]} <= {
        "done",
        "unverified",
        "upstream",
    }
    assert scene.repo.status(scene.plan)["state"] == "COMPLETE"
    if SOAK or ROWS.index(row) % 3 == 0:  # it costs as much as the rest
        _goes_back_and_forth(scene)
    assert scene.git("fsck", "--strict", "--no-dangling") == ""


def _follow_hints(scene: Scene, done: subprocess.CompletedProcess[str]) -> None:
    """The printed commands, run as printed, make `exec` work."""
    for _ in range(3):
        if done.returncode == 0:
            break
        scene.repo.follow(done.stderr)
        done = scene.repo.orch("exec", scene.plan, expect=None)
    assert done.returncode == 0, done.stderr


def _goes_back_and_forth(scene: Scene) -> None:
    """A rollback and its undo, or a refusal that leaves the branch alone: to cut off commits of the
    user's, say.
    """
    tip = scene.at(scene.branch)
    back = scene.repo.orch("rollback", scene.plan, expect=None)
    assert back.returncode in (0, 3)
    assert all(scene.holds(commit) for commit in scene.mine)
    if back.returncode == 0 and "nothing to roll back" not in back.stdout:
        scene.repo.orch("rollback", "--undo", scene.plan)
    assert scene.at(scene.branch) == tip


def _checkout(scene: Scene) -> dict[str, bytes]:
    paths = [
        path for path in scene.repo.path.rglob("*") if path.is_file() and ".git" not in path.parts
    ]
    return {str(path): path.read_bytes() for path in paths}


def _is_reviewable_without_log(scene: Scene) -> None:
    for reading in ("show", "exec", "rollback"):
        said = scene.repo.orch(reading, scene.plan, expect=5).stderr
        hint = said.rpartition("hint: ")[2].strip()
        assert "has no log any more" in said
        assert "Write c.txt" in scene.git(*shlex.split(hint)[1:])
    scene.git("switch", "-q", scene.branch)
    assert "has no log any more" in scene.repo.orch("show", expect=5).stderr


def test_a_checked_out_branch_is_rolled_back_only_on_request(done: Scene) -> None:
    """With --checkout the files follow and local changes stay, as `git reset --keep` does it."""
    scene, repo = done, done.repo
    scene.git("switch", "-q", scene.branch)
    repo.write({"a.txt": "changed here\n"})
    refused = repo.orch("rollback", "--to-step", "2", scene.plan, expect=6).stderr
    assert f"hint: git -C {repo.path} switch -" in refused
    assert scene.at(scene.branch) == scene.tip

    repo.orch("rollback", "--to-step", "2", "--checkout", scene.plan)
    assert scene.git("status", "--porcelain").split() == ["M", "a.txt"]
    assert not (repo.path / "c.txt").exists()
    assert scene.git("symbolic-ref", "--short", "HEAD") == scene.branch

    repo.orch("rollback", "--undo", "--checkout", scene.plan)
    assert scene.at("HEAD") == scene.tip
    assert (repo.path / "a.txt").read_text() == "changed here\n"


def test_a_local_change_in_the_way_stops_a_rollback_in_the_checkout(done: Scene) -> None:
    scene, repo = done, done.repo
    scene.git("switch", "-q", scene.branch)
    repo.write({"c.txt": "changed here\n"})
    repo.orch("rollback", "--to-step", "2", "--checkout", scene.plan, expect=6)
    assert scene.at("HEAD") == scene.tip
    assert (repo.path / "c.txt").read_text() == "changed here\n"


@pytest.mark.parametrize("where", [rebase_in_progress, rebase_in_progress_here])
def test_nothing_moves_under_a_rebase_not_even_with_checkout(
    done: Scene, where: Callable[[Scene], None]
) -> None:
    """`reset --keep` there would move the HEAD of the rebase, and write files into the git
    directory.
    """
    scene, repo = done, done.repo
    where(scene)
    git_dir = sorted(path.name for path in (repo.path / ".git").iterdir())
    repo.orch("rollback", "--checkout", scene.plan, expect=6)
    assert scene.at(scene.branch) == scene.tip
    assert sorted(path.name for path in (repo.path / ".git").iterdir()) == git_dir


def test_rollback_refuses_to_cut_off_commits_of_the_users(done: Scene) -> None:
    scene, repo = done, done.repo
    own_commit_on_top(scene)
    said = repo.orch("rollback", scene.plan, expect=3).stderr
    assert scene.mine[0][:10] in said
    assert scene.at(scene.branch) == scene.mine[0]
    repo.follow(said)
    assert repo.step_states(scene.plan) == ["pending", "pending", "pending"]
    assert scene.holds(scene.mine[0])


def test_an_amended_cover_survives_an_edit_of_the_plan(tmp_path: Path, prepared: Prepared) -> None:
    """The cover's text follows an edit, but not over what the user put into it."""
    scene = before(tmp_path, prepared, executed=False)
    repo = scene.repo
    amend_cover(scene)
    text = repo.orch("show", scene.plan, "--yaml").stdout.replace("Write c.txt", "Write the third")
    said = repo.orch("edit", scene.plan, "--from", "-", stdin=text).stderr
    assert "the cover commit keeps the old text" in said
    assert scene.at(scene.branch) == scene.mine[0]


def test_a_log_from_elsewhere_moves_no_other_branch(done: Scene) -> None:
    """An intent that names main, with this clone's own ID, is left alone."""
    scene, repo = done, done.repo
    from git_orch.repo import identity, repository
    from git_orch.repo.log import log as store
    from git_orch.repo.objects import objects

    found = repository.discover(repo.path)
    database = objects.opened(found)
    log = store.LogWriter(PlanPlace(found, scene.plan), database, identity.of_user(found))
    main = scene.at("main")
    intent = {"ref": "refs/heads/main", "from": main, "to": scene.tip, "why": "x"}
    log.append([(None, log.event("move.intended", **intent))])
    database.close()
    repo.orch("exec", scene.plan)
    assert scene.at("main") == main
