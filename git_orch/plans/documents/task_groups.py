"""The group of a task in a checklist: by the paths that it writes, else by whole words of its title.

No part of a word counts: "rebuild" has nothing to do with "ui".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, get_args

from git_orch.plans.plan import Step

Group = Literal["Development", "Implementation", "Testing", "Validation", "Documentation"]
GROUPS: tuple[Group, ...] = get_args(Group)

_WORD = re.compile(r"[^\W_]+")
# A title that begins so is of that group, whatever comes after.
_VERBS: dict[Group, str] = {
    "Development": "setup install configure scaffold bootstrap initialise initialize prepare "
    "research investigate prototype explore choose evaluate design",
    "Implementation": "implement refactor fix mend repair rename move remove delete rewrite",
    "Testing": "test benchmark",
    "Validation": "validate verify review audit confirm ensure check approve accept",
    "Documentation": "document describe explain",
}
# Else the first of these words, anywhere.
_NOUNS: dict[Group, str] = {
    "Development": "dependency dependencies scaffolding toolchain",
    "Testing": "test tests testing unittest unittests pytest e2e fixture fixtures coverage",
    "Validation": "acceptance validation verification",
    "Documentation": "documentation docs doc readme changelog docstring docstrings tutorial "
    "manpage manpages",
}
_BY_VERB = {word: group for group, words in _VERBS.items() for word in words.split()}
_BY_NOUN = {word: group for group, words in _NOUNS.items() for word in words.split()}
_HEADINGS: dict[str, Group] = {
    "acceptance": "Validation", "criteria": "Validation", "validation": "Validation",
    "verification": "Validation", "review": "Validation", "testing": "Testing", "tests": "Testing",
    "documentation": "Documentation", "docs": "Documentation", "development": "Development",
    "setup": "Development", "preparation": "Development",
}  # fmt: skip
_TEST_DIRECTORIES = frozenset({"test", "tests", "testing", "__tests__", "e2e"})
_TEST_FILE = re.compile(r"test_.*|.*[_.-](?:test|tests|spec)\.[a-z]+|conftest\.py")
_DOC_DIRECTORIES = frozenset({"doc", "docs", "man", "documentation"})
_DOC_FILE = re.compile(r".*\.(?:md|rst|adoc|scd|[1-9])|readme(?:\..*)?|changelog(?:\..*)?")


def of_step(step: Step) -> Group:
    """The group of a step."""
    written = [*step.files, *step.paths]
    if written:
        if all(map(_is_test, written)):
            return "Testing"
        if all(map(_is_document, written)):
            return "Documentation"
    return _of_words(step.title) or _of_command(step) or "Implementation"


def of_text(text: str, headings: Iterable[str] = ()) -> Group:
    """The group of a task that somebody wrote below these headings; the innermost one that names a
    group decides.
    """
    for heading in reversed([*headings]):
        for word in _words(heading):
            if word in _HEADINGS:
                return _HEADINGS[word]
    return _of_words(text) or "Implementation"


def named(text: str) -> Group | None:
    """The group that a person means; None where there is no such group, or several."""
    folded = text.strip().casefold()
    fitting = [group for group in GROUPS if folded and group.casefold().startswith(folded)]
    return fitting[0] if len(fitting) == 1 else None


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _of_words(title: str) -> Group | None:
    words = _words(title)
    first = "".join(words[:2]) if words[:2] == ["set", "up"] else "".join(words[:1])
    if first in _BY_VERB:
        return _BY_VERB[first]
    return next((_BY_NOUN[word] for word in words if word in _BY_NOUN), None)


def _of_command(step: Step) -> Group | None:
    """The group of a step that only runs something."""
    if step.kind != "run" or step.command is None:
        return None
    commands = [check.command for check in step.checks if check.type in ("unit", "integration")]
    words = _words(step.command.text())
    if step.command in commands or {"test", "tests", "pytest"} & {*words}:
        return "Testing"
    return "Development" if "install" in words else None


def _is_test(path: str) -> bool:
    *directories, name = path.casefold().rstrip("/").split("/")
    return _TEST_FILE.fullmatch(name) is not None or not _TEST_DIRECTORIES.isdisjoint(
        [*directories, name]
    )


def _is_document(path: str) -> bool:
    *directories, name = path.casefold().rstrip("/").split("/")
    return _DOC_FILE.fullmatch(name) is not None or not _DOC_DIRECTORIES.isdisjoint(
        [*directories, name]
    )
