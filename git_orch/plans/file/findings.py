"""Findings: problems of a plan file, and problems of a plan on this machine."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from git_orch.errors import UsageError
from git_orch.plans import graph, paths, sentences
from git_orch.plans.plan import LONGEST_ARGUMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_orch.plans.plan import Command, Plan, Step

Level = Literal["error", "warning", "note"]

_OTHERS = 5  # steps that a finding about one of them names
_GOOD_SUBJECT = 50  # characters, what git-commit(1) advises
LONGEST_SUBJECT = 72  # what `git log --oneline` and forges show whole
MANY_STEPS = 10  # planning asks for 5 to 10 steps; a longer plan is hard to review in one sitting

_CODE_SUFFIX = re.compile(
    r"bash|c|cc|cljs|cpp|cs|css|dart|erl|exs?|fs|go|hp?p?|hs|html|java|jl|jsx?|kt|lua|m|mjs|mli?|"
    r"mm|php|pl|proto|ps1|pyi?|r|rb|rs|scala|sh|sql|svelte|swift|tf|tsx?|vue|zig|zsh",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w./-]+")
# In a prompt, at the beginning of a word, and only with these directories: another path that begins
# with a slash may be that of a web page.
_OUTSIDE = re.compile(
    r"(?<![^\s`])"
    r"(?:/(?:bin|boot|dev|etc|home|lib|mnt|opt|proc|root|run|sbin|srv|sys|usr|var)(?=/)"
    r"|~/|\.\./|(?:\./)?\.git/)"
    r"[^\s`'\"()<>]*"
)
_SUFFIX = re.compile(r"[A-Za-z0-9]{1,6}")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
# Neither a path nor anything the shell would expand.
_BARE_COMMAND = re.compile(r"[A-Za-z0-9_][\w.+-]*")
# What bash looks up before PATH: `compgen -b; compgen -k` of 5.2, without its punctuation.
_SHELL_WORD = re.compile(
    "alias|bg|bind|break|builtin|caller|case|cd|command|compgen|complete|compopt|continue|coproc|"
    "declare|dirs|disown|do|done|echo|elif|else|enable|esac|eval|exec|exit|export|false|fc|fg|fi|"
    "for|function|getopts|hash|help|history|if|in|jobs|kill|let|local|logout|mapfile|popd|printf|"
    "pushd|pwd|read|readarray|readonly|return|select|set|shift|shopt|source|suspend|test|then|time|"
    "times|trap|true|type|typeset|ulimit|umask|unalias|unset|until|wait|while"
)


class Finding(NamedTuple):
    """One problem. `field` is a path such as steps[0].checks[1].timeout, `fix` a remedy; `line`
    counts from 1.
    """

    code: str
    field: str
    message: str
    fix: str
    level: Level = "error"
    line: int | None = None

    def text(self, source: str | None = None) -> str:
        """The finding on one line, for people, who count from 1; `source` is the name of its file,
        which begins the line.
        """
        file = f"{source}:{self.line}" if source and self.line else source
        return ": ".join(part for part in (file, sentences.field(self.field), self.message) if part)

    def of_field(self) -> str:
        """The finding with the path of its field, for whoever writes the document as JSON."""
        return ": ".join(part for part in (self.field, self.message) if part)


_FIXES = {
    "both-commands": "take one of them out",
    "cycle": "take one of these steps out of the 'depends_on' of another",
    "duplicate-id": "give each step an id of its own, or leave it out",
    "duplicate-key": "keep one of them",
    "empty": "write a plan, or print one with 'git orch show --yaml'",
    "extra-forbidden": "take it out, or name it as 'git orch schema plan' does",
    "missing": "write the field",
    "required": "write the field",
    "self-dependency": "take it out",
    "too-big": "make two plans of it",
    "unknown-step": "name a step of the plan, by its number or its id",
    "wrong-kind": "take it out, or give the step another kind",
}


def file_finding(code: str, field: str, message: str, line: int | None = None) -> Finding:
    """A finding about the text of a file that is no plan, with the fix for that `code`."""
    return Finding(
        code, field, message, _FIXES.get(code, "write it as 'git orch schema plan' says"), line=line
    )


class PlanFileError(UsageError):
    """A plan file, or a model's reply, is not a plan. `findings` holds all problems; the cause
    names the first.
    """

    def __init__(self, source: str, findings: Iterable[Finding]) -> None:
        self.source = source
        self.findings = tuple(sorted(findings, key=lambda finding: finding.line or 0))
        more = f" (and {len(self.findings) - 1} more)" if len(self.findings) > 1 else ""
        super().__init__(self.findings[0].text(source) + more, "git orch schema plan")
        self.details = tuple(self.lines()[1:])

    def lines(self) -> list[str]:
        """Every finding on a line of its own."""
        return [finding.text(self.source) for finding in self.findings]


def check(plan: Plan, available: Callable[[str], bool]) -> list[Finding]:
    """Findings about a well-formed plan; only those of level error make it invalid.

    `available` says whether a command is on PATH.
    """
    return [
        *_missing_commands(plan, available),
        *_size(plan),
        *_order(plan),
        *_long_subjects(plan),
        *_paths(plan),
        *_windows_paths(plan),
        *_long_commands(plan),
        *_overlaps(plan),
        *_duplicate_titles(plan),
        *_unchecked_code(plan),
        *_lonely_reviews(plan),
        *_unavailable_commands(plan, available),
    ]


def _long_subjects(plan: Plan) -> Iterator[Finding]:
    """Titles that are long for the subject of a commit."""
    for index, step in enumerate(plan.steps):
        length = len(step.title)
        if length > _GOOD_SUBJECT:
            level: Level = "warning" if length > LONGEST_SUBJECT else "note"
            most = LONGEST_SUBJECT if length > LONGEST_SUBJECT else _GOOD_SUBJECT
            message = f"the commit's subject has {length} characters, more than {most}"
            fix = "shorten it, and say the rest in 'why'"
            yield Finding("long-subject", f"steps[{index}].title", message, fix, level)


def unavailable_dependencies(plan: Plan, available: Callable[[str], bool]) -> list[str]:
    """Commands that the plan needs, or that its author missed, and that are not on PATH now; no
    name twice.
    """
    return [
        name for name in dict.fromkeys([*plan.dependencies, *plan.missing]) if not available(name)
    ]


def _missing_commands(plan: Plan, available: Callable[[str], bool]) -> Iterator[Finding]:
    for index, name in enumerate(plan.dependencies):
        if not available(name):
            fix = f"install '{name}', or take it out of 'dependencies'"
            yield Finding(
                "dependency-unavailable", f"dependencies[{index}]", f"'{name}' is not on PATH", fix
            )
    for index, name in enumerate(plan.missing):
        if available(name):
            continue  # somebody installed it since
        fix = f"install '{name}', or plan without it"
        yield Finding(
            "command-missing",
            f"missing[{index}]",
            f"the plan needs '{name}', which was missing",
            fix,
        )


def _size(plan: Plan) -> Iterator[Finding]:
    if not plan.steps:
        yield Finding(
            "no-steps", "steps", "the plan has no steps", "add steps with 'git orch edit'"
        )
    if len(plan.steps) > MANY_STEPS:
        message = (
            f"{len(plan.steps)} steps are more than {MANY_STEPS}, "
            "which is what one review can take in"
        )
        yield Finding("many-steps", "steps", message, "make two plans of it", "warning")


def _order(plan: Plan) -> Iterator[Finding]:
    position = {step.id: number for number, step in enumerate(plan.steps, start=1)}
    for number, step in enumerate(plan.steps, start=1):
        for index, dependency in enumerate(step.depends_on):
            if position[dependency] > number:
                message = (
                    f"step {number} waits for step {position[dependency]}, which stands after it"
                )
                field = f"steps[{number - 1}].depends_on[{index}]"
                yield Finding(
                    "later-dependency",
                    field,
                    message,
                    "list the steps in the order they run",
                    "warning",
                )


def _paths(plan: Plan) -> Iterator[Finding]:
    """Paths outside the tree: an error where a step declares one, a warning in a prompt, whose
    words may mean something else.
    """
    inside = "name it relative to the top of the tree"
    for index, step in enumerate(plan.steps):
        for number, path in enumerate(step.paths):
            problem = paths.problem(path.rstrip("/") or path)
            if problem is not None:
                message = f"{sentences.quoted(path)} {paths.EXPLANATIONS[problem]}"
                yield Finding(_code(problem), f"steps[{index}].paths[{number}]", message, inside)
        outside = _OUTSIDE.search(step.prompt or "")
        if outside is not None:
            message = f"it names {sentences.quoted(outside[0])}, which the step cannot write"
            yield Finding(
                "prompt-path-outside", f"steps[{index}].prompt", message, inside, "warning"
            )


def _windows_paths(plan: Plan) -> Iterator[Finding]:
    """Paths that nobody can check out on Windows, or not beside each other."""
    folded: dict[str, str] = {}
    for index, step in enumerate(plan.steps):
        named = [(path, f"paths[{number}]") for number, path in enumerate(step.paths)]
        if step.kind == "files":
            named = [(path, "files") for path in step.contents]
        for path, field in named:
            problem = paths.windows_problem(path)
            other = folded.setdefault(path.casefold(), path)
            if problem is None and other != path:
                problem = f"on Windows and macOS it is the same file as {sentences.quoted(other)}"
            if problem is not None:
                yield Finding(
                    "path-not-portable",
                    f"steps[{index}].{field}",
                    f"{sentences.quoted(path)} cannot be checked out everywhere: {problem}",
                    "give it another name, unless nobody uses the project there",
                    "warning",
                )


def _long_commands(plan: Plan) -> Iterator[Finding]:
    for field, command, _ in commands(plan):
        arguments = command.argv or (command.shell or "",)
        longest = max(len(argument.encode()) for argument in arguments)
        if longest > LONGEST_ARGUMENT:
            message = f"it has {longest:,} bytes: the system starts none of more than {LONGEST_ARGUMENT:,}"
            fix = "put it into a script of the project, and run that"
            yield Finding("command-too-long", field, message, fix)


def _code(constant: str) -> str:
    return constant.lower().replace("_", "-")


def _overlaps(plan: Plan) -> Iterator[Finding]:
    """Steps that could run at once but for a common path: one finding for a step, not one for a
    pair.
    """
    position = {step.id: number for number, step in enumerate(plan.steps, start=1)}
    others: dict[str, list[int]] = {}
    for one, other in graph.conflicts(plan):
        others.setdefault(other.id, []).append(position[one.id])
    for step_id, numbers in others.items():
        index = position[step_id] - 1
        more = " ..." if len(numbers) > _OTHERS else ""
        shown = ", ".join(map(str, numbers[:_OTHERS])) + more
        message = (
            f"step {index + 1} changes a path that step {shown} changes too, "
            "and neither waits for the other"
        )
        fix = f"let step {index + 1} depend on step {numbers[-1]}, or declare narrower paths"
        yield Finding("overlapping-paths", f"steps[{index}].paths", message, fix, "warning")


def _duplicate_titles(plan: Plan) -> Iterator[Finding]:
    times = Counter(step.title for step in plan.steps)
    for index, step in enumerate(plan.steps):
        if times[step.title] > 1:
            message = f"{times[step.title]} steps have the title '{step.title}'"
            fix = "give each step a title of its own"
            yield Finding("duplicate-title", f"steps[{index}].title", message, fix, "warning")


def _unchecked_code(plan: Plan) -> Iterator[Finding]:
    """Steps that write code which neither their own checks nor a later step with checks or a
    command verifies.
    """
    indexes = {step.id: index for index, step in enumerate(plan.steps)}
    verified_later = False
    for step_id in reversed(graph.order(plan)):
        step = plan.steps[indexes[step_id]]
        if _makes_code(step) and not step.checks and not verified_later:
            message = f"step {indexes[step_id] + 1} makes code that nothing verifies"
            fix = "add a check to it, or a step after it that compiles, tests or runs what it made"
            yield Finding(
                "unchecked-code", f"steps[{indexes[step_id]}].checks", message, fix, "warning"
            )
        verified_later = verified_later or bool(step.checks) or step.kind == "run"


def _lonely_reviews(plan: Plan) -> Iterator[Finding]:
    """Steps that nothing but a model would judge: every kind of step can change code."""
    for index, step in enumerate(plan.steps):
        if step.reviews and not step.checks:
            yield Finding(
                "review-alone",
                f"steps[{index}].checks",
                f"a review is the only check of step {index + 1}",
                "add a command that tests what the step made",
            )


def _makes_code(step: Step) -> bool:
    """Whether the step writes a file that looks like code. An agent step that names no file counts,
    because it may write anything.
    """
    if step.kind == "run":
        return False
    if step.kind == "files":
        return any(map(_is_code, step.contents))
    words = _WORD.findall(f"{step.title} {step.prompt or ''}")
    named = step.paths or [word for word in words if _suffix(word) is not None]
    return any(_is_code(path) for path in named) or (step.kind == "agent" and not named)


def _is_code(path: str) -> bool:
    suffix = _suffix(path)
    return suffix is not None and _CODE_SUFFIX.fullmatch(suffix) is not None


def _suffix(path: str) -> str | None:
    """The suffix of a file's name, without its dot; None for a word that is no such name."""
    stem, dot, suffix = path.rstrip(".").rpartition(".")
    return suffix if stem and dot and _SUFFIX.fullmatch(suffix) else None


def _unavailable_commands(plan: Plan, available: Callable[[str], bool]) -> Iterator[Finding]:
    for field, command, _ in commands(plan):
        name = first_word(command)
        if name is not None and name not in plan.dependencies and not available(name):
            fix = f"git orch setup  # if the project brings '{name}'; else install it"
            message = f"'{name}' is not on the PATH of commands"
            yield Finding("command-unavailable", field, message, fix, "warning")


class CommandField(NamedTuple):
    """A command of a plan, its field, and whether its step asks for the network."""

    field: str
    command: Command
    network: bool


def commands(plan: Plan) -> Iterator[CommandField]:
    """Every command of a plan: those of run steps and those of checks."""
    for index, step in enumerate(plan.steps):
        if step.command is not None:
            of_run = "argv" if step.command.argv else "run"
            field = f"steps[{index}].{of_run if step.wait is None else 'wait.command'}"
            yield CommandField(field, step.command, network=bool(step.network))
        for number, item in enumerate(step.checks):
            name = "argv" if item.command.argv else "command"
            yield CommandField(
                f"steps[{index}].checks[{number}].{name}", item.command, network=False
            )


def first_word(command: Command) -> str | None:
    """The program that a command line looks up on PATH first; None for shell syntax, builtins,
    paths and expansions.
    """
    if command.argv is not None:
        return command.argv[0] if _BARE_COMMAND.fullmatch(command.argv[0]) else None
    try:
        words = shlex.split(command.shell or "", comments=True)
    except ValueError:  # an open quotation, as in a here-document: bash will report it, if need be
        return None
    first = next((word for word in words if not _ASSIGNMENT.match(word)), None)
    if first is None or _SHELL_WORD.fullmatch(first) or not _BARE_COMMAND.fullmatch(first):
        return None
    return first
