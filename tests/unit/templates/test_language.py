"""The language of templates: what it fills in, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.templates import language
from git_orch.templates.language import Malformed, Value


def filled(source: str, values: dict[str, Value], limit: int = 100_000) -> str:
    """The text with values filled in."""
    return language.fill(language.parse(source), values, limit)


@pytest.mark.parametrize(
    ("source", "values", "text"),
    [
        ("a {{ name }} b\n", {"name": "x"}, "a x b\n"),
        ("{{ .ProjectName }}", {"ProjectName": "x"}, "x"),
        ("{{ .Port | default 8080 }}", {}, "8080"),
        ("{{ .Port | default 8080 }}", {"Port": 99}, "99"),
        ('{{ .Host | default "a b" | upper }}', {}, "A B"),
        ("{{ port | default(8080) }}", {"port": 1}, "1"),
        ("{{ on }}", {"on": True}, "true"),
        (
            "{% if on and n > 2 %}a{% elif not on %}b{% else %}c{% endif %}",
            {"on": False, "n": 3},
            "b",
        ),
        ("{{ 'x' if on else 'y' }}", {"on": True}, "x"),
        ("{{ a | sh }}", {"a": "it's"}, "'it'\"'\"'s'"),
        ("{{ a | json }}", {"a": 'é "q"'}, '"é \\"q\\""'),
        ("{{ a | pascal }} {{ a | snake }}", {"a": "my-web app"}, "MyWebApp my_web_app"),
        ("{{ a | lower }}{{ a | upper }}", {"a": "aB"}, "abAB"),
        ("${#list} $x {a} %d", {}, "${#list} $x {a} %d"),
        ("{% raw %}{{ .Name }}{% endraw %}", {}, "{{ .Name }}"),
        ("{{ a }}", {"a": "{{ b }} {% if"}, "{{ b }} {% if"),
    ],
)
def test_a_text_is_filled_in(source: str, values: dict[str, Value], text: str) -> None:
    """S1-262, S1-263: the spellings of Jinja and of Go, and S1-267."""
    assert filled(source, values) == text


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in a %}x{% endfor %}",
        "{{ range(1000000000) }}",
        "{{ a.__class__ }}",
        "{{ a['x'] }}",
        "{{ a.upper() }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ a * 999999999 }}",
        "{{ a ~ a }}",
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}",
        "{% set x = 1 %}",
        "{% macro x() %}{% endmacro %}",
        "{% filter upper %}x{% endfilter %}",
        "{{ a is defined }}",
        "{{ a | attr('x') }}",
        "{{ a | center(99999999) }}",
        "{{ a",
        "{% if a %}",
        "{{" + "(" * 5000 + "a" + ")" * 5000 + "}}",
        "{{" + "not " * 5000 + "a}}",
        "{{ " + " and ".join("a" * 100) + " }}",
        "{{ " + " < ".join("a" * 20_000) + " }}",
        "{{ " + "9" * 5000 + " }}",
        "{{ a }}\r\n",
    ],
)
def test_what_the_language_lacks_is_refused(source: str) -> None:
    with pytest.raises(Malformed):
        language.parse(source)


@pytest.mark.parametrize(
    ("source", "limit"),
    [("{{ a }}" * 10, 9), ("{{ a" + " | json" * 30 + " }}", 1 << 30), ("{{ a < 1 }}", 99)],
    ids=["too long", "filters that grow", "a comparison of text and number"],
)
def test_a_text_that_comes_to_no_end_is_refused(source: str, limit: int) -> None:
    with pytest.raises(Malformed):
        filled(source, {"a": '"'}, limit)


def test_a_variable_that_has_no_value_is_named() -> None:
    with pytest.raises(Malformed, match="'b' is undefined"):
        filled("{{ a }}{{ b }}", {"a": "x"})


@given(st.text(alphabet="{}%# -ab'\n", max_size=40))
def test_any_text_can_stand_in_a_template_as_it_is(text: str) -> None:
    assert filled(language.literal(text), {}) == text
