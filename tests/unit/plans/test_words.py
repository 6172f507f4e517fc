"""Which files a task has to do with, by its words."""

from __future__ import annotations

import pytest

from git_orch.plans.repo_map import words
from git_orch.plans.repo_map.files import File, Symbol

FILES = [
    File("src/flask/app.py", 1),
    File("src/flask/cli.py", 1, "", (Symbol("function", "run_command", 3),)),
    File("src/flask/parser.py", 1),
    File("tests/test_cli.py", 1),
    File("docs/index.rst", 1),
]


def best(task: str) -> str:
    scores = words.scores(FILES, words.words_of(task, FILES))
    return max(scores, key=lambda path: scores[path])


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ("give the cli a --verbose option", "src/flask/cli.py"),
        ("the run command hangs", "src/flask/cli.py"),
        ("make parsing faster", "src/flask/parser.py"),
        ("see docs/index.rst, it is about cli", "docs/index.rst"),
        ("write more tests for the cli", "tests/test_cli.py"),
    ],
)
def test_the_file_that_a_task_is_about_comes_first(task: str, path: str) -> None:
    assert best(task) == path


def test_names_are_split_where_their_words_are() -> None:
    assert words.split("readUserName2_fromHTTP-file") == (
        "read", "user", "name", "2", "from", "http", "file",
    )  # fmt: skip


def test_a_task_without_words_scores_nothing() -> None:
    assert set(words.scores(FILES, words.words_of("add it to the code", FILES)).values()) == {0}


def test_a_task_of_a_megabyte_is_read_as_far_as_it_helps() -> None:
    assert len(words.words_of("word" * 10 + " x" * 500_000, FILES).weights) < 20_000
