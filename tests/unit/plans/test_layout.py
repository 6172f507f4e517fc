"""The tree in few lines: what is in it, what matters for a task, and never more than there is room
for.
"""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.repo_map import words
from git_orch.plans.repo_map.files import File, Survey
from git_orch.plans.repo_map.layout import Layout, size


def layout(survey: Survey, scores: dict[str, float], room: int) -> str:
    return Layout(survey, scores).text(room)


def of(*paths: str) -> Survey:
    return Survey(tuple(File(path, 100) for path in paths))


def test_languages_and_tests_are_counted() -> None:
    head = layout(of("a.py", "b/c.go", "tests/test_a.py"), {}, 2000).splitlines()[0]
    assert head == "3 files, 300b: Python 2 files, Go 1 file, 1 test among them"


def test_a_directory_is_shown_with_its_files() -> None:
    text = layout(of("src/a/x.py", "src/a/y.py", "setup.py"), {}, 2000)
    assert "src/a/  (2 files, 200b, Python)\n  x.py 100b, y.py 100b" in text
    assert "./\n  setup.py 100b" in text


def test_a_file_with_a_high_score_is_named_where_there_is_no_room_for_all() -> None:
    paths = [f"pkg/module_{number:03}.py" for number in range(200)]
    text = layout(of(*paths), {"pkg/module_150.py": 5.0}, 400)
    assert "module_150.py" in text
    assert "more" in text
    assert len(text) <= 400


def test_a_tree_that_was_not_listed_to_its_end_says_so() -> None:
    assert "2 files and more" in layout(of("a", "b")._replace(complete=False), {}, 500)


def test_no_files_are_no_text() -> None:
    assert layout(of(), {}, 500) == ""


def test_sizes_are_short() -> None:
    assert [size(count) for count in (0, 999, 1000, 61_234, 2_100_000)] == [
        "0b", "999b", "1k", "61k", "2.1M",
    ]  # fmt: skip


@given(
    st.lists(st.text(st.sampled_from("ab/é.\n"), min_size=1, max_size=20), max_size=30),
    st.integers(0, 600),
)
def test_a_layout_stays_within_its_room(paths: list[str], room: int) -> None:
    assert len(layout(of(*paths), {}, room).encode()) <= room


def test_a_large_tree_is_gone_through_a_few_times() -> None:
    """Counted in calls of Python, not in seconds."""
    many = of(*(f"p{n % 200}/src/m{n % 37}/part{n}.ts" for n in range(5_000)))
    asked = words.words_of("make the parts of every module faster " * 20, many.files)
    steps = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal steps
        steps += event == "call"

    sys.setprofile(count)
    try:
        layout(many, words.scores(many.files, asked), 4_000)
    finally:
        sys.setprofile(None)
    assert steps < 5_000 * 60
