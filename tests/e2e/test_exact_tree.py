"""A check sees exactly the tree that lands: whatever the user's checkout is, and whatever git leaves
out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
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
    sparse.orch("exec", expect=9)
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


# -- what git does not keep ------------------------------------------------------------------------

NOT_KEPT = {
    "an ignored file": ("mkdir dist; echo 1 > dist/x", "test -f dist/x"),
    "an empty directory": ("mkdir empty", "test -d empty"),
    "a FIFO": ("mkfifo pipe", "test -p pipe"),
    "a mode": ("echo 1 > key; chmod 600 key", 'test "$(stat -c %a key)" = 600'),
    "a mode of what was there": ("chmod 600 README.md", 'test "$(stat -c %a README.md)" = 600'),
    "a mode of a directory": ("mkdir d; echo 1 > d/x; chmod 700 d", 'test "$(stat -c %a d)" = 700'),
    "a second name": ("echo 1 > a; ln a b", "test a -ef b"),
    "carriage returns": ("printf '1\\r\\n' > a.txt", "grep -q $'\\r' a.txt"),
    "no carriage returns": ("printf '1\\n' > a.bat", "! grep -q $'\\r' a.bat"),
    "an expanded name": ("echo '$Id: mine $' > a.id", "grep -q mine a.id"),
    "carriage returns of what was there": (
        "echo '* text' > .gitattributes; printf '1\\r\\n' > with.cr",
        "grep -q $'\\r' with.cr",
    ),
}


@pytest.fixture
def attributes(repo: Repo) -> Repo:
    """A repository with ignore rules and attributes."""
    rules = "*.txt text\n*.bat text eol=crlf\n*.id ident\n"
    repo.commit({".gitignore": "dist/\n", ".gitattributes": rules, "with.cr": "0\n"})
    return repo


@pytest.mark.parametrize(("command", "check"), NOT_KEPT.values(), ids=NOT_KEPT)
def test_a_check_does_not_see_what_is_not_in_the_tree(
    attributes: Repo, command: str, check: str
) -> None:
    plan = attributes.plan(one(run=command, checks=[{"command": check}]))
    attributes.orch("exec", expect=1)
    assert attributes.step_states(plan) == ["failed"]


@pytest.mark.parametrize(("command", "check"), NOT_KEPT.values(), ids=NOT_KEPT)
def test_a_check_of_a_manual_step_does_not_see_what_is_not_in_the_tree(
    attributes: Repo, command: str, check: str
) -> None:
    plan = attributes.plan(one(kind="manual", checks=[{"command": check}]))
    attributes.orch("exec", expect=9)
    listed = attributes.git("worktree", "list", "--porcelain").split("\n\n")[-1]
    place = Path(listed.splitlines()[0].removeprefix("worktree "))
    subprocess.run(["bash", "-c", command], cwd=place, check=True)
    attributes.orch("done", expect=1)
    assert attributes.step_states(plan) != ["done"]
    assert subprocess.run(["bash", "-c", check], cwd=place, check=False).returncode == 0


@pytest.mark.parametrize(("command", "check"), NOT_KEPT.values(), ids=NOT_KEPT)
def test_the_next_step_does_not_see_what_is_not_in_the_tree(
    attributes: Repo, command: str, check: str
) -> None:
    steps = [
        {"title": "Make", "run": command},
        {
            "title": "See",
            "run": f"if {check}; then echo seen > saw; else echo nothing > saw; fi",
            "depends_on": [1],
        },
    ]
    plan = attributes.plan({"title": "Two", "steps": steps})
    attributes.orch("exec")
    assert content(attributes, plan, "saw") == "nothing"


WHY = {
    "in the command": ("dist/x", "test -f dist/x", "it needs 'dist/x', which git ignores"),
    "in the output": ("dist/x", "echo no dist/x there; false", "it needs 'dist/x', which git ig"),
    "of a directory": ("dist/x", "cd dist", "it needs 'dist', which git ignores"),
    "nowhere": ("dist/x", "false", "it does not see files that git leaves out: dist/"),
}


@pytest.mark.parametrize(("path", "check", "why"), WHY.values(), ids=WHY)
def test_a_check_that_fails_says_what_git_leaves_out(
    attributes: Repo, path: str, check: str, why: str
) -> None:
    attributes.plan(one(run=f"mkdir dist; echo 1 > {path}", checks=[{"command": check}]))
    assert why in attributes.orch("exec", expect=1).stderr


def test_a_check_that_needs_an_empty_directory_says_so(attributes: Repo) -> None:
    attributes.plan(one(run="mkdir empty", checks=[{"command": "test -d empty"}]))
    said = attributes.orch("exec", expect=1).stderr
    assert "it needs 'empty', and git keeps no empty directory" in said


def test_a_check_that_makes_what_it_needs_passes_everywhere(attributes: Repo) -> None:
    check = {"command": "mkdir -p dist; echo 1 > dist/x; test -f dist/x"}
    plan = attributes.plan(one(run="mkdir dist; echo 0 > dist/x; echo 1 > a", checks=[check]))
    attributes.orch("exec")
    attributes.orch("verify", plan, "--no-cache")
    attributes.orch("verify", plan, "--tip", "--no-cache")
    attributes.orch("land")


# -- submodules ------------------------------------------------------------------------------------


@pytest.fixture
def submodule(repo: Repo, tmp_path: Path) -> Repo:
    """A repository with a submodule in libs/sub, which is nowhere."""
    other = Repo(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "-q")
    other.commit({"inner.txt": "1\n"})
    allowed = ("-c", "protocol.file.allow=always")
    repo.git(*allowed, "submodule", "add", "-q", str(other.path), "libs/sub")
    repo.commit({"outer.txt": "1\n"})
    repo.git("submodule", "deinit", "-q", "--force", "libs/sub")
    shutil.rmtree(repo.path / ".git/modules")
    return repo


BELOW: dict[str, dict[str, Any]] = {
    "a command": {"run": "echo work > libs/sub/new.txt"},
    "a command that makes directories": {"run": "mkdir -p libs/sub/a/b; echo x > libs/sub/a/b/c"},
    "a command that writes elsewhere, too": {"run": "echo x > libs/sub/new.txt; echo x > y"},
    "literal files": {"files": {"libs/sub/new.txt": "work\n"}},
}


@pytest.mark.parametrize("step", BELOW.values(), ids=BELOW)
def test_a_step_that_writes_into_a_submodule_is_refused(
    submodule: Repo, step: dict[str, Any]
) -> None:
    check = {"command": "test -d libs/sub"}
    plan = submodule.plan(one(**step, checks=[check]))
    said = submodule.orch("exec", expect=1).stderr
    assert "'libs/sub/" in said
    assert "is in a submodule" in said
    assert submodule.step_states(plan) == ["failed"]


def test_the_next_step_does_not_see_what_was_written_into_a_submodule(submodule: Repo) -> None:
    steps = [
        {"title": "Write", "run": "echo x > libs/sub/new.txt"},
        {"title": "Look", "run": "test ! -e libs/sub/new.txt; ls libs > listed"},
    ]
    plan = submodule.plan({"title": "Two", "steps": steps})
    submodule.orch("exec", "--keep-going", expect=1)
    assert submodule.step_states(plan) == ["failed", "done"]
    assert content(submodule, plan, "listed") == "sub"


def test_a_step_beside_a_submodule_lands(submodule: Repo) -> None:
    plan = submodule.plan(one(run="echo 2 > outer.txt", checks=[{"command": "test -d libs/sub"}]))
    submodule.orch("exec")
    assert submodule.git("ls-tree", f"orch/{plan}", "libs/sub").startswith("160000")


# -- what a step produces --------------------------------------------------------------------------

BUILD = {"run": "mkdir -p dist; cat README.md > dist/x; echo 1 > a.txt", "produces": ["dist/"]}


def test_a_check_sees_what_its_step_produces_wherever_it_runs(attributes: Repo) -> None:
    plan = attributes.plan(one(**BUILD, checks=[{"command": "test -f dist/x"}]))
    attributes.orch("exec")
    attributes.orch("verify", plan, "--no-cache")
    attributes.orch("verify", plan, "--check", "1", "--no-cache")
    attributes.orch("verify", plan, "--tip", "--no-cache")
    attributes.orch("redo", "1", "--no-cache", expect=None)
    assert "dist/x" not in tree(attributes, plan)
    attributes.orch("land")


def test_what_is_produced_is_made_of_the_tree_that_lands(attributes: Repo) -> None:
    steps = [
        {"title": "Build", **BUILD, "checks": [{"command": "cmp README.md dist/x"}]},
        {"title": "Change", "run": "echo more >> README.md", "depends_on": [1]},
    ]
    plan = attributes.plan({"title": "Two", "steps": steps})
    attributes.orch("exec")
    attributes.orch("verify", plan, "--tip", "--no-cache")


def test_a_path_that_is_not_produced_fails_the_step(attributes: Repo) -> None:
    plan = attributes.plan(one(run="true", produces=["dist/"], checks=[{"command": "true"}]))
    assert "did not make 'dist'" in attributes.orch("exec", expect=1).stderr
    assert attributes.step_states(plan) == ["failed"]


def test_what_a_step_in_place_produces_is_made_where_its_checks_run(attributes: Repo) -> None:
    plan = attributes.plan(one(**BUILD, checks=[{"command": "test -f dist/x"}]))
    attributes.git("switch", "-q", f"orch/{plan}")
    attributes.orch("approve", plan, "--in-place")
    attributes.orch("exec", "--in-place")


@pytest.mark.parametrize(
    "fields",
    [
        {"files": {"a": "a"}, "produces": ["dist/"]},
        {"run": "make", "produces": ["dist/"], "network": True},
        {"run": "make", "produces": ["../dist/"]},
    ],
    ids=["files", "network", "outside"],
)
def test_only_a_command_without_the_network_produces_something(
    repo: Repo, fields: dict[str, Any]
) -> None:
    done = repo.orch("plan", "--from", "-", stdin=json.dumps(one(**fields)), expect=2)
    assert "step 1, produces" in done.stderr


def test_what_is_produced_stays_when_a_plan_is_edited(attributes: Repo) -> None:
    plan = attributes.plan(one(**BUILD, checks=[{"command": "test -f dist/x"}]))
    text = attributes.orch("show", plan, "--yaml").stdout
    attributes.orch("edit", plan, "--from", "-", stdin=text.replace("Do it", "Do that"))
    attributes.orch("exec")


# -- files whose stored form is not what git would store -------------------------------------------


@pytest.fixture
def endings(repo: Repo) -> Repo:
    """A repository with carriage returns in a file that has none by its attributes."""
    blob = repo.git("hash-object", "-w", "--stdin", stdin="1\r\n2\r\n")
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},old.txt")
    repo.git("commit", "-q", "-m", "with carriage returns")
    repo.git("checkout", "-q", "--", "old.txt")
    repo.write({".gitattributes": "*.txt text\n"})
    repo.git("add", ".gitattributes")
    repo.git("commit", "-q", "-m", "attributes")
    return repo


OTHERS: dict[str, dict[str, Any]] = {
    "literal files": {"files": {"new.txt": "1\n"}},
    "literal files that git looks at": {"files": {"new.txt": "1\r\n"}},
    "literal files with a mode": {"files": {"new.txt": {"content": "1\r\n", "executable": True}}},
    "a command": {"run": "echo 1 > new.txt"},
    "a command that reads": {"run": "cat old.txt > new.txt; touch old.txt"},
}


@pytest.mark.parametrize("step", OTHERS.values(), ids=OTHERS)
def test_a_step_lands_no_file_that_it_did_not_change(endings: Repo, step: dict[str, Any]) -> None:
    plan = endings.plan(one(**step, checks=[{"command": "test -f new.txt"}]))
    endings.orch("exec")
    assert endings.git("diff", "--name-only", "main", f"orch/{plan}") == "new.txt"
    assert endings.git("diff", "--name-only", f"orch/{plan}~1", f"orch/{plan}") == "new.txt"
    endings.orch("land")
