"""DOT and Mermaid: titles are texts of these languages, and nothing else of them."""

from __future__ import annotations

import re

import pictured
import pytest

from git_orch.plans import invisible
from git_orch.plans.history.status import StepState
from git_orch.views.pictures import notations

STRING = r'"(?:[^"\\]|\\.)*"'
ATTRIBUTES = rf"\[(?:[a-z]+=(?:{STRING}|[a-z]+) ?)+\]"
# The part of the grammar of DOT that is needed.
DOT = re.compile(rf"s\d+ {ATTRIBUTES};|s\d+ -> s\d+(?: {ATTRIBUTES})?;")
MERMAID = re.compile(
    r"""s\d+\["(?:[^"#;%{}<>&`\\\n]|\#\d+;)*"\]|s\d+\ (?:-->|-\.-)\ s\d+
    |classDef\ [a-z]+\ [a-z0-9:\#,-]+|class\ (?:s\d+,)*s\d+\ [a-z]+""",
    re.VERBOSE,
)


@pytest.mark.parametrize("title", pictured.HOSTILE)
def test_a_title_is_one_string_of_dot(title: str) -> None:
    lines = notations.dot(pictured.status([pictured.step(1, title=title)]))
    assert lines[0] == "digraph plan {"
    assert DOT.fullmatch(lines[2].strip())
    label = re.search(rf"label=({STRING})", lines[2])
    assert label is not None
    read = re.sub(r"\\(.)", r"\1", label[1][1:-1]).replace("&amp;", "&")
    assert read == f"1 {invisible.on_one_line(title)}"


@pytest.mark.parametrize("title", pictured.HOSTILE)
def test_a_title_is_one_text_of_mermaid(title: str) -> None:
    lines = notations.mermaid(pictured.status([pictured.step(1, title=title)]))
    assert lines[0] == "flowchart LR"
    assert [line for line in lines[1:] if not MERMAID.fullmatch(line.strip())] == []
    label = lines[1].partition('["')[2].removesuffix('"]')
    read = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label)
    assert read == f"1 {invisible.on_one_line(title)}"


def test_both_have_each_dependency_and_conflict_and_the_states() -> None:
    made = pictured.status(
        [
            pictured.step(1, paths=("a",)),
            pictured.step(2, [1]),
            pictured.step(3, paths=("a",)),
        ],
        [StepState.DONE, StepState.FAILED],
    )
    dot, mermaid = "\n".join(notations.dot(made)), "\n".join(notations.mermaid(made))
    assert "s1 -> s2;" in dot
    assert "s1 -> s3 [dir=none style=dashed constraint=false];" in dot
    assert "s1 --> s2" in mermaid
    assert "s1 -.- s3" in mermaid
    assert "class s1 good" in mermaid
    assert "class s2 bad" in mermaid
    assert "class s1,s2 chain" in mermaid
