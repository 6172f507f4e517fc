"""The map is cut to its tokens, whatever the repository holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.money.budget import BYTES_PER_TOKEN
from git_orch.plans.repo_map.files import File, Survey
from git_orch.plans.repo_map.sections import Facts, cut, quoted_paths, sections

PATHS = ["AGENTS.md", "CLAUDE.md", "README.md", "README.rst", "a/AGENTS.md", "a/b/CLAUDE.md",
         "a/c/AGENTS.md", "pyproject.toml", "sub/package.json", "x.py"]  # fmt: skip


def of(texts: dict[str, str], places: tuple[str, ...] = ()) -> Facts:
    return Facts(Survey(tuple(File(path, 10) for path in texts)), texts, ["abc first"], places)


def named(facts: Facts, tokens: int = 4000) -> dict[str, str]:
    return {section.name: section.text for section in sections(facts, "a task", tokens)}


def test_instructions_on_the_way_to_a_place_are_quoted_and_no_others() -> None:
    assert quoted_paths(PATHS, ("a/b/new.py",)) == [
        "AGENTS.md", "CLAUDE.md", "a/AGENTS.md", "a/b/CLAUDE.md", "pyproject.toml", "README.md",
    ]  # fmt: skip


def test_a_place_that_is_a_directory_has_its_own_instructions() -> None:
    assert "a/c/AGENTS.md" in quoted_paths(PATHS, ("a/c",))


def test_where_there_is_no_room_for_all_the_nearest_instructions_stay() -> None:
    facts = of({"AGENTS.md": "far\n" * 5000, "a/AGENTS.md": "near\n" * 30}, ("a/x.py",))
    text = named(facts, 500)["instructions"]
    assert text.count("near\n") + text.endswith("near") == 30
    assert "left out" in text


def test_a_text_that_stands_twice_is_shown_once() -> None:
    text = named(of({"AGENTS.md": "same words", "CLAUDE.md": "same words"}))["instructions"]
    assert text.count("same words") == 1


def test_what_is_cut_says_how_much() -> None:
    assert cut("\n".join(f"line {n}" for n in range(100)), 120).endswith(" lines left out ...]")


def test_characters_that_a_terminal_obeys_are_escaped() -> None:
    assert cut("a\x1b[2J\u202eb", 200) == "a\\x1b[2J\\u202eb"


@given(
    st.dictionaries(
        st.sampled_from(PATHS), st.text(st.sampled_from("ab \né\x1b"), max_size=3000), max_size=6
    ),
    st.integers(1, 1500),
)
def test_a_map_has_at_most_its_tokens(texts: dict[str, str], tokens: int) -> None:
    made = sections(of(texts, ("a/b",)), "a b", tokens)
    assert sum(len(section.text.encode()) for section in made) <= tokens * BYTES_PER_TOKEN
