"""What steps and checks mean: what lands, what stops a plan, what no command can see or leave
behind.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Repo, data, writing

PLAIN = {"shell": "plain"}


def one(**step: object) -> dict[str, Any]:
    """A plan of one step."""
    return {"title": "One", "steps": [{"title": "Do it", **step}]}


def shown(repo: Repo, plan: str, number: int = 1) -> dict[str, Any]:
    """A step as `show --json` prints it."""
    step: dict[str, Any] = repo.status(plan)["steps"][number - 1]
    return step


def attempts(repo: Repo, plan: str) -> list[dict[str, Any]]:
    """Every attempt, as `show --attempts --json` prints them."""
    document: dict[str, Any] = data(repo.orch("show", plan, "--attempts", "--json").stdout)
    found: list[dict[str, Any]] = document["attempts"]
    return found


def tree(repo: Repo, revision: str) -> list[str]:
    """The paths in a commit."""
    return repo.git("ls-tree", "-r", "--name-only", revision).splitlines()


def left_behind(home: Path) -> list[Path]:
    """Worktrees of git-orch that are still there."""
    return list((home / ".local/state/git-orch/worktrees").glob("*/*"))


# -- files steps -----------------------------------------------------------------------------------


def test_a_files_step_may_write_a_path_as_deep_as_the_system_has_them(repo: Repo) -> None:
    path = f"{'d/' * 1_500}file"
    plan = repo.plan(one(files={path: "x"}))
    repo.orch("exec")
    assert tree(repo, f"orch/{plan}") == ["README.md", path]


def test_a_files_step_writes_makes_executable_deletes_and_nests(repo: Repo) -> None:
    files = {
        "deep/er/new.txt": "é\r\nno end",
        "run.sh": {"content": "#!/bin/sh\n", "executable": True},
        "empty": "",
        "README.md": None,
        "sp ace/ü.txt": "x",
    }
    plan = repo.plan(one(files=files))
    repo.orch("exec")
    listed = repo.git("-c", "core.quotePath=false", "ls-tree", "-r", f"orch/{plan}")
    assert {line.split("\t")[1]: line.split()[0] for line in listed.splitlines()} == {
        "deep/er/new.txt": "100644", "empty": "100644", "run.sh": "100755",
        "sp ace/ü.txt": "100644",
    }  # fmt: skip
    assert repo.git("cat-file", "-s", f"orch/{plan}:deep/er/new.txt") == str(
        len("é\r\nno end".encode())
    )
    assert (repo.path / "README.md").exists()


@pytest.mark.parametrize("sees_all_itself", [True, False], ids=["known-paths", "worktree"])
def test_text_over_a_program_leaves_it_one_unless_the_plan_says_so(
    repo: Repo,
    sees_all_itself: bool,  # noqa: FBT001
) -> None:
    repo.commit({"kept.sh": "old\n", "cleared.sh": "old\n"})
    repo.git("update-index", "--chmod=+x", "kept.sh", "cleared.sh")
    repo.git("commit", "-q", "-m", "programs")
    repo.git("config", "core.ignorecase", str(not sees_all_itself).lower())
    cleared = {"content": "new\n", "executable": False}
    plan = repo.plan(one(files={"kept.sh": "new\n", "cleared.sh": cleared, "new.sh": "new\n"}))
    repo.orch("exec")
    listed = repo.git("ls-tree", "-r", f"orch/{plan}").splitlines()
    modes = {line.split("\t")[1]: line.split()[0] for line in listed}
    assert (modes["kept.sh"], modes["cleared.sh"], modes["new.sh"]) == (
        "100755",
        "100644",
        "100644",
    )


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", ".git/config", "a/../../x", "sub/.GIT/hooks/x", "C:\\x", ""]
)
def test_a_path_outside_of_the_tree_is_refused_when_the_plan_is_made(repo: Repo, path: str) -> None:
    done = repo.orch("plan", "--from", "-", stdin=json.dumps(one(files={path: "x"})), expect=2)
    assert "step 1, file" in done.stderr
    assert repo.git("for-each-ref", "refs/heads/orch") == ""


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({"out/x": "x"}, 1, "leads out of the worktree"),
        ({"git/x": "x"}, 1, "belongs to git"),
        ({"README.md/x": "x"}, 1, "not a regular file"),
        ({"absent": None}, 1, "cannot delete 'absent'"),
        ({"dir": "x"}, 1, "not a regular file"),
    ],
    ids=["link-out", "link-to-git", "file-as-directory", "delete-absent", "directory"],
)
def test_a_file_that_cannot_be_written_fails_the_step(
    repo: Repo, tmp_path: Path, files: dict[str, str | None], code: int, said: str
) -> None:
    (repo.path / "out").symlink_to(tmp_path)
    (repo.path / "git").symlink_to(".git")
    repo.commit({"dir/a": "a\n"})
    plan = repo.plan(one(files=files))
    done = repo.orch("exec", expect=code)
    assert said in done.stderr
    assert shown(repo, plan)["state"] == "failed"
    assert not (tmp_path / "x").exists()


# -- run steps -------------------------------------------------------------------------------------


def test_a_command_line_runs_as_it_is_or_in_bash(repo: Repo) -> None:
    steps = [
        {
            "title": "As it is",
            "argv": ["sh", "-c", 'printf "%s|" "$@" > argv', "sh", "$HOME", "a b", ""],
        },
        {
            "title": "In bash",
            "run": "x=(1 2 3); echo ${#x[@]} $0 > shell && pwd > pwd; umask > /dev/null | cat",
        },
    ]
    plan = repo.plan({"title": "Two", "steps": steps})
    repo.orch("exec")
    assert repo.git("show", f"orch/{plan}:argv") == "$HOME|a b||"
    assert repo.git("show", f"orch/{plan}:shell") == "3 /usr/bin/bash"
    assert repo.git("show", f"orch/{plan}:pwd") == str(repo.path)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"run": "echo trouble; exit 3"}, "exited 3: trouble"),
        ({"run": "kill -9 $$"}, "exited 137 (signal 9)"),
        ({"run": "echo before; sleep 60", "timeout": 1}, "was stopped: timeout after 1s: before"),
        ({"argv": ["no-such-program"]}, "exited 127: no-such-program: command not found"),
        ({"argv": ["./README.md"]}, "exited 126"),
        ({"run": "if"}, "exited 2"),
    ],
    ids=["status", "signal", "timeout", "missing", "not-executable", "syntax"],
)
def test_a_command_that_fails_fails_the_step_and_says_how(
    repo: Repo, step: dict[str, Any], said: str
) -> None:
    plan = repo.plan(one(**step))
    done = repo.orch("exec", expect=1)
    assert said in shown(repo, plan)["error"]
    assert [line.split()[0] for line in done.stderr.splitlines()[-2:]] == ["error:", "hint:"]
    assert tree(repo, f"orch/{plan}") == ["README.md"]


def test_a_flood_of_output_stops_the_command_and_is_kept_in_part(repo: Repo) -> None:
    plan = repo.plan(one(run="yes flood"))
    repo.orch("exec", expect=1)
    error = shown(repo, plan)["error"]
    assert "bytes of output" in error
    assert len(error) < 5000
    assert (repo.path / ".git").stat().st_size < 1 << 20
    outputs = list((repo.path / ".git/orch/output").glob("*/*.txt"))
    assert [path.stat().st_size <= 10 * 1024 * 1024 for path in outputs] == [True]


def test_no_secret_of_the_environment_reaches_a_command_or_a_file(
    repo: Repo, hermetic: Path
) -> None:
    """S1-143: API keys are not visible to commands, and nothing that is written down holds one."""
    secrets = {
        "ANTHROPIC_API_KEY": "sk-ant-canary-0123456789abcdef",
        "GITHUB_TOKEN": "ghp_canary0123456789abcdefABCDEF",
        "MY_PASSWORD": "correct-horse-battery",
    }
    document = one(
        run="env > env.txt; cat /proc/$PPID/environ > parent.txt 2>/dev/null; echo [$ANTHROPIC_API_KEY$GITHUB_TOKEN]",
        checks=[{"command": 'env; test -z "${ANTHROPIC_API_KEY:-}${MY_PASSWORD:-}"'}],
        **PLAIN,
    )
    plan = repo.orch("plan", "--from", "-", stdin=json.dumps(document), env=secrets).stdout.split()[
        0
    ]
    said = repo.orch("exec", env=secrets)
    text = "".join(
        [
            said.stdout,
            said.stderr,
            repo.orch("show", plan, "--json").stdout,
            repo.orch("log", plan).stdout,
        ]
    )
    text += repo.git("log", "-p", "--all", "--format=%B%N", f"--notes=orch/{plan}")
    for root in (repo.path / ".git/orch", hermetic / ".local"):
        text += "".join(
            path.read_text("utf-8", "replace") for path in root.rglob("*") if path.is_file()
        )
    assert [name for name, value in secrets.items() if value in text] == []
    assert "HOME=" in repo.git("show", f"orch/{plan}:env.txt")


def test_a_secret_in_the_output_is_redacted_in_everything_that_enters_git(repo: Repo) -> None:
    key = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz"
    secrets = {"DEPLOY_TOKEN": "tr0ub4dor-and-3"}
    steps = [
        {"title": "Checked", "run": "true", "checks": [{"command": "cat leak"}]},
        {"title": "Failing", "run": "cat leak; exit 1"},
    ]
    document = {"title": "Leaks", "steps": steps}
    repo.commit({"leak": f"{key} tr0ub4dor-and-3\n"})
    plan = repo.orch("plan", "--from", "-", stdin=json.dumps(document), env=secrets).stdout.split()[
        0
    ]
    done = repo.orch("exec", env=secrets, expect=1)
    text = done.stderr + repo.git("notes", f"--ref=orch/{plan}", "show", f"orch/{plan}")
    text += repo.orch("log", plan, "--json").stdout + repo.git("log", "--format=%B", f"orch/{plan}")
    assert key not in text
    assert "tr0ub4dor-and-3" not in text
    assert text.count("[redacted]") >= 4


# -- checks ----------------------------------------------------------------------------------------


def test_a_check_passes_when_the_exit_status_is_the_expected_one(repo: Repo) -> None:
    """S1-168: the status is compared with expected_exit, also when that is not zero; S1-169: the
    output is stored.
    """
    checks = [
        {"type": "unit", "command": "echo out; echo err >&2; exit 3", "expected_exit": 3},
        {"type": "run", "argv": ["test", "-f", "a.txt"]},
        {"type": "compile", "command": "kill -9 $$"},
    ]
    plan = repo.plan(one(files={"a.txt": "a\n"}, checks=checks))
    repo.orch("exec", expect=1)
    found = shown(repo, plan)["checks"]
    assert [(each["exit"], each["passed"]) for each in found] == [
        (3, True),
        (0, True),
        (137, False),
    ]
    assert found[0]["output"] == "out\nerr"
    assert found[2]["result"] == "exited 137 (signal 9)"
    assert shown(repo, plan)["error"] == "check 'kill -9 $$' exited 137 (signal 9)"


def test_a_check_with_an_unexpected_status_fails_and_says_what_was_expected(repo: Repo) -> None:
    plan = repo.plan(one(files={"a.txt": "a\n"}, checks=[{"command": "true", "expected_exit": 3}]))
    repo.orch("exec", expect=1)
    assert shown(repo, plan)["error"] == "check 'true' exited 0, expected 3"


def test_the_timeout_of_a_check_is_its_own_in_both_directions(repo: Repo) -> None:
    """S1-174: a check that takes longer than its timeout is stopped, one with a larger timeout
    passes.
    """
    checks = [{"command": "sleep 1.2", "timeout": 20}, {"command": "sleep 1.2", "timeout": 1}]
    plan = repo.plan(one(files={"a.txt": "a\n"}, checks=checks))
    repo.orch("exec", expect=1)
    assert [each["passed"] for each in shown(repo, plan)["checks"]] == [True, False]
    assert shown(repo, plan)["error"] == "check 'sleep 1.2' was stopped: timeout after 1s"


@pytest.mark.usefixtures("unsandboxed")
@pytest.mark.parametrize(
    "change",
    [
        "echo changed > a.txt",
        "rm a.txt README.md",
        "echo new > new.txt",
        "echo new > new.txt; git add new.txt",
        "git rm -q --cached a.txt",
        "chmod +x a.txt",
        "echo new > a.txt; git -c user.name=x -c user.email=x@x commit -qam mine",
        "git checkout -q --detach HEAD^; rm -f a.txt",
    ],
)
def test_what_a_check_changes_is_reported_put_back_and_does_not_land(
    repo: Repo, change: str
) -> None:
    intact = 'test "$(cat a.txt)" = a && test ! -x a.txt && test ! -e new.txt && test -f README.md'
    steps = [
        {
            "title": "A",
            "files": {"a.txt": "a\n"},
            "checks": [{"command": change}, {"command": intact}],
        },
        {"title": "B", "run": intact, "depends_on": [1]},
    ]
    plan = repo.plan({"title": "Disturbed", "steps": steps})
    repo.orch("exec")
    assert re.search(
        r"\[the check changed .*(a|new)\.txt.*: reverted\]",
        shown(repo, plan)["checks"][0]["output"],
    )
    assert tree(repo, f"orch/{plan}") == tree(repo, f"orch/{plan}^") == ["README.md", "a.txt"]
    assert repo.git("log", "--format=%s", f"orch/{plan}").splitlines() == [
        "B",
        "A",
        "plan: Disturbed",
        "first",
    ]


QUIET: dict[str, Any] = {"title": "Quiet", "run": "true", "checks": [{"command": "true"}]}
# Another content of the same size, and everything that a command can set as it was.
UNSEEN = "cp -p README.md /tmp/old; tr a-z A-Z < /tmp/old > README.md; touch -r /tmp/old README.md"


def test_a_step_after_quiet_ones_lands_what_it_hid(repo: Repo) -> None:
    steps = [QUIET, QUIET, {"title": "Hide", "run": UNSEEN, "depends_on": [2]}]
    plan = repo.plan({"title": "Quiet", "steps": steps})
    before = repo.git("show", "HEAD:README.md")
    repo.orch("exec")
    assert repo.git("show", f"orch/{plan}:README.md") == before.upper() != before


def test_a_check_after_quiet_ones_that_hides_what_it_changed_is_reported(repo: Repo) -> None:
    last = {
        "title": "Hide",
        "run": "true",
        "checks": [{"command": UNSEEN}, {"command": "grep -q '[a-z]' README.md"}],
        "depends_on": [2],
    }
    plan = repo.plan({"title": "Quiet", "steps": [QUIET, QUIET, last]})
    repo.orch("exec")
    assert "changed README.md: reverted" in shown(repo, plan, 3)["checks"][0]["output"]


def test_ignored_files_after_quiet_steps_do_not_reach_the_next(repo: Repo) -> None:
    repo.commit({".gitignore": "*.o\n"})
    plant = {"title": "Plant", "run": "true", "checks": [{"command": "touch planted.o"}]}
    steps = [QUIET, QUIET, plant, {"title": "Rely", "run": "test ! -e planted.o"}]
    for number, step in enumerate(steps[1:], 1):
        steps[number] = {**step, "depends_on": [number]}
    plan = repo.plan({"title": "Quiet", "steps": steps})
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"] * 4


def test_ignored_files_of_one_step_do_not_make_a_later_check_pass(repo: Repo) -> None:
    repo.commit({".gitignore": "*.o\nbuild/\n"})
    steps = [
        {"title": "Plant", "run": "touch planted.o; mkdir build; git init -q build/nested; echo x > x.txt",
         "checks": [{"command": "test -f x.txt"}]},
        {"title": "Rely on it", "files": {"y.txt": "y\n"}, "depends_on": [1],
         "checks": [{"command": "test -f planted.o"}]},
    ]  # fmt: skip
    plan = repo.plan({"title": "Planted", "steps": steps})
    repo.orch("exec", expect=1)
    assert repo.step_states(plan) == ["done", "failed"]
    assert tree(repo, f"orch/{plan}") == [".gitignore", "README.md", "x.txt"]


# -- the order, and failures -----------------------------------------------------------------------


@pytest.mark.usefixtures("unsandboxed")
def test_a_failing_check_stops_the_plan_and_a_second_exec_goes_on(
    repo: Repo, tmp_path: Path
) -> None:
    """S1-007, S1-149, S1-150, S1-155, S1-170: later steps are not started, done ones are not done
    again.
    """
    count, ready = tmp_path / "count", tmp_path / "ready"
    steps = [
        {
            "title": str(number),
            "run": f"echo {number} >> {count}; echo {number} > f{number}",
            "depends_on": needs,
        }
        for number, needs in ((1, []), (2, [1]), (3, [2]))
    ]
    steps[1]["checks"] = [{"command": f"test -f {ready}"}]
    plan = repo.plan({"title": "Three", "steps": steps})
    done = repo.orch("exec", expect=1)
    assert "error: step 2 failed: check 'test -f" in done.stderr
    assert f"hint: git orch show {repo.handle(plan)} --attempts" in done.stderr
    assert repo.step_states(plan) == ["done", "failed", "pending"]
    assert repo.status(plan)["state"] == "FAILED"
    assert tree(repo, f"orch/{plan}") == ["README.md", "f1"]
    ready.touch()
    repo.orch("exec")
    repo.orch("exec", plan)
    assert count.read_text().split() == ["1", "2", "2", "3"]
    assert repo.step_states(plan) == ["done"] * 3


def test_the_message_of_a_kept_attempt_says_why_it_failed(repo: Repo) -> None:
    plan = repo.plan(one(run="echo half > half.txt", checks=[{"command": "test -f other.txt"}]))
    repo.orch("exec", expect=1)
    [attempt] = attempts(repo, plan)
    message = repo.git("log", "-1", "--format=%B", attempt["commit"])
    assert "\nFAILED: check 'test -f other.txt' exited 1\n" in message


def test_a_failed_attempt_can_be_looked_at(repo: Repo, hermetic: Path) -> None:
    plan = repo.plan(one(run="echo half > half.txt; exit 1"))
    repo.orch("exec", expect=1)
    repo.orch("exec", expect=1)
    found = attempts(repo, plan)
    assert [each["outcome"] for each in found] == ["failed", "failed"]
    shows = repo.orch("show", plan, "--attempts").stdout
    for each in found:
        assert each["commit"][:10] in shows
        assert "+half" in repo.git("show", each["commit"])
    repo.git("reflog", "expire", "--expire=all", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert repo.git("show", f"{found[0]['commit']}:half.txt") == "half"
    assert left_behind(hermetic) == []


def test_steps_run_in_the_order_of_their_dependencies(repo: Repo) -> None:
    steps = [
        {"title": "Last", "run": "cat one two > both", "depends_on": [2, 3]},
        {"title": "Second", "run": "cp one two", "depends_on": [3]},
        {"title": "First", "run": "echo 1 > one"},
    ]
    plan = repo.plan({"title": "Ordered", "steps": steps})
    repo.orch("exec")
    assert repo.git("log", "-3", "--format=%s", f"orch/{plan}").splitlines() == [
        "Last",
        "Second",
        "First",
    ]


def test_a_step_without_a_change_lands_as_an_empty_commit(repo: Repo) -> None:
    plan = repo.plan(one(run="true"))
    repo.orch("exec")
    assert repo.git("diff", f"orch/{plan}^", f"orch/{plan}") == ""
    assert repo.git("log", "-1", "--format=%s", f"orch/{plan}") == "Do it"
    assert repo.step_states(plan) == ["done"]


def test_a_dry_run_changes_nothing(repo: Repo, hermetic: Path) -> None:
    """S1-091: a preview names every file, command and check, and applies nothing."""
    steps = [
        {"title": "A", "files": {"a.txt": "a\n", "README.md": None}},
        {"title": "B", "run": "echo b > b"},
    ]
    plan = repo.plan({"title": "T", "steps": steps})
    before = [
        repo.git("for-each-ref"),
        repo.git("count-objects", "-v"),
        repo.git("status", "--porcelain"),
    ]
    said = repo.orch("exec", "--dry-run", plan).stdout
    assert all(line in said for line in ("write a.txt", "delete README.md", "run   echo b > b"))
    assert before == [
        repo.git("for-each-ref"),
        repo.git("count-objects", "-v"),
        repo.git("status", "--porcelain"),
    ]
    assert left_behind(hermetic) == []


# -- what commands may try -------------------------------------------------------------------------


@pytest.mark.usefixtures("unsandboxed")
@pytest.mark.parametrize(
    ("run", "files"),
    [
        (
            "git -c user.name=x -c user.email=x@x commit -qm mine --allow-empty; echo x > x",
            ["README.md", "x"],
        ),
        (
            "echo x > x; git add x; git -c user.name=x -c user.email=x@x commit -qm mine",
            ["README.md", "x"],
        ),
        ("git checkout -q -b own; echo x > x", ["README.md", "x"]),
        ("git checkout -q main~0; echo x > x; git reset -q --hard; echo x > x", ["README.md", "x"]),
        ("rm -rf .git; echo x > x", ["README.md", "x"]),
        ("rm -rf .git; git init -q; echo x > x; git add x", ["README.md", "x"]),
        ("rm -rf .git; mkdir .git; echo x > x", ["README.md", "x"]),
        ("echo 'gitdir: /nowhere' > .git; echo x > x", ["README.md", "x"]),
        ("git stash -q; git worktree prune; git gc -q --prune=now; echo x > x", ["README.md", "x"]),
        ("rm -rf * .gitignore", []),
        ("ln -s README.md x; ln -s nowhere y; mkfifo z", ["README.md", "x", "y"]),
        ("mkdir -p d/e; echo x > x", ["README.md", "x"]),
    ],
)
def test_whatever_a_command_does_to_git_our_commit_lands_on_our_base(
    repo: Repo, run: str, files: list[str]
) -> None:
    steps = [{"title": "A", "run": run}, {"title": "B", "run": "true", "depends_on": [1]}]
    plan = repo.plan({"title": "Two", "steps": steps})
    repo.orch("exec")
    assert repo.git("log", "--format=%s %an", f"orch/{plan}").splitlines() == [
        "B Ada Tester", "A Ada Tester", "plan: Two Ada Tester", "first Ada Tester",
    ]  # fmt: skip
    assert tree(repo, f"orch/{plan}") == files
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


@pytest.mark.usefixtures("unsandboxed")
def test_a_step_that_removes_its_own_directory_fails_and_the_next_run_goes_on(
    repo: Repo, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    plan = repo.plan(one(run=f'test -e {again} || {{ touch {again}; rm -rf "$PWD"; }}'))
    done = repo.orch("exec", expect=None)
    assert done.returncode in (0, 1)
    if done.returncode:
        repo.orch("exec")
    assert repo.step_states(plan) == ["done"]


@pytest.mark.parametrize(
    "run", ["git init -q sub", "git clone -q . sub"], ids=["empty", "with-commits"]
)
def test_a_repository_made_inside_of_the_tree_fails_the_step(
    repo: Repo, run: str, hermetic: Path
) -> None:
    plan = repo.plan(one(run=run))
    repo.orch("exec", expect=1)
    assert "sub" in shown(repo, plan)["error"]
    assert tree(repo, f"orch/{plan}") == ["README.md"]
    assert left_behind(hermetic) == []


DEEP = """
import os
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
open("file", "w").close()
"""


@pytest.mark.parametrize("kind", ["ignored", "changed", "failed"])
def test_three_thousand_nested_directories_stop_neither_this_run_nor_the_next(
    repo: Repo, kind: str, hermetic: Path
) -> None:
    repo.commit({".gitignore": "d/\n" if kind == "ignored" else ""})
    deep = f"python3 -c {shlex.quote(DEEP)}"
    first = repo.plan(one(run=f"{deep}; {'false' if kind == 'failed' else 'touch made'}"))
    repo.orch("exec", first, expect=None)
    second = repo.plan(one(run="touch after"))
    repo.orch("exec", second)
    assert repo.step_states(second) == ["done"]
    assert left_behind(hermetic) == []
    assert tree(repo, f"orch/{second}") == [".gitignore", "README.md", "after"]


@pytest.mark.usefixtures("unsandboxed")
def test_a_daemon_that_a_step_leaves_is_dead_afterwards(repo: Repo, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    daemon = f"setsid sh -c 'echo $$ > {pid}; sleep 1000' >/dev/null 2>&1 &"
    plan = repo.plan(one(run=f"{daemon} while ! test -s {pid}; do :; done"))
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.usefixtures("unsandboxed")
def test_directories_that_cannot_be_written_do_not_stop_a_run(repo: Repo, hermetic: Path) -> None:
    """Go's module cache is such a directory. Without capabilities root is stopped by them, too."""
    repo.commit({".gitignore": "cache/\n"})
    lock = "mkdir -p cache/x/y; touch cache/x/y/f; chmod -R a-w cache"
    steps = [{"title": "A", "run": lock}, {"title": "B", "run": f"test ! -e cache; {lock}; exit 1"}]
    plan = repo.plan({"title": "T", "steps": steps})
    without = ["bwrap", "--dev-bind", "/", "/", "--cap-drop", "ALL", "--chdir", str(repo.path)]
    orch = [sys.executable, "-m", "git_orch", "exec"]
    done = subprocess.run([*without, *orch], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert repo.step_states(plan) == ["done", "failed"]
    assert left_behind(hermetic) == []


@pytest.mark.usefixtures("unsandboxed")
def test_a_step_killed_with_the_index_locked_fails_and_the_next_run_goes_on(
    repo: Repo, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    lock = f'touch {again} "$(git rev-parse --git-dir)/index.lock"'
    plan = repo.plan(one(run=f"test -e {again} || {{ {lock}; exit 1; }}"))
    repo.orch("exec", expect=1)
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]


def test_fields_of_a_model_are_refused_for_other_kinds(repo: Repo) -> None:
    done = repo.orch(
        "plan", "--from", "-", stdin=json.dumps(one(files={"a": "a"}, model="m")), expect=2
    )
    assert "model: does not belong to a step of kind 'files'" in done.stderr


def test_many_steps_that_need_nothing_land_in_plan_order(repo: Repo) -> None:
    plan = repo.plan(writing(*(f"{name}.txt" for name in "edcba"), chained=False))
    repo.orch("exec")
    subjects = repo.git("log", "-5", "--reverse", "--format=%s", f"orch/{plan}").splitlines()
    assert subjects == [f"Write {name}.txt" for name in "edcba"]


def test_a_name_that_is_no_text_does_not_cost_the_step_its_line_in_the_log(repo: Repo) -> None:
    name = "\"$(printf 'a\\377\\n')\""
    plan = repo.plan(one(run=f"touch {name}", checks=[{"command": f"echo more > {name}"}]))
    repo.orch("exec")
    assert repo.step_states(plan) == ["done"]
    assert repo.status(plan)["damaged_lines"] == 0
