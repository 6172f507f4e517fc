"""Which files are read for their definitions, and that an answer which anybody's text has shaped is
taken for no more than it is.
"""

from __future__ import annotations

import json

import pytest

from git_orch.plans.repo_map import definitions
from git_orch.plans.repo_map.definitions import Engines
from git_orch.plans.repo_map.files import File, Symbol

BOTH = Engines(frozenset({"python"}), ctags=True)


def paths(*files: File, engines: Engines = BOTH) -> list[str]:
    return [file.path for file in definitions.chosen(files, engines)]


def test_a_grammar_is_better_than_ctags_and_ctags_better_than_nothing() -> None:
    asked = ("a.py", "a.go", "a.md")
    assert [BOTH.reader(path) for path in asked] == ["python", "ctags", None]
    assert [Engines().reader(path) for path in asked] == [None, None, None]


def test_files_that_are_too_large_or_empty_are_not_read() -> None:
    big = definitions.LARGEST
    assert paths(File("a.py", big + 1), File("b.py", big), File("c.py", 0)) == ["b.py"]


def test_of_too_many_the_projects_own_code_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "_MOST_FILES", 2)
    files = [File(path, 9) for path in ("vendor/x.py", "tests/test_a.py", "src/deep/b.py", "a.py")]
    assert paths(*files) == ["a.py", "src/deep/b.py"]


def test_other_engines_have_another_name() -> None:
    assert len({Engines().name, BOTH.name, BOTH._replace(ctags=False).name}) == 3


@pytest.mark.parametrize(
    "line",
    [
        "", "{", "[]", '["f"]', '["f", 3]', '["f", [["class"]]]', '["f", [["class", 1, 1, ""]]]',
        '["f", [["class", "A", "1", ""]]]', "[" * 10_000, '[1, [["class", "A", 1, ""]]]',
    ],
)  # fmt: skip
def test_an_answer_of_another_form_is_none(line: str) -> None:
    assert list(definitions.of_reader([line])) == []


def test_an_answer_is_cut_and_escaped() -> None:
    line = json.dumps(["f", [["class", "\x1b" + "A" * 500, 1, ""]] * 5000])
    [(name, symbols)] = definitions.of_reader([line])
    assert (name, len(symbols)) == ("f", 600)
    assert symbols[0].name.startswith("\\x1bAAA")
    assert len(symbols[0].name) == 120


def test_tags_of_ctags_are_read() -> None:
    tags = [
        "!_TAG_FILE_FORMAT\t2\t/x/",
        'A\t0001.py\t3;"\tclass\tline:3',
        'run\t0001.py\t5;"\tmember\tline:5\tclass:A',
        'inner\t0001.py\t6;"\tfunction\tline:6\tfunction:run',
        'x\t0001.py\t9;"\tvariable\tline:9',
        'Open\t0002.go\t7;"\tfunc\tline:7\tstruct:Shop',
        "broken",
        'late\t0002.go\t7;"\tfunc\tline:x',
    ]
    assert definitions.of_ctags(tags) == {
        "0001.py": (Symbol("class", "A", 3), Symbol("method", "run", 5, "A")),
        "0002.go": (Symbol("function", "Open", 7, "Shop"),),
    }
