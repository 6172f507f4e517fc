"""In the sandbox of Linux a worktree stands at the path of the user's checkout."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.flow.machine import sandbox
from git_orch.plans.plan import Command
from git_orch.repo.repository import discover
from git_orch.repo.worktree import snapshot, worktrees
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox.walls.site_map import BESIDE

PLAN = "PLAN-20261121-0000000000-x"
CANARY = "canary-81c2"
LONG = 60.0  # seconds


def made(place: Path) -> Worktree:
    """The worktree of a plan, for who stands in `place`."""
    repository = discover(place)
    return worktrees.made(repository, PLAN, sandbox.boundary(repository), "HEAD")


def inside(worktree: Worktree, script: str) -> str:
    """What a script of bash says in the worktree; it may fail."""
    command, launcher = Command(shell=script), worktree.enclosure.launcher
    outcome = launcher.run(command, worktree=worktree.path, timeout=LONG)
    assert outcome.reason == "exited"
    return outcome.output.decode("utf-8", "surrogateescape")


def new(place: Path, *options: str) -> Repo:
    """A repository with one commit at `place`, which may exist."""
    subprocess.run(["git", "init", "-q", *options, place], check=True)
    repo = Repo(place)
    repo.commit({"README.md": "hello\n"}, "first")
    return repo


def test_a_command_works_at_the_path_of_the_checkout_and_changes_the_worktree(repo: Repo) -> None:
    worktree = made(repo.path)
    script = f"pwd; pwd -P; echo $PWD; git rev-parse --show-toplevel; echo x >'{repo.path}/made'"
    assert inside(worktree, script) == f"{repo.path}\n" * 4
    assert (worktree.path / "made").read_text() == "x\n"
    assert repo.git("status", "--porcelain") == ""


def test_what_else_is_in_the_checkout_is_not_visible(repo: Repo) -> None:
    repo.commit({".gitignore": "build/\n"})
    repo.write({"untracked": CANARY, "build/ignored": CANARY})
    worktree = made(repo.path)
    assert inside(worktree, "ls -A") == ".git\n.gitignore\nREADME.md\n"
    assert CANARY not in inside(worktree, f"grep -rs {CANARY} {repo.path} {BESIDE} ~ /tmp")
    assert inside(worktree, f"ls -A {repo.path.parent} {BESIDE}").split() == [
        f"{repo.path.parent}:", repo.path.name, f"{BESIDE}:", ".git",
    ]  # fmt: skip


def test_the_worktree_s_own_path_is_not_visible(repo: Repo) -> None:
    worktree = made(repo.path)
    assert "No such file" in inside(worktree, f"ls '{worktree.path}'")


def test_git_knows_the_worktree_by_the_path_of_the_checkout(repo: Repo) -> None:
    worktree = made(repo.path)
    commit = repo.git("rev-parse", "HEAD")
    listed = inside(worktree, "git worktree list --porcelain")
    assert f"worktree {repo.path}\nHEAD {commit}\ndetached\n" in listed
    assert "prunable" not in listed
    assert inside(
        worktree, "echo x >>README.md; git status --short; git diff --stat | tail -1"
    ) == (" M README.md\n 1 file changed, 1 insertion(+)\n")


def test_absolute_paths_that_were_made_for_the_checkout_mean_the_worktree(repo: Repo) -> None:
    program = f"#!{repo.path}/interpreter\n"
    repo.write({"interpreter": '#!/bin/sh\necho "the worktree runs $1"\n', "program": program})
    for name in ("interpreter", "program"):
        (repo.path / name).chmod(0o755)
    (repo.path / "link").symlink_to(repo.path / "README.md")
    repo.commit({})
    worktree = made(repo.path)
    repo.write({"interpreter": "#!/bin/sh\necho the checkout\n"})
    assert inside(worktree, "./program") == "the worktree runs ./program\n"
    assert inside(worktree, f"'{repo.path}/program'") == f"the worktree runs {repo.path}/program\n"
    assert inside(worktree, "cat link") == "a project\n"
    command, launcher = Command(argv=(f"{repo.path}/program",)), worktree.enclosure.launcher
    outcome = launcher.run(command, worktree=worktree.path, timeout=LONG)
    assert outcome.output.decode() == f"the worktree runs {repo.path}/program\n"


def test_a_program_that_is_in_the_checkout_alone_is_not_found(repo: Repo) -> None:
    worktree = made(repo.path)
    repo.write({"program": "#!/bin/sh\necho the checkout\n"})
    (repo.path / "program").chmod(0o755)
    command, launcher = Command(argv=(f"{repo.path}/program",)), worktree.enclosure.launcher
    outcome = launcher.run(command, worktree=worktree.path, timeout=LONG)
    assert outcome.status == 127
    assert b"No such file" in outcome.output


def test_programs_of_the_checkout_that_are_on_path_are_not_run(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({".gitignore": "/bin/\n"})
    repo.write({"bin/ls": "#!/bin/sh\necho the checkout\n"})
    (repo.path / "bin/ls").chmod(0o755)
    monkeypatch.setenv("PATH", f"{repo.path}/bin{os.pathsep}{os.environ['PATH']}")
    worktree = made(repo.path)
    assert "the checkout" not in inside(
        worktree, f"ls; case $PATH in {repo.path}*) echo $PATH;; esac"
    )


# -- where the checkout may be ---------------------------------------------------------------------


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp", "/dev/shm", "home"])
def test_the_checkout_may_be_anywhere(place: str, hermetic: Path) -> None:
    with tempfile.TemporaryDirectory(dir=hermetic if place == "home" else place) as directory:
        worktree = made(new(Path(directory, "project")).path)
        said = inside(worktree, "pwd -P; git status --short; echo x >made; git status --short")
        assert said == f"{directory}/project\n?? made\n"
        assert (worktree.path / "made").exists()


@pytest.mark.parametrize(
    "name", ["a b", "quote'\"$x", "-dash", "tab\t", b"not-\xff-text", "é", "#"]
)
def test_the_checkout_may_be_called_anything(tmp_path: Path, name: str | bytes) -> None:
    place = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), os.fsencode(name))))
    worktree = made(new(place).path)
    assert inside(worktree, "pwd; git log --format=%s; echo x >made") == f"{place}\nfirst\n"
    assert (worktree.path / "made").exists()


@pytest.mark.parametrize("below", ["", "/src"])
def test_a_checkout_behind_a_link_is_at_both_paths(
    tmp_path: Path, hermetic: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    repo = new(tmp_path / "disk" / "real")
    repo.commit({"src/.keep": ""})
    (hermetic / "work").symlink_to(tmp_path / "disk")
    link = hermetic / "work" / "real"
    monkeypatch.setenv("PWD", f"{link}{below}")
    subprocess.run(["git", "config", "--global", "orch.readable", link / "data"], check=True)
    repo.write({"data": "mine\n"})
    worktree = made(link)
    script = f"pwd; git log --format=%s -1 HEAD^; cd '{link}' && pwd -P; cat {BESIDE}/data"
    assert inside(worktree, script) == f"{repo.path}\nfirst\n{repo.path}\nmine\n"
    assert inside(worktree, f"echo x >'{link}/made'; ls -A '{link}/..'") == "real\n"
    assert (worktree.path / "made").exists()


def test_a_link_in_what_is_shown_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = new(tmp_path / "disk" / "real")
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "link").symlink_to(repo.path)
    monkeypatch.setenv("PWD", f"{tmp_path}/shown/link")
    subprocess.run(["git", "config", "--global", "orch.readable", tmp_path / "shown"], check=True)
    worktree = made(repo.path)
    assert inside(worktree, f"cd '{tmp_path}/shown/link' && pwd -P") == f"{repo.path}\n"


@pytest.mark.parametrize("said", ["", "relative", "/", "/nonexistent/x", "{repo}/..", "{home}"])
def test_a_current_directory_that_says_something_else_is_no_link(
    repo: Repo, hermetic: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("PWD", said.format(repo=repo.path, home=hermetic))
    assert sandbox.boundary(discover(repo.path)).launcher.link is None


def test_a_worktree_of_the_user_s_is_where_the_plan_s_worktree_stands(
    repo: Repo, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    repo.git("worktree", "add", "-q", "--detach", str(theirs))
    worktree = made(theirs)
    script = f"pwd; git rev-parse --show-toplevel; git log --format=%s; ls '{repo.path}'"
    assert inside(worktree, script) == f"{theirs}\n{theirs}\nfirst\n"
    assert inside(worktree, f"ls -A '{repo.path}'") == ".git\n"


def test_in_a_worktree_of_git_orch_s_own_the_main_checkout_counts(repo: Repo) -> None:
    worktree = made(repo.path)
    assert sandbox.boundary(discover(worktree.path)).launcher.checkout == repo.path


def test_without_a_checkout_a_worktree_stands_where_it_is(repo: Repo, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare"))
    worktree = made(tmp_path / "bare")
    assert inside(worktree, "pwd; git log --format=%s") == f"{worktree.path}\nfirst\n"


def test_a_git_directory_elsewhere_is_where_it_was_without_credentials(
    tmp_path: Path, hermetic: Path
) -> None:
    git_dir = tmp_path / "gits" / "x"
    git_dir.parent.mkdir()
    repo = new(tmp_path / "project", f"--separate-git-dir={git_dir}")
    repo.git("config", "http.extraHeader", CANARY)
    subprocess.run(["git", "config", "--global", "orch.readable", git_dir.parent], check=True)
    worktree = made(repo.path)
    said = inside(worktree, "pwd; git rev-parse --git-common-dir; git status --short")
    assert said == f"{repo.path}\n{git_dir}\n"
    assert inside(worktree, f"grep -rs {CANARY} {git_dir}") == ""


def test_a_pointer_that_is_relative_leads_to_the_repository(repo: Repo) -> None:
    worktree = made(repo.path)
    relative = os.path.relpath(worktree.enclosure.git_dir, worktree.path)
    (worktree.path / ".git").write_text(f"gitdir: {relative}\n")
    assert inside(worktree, "git log --format=%s; git rev-parse --show-toplevel") == (
        f"first\n{repo.path}\n"
    )


@pytest.mark.parametrize("where", ["beside", "in the checkout", "in the git directory"])
def test_objects_that_are_borrowed_by_a_relative_path_are_there(
    repo: Repo, tmp_path: Path, where: str
) -> None:
    lender = tmp_path / "lender"
    if where != "beside":
        lender = repo.path / ("x" if where == "in the checkout" else ".git") / "lender"
    repo.git("clone", "-q", "--bare", str(repo.path), str(lender))
    relative = os.path.relpath(lender / "objects", repo.path / ".git/objects")
    (repo.path / ".git/objects/info/alternates").write_text(f"{relative}\n")
    repo.git("repack", "-adlq")
    worktree = made(repo.path)
    assert (
        inside(worktree, "git show -s --format=%s; git fsck --connectivity-only 2>&1") == "first\n"
    )


# -- what git-orch shows and looks at --------------------------------------------------------------


def test_the_user_s_ignore_file_counts_where_it_is_in_the_checkout(repo: Repo) -> None:
    repo.write({"mine": "*.secret\n"})
    subprocess.run(
        ["git", "config", "--global", "core.excludesFile", repo.path / "mine"], check=True
    )
    worktree = made(repo.path)
    assert inside(worktree, "echo x >a.secret; git status --short") == ""
    taken = snapshot.taken(discover(repo.path), worktree, "HEAD", snapshot.Terms())
    assert taken.changes == ()


def test_what_a_setting_shows_of_the_checkout_is_beside_it(repo: Repo) -> None:
    repo.write({"data/rows": "1\n", "data/.keep": ""})
    subprocess.run(["git", "config", "--global", "orch.readable", repo.path / "data"], check=True)
    worktree = made(repo.path)
    assert inside(worktree, f"cat {BESIDE}/data/rows; ls -A {BESIDE}") == "1\n.git\ndata\n"


def test_a_worktree_in_the_checkout_is_looked_at_like_others(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(repo.path / "state"))
    worktree = made(repo.path)
    assert inside(worktree, "echo x >made; ls -A") == ".git\nREADME.md\nmade\n"
    taken = snapshot.taken(discover(repo.path), worktree, "HEAD", snapshot.Terms())
    assert [change.path for change in taken.changes] == ["made"]


def test_a_filter_finds_the_worktree_at_the_path_of_the_checkout(repo: Repo) -> None:
    repo.write({"upper": "#!/bin/sh\ntr a-z A-Z\n"})
    (repo.path / "upper").chmod(0o755)
    repo.commit({".gitattributes": "*.txt filter=up\n"})
    subprocess.run(
        ["git", "config", "--global", "filter.up.clean", f"'{repo.path}/upper'"], check=True
    )
    worktree = made(repo.path)
    (worktree.path / "a.txt").write_text("loud\n")
    tree = snapshot.taken(discover(repo.path), worktree, "HEAD", snapshot.Terms()).tree
    assert repo.git("show", f"{tree}:a.txt") == "LOUD"


@pytest.mark.parametrize("path", ["sub", "a/b c"])
def test_a_submodule_that_a_person_filled_is_there(repo: Repo, tmp_path: Path, path: str) -> None:
    allowed = ("-c", "protocol.file.allow=always")
    other, inner = new(tmp_path / "other"), new(tmp_path / "inner")
    other.git(*allowed, "submodule", "--quiet", "add", str(inner.path), "in")
    other.commit({}, "with another one")
    repo.git(*allowed, "submodule", "--quiet", "add", str(other.path), path)
    repo.commit({}, "with a submodule")
    worktree = made(repo.path)
    repo.git(*allowed, "submodule", "-q", "update", "--init", "--recursive", cwd=worktree.path)
    script = f"""
    git status --short
    cd '{path}' && git log --format=%s -1; git rev-parse --show-toplevel; git -C in log --format=%s
    echo x >>README.md; git status --short; git add . 2>/dev/null || echo read-only
    cd "{repo.path}" && git status --short
    """
    shown = f'"{path}"' if " " in path else path
    assert inside(worktree, script) == (
        f"with another one\n{repo.path}/{path}\nfirst\n M README.md\nread-only\n m {shown}\n"
    )
    assert repo.git("status", "--short", cwd=worktree.path / path) == "M README.md"
    taken = snapshot.taken(discover(repo.path), worktree, "HEAD", snapshot.Terms())
    assert taken.changes == ()
