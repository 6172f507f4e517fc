"""The judge of each program. One that is on the whitelist and has no rule runs in the sandbox only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from git_orch.sandbox.policy import builtins, find, git, verdict, whitelist, words, wrappers
from git_orch.sandbox.policy.rules import RULES, Judge, Surroundings, check_words
from git_orch.sandbox.policy.verdict import Span, Verdict
from git_orch.sandbox.policy.words import Word

_NAME = re.compile(r"[A-Za-z0-9_.+-]+|\[|:")
_LOCAL = re.compile(r"[A-Za-z0-9_.+/@-]+")
_VERSION = frozenset(("--version", "-V", "-version", "version", "--help", "-h"))


def judge(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """Give a verdict for each part that keeps this program from running with these words."""
    if not name.is_literal or name.splits:
        reason = "the command's name is not a plain word: {}"
        yield verdict.denial(
            "DYNAMIC_NAME", name.span, reason, "write the name of the program as a plain word"
        )
    elif "/" in name.text:
        yield from _judge_local(name, arguments, around)
    elif name.text in whitelist.REFUSED and not around.whitelist.has(name.text):
        yield _refusal(name, arguments)
    elif not _NAME.fullmatch(name.text) or not around.whitelist.has(name.text):
        hint = "use another program, or the file tools: this one is not among those of the machine"
        yield verdict.denial("NOT_ALLOWED", name.span, "command not in whitelist: {}", hint)
    else:
        yield from _judge_of(name.text)(name, arguments, around)


_LOCAL_HOST = re.compile(
    r"(?:\w+://)?(?:localhost|127(?:\.\d+){3}|\[?::1\]?)(?::\d+)?(?:[/?#].*)?", re.DOTALL
)


def _is_local(arguments: tuple[Word, ...]) -> bool:
    """Whether a program of the network can only mean this machine, as far as its words tell."""
    texts = [word.text for word in arguments]
    hosts = [text for text in texts if _LOCAL_HOST.fullmatch(text)]
    elsewhere = any("://" in text for text in texts if text not in hosts)
    return bool(hosts) and not elsewhere and all(word.is_literal for word in arguments)


def _refusal(name: Word, arguments: tuple[Word, ...]) -> Verdict:
    code = whitelist.REFUSED[name.text]
    if code == "NETWORK" and _is_local(arguments):
        return verdict.sandbox_only(name.span, "it reaches this machine, in the sandbox only: {}")
    hints = {
        "NETWORK": "there is no network here: work with what is installed and in the worktree",
        "PRIVILEGE": "work as the user who runs the step",
        "BUILTIN": "write the command out, with assignments in front of it",
        "WRAPPER": "run the program itself",
    }
    return verdict.denial(code, name.span, "blocked pattern: {}", hints[code])


def _judge_local(
    name: Word, arguments: tuple[Word, ...], around: Surroundings
) -> Iterator[Verdict]:
    """A program by its path: one of the tree runs in the sandbox."""
    path_verdicts = list(words.path_verdicts(name, around.root))
    inside = around.root and name.text.startswith(f"{around.root}/")
    if (name.text.startswith("/") and not inside) or not _LOCAL.fullmatch(name.text):
        hint = "use the bare name of the program, without its directory"
        yield verdict.denial("NOT_ALLOWED", name.span, "command not in whitelist: {}", hint)
    elif path_verdicts:
        yield from path_verdicts
    else:
        yield verdict.sandbox_only(
            name.span, "a program of the repository runs in the sandbox only: {}"
        )
        yield from _home_paths(arguments)


def _judge_of(name: str) -> Judge:
    if name in wrappers.SHELLS:
        return wrappers.shell
    special: dict[str, Judge] = {
        "[": builtins.test,
        "test": builtins.test,
        "cd": builtins.cd,
        "command": wrappers.command,
        "date": builtins.date,
        "env": wrappers.env,
        "find": find.find,
        "git": git.judge,
        "nice": wrappers.nice,
        "nohup": wrappers.nohup,
        "printf": builtins.printf,
        "read": builtins.read,
        "set": builtins.set_options,
        "stdbuf": wrappers.stdbuf,
        "time": wrappers.time,
        "timeout": wrappers.timeout,
        "xargs": wrappers.xargs,
    }
    return special.get(name) or (judge_by_rule if name in RULES else judge_opaque)


def judge_by_rule(
    name: Word, arguments: tuple[Word, ...], around: Surroundings
) -> Iterator[Verdict]:
    """A program with a rule in the table."""
    rule = RULES[name.text]
    if rule.contained:
        yield verdict.sandbox_only(name.span, rule.contained)
    yield from check_words(arguments, rule, around)


def judge_opaque(
    name: Word, arguments: tuple[Word, ...], around: Surroundings
) -> Iterator[Verdict]:
    """A program that runs code: interpreters, test runners, builds. Only asking for its version
    runs none.
    """
    del around
    if (
        len(arguments) == 1
        and arguments[0].text in _VERSION
        and not (arguments[0].text == "-h" and name.text == "go")
    ):
        return
    span = name.span
    if arguments:
        option = arguments[0].span
        span = Span(f"{span.text} {option.text}", span.start, option.end)
    yield verdict.sandbox_only(
        span, "it may run code of the repository, so it runs in the sandbox only: {}"
    )
    yield from _home_paths(arguments)


def _home_paths(arguments: tuple[Word, ...]) -> Iterator[Verdict]:
    for word in arguments:
        if word.home:
            yield from words.path_verdicts(word, "")
