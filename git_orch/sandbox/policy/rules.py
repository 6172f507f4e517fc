"""The rules for programs, by the program's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from git_orch.sandbox.policy import options, verdict, whitelist, words
from git_orch.sandbox.policy.options import Shape
from git_orch.sandbox.policy.verdict import Verdict
from git_orch.sandbox.policy.words import Word


class Judge(Protocol):
    """Judges the words of a program."""

    def __call__(
        self, name: Word, arguments: tuple[Word, ...], around: Surroundings
    ) -> Iterator[Verdict]: ...


class Surroundings(NamedTuple):
    """The context of a rule: `root` is the tree's absolute path, `program` judges a wrapped program
    and `script` a shell text, `depth` counts the wrappers around.
    """

    whitelist: whitelist.Whitelist
    root: str
    program: Judge
    script: Callable[[str, Surroundings], Iterator[Verdict]]
    depth: int = 0


class Rule(NamedTuple):
    """A rule for a program.

    `shape` is how it reads its words. `contained` is the reason why it runs in the sandbox only;
    empty: it may run without. `executes` are the long options that make it run another program.
    `paths`: its words may name files. `takes_unknown`: words that only the shell can expand do no
    harm.
    """

    shape: Shape = Shape()
    contained: str = ""
    executes: tuple[str, ...] = ()
    paths: bool = True
    takes_unknown: bool = False


_READS = Rule()
_CHANGES = Rule(contained="blocked pattern: {} (it changes files, so it runs in the sandbox only)")
_INTERPRETS = "blocked pattern: {} (its text is a program, so it runs in the sandbox only)"
_BACKGROUND = "blocked pattern: {} (background work is the sandbox's)"
_GREP = Rule(
    Shape("efmABCDd", ("--regexp", "--file", "--max-count", "--context"),
          ("-e", "--regexp", "--include", "--exclude", "--exclude-dir", "-m", "-A", "-B", "-C"),
          1, ("-e", "-f", "--regexp", "--file"))
)  # fmt: skip


_READERS = words.word_set("""
    ls cat head tail wc base64 basename cksum cmp cd column comm cp cut df diff dirname du exit file
    fmt fold id join md5sum mkdir nl nproc od paste pwd readlink realpath rev sha1sum sha256sum
    sha512sum sleep stat tac touch tree type uname uniq unexpand expand which whoami zcat break
    continue
""")


_CHANGERS = words.word_set("""
    mv rm rmdir chmod ln tee truncate dd install patch mktemp split xxd bunzip2 bzip2 gunzip gzip
    unzip xz zip
""")


RULES: dict[str, Rule] = {
    **dict.fromkeys(_READERS, _READS),
    **dict.fromkeys(_CHANGERS, _CHANGES),
    **dict.fromkeys(("kill", "wait"), Rule(contained=_BACKGROUND)),
    **dict.fromkeys(("echo", "true", "false", ":"), Rule(paths=False, takes_unknown=True)),
    **dict.fromkeys(("seq", "tr", "expr"), Rule(paths=False)),
    **dict.fromkeys(("grep", "egrep", "fgrep"), _GREP),
    "awk": Rule(Shape("Fvfi", ("--file",), ("-F", "-v"), 1, ("-f", "--file")), _INTERPRETS),
    "cut": Rule(Shape("dbcf", ("--delimiter",), ("-d", "--delimiter", "--output-delimiter"))),
    "diff": Rule(Shape("IUCx", (), ("-I", "-x", "--exclude", "--ignore-matching-lines"))),
    "du": Rule(Shape("d", ("--exclude",), ("--exclude",))),
    "jq": Rule(Shape("fL", ("--from-file",), (), 1, ("-f", "--from-file"))),
    "ls": Rule(Shape("I", ("--ignore", "--hide"), ("-I", "--ignore", "--hide"))),
    "rg": Rule(
        Shape("efgtTmABCdjE", ("--regexp", "--file", "--glob", "--iglob"),
              ("-e", "--regexp", "-g", "--glob", "--iglob"),
              1, ("-e", "-f", "--regexp", "--file", "--files")),
        executes=("--pre", "--hostname-bin"),
    ),
    "sed": Rule(
        Shape("efl", ("--expression", "--file"), ("-e", "--expression"),
              1, ("-e", "-f", "--expression", "--file")),
        _INTERPRETS,
    ),
    "sort": Rule(Shape("kotTS", ("--key", "--output"), ("-t", "-k", "-S")),
                 executes=("--compress-program",)),
    "tar": _CHANGES._replace(
        executes=("--checkpoint-action", "--use-compress-program", "--to-command", "--rsh-command",
                  "--info-script", "--new-volume-script", "--rmt-command"),
    ),
    "tree": Rule(Shape("IPLo", (), ("-I", "-P"))),
}  # fmt: skip


def check_words(arguments: tuple[Word, ...], rule: Rule, around: Surroundings) -> Iterator[Verdict]:
    """Judge options that execute, words that only the shell can expand, and file names."""
    ended = False
    for word in arguments:
        ended = ended or word.text == "--"
        if not ended and options.is_long_option(word, rule.executes):
            hint = "leave the option out"
            yield verdict.denial(
                "EXEC_OPTION", word.span, "an option that runs another program: {}", hint
            )
    if not rule.takes_unknown:
        yield from unknown_words(arguments, globs=bool(rule.executes))
    for argument in options.parse(arguments, rule.shape) if rule.paths else ():
        if argument.role != "text":
            yield from words.path_verdicts(argument.word, around.root)


def unknown_words(arguments: tuple[Word, ...], *, globs: bool) -> Iterator[Verdict]:
    """Verdicts for words that only the shell can expand; with `globs` also for wildcards that may
    become an option.
    """
    for word in arguments:
        if words.UNKNOWN in word.text or (globs and word.may_be_option):
            yield verdict.sandbox_only(
                word.span, "known only at run time, so it runs in the sandbox only: {}"
            )
