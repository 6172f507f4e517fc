"""git: commands that only read, and none of the options that make them run a program or write a
file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_orch.sandbox.policy import options, verdict, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.sandbox.policy.rules import Surroundings
    from git_orch.sandbox.policy.verdict import Verdict
    from git_orch.sandbox.policy.words import Word

_HARMLESS_GLOBAL = words.word_set("""
    --no-pager -P --no-optional-locks --literal-pathspecs --glob-pathspecs --noglob-pathspecs
    --icase-pathspecs --no-replace-objects --no-lazy-fetch
""")
_READS = words.word_set("""
    annotate blame cat-file check-attr check-ignore cherry count-objects describe diff diff-index
    diff-tree for-each-ref grep log ls-files ls-tree merge-base name-rev range-diff rev-list
    rev-parse shortlog show show-branch show-ref status whatchanged version
""")
_NETWORK = words.word_set("""
    fetch pull push clone ls-remote send-pack fetch-pack
""")
# What may follow these, all of it; anything else changes something.
_LISTS = {
    "branch": re.compile(
        r"--list|-l|-a|-r|-v|-vv|-av|-avv|--all|--remotes|--verbose|--show-current|"
        r"--(?:no-)?(?:contains|merged)(?:=.*)?|--(?:sort|format|points-at|color)=.*|--no-color|"
        r"--column"
    ),
    "tag": re.compile(
        r"--list|-l|-n[0-9]*|--(?:sort|format|points-at|color)=.*|"
        r"--(?:no-)?(?:contains|merged)(?:=.*)?"
    ),
    "remote": re.compile(r"-v|--verbose"),
    "stash": re.compile(r"list|show|--stat|-p"),
    "worktree": re.compile(r"list|--porcelain|-z"),
    "reflog": re.compile(r"show|HEAD|-n|-?[0-9]+"),
}
_LISTING_WORD = frozenset(("--list", "-l"))  # names after it are patterns, not new branches
_NEEDS_WORD = {"stash": ("list", "show"), "worktree": ("list",)}
_EXECUTES = (
    "--ext-diff", "--textconv", "--output", "--open-files-in-pager", "--upload-pack",
    "--filters", "--contents", "--help",
)  # fmt: skip
_WHOLE = frozenset(("--text", "--filter"))  # options of their own, not abbreviations
_SIGNATURE = re.compile(r"--show-signature|--(?:format|pretty)=.*%G.*", re.DOTALL)  # runs gpg
_TEXTS = (
    "-G", "-S", "--grep", "--author", "--committer", "--format", "--pretty", "--since", "--until",
    "--exclude", "--glob", "--date", "--match",
)  # fmt: skip
_SHAPE = options.Shape("GS", ("--grep", "--author", "--committer"), _TEXTS)
_GREP = options.Shape("efmABC", (), ("-e",), 1, ("-e", "-f"))


def judge(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """Global options, then the command and its own."""
    rest = list(arguments)
    while rest and rest[0].text.startswith("-") and rest[0].is_literal:
        word = rest.pop(0)
        if word.text in ("--version", "--help", "-h", "-v") and not rest and word is arguments[0]:
            return
        if word.text == "-C" and rest:
            directory = rest.pop(0)
            yield verdict.sandbox_only(
                word.span, "git in another directory runs in the sandbox only: {}"
            )
            yield from words.path_verdicts(directory, around.root)
        elif word.text not in _HARMLESS_GLOBAL:
            hint = "leave the option out; git-orch configures git for the command"
            yield verdict.denial("EXEC_OPTION", word.span, "git option not allowed: {}", hint)
    if not rest:
        yield verdict.denial("NOT_ALLOWED", name.span, "git without a subcommand", "git status")
    elif not rest[0].is_literal or rest[0].splits:
        reason = "the subcommand of git is not a plain word: {}"
        yield verdict.denial(
            "DYNAMIC_NAME", rest[0].span, reason, "write the subcommand as a plain word"
        )
    else:
        yield from _judge_subcommand(rest[0], tuple(rest[1:]), around)


def _judge_subcommand(
    name: Word, arguments: tuple[Word, ...], around: Surroundings
) -> Iterator[Verdict]:
    if name.text in _NETWORK or (
        name.text == "remote" and any(word.text == "update" for word in arguments)
    ):
        hint = "work with the files of the repository; people push and fetch"
        yield verdict.denial("NETWORK", name.span, "git subcommand not allowed: {}", hint)
        return
    listing = name.text in _LISTS and _only_lists(name.text, arguments)
    if name.text not in _READS and not listing:
        yield verdict.denial(
            "NOT_ALLOWED", name.span, "git subcommand not allowed: {}", verdict.JUST_EDIT
        )
        return
    yield from _judge_options(name.text, arguments)
    yield from _unknown_words(arguments)
    for argument in options.parse(arguments, _GREP if name.text == "grep" else _SHAPE):
        if argument.role != "text":
            yield from words.path_verdicts(argument.word, around.root)


def _only_lists(name: str, arguments: tuple[Word, ...]) -> bool:
    texts = [word.text for word in arguments]
    if name in _NEEDS_WORD and (not texts or texts[0] not in _NEEDS_WORD[name]):
        return False
    patterns = not _LISTING_WORD.isdisjoint(texts)
    return all(
        word.is_literal
        and not word.splits
        and (_LISTS[name].fullmatch(word.text) or (patterns and word.text[:1] != "-"))
        for word in arguments
    )


def _judge_options(name: str, arguments: tuple[Word, ...]) -> Iterator[Verdict]:
    for word in arguments:
        if word.text == "--":
            return
        executes = (
            options.is_long_option(word, _EXECUTES) and word.text.partition("=")[0] not in _WHOLE
        )
        pager = name == "grep" and options.has_letter(word, "O")
        if executes or pager:
            hint = "leave the option out; redirect the output to write it to a file"
            yield verdict.denial("EXEC_OPTION", word.span, "git option not allowed: {}", hint)
        elif _SIGNATURE.fullmatch(word.text):
            yield verdict.sandbox_only(word.span, "it runs gpg, so it runs in the sandbox only: {}")


def _unknown_words(arguments: tuple[Word, ...]) -> Iterator[Verdict]:
    ended = False
    for word in arguments:
        ended = ended or word.text == "--"
        if words.UNKNOWN in word.text or (not ended and word.may_be_option):
            yield verdict.sandbox_only(
                word.span, "known only at run time, so it runs in the sandbox only: {}"
            )
