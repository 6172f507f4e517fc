"""The words of a task, and how much a path or the name of a symbol has to do with them."""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from git_orch.plans.repo_map.files import File, is_test

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|[0-9]+")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+|[\w-]+\.[A-Za-z]{1,5}\b")
_LARGEST_TASK = 20_000  # characters; what comes after them ranks nothing
_SHORTEST_STEM = 4
_COMMON_WORDS = """
a an and are as at be been but by can could do does for from get has have if in into is it its make
may more must no not of on only or our should so some than that the their them then there these they
this to use using want was we when where which will with without would you your add change create fix
implement new please remove update write file files code project repository
"""
_COMMON = frozenset(_COMMON_WORDS.split())


class Words(NamedTuple):
    """The words of a task, with the weight of each: a rare one tells more. `places` are names of
    files that it mentions.
    """

    weights: Mapping[str, float]
    places: frozenset[str]
    about_tests: bool = False


@functools.lru_cache(maxsize=200_000)
def split(text: str) -> tuple[str, ...]:
    """The words in a name, in lower case: `readUserName` and `read_user-name` have three."""
    return tuple(word.lower() for word in _WORD.findall(text))


def words_of(task: str, files: Sequence[File]) -> Words:
    """The words of a task for a repository with these files."""
    task = task[:_LARGEST_TASK]
    words = {word for word in split(task) if len(word) > 1 and word not in _COMMON}
    present = Counter[str]()
    for file in files:
        present.update(_matched(frozenset(split(file.path)), words))
    weights = {word: math.log(1 + (1 + len(files)) / (1 + present[word])) for word in words}
    places = frozenset(match.strip("./").lower() for match in _PATH.findall(task))
    return Words(weights, places, bool(words & {"test", "tests", "testing", "coverage"}))


def _matched(names: frozenset[str], words: set[str]) -> set[str]:
    return {word for word in words if word in names or any(_alike(word, name) for name in names)}


def _alike(word: str, name: str) -> bool:
    """Whether one is a form of the other: `parse`, `parser` and `parsing` are."""
    short = min(len(word), len(name))
    if short < _SHORTEST_STEM:
        return False
    least = max(_SHORTEST_STEM, max(len(word), len(name)) - 3)
    return word[:least] == name[:least] if short >= least else False


def weight(text: str, words: Words) -> float:
    """How much a name has to do with a task: 0 is nothing."""
    names = split(text)
    total = 0.0
    for word, worth in words.weights.items():
        if word in names:
            total += worth
        elif any(_alike(word, name) for name in names):
            total += worth / 2
    return total


def score(file: File, words: Words) -> float:
    """How much a file has to do with a task, by its path and by what it defines."""
    directory, _, name = file.path.rpartition("/")
    total = 2 * weight(name, words) + weight(directory, words)
    named = sorted((weight(symbol.name, words) for symbol in file.symbols), reverse=True)
    total += sum(named[:5])
    if file.path.lower() in words.places or name.lower() in words.places:
        total += 50
    if is_test(file.path) and not words.about_tests:
        total *= 0.6
    return total


def scores(files: Sequence[File], words: Words) -> dict[str, float]:
    """The score of each file, by its path."""
    return {file.path: score(file, words) for file in files}
