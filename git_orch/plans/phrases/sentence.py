"""What a sentence means: a command of git-orch, or nothing that is sure.

No model, no clock, no repository: the same sentence always means the same command. A plan is made
only where the word plan (or idea) stands outside of quotes.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from git_orch.plans.phrases import creation, matching, titles, tokens
from git_orch.plans.phrases.creation import Idea
from git_orch.plans.phrases.forms import FORMS
from git_orch.plans.phrases.tokens import Token
from git_orch.plans.phrases.words import Words

PLAN = "PLAN"  # stands in a command for a plan that the sentence does not name


class Understood(NamedTuple):
    """The command that a sentence means."""

    argv: tuple[str, ...]
    hole: int | None = None  # the place of PLAN, which the command cannot find by itself
    is_sure: bool = True  # whether PLAN is the only plan there is, as `it` says


class Unknown(NamedTuple):
    """Why a sentence means no command, and at most three that may be meant."""

    why: str
    suggestions: tuple[str, ...]


_OWNER = re.compile(r"(?:--owner|owner)[:=](?P<name>.*)", re.IGNORECASE | re.DOTALL)
_AT = re.compile(r"@(?P<name>[\w.-]*)[,;:.!?]*")
_STRANGE = re.compile(r'["$`\\!\n]')
_OWNED = frozenset(("plan", "spec"))
_OPTIONS = {"plan": ("--ready", "--draft"), "spec": ("--offline",), "orchestrate": ("--offline",)}
_EVERY_OPTION = frozenset(option for options in _OPTIONS.values() for option in options)
_NEW_PLAN = 'git orch plan "TITLE" --draft'
_MOST = 3  # suggestions
_BEFORE_OWNER = 4  # words, the last three of them `owned by NAME`
_LOOKED_AT = 50  # words of a sentence, for suggestions
_LONGEST_LOOKED_AT = 1000  # characters of a text that is no sentence
_LONGEST_SHOWN = 60  # characters of a sentence in a suggestion
_EXAMPLES = (
    ("status", "status progress where working next state failed left now going"),
    ("ls", "list plans all ls which specs"),
    ("exec PLAN", "execute exec run build implement start resume continue go launch tests"),
    ("orchestrate", "orchestrate specs generate"),
    ("spec PLAN", "spec design blueprint specify specification detail"),
    ("ready PLAN", "ready mark"),
    ("scout PLAN", "scout checklist tasks"),
    ("show PLAN", "show view open display print describe"),
    ("log PLAN", "log history happened events"),
    ("diff PLAN", "diff changes changed"),
    ("cost PLAN", "cost price money spend spent expensive"),
    ("owner who", "owner who owns whoami set assign"),
    ("undo PLAN", "undo revert back"),
    ("archive PLAN", "archive delete remove discard shelve"),
    ("land PLAN", "land merge ship deliver finish"),
    ("approve PLAN", "approve allow confirm"),
    ("comment PLAN", "comment comments remark remarks"),
    ("fsck", "fsck repair damage damaged broken"),
    ("init", "init initialize hooks"),
    ('note "TEXT"', "note decision blocker remember"),
    ("help", "help what commands how"),
)
_COMMAND_OF = {word: command for command, typed in _EXAMPLES for word in typed.split()}


class _Marked(NamedTuple):
    """What a sentence says beside its words: the owner, and options of a command."""

    rest: list[Token]
    owners: list[str]
    options: list[str]


def understand(sentence: str, named: Mapping[str, str] | None = None) -> Understood | Unknown:
    """The command that a sentence means; any text will do. With the titles of plans by their handles
    their words may stand without quotes, and no sentence makes a plan.
    """
    try:
        typed = tokens.read(sentence)
        marked = _marked(typed if named is None else titles.with_plans(typed, named))
    except tokens.Unreadable as why:
        return Unknown(str(why), _nearest(sentence[:_LONGEST_LOOKED_AT].split(), sentence))
    words = Words(marked.rest)
    owner = marked.owners[0] if marked.owners else None
    if len({*marked.owners}) > 1 or owner == "":
        problem = "no owner" if owner == "" else "several owners"
        return Unknown(f"it names {problem}", ("git orch owner who",))
    idea = creation.idea_in(words) if named is None else None
    if idea is not None:
        return _plan(idea, owner, marked.options)
    understood = _of_form(words)
    if understood is None:
        return _unknown(words, sentence)
    return _with_marks(understood, owner, marked.options)


def shown(argv: Sequence[str]) -> str:
    """A command as people type it: its words in quotes where a shell wants them."""
    return " ".join(["git", "orch", *map(_quoted, argv)])


def _quoted(word: str) -> str:
    return f'"{word}"' if "'" in word and not _STRANGE.search(word) else shlex.quote(word)


def _marked(typed: list[Token]) -> _Marked:
    """The owner and the options of a sentence, outside of quotes, and its other words."""
    marked = _Marked([], [], [])
    typed, owner = _owned_by(typed)
    marked.owners.extend(owner)
    place = 0
    while place < len(typed):
        token, place = typed[place], place + 1
        name = _owner_in(token)
        if name is not None:
            if not name and place < len(typed) and (typed[place].quoted or not _is_at(token)):
                name, place = typed[place].raw, place + 1
            marked.owners.append(name)
        elif not token.quoted and token.raw in _EVERY_OPTION:
            marked.options.append(token.raw)
        else:
            marked.rest.append(token)
    return marked


def _owned_by(typed: list[Token]) -> tuple[list[Token], list[str]]:
    """The words without `, owned by NAME` at their end, and that name. Behind words without quotes
    and comma it is a part of a title.
    """
    if len(typed) < _BEFORE_OWNER or [token.word for token in typed[-3:-1]] != ["owned", "by"]:
        return typed, []
    before = typed[-4]
    if not before.quoted and not before.raw.endswith(","):
        return typed, []
    return typed[:-3], [typed[-1].bare.lstrip("@")]


def _owner_in(token: Token) -> str | None:
    """The owner that a word names, "" where the next word is it. None for a word that names none."""
    if token.quoted:
        return None
    if token.raw.lower() == "--owner":
        return ""
    named = _OWNER.fullmatch(token.raw)
    if named is not None:
        return named["name"].rstrip(",;")
    named = _AT.fullmatch(token.raw) if not token.glued else None
    return named["name"].rstrip(".-") if named is not None else None


def _is_at(token: Token) -> bool:
    return token.raw.startswith("@")


def _plan(idea: Idea, owner: str | None, options: list[str]) -> Understood | Unknown:
    """The command that writes an idea down."""
    states = {option.removeprefix("--") for option in options if option in _OPTIONS["plan"]}
    states |= {idea.state} - {""}
    problem = idea.problem
    if len(states) > 1:
        problem = problem or "is both a draft and ready"
    elif len(states) < len({*options}):
        problem = problem or f"has an option that is not for plans: {options[-1]}"
    if not idea.title.strip():
        problem = problem or "has no title"
    if problem:
        short = [title for title in (idea.title, *idea.titles) if _is_short(title)]
        state = idea.state or "draft"
        commands = tuple(shown(("plan", title, f"--{state}")) for title in short)
        ways = commands or (_NEW_PLAN,)
        return Unknown(f"the plan in it {problem}", (*ways, "git orch help plan")[:_MOST])
    state = next(iter(states), "draft")
    owned = () if owner is None else _owner_option(owner)
    if idea.title.startswith("-"):
        return Understood(("plan", f"--{state}", *owned, "--", idea.title))
    return Understood(("plan", idea.title, f"--{state}", *owned))


def _owner_option(owner: str) -> tuple[str, ...]:
    return (f"--owner={owner}",) if owner.startswith("-") else ("--owner", owner)


def _of_form(words: Words) -> Understood | None:
    for command, forms in FORMS:
        for form in forms:
            says = matching.reading(form, words)
            understood = _command(command, says) if says is not None else None
            if understood is not None:
                return understood
    return None


def _command(template: str, says: Mapping[str, str]) -> Understood | None:
    """The command of a form; None where what the sentence says makes none."""
    argv: list[str] = []
    hole, is_sure = None, True
    for part in template.split():
        value: str | None = part
        if part in ("{plan!}", "{plan?}"):
            value = says.get("plan") or PLAN
            hole = len(argv) if not says.get("plan") else None
            is_sure = part == "{plan!}"
        elif part == "{plan}":
            value = says.get("plan") or None
        elif part == "{before}":
            value = _before(says["n"])
            if value is None:
                return None
        elif part.startswith("{"):
            value = says.get({"{n}": "n"}.get(part, "text"), "")
        if value is not None:
            argv.append(value)
    if argv[-2:] == ["--to-step", "0"]:
        argv = argv[:-2]  # of all steps
    texts = [word for word in (says.get("plan"), says.get("text")) if word is not None]
    if any(text.startswith("-") for text in texts):
        return None  # it would be read as an option
    return Understood(tuple(argv), hole, is_sure)


def _before(number: str) -> str | None:
    return str(int(number) - 1) if number.isdecimal() and int(number) > 0 else None


def _with_marks(
    understood: Understood, owner: str | None, options: list[str]
) -> Understood | Unknown:
    """The command with the owner and the options of the sentence."""
    name = understood.argv[0]
    allowed = _OPTIONS.get(name, ())
    strange = next((option for option in options if option not in allowed), None)
    if owner is not None and name not in _OWNED:
        strange = strange or "--owner"
    if strange is not None:
        return Unknown(
            f"'{name}' has no {strange}", (shown(understood.argv), f"git orch help {name}")
        )
    owned = () if owner is None else _owner_option(owner)
    return understood._replace(argv=(*understood.argv, *owned, *dict.fromkeys(options)))


def _unknown(words: Words, sentence: str) -> Unknown:
    typed = [word.text for word in words.words[:_LOOKED_AT]]
    return Unknown("it has no form that git-orch knows", _nearest(typed, sentence))


def _nearest(typed: Sequence[str], sentence: str) -> tuple[str, ...]:
    """At most three commands that may be meant."""
    commands = dict.fromkeys(_near_commands(typed))
    title = _title(sentence)
    if len(commands) < _MOST:
        commands[shown(("plan", title, "--draft")) if title else _NEW_PLAN] = None
    return (*commands, "git orch status", "git orch help")[:_MOST]


def _near_commands(typed: Sequence[str]) -> Iterator[str]:
    looked_at = [word[:_LONGEST_SHOWN].lower() for word in typed[:_LOOKED_AT]]
    for word in looked_at:
        if word in _COMMAND_OF:
            yield f"git orch {_COMMAND_OF[word]}"
    for word in looked_at[:8]:
        near = (
            difflib.get_close_matches(word, _COMMAND_OF, n=1, cutoff=0.8) if len(word) > 3 else []
        )
        if near:
            yield f"git orch {_COMMAND_OF[near[0]]}"


def _title(sentence: str) -> str | None:
    """The sentence as a title, where it is short enough to be shown as one."""
    if len(sentence) > _LONGEST_SHOWN:
        return None
    title = " ".join(sentence.split())
    return title if " " in title and title.isprintable() and not title.startswith("-") else None


def _is_short(title: str) -> bool:
    return bool(title.strip()) and len(title) <= _LONGEST_SHOWN and title.isprintable()
