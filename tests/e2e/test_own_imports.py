"""No module of a repository runs as the user, whatever PYTHONPATH says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Repo, writing

SCRIPT = str(Path(sys.executable).with_name("git-orch"))
MODULES = ("yaml", "click", "pydantic", "anthropic", "tree_sitter", "json", "signal", "pathlib")


@pytest.fixture
def marked(repo: Repo) -> Repo:
    """A repository with modules that leave their names in `mark` beside it, also in `src`."""
    (repo.path / "src").mkdir()
    for name in MODULES:
        text = f"open({str(repo.path.parent / 'mark')!r}, 'a').write('{name} ')\n"
        for place in (repo.path, repo.path / "src"):
            (place / f"{name}.py").write_text(text)
    return repo


@pytest.mark.parametrize("pythonpath", [None, ".", "src", ":", "src:.", "{repo}", "{repo}/src"])
@pytest.mark.parametrize("start", [[SCRIPT], [sys.executable, "-m", "git_orch"]])
def test_no_module_of_the_repository_is_imported(
    marked: Repo, start: list[str], pythonpath: str | None
) -> None:
    if start[0] != SCRIPT:  # runpy imports some before git-orch has its say
        for name in ("signal", "pathlib"):
            (marked.path / f"{name}.py").unlink()
    named = {} if pythonpath is None else {"PYTHONPATH": pythonpath.format(repo=marked.path)}
    env = {**os.environ, **named}
    document = json.dumps(writing("a"))
    for words in (["plan", "--from", "-"], ["exec"], ["status"], ["schema"], ["land"]):
        argv = [*start, *words]
        done = subprocess.run(
            argv,
            cwd=marked.path,
            env=env,
            input=document,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert not (marked.path.parent / "mark").exists()


def test_a_run_in_the_background_imports_none_either(marked: Repo) -> None:
    text = f"open({str(marked.path.parent / 'mark')!r}, 'a').write('git_orch ')\n"
    (marked.path / "src/git_orch.py").write_text(text)
    marked.plan(writing("a"))
    env = {**os.environ, "PYTHONPATH": str(marked.path / "src")}
    script = (
        "import sys; sys.path.remove(sys.argv.pop(1)); from git_orch.cli.main import main; main()"
    )
    argv = [sys.executable, "-P", "-c", script, str(marked.path / "src"), "exec", "--detach"]
    done = subprocess.run(
        argv, cwd=marked.path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    marked.orch("wait")
    assert not (marked.path.parent / "mark").exists()
