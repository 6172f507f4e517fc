"""Writes picture.svg, a run as a terminal shows it: `make picture`.

The commands really run, in a terminal that tmux draws. What no two runs have in common is put in
afterwards: the name of the plan, the commits and the seconds.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import places
from rich.text import Text
from screen import screen

from git_orch.cli import tour
from git_orch.flow.machine import scratch
from git_orch.views.pictures import markup, tones

PICTURE = places.TOP / "picture.svg"
LINES = (
    "git orch plan --from plan.yaml",
    "git orch exec",
    tour.STOPS[5].line,
    "git orch rollback --to-step 1",
)
_COLUMNS = 112
# An escape sequence, which ends with an m, may stand before it.
_COMMIT = re.compile(r"(?<![0-9a-ln-z])[0-9a-f]{10}(?![0-9a-z])")
_LETTER, _LINE, _EDGE = 7.8, 18.0, 16.0  # pixels
# rich's names for what a terminal shows, and the names of the colours.
_CLASSES = {
    "color(2)": "good", "color(1)": "bad", "color(3)": "open", "dim": "dim", "bold": "bold",
}  # fmt: skip


def session(place: Path) -> str:
    """What stands on the terminal after the commands, with the colours."""
    made = scratch.made(str(place))
    home = place / "home"
    home.mkdir()
    (made.repository / "plan.yaml").write_text(tour._PLAN)
    variables = {
        **{name: value for name, value in made.variables.items() if name not in os.environ},
        "HOME": str(home),
        "PATH": f"{place}/bin:/usr/local/bin:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        "TZ": "UTC",
    }
    script = ["git init -q . && git add plan.yaml && git commit -qm Start"]
    for line in LINES:
        script += [
            f"printf '\\033[1m$ %s\\033[0m\\n' {shlex.quote(line)}",
            line,
            "cd " + shlex.quote(str(made.repository)),
            "echo",
        ]
    given = [f"{name}={value}" for name, value in variables.items()]
    argv = ["env", "-i", "-C", str(made.repository), *given, "sh", "-c", "\n".join(script)]
    with screen(place, argv, {}, _COLUMNS) as shown:
        assert shown.ended() == 0
        return shown.text("-e").rpartition("\n")[0]


def settled(text: str) -> str:
    """The text with names, commits and seconds that are always the same."""
    found = re.search(r"PLAN-\d{8}-(\w{4})\w{6}", text)
    assert found is not None, text
    text = re.sub(r"PLAN-\d{8}-\w{10}", "PLAN-20261201-4KZ7WB9M2Q", text).replace(found[1], "4KZ7")
    commits = _named(_COMMIT.findall(text))
    text = _COMMIT.sub(lambda one: commits[one[0]], text)
    return re.sub(r"\b\d+\.\d s\b", "0.1 s", text)


def _named(oids: list[str]) -> Mapping[str, str]:
    """Other commits for these, in the order in which they come."""
    different = list(dict.fromkeys(oids))
    return {
        oid: f"{0x5EED * number**5:x}7c19a60d2e"[:10] for number, oid in enumerate(different, 3)
    }


def picture(text: str) -> str:
    """The text of a terminal as SVG, which follows the reader's choice of light or dark."""
    lines = [Text.from_ansi(line) for line in text.rstrip().split("\n")]
    drawn = list(itertools.chain.from_iterable(map(_drawn, range(len(lines)), lines)))
    width, height = _COLUMNS * _LETTER + 2 * _EDGE, len(lines) * _LINE + 2 * _EDGE
    rules = "".join(f".{tone}{{fill:var(--{tone})}}" for tone in (*tones.TONES, "dim"))
    style = (
        f":root{{color-scheme:light dark;{tones.variables(tones.LIGHT)}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{tones.variables(tones.DARK)}}}}}"
        "text{font:13px ui-monospace,'SFMono-Regular',Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        f"fill:var(--text);white-space:pre}}.bold{{font-weight:bold}}{rules}"
        ".paper{fill:var(--panel);stroke:var(--line)}"
    )
    paper: dict[str, str | float] = {
        "class": "paper",
        "x": 0.5,
        "y": 0.5,
        "rx": 8.0,
        "width": width - 1,
        "height": height - 1,
    }
    size: dict[str, str | float] = {
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width:g} {height:g}",
        "width": width, "height": height, "role": "img", "aria-labelledby": "name",
    }  # fmt: skip
    parts = [
        markup.element("title", {"id": "name"}, "A plan is made, run, mended and rolled back"),
        markup.element("style", {}, style),
        markup.element("rect", paper),
        *drawn,
    ]
    return markup.element("svg", size, "\n".join(["", *parts, ""])) + "\n"


def _drawn(number: int, line: Text) -> Iterator[str]:
    """The pieces of a line that have one style each."""
    borders = sorted(
        {0, len(line), *(end for span in line.spans for end in (span.start, span.end))}
    )
    for start, end in itertools.pairwise(borders):
        piece = line.plain[start:end]
        if not piece.strip():
            continue
        names = [
            _CLASSES[word]
            for span in line.spans
            if span.start <= start and end <= span.end
            for word in str(span.style).split()
            if word in _CLASSES
        ]
        lead = len(piece) - len(piece.lstrip())
        where: dict[str, str | float] = {
            "x": _EDGE + (start + lead) * _LETTER,
            "y": _EDGE + number * _LINE + 13,
            "textLength": len(piece.strip()) * _LETTER,
        }
        about = {"class": " ".join(dict.fromkeys(names))} if names else {}
        yield markup.element("text", {**about, **where}, markup.text(piece.strip()))


def main() -> None:
    """Run the commands, and write the picture."""
    with tempfile.TemporaryDirectory() as place:
        PICTURE.write_text(picture(settled(session(Path(place) / "run"))))


if __name__ == "__main__":
    main()
