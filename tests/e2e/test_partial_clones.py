"""Partial clones: a side question never blocks the main one, and what is typed may fetch."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Repo

LINES = "".join(f"{number}\n" for number in range(30))
DOCUMENT = {
    "title": "Change",
    "steps": [{"title": "Change a", "run": "sed -i 's/^28$/new/' a.txt"}],
}
FETCHING = "fetching 1 object that the partial clone lacks"


class Clone(Repo):
    """A partial clone with a plan that is done, after a pull of two commits to a path of the plan;
    the contents between them are not there.
    """

    def __init__(self, path: Path, remote: Repo) -> None:
        super().__init__(path)
        self.remote = remote

    def cut_off(self) -> None:
        """Take the remote away."""
        self.remote.path.rename(self.remote.path.with_name("gone"))

    def missing(self) -> int:
        """How many objects are not there."""
        return self.git("rev-list", "--objects", "--all", "--missing=print").count("?")


@pytest.fixture(params=["blob:none", "tree:0"])
def clone(repo: Repo, tmp_path: Path, request: pytest.FixtureRequest) -> Clone:
    """A partial clone after such a pull."""
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    repo.commit({"a.txt": LINES, "old": "1\n"})
    options = ("-q", f"--filter={request.param}", f"file://{repo.path}", str(tmp_path / "clone"))
    repo.git("clone", *options, cwd=tmp_path)
    clone = Clone(tmp_path / "clone", repo)
    clone.plan(DOCUMENT)
    clone.orch("exec")
    repo.commit({"a.txt": LINES.replace("2\n", "two\n", 1)})
    repo.commit({"a.txt": LINES.replace("2\n", "two\n", 1).replace("3\n", "three\n", 1)})
    clone.git("pull", "-q")
    assert clone.missing() > 0
    return clone


@pytest.mark.parametrize("words", [["status"], ["show"], ["show", "--json"], ["ls"], ["log"]])
def test_a_reading_command_neither_fetches_nor_fails(clone: Clone, words: list[str]) -> None:
    before = clone.missing()
    said = clone.orch(*words)
    assert (clone.missing(), "fetching" in said.stderr) == (before, False)
    assert "Change" in said.stdout or words == ["log"]


@pytest.mark.parametrize(
    "words", [["land"], ["land", "--rebase"], ["land", "--squash"], ["rebase"]]
)
def test_a_landing_fetches_what_it_compares_and_says_so(clone: Clone, words: list[str]) -> None:
    said = clone.orch(*words)
    assert (FETCHING in said.stderr) == (words != ["rebase"])
    if words != ["rebase"]:
        assert "new" in (clone.path / "a.txt").read_text()


def test_a_pick_fetches_what_it_compares(clone: Clone) -> None:
    plan = clone.orch("ls").stdout.split()[0]
    assert FETCHING in clone.orch("pick", plan, "1", "--onto", "main").stderr


def test_a_landing_goes_on_where_nothing_can_be_fetched(clone: Clone) -> None:
    clone.cut_off()
    said = clone.orch("land").stderr
    assert "note: the patches of others are unknown: the partial clone" in said
    assert {"new", "two", "three"} <= set((clone.path / "a.txt").read_text().split())


def test_a_landing_by_others_is_found_by_what_is_there(clone: Clone) -> None:
    """A squash on the forge, and a pull of it: the patch of all steps, made on the same base."""
    remote, base = clone.remote, clone.git("rev-parse", "main~2")
    remote.git("reset", "-q", "--hard", base)
    remote.commit({"a.txt": LINES.replace("28\n", "new\n")}, "by the forge")
    clone.git("fetch", "-q")
    clone.git("reset", "-q", "--hard", "origin/main")
    assert "# which archives it" in clone.orch("show").stdout


def test_what_others_landed_by_a_patch_of_which_a_part_is_missing_is_found_by_land(
    clone: Clone,
) -> None:
    remote, base = clone.remote, clone.git("rev-parse", "main~2")
    remote.git("reset", "-q", "--hard", base)
    remote.commit({"a.txt": LINES.replace("28\n", "new\n")}, "by the forge")
    remote.commit({"a.txt": LINES.replace("28\n", "newer\n")})
    clone.git("fetch", "-q")
    clone.git("reset", "-q", "--hard", "origin/main")
    assert "nothing to land" in clone.orch("land").stdout


def test_a_diff_fetches_what_it_shows(repo: Repo, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    repo.commit({"a.txt": LINES})
    plan = repo.plan(DOCUMENT)
    repo.orch("exec")
    options = ("-q", "--filter=blob:none", "--no-checkout", f"file://{repo.path}", "second")
    repo.git("clone", *options, cwd=tmp_path)
    second = Repo(tmp_path / "second")
    second.git("fetch", "-q", "--no-filter", "origin", "refs/notes/orch/*:refs/notes/orch/*")
    second.git("fetch", "-q", "--filter=blob:none", "origin", "refs/heads/orch/*:refs/heads/orch/*")
    said = second.orch("diff", plan)
    assert "fetching 2 objects" in said.stderr
    assert "-28\n+new\n" in said.stdout
