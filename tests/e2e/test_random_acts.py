"""Any sequence of git-orch's commands and of the user's own git commands on the plan branch.

What must hold is computed from git alone: which commits are on the branch, what their messages
claim, what refs reach.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Here, Repo, data, writing
from hypothesis import given, settings
from hypothesis import strategies as st

# Of the documented ones those that a plan without a model can end with.
EXIT_CODES = {0, 1, 3, 5, 6}
# Each is a dozen commands in a repository of its own.
EXAMPLES = max(6, settings().max_examples // 12)


class World:
    """A repository with a plan, a worktree of the user's for work on its branch, and what was seen
    so far.
    """

    def __init__(self, here: Here) -> None:
        self.here = here
        self.repo = here.repo
        self.plan = here.plan(writing("a.txt", "b.txt", "c.txt"))
        self.branch = f"orch/{self.plan}"
        self.mine = self.repo.path.parent / "mine"
        self.repo.git("worktree", "add", "-q", "--detach", str(self.mine))
        self.count = 0
        self.last_tip = self.tip()
        self.rolled_back_from: str | None = None

    def tip(self) -> str:
        """Where the branch is; empty when there is none."""
        return self.repo.git(
            "rev-parse", "--verify", "-q", f"refs/heads/{self.branch}", expect=None
        )

    def on_branch(self, *args: str) -> None:
        """One git command of the user's on the branch; what stops at a conflict is given up."""
        if not self.tip():
            return
        self.repo.git("switch", "-q", self.branch, cwd=self.mine)
        self.repo.git("-c", "core.editor=true", *args, cwd=self.mine, expect=None)
        for doing in ("rebase", "revert", "cherry-pick"):
            self.repo.git(doing, "--abort", cwd=self.mine, expect=None)
        self.repo.git("switch", "-q", "--detach", cwd=self.mine)

    def write(self) -> None:
        """A change of the user's, staged on the branch by the next `commit -a`."""
        self.count += 1
        (self.mine / "README.md").write_text(f"change {self.count}\n")

    def reachable(self) -> set[str]:
        """Every commit that some ref reaches."""
        return set(self.repo.git("rev-list", "--all").split())

    def claims(self) -> dict[str, str]:
        """The steps that commits between the cover and the tip claim, each with the last such
        commit.
        """
        found: dict[str, str] = {}
        if not self.tip():
            return found
        listed = self.repo.git("log", "--first-parent", "-z", "--format=%H%n%B", self.branch)
        for entry in listed.split("\0"):
            oid, _, message = entry.partition("\n")
            for step in re.findall(r"^Orch-Step: .*/(s\d+)@\w+$", message, re.MULTILINE):
                found.setdefault(step, oid)
            if re.search(r"^Orch-Base: ", message, re.MULTILINE):
                break
        return found

    def look(self) -> None:
        """Nothing that is shown contradicts git."""
        shown, claims = self.here.show(self.plan), self.claims()
        events = data(self.here("log", self.plan, "--json").out)
        verified = {
            (each["step"], each["tree"]) for each in events if each["event"] == "step.landed"
        }
        assert (shown["tip"] or "") == self.tip()
        for step in shown["steps"]:
            if step["state"] in ("done", "unverified", "claimed", "reverted"):
                assert claims[step["id"]] == step["commit"]
            else:
                assert step["id"] not in claims
            assert (step["state"] != "done") or (step["id"], step["tree"]) in verified
        all_done = all(
            step["state"] in ("done", "unverified", "upstream") for step in shown["steps"]
        )
        assert (shown["state"] == "COMPLETE") == all_done
        self.here("status")
        self.here("ls")

    def orch(self, *args: str) -> int:
        """A command of git-orch: no ref-reachable commit is lost, and the main checkout stays."""
        before, checkout = self.reachable(), self.checkout()
        status = self.here(*args, self.plan, expect=None).status
        assert status in EXIT_CODES
        assert before <= self.reachable()
        assert self.checkout() == checkout
        return status

    def checkout(self) -> tuple[str, ...]:
        """The user's main checkout."""
        looks = (
            ("status", "--porcelain"),
            ("rev-parse", "HEAD", "main"),
            ("stash", "list"),
            ("reflog",),
        )
        return tuple(self.repo.git(*look) for look in looks)


Act = Callable[[World], None]


def execute(world: World) -> None:
    status = world.orch("exec")
    assert (status == 0) == bool(world.tip())
    if status == 0:
        assert world.here.show(world.plan)["state"] == "COMPLETE"


def roll_back(world: World) -> None:
    _roll_back(world)


def roll_back_to_1(world: World) -> None:
    _roll_back(world, "--to-step", "1")


def _roll_back(world: World, *options: str) -> None:
    old = world.tip()
    if world.orch("rollback", *options) == 0:
        assert world.repo.git("merge-base", "--is-ancestor", world.tip(), old) == ""
        if world.tip() != old:
            world.rolled_back_from = old
    else:
        assert world.tip() == old


def undo(world: World) -> None:
    old = world.tip()
    status = world.orch("rollback", "--undo")
    assert world.tip() == (world.rolled_back_from if status == 0 else old)


def reset_one(world: World) -> None:
    world.on_branch("reset", "-q", "--hard", "HEAD~1")


def reset_two(world: World) -> None:
    world.on_branch("reset", "-q", "--hard", "HEAD~2")


def amend_message(world: World) -> None:
    world.on_branch("commit", "-q", "--amend", "--allow-empty", "--no-edit", "--date=now")


def amend_content(world: World) -> None:
    if world.tip():
        world.repo.git("switch", "-q", world.branch, cwd=world.mine)
        world.write()
        world.on_branch("commit", "-q", "-a", "--amend", "--no-edit")


def own_commit(world: World) -> None:
    if world.tip():
        world.repo.git("switch", "-q", world.branch, cwd=world.mine)
        world.write()
        world.on_branch("commit", "-q", "-a", "-m", "mine")


def revert(world: World) -> None:
    world.on_branch("revert", "--no-edit", "HEAD")


def newer_main(world: World) -> None:
    world.count += 1
    world.repo.commit({f"news{world.count}.txt": "news\n"}, "news")


def rebase(world: World) -> None:
    newer_main(world)
    world.on_branch("rebase", "-q", "main")


def reorder(world: World) -> None:
    world.on_branch(
        "-c",
        "sequence.editor=sed -i -e '2{h;d};3{G}'",
        "rebase",
        "-q",
        "-i",
        "--keep-empty",
        "main",
    )


def drop(world: World) -> None:
    world.on_branch(
        "-c",
        "sequence.editor=sed -i -e '2s/^pick/drop/'",
        "rebase",
        "-q",
        "-i",
        "--keep-empty",
        "main",
    )


def squash(world: World) -> None:
    world.on_branch(
        "-c",
        "sequence.editor=sed -i -e '3s/^pick/squash/'",
        "rebase",
        "-q",
        "-i",
        "--keep-empty",
        "main",
    )


def cherry_pick(world: World) -> None:
    if world.tip():
        world.repo.git("cherry-pick", world.branch, expect=None)
        world.repo.git("cherry-pick", "--abort", expect=None)


def collect(world: World) -> None:
    world.repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    world.repo.git("gc", "-q", "--prune=now")


def delete(world: World) -> None:
    world.last_tip = world.tip() or world.last_tip
    world.repo.git("branch", "-q", "-D", world.branch, expect=None)


def bring_back(world: World) -> None:
    world.repo.git("branch", "-q", world.branch, world.last_tip, expect=None)


def bring_back_on_main(world: World) -> None:
    world.repo.git("branch", "-q", world.branch, "main", expect=None)


def merge(world: World) -> None:
    newer_main(world)
    world.on_branch("merge", "-q", "--no-edit", "main")


OURS: list[Act] = [execute, execute, execute, roll_back, roll_back_to_1, undo]
THEIRS: list[Act] = [
    reset_one, reset_two, amend_message, amend_content, own_commit, revert, newer_main, rebase,
    reorder, drop, squash, cherry_pick, collect, delete, bring_back, bring_back_on_main, merge,
]  # fmt: skip
ACTS = st.one_of(st.sampled_from(OURS), st.sampled_from(THEIRS))


@settings(max_examples=EXAMPLES)
@given(acts=st.lists(ACTS, min_size=5, max_size=12))
def test_no_sequence_of_acts_loses_a_commit_or_shows_what_is_not_so(
    acts: list[Act],
    here: Here,
    template_repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit codes are documented ones, `done` means a commit and an event, and after everything
    `exec` still ends.
    """
    place = tmp_path / "world"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template_repository, place / "repo")
    monkeypatch.chdir(place / "repo")
    here.repo = Repo(place / "repo")
    world = World(here)
    for act in acts:
        act(world)
        world.look()
    bring_back_on_main(world)
    execute(world)
    world.look()
    assert world.repo.git("fsck", "--strict", "--no-dangling") == ""
