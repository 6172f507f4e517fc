"""Where a command finds the files of the host inside its sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_orch.sandbox.walls.site_map import BESIDE, SiteMap, can_stand_at

CHECKOUT, WORKTREE, HOME = Path("/home/ada/project"), Path("/home/ada/.state/p"), Path("/home/ada")


def test_the_worktree_covers_the_checkout_whose_files_are_elsewhere() -> None:
    inside = SiteMap(WORKTREE, CHECKOUT).inside
    assert inside(WORKTREE) == CHECKOUT
    assert inside(WORKTREE / "src/a.py") == CHECKOUT / "src/a.py"
    assert inside(CHECKOUT / ".git") == BESIDE / ".git"
    assert inside(Path("/usr/bin")) == Path("/usr/bin")


def test_a_worktree_in_the_checkout_is_the_worktree() -> None:
    worktree = CHECKOUT / ".state/p"
    inside = SiteMap(worktree, CHECKOUT).inside
    assert inside(worktree / "a") == CHECKOUT / "a"
    assert inside(CHECKOUT / ".state/p.scratch") == BESIDE / ".state/p.scratch"


def test_without_a_checkout_everything_is_where_it_is() -> None:
    site_map = SiteMap(WORKTREE)
    assert site_map.top == WORKTREE
    assert site_map.inside(CHECKOUT / ".git") == CHECKOUT / ".git"


@pytest.mark.parametrize(
    "place",
    ["/", "/usr", "/etc", "/tmp", "/var", "/home", "/home/ada", "/opt", "/dev", "/dev/shm", "/dev/x",
     "/proc/x", "/sys/x", "/run", "/usr/lib", str(BESIDE), str(BESIDE.parent), f"{BESIDE}/x"],
)  # fmt: skip
def test_no_worktree_stands_where_commands_need_something_else(place: str) -> None:
    assert not can_stand_at(WORKTREE, Path(place), HOME)


@pytest.mark.parametrize(
    "place",
    ["/home/ada/x", "/home/ada/.nvm", "/opt/x", "/srv/x", "/srv", "/tmp/x", "/var/tmp/x", "/var/www",
     "/dev/shm/x", "/usr/src/x", "/etc/nginx", "/run/user/1/x", "/data", "/home/bob"],
)  # fmt: skip
def test_a_worktree_stands_anywhere_else(place: str) -> None:
    assert can_stand_at(WORKTREE, Path(place), HOME)


def test_the_user_s_own_checkout_stands_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert not can_stand_at(tmp_path / "link", tmp_path / "real", HOME)
