"""What files define, in few lines."""

from __future__ import annotations

from git_orch.plans.repo_map import words
from git_orch.plans.repo_map.files import File, Survey, Symbol
from git_orch.plans.repo_map.outline import outline

APP = File(
    "app.py",
    10,
    "",
    (
        Symbol("class", "App", 3),
        Symbol("method", "run", 5, "App"),
        Symbol("method", "close", 9, "App"),
        Symbol("function", "main", 20),
    ),
)


def shown(*files: File, task: str = "", room: int = 2000) -> str:
    survey = Survey(files)
    asked = words.words_of(task, files)
    return outline(survey, words.scores(files, asked), asked, room)


def test_members_stand_with_their_class() -> None:
    assert shown(APP) == "app.py:\n  3 class App: run:5, close:9\n  function main:20"


def test_the_file_that_a_task_is_about_is_shown_where_only_one_fits() -> None:
    many = [
        File(f"m{number}.py", 1, "", (Symbol("function", f"f{number}", 1),)) for number in range(50)
    ]
    wanted = File("z/parser.py", 1, "", (Symbol("function", "parse", 7),))
    text = shown(*many, wanted, task="the parser is slow", room=60)
    assert "function parse:7" in text


def test_of_many_symbols_those_that_a_task_is_about_stay() -> None:
    symbols = [Symbol("function", f"helper{number}", number) for number in range(1, 300)]
    big = File("big.py", 1, "", (*symbols, Symbol("function", "verbose_output", 400)))
    text = shown(big, task="make it verbose", room=4000)
    assert "verbose_output:400" in text
    assert "and 260 more" in text


def test_an_outline_stays_within_its_room() -> None:
    many = [
        File(f"é{number}.py", 1, "", (Symbol("function", "ü" * 200, 1),)) for number in range(50)
    ]
    for room in (0, 10, 100, 500, 1000):
        assert len(shown(*many, room=room).encode()) <= room


def test_one_large_file_leaves_room_for_others() -> None:
    large = File("a.py", 1, "", tuple(Symbol("function", f"function_{n}", n) for n in range(1, 40)))
    text = shown(large, large._replace(path="b.py"), APP, room=1000)
    assert [line for line in text.splitlines() if line.endswith(":")] == [
        "a.py:",
        "app.py:",
        "b.py:",
    ]


def test_of_tests_a_few_names_will_do_unless_the_task_is_about_tests() -> None:
    symbols = tuple(Symbol("function", f"test_{n}", n) for n in range(1, 20))
    file = File("tests/test_a.py", 1, "", symbols)
    assert shown(file).endswith("and 13 more")
    assert "more" not in shown(file, task="more tests")
