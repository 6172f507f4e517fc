"""Programs read what files define, in the sandbox, and what they read is kept for the next tree."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.flow.machine import sandbox
from git_orch.flow.model import repo_map, symbols
from git_orch.plans.repo_map.definitions import Engines
from git_orch.plans.repo_map.files import Symbol
from git_orch.repo import repository, settings
from git_orch.repo.objects import objects
from git_orch.sandbox import symbol_reader

CODE = {
    "app.py": "class App:\n    def run(self): ...\n",
    "lib/shop.go": "package x\nfunc Open() {}\n",
}


def surveyed(repo: Repo) -> dict[str, tuple[Symbol, ...]]:
    """What the files of HEAD define."""
    here = repository.discover(repo.path)
    launcher = sandbox.launcher(here, settings.of_user(here))
    with contextlib.closing(objects.opened(here)) as database:
        tree = repo.git("rev-parse", "HEAD^{tree}")
        survey = repo_map.survey_of(here, database, tree, launcher)
    return {file.path: file.symbols for file in survey.files if file.symbols}


APP = (Symbol("class", "App", 1), Symbol("method", "run", 2, "App"))


def test_files_are_read_in_the_sandbox(repo: Repo) -> None:
    repo.commit(CODE)
    assert surveyed(repo) == {
        "app.py": APP,
        "lib/shop.go": (Symbol("function", "Open", 2),),
    }


def test_without_grammars_ctags_reads_them(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbols, "_CORE", "no_such_package")
    repo.commit(CODE)
    assert surveyed(repo)["app.py"] == APP


def test_without_any_reader_there_are_names_alone(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(symbols, "_CORE", "no_such_package")
    repo.commit(CODE)
    here = repository.discover(repo.path)
    launcher = sandbox.launcher(here, settings.of_user(here))
    bare = replace(launcher, source={**launcher.source, "PATH": str(tmp_path)})
    assert symbols.engines(bare) == symbols.engines(None) == Engines()


def test_what_was_read_for_one_tree_is_not_read_for_the_next(repo: Repo) -> None:
    repo.commit(CODE)
    surveyed(repo)
    [kept] = (repo.path / ".git/orch/maps").iterdir()
    survey = json.loads(kept.read_text())
    for row in survey["files"]:
        row[3] = [["class", "Remembered", 1, ""]]
    kept.write_text(json.dumps(survey))
    repo.commit({"new.py": "def added(): ...\n"})
    assert surveyed(repo)["app.py"] == (Symbol("class", "Remembered", 1),)
    assert surveyed(repo)["new.py"] == (Symbol("function", "added", 1),)


def test_a_reader_that_is_stopped_costs_the_symbols_and_nothing_else(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "reader.py"
    endless.write_text("import time\nwhile True: time.sleep(1)\n")
    monkeypatch.setattr(symbol_reader, "__file__", str(endless))
    monkeypatch.setattr(symbols, "_SECONDS", 0.2)
    repo.commit(CODE)
    assert surveyed(repo) == {}
