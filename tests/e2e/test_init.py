"""git orch init sets what fetches plans without touching local logs, and puts hooks beside those of
the user; both go again without a trace.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Here, Repo, data, writing

from git_orch.repo import hook_files

HOOK = "reference-transaction"


@pytest.fixture
def cloned(here: Here, tmp_path: Path) -> Repo:
    """The remote `origin` of the repository, bare."""
    path = tmp_path / "origin"
    here.repo.git("init", "-q", "--bare", str(path))
    here.repo.git("remote", "add", "origin", str(path))
    return Repo(path)


def fetch_refspecs(repo: Repo, remote: str = "origin") -> list[str]:
    return repo.git("config", "--get-all", f"remote.{remote}.fetch").splitlines()


def refs(repo: Repo, place: str) -> list[str]:
    return repo.git("for-each-ref", "--format=%(refname)", place).split()


def configuration(repo: Repo) -> bytes:
    return (repo.path / ".git/config").read_bytes()


def test_a_fetch_brings_plans_and_prunes_no_local_log(here: Here, cloned: Repo) -> None:
    here.repo.git("config", "fetch.prune", "true")
    theirs, ours = (here.plan(writing(name)) for name in ("a.txt", "b.txt"))
    here.repo.git("push", "-q", "origin", f"refs/notes/orch/{theirs}", f"orch/{theirs}")

    here("init")
    before = refs(here.repo, "refs/notes/orch")
    here.repo.git("fetch", "-q")
    here.repo.git("fetch", "-q", "--prune", "--force")

    assert refs(here.repo, "refs/notes/orch") == before
    assert ours in "".join(before)
    assert refs(here.repo, "refs/orch-remotes") == [
        f"refs/orch-remotes/origin/{kind}/{theirs}" for kind in ("heads", "notes")
    ]
    assert here("fsck").out == "no faults\n"


def test_what_it_sets_is_printed_and_a_second_run_changes_nothing(here: Here, cloned: Repo) -> None:
    """S2-178."""
    before = fetch_refspecs(here.repo)

    said = here("init").out
    after = configuration(here.repo)

    added = fetch_refspecs(here.repo)[len(before) :]
    assert added == [
        f"+refs/{kind}/orch/*:refs/orch-remotes/origin/{kind}/*" for kind in ("notes", "heads")
    ]
    assert all(refspec in said for refspec in added)
    assert "is set already" in here("init").out
    assert configuration(here.repo) == after


@pytest.mark.parametrize("option", ["--remove", "--undo"])
def test_taking_it_out_leaves_the_configuration_as_it_was(
    here: Here, cloned: Repo, option: str
) -> None:
    here.repo.git("config", "remote.origin.prune", "true")
    before = configuration(here.repo)
    here("init")
    assert configuration(here.repo) != before

    here("init", option)

    assert configuration(here.repo) == before


def test_a_repository_without_remotes_says_so(here: Here) -> None:
    before = configuration(here.repo)

    assert here("init").out == "no remotes: nothing to fetch from\n"
    assert configuration(here.repo) == before


def test_a_remote_without_a_refspec_fetches_what_it_did(here: Here) -> None:
    here.repo.git("config", "remote.bare.url", "/nowhere")

    assert "bare: skipped" in here("init").out
    assert here.repo.git("config", "--get-all", "remote.bare.fetch", expect=1) == ""


def test_a_name_that_no_ref_has_breaks_no_fetch(here: Here, cloned: Repo) -> None:
    here.repo.git("config", "remote.a b.url", str(cloned.path))
    here.repo.git("config", "remote.a b.fetch", "+refs/heads/*:refs/remotes/ab/*")

    assert "a b: skipped" in here("init").out
    here.repo.git("fetch", "-q", "a b")


def test_a_renamed_remote_gets_places_of_its_own(here: Here, cloned: Repo) -> None:
    here("init")
    here.repo.git("remote", "rename", "origin", "other")

    here("init")

    ours = [text for text in fetch_refspecs(here.repo, "other") if "orch" in text]
    assert len(ours) == 2
    assert all("refs/orch-remotes/other/" in text for text in ours)


# -- hooks -----------------------------------------------------------------------------------------


def of_user(repo: Repo, name: str = HOOK, status: int = 0) -> Path:
    """A hook of the user's, which writes down its arguments and input."""
    hook = repo.path / ".git/hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f'#!/bin/sh\n{{ echo "$@"; cat; }} >> "$(git rev-parse --git-dir)/seen"\nexit {status}\n'
    )
    hook.chmod(0o700)
    return hook


def test_hooks_are_installed_once_and_go_again(here: Here) -> None:
    said = here("init", "--hooks").out

    for name in hook_files.NAMES:
        hook = here.repo.path / ".git/hooks" / name
        assert f"{name}: installed" in said
        assert hook.read_bytes() == (hook_files.SCRIPTS / name).read_bytes()
        assert os.access(hook, os.X_OK)
    assert here("init", "--hooks").out.count("is installed already") == len(hook_files.NAMES)
    here("init", "--remove")
    assert not [*(here.repo.path / ".git/hooks").glob(f"{HOOK}*")]


@pytest.mark.parametrize("name", hook_files.NAMES)
def test_a_hook_of_the_user_comes_back_byte_for_byte(here: Here, name: str) -> None:
    hook = of_user(here.repo, name)
    before = hook.read_bytes(), stat.S_IMODE(hook.stat().st_mode), hook.stat().st_mtime_ns

    assert f"{name}: installed; yours runs first" in here("init", "--hooks").out
    here("init", "--hooks")
    here("init", "--remove")

    assert (hook.read_bytes(), stat.S_IMODE(hook.stat().st_mode), hook.stat().st_mtime_ns) == before
    assert not hook.with_name(f"{name}.before-orch").exists()


def test_a_hook_that_is_a_link_comes_back_as_one(here: Here) -> None:
    hook = here.repo.path / ".git/hooks" / HOOK
    hook.parent.mkdir(exist_ok=True)
    hook.symlink_to("../../script")

    here("init", "--hooks")
    here("init", "--remove")

    assert os.readlink(hook) == "../../script"


def test_the_hook_of_the_user_gets_arguments_and_input_and_its_failure_counts(
    here: Here, tmp_path: Path
) -> None:
    of_user(here.repo, status=7)
    plain = said_by_hook(here.repo)
    here("init", "--hooks")

    assert said_by_hook(here.repo) == plain
    assert plain.splitlines()[0] == "prepared"
    assert here.repo.git("rev-parse", "--verify", "-q", "refs/heads/x", expect=None) == ""


def said_by_hook(repo: Repo) -> str:
    """What the hook of the user saw of a branch that git was not allowed to make."""
    seen = repo.path / ".git/seen"
    seen.unlink(missing_ok=True)
    repo.git("branch", "x", expect=128)
    return seen.read_text()


def test_a_directory_of_hooks_elsewhere_is_left_alone(here: Here, tmp_path: Path) -> None:
    here.repo.git("config", "core.hooksPath", ".githooks")
    before = configuration(here.repo)

    said = here("init", "--hooks").out

    assert f"{HOOK}: core.hooksPath is yours; add this line to your hook: " in said
    assert configuration(here.repo) == before
    assert not (here.repo.path / ".githooks").exists()
    assert not (here.repo.path / ".git/hooks" / HOOK).exists()


def test_a_directory_of_hooks_inside_the_git_directory_is_used(here: Here) -> None:
    here.repo.git("config", "core.hooksPath", str(here.repo.path / ".git/mine"))

    here("init", "--hooks")

    assert (here.repo.path / ".git/mine" / HOOK).exists()


def test_hooks_go_again_after_core_hooks_path_was_set(here: Here) -> None:
    here("init", "--hooks")
    here.repo.git("config", "core.hooksPath", ".githooks")

    here("init", "--remove")

    assert not (here.repo.path / ".git/hooks" / HOOK).exists()


def test_a_hook_that_another_tool_put_over_ours_is_not_lost(here: Here) -> None:
    of_user(here.repo)
    here("init", "--hooks")
    later = of_user(here.repo)
    text = later.read_bytes()

    said = data(here("init", "--hooks", "--json").out)

    assert [about["state"] for about in said if about.get("hook") == HOOK] == ["blocked"]
    assert later.read_bytes() == text


@pytest.mark.parametrize("words", [["--hooks"], ["--remove"]])
def test_lines_that_the_user_added_to_a_hook_of_ours_are_kept(here: Here, words: list[str]) -> None:
    here("init", "--hooks")
    hook = here.repo.path / ".git/hooks" / HOOK
    hook.write_bytes(mine := hook.read_bytes() + b"echo mine\n")

    said = here("init", *words).out

    assert "kept beside it" in said
    assert hook.with_name(f"{HOOK}.aside").read_bytes() == mine


@pytest.mark.parametrize("words", [["--hooks"], ["--remove"]])
def test_a_hook_that_a_kill_left_with_two_names_leads_on(here: Here, words: list[str]) -> None:
    hook = of_user(here.repo)
    text = hook.read_bytes()
    os.link(hook, hook.with_name(f"{HOOK}.before-orch"))

    here("init", *words)
    here("init", "--remove")

    assert hook.read_bytes() == text
    assert [path.name for path in hook.parent.glob(f"{HOOK}*")] == [HOOK]


def test_an_installed_package_has_the_hooks(here: Here) -> None:
    code = "from git_orch.repo import hook_files as h; print(all((h.SCRIPTS / n).is_file() for n in h.NAMES))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
