"""The words of a task, and how much a path or the name of a symbol has to do with them."""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from git_orch.plans.repo_map.files import File, is_test

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|[0-9]+")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+|[\w-]+\.[A-Za-z]{1,5}\b")
_LARGEST_TASK = 20_000  # characters; what comes after them ranks nothing
_SHORTEST_STEM = 4
_MOST_WORDS = 2_000
_OF_TESTS = frozenset({"test", "tests", "testing", "coverage"})
_COMMON_WORDS = """
a an and are as at be been but by can could do does for from get has have if in into is it its make
may more must no not of on only or our should so some than that the their them then there these they
this to use using want was we when where which will with without would you your add change create fix
implement new please remove update write file files code project repository
"""
_COMMON = frozenset(_COMMON_WORDS.split())


class Words:
    """The words of a task, with the weight of each: a rare one tells more. `places` are names of
    files that it mentions.
    """

    def __init__(self, words: Iterable[str], places: frozenset[str] = frozenset()) -> None:
        self.weights = dict.fromkeys(words, 1.0)
        self.places = places
        self.about_tests = not _OF_TESTS.isdisjoint(self.weights)
        self._by_stem: dict[str, list[str]] = {}
        for word in self.weights:
            self._by_stem.setdefault(word[:_SHORTEST_STEM], []).append(word)

    def shares(self, names: Iterable[str]) -> dict[str, float]:
        """The words that names have to do with: 1 for one that is among them, a half for one of
        which a form is.
        """
        shares: dict[str, float] = {}
        for name in names:
            if name in self.weights:
                shares[name] = 1.0
            for word in self._by_stem.get(name[:_SHORTEST_STEM], ()):
                if word not in shares and _alike(word, name):
                    shares[word] = 0.5
        return shares


@functools.lru_cache(maxsize=200_000)
def split(text: str) -> tuple[str, ...]:
    """The words in a name, in lower case: `readUserName` and `read_user-name` have three."""
    return tuple(word.lower() for word in _WORD.findall(text))


def words_of(task: str, files: Sequence[File]) -> Words:
    """The words of a task for a repository with these files."""
    task = task[:_LARGEST_TASK]
    listed = sorted(word for word in set(split(task)) if len(word) > 1 and word not in _COMMON)
    places = frozenset(match.strip("./").lower() for match in _PATH.findall(task))
    words = Words(listed[:_MOST_WORDS], places)
    present = Counter[str]()
    for file in files:
        present.update(words.shares(split(file.path)))
    for word in words.weights:
        words.weights[word] = math.log(1 + (1 + len(files)) / (1 + present[word]))
    return words


def _alike(word: str, name: str) -> bool:
    """Whether one is a form of the other: `parse`, `parser` and `parsing` are."""
    longest = max(len(word), len(name))
    least = max(_SHORTEST_STEM, longest - 3)
    return min(len(word), len(name)) >= least and word[:least] == name[:least]


def weight(text: str, words: Words) -> float:
    """How much a name has to do with a task: 0 is nothing."""
    shares = words.shares(split(text))
    return sum(words.weights[word] * share for word, share in shares.items())


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
