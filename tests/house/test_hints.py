"""What git-orch tells people to type destroys nothing: every text of the sources that holds a command is
looked at, wherever it is shown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import places
import pytest
import wording

PRODUCT = places.TOP / "git_orch"
# Programs that commands may run, scripts for the inside of a sandbox, and words that people type for
# commands: nobody is shown them.
NO_HINTS = {"rules.py", "whitelist.py", "probes.py", "prompts.py", "near_words.py"}
# A ref that has another name first, and what only tells what it would do.
_HARMLESS = re.compile(
    r"git update-ref \S+ (?P<ref>\S+) && git update-ref -d (?P=ref)(?=\s|$)"
    r"|git .*(?:--dry-run|clean -n)"
)
_DESTROYS = re.compile(
    r"""
    (?:^|[;&|`'"(]\ *|sudo\ )(?:rm|rmdir|unlink|shred|truncate|dd|mkfs\S*|srm|chattr)\ +\S
    | \bfind\ .*-(?:delete|exec)
    | \bmv\ +(?:-f|--force)
    | \b(?:mv|cp)\ .*\}\.\w  # a name that may be taken: trees.free_name
    | \bgit\ orch\ .*\ >\ *[^\s>&]
    | \bgit\ (?:-\S+\ \S+\ )*(?:
        reset\ .*--(?:hard|merge|keep)
        | clean\b
        | branch\ .*(?:-D|-d|-M|--delete|--force\ --move)\b
        | tag\ .*(?:-d|--delete|-f|--force)\b
        | checkout\ (?:.*(?:-f|--force|-B)\b|--\ |\.)
        | switch\ .*(?:-f|--force|--discard-changes|-C)\b
        | restore\b
        | rm\b
        | push\ .*(?:-f\b|--force|--delete|-d\b|--mirror|--prune|\ [+:])
        | gc\b | prune\b | repack\ .*-d\b | filter-branch\b | filter-repo\b
        | update-ref\ (?:.*\ )?(?:-d|--delete|--stdin)\b
        | worktree\ (?:remove|prune)\b
        | stash\ (?:drop|clear|pop)\b
        | reflog\ (?:expire|delete)\b
        | notes\ (?:.*\ )?(?:remove|prune|add\ -f)\b
        | remote\ (?:rm|remove|prune)\b
        | config\ .*--(?:unset|remove-section)
        | submodule\ (?:deinit|update\ --force)\b
        | commit\ .*--amend
        | rebase\ (?:--skip|--quit)
      )
    """,
    re.VERBOSE | re.MULTILINE,
)


def texts(path: Path) -> Iterator[str]:
    """The texts of a module but for docstrings; what is filled in stands as `{}`."""
    tree = ast.parse(path.read_text())
    parts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            parts.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            parts.update(map(id, node.values))
            yield "".join(_text(value) for value in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


def _text(value: ast.expr) -> str:
    """A part of an f-string; a name that is filled in keeps its words, so that one can be found twice."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    return "{" + re.sub(r"\W", "", ast.unparse(value)) + "}"


def destroying(text: str) -> list[str]:
    """The commands in a text that destroy something."""
    return [found.group().strip() for found in _DESTROYS.finditer(_HARMLESS.sub("", text))]


def test_no_text_names_a_command_that_destroys_something() -> None:
    named = {
        f"{path.relative_to(PRODUCT)}: {text}": found
        for path in wording.sources(PRODUCT)
        if path.name not in NO_HINTS
        for text in texts(path)
        if (found := destroying(text))
    }
    assert named == {}


@pytest.mark.parametrize(
    "hint",
    [
        "rm {lock}  # if no git runs",
        "sudo rm -rf .git/orch",
        "cd x && rm y",
        "git reset --hard {tip}",
        "git -C {place} checkout --force main",
        "git clean -f -d",
        "git branch -D orch/{plan}",
        "git push --force origin main",
        "git push origin +main",
        "git gc --prune=now",
        "git update-ref -d {ref}  # if nobody needs it",
        "git update-ref refs/aside {ref} && git update-ref -d {other}",
        "git worktree remove --force {path}",
        "git worktree prune",
        "git stash drop",
        "mv {path} {path}.aside",
        "git orch show {name} --yaml > plan.yaml; git orch edit {name} --from plan.yaml",
        "git reflog expire --expire=now --all",
    ],
)
def test_such_a_command_is_found(hint: str) -> None:
    assert destroying(hint)


@pytest.mark.parametrize(
    "hint",
    [
        "git update-ref refs/aside {ref} && git update-ref -d {ref}  # puts it aside",
        "git worktree prune --dry-run --verbose",
        "git clean -n -d",
        "git orch rebase {plan}",
        "git branch -f orch/{plan} {tip}",
        "mv {path} {aside}",
        "the form of a plan",
    ],
)
def test_what_destroys_nothing_is_not_found(hint: str) -> None:
    assert destroying(hint) == []
