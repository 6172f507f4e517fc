"""The one caller of git: nothing of the environment or of a repository's configuration redirects
it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import Repo, writing

from git_orch import errors
from git_orch.flow.machine import sandbox
from git_orch.repo import git as gits
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.repository import discover
from git_orch.repo.worktree import snapshot, worktrees

MARK = "hook-was-here"
_REDIRECTING = """DIR WORK_TREE INDEX_FILE OBJECT_DIRECTORY ALTERNATE_OBJECT_DIRECTORIES
    NAMESPACE PREFIX EDITOR PAGER EXTERNAL_DIFF DIFF_OPTS SEQUENCE_EDITOR COMMON_DIR
    QUARANTINE_PATH CONFIG LITERAL_PATHSPECS REFLOG_ACTION ATTR_SOURCE SHALLOW_FILE GRAFT_FILE
    NOTES_REF"""
_KEPT = (
    "CONFIG_PARAMETERS CONFIG_COUNT CONFIG_GLOBAL SSH_COMMAND ASKPASS AUTHOR_NAME COMMITTER_DATE"
)


def test_variables_that_redirect_git_are_scrubbed_and_those_for_remotes_stay() -> None:
    given = {f"GIT_{name}": "x" for name in (*_REDIRECTING.split(), *_KEPT.split())}
    found = gits.environment(given | {"PATH": "/bin", "LANGUAGE": "de"})
    assert {name for name, value in found.items() if value == "x"} == {
        f"GIT_{name}" for name in _KEPT.split()
    }
    assert found["PATH"] == "/bin"
    assert (found["LANGUAGE"], found["GIT_TERMINAL_PROMPT"], found["GIT_OPTIONAL_LOCKS"]) == (
        "en",
        "0",
        "0",
    )


def test_the_variables_of_a_place_count_for_finding_the_repository_only(
    repo: Repo, tmp_path: Path
) -> None:
    found = discover(
        tmp_path, os.environ | {"GIT_DIR": str(repo.path / ".git"), "GIT_WORK_TREE": str(repo.path)}
    )
    assert (found.common_dir, found.top) == (repo.path / ".git", repo.path)
    inside = discover(repo.path, os.environ | {"GIT_DIR": ".git", "GIT_INDEX_FILE": "/nowhere"})
    assert inside.top == repo.path
    assert snapshot.uncommitted(inside) == 0


def _hostile(repo: Repo) -> None:
    """Configuration and hooks that somebody planted in the repository; whatever runs leaves a mark
    beside it.
    """
    evil = repo.path.parent / "evil.sh"
    evil.write_text(f'#!/bin/sh\necho "$0 $*" >> {repo.path.parent / MARK}\nexit 1\n')
    evil.chmod(0o755)
    hooks = repo.path / ".git/hooks"
    for name in (
        "pre-commit",
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "commit-msg",
        "pre-auto-gc",
    ):
        (hooks / name).unlink(missing_ok=True)
        (hooks / name).symlink_to(evil)
    programs = ("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "diff.external",
                "gpg.program", "pager.status", "interactive.diffFilter", "credential.helper")  # fmt: skip
    settings = dict.fromkeys(programs, str(evil)) | {
        "core.hooksPath": str(hooks), "alias.status": f"!{evil}", "alias.worktree": f"!{evil}",
        "commit.gpgSign": "true", "log.showSignature": "true", "gc.auto": "1",
    }  # fmt: skip
    for name, value in settings.items():
        repo.git("config", name, value)


_FOR_PEOPLE = """color.ui=always color.status=always color.diff=always color.branch=always
    column.ui=always status.branch=true status.showStash=true status.short=true
    status.relativePaths=true status.submoduleSummary=true status.showUntrackedFiles=no
    diff.noprefix=true diff.renames=copies diff.mnemonicPrefix=true core.quotePath=false
    core.abbrev=4 log.decorate=full format.pretty=oneline log.follow=true log.date=relative
    core.commentChar=; core.logAllRefUpdates=false worktree.guessRemote=true checkout.guess=true
    core.autocrlf=false index.version=4 core.untrackedCache=true core.splitIndex=true
    core.checkStat=minimal core.sharedRepository=group rerere.enabled=true
    i18n.logOutputEncoding=latin1 notes.displayRef=*"""


def test_no_program_that_a_repository_names_is_started(repo: Repo) -> None:
    """Hooks, the reference-transaction hook among them, fsmonitor, pagers, external diffs, aliases,
    signing.
    """
    _hostile(repo)
    plan = repo.plan(writing("a.txt", "b.txt"))
    for command in (
        "exec",
        f"rollback --to-step 1 {plan}",
        "status",
        "log",
        "diff",
        "diff --stat",
        "exec",
    ):
        repo.orch(*command.split())
    assert repo.step_states(plan) == ["done", "done"]
    assert not (repo.path.parent / MARK).exists()


@pytest.mark.parametrize("how", ["parameters", "count"])
def test_not_even_the_command_line_brings_hooks_back(repo: Repo, how: str) -> None:
    _hostile(repo)
    hooks = str(repo.path / ".git/hooks")
    env = {
        "GIT_CONFIG_PARAMETERS": f"'core.hooksPath'='{hooks}' 'core.fsmonitor'='{hooks}/pre-commit'"
    }
    if how == "count":
        env = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": hooks,
        }
    repo.plan(writing("a.txt"))
    repo.orch("exec", env=env)
    assert not (repo.path.parent / MARK).exists()


def test_settings_for_people_do_not_change_what_is_read_from_git(repo: Repo) -> None:
    """Colours, decorations, columns, encodings and what `git status` shows."""
    for setting in _FOR_PEOPLE.split():
        repo.git("config", *setting.split("=", 1))
    repo.write({"ü ntracked": "x\n", "README.md": "changed\n"})
    found = discover(repo.path)
    assert snapshot.uncommitted(found) == 2
    document = writing("a.txt", "b.txt")
    document["steps"][0]["checks"].append({"command": "echo x > 'new é'; echo y > README.md"})
    plan = repo.plan(document)
    repo.orch("exec")
    output = repo.status(plan)["steps"][0]["checks"][1]["output"]
    assert output == "[the check changed README.md, new é: reverted]"
    repo.orch("rollback", "--to-step", "1", plan)
    assert repo.step_states(plan) == ["done", "pending"]
    repo.git("checkout", "-q", "--", "README.md")
    assert repo.orch("diff", plan).stdout.startswith(
        "diff --git a/a.txt b/a.txt\nnew file mode 100644"
    )


def test_a_step_in_the_base_is_found_whatever_colours_a_diff_has(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt", "b.txt"))
    repo.orch("exec")
    repo.git("config", "color.diff", "always")
    repo.git("config", "diff.noprefix", "true")
    first = repo.git("rev-parse", f"orch/{plan}~1")
    repo.git("cherry-pick", first)
    repo.git("commit", "-q", "--amend", "-m", "the same change, without a trailer")
    repo.git("rebase", "-q", "--onto", "main", first, f"orch/{plan}")
    repo.git("checkout", "-q", "main")
    assert repo.step_states(plan)[0] == "upstream"


@pytest.mark.parametrize(
    ("stderr", "status", "cause", "hint"),
    [
        ("fatal: write error: No space left on device\n", 128, "the disk is full (git add: write error", "df -h"),
        ("fatal: couldn't write '/r/.git/refs/heads/x.lock'\n", 128, "the disk is full (git add: couldn't", "df -h"),
        ("fatal: sha1 file '/r/index.lock' write error. Out of diskspace\n", 128, "the disk is full", "df -h"),
        ("error: unable to write file a.txt\nfatal: no\n", 128, "the disk is full (git add: unable to write", "df -h"),
        ("error: unable to write file x: Permission denied\n", 128, "the repository cannot be written", "ls -ld"),
        ("error: insufficient permission for adding\n", 128, "the repository cannot be written", "ls -ld"),
        ("fatal: Unable to create '/r/.git/index.lock': File exists.\n\nAnother git process\n", 128,
         "'/r/.git/index.lock' is locked by another git process", "ls -l /r/.git/index.lock"),
        ("error: unknown switch `z'\nusage: git worktree\n", 129, "this git is too old", "git --version"),
        ("", -9, "git add was killed by signal 9", "git orch status"),
        ("warning: odd\nhint: no\nfatal: real cause.\n", 128, "git add failed: real cause", "git status"),
        ("", 3, "git add failed: exit status 3", "git status"),
        ("fatal: bad config line 3 in file .git/config\n", 128, "git add failed: bad config", "git config --list"),
        ("error: cannot lock ref 'refs/x': 'refs' exists\n", 128, "git add failed: cannot lock", "git for-each-ref"),
        ("error: object file .git/objects/ab/cd is empty\nfatal: loose object abcd is corrupt\n", 128,
         "git add failed: object file", "git fsck"),
        ("fatal: unable to read tree 1234567890\n", 128, "git add failed: unable to read tree", "git fsck"),
        ("fatal: bad object HEAD\n", 128, "git add failed: bad object", "git fsck"),
        ("fatal: index file corrupt\n", 128, "git add failed: index file corrupt", "git fsck"),
    ],
)  # fmt: skip
def test_what_git_says_becomes_a_cause_and_a_command(
    stderr: str, status: int, cause: str, hint: str
) -> None:
    failed = GitFailed("add", status, stderr)
    assert failed.cause.startswith(cause)
    assert hint in failed.hint
    assert failed.exit_code == 128


def test_a_status_nobody_expected_is_raised_and_an_expected_one_is_not(repo: Repo) -> None:
    git = discover(repo.path).git
    with pytest.raises(GitFailed, match="git rev-parse failed") as failed:
        git.run("-c", "a.b=c", "rev-parse", "--verify", "no-such")
    assert failed.value.status == 128
    assert git.finished("rev-parse", "--verify", "no-such", expect=(0, 128)).status == 128


def test_a_work_tree_that_is_gone_does_not_look_like_a_missing_git(
    repo: Repo, tmp_path: Path
) -> None:
    gone = Git(repo.path / ".git", tmp_path / "gone", gits.environment(os.environ))
    assert gone.line("rev-parse", "HEAD") == repo.git("rev-parse", "HEAD")
    with pytest.raises(errors.UnfitRepository, match="git is not on PATH"):
        Git(repo.path / ".git", None, {"PATH": str(tmp_path)}).run("version")


# -- drivers ---------------------------------------------------------------------------------------


def test_the_settings_that_start_a_program_for_a_file_are_known_by_any_name() -> None:
    programs = ["filter.x.clean", "filter.x.smudge", "filter.x.process", "filter.x.required", "diff.x.command",
                "diff.x.textconv", "merge.x.driver", "trailer.x.cmd", "trailer.x.command",
                "hook.x.command", "hook.x.enabled", "filter.a=b.clean", "filter.new\nline.clean",
                "filter.Ünï Case.clean",
                "filter.a.b.c.clean", "diff..command"]  # fmt: skip
    others = ["filter.clean", "diff.external", "diff.x.binary", "core.editor", "merge.tool", "filter.x.cleaner",
              "diff.renames", "xfilter.x.clean", "alias.filter.x"]  # fmt: skip
    known = [name for name in programs if name != "diff..command"]
    assert gits.drivers([*others, *programs, *programs]) == tuple(known)


_ODD_DRIVERS = ["evil", "e=v", "UpperCase", "a.b", "sp ace"]  # git itself refuses a line break


def _planted(repo: Repo) -> None:
    """Files that each have a driver of every kind, all hooks, and a program that leaves a mark
    whichever runs.
    """
    evil = repo.path.parent / "evil"
    evil.write_text(f'#!/bin/sh\necho "$0 $*" >> {repo.path.parent / MARK}\ncat\n')
    evil.chmod(0o755)
    plain = [name for name in _ODD_DRIVERS if " " not in name]  # which no attribute can name
    attributes = "".join(
        f"*.{number} filter={name} diff={name} merge={name}\n" for number, name in enumerate(plain)
    )
    files = {f"f.{number}": "old\n" for number in range(len(plain))}
    repo.commit({".gitattributes": attributes, **files}, "old")
    repo.commit(dict.fromkeys(files, "new\n"), "new")
    for name in _ODD_DRIVERS:
        for setting in ("filter.%s.clean", "filter.%s.smudge", "filter.%s.process", "diff.%s.command",
                        "diff.%s.textconv", "merge.%s.driver", "trailer.%s.cmd"):  # fmt: skip
            repo.git("config", setting % name, str(evil))
        repo.git("config", f"filter.{name}.required", "true")
    for name in (
        "diff.external",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.alternateRefsCommand",
    ):
        repo.git("config", name, str(evil))
    hooks = repo.path / ".git/hooks"
    for hook in (
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-commit",
        "post-commit",
        "update",
    ):
        (hooks / hook).unlink(missing_ok=True)
        (hooks / hook).symlink_to(evil)


def _acts(repo: Repo) -> dict[str, Callable[[], object]]:
    """What git-orch does with files and trees outside of the sandbox, by name, where all files were
    touched.
    """
    found = discover(repo.path)
    made = worktrees.made(found, "PLAN-20261121-0000000000-x", sandbox.boundary(found), "HEAD~")
    for name in ("f.0", "f.1", "f.2", "f.3"):
        for place in (repo.path, made.path):
            (place / name).write_text("odd\n")
    diff = partial(found.git.run, "diff-tree", "-r")
    safe, trees = ("--no-ext-diff", "--no-textconv"), ("HEAD~", "HEAD")
    return {
        "made": lambda: made,
        "status": partial(found.quiet_git.run, "status", "--porcelain", "--untracked-files=all"),
        "count": partial(snapshot.uncommitted, found),
        "checkout": partial(
            made.git.run, "checkout", "--quiet", "--force", "--detach", "main", "--"
        ),
        "read-tree": partial(made.git.run, "read-tree", "--reset", "-u", "main"),
        "clean": partial(made.git.run, "clean", "-ffdxq"),
        "point": partial(worktrees.point, made, "main"),
        "patch": partial(diff, "-p", *safe, *trees),
        "stat": partial(diff, "--stat=100", *safe, *trees),
        "names": partial(diff, "-z", "--raw", *trees),
        "refs": partial(found.git.run, "update-ref", "refs/x", "HEAD"),
    }


@pytest.mark.parametrize("act", ["made", "status", "count", "checkout", "read-tree", "clean", "point", "patch", "stat",
                                 "names", "refs"])  # fmt: skip
def test_no_driver_of_a_file_runs_outside_of_the_sandbox(repo: Repo, act: str) -> None:
    """A02, A05"""
    _planted(repo)
    (repo.path.parent / MARK).unlink(missing_ok=True)
    _acts(repo)[act]()
    assert not (repo.path.parent / MARK).exists()


@pytest.mark.parametrize("options", [[], ["--stat"], ["--json"]])
def test_git_orch_diff_runs_no_driver(repo: Repo, options: list[str]) -> None:
    plan = repo.plan(writing("f.0"))
    repo.orch("exec")
    (repo.path / "f.0").unlink(missing_ok=True)
    _planted(repo)
    (repo.path.parent / MARK).unlink(missing_ok=True)
    repo.orch("diff", *options, plan)
    assert not (repo.path.parent / MARK).exists()
