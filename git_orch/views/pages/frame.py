"""The frame of a page: one file that asks nobody for anything and runs no script."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from git_orch.views.pictures import markup, tones

_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_RULES = Path(__file__).with_name("page.css")


@functools.cache
def _style() -> str:
    """The one style of the page; digests are of its exact text."""
    light, dark = tones.variables(tones.LIGHT), tones.variables(tones.DARK)
    of_tones = "".join(
        f".badge.{tone}{{color:var(--{tone});background:var(--{tone}-fill)}}"
        f".bar.{tone}{{fill:var(--{tone})}}"
        for tone in tones.TONES
    )
    rules = _RULES.read_text(encoding="utf-8")
    return (
        f":root{{color-scheme:light dark;--font:{tones.FONT};--mono:{_MONO};{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"{of_tones}{tones.graph_rules()}\n{rules}"
    )


def page(title: str, header: str, parts: Iterable[tuple[str, str, str]], footer: str) -> str:
    """A whole page: its title, what stands on top, the parts (place, name in the navigation,
    markup), and what stands below.
    """
    listed = list(parts)
    links = (
        markup.element("li", {}, markup.element("a", {"href": f"#{place}"}, markup.text(name)))
        for place, name, _ in listed
    )
    navigation = markup.element("ul", {}, "".join(links))
    main = "\n".join(part for _, _, part in listed)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
            '<meta name="referrer" content="no-referrer">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            markup.element("title", {}, markup.text(title)),
            f"<style>{_style()}</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#content">Skip to the content</a>',
            markup.element("header", {}, header),
            markup.element("nav", {"aria-label": "Parts of this page"}, navigation),
            markup.element("main", {"id": "content", "tabindex": "-1"}, f"\n{main}\n"),
            markup.element("footer", {}, footer),
            "</body>",
            "</html>",
            "",
        ]
    )


def _policy() -> str:
    """What a browser may do for the page: apply its one style."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
