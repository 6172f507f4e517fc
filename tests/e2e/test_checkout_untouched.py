"""The user's checkout is the user's: no command changes HEAD, index, files, stash, reflogs or
configuration there.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Here, Repo, writing

FAILING = {"title": "Fail", "steps": [{"title": "Fail", "run": "echo half > half.txt; exit 3"}]}


def seen(repo: Repo, cwd: Path) -> dict[str, object]:
    """Everything of the user's that could be disturbed."""
    git_dir = Path(repo.git("rev-parse", "--absolute-git-dir", cwd=cwd))
    common = Path(repo.git("rev-parse", "--path-format=absolute", "--git-common-dir", cwd=cwd))
    local = [
        git_dir / name
        for name in (
            "HEAD",
            "index",
            "MERGE_HEAD",
            "MERGE_MSG",
            "logs/HEAD",
            "info/sparse-checkout",
        )
    ]
    shared = [
        common / name
        for name in ("config", "logs/refs/stash", "logs/refs/heads/main", "info/exclude")
    ]
    bare = repo.git("rev-parse", "--is-bare-repository", cwd=cwd) == "true"
    top = git_dir if bare else Path(repo.git("rev-parse", "--show-toplevel", cwd=cwd))
    refs = repo.git("for-each-ref", cwd=cwd).splitlines()
    return {
        "files": {} if bare else _files(os.fsencode(top)),
        "git": {str(path): path.read_bytes() for path in (*local, *shared) if path.exists()},
        "refs": [ref for ref in refs if "orch/" not in ref],
        "status": "" if bare else _status(cwd),
    }


def _status(cwd: Path) -> bytes:
    argv = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--ignored", "-z", "--branch"]
    return subprocess.run(argv, cwd=cwd, capture_output=True, check=True).stdout


def _files(top: bytes) -> dict[bytes, tuple[int, int, bytes]]:
    found = {}
    for directory, names, files in os.walk(top):
        names[:] = [name for name in names if name != b".git"]
        for name in files:
            path = os.path.join(directory, name)
            about = os.lstat(path)
            if os.path.islink(path):
                content = os.readlink(path)
            else:
                with open(path, "rb") as file:
                    content = file.read()
            found[path] = (about.st_mode, about.st_mtime_ns, content)
    return found


# -- states of a checkout --------------------------------------------------------------------------


def clean(repo: Repo) -> None:
    pass


def dirty(repo: Repo) -> None:
    """Staged, unstaged, both in one file, untracked, ignored, intent-to-add, deleted, and a stash."""
    repo.commit({"both.txt": "1\n", "gone.txt": "1\n", ".gitignore": "*.log\n"})
    repo.write({"both.txt": "stashed\n"})
    repo.git("stash", "-q")
    repo.write({"both.txt": "staged\n", "staged.txt": "staged\n"})
    repo.git("add", "both.txt", "staged.txt")
    repo.write(
        {
            "both.txt": "and more\n",
            "README.md": "changed\n",
            "new.txt": "new\n",
            "x.log": "ignored\n",
        }
    )
    repo.write({"later.txt": "later\n"})
    repo.git("add", "--intent-to-add", "later.txt")
    (repo.path / "gone.txt").unlink()
    os.symlink("new.txt", repo.path / "link")


def merging(repo: Repo) -> None:
    """A merge that stopped at a conflict."""
    repo.git("switch", "-q", "-c", "side")
    repo.commit({"README.md": "side\n"})
    repo.git("switch", "-q", "main")
    repo.commit({"README.md": "main\n"})
    repo.git("merge", "-q", "side", expect=1)


def odd_names(repo: Repo) -> None:
    """Names that lists separated by lines or spaces get wrong."""
    names = [
        b"-leading",
        b"two words",
        b"new\nline",
        b"latin-\xe9",
        b"tab\t",
        b'"quoted"',
        b"caf\xc3\xa9",
        b"*",
    ]
    for name in names:
        (repo.path / os.fsdecode(name)).write_bytes(b"x\n")
    repo.git("add", "--", "two words", "*")
    repo.git("commit", "-q", "-m", "odd")
    (repo.path / os.fsdecode(b"untracked\n\xff")).write_bytes(b"x\n")


STATES = [clean, dirty, merging, odd_names]


@pytest.mark.parametrize("make", STATES, ids=lambda make: make.__name__)
def test_a_whole_life_of_a_plan_leaves_the_checkout_as_it_is(
    here: Here, make: Callable[[Repo], None]
) -> None:
    """S1-183, S1-186: plan, exec (done and failed), rollback, undo."""
    make(here.repo)
    _lives_untouched(here, here.repo.path)


def _lives_untouched(here: Here, cwd: Path, *base: str) -> str:
    """Every command that writes, each followed by a look. Gives the plan's ID."""
    before, plan = seen(here.repo, cwd), ""
    for document, ends in ((FAILING, 1), (writing("a.txt", "b.txt"), 0)):
        plan = here.plan(document) if not base else _planned(here, document, *base)
        assert seen(here.repo, cwd) == before
        here("exec", plan, expect=ends)
        assert seen(here.repo, cwd) == before
    for args in (("--to-step", "1"), ("--undo",), ()):
        here("rollback", *args, plan)
        assert seen(here.repo, cwd) == before
    here("rollback", "--undo", plan)
    here("show", plan)
    assert seen(here.repo, cwd) == before
    assert here.show(plan)["state"] == "COMPLETE"
    return plan


def _planned(here: Here, document: object, *options: str) -> str:
    import json

    return here("plan", "--from", "-", *options, stdin=json.dumps(document)).out.split()[0]


@pytest.mark.parametrize("make", [dirty, odd_names], ids=lambda make: make.__name__)
def test_include_dirty_takes_the_files_in_without_touching_them(
    here: Here, make: Callable[[Repo], None]
) -> None:
    """S1-178: the base holds what `git add --all` would take, the ignored ones not."""
    make(here.repo)
    plan = _lives_untouched(here, here.repo.path, "--include-dirty")
    expected = subprocess.run(
        ["sh", "-c", "cp .git/index ../index && export GIT_INDEX_FILE=../index && git add --all && git write-tree"],
        cwd=here.repo.path, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert here.repo.git("rev-parse", f"{here.show(plan)['base']['commit']}^{{tree}}") == expected


@pytest.mark.usefixtures("unsandboxed")
def test_a_killed_run_leaves_the_checkout_as_it_is(repo: Repo, tmp_path: Path) -> None:
    """S1-183: SIGKILL in the middle of a step that has written half of its files."""
    dirty(repo)
    before = seen(repo, repo.path)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    plan = repo.plan(
        {
            "title": "Wait",
            "steps": [{"title": "Wait", "run": f"echo half > half.txt; cat '{fifo}'"}],
        }
    )
    process = repo.start("exec", plan)
    with fifo.open("w"):  # opens when the step reads
        process.kill()
        process.communicate()
    assert seen(repo, repo.path) == before

    edited = repo.orch("show", plan, "--yaml").stdout.replace(f"; cat '{fifo}'", "")
    repo.orch("edit", plan, "--from", "-", stdin=edited)
    repo.orch("exec", plan)
    assert seen(repo, repo.path) == before
    assert repo.step_states(plan) == ["done"]


# -- places ----------------------------------------------------------------------------------------


def linked(repo: Repo) -> Path:
    repo.git("worktree", "add", "-q", "-b", "side", "../linked")
    (repo.path / "../linked/untracked").write_text("x\n")
    return (repo.path / "../linked").resolve()


def subdirectory(repo: Repo) -> Path:
    repo.commit({"sub/deep/x.txt": "x\n"})
    return repo.path / "sub/deep"


def detached(repo: Repo) -> Path:
    repo.git("switch", "-q", "--detach")
    return repo.path


def unborn(repo: Repo) -> Path:
    repo.git("init", "-q", "-b", "main", "../unborn")
    (repo.path / "../unborn/untracked").write_text("x\n")
    return (repo.path / "../unborn").resolve()


def shallow(repo: Repo) -> Path:
    repo.commit({"x.txt": "x\n"})
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", "../shallow")
    return (repo.path / "../shallow").resolve()


def sparse(repo: Repo) -> Path:
    repo.commit({"in/x.txt": "x\n", "out/x.txt": "x\n"})
    repo.git("sparse-checkout", "set", "in")
    return repo.path


def submodule(repo: Repo) -> Path:
    repo.git("clone", "-q", ".", "../library")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "../library", "library")
    repo.git("commit", "-q", "-m", "library")
    (repo.path / "library/README.md").write_text("changed there\n")
    return repo.path


PLACES = [linked, subdirectory, detached, unborn, shallow, sparse, submodule]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_every_kind_of_place_is_left_as_it_is(
    here: Here, monkeypatch: pytest.MonkeyPatch, place: Callable[[Repo], Path]
) -> None:
    """S1-188."""
    cwd = place(here.repo)
    monkeypatch.chdir(cwd)
    here.repo = Repo(cwd)
    plan = _lives_untouched(here, cwd)
    listed = here.repo.git(
        "ls-tree", "-r", "--full-tree", "--name-only", f"orch/{plan}"
    ).splitlines()
    assert {"a.txt", "b.txt"} <= set(listed)
    if here.show(plan)["base"]["commit"] is not None:
        kept = here.repo.git(
            "ls-tree", "-r", "--full-tree", here.show(plan)["base"]["commit"]
        ).splitlines()
        assert set(kept) < set(
            here.repo.git("ls-tree", "-r", "--full-tree", f"orch/{plan}").splitlines()
        )


def test_a_bare_repository_with_a_base_branch_works(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-188: there is no checkout; worktrees of git-orch's own are all it needs."""
    here.repo.git("clone", "-q", "--bare", ".", "../bare.git")
    bare = (here.repo.path / "../bare.git").resolve()
    monkeypatch.chdir(bare)
    here.repo = Repo(bare)
    _lives_untouched(here, bare, "--base", "main")


# -- what git does to files on their way in --------------------------------------------------------


def filtered(repo: Repo) -> None:
    """A clean and smudge filter, as Git LFS has."""
    repo.git("config", "filter.rot.clean", "tr a-y b-z")
    repo.git("config", "filter.rot.smudge", "tr b-z a-y")
    repo.git("config", "filter.rot.required", "true")
    repo.commit({".gitattributes": "*.txt filter=rot\n", "old.txt": "abc\n"})


def autocrlf(repo: Repo) -> None:
    repo.git("config", "core.autocrlf", "true")
    repo.commit({"old.txt": "one\ntwo\n"})


def text_auto(repo: Repo) -> None:
    repo.commit({".gitattributes": "* text=auto eol=crlf\n", "old.txt": "one\ntwo\n"})


@pytest.mark.parametrize("make", [filtered, autocrlf, text_auto], ids=lambda make: make.__name__)
def test_what_lands_is_what_git_add_would_store(here: Here, make: Callable[[Repo], None]) -> None:
    """S1-184: filters and line endings are the user's; nothing else changes on the way."""
    make(here.repo)
    content = "abc\r\ndef\r\n"
    before = seen(here.repo, here.repo.path)
    plan = here.plan(
        {"title": "Write", "steps": [{"title": "Write", "files": {"new.txt": content}}]}
    )
    here("exec", plan)
    assert seen(here.repo, here.repo.path) == before
    argv = ["git", "hash-object", "--path=new.txt", "--stdin"]
    wanted = subprocess.run(
        argv, cwd=here.repo.path, input=content.encode(), capture_output=True, check=True
    ).stdout
    assert here.repo.git("rev-parse", f"orch/{plan}:new.txt") == wanted.decode().strip()
    assert here.repo.git("diff", "--name-only", "main", f"orch/{plan}") == "new.txt"
