"""The commands of orchestrator-toolkit, and the commands of git-orch that do their work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from git_orch.plans.phrases import sentence, tokens
from git_orch.plans.phrases.sentence import Understood, Unknown


class _Line(NamedTuple):
    """A command line: its words, and the values of its options."""

    words: list[str]
    options: dict[str, str]


class _Unfit(Exception):
    """The line says something that git-orch has no command for."""


_VALUED = frozenset(("--owner", "--plan", "--task", "--body", "--title"))
_FLAGS = frozenset(("--ready", "--draft", "--offline"))
ONCE = "orchestrator-once"


def translate(arguments: Sequence[str], commands: Collection[str]) -> Understood | Unknown:
    """The command that a command line of orchestrator-toolkit means; a word that neither it nor
    git-orch (`commands`) has begins a sentence.
    """
    name, rest = arguments[0].removeprefix("otk-"), list(arguments[1:])
    if name == "task" and rest[:1] == ["new"]:
        name, rest = "task-new", rest[1:]
    make = _OLD.get(name)
    if name == "spec-new" and (not rest or tokens.ID.fullmatch(rest[0]) is None):
        make = _sentence
    if make is None and name in commands:
        return Understood((name, *rest))
    try:
        return make(rest) if make is not None else _sentence([name, *rest])
    except _Unfit as unfit:
        return Unknown(str(unfit), (f"git orch help {'plan' if 'new' in name else name}",))


def is_task(arguments: Sequence[str], argv: Sequence[str]) -> bool:
    """Whether a command line made a task with the text of its template; `argv` is its translation."""
    name = arguments[0].removeprefix("otk-")
    is_new = name == "task-new" or (name == "task" and [*arguments[1:2]] == ["new"])
    return is_new and not any(word.startswith("--body=") for word in argv)


def words_of(arguments: Sequence[str]) -> str:
    """One sentence of several words; a word with white space in it was quoted, unless it is all but
    for options.
    """
    if all(word.startswith("--") for word in arguments[1:]):
        return " ".join(arguments)
    return " ".join(
        f'"{word}"' if any(map(str.isspace, word)) and '"' not in word else word
        for word in arguments
    )


def _sentence(arguments: list[str]) -> Understood | Unknown:
    return sentence.understand(words_of(arguments))


def _line(arguments: list[str]) -> _Line:
    """The words and options of a command line. Raises _Unfit for an option that is not known."""
    line = _Line([], {})
    place = 0
    while place < len(arguments):
        word, place = arguments[place], place + 1
        name, equals, value = word.partition("=")
        if word == "--":
            line.words.extend(arguments[place:])
            break
        if word in _FLAGS:
            line.options[word] = ""
        elif name in _VALUED and equals:
            line.options[name] = value
        elif word in _VALUED:
            if place >= len(arguments):
                raise _Unfit(f"{word} needs a value")
            line.options[word], place = arguments[place], place + 1
        elif word.startswith("--"):
            raise _Unfit(f"there is no option {name}")
        else:
            line.words.append(word)
    return line


def _title(line: _Line) -> str:
    """The title of a line: its words. Raises _Unfit."""
    title = " ".join(line.words) or line.options.get("--title", "")
    if not title.strip():
        raise _Unfit("there is no title")
    return title


def _idea(arguments: list[str], state: str) -> Understood:
    line = _line(arguments)
    title = _title(line)
    state = next((flag for flag in ("--ready", "--draft") if flag in line.options), state)
    more = [state]
    if line.options.get("--owner"):
        more.append(f"--owner={line.options['--owner']}")
    body = line.options.get("--body")
    if line.options.get("--task"):  # what the plan was for
        body = f"Task: {line.options['--task']}" + (f"\n\n{body}" if body else "")
    if body is not None:
        more.append(f"--body={body}")
    return _protected("plan", title, *more)


def _plan(arguments: list[str]) -> Understood:
    return _idea(arguments, "--draft")


def _task(arguments: list[str]) -> Understood:
    return _idea(arguments, "--ready")  # a task was assigned as soon as it was there


def _spec(arguments: list[str]) -> Understood:
    line = _line(arguments)
    more = ["--offline"] if "--offline" in line.options else []
    if line.options.get("--owner"):
        more.append(f"--owner={line.options['--owner']}")
    plan = line.options.get("--plan")
    if plan is not None:
        return _protected(
            "spec", *[plan, " ".join(line.words)][: 1 + bool(line.words)], options=more
        )
    return _protected("spec", _title(line), *more)


def _spec_of_plan(arguments: list[str]) -> Understood:
    plan, *title = arguments
    return _spec([f"--plan={plan}", *title])


def _protected(name: str, *words: str, options: Sequence[str] = ()) -> Understood:
    """The command; behind `--` where a word would be read as an option."""
    first, *more = words
    if first.startswith("-"):
        return Understood((name, *more, *options, "--", first))
    return Understood((name, first, *more, *options))


def _same(name: str) -> Callable[[list[str]], Understood]:
    def make(arguments: list[str]) -> Understood:
        return Understood((name, *arguments))

    return make


def _summary(arguments: list[str]) -> Understood:
    if len(arguments) != 1:
        raise _Unfit("plan-summarize takes one plan")
    return Understood(("show", "--", arguments[0]))


_OLD: dict[str, Callable[[list[str]], Understood | Unknown]] = {
    "plan": _plan,
    "plan-new": _plan,
    "task-new": _task,
    "spec": _spec,
    "spec-new": _spec_of_plan,
    "orchestrate": _same("orchestrate"),
    ONCE: _same("orchestrate"),
    "scout": _same("scout"),
    "exec": _same("exec"),
    "owner": _same("owner"),
    "plan-summarize": _summary,
    "new": _sentence,
}
