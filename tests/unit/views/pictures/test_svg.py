"""The graph as SVG: XML whatever titles say, with a box for each step."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pictured
import pytest

from git_orch.plans.history.status import StepState
from git_orch.views.pictures import svg

SVG = "{http://www.w3.org/2000/svg}"


def boxes(text: str) -> list[ET.Element]:
    root = pictured.parsed(text)
    return [group for group in root.iter(f"{SVG}g") if "step" in group.get("class", "")]


@pytest.mark.parametrize("title", pictured.HOSTILE)
@pytest.mark.parametrize("draw", [svg.picture, svg.part])
def test_a_title_of_others_is_only_text(title: str, draw: object) -> None:
    harmless = pictured.status([pictured.step(1, title="x")], title="x")
    hostile = pictured.status([pictured.step(1, title=title)], title=title)
    shapes = [
        sorted({(element.tag, *element.keys()) for element in pictured.parsed(draw(one)).iter()})  # type: ignore[operator]
        for one in (harmless, hostile)
    ]
    assert shapes[0] == shapes[1]


def test_each_step_is_a_box_with_its_number_title_and_state() -> None:
    made = pictured.status(
        [pictured.step(1, title="Write it"), pictured.step(2, [1])], [StepState.FAILED]
    )
    first, second = ["".join(box.itertext()) for box in boxes(svg.picture(made))]
    assert "1 Write it" in first
    assert "failed" in first
    assert "2 Step 2" in second


def test_a_step_that_waits_stands_below() -> None:
    made = pictured.status([pictured.step(1, [2]), pictured.step(2), pictured.step(3, [1, 2])])
    tops = [float(box.find(f"{SVG}rect").get("y", "")) for box in boxes(svg.picture(made))]  # type: ignore[union-attr]
    assert tops[1] < tops[0] < tops[2]


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    made = pictured.status([pictured.step(1), pictured.step(2, [1]), pictured.step(3, [1, 2])])
    assert len(re.findall(r'class="arrow', svg.picture(made))) == 2


def test_the_longest_chain_is_bold() -> None:
    made = pictured.status([pictured.step(1), pictured.step(2), pictured.step(3, [2])])
    assert ["chain" in box.get("class", "") for box in boxes(svg.picture(made))] == [
        False,
        True,
        True,
    ]


def test_steps_that_change_the_same_path_are_joined_by_a_dashed_line() -> None:
    made = pictured.status([pictured.step(1, paths=("a",)), pictured.step(2, paths=("a",))])
    drawn = svg.picture(made)
    assert drawn.count('class="conflict"') == 1
    assert "dashed: these change the same path" in drawn


def test_a_part_of_a_page_leads_to_the_place_of_each_step() -> None:
    drawn = svg.part(pictured.status([pictured.step(1), pictured.step(2)]))
    links = [link.get("href") for link in pictured.parsed(drawn).iter(f"{SVG}a")]
    assert links == ["#step-1", "#step-2"]


def test_a_picture_asks_nobody_for_anything() -> None:
    drawn = svg.picture(pictured.status([pictured.step(1)]))
    assert re.findall(r"https?:[^\"']*", drawn) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in drawn


def test_a_picture_is_for_light_and_dark_screens() -> None:
    assert "prefers-color-scheme:dark" in svg.picture(pictured.status([pictured.step(1)]))


def test_many_arrows_are_counted_and_not_drawn() -> None:
    first = [pictured.step(number) for number in range(1, 51)]
    second = [pictured.step(number, range(1, 51)) for number in range(51, 101)]
    drawn = svg.picture(pictured.status([*first, *second]))
    assert drawn.count('class="arrow') == 1_500
    assert "1000 more arrows not drawn" in drawn


def test_a_plan_without_steps_is_a_picture_too() -> None:
    assert boxes(svg.picture(pictured.status([]))) == []
