"""The page of a plan: HTML that stands on its own, whatever the texts in it say."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pictured
import pytest

from git_orch.plans import ids
from git_orch.plans.history.status import (
    Attempt,
    Call,
    CheckResult,
    Commit,
    Noted,
    Status,
    StepState,
)
from git_orch.plans.plan import Check, Command
from git_orch.plans.trailers import Message
from git_orch.repo.objects.patches import ChangedFile, Patch
from git_orch.views.pages import parts, plan_page
from git_orch.views.pictures import tones

_VOID = {"meta"}
EVENT = "01KBB000000000000000000000"


class Page(HTMLParser):
    """The elements and the texts of a page; one that is not closed in order is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open += [] if tag in _VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", text))

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def shape(self) -> set[tuple[str, ...]]:
        return {(name, *sorted(attributes)) for name, attributes in self.elements}

    def text(self) -> str:
        return " ".join(" ".join(text for _, text in self.texts).split())


def filled(text: str) -> tuple[Status, dict[str, Patch]]:
    """A plan with this text in every place that others write."""
    result = CheckResult("unit", f"{text}\n{text}", 1, passed=False, seconds=1.0, output=text)
    review = result._replace(type="review", model=text, passed=True)
    attempts = [
        Attempt(
            number * "a", "s1", EVENT, "failed", 2.0, checks=(result, review), summary=text,
            error=text, question=text, answer=text, review=(text,),
        )
        for number in (1, 2)
    ]  # fmt: skip
    step = pictured.step(
        1, title=text, why=text, prompt=text, model=text, command=Command(argv=(text,)),
        checks=(Check("unit", Command(argv=(text,))), Check("unit", Command(argv=(text,)))),
    )  # fmt: skip
    call = Call("c", "step", "s1", "a", text, {"input_tokens": 7, "output_tokens": 5}, 0.25, 1.0)
    commit = Commit("c" * 40, "t" * 40, (), Message())
    status = pictured.status(
        [step, pictured.step(2, [1])],
        [StepState.FAILED],
        attempts,
        title=text,
        calls=(call,),
        owner=text,
        noted=(Noted(EVENT, "note", text, who=text),),
    )
    failed, waiting = status.steps
    status = status._replace(steps=(failed._replace(commit=commit), waiting))
    return status, {"s1": Patch((ChangedFile(text, 1, 0),), f"diff --git a b\n+{text}\n")}


def made(text: str = "harmless") -> Page:
    status, patches = filled(text)
    return Page(plan_page.page(status, patches, running=False))


@pytest.mark.parametrize("text", pictured.HOSTILE)
def test_text_of_others_is_only_text(text: str) -> None:
    assert made(text).shape() == made().shape()


@pytest.mark.parametrize("text", pictured.HOSTILE)
def test_no_character_on_a_page_is_one_that_nobody_sees(text: str) -> None:
    status, patches = filled(text)
    page = plan_page.page(status, patches, running=False)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufeff]", page)
    page.encode()


def test_a_page_runs_and_loads_nothing() -> None:
    page = made()
    policy = page.named("meta")[1]["content"]
    style = next(text for tag, text in page.texts if tag == "style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style
    assert not {"script", "link", "img", "iframe", "object", "form"} & {
        tag for tag, _ in page.elements
    }
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        assert attributes.get("href", "#").startswith("#")


def test_each_link_leads_to_a_place_on_the_page() -> None:
    page = made()
    places = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(places) == len({*places})
    named = {word for _, one in page.elements for word in one.get("aria-labelledby", "").split()}
    linked = {link["href"].removeprefix("#") for link in page.named("a")}
    assert named | linked <= {*places}


def test_the_headings_and_landmarks_lead_through_the_page() -> None:
    page = made()
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))
    for tag in ("header", "nav", "main", "footer"):
        assert len(page.named(tag)) == 1
    assert page.named("html") == [{"lang": "en"}]
    assert page.named("a")[0] == {"class": "skip", "href": "#content"}


def test_what_is_wider_than_a_phone_is_scrolled_by_the_keyboard() -> None:
    page = made()
    viewport = [meta for meta in page.named("meta") if meta.get("name") == "viewport"]
    assert viewport[0]["content"] == "width=device-width, initial-scale=1"
    scrolling = [one for one in page.named("div") if one.get("class") == "scroll"]
    assert len(scrolling) == len(page.named("table")) + 1  # and the graph
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in scrolling)


def _light(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
              for share in shares]  # fmt: skip
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_light(one), _light(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [tones.LIGHT, tones.DARK])
def test_text_stands_out_from_what_is_behind_it(colours: dict[str, str]) -> None:
    pairs = [(name, back) for name in ("text", "dim", "link") for back in ("page", "panel")]
    pairs += [(tone, f"{tone}-fill") for tone in tones.TONES]
    pairs += [("text", f"{tone}-fill") for tone in tones.TONES]
    assert [pair for pair in pairs if _contrast(*(colours[name] for name in pair)) < 4.5] == []


def test_a_failed_check_shows_its_output_unfolded() -> None:
    page = made("what it printed")
    opened = [one for one in page.named("details") if "open" in one]
    assert len(opened) == 2  # the check, and a short diff
    assert "failed check what it printed … 1.0 s, exited 1" in page.text()
    assert "not run" in page.text()


def test_the_cost_of_each_step_is_in_a_table() -> None:
    status, patches = filled("A step")
    planning = status.calls[0]._replace(step=None, usd=0.5)
    status = status._replace(calls=(*status.calls, planning))
    text = Page(plan_page.page(status, patches, running=False)).text()
    assert re.search(r"planning\s+\$0.50", text)
    assert re.search(r"1 A step\s+\$0.25\s+1\s+7\s+0\s+5", text)
    assert re.search(r"all\s+\$0.75", text)


@pytest.mark.parametrize("text", ["a\n" * 2_000_000, "a" * 4_000_000, "\x1b" * 400_000])
def test_a_page_is_bounded_and_says_what_it_leaves_out(text: str) -> None:
    steps = [pictured.step(number, prompt=text) for number in range(1, 101)]
    patches = {step.id: Patch((), text[:60_000], cut=True) for step in steps}
    page = plan_page.page(pictured.status(steps), patches, running=False)
    assert len(page) < 25_000_000
    name = ids.short(pictured.ID)
    assert f"git orch show --tasks --full {name}" in page
    assert f"the rest is left out: <code>git orch diff {name} 1</code>" in page


def test_long_lines_are_cut() -> None:
    lines, remark = parts.Room(10_000).cut(f"{'a' * 2_000}\nb")
    assert (len(lines[0]), lines[1]) == (1_001, "b")
    assert remark == "1 long line cut short"


def test_texts_share_the_room_of_a_page() -> None:
    room = parts.Room(100)
    assert room.cut("a" * 60) == (["a" * 60], "")
    assert room.cut("b" * 60) == (["b" * 40], "20 more characters are left out")
    assert room.cut("c" * 60) == ([""], "60 more characters are left out")


def test_changes_that_cannot_be_read_say_why() -> None:
    status, _ = filled("text")
    patches = {"s1": Patch(problem="git cannot read the commits")}
    page = Page(plan_page.page(status, patches, running=False))
    assert "The changes cannot be read: git cannot read the commits." in page.text()


def test_an_idea_has_a_page() -> None:
    page = Page(plan_page.page(pictured.status([]), {}, running=False))
    assert "none yet" in page.text()
