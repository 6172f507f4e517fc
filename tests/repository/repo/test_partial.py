"""Partial clones: what one lacks is fetched with the user's own programs, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.flow.machine import sandbox
from git_orch.repo import git_settings, time_limits
from git_orch.repo.git import GitFailed
from git_orch.repo.git_settings import Care
from git_orch.repo.objects import partial
from git_orch.repo.repository import discover
from git_orch.repo.worktree import worktrees


@pytest.fixture
def lazy(repo: Repo, tmp_path: Path) -> Repo:
    """A clone that has no contents yet."""
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.commit({"old": "old contents\n"})
    repo.commit({"old": "new contents\n"})
    url = f"file://{repo.path}"
    repo.git(
        "clone",
        "-q",
        "--filter=blob:none",
        "--no-checkout",
        url,
        str(tmp_path / "partial"),
        cwd=tmp_path,
    )
    return Repo(tmp_path / "partial")


def missing(repo: Repo) -> int:
    """How many objects a clone does not have."""
    return repo.git("rev-list", "--objects", "--all", "--missing=print").count("?")


def test_making_a_worktree_fetches_what_a_partial_clone_does_not_have(lazy: Repo) -> None:
    found, before = discover(lazy.path), missing(lazy)
    made = worktrees.made(found, "PLAN-20261121-0000000000-x", sandbox.boundary(found), "HEAD")
    assert (made.path / "old").read_text() == "new contents\n"
    assert 0 < missing(lazy) < before
    worktrees.point(made, lazy.git("rev-parse", "HEAD~"))
    assert (made.path / "old").read_text() == "old contents\n"


@pytest.mark.parametrize(
    "command",
    [
        "cat-file blob HEAD:old",
        "diff-tree -p HEAD~ HEAD",
        "cat-file -p HEAD~:old",
        "grep contents HEAD",
    ],
)
@pytest.mark.parametrize(
    "variables", [{}, {"GIT_NO_LAZY_FETCH": "0"}], ids=["", "by a git that knows no better"]
)
def test_no_other_call_fetches(lazy: Repo, command: str, variables: dict[str, str]) -> None:
    found, before = discover(lazy.path), missing(lazy)
    with pytest.raises(GitFailed):
        found.git.run(*command.split(), variables=variables)
    assert missing(lazy) == before


def test_a_step_works_in_a_partial_clone(lazy: Repo) -> None:
    plan = lazy.plan({"title": "x", "steps": [{"title": "Change", "run": "echo more >> old"}]})
    lazy.orch("exec")
    assert lazy.step_states(plan) == ["done"]
    assert lazy.git("show", f"orch/{plan}:old") == "new contents\nmore"


# -- what the repository says of the way -----------------------------------------------------------


def _evil(repo: Repo) -> Path:
    """A program that leaves a mark and does nothing."""
    evil = repo.path.parent / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {repo.path.parent}/MARK\nexit 1\n")
    evil.chmod(0o755)
    return evil


_PROGRAMS = {
    "remote.origin.uploadpack": "{evil}",
    "remote.origin.vcs": "{evil}",
    "core.sshCommand": "{evil}",
    "core.gitProxy": "{evil}",
    "core.askPass": "{evil}",
    "credential.helper": "!{evil}",
    "core.alternateRefsCommand": "{evil}",
    "fetch.bundleURI": "{evil}",
    "protocol.ext.allow": "always",
    "url.ext::{evil} .insteadOf": "file:",
    "remote.origin.proxy": "{evil}",
    "core.fsmonitor": "{evil}",
    "hook.evil.command": "{evil}",
    "hook.evil.event": "reference-transaction",
}


@pytest.mark.parametrize("name", _PROGRAMS)
def test_no_program_that_the_repository_names_is_started_for_a_fetch(lazy: Repo, name: str) -> None:
    evil, before = _evil(lazy), missing(lazy)
    lazy.git("config", name.format(evil=evil), _PROGRAMS[name].format(evil=evil))
    partial.complete(discover(lazy.path).git, "HEAD")
    assert not (lazy.path.parent / "MARK").exists()
    assert missing(lazy) < before


@pytest.mark.parametrize("url", ["ssh://nobody@127.0.0.1:1/x", "git://127.0.0.1:1/x"])
@pytest.mark.parametrize("name", _PROGRAMS)
def test_nor_is_one_where_the_remote_is_elsewhere(lazy: Repo, name: str, url: str) -> None:
    evil = _evil(lazy)
    lazy.git("config", "--add", name.format(evil=evil), _PROGRAMS[name].format(evil=evil))
    lazy.git("config", "remote.origin.url", url)
    with pytest.raises(GitFailed, match="the partial clone lacks 2 objects, and git fetch failed"):
        partial.complete(discover(lazy.path).git, "HEAD")
    assert not (lazy.path.parent / "MARK").exists()


@pytest.mark.parametrize(
    "url", ["ext::{evil}", "evil::x", "-u{evil}", "ssh://-oProxyCommand={evil}/x"]
)
def test_an_address_that_is_a_program_is_none(lazy: Repo, url: str) -> None:
    lazy.git("config", "remote.origin.url", url.format(evil=_evil(lazy)))
    with pytest.raises(GitFailed):
        partial.complete(discover(lazy.path).git, "HEAD")
    assert not (lazy.path.parent / "MARK").exists()


def test_the_users_own_program_is_started(lazy: Repo) -> None:
    evil = _evil(lazy)
    lazy.git("config", "remote.origin.url", "ssh://nobody@127.0.0.1:1/x")
    lazy.git("config", "--global", "core.sshCommand", str(evil))
    with pytest.raises(GitFailed):
        partial.complete(discover(lazy.path).git, "HEAD")
    assert (lazy.path.parent / "MARK").exists()


def test_a_program_that_does_not_count_is_named_where_fetching_fails(lazy: Repo) -> None:
    lazy.git("config", "remote.origin.url", "ssh://nobody@127.0.0.1:1/x")
    lazy.git("config", "core.sshCommand", "mine")
    with pytest.raises(GitFailed) as failed:
        partial.complete(discover(lazy.path).git, "HEAD")
    assert "core.sshcommand" in failed.value.hint
    lazy.follow(f"hint: {failed.value.hint}")


def test_a_file_of_the_repository_that_the_user_includes_has_no_say(lazy: Repo) -> None:
    shared = lazy.path / "shared.config"
    lazy.git("config", "--file", str(shared), "core.sshCommand", str(_evil(lazy)))
    lazy.git("config", "--global", "include.path", str(shared))
    lazy.git("config", "remote.origin.url", "ssh://nobody@127.0.0.1:1/x")
    with pytest.raises(errors.Refused, match="comes from a file of the repository"):
        partial.complete(discover(lazy.path).git, "HEAD")
    assert not (lazy.path.parent / "MARK").exists()


def test_a_remote_that_never_answers_is_given_up(
    lazy: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    lazy.git("config", "remote.origin.url", "ssh://nobody@127.0.0.1/x")
    lazy.git("config", "--global", "core.sshCommand", "sleep 60;")
    monkeypatch.setattr(time_limits, "FETCH", 0.5)
    with pytest.raises(time_limits.TookTooLong, match="git fetch gave no answer"):
        partial.complete(discover(lazy.path).git, "HEAD")


def test_every_setting_of_the_table_is_left_out_of_a_fetch(lazy: Repo) -> None:
    """The git directory that fetches has the address of the remote, and nothing else."""
    for row in git_settings.TABLE:
        if row.care is Care.FETCHED and "*" not in row.name:
            name = row.name.replace("<name>", "origin").replace("<base>", "evil")
            lazy.git("config", name, "/evil")
    directory = lazy.path.parent / "fetching"
    directory.mkdir()
    partial._make_git_directory(discover(lazy.path).git, str(directory), "origin")
    assert "/evil" not in (directory / "config").read_text()


# -- what is fetched -------------------------------------------------------------------------------


def test_a_checkout_of_a_part_fetches_that_part(repo: Repo, lazy: Repo) -> None:
    repo.commit({"in/a": "a\n", "out/b": "b\n", "top": "top\n"})
    lazy.git("fetch", "-q")
    lazy.git("update-ref", "HEAD", "origin/main")
    lazy.git("config", "core.sparseCheckout", "true")
    (lazy.path / ".git/info").mkdir(exist_ok=True)
    (lazy.path / ".git/info/sparse-checkout").write_text("/*\n!/*/\n/in/\n")
    partial.complete(discover(lazy.path).git, "HEAD")
    found = discover(lazy.path).git
    assert found.finished("cat-file", "-e", "HEAD:top").status == 0
    assert found.finished("cat-file", "-e", "HEAD:in/a").status == 0
    assert found.finished("cat-file", "-e", "HEAD:out/b", expect=(0, 1, 128)).status != 0


def test_a_clone_without_trees_gets_them(repo: Repo, lazy: Repo, tmp_path: Path) -> None:
    repo.commit({"d/e/f": "deep\n"})
    options = ("--filter=tree:0", "--no-checkout", f"file://{repo.path}")
    lazy.git("clone", "-q", *options, str(tmp_path / "bare"), cwd=tmp_path)
    git = discover(tmp_path / "bare").git
    partial.complete(git, "HEAD")
    assert git.run("cat-file", "blob", "HEAD:d/e/f") == b"deep\n"
    assert git.finished("cat-file", "-e", "HEAD~:old", expect=(0, 1, 128)).status != 0


def test_a_landing_fetches_what_it_writes(repo: Repo, lazy: Repo) -> None:
    lazy.git("checkout", "-q", "main")
    plan = lazy.plan({"title": "x", "steps": [{"title": "y", "files": {"new": "new\n"}}]})
    lazy.orch("exec")
    repo.commit({"old": "other contents\n"})
    lazy.git("fetch", "-q")
    lazy.git("update-ref", "refs/heads/next", "origin/main")
    lazy.orch("land", plan, "--onto", "next")
    assert lazy.git("show", "next:new") == "new"


def test_a_relative_address_leads_to_the_remote(repo: Repo, lazy: Repo) -> None:
    lazy.git("config", "remote.origin.url", f"../{repo.path.name}")
    before = missing(lazy)
    partial.complete(discover(lazy.path).git, "HEAD")
    assert missing(lazy) < before


def test_a_repository_that_is_no_partial_clone_costs_no_call_of_git(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = discover(repo.path).git
    monkeypatch.setenv("PATH", "/nowhere")  # a call would fail
    partial.complete(git, "HEAD")
    partial.complete_merge(git, "HEAD", "HEAD")
