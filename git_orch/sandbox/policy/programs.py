"""What each program may be told to do; one on the whitelist without a rule of its own runs in the sandbox only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from git_orch.sandbox.policy import git, options, verdict, whitelist, words
from git_orch.sandbox.policy.options import Shape
from git_orch.sandbox.policy.verdict import Span, Verdict
from git_orch.sandbox.policy.words import Word

_NAME = re.compile(r"[A-Za-z0-9_.+-]+|\[|:")
_LOCAL = re.compile(r"[A-Za-z0-9_.+/@-]+")
_VERSION = frozenset(("--version", "-V", "-version", "version", "--help", "-h"))


class Surroundings(NamedTuple):
    """What a rule knows beside the words: the whitelist, the tree's absolute path, how shell text is judged, and how
    many programs run this one."""

    whitelist: whitelist.Whitelist
    root: str
    script: Callable[[str, Surroundings], Iterator[Verdict]]
    depth: int = 0


class Judge(Protocol):
    """Judges the words of a program."""

    def __call__(self, name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]: ...


class Rule(NamedTuple):
    """What holds for a program: how it reads its words, why it runs in the sandbox only (empty: it need not), which
    long options make it run another program, whether words may name files, and whether unknown ones will do."""

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
    Shape("efmABCDd", ("--regexp", "--file", "--max-count", "--context"), ("-e", "--regexp", "--include", "--exclude",
          "--exclude-dir", "-m", "-A", "-B", "-C"), 1, ("-e", "-f", "--regexp", "--file"))
)  # fmt: skip
_READERS = words.listed("""
    ls cat head tail wc base64 basename cksum cmp cd column comm cp cut df diff dirname du exit file fmt fold id join
    md5sum mkdir nl nproc od paste pwd readlink realpath rev sha1sum sha256sum sha512sum sleep stat tac touch tree type
    uname uniq unexpand expand which whoami zcat break continue
""")
_CHANGERS = words.listed("""
    mv rm rmdir chmod ln tee truncate dd install patch mktemp split xxd bunzip2 bzip2 gunzip gzip unzip xz zip
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
        Shape("efgtTmABCdjE", ("--regexp", "--file", "--glob", "--iglob"), ("-e", "--regexp", "-g", "--glob",
              "--iglob"), 1, ("-e", "-f", "--regexp", "--file", "--files")),
        executes=("--pre", "--hostname-bin"),
    ),
    "sed": Rule(
        Shape("efl", ("--expression", "--file"), ("-e", "--expression"), 1, ("-e", "-f", "--expression", "--file")),
        _INTERPRETS,
    ),
    "sort": Rule(Shape("kotTS", ("--key", "--output"), ("-t", "-k", "-S")), executes=("--compress-program",)),
    "tar": _CHANGES._replace(
        executes=("--checkpoint-action", "--use-compress-program", "--to-command", "--rsh-command", "--info-script",
                  "--new-volume-script", "--rmt-command"),
    ),
    "tree": Rule(Shape("IPLo", (), ("-I", "-P"))),
}  # fmt: skip


def judged(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """What stands in the way of running this program with these words."""
    if not name.known or name.splits:
        reason = "the command's name is not a plain word: {}"
        yield verdict.denied("DYNAMIC_NAME", name.span, reason, "write the name of the program as a plain word")
    elif "/" in name.text:
        yield from _local(name, arguments, around)
    elif name.text in whitelist.REFUSED and name.text not in around.whitelist.names:
        yield _refused(name)
    elif not _NAME.fullmatch(name.text) or name.text not in around.whitelist.names:
        hint = "use a program that 'git orch allow --list' names, or name it in the plan's dependencies"
        yield verdict.denied("NOT_ALLOWED", name.span, "command not in whitelist: {}", hint)
    else:
        yield from _special(name.text)(name, arguments, around)


def _refused(name: Word) -> Verdict:
    code = whitelist.REFUSED[name.text]
    hints = {
        "NETWORK": "work without the network; a step that needs it says so in the plan",
        "PRIVILEGE": "work as the user who runs the step",
        "BUILTIN": "write the command out, with assignments in front of it",
        "WRAPPER": "run the program itself",
    }
    return verdict.denied(code, name.span, "blocked pattern: {}", hints[code])


def _local(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """A program by its path: one of the tree runs in the sandbox."""
    bad = list(words.path_parts(name, around.root))
    inside = around.root and name.text.startswith(f"{around.root}/")
    if (name.text.startswith("/") and not inside) or not _LOCAL.fullmatch(name.text):
        hint = "use the bare name of the program, without its directory"
        yield verdict.denied("NOT_ALLOWED", name.span, "command not in whitelist: {}", hint)
    elif bad:
        yield from bad
    else:
        yield verdict.contained(name.span, "a program of the repository runs in the sandbox only: {}")
        yield from _homes(arguments)


def _special(name: str) -> Judge:
    from git_orch.sandbox.policy import builtins, find, wrappers

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
        "git": git.judged,
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
    return special.get(name) or (ruled if name in RULES else opaque)


def ruled(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """A program with a rule in the table."""
    rule = RULES[name.text]
    if rule.contained:
        yield verdict.contained(name.span, rule.contained)
    yield from checked(arguments, rule, around)


def checked(arguments: tuple[Word, ...], rule: Rule, around: Surroundings) -> Iterator[Verdict]:
    """Options that execute, words known only at run time, and file names."""
    ended = False
    for word in arguments:
        ended = ended or word.text == "--"
        if not ended and options.named(word, rule.executes):
            hint = "leave the option out"
            yield verdict.denied("EXEC_OPTION", word.span, "an option that runs another program: {}", hint)
    if not rule.takes_unknown:
        yield from unknown(arguments, globs=bool(rule.executes))
    for each in options.read(arguments, rule.shape) if rule.paths else ():
        if each.role != "text":
            yield from words.path_parts(each.word, around.root)


def unknown(arguments: tuple[Word, ...], *, globs: bool) -> Iterator[Verdict]:
    """The words that only the shell will know; with `globs` also wildcards that may become an option."""
    for word in arguments:
        if words.UNKNOWN in word.text or (globs and word.may_be_option):
            yield verdict.contained(word.span, "known only at run time, so it runs in the sandbox only: {}")


def opaque(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """A program that runs code: interpreters, test runners, builds. Only asking for its version runs none."""
    del around
    if len(arguments) == 1 and arguments[0].text in _VERSION and not (arguments[0].text == "-h" and name.text == "go"):
        return
    span = Span(" ".join((name.span.text, *(word.span.text for word in arguments[:1]))), name.span.start,
                arguments[0].span.end if arguments else name.span.end)  # fmt: skip
    yield verdict.contained(span, "it may run code of the repository, so it runs in the sandbox only: {}")
    yield from _homes(arguments)


def _homes(arguments: tuple[Word, ...]) -> Iterator[Verdict]:
    for word in arguments:
        if word.home:
            yield from words.path_parts(word, "")
