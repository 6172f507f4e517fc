"""Parts of a git directory that are links to another place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Repo

DOCUMENT = {
    "title": "Look",
    "steps": [
        {"title": "Look", "run": "git log --format=%s main > seen; git status", "checks": ["true"]},
        {"title": "Write", "files": {"b.txt": "b\n"}},
    ],
}
# What contrib/workdir/git-new-workdir links.
NEW_WORKDIR = ("config", "refs", "logs/refs", "objects", "info", "hooks", "packed-refs")


def link(repo: Repo, part: str, place: Path, *, relative: bool = False) -> None:
    """Move a part of the git directory elsewhere, and leave a link."""
    here, there = repo.path / ".git" / part, place / part
    there.parent.mkdir(parents=True, exist_ok=True)
    here.rename(there)
    here.symlink_to(Path("../..", place.name, part) if relative else there)


def land(repo: Repo) -> None:
    """Plan, execute and land."""
    plan = repo.orch("plan", "--from", "-", stdin=json.dumps(DOCUMENT)).stdout.split()[0]
    repo.orch("exec")
    assert repo.git("show", f"orch/{plan}:seen") == "first"
    repo.orch("land")
    assert repo.git("status", "--porcelain") == ""
    assert {"seen", "b.txt"} <= {path.name for path in repo.path.iterdir()}


@pytest.mark.parametrize("form", ["absolute", "relative"])
@pytest.mark.parametrize(
    "part", ["objects", "refs", "logs", "info", "hooks", "packed-refs", "config"]
)
def test_a_part_of_the_git_directory_may_be_a_link(
    repo: Repo, tmp_path: Path, part: str, form: str
) -> None:
    repo.git("pack-refs", "--all")
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/hooks").mkdir(exist_ok=True)
    link(repo, part, tmp_path / "elsewhere", relative=form == "relative")
    land(repo)
    assert (repo.path / ".git" / part).is_symlink() or part == "packed-refs"


@pytest.mark.parametrize("part", ["objects/pack", "objects/info"])
def test_a_part_of_the_objects_may_be_a_link(repo: Repo, tmp_path: Path, part: str) -> None:
    repo.git("repack", "-adq")
    link(repo, part, tmp_path / "elsewhere")
    land(repo)


def test_a_git_directory_that_is_a_link_serves(repo: Repo, tmp_path: Path) -> None:
    (repo.path / ".git").rename(tmp_path / "elsewhere")
    (repo.path / ".git").symlink_to(tmp_path / "elsewhere")
    land(repo)


def test_a_work_directory_that_shares_by_links_serves(repo: Repo, tmp_path: Path) -> None:
    repo.git("pack-refs", "--all")
    other = Repo(tmp_path / "workdir")
    (other.path / ".git/logs").mkdir(parents=True)
    for part in NEW_WORKDIR:
        (repo.path / ".git" / part).parent.mkdir(exist_ok=True)
        (other.path / ".git" / part).symlink_to(repo.path / ".git" / part)
    (other.path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    other.git("reset", "-q", "--hard")
    land(other)


@pytest.mark.parametrize("part", ["refs/x", "packed-refs", "objects/ab"])
def test_no_link_shows_commands_what_git_does_not_keep_there(
    repo: Repo, tmp_path: Path, part: str
) -> None:
    secret = tmp_path / "secrets/file"
    secret.parent.mkdir()
    secret.write_text("canary\n")
    repo.git("repack", "-adq")
    place = secret if part == "packed-refs" else secret.parent
    (repo.path / ".git" / part).unlink(missing_ok=True)
    (repo.path / ".git" / part).symlink_to(place)
    if part == "packed-refs":
        secret.write_text("# pack-refs with: peeled\n\n")  # git stops at any other text
    document = {"title": "x", "steps": [{"title": "Look", "run": f"cat {secret} > seen"}]}
    made = repo.orch("plan", "--from", "-", stdin=json.dumps(document), expect=None)
    if made.returncode == 0:
        refused = repo.orch("exec", expect=None)
        assert refused.returncode != 0
        assert f"'{repo.path}/.git/{part}' is a link to '{place}', which is not what git keeps" in (
            refused.stderr
        )
