"""The sections of the map, cut to a number of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from git_orch.plans import invisible, sentences
from git_orch.plans.money.budget import BYTES_PER_TOKEN
from git_orch.plans.repo_map import files, layout, outline, words
from git_orch.plans.repo_map.files import Survey

# Of the room, at most. What one section leaves is for the tree and the symbols.
_SHARES = {"instructions": 0.3, "manifests": 0.12, "readme": 0.1, "commits": 0.05}
_TREE_SHARE = 0.45  # of what the others leave
_OVERHEAD = 60  # characters of the marks around a section
_LONGEST_LINE = 400
_LEAST = 80  # characters; less of a file says nothing


class Section(NamedTuple):
    """A part of the map: `name` is one word, `title` says what it is."""

    name: str
    title: str
    text: str


class Facts(NamedTuple):
    """What the map is made of: `texts` are the files that it quotes, by their paths, `commits` the
    last ones, a line each. `places` are paths whose instructions count most.
    """

    survey: Survey
    texts: Mapping[str, str]
    commits: Sequence[str] = ()
    places: Sequence[str] = ()


def quoted_paths(paths: Sequence[str], places: Sequence[str] = ()) -> list[str]:
    """The files that the map quotes."""
    top = files.readme(paths)
    return [
        *files.instructions(paths, places),
        *files.manifests(paths),
        *([top] if top is not None else []),
    ]


def sections(facts: Facts, task: str, tokens: int) -> list[Section]:
    """The map for a task in at most so many tokens; nothing for 0."""
    room = tokens * BYTES_PER_TOKEN
    quoted = [section for section in _quoted(facts, room) if section.text]
    left = room - sum(len(section.text.encode()) + _OVERHEAD for section in quoted)
    survey = facts.survey
    task_words = words.words_of(task, survey.files)
    scores = words.scores(survey.files, task_words)
    left -= 2 * _OVERHEAD
    listed = layout.Layout(survey, scores)
    tree = listed.text(int(left * _TREE_SHARE))
    symbols = outline.outline(survey, scores, task_words, left - len(tree.encode()))
    tree = listed.text(left - len(symbols.encode()))
    ends = [
        Section("tree", "The files, sizes in bytes", tree),
        Section("symbols", "What the files define, with the numbers of lines", symbols),
    ]
    return [*quoted, *(section for section in ends if section.text)] if left > _LEAST else quoted


def instructions(texts: Sequence[tuple[str, str]], tokens: int) -> str:
    """Instructions in at most so many tokens: of those that have no room the nearest, which are the
    last, stay.
    """
    return _fitted(texts, tokens * BYTES_PER_TOKEN, nearest_first=True)


def _quoted(facts: Facts, room: int) -> list[Section]:
    paths = list(facts.texts)
    top = files.readme(paths)
    titled = {
        "instructions": (
            "Instructions for agents who work here",
            _files(facts, files.instructions(paths, facts.places)),
        ),
        "manifests": ("Manifests", _files(facts, files.manifests(paths))),
        "readme": ("The head of the README", _files(facts, [top] if top is not None else [])),
    }
    made = [
        Section(
            name,
            title,
            _fitted(texts, int(room * _SHARES[name]), nearest_first=name == "instructions"),
        )
        for name, (title, texts) in titled.items()
    ]
    commits = cut("\n".join(facts.commits), int(room * _SHARES["commits"]))
    return [*made, Section("commits", "The last commits", commits)]


def _files(facts: Facts, paths: Sequence[str]) -> list[tuple[str, str]]:
    return [(path, facts.texts[path]) for path in paths if facts.texts[path].strip()]


def _fitted(texts: Sequence[tuple[str, str]], room: int, *, nearest_first: bool) -> str:
    """Files one below the other, with their names: what a short one leaves, the others have. The
    same text is shown once.
    """
    shown: dict[str, str] = {}
    left = room
    order = texts[::-1] if nearest_first else texts
    for at, (path, text) in enumerate(order):
        head = f"-- {path}\n"
        fair = (
            left // (len(order) - at)
            if nearest_first
            else left // 2
            if at + 1 < len(order)
            else left
        )
        part = cut(text, fair - len(head.encode()) - 1)
        if part and part not in shown.values():
            shown[path] = part
            left -= len(head.encode()) + len(part.encode()) + 1
    return "\n".join(f"-- {path}\n{shown[path]}" for path, _ in texts if path in shown)


def cut(text: str, room: int) -> str:
    """The head of a text in at most `room` bytes, whole lines of it, and how much is left out."""
    whole = invisible.escaped(text.replace("\r\n", "\n")).strip("\n")
    lines = [_short(line.rstrip()) for line in whole.split("\n")]
    if len("\n".join(lines).encode()) <= room:
        return "\n".join(lines)
    if room < _LEAST:
        return ""
    note = "[... {} left out ...]"
    left, kept = room - len(note) - 12, 0
    for line in lines:
        left -= len(line.encode()) + 1
        if left < 0:
            break
        kept += 1
    rest = sentences.count(len(lines) - kept, "line")
    return "\n".join([*lines[:kept], note.format(rest)])


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} [...]"
