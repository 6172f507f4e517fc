"""A project of each kind, as its users have it: a plan with its test command as the check needs
nothing but `plan` and `exec`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import Repo


class Project(NamedTuple):
    """A project, the command that tests it, the file that is wrong, and what a failing test says."""

    repo: Repo
    check: str
    file: str
    failure: str


PYTHON = os.path.realpath(f"{sys.base_prefix}/bin/python3")


def python(repo: Repo) -> None:
    """A package, installed for editing in the environment of the checkout, with a test runner."""
    files = {
        "pyproject.toml": '[project]\nname = "shiny"\nversion = "1"\n',
        "src/shiny.py": "def size():\n    return 2\n",
        "tests/test_shiny.py": "import shiny\n\ndef test_size():\n    assert shiny.size() == 3\n",
    }
    repo.commit(files)
    environment = repo.path / ".venv"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", environment], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "shiny.pth").write_text(f"{repo.path}/src\n")
    (packages / "runner.py").write_text(
        "import pathlib, runpy\n"
        "for file in pathlib.Path('tests').glob('test_*.py'):\n"
        "    for name, test in runpy.run_path(str(file)).items():\n"
        "        if name.startswith('test_'):\n"
        "            try:\n"
        "                test()\n"
        "            except AssertionError:\n"
        "                raise SystemExit(f'{name} failed')\n"
    )
    runner = environment / "bin/runner"
    runner.write_text(f"#!{environment}/bin/python3\nimport runner\n")
    runner.chmod(0o755)


def node(repo: Repo) -> None:
    """A package with a library and a test runner in node_modules."""
    files = {
        ".gitignore": "node_modules/\n",
        "package.json": '{"name": "shiny", "version": "1.0.0", "scripts": {"test": "runner"}}\n',
        "size.js": "module.exports = () => 2;\n",
        "test.js": "require('assert').strictEqual(require('./size')(), require('three'));\n",
    }
    repo.commit(files)
    _as_nvm_installs_it(shutil.which("node"))
    repo.write(
        {
            "node_modules/three/index.js": "module.exports = 3;\n",
            "node_modules/.bin/runner": "#!/usr/bin/env node\nrequire(process.cwd() + '/test.js');\n",
        }
    )
    (repo.path / "node_modules/.bin/runner").chmod(0o755)


def _as_nvm_installs_it(program: str | None) -> None:
    """Put Node.js, where the system has none for all users, at a place in the home of these tests.

    The sandbox shows that place, as it shows the system's own; it shows no other of a home.
    """
    assert program is not None
    prefix = Path(program).resolve().parents[1]
    if not prefix.is_relative_to("/usr"):
        installed = Path(os.environ["HOME"], ".nvm/versions/node/v1")
        shutil.copytree(prefix, installed, symlinks=True)
        os.environ["PATH"] = f"{installed}/bin{os.pathsep}{os.environ['PATH']}"


def go(repo: Repo) -> None:
    """A module with a test."""
    files = {
        "go.mod": "module example.com/shiny\n\ngo 1.18\n",
        "size.go": "package shiny\n\nfunc Size() int { return 2 }\n",
        "size_test.go": (
            'package shiny\n\nimport "testing"\n\n'
            "func TestSize(t *testing.T) {\n\tif Size() != 3 {\n\t\tt.Fatal(Size())\n\t}\n}\n"
        ),
    }
    repo.commit(files)


def rust(repo: Repo) -> None:
    """A crate with a test."""
    files = {
        ".gitignore": "target/\n",
        "Cargo.toml": '[package]\nname = "shiny"\nversion = "1.0.0"\nedition = "2018"\n',
        "Cargo.lock": '[[package]]\nname = "shiny"\nversion = "1.0.0"\n',
        "src/lib.rs": "pub fn size() -> u8 {\n    2\n}\n",
        "tests/size.rs": "#[test]\nfn size() {\n    assert_eq!(shiny::size(), 3);\n}\n",
    }
    repo.commit(files)


KINDS: dict[str, tuple[Callable[[Repo], None], str, str, str]] = {
    "Python": (python, "runner", "src/shiny.py", "test_size failed"),
    "Node": (node, "npm test", "size.js", "AssertionError"),
    "Go": (go, "go test ./...", "size.go", "FAIL: TestSize"),
    "Rust": (rust, "cargo test", "src/lib.rs", "test size ... FAILED"),
}


@pytest.fixture(params=KINDS)
def project(request: pytest.FixtureRequest, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Project:
    make, check, file, failure = KINDS[request.param]
    monkeypatch.setenv("PATH", os.environ["PATH"])  # which `make` may change
    make(repo)
    # Where rustup is what starts cargo; these tests have another home.
    toolchains = Path(pwd.getpwuid(os.getuid()).pw_dir, ".rustup")
    if toolchains.is_dir():
        monkeypatch.setenv("RUSTUP_HOME", str(toolchains))
    return Project(repo, check, file, failure)


def test_a_plan_whose_check_is_the_test_command_needs_nothing_else(
    project: Project,
) -> None:
    repo, check, file, _ = project
    before = repo.git("status", "--porcelain", "--ignored")
    document = {
        "title": "Make it three",
        "steps": [
            {"title": "Write 3", "run": f"sed -i s/2/3/ {file}", "checks": [{"command": check}]}
        ],
    }
    made = repo.plan(document)
    repo.orch("exec", made)
    assert repo.step_states(made) == ["done"]
    assert repo.git("status", "--porcelain", "--ignored") == before


def test_a_change_that_does_not_pass_the_test_command_does_not_land(
    project: Project,
) -> None:
    repo, check, _, failure = project
    document = {
        "title": "Make nothing",
        "steps": [{"title": "Write", "run": "echo x > x", "checks": [{"command": check}]}],
    }
    made = repo.plan(document)
    repo.orch("exec", made, expect=1)
    [step] = repo.status(made)["steps"]
    assert step["state"] == "failed"
    assert failure in step["checks"][0]["output"]
