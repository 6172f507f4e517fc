"""A check sees exactly the tree that lands: whatever the user's checkout is, and whatever git leaves
out.
"""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Repo


def one(**step: object) -> dict[str, Any]:
    """A plan of one step."""
    return {"title": "One", "steps": [{"title": "Do it", **step}]}


def tree(repo: Repo, plan: str) -> list[str]:
    """The paths in the commit at the end of a plan's branch."""
    return repo.git("ls-tree", "-r", "--name-only", f"orch/{plan}").splitlines()


def content(repo: Repo, plan: str, path: str) -> str:
    """A file as it landed."""
    return repo.git("show", f"orch/{plan}:{path}")


# -- the user's checkout leaves files out ----------------------------------------------------------

SPARSE = {
    "cone": [["sparse-checkout", "set", "--cone", "a"]],
    "no cone": [["sparse-checkout", "set", "--no-cone", "/a/"]],
    "sparse index": [["sparse-checkout", "set", "--cone", "--sparse-index", "a"]],
    "configuration of all worktrees": [
        ["sparse-checkout", "set", "--cone", "a"],
        ["config", "core.sparseCheckout", "true"],
        ["config", "core.sparseCheckoutCone", "true"],
        ["config", "--unset", "extensions.worktreeConfig"],
    ],
}


@pytest.fixture(params=list(SPARSE.values()), ids=list(SPARSE))
def sparse(repo: Repo, request: pytest.FixtureRequest) -> Repo:
    """A repository whose user has only the directory a checked out."""
    repo.commit({"a/in": "1\n", "s/t/b": "1\n"})
    for args in request.param:
        repo.git(*args)
    assert not (repo.path / "s").exists()
    return repo


def test_a_command_sees_what_the_users_sparse_checkout_leaves_out(sparse: Repo) -> None:
    plan = sparse.plan(one(run="echo 2 >> s/t/b", checks=[{"command": "test -s s/t/b"}]))
    sparse.orch("exec")
    assert content(sparse, plan, "s/t/b") == "1\n2"


def test_a_files_step_writes_what_the_users_sparse_checkout_leaves_out(sparse: Repo) -> None:
    check = {"command": 'test "$(cat s/t/*)" = "$(printf "1\\nnew")"'}
    plan = sparse.plan(one(files={"s/t/c": "new\n"}, checks=[check]))
    sparse.orch("exec")
    assert tree(sparse, plan) == ["README.md", "a/in", "s/t/b", "s/t/c"]


def test_a_manual_worktree_is_whole_when_the_users_is_sparse(sparse: Repo) -> None:
    plan = sparse.plan(one(kind="manual", checks=[{"command": "test -s s/t/b"}]))
    sparse.orch("exec")
    listed = sparse.git("worktree", "list", "--porcelain").split("\n\n")[-1]
    place = Repo(sparse.path.__class__(listed.splitlines()[0].removeprefix("worktree ")))
    assert (place.path / "s/t/b").read_text() == "1\n"
    assert place.git("ls-files", "-t").splitlines() == ["H README.md", "H a/in", "H s/t/b"]
    place.write({"s/t/b": "by hand\n"})
    sparse.orch("done")
    assert content(sparse, plan, "s/t/b") == "by hand"


def test_a_plan_lands_in_a_sparse_checkout_and_leaves_it_sparse(sparse: Repo) -> None:
    sparse.plan(one(run="echo 2 >> s/t/b; echo 2 >> a/in"))
    sparse.orch("exec")
    sparse.orch("land")
    assert sparse.git("show", "HEAD:s/t/b") == "1\n2"
    assert (sparse.path / "a/in").read_text() == "1\n2\n"
    assert not (sparse.path / "s").exists()
    assert sparse.git("status", "--porcelain") == ""


def test_no_step_works_in_place_where_files_are_left_out(sparse: Repo) -> None:
    plan = sparse.plan(one(run="echo 2 >> s/t/b"))
    sparse.orch("approve", plan, "--in-place")
    sparse.git("switch", "-q", f"orch/{plan}", expect=None)
    done = sparse.orch("exec", "--in-place", expect=3)
    assert "sparse" in done.stderr


# -- what the user's file system cannot do ---------------------------------------------------------


@pytest.fixture
def modeless(repo: Repo) -> Repo:
    """A repository that was made where files have no modes and letters no case."""
    repo.commit({"tool": "#!/bin/sh\n", "read.me": "1\n"})
    for name, value in (("fileMode", "false"), ("ignoreCase", "true"), ("symlinks", "false")):
        repo.git("config", f"core.{name}", value)
    return repo


EXECUTABLE: dict[str, dict[str, Any]] = {
    "of a files step": {"files": {"new": {"content": "#!/bin/sh\n", "executable": True}}},
    "of a files step that git looks at": {
        "files": {"new": {"content": "#!/bin/sh\r\n", "executable": True}}
    },
    "of a command": {"run": "echo '#!/bin/sh' > new; chmod +x new"},
    "of a file that is there": {"run": "chmod +x tool; cp -p tool new"},
}


@pytest.mark.parametrize("step", EXECUTABLE.values(), ids=EXECUTABLE)
def test_a_program_lands_as_one_without_modes_in_the_checkout(
    modeless: Repo, step: dict[str, Any]
) -> None:
    plan = modeless.plan(one(**step, checks=[{"command": "test -x new"}]))
    modeless.orch("exec")
    assert modeless.git("ls-tree", f"orch/{plan}", "new").startswith("100755")


def test_a_rename_of_letters_lands_where_the_checkout_has_no_case(modeless: Repo) -> None:
    plan = modeless.plan(one(run="mv read.me READ.ME", checks=[{"command": "test -f READ.ME"}]))
    modeless.orch("exec")
    assert tree(modeless, plan) == ["READ.ME", "README.md", "tool"]


def test_a_files_step_renames_letters_where_the_checkout_has_no_case(modeless: Repo) -> None:
    files = {"read.me": None, "READ.ME": "1\n"}
    plan = modeless.plan(one(files=files, checks=[{"command": "test -f READ.ME"}]))
    modeless.orch("exec")
    assert tree(modeless, plan) == ["READ.ME", "README.md", "tool"]


def test_a_link_lands_as_one_where_the_checkout_has_none(modeless: Repo) -> None:
    plan = modeless.plan(one(run="ln -s tool link", checks=[{"command": "test -L link"}]))
    modeless.orch("exec")
    assert modeless.git("ls-tree", f"orch/{plan}", "link").startswith("120000")
