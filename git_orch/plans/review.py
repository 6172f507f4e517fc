"""Why somebody should look at what a step made before it is trusted: it had a hand in how it is
judged.

A step that changes the tests, or the files that checks run, may have passed because of that.
Nothing here says that it is wrong; a step that declares the tests among its paths was asked to
change them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from git_orch.plans import invisible, paths, sentences
from git_orch.plans.plan import Step

LARGEST = (
    1024**2
)  # bytes; the text of a larger file need not be read: nobody writes tests of that size by hand

_JUDGED = frozenset(
    {"agent", "run"}
)  # files steps and persons did what is in the plan, or what they decided to do
_NAMED = 3  # paths that a reason names
_LONGEST = 120  # characters of a path that are shown


class Changed(NamedTuple):
    """A file that a step changed; the texts are None where there is no file, or none that is read
    as text.
    """

    path: str
    status: Literal["A", "M", "D"]
    before: str | None = None
    after: str | None = None


# -- test files ------------------------------------------------------------------------------------

_DIRECTORIES = frozenset({"test", "tests", "__tests__", "__snapshots__", "testdata", "e2e"})
_SPEC_DIRECTORIES = frozenset({"spec", "specs"})  # of tests, or of documents that specify something
_PROSE = re.compile(r".*\.(?:md|rst|txt|adoc|ya?ml|json|html|pdf)", re.DOTALL)
_NAMES = re.compile(
    r"(?:test[_-].*|.*[_-](?:test|tests|spec)|tests|conftest)\.[a-z]{1,5}|"
    r".*\.(?:test|spec|cy|bats|feature)(?:\.[a-z]{1,5})?|pytest\.ini|tox\.ini|phpunit\.xml(?:\.dist)?|\.rspec|"
    r"(?:jest|vitest|playwright|karma)\.conf(?:ig)?\.[a-z]{2,4}",
    re.DOTALL,
)
_CAMEL = re.compile(
    r".*[a-z0-9](?:Test|Tests|TestCase|Spec|IT)\.(?:java|kt|kts|scala|groovy|cs|swift|php)",
    re.DOTALL,
)


def is_test(path: str) -> bool:
    """Whether tests, or what decides which of them are run, are usually in a file of that name."""
    *directories, name = paths.parts(path) or ("",)
    lower = {each.casefold() for each in directories}
    if (
        not _DIRECTORIES.isdisjoint(lower)
        or _NAMES.fullmatch(name.casefold())
        or _CAMEL.fullmatch(name)
    ):
        return True
    return not _SPEC_DIRECTORIES.isdisjoint(lower) and not _PROSE.fullmatch(name.casefold())


def needs_review_paths(changes: Iterable[Changed]) -> tuple[str, ...]:
    """The changed files whose texts `reasons` looks at: those that were there before or may hold
    tests now.
    """
    return tuple(each.path for each in changes if is_test(each.path) or each.path.endswith(".rs"))


# Lines of the languages in which tests are written; none of them can run over the end of a line.
_TEST = re.compile(
    r"^[ \t]*(?:async[ \t]+)?def[ \t]+test\w*"  # Python, Ruby
    r"|^[ \t]*class[ \t]+Test\w*"
    r"|^[ \t]*(?:it|test|specify)(?:\.(?:each|concurrent|only|failing))?[ \t]*[(`]"  # JavaScript
    r"|^[ \t]*(?:it|test|specify|scenario|@test)[ \t]+['\"]"  # RSpec, ExUnit, bats
    r"|#\[(?:\w+::)*(?:test|rstest|test_case)\b"  # Rust
    # Go, PHP, Swift.
    r"|^[ \t]*(?:\w+[ \t]+)*?func(?:tion)?[ \t]+(?:Test|Fuzz|Example|test)\w*[ \t]*\("
    r"|^[ \t]*@(?:Test|ParameterizedTest|RepeatedTest|TestFactory)\b"  # JUnit
    r"|^[ \t]*(?:TYPED_)?(?:TEST|SCENARIO)(?:_F|_P|_CASE)?[ \t]*\("  # C and C++
    r"|^[ \t]*\[(?:Fact|Theory|Test|TestMethod|TestCase)\b",  # C#
    re.MULTILINE,
)
_SKIP = re.compile(
    r"\bmark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\(|\bunittest\.(?:skip\w*|expectedFailure)\b"
    r"|\bskipTest\(|@(?:skip|skipIf|skipUnless|expectedFailure|Disabled|Ignore)\b|\bcollect_ignore\b"
    r"|\b(?:it|test|describe|context|suite)\.(?:skip|todo|only|fixme)\b|\b(?:xit|xtest|xdescribe|fit|fdescribe)[ \t]*\("
    r"|#\[(?:cfg_attr\([^\n\]]{0,80})?ignore\b|\bt\.Skip(?:Now|f)?\(|\bGTEST_SKIP\b|\bDISABLED_\w"
    r"|\bmarkTest(?:Skipped|Incomplete)\(|\[Ignore\b|\bSkip[ \t]*=|^[ \t]*(?:skip|pending)[ \t]*(?:['\"(]|$)"
    r"|@tag :skip",
    re.MULTILINE,
)


# -- reasons ---------------------------------------------------------------------------------------


def reasons(step: Step, plan_checks: Sequence[str], changes: Sequence[Changed]) -> tuple[str, ...]:
    """Why a person should look at a step's work, a line each; none is the rule.

    `plan_checks` are the command lines of all checks of the plan.
    """
    if step.kind not in _JUDGED:
        return ()
    declared = [paths.parts(path) for path in step.paths]
    others = [each for each in changes if not _covered(each.path, declared)]
    return tuple(_reasons(plan_checks, changes, others))


def _reasons(
    plan_checks: Sequence[str], changes: Sequence[Changed], others: Sequence[Changed]
) -> Iterator[str]:
    """`others` are the changes outside of the declared paths."""
    tests = [each for each in others if is_test(each.path)]
    for verb, status in (("changes", "M"), ("deletes", "D")):
        found = [each.path for each in tests if each.status == status]
        if found:
            yield f"{verb} test files that it did not declare: {_listed(found)}"
    words = _words(plan_checks)
    judging = [
        each.path
        for each in others
        if each.status != "A" and not is_test(each.path) and words.name(each.path)
    ]
    if judging:
        yield f"changes what a check of the plan names: {_listed(judging)}"
    lost = min(_lost(changes), _lost(others))
    if lost > 0:
        yield f"leaves {lost} {'test' if lost == 1 else 'tests'} fewer than there were"
    skipped = [each.path for each in tests if each.status == "M" and _more_skipped(each)]
    if skipped:
        yield f"lets tests be skipped or expects them to fail: {_listed(skipped)}"


def _covered(path: str, declared: Sequence[tuple[str, ...]]) -> bool:
    names = paths.parts(path)
    return any(names[: len(place)] == place for place in declared)


class _Words(NamedTuple):
    """What command lines name: paths from the top of the tree, and from a directory that they
    change to.
    """

    whole: frozenset[tuple[str, ...]]
    below: frozenset[tuple[str, ...]]

    def name(self, path: str) -> bool:
        """Whether one of them names the path."""
        names = paths.parts(path)
        return names in self.whole or any(
            names[start:] in self.below for start in range(1, len(names))
        )


_WORD = re.compile(r"[\w./+@-]+")
_CHANGES_DIRECTORY = re.compile(r"\b(?:cd|pushd)\b|(?:^|[ \t])-C\b")
_MODULE = re.compile(r"(?<=-m )\w+(?:\.\w+)*|\b\w+(?:\.\w+)+\b")  # of Python: -m package.module


def _words(commands: Iterable[str]) -> _Words:
    whole, below = set[tuple[str, ...]](), set[tuple[str, ...]]()
    for command in commands:
        found = {paths.parts(word) for word in _WORD.findall(command)}
        found |= {
            (*above, f"{last}.py")
            for *above, last in (name.split(".") for name in _MODULE.findall(command))
        }
        whole |= found
        if _CHANGES_DIRECTORY.search(command):
            below |= found
    return _Words(frozenset(whole - {()}), frozenset(below - {()}))


def _lost(changes: Iterable[Changed]) -> int:
    """How many tests fewer there are in these files."""
    known = (
        each
        for each in changes
        if each.status != "M" or (each.before is not None and each.after is not None)
    )
    return sum(_count(_TEST, each.before) - _count(_TEST, each.after) for each in known)


def _more_skipped(changed: Changed) -> bool:
    known = changed.before is not None and changed.after is not None
    return known and _count(_SKIP, changed.after) > _count(_SKIP, changed.before)


def _count(pattern: re.Pattern[str], text: str | None) -> int:
    return sum(1 for _ in pattern.finditer(text or ""))


def _listed(found: Sequence[str]) -> str:
    """Paths on one line, whatever characters are in them."""
    shown = [invisible.on_one_line(path) for path in found]
    return sentences.names(
        [path if len(path) <= _LONGEST else f"...{path[-_LONGEST:]}" for path in shown], _NAMED
    )
