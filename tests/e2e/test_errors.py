"""Every failure is one `error:` line, one `hint:` line and its exit code; nothing is lost, and one
can go on (S2-175).
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import locks
import pytest
from conftest import Repo, writing

LIST = '{"title": "List", "steps": [{"title": "List", "run": "ls"}]}'
ORCH = f"{shlex.quote(sys.executable)} -m git_orch"


def failure(done: subprocess.CompletedProcess[str], code: int) -> str:
    """What the command said on standard error, once it is certain that it failed the way every
    failure has to.
    """
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    said = [
        line.partition(" ")[0]
        for line in done.stderr.splitlines()
        if line.startswith(("error:", "hint:"))
    ]
    assert said == ["error:", "hint:"], done.stderr
    return done.stderr


def standing(repo: Repo) -> list[str]:
    """What is the user's: HEAD, index, files, stash, and every ref that is not git-orch's."""
    refs = [line for line in repo.git("for-each-ref").splitlines() if "/orch/" not in line]
    return [
        repo.git("rev-parse", "HEAD", expect=None),
        repo.git("symbolic-ref", "-q", "HEAD", expect=None),
        repo.git("ls-files", "-s"),
        repo.git("status", "--porcelain=v2", "--untracked-files=all", expect=None),
        repo.git("stash", "list"),
        *refs,
    ]


def sh(
    repo: Repo, script: str, *wrapped: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A shell script in the repository, perhaps inside another program; `$ORCH` is git-orch."""
    return subprocess.run(
        [*wrapped, "sh", "-c", script],
        cwd=repo.path,
        env=os.environ | {"ORCH": ORCH} | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


# -- what was typed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("title: [", "input:"),
        ('{"title": "x", "steps": [', "input:"),
        (
            "title: T\nsteps:\n  - title: A\n    prompt: x\n    runn: ls\n",
            "input:5: step 1, runn: unknown field (did",
        ),
        (
            "title: T\nsteps:\n  - title: A\n    run: ls\n    timeout: soon\n",
            "input:5: step 1, timeout: expected",
        ),
        (
            "title: T\nsteps:\n  - title: A\n    run: ls\n    depends_on: [7]\n",
            "input:5: step 1, depends_on 1: there",
        ),
        (
            "title: T\nsteps:\n  - title: A\n    files: {../x: y}\n",
            "input:4: step 1, file '../x': lies outside",
        ),
        ("title: T\nsteps: []\n", "input:2: steps"),
        ("just words", "input:1"),
        ("", "input:1: the file is empty"),
        ("a: &a [*a]\n", "input:1"),
    ],
    ids=["yaml", "json", "field", "type", "needs", "path", "no-steps", "words", "empty", "alias"],
)
def test_a_bad_plan_file_is_refused_with_its_field_and_line(
    repo: Repo, text: str, named: str
) -> None:
    assert named in failure(repo.orch("plan", "--from", "-", stdin=text, expect=2), 2)


def test_a_plan_file_that_is_not_text_or_not_there_is_refused(repo: Repo, tmp_path: Path) -> None:
    latin = tmp_path / "it's latin"
    latin.write_bytes(b"title: caf\xe9\n")
    (tmp_path / "huge").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    said = failure(repo.orch("plan", "--from", str(latin), expect=2), 2)
    assert "not UTF-8 (byte 10)" in said
    assert f"-t UTF-8 {shlex.quote(str(latin))}" in said
    assert "4 MiB" in failure(repo.orch("plan", "--from", str(tmp_path / "huge"), expect=2), 2)
    assert "no such file" in failure(repo.orch("plan", "--from", "absent.yaml", expect=2), 2)
    assert "has no tasks" in failure(repo.orch("plan", "--from", ".", expect=2), 2)


@pytest.mark.parametrize(
    "script", ["$ORCH plan </dev/null", "echo ' ' | $ORCH plan", "$ORCH plan <&-", "$ORCH plan ''"]
)
def test_no_task_is_a_usage_error(repo: Repo, script: str) -> None:
    assert "nothing to plan" in failure(sh(repo, script), 2)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["exce"], "git orch exec"),
        (["frobnicate"], "git orch help"),
        (["exec", "--dryrun"], "--dry-run"),
        (["ls", "--json=yes"], "does not take a value"),
        (["show", "a", "b"], "'b' is not the number of a step"),
        (["rollback", "--to-step", "x"], "git orch rollback -h"),
        (["rollback", "--undo", "--to-step", "1"], "cannot be used with"),
        (["log", "-n", "0"], "git orch log -h"),
        (["show", "--yaml", "--json"], "git orch show -h"),
        (["plan", "task", "--from", "-"], "cannot be used with"),
        (["plan", "--from", "-", "--var", "a=b"], "git orch templates"),
        (["plan", "--include-dirty", "--base", "main", "x"], "--include-dirty"),
        (["plan", "--template", "no-such"], "python-cli"),
        (["--frob"], "git orch -h"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_usage_error_is_two_and_names_what_to_type(
    repo: Repo, args: list[str], said: str
) -> None:
    assert said in failure(repo.orch(*args, expect=2), 2)


def test_tool_words_are_exact(repo: Repo) -> None:
    """S1-134: the words of --tool are exact tokens; an unknown one is a usage error."""
    repo.plan(writing("a.txt"))
    for words in ("nowrite", "READ", "read write", "read,", "none,read", "alles"):
        assert "is not a kind of tool" in failure(
            repo.orch("exec", "--dry-run", "--tool", words, expect=2), 2
        )
    for words in ("", "none", "read", "write", "command", "all", "read,write", "read, command"):
        repo.orch("exec", "--dry-run", "--tool", words)


def test_step_numbers_that_do_not_exist_are_not_found(repo: Repo) -> None:
    """S1-202: a step number out of range changes nothing."""
    plan = repo.plan(writing("a.txt"))
    repo.orch("exec")
    tip = repo.git("rev-parse", f"orch/{plan}")
    for number in ("0", "99", "-1"):
        assert "there is no step" in failure(
            repo.orch("rollback", plan, f"--to-step={number}", expect=5), 5
        )
    assert "there is no step" in failure(repo.orch("diff", plan, "2", expect=5), 5)
    failure(repo.orch("diff", plan, "one", expect=2), 2)
    assert repo.git("rev-parse", f"orch/{plan}") == tip


# -- which plan ------------------------------------------------------------------------------------


def test_an_unknown_plan_is_not_found(repo: Repo) -> None:
    """S1-202."""
    for command in ("exec", "show", "rollback", "log", "diff", "status"):
        assert "git orch ls" in failure(repo.orch(command, "PLAN-none", expect=5), 5)
    assert 'git orch plan "what to do"' in failure(repo.orch("exec", expect=5), 5)


def test_an_ambiguous_plan_lists_the_candidates(repo: Repo) -> None:
    plans = [repo.plan(writing("a.txt")) for _ in range(2)]
    for args in (["exec", "write-files"], ["exec"], ["show"], ["rollback"]):
        said = failure(repo.orch(*args, expect=5), 5)
        assert all(repo.handle(plan) in said for plan in plans)
    repo.orch("exec", plans[0])
    assert repo.step_states(plans[1]) == ["pending"]


# -- which repository ------------------------------------------------------------------------------


def test_outside_of_a_repository_every_command_says_so(tmp_path: Path) -> None:
    """S1-200: without a repository nothing is done, and the message says what is missing."""
    outside = Repo(tmp_path)
    for command in ("ls", "status", "exec", "show", "rollback", "log", "diff"):
        assert "not in a git repository" in failure(outside.orch(command, expect=128), 128)
    said = failure(outside.orch("plan", "--from", "-", stdin="{}", expect=128), 128)
    assert "hint: git init" in said


def _unborn(repo: Repo) -> Repo:
    repo.git("checkout", "-q", "--orphan", "new")
    repo.git("rm", "-rqf", ".")
    return repo


def _detached(repo: Repo) -> Repo:
    repo.git("checkout", "-q", "--detach")
    return repo


def _bare(repo: Repo) -> Repo:
    repo.git("clone", "-q", "--bare", ".", "../bare.git")
    return Repo(repo.path.parent / "bare.git")


def _shallow(repo: Repo) -> Repo:
    repo.commit({"b": "b\n"})
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", "../shallow")
    return Repo(repo.path.parent / "shallow")


def _linked(repo: Repo) -> Repo:
    repo.git("worktree", "add", "-q", "../linked", "-b", "side")
    return Repo(repo.path.parent / "linked")


def _submodule(repo: Repo) -> Repo:
    repo.git("clone", "-q", ".", "../outer")
    outer = Repo(repo.path.parent / "outer")
    outer.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo.path), "inner"
    )
    return Repo(outer.path / "inner")


def _with_submodule(repo: Repo) -> Repo:
    return Repo(_submodule(repo).path.parent)


def _sparse(repo: Repo) -> Repo:
    repo.commit({"in/a": "a\n", "out/b": "b\n"})
    repo.git("sparse-checkout", "set", "in")
    return repo


def _merging(repo: Repo) -> Repo:
    repo.git("checkout", "-qb", "other")
    repo.commit({"README.md": "other\n"})
    repo.git("checkout", "-q", "main")
    repo.commit({"README.md": "mine\n"})
    repo.git("merge", "other", expect=1)
    return repo


def _rebasing(repo: Repo) -> Repo:
    repo.git("checkout", "-qb", "other")
    repo.commit({"README.md": "other\n"})
    repo.git("checkout", "-q", "main")
    repo.commit({"README.md": "mine\n"})
    repo.git("rebase", "other", expect=1)
    return repo


def _index_locked(repo: Repo) -> Repo:
    (repo.path / ".git/index.lock").touch()
    return repo


def _refs_locked(repo: Repo) -> Repo:
    (repo.path / ".git/packed-refs.lock").touch()
    (repo.path / ".git/HEAD.lock").touch()
    return repo


@pytest.mark.parametrize(
    "made",
    [
        _unborn, _detached, _bare, _shallow, _linked, _submodule, _with_submodule, _sparse,
        _merging, _rebasing, _index_locked, _refs_locked,
    ],
)  # fmt: skip
def test_a_plan_runs_in_an_odd_repository_and_leaves_it_as_it_was(
    repo: Repo, made: object, request: pytest.FixtureRequest
) -> None:
    """S1-188: unborn, detached, bare, shallow, linked, submodule, sparse, mid-merge, mid-rebase,
    locked index.
    """
    assert callable(made)
    odd: Repo = made(repo)
    bare = made is _bare
    if not bare:
        odd.write({"untracked.txt": "mine\n"})
    before = [] if bare else standing(odd)
    plan = odd.plan(writing("a.txt"))
    odd.orch("exec")
    odd.orch("rollback", plan)
    odd.orch("rollback", "--undo", plan)
    assert odd.step_states(plan) == ["done"]
    assert odd.git("show", f"orch/{plan}:a.txt") == "a.txt"
    assert before == ([] if bare else standing(odd))


def test_uncommitted_files_cannot_come_from_a_bare_repository(repo: Repo) -> None:
    bare = _bare(repo)
    said = failure(
        bare.orch(
            "plan",
            "--from",
            "-",
            "--include-dirty",
            stdin=LIST,
            expect=128,
        ),
        128,
    )
    assert "bare" in said
    assert bare.orch("ls").stdout == ""


def test_a_branch_named_orch_is_refused_with_the_command_that_renames_it(repo: Repo) -> None:
    repo.git("branch", "orch")
    done = repo.orch("plan", "--from", "-", stdin=LIST, expect=128)
    hint = failure(done, 128).splitlines()[1].removeprefix("hint: ")
    repo.git(*hint.split()[1:])
    repo.plan(writing("a.txt"))
    assert repo.git("branch", "--list", "orch-branch").strip() == "orch-branch"


def test_an_unknown_base_is_refused(repo: Repo) -> None:
    for base in ("nowhere", "--all", "HEAD:README.md", ""):
        done = repo.orch(
            "plan",
            "--from",
            "-",
            f"--base={base}",
            stdin=LIST,
            expect=128,
        )
        assert "names no commit" in failure(done, 128)


def test_a_repository_of_somebody_else_is_refused_as_git_does(repo: Repo, tmp_path: Path) -> None:
    """The program in front of git makes every repository look like another user's, whoever runs
    this.
    """
    _in_front(tmp_path, 'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec "$GIT" "$@"')
    done = repo.orch("ls", expect=128, env=_path(tmp_path))
    assert "safe.directory" in failure(done, 128)


def _in_front(directory: Path, script: str) -> None:
    (directory / "git").write_text(f"#!/bin/sh\nGIT={shutil.which('git')}\n{script}\n")
    (directory / "git").chmod(0o755)


def _path(directory: Path) -> dict[str, str]:
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


def test_no_git_on_the_path_is_said(repo: Repo, tmp_path: Path) -> None:
    assert "git is not on PATH" in failure(
        repo.orch("ls", expect=128, env={"PATH": str(tmp_path / "none")}), 128
    )


@pytest.mark.parametrize(
    "script",
    [
        # git before 2.31 takes an unknown option of rev-parse for a word to print
        'case "$*" in *--path-format*) shift; for w in "$@"; do echo "$w"; done;; *) exec "$GIT" "$@";; esac',
        # git before 2.36 has no `cat-file --batch-command`
        'case "$*" in *--batch-command*) echo "error: unknown option" >&2; exit 129;; *) exec "$GIT" "$@";; esac',
    ],
    ids=["2.30", "2.35"],
)
def test_a_git_that_is_too_old_is_named(repo: Repo, tmp_path: Path, script: str) -> None:
    plan = repo.plan(writing("a.txt"))
    _in_front(tmp_path, script)
    said = failure(repo.orch("exec", plan, expect=128, env=_path(tmp_path)), 128)
    assert "too old" in said
    assert "hint: git --version" in said


def test_a_directory_that_is_gone_is_said(repo: Repo) -> None:
    done = sh(repo, "mkdir gone && cd gone && rmdir ../gone && exec $ORCH ls")
    assert "current directory does not exist" in failure(done, 128)


def test_without_an_identity_nothing_begins(repo: Repo, hermetic: Path) -> None:
    """S1-185 as DESIGN has it: no identity is an error before anything starts."""
    plan = repo.plan(writing("a.txt"))
    before = repo.git("for-each-ref")
    config = (hermetic / ".gitconfig").read_text()
    (hermetic / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n")
    document = LIST
    for args, stdin in (
        (["exec", plan], ""),
        (["rollback", plan], ""),
        (["plan", "--from", "-"], document),
        (["plan", "do it"], ""),
    ):
        done = repo.orch(
            *args,
            stdin=stdin,
            expect=128,
            env={"ANTHROPIC_API_KEY": "none", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"},
        )
        assert "git config --global user.name" in failure(done, 128)
    assert repo.git("for-each-ref") == before
    repo.orch("ls")
    (hermetic / ".gitconfig").write_text(config)
    repo.orch("exec", plan)


def test_an_identity_of_the_command_line_or_the_environment_is_enough(
    repo: Repo, hermetic: Path
) -> None:
    (hermetic / ".gitconfig").write_text("")
    given = {
        f"GIT_{who}_{what}": f"{who}-{what}@x"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    plan = repo.orch(
        "plan", "--from", "-", stdin='{"title":"T","steps":[{"title":"A","run":"true"}]}', env=given
    ).stdout.split()[0]
    assert (
        repo.git("log", "-1", "--format=%an %cn", f"orch/{plan}")
        == "AUTHOR-NAME@x COMMITTER-NAME@x"
    )


# -- disks and locks -------------------------------------------------------------------------------


def test_a_read_only_repository_can_be_read_and_refuses_to_be_written(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    frozen = (
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--ro-bind",
        str(repo.path),
        str(repo.path),
        "--chdir",
        str(repo.path),
    )
    for command in ("ls", "status", "show", "log", "diff", "exec --dry-run"):
        assert sh(repo, f"$ORCH {command}", *frozen).returncode == 0
    for command in ("exec", "rollback", "plan --from plan.json"):
        repo.write({"plan.json": LIST})
        assert "ead-only file system" in failure(sh(repo, f"$ORCH {command}", *frozen), 128)
    repo.orch("exec", plan)


def test_a_home_that_cannot_be_written_is_said(repo: Repo, hermetic: Path) -> None:
    plan = repo.plan(writing("a.txt"))
    frozen = (
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--ro-bind",
        str(hermetic),
        str(hermetic),
        "--chdir",
        str(repo.path),
    )
    assert str(hermetic) in failure(sh(repo, "$ORCH exec", *frozen), 128)
    repo.orch("exec", plan)


def test_a_full_disk_stops_a_run_that_goes_on_with_more_space(repo: Repo, tmp_path: Path) -> None:
    """The repository is copied onto a small disk; what is left of it grows until the plan is done."""
    plan = repo.plan(writing("a.txt", "b.txt"))
    disk = repo.path  # what was made there may run there
    copy = tmp_path / "copy"
    shutil.copytree(repo.path, copy, symlinks=True)
    script = f"""
        cp -a {copy}/. {disk}; cd {disk}; head -c 9M /dev/zero >.git/ballast 2>/dev/null
        for kib in 0 12 12 12 12; do
            truncate -s -${{kib}}k .git/ballast
            $ORCH exec $PLAN >/dev/null 2>../said; echo "$? $(grep -c -e ^error: -e ^hint: -e Traceback ../said)"
        done
        rm .git/ballast; $ORCH exec $PLAN >/dev/null 2>&1; git fsck --strict --no-dangling && $ORCH show --json $PLAN
    """
    small = ("bwrap", "--dev-bind", "/", "/", "--size", str(1 << 20), "--tmpfs", str(disk))
    done = sh(repo, script, *small, env={"PLAN": plan})
    lines = done.stdout.splitlines()
    assert lines[:2] == ["128 2"] * 2, done
    assert set(lines[:5]) <= {"128 2", "0 0"}, done
    assert done.stdout.count('"state": "done"') == 2


def test_a_result_that_cannot_be_printed_is_an_error(repo: Repo) -> None:
    repo.plan(writing("a.txt"))
    assert "disk is full" in failure(sh(repo, "$ORCH show >/dev/full"), 128)
    assert sh(repo, "$ORCH show >&-").returncode == 128
    assert sh(repo, "$ORCH show >/dev/full 2>/dev/full").returncode == 128


def test_a_locked_branch_is_busy_and_the_step_lands_later(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    lock = repo.path / f".git/refs/heads/orch/{plan}.lock"
    with locks.held(lock):
        said = failure(repo.orch("exec", expect=6), 6)
    assert str(lock) in said.splitlines()[-2]
    assert f"ls -l {lock}" in said
    assert lock.exists()
    lock.unlink()
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_a_locked_log_is_busy_and_nothing_has_moved(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    lock = repo.path / f".git/refs/notes/orch/{plan}.lock"
    repo.git("config", "core.filesRefLockTimeout", "0")
    before = repo.git("for-each-ref")
    with locks.held(lock):
        assert str(lock) in failure(repo.orch("exec", expect=6), 6)
    assert repo.git("for-each-ref") == before
    lock.unlink()
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]


@pytest.mark.parametrize("command", ["ls", "-h", "diff", "show --json"])
def test_a_reader_that_goes_away_ends_a_command_quietly(repo: Repo, command: str) -> None:
    repo.plan(writing("a.txt"))
    repo.orch("exec")
    plan = repo.git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/orch").strip()
    name = plan if command in ("diff", "show --json") else ""
    done = sh(repo, f"{{ $ORCH {command} {name}; echo $? >&2; }} | true")
    assert done.stderr == "141\n"


# -- what somebody damaged -------------------------------------------------------------------------


def _note(repo: Repo, plan: str, text: str) -> None:
    """Put a text in place of the note of the cover commit, as anybody who can push could."""
    cover = repo.git("rev-parse", f"orch/{plan}")
    repo.git("notes", f"--ref=orch/{plan}", "add", "-f", "-F", "-", cover, stdin=text)


def test_lines_of_the_log_that_are_damaged_are_counted_and_the_plan_runs(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    lines = repo.git("notes", f"--ref=orch/{plan}", "show", f"orch/{plan}")
    _note(repo, plan, f'{lines}\n{{"id": "01\n[]\nnull\n{"[" * 5000}\n\\xff\n')
    assert "lines of the log cannot be read" in repo.orch("show", plan).stdout
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]


@pytest.mark.parametrize(
    ("old", "new"),
    [('"steps":[', '"steps":[[],'), ('"a.txt"', '"../../x"')],
    ids=["shape", "path"],
)
def test_a_hostile_plan_in_a_log_is_not_run_and_hides_no_other_plan(
    repo: Repo, old: str, new: str
) -> None:
    evil, good = repo.plan(writing("a.txt")), repo.plan(writing("b.txt"))
    lines = repo.git("notes", f"--ref=orch/{evil}", "show", f"orch/{evil}")
    assert old in lines
    _note(repo, evil, lines.replace(old, new))
    assert "holds no plan" in failure(repo.orch("exec", evil, expect=5), 5)
    assert good in repo.orch("ls", "--json").stdout
    repo.orch("exec", good)
    assert not (repo.path.parent / "x").exists()


def test_a_missing_object_is_named_and_writes_nothing(repo: Repo) -> None:
    plan, other = repo.plan(writing("a.txt")), repo.plan(writing("b.txt"))
    blob = repo.git("ls-tree", "-r", f"refs/notes/orch/{plan}").split()[2]
    place = repo.loose(blob)
    kept = place.read_bytes()
    place.unlink()
    before = repo.git("for-each-ref")
    assert f"object '{blob[:12]}' is missing" in failure(repo.orch("exec", plan, expect=128), 128)
    assert repo.git("for-each-ref") == before
    assert other in repo.orch("ls", "--json").stdout
    place.write_bytes(kept)
    repo.orch("exec", plan)


# -- the ways git starts us ------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which `git orch` is this git-orch."""
    directory = tmp_path_factory.mktemp("bin")
    (directory / "git-orch").write_text(f'#!/bin/sh\nexec {ORCH} "$@"\n')
    (directory / "git-orch").chmod(0o755)
    return _path(directory)


def test_git_starts_it_in_every_way_git_starts_a_command(
    repo: Repo, installed: dict[str, str]
) -> None:
    """S1-188: as a command, with -C, --git-dir, as an alias, as a shell alias in a subdirectory,
    with GIT_DIR set.
    """
    plan = repo.plan(writing("a.txt"))
    repo.write({"sub/plan.json": '{"title":"Sub","steps":[{"title":"A","run":"true"}]}'})
    repo.git("config", "alias.o", "orch")
    repo.git("config", "alias.lsp", "!git orch ls")
    short = repo.handle(plan)
    ways = """git orch ls
        git -C sub orch ls
        cd sub && git o ls
        cd sub && git lsp
        cd .git && git orch ls
        cd / && git -C $REPO orch ls
        cd / && git --git-dir=$REPO/.git orch ls
        cd / && GIT_DIR=$REPO/.git git orch ls
        GIT_DIR=.git GIT_INDEX_FILE=/nowhere/index git orch ls
        GIT_INDEX_FILE=.git/other git orch ls""".splitlines()
    script = "\n".join(f"({way}) || echo failed: {shlex.quote(way)}" for way in ways)
    done = sh(repo, script, env=installed | {"REPO": str(repo.path)})
    assert [line.split()[0] for line in done.stdout.splitlines()] == [short] * len(ways), done
    assert sh(repo, "cd sub && git o plan --from plan.json", env=installed).returncode == 0


def test_a_hook_of_the_user_can_start_a_run_without_leaking_its_index(
    repo: Repo, installed: dict[str, str]
) -> None:
    plan = repo.plan(writing("a.txt"))
    hook = repo.path / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\ngit orch exec >/dev/null 2>.git/said || exit 1\n")
    hook.chmod(0o755)
    repo.write({"mine.txt": "mine\n", "not-mine.txt": "x\n"})
    done = sh(
        repo, "git add mine.txt && git commit -q -m mine -- mine.txt README.md", env=installed
    )
    assert done.returncode == 0, done.stderr + (repo.path / ".git/said").read_text()
    assert repo.git("ls-tree", "--name-only", "HEAD").split() == ["README.md", "mine.txt"]
    assert repo.git("ls-tree", "--name-only", f"orch/{plan}").split() == ["README.md", "a.txt"]
    assert repo.git("status", "--porcelain") == "?? not-mine.txt"


def test_configuration_of_the_command_line_is_honoured(
    repo: Repo, installed: dict[str, str]
) -> None:
    repo.write({"plan.json": '{"title":"T","steps":[{"title":"A","run":"true"}]}'})
    done = sh(
        repo,
        "git -c user.name=Grace orch plan --from plan.json && git -c user.name=Grace orch exec",
        env=installed,
    )
    assert done.returncode == 0, done.stderr
    plan = done.stdout.split()[0]
    assert repo.git("log", "-2", "--format=%an", f"orch/{plan}") == "Grace\nGrace"


def test_a_directory_with_a_line_break_is_refused(repo: Repo) -> None:
    odd = Repo(repo.path.rename(repo.path.parent / "a\nb"))
    assert "line break" in failure(odd.orch("ls", expect=128), 128)


@pytest.mark.parametrize("name", ["it's", "ä\u2028\x85", "-tab\there"])
def test_any_other_directory_name_works(repo: Repo, name: str) -> None:
    odd = Repo(repo.path.rename(repo.path.parent / name))
    plan = odd.plan(writing("a.txt"))
    odd.orch("exec")
    odd.orch("rollback", plan)
    assert odd.step_states(plan) == ["pending"]
