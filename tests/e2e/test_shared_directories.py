"""A project's own dependencies: a check that needs them passes, with nothing to type but plan and
exec.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Repo

PYTHON = os.path.realpath(f"{sys.base_prefix}/bin/python3")


def script(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


@pytest.fixture
def python(repo: Repo) -> Repo:
    """A package of Python that is installed, for editing, in an environment of the checkout."""
    repo.commit(
        {".gitignore": ".venv/\n__pycache__/\n", "src/shiny.py": "def two():\n    return 2\n"}
    )
    environment = repo.path / ".venv"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", environment], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "__editable__.shiny.pth").write_text(f"{repo.path}/src\n")
    # As pip writes them: with the path that the environment has in the checkout.
    script(
        environment / "bin/check-shiny",
        f"#!{environment}/bin/python3\n"
        "import os, shiny\n"
        f"assert shiny.__file__ == '{repo.path}/src/shiny.py', shiny.__file__\n"
        "assert os.environ['VIRTUAL_ENV'] == '" + str(environment) + "'\n"
        "print(shiny.three())\n",
    )
    return repo


@pytest.fixture
def node(repo: Repo) -> Repo:
    """A project with a tool in node_modules."""
    repo.commit({".gitignore": "node_modules\n", "package.json": "{}", "lib/a": "1\n"})
    script(repo.path / "node_modules/.bin/tool", '#!/bin/sh\ncat "${1-lib/a}"\n')
    return repo


def step(run: str, *checks: str) -> dict[str, Any]:
    return {"title": "Do it", "run": run, "checks": [{"command": check} for check in checks]}


def plan(repo: Repo, *steps: dict[str, Any]) -> str:
    return repo.plan({"title": "Plan", "steps": list(steps)})


def outputs(repo: Repo, made: str) -> list[str]:
    """What the checks printed."""
    return [check["output"] for entry in repo.status(made)["steps"] for check in entry["checks"]]


def test_an_editable_install_means_the_files_of_the_step(python: Repo) -> None:
    made = plan(python, step("echo 'def three(): return 3' >>src/shiny.py", "check-shiny"))
    python.orch("exec")
    assert outputs(python, made) == ["3"]
    assert python.git("show", f"orch/{made}:src/shiny.py").endswith("return 3")


def test_an_editable_install_of_the_checkout_is_not_what_is_checked(python: Repo) -> None:
    python.write({"src/shiny.py": "def three():\n    return 'not committed'\n"})
    plan(python, step("true", "! check-shiny"))
    python.orch("exec")


def test_the_interpreter_is_that_of_the_environment(python: Repo) -> None:
    made = plan(python, step("true", "python3 -c 'import sys; print(sys.prefix)'"))
    python.orch("exec")
    assert outputs(python, made) == [f"{python.path}/.venv"]


def test_the_interpreter_is_not_that_of_git_orch(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}")
    made = plan(repo, step("true", "command -v python3"))
    repo.orch("exec", env=dict(os.environ))
    assert outputs(repo, made) != [f"{sys.prefix}/bin/python3"]


def test_tools_of_node_modules_are_on_path(node: Repo) -> None:
    made = plan(node, step("echo 2 >lib/a", "tool"))
    node.orch("exec")
    assert outputs(node, made) == ["2"]


INSTALL = "mkdir node_modules/new && echo new >node_modules/new/index.js"


def test_what_a_step_installs_is_seen_by_nobody_after_it(node: Repo) -> None:
    """Neither by its checks: they see what a checkout of its tree has, and what is shared."""
    made = plan(
        node,
        step(f"{INSTALL} && date >changed", "test ! -e node_modules/new"),
        step("ls node_modules >listed", "test ! -e node_modules/new"),
    )
    node.orch("exec")
    assert node.git("diff", "--name-only", f"main..orch/{made}") == "changed\nlisted"
    assert os.listdir(node.path / "node_modules") == [".bin"]


def test_what_a_check_installs_is_seen_by_the_next_one(node: Repo) -> None:
    made = plan(node, step("true", INSTALL, "tool node_modules/new/index.js"))
    node.orch("exec")
    assert outputs(node, made)[1] == "new"


def test_no_change_of_ignore_rules_lets_dependencies_land(node: Repo) -> None:
    made = plan(node, step("echo >.gitignore; echo x >node_modules/x", "tool"))
    node.orch("exec")
    assert node.git("diff", "--name-only", f"main..orch/{made}") == ".gitignore"


def test_nothing_of_it_is_left_on_disk(node: Repo, hermetic: Path) -> None:
    plan(node, step("echo x >node_modules/x", "tool"))
    node.orch("exec")
    places = hermetic / ".local/state/git-orch/worktrees"
    assert [file for place in places.iterdir() for file in place.iterdir()] == []


def test_in_a_kept_worktree_nothing_of_it_is_left(node: Repo, hermetic: Path) -> None:
    node.git("config", "--global", "orch.keepWorktrees", "true")
    plan(node, step("echo x >node_modules/x", "tool"))
    node.orch("exec")
    [place] = (hermetic / ".local/state/git-orch/worktrees").iterdir()
    assert sorted(file.name for file in place.iterdir()) == ["pool-1"]
    assert sorted(os.listdir(place / "pool-1")) == [
        ".git",
        ".gitignore",
        "README.md",
        "lib",
        "package.json",
    ]


def test_a_check_of_a_later_command_sees_the_dependencies(node: Repo) -> None:
    made = plan(node, step("true", "tool"))
    node.orch("exec")
    assert "ok" in node.orch("verify", made, "--tip", "--no-cache").stdout


def test_a_receipt_counts_while_nobody_installs_something(node: Repo) -> None:
    made = plan(node, step("true", "echo run $RANDOM$RANDOM$RANDOM"))
    node.orch("exec")

    def output() -> str:
        """Another one, if the check ran again."""
        told = node.orch("verify", made, "--tip", "--json").stdout
        return told.partition('"output": "')[2].partition('"')[0]

    first = output()
    assert output() == first
    (node.path / "node_modules/new").mkdir()
    second = output()
    assert second != first
    assert output() == second


def test_a_manual_step_is_checked_with_the_dependencies(node: Repo) -> None:
    made = node.plan(
        {
            "title": "By hand",
            "steps": [{"title": "Do", "kind": "manual", "checks": [{"command": "tool"}]}],
        }
    )
    said = node.orch("exec", expect=9).stderr
    worktree = Path(said.partition("Work in ")[2].partition(", then")[0])
    (worktree / "lib/a").write_text("by hand\n")
    node.orch("done", made)
    assert outputs(node, made) == ["by hand"]
    assert node.git("diff", "--name-only", f"main..orch/{made}") == "lib/a"


def test_the_hook_of_the_project_sees_the_dependencies(node: Repo) -> None:
    node.git("config", "--global", "orch.runHooks", "true")
    script(node.path / ".git/hooks/pre-commit", "#!/bin/sh\ntool\n")
    made = plan(node, step("echo hooked >lib/a"))
    node.orch("exec")
    assert outputs(node, made) == ["hooked"]


def test_work_in_place_has_the_programs_of_the_checkout(node: Repo) -> None:
    made = plan(node, step("echo 3 >lib/a", "tool"))
    node.git("switch", "-q", f"orch/{made}")
    node.orch("approve", made, "--in-place")
    node.orch("exec", made, "--in-place")
    assert outputs(node, made) == ["3"]


def test_what_is_shared_is_told_by_plan_and_approve_and_when_running_approves(
    node: Repo, hermetic: Path
) -> None:
    (hermetic / ".npm/_cacache").mkdir(parents=True)
    (hermetic / ".npmrc").write_text("_authToken=word\n")
    line = "node_modules; caches of npm; hidden: ~/.npmrc: it may hold a secret"
    made = node.orch(
        "plan", "--from", "-", stdin=json.dumps({"title": "P", "steps": [step("true")]})
    )
    assert f"shared: {line}\n" in made.stdout
    assert f"shared   {line}\n" in node.orch("approve").stdout
    plan(node, step("false"))
    node.orch("reject", made.stdout.split()[0], "--why", "no")
    assert f"copy on write: {line}\n" in node.orch("exec", expect=1).stderr


@pytest.mark.parametrize("value", ["none", "-node_modules"])
def test_what_the_user_leaves_out_is_not_shared(node: Repo, value: str) -> None:
    node.git("config", "--global", "orch.share", value)
    plan(node, step("true", "tool"))
    assert "exited 127" in node.orch("exec", expect=1).stderr


def test_a_plan_may_need_a_program_that_only_the_project_has(node: Repo) -> None:
    node.plan({"title": "P", "dependencies": ["tool"], "steps": [step("true", "tool")]})
    node.orch("exec")


def test_the_policy_knows_programs_of_the_project(
    python: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    before = python.orch("allow", "--", "ruff", "--version", expect=None, env=dict(os.environ))
    script(python.path / ".venv/bin/ruff", "#!/bin/sh\n")
    assert (before.returncode, python.orch("allow", "--", "ruff --version").returncode) == (3, 0)
