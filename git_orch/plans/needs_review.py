"""Reasons to review a step's work: the step changed the tests or files that judge it.

Such a step may have passed its checks because of that change. Nothing here says that the work is
wrong. A step that declares the tests among its paths has the task to change them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from git_orch.plans import invisible, loads, paths, sentences
from git_orch.plans.loads import NoTree, Tree
from git_orch.plans.plan import Step

# Bytes. Nothing reads the text of a larger file: nobody writes tests of that size by hand.
LARGEST = 1024**2

# A files step does what the plan says, and a person what he or she decided.
_REVIEWED_KINDS = frozenset({"agent", "run"})
_NAMED = 3  # paths that a reason names
_LONGEST = 120  # characters of a path in a reason


class Change(NamedTuple):
    """A file that a step changed. `before` and `after` are its texts, None where there is no file
    or no text in it.
    """

    path: str
    status: Literal["A", "M", "D"]
    before: str | None = None
    after: str | None = None

    def has_both_texts(self) -> bool:
        """Whether the file is text before and after the change."""
        return self.before is not None and self.after is not None


# -- test files ------------------------------------------------------------------------------------

_DIRECTORIES = frozenset({"test", "tests", "__tests__", "__snapshots__", "testdata", "e2e"})
_SPEC_DIRECTORIES = frozenset({"spec", "specs"})  # of tests, or of documents that specify something
_PROSE = re.compile(r".*\.(?:md|rst|txt|adoc|ya?ml|json|html|pdf)", re.DOTALL)
_NAMES = re.compile(
    r"(?:test[_-].*|.*[_-](?:test|tests|spec)|tests|conftest)\.[a-z]{1,5}|"
    r".*\.(?:test|spec|cy|bats|feature)(?:\.[a-z]{1,5})?|"
    r"pytest\.ini|tox\.ini|phpunit\.xml(?:\.dist)?|\.rspec|"
    r"(?:jest|vitest|playwright|karma)\.conf(?:ig)?\.[a-z]{2,4}",
    re.DOTALL,
)
_CAMEL = re.compile(
    r".*[a-z0-9](?:Test|Tests|TestCase|Spec|IT)\.(?:java|kt|kts|scala|groovy|cs|swift|php)",
    re.DOTALL,
)


def is_test(path: str) -> bool:
    """Whether a file of that name usually holds tests, or settings that choose the tests to run."""
    *directories, name = paths.parts(path) or ("",)
    lower = {directory.casefold() for directory in directories}
    if not _DIRECTORIES.isdisjoint(lower):
        return True
    if _NAMES.fullmatch(name.casefold()) or _CAMEL.fullmatch(name):
        return True
    return not _SPEC_DIRECTORIES.isdisjoint(lower) and not _PROSE.fullmatch(name.casefold())


def paths_to_read(changes: Iterable[Change]) -> tuple[str, ...]:
    """The changed files whose texts `reasons` compares: files of tests, and Rust files, which may
    hold tests.
    """
    paths_changed = (change.path for change in changes)
    return tuple(path for path in paths_changed if is_test(path) or path.endswith(".rs"))


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
    r"\bmark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\("
    r"|\bunittest\.(?:skip\w*|expectedFailure)\b|\bskipTest\("
    r"|@(?:skip|skipIf|skipUnless|expectedFailure|Disabled|Ignore)\b|\bcollect_ignore\b"
    r"|\b(?:it|test|describe|context|suite)\.(?:skip|todo|only|fixme)\b"
    r"|\b(?:xit|xtest|xdescribe|fit|fdescribe)[ \t]*\("
    r"|#\[(?:cfg_attr\([^\n\]]{0,80})?ignore\b|\bt\.Skip(?:Now|f)?\(|\bGTEST_SKIP\b|\bDISABLED_\w"
    r"|\bmarkTest(?:Skipped|Incomplete)\(|\[Ignore\b|\bSkip[ \t]*="
    r"|^[ \t]*(?:skip|pending)[ \t]*(?:['\"(]|$)"
    r"|@tag :skip",
    re.MULTILINE,
)


# -- reasons ---------------------------------------------------------------------------------------


def reasons(
    step: Step,
    plan_checks: Sequence[str],
    changes: Sequence[Change],
    trees: Sequence[Tree] = (NoTree(),),
) -> tuple[str, ...]:
    """The reasons for a person to review a step's work, as lines; mostly there is none.

    `plan_checks` are the command lines of all checks of the plan, `trees` the tree before and after
    the step.
    """
    if step.kind not in _REVIEWED_KINDS:
        return ()
    declared = [paths.parts(path) for path in step.paths]
    others = [change for change in changes if not _is_covered(change.path, declared)]
    hollowed = list(_hollowed(plan_checks, others, trees))
    named = {path for _, hollow in hollowed for path in hollow}
    return (
        *_reasons(changes, others),
        *(
            f"changes what check {check} runs or loads: {_path_list(hollow)}"
            for check, hollow in hollowed
        ),
        *_undeclared(declared, [change.path for change in others if change.path not in named]),
    )


def _undeclared(declared: Sequence[object], others: Sequence[str]) -> Iterator[str]:
    work = [path for path in others if not is_test(path)]
    if declared and work:
        yield f"changes files outside of its declared paths: {_path_list(work)}"


def _hollowed(
    plan_checks: Sequence[str], others: Sequence[Change], trees: Sequence[Tree]
) -> Iterator[tuple[str, list[str]]]:
    """Each check of which the step changed what it runs or loads, as people read it, and the files.
    What a check names, and a step adds, is its work.
    """
    words = _words(plan_checks)
    left = [change for change in others if change.status == "A" or not is_test(change.path)]
    for command in dict.fromkeys(plan_checks) if left else ():
        every = [loads.loaded(command, tree) for tree in trees]
        hollow = [
            change.path
            for change in left
            if any(
                each.hides(change.path)
                or (
                    each.include(change.path)
                    and not (change.status == "A" and words.include(change.path))
                )
                for each in every
            )
        ]
        if hollow:
            yield sentences.command(_end(invisible.on_one_line(command))), hollow
        left = [change for change in left if change.path not in hollow]


def _reasons(changes: Sequence[Change], others: Sequence[Change]) -> Iterator[str]:
    """`others` are the changes outside of the declared paths."""
    tests = [change for change in others if is_test(change.path)]
    for verb, status in (("changes", "M"), ("deletes", "D")):
        touched = [change.path for change in tests if change.status == status]
        if touched:
            yield f"{verb} test files that it did not declare: {_path_list(touched)}"
    lost = min(_tests_lost(changes), _tests_lost(others))
    if lost > 0:
        yield f"leaves {sentences.count(lost, 'test')} fewer than there were"
    skipped = [test.path for test in tests if test.status == "M" and _skips_more(test)]
    if skipped:
        yield f"lets tests be skipped or expects them to fail: {_path_list(skipped)}"


def _is_covered(path: str, declared: Sequence[tuple[str, ...]]) -> bool:
    names = paths.parts(path)
    return any(names[: len(place)] == place for place in declared)


class _Words(NamedTuple):
    """Words of command lines as paths: `whole` from the top of the tree, `below` from a directory
    that a command changes to.
    """

    whole: frozenset[tuple[str, ...]]
    below: frozenset[tuple[str, ...]]

    def include(self, path: str) -> bool:
        """Whether a command line names the path."""
        names = paths.parts(path)
        if names in self.whole:
            return True
        return any(names[start:] in self.below for start in range(1, len(names)))


_WORD = re.compile(r"[\w./+@-]+")
_CHANGES_DIRECTORY = re.compile(r"\b(?:cd|pushd)\b|(?:^|[ \t])-C\b")
_MODULE = re.compile(r"(?<=-m )\w+(?:\.\w+)*|\b\w+(?:\.\w+)+\b")  # of Python: -m package.module


def _words(commands: Iterable[str]) -> _Words:
    whole, below = set[tuple[str, ...]](), set[tuple[str, ...]]()
    for command in commands:
        named = {paths.parts(word) for word in _WORD.findall(command)}
        for module in _MODULE.findall(command):
            *packages, last = module.split(".")
            named.add((*packages, f"{last}.py"))
        whole |= named
        if _CHANGES_DIRECTORY.search(command):
            below |= named
    return _Words(frozenset(whole - {()}), frozenset(below - {()}))


def _tests_lost(changes: Iterable[Change]) -> int:
    """The number of tests that these files held before and do not hold after the changes."""
    comparable = (change for change in changes if change.status != "M" or change.has_both_texts())
    return sum(_count(_TEST, file.before) - _count(_TEST, file.after) for file in comparable)


def _skips_more(change: Change) -> bool:
    return change.has_both_texts() and (_count(_SKIP, change.after) > _count(_SKIP, change.before))


def _count(pattern: re.Pattern[str], text: str | None) -> int:
    return sum(1 for _ in pattern.finditer(text or ""))


def _path_list(changed: Sequence[str]) -> str:
    """The first three paths on one line, whatever characters are in them."""
    return sentences.names([_end(invisible.as_git_quotes(path)) for path in changed], _NAMED)


def _end(printable: str) -> str:
    return printable if len(printable) <= _LONGEST else f"...{printable[-_LONGEST:]}"
