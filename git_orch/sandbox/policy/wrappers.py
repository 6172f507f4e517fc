"""Programs that run the program they are given: it is judged as if it stood alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_orch.sandbox.policy import rules, verdict, words
from git_orch.sandbox.policy.rules import Surroundings
from git_orch.sandbox.policy.words import Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.sandbox.policy.verdict import Verdict

SHELLS = frozenset(("bash", "sh", "dash", "ash", "zsh", "ksh", "mksh", "fish"))

_DEEPEST = 8  # programs that run programs, and shells in shells

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_HARMLESS = re.compile(
    r"LC_[A-Z]+|LANG|LANGUAGE|TZ|CI|NO_COLOR|FORCE_COLOR|CLICOLOR(?:_FORCE)?|COLUMNS|LINES|TERM|"
    r"RUST_BACKTRACE|RUST_LOG|CARGO_TERM_COLOR|PYTHONDONTWRITEBYTECODE|PYTHONUNBUFFERED|"
    r"PYTHONHASHSEED|PYTHONUTF8|PYTHONIOENCODING|IFS|HYPOTHESIS_PROFILE|SOURCE_DATE_EPOCH|"
    r"[a-z_][a-z0-9_]*"
)
_CONTAINED = re.compile(
    r"PYTHONPATH|PYTHONWARNINGS|PYTEST_ADDOPTS|NODE_ENV|NODE_PATH|DEBUG|GOOS|GOARCH|CGO_ENABLED|"
    r"GO111MODULE|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|RUSTFLAGS|DJANGO_SETTINGS_MODULE|FLASK_APP|"
    r"MAKEFLAGS|DESTDIR|PREFIX"
)
_SPECIAL = re.compile(  # to the shell, the loader, or programs that run others
    r"_|BASH.*|CDPATH|COMP.*|ENV|EXECIGNORE|FCEDIT|FIGNORE|FUNC.*|GLOB.*|HIST.*|HOME|IFS|INPUTRC|"
    r"LC_.*|LANG.*|MAIL.*|OPT.*|PATH|POSIX.*|PROMPT.*|PS[0-4]|SHELL.*|TERM.*|TIMEFORMAT|TMOUT|"
    r"TMPDIR|LD_.*|DYLD_.*|GIT_.*|SSH_.*|PAGER|.*_PAGER|EDITOR|VISUAL|BROWSER|LESS.*|GREP_.*|TAR_.*|"
    r"PERL.*|RUBY.*|NODE_OPTIONS|JAVA_.*|PYTHON.*|GOFLAGS|RUSTC.*|CARGO_.*|CC|CXX|MAKE.*|.*_COMMAND"
)
_DURATION = re.compile(r"[0-9]+(?:\.[0-9]*)?[smhd]?")
_NICENESS = re.compile(r"-n?-?[0-9]+|--adjustment=-?[0-9]+")
_TIMEOUT = re.compile(
    r"-v|--verbose|--foreground|--preserve-status|--signal=\w+|--kill-after=[\w.]+|-[ks][\w.]+"
)
_XARGS = re.compile(
    r"-[0rtx]+|-[nPLsI][^/]+|-d.+|--null|--no-run-if-empty|--verbose|--exit|"
    r"--max-(?:args|procs|lines|chars)=[0-9]+|--delimiter=.*|--replace(?:=.*)?"
)
_ENV = re.compile(r"-i?|--ignore-environment|--unset=\w+|-u\w+")
_STDBUF = re.compile(r"-[ioe][0-9LKMG]+|--(?:input|output|error)=[0-9LKMG]+")
_SHELL_OPTION = re.compile(r"-[euxv]+|--noprofile|--norc|--posix")


def assignment(word: Word, root: str) -> Iterator[Verdict] | None:
    """The parts of a word that sets a variable for the command after it; None for another word."""
    match = _ASSIGNMENT.fullmatch(word.text)
    return None if match is None else variable(match[1], word, root)


def variable(name: str, word: Word, root: str, *, alone: bool = False) -> Iterator[Verdict]:
    """Whether a command may be given this variable; `alone` it is the shell's, and of all commands
    after it.
    """
    harmless = words.VARIABLE if alone else _HARMLESS
    may_matter = (
        _SPECIAL.fullmatch(name) is None if alone else _CONTAINED.fullmatch(name) is not None
    )
    if may_matter and not harmless.fullmatch(name):
        yield verdict.sandbox_only(
            word.span, "a variable that may change what runs, in the sandbox only: {}"
        )
    elif not harmless.fullmatch(name):
        hint = "leave it out; the environment is made for the command"
        yield verdict.denial("ENV_VAR", word.span, "variable not allowed: {}", hint)
    yield from words.path_verdicts(word, root)


def _judge_program(
    wrapper: Word, rest: tuple[Word, ...], around: Surroundings
) -> Iterator[Verdict]:
    if not rest:
        yield _unclear_program(wrapper)
    elif around.depth == _DEEPEST:
        yield verdict.denial(
            "TOO_LONG",
            rest[0].span,
            "too many programs that run programs",
            "run the program itself",
        )
    else:
        yield from around.program(rest[0], rest[1:], around._replace(depth=around.depth + 1))


def _unclear_program(word: Word) -> Verdict:
    hint = "run the program itself"
    return verdict.denial("WRAPPER", word.span, "nobody can tell which program this runs: {}", hint)


def _words_after_options(
    arguments: tuple[Word, ...], plain: re.Pattern[str], valued: frozenset[str] = frozenset()
) -> tuple[Word, ...] | Word:
    """The words after the options; the first word that is not literal or not a plain option."""
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if word.text == "--":
            return arguments[index + 1 :]
        if not word.is_literal:
            return word
        if word.text in valued:
            index += 2
            if index > len(arguments) or not arguments[index - 1].is_literal:
                return word
        elif word.text.startswith("-") and plain.fullmatch(word.text):
            index += 1
        elif word.text.startswith("-"):
            return word
        else:
            return arguments[index:]
    return ()


def _judge_wrapped(
    name: Word,
    arguments: tuple[Word, ...],
    around: Surroundings,
    plain: str | re.Pattern[str],
    valued: str = "",
) -> Iterator[Verdict]:
    rest = _words_after_options(arguments, re.compile(plain), words.word_set(valued))
    yield from (
        (_unclear_program(rest),) if isinstance(rest, Word) else _judge_program(name, rest, around)
    )


def timeout(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """timeout [options] DURATION COMMAND."""
    rest = _words_after_options(
        arguments, _TIMEOUT, frozenset(("-k", "-s", "--signal", "--kill-after"))
    )
    if isinstance(rest, Word):
        yield _unclear_program(rest)
    elif not rest or not rest[0].is_literal or not _DURATION.fullmatch(rest[0].text):
        yield _unclear_program(name)
    else:
        yield from _judge_program(name, rest[1:], around)


def env(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """env [-i] [-u NAME] [NAME=VALUE...] COMMAND."""
    rest = _words_after_options(arguments, _ENV, frozenset(("-u", "--unset")))
    if isinstance(rest, Word):
        yield _unclear_program(rest)
        return
    yield from _judge_after_assignments(name, rest, around)


def time(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """time is a reserved word: assignments may follow it."""
    rest = arguments[1:] if arguments and arguments[0].text in ("-p", "--") else arguments
    yield from _judge_after_assignments(name, rest, around)


def _judge_after_assignments(
    name: Word, rest: tuple[Word, ...], around: Surroundings
) -> Iterator[Verdict]:
    index = 0
    while index < len(rest):
        parts = assignment(rest[index], around.root)
        if parts is None:
            break
        yield from parts
        index += 1
    yield from _judge_program(name, rest[index:], around)


def nice(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """nice [-n N] COMMAND."""
    yield from _judge_wrapped(name, arguments, around, _NICENESS, "-n --adjustment")


def nohup(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """nohup COMMAND: meant for what goes on after its end."""
    yield verdict.sandbox_only(
        name.span, "background work runs in the sandbox only: {}", "BACKGROUND"
    )
    yield from _judge_program(name, arguments, around)


def stdbuf(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """stdbuf -oL COMMAND."""
    yield from _judge_wrapped(name, arguments, around, _STDBUF, "-i -o -e")


def command(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """command COMMAND; with -v it only says where the command is."""
    if arguments and arguments[0].text in ("-v", "-V"):
        yield from rules.unknown_words(arguments[1:], globs=True)
    else:
        yield from _judge_wrapped(name, arguments, around, r"-p")


def xargs(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """xargs runs a program on what it reads."""
    valued = words.word_set("""
    -n -P -L -s -I -d -E --max-args --max-procs --max-lines --delimiter
""")
    rest = _words_after_options(arguments, _XARGS, valued)
    yield verdict.sandbox_only(name.span, "blocked pattern: {} (it runs in the sandbox only)")
    if isinstance(rest, Word):
        yield _unclear_program(rest)
    elif rest:
        yield from run_on_data(name, rest, around)


def run_on_data(
    wrapper: Word, command: tuple[Word, ...], around: Surroundings
) -> Iterator[Verdict]:
    """A program whose words come from data: never a shell, which would take them for commands."""
    if command and command[0].text in SHELLS:
        span = verdict.Span(
            f"{wrapper.span.text} {command[0].text}", wrapper.span.start, command[0].span.end
        )
        hint = "run a program with its options, or a script of the worktree"
        yield verdict.denial("EXEC_OPTION", span, "blocked pattern: {}", hint)
    else:
        yield from _judge_program(wrapper, command, around)


def shell(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """A shell may run a script of the tree, or literal text."""
    if [word.text for word in arguments] == ["--version"]:
        return
    yield verdict.sandbox_only(name.span, "a shell runs in the sandbox only: {}")
    rest = _shell_words(arguments)
    if not rest or isinstance(rest, Word):
        hint = "name a script of the worktree, or write the commands themselves"
        span = rest.span if isinstance(rest, Word) else name.span
        yield verdict.denial("WRAPPER", span, "a shell without a script that can be read: {}", hint)
    elif rest[0].text == "-c" or re.fullmatch(r"-[eux]+c", rest[0].text):
        yield from _judge_script_text(name, rest[1:], around)
    else:
        yield from words.path_verdicts(rest[0], around.root)


def _shell_words(arguments: tuple[Word, ...]) -> tuple[Word, ...] | Word:
    index = 0
    while index < len(arguments) and arguments[index].is_literal:
        text = arguments[index].text
        if text == "-o" and index + 1 < len(arguments) and arguments[index + 1].text == "pipefail":
            index += 1
        elif text == "-c" or re.fullmatch(r"-[eux]+c", text) or not text.startswith("-"):
            return arguments[index:]
        elif not _SHELL_OPTION.fullmatch(text):
            return arguments[index]
        index += 1
    return arguments[index] if index < len(arguments) else ()


def _judge_script_text(
    name: Word, rest: tuple[Word, ...], around: Surroundings
) -> Iterator[Verdict]:
    if not rest or not rest[0].is_literal or rest[0].text.startswith("-"):
        span = rest[0].span if rest else name.span
        hint = "write the commands themselves"
        yield verdict.denial("WRAPPER", span, "the text that the shell runs is not known: {}", hint)
    elif around.depth == _DEEPEST:
        yield verdict.denial(
            "TOO_LONG", name.span, "too many shells in shells", "write the commands themselves"
        )
    else:
        for part in around.script(rest[0].text, around._replace(depth=around.depth + 1)):
            yield part._replace(span=rest[0].span)
