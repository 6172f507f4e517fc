"""What is wrong with a plan: in the file somebody wrote, or once its commands meet this machine."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from git_orch.errors import UsageError
from git_orch.plans import graph, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_orch.plans.plan import Command, Plan, Step

Level = Literal["error", "warning"]

_OTHERS = 5  # steps that a finding about one of them names
MANY_STEPS = 10  # planning asks for 5 to 10 steps; a longer plan is hard to review in one sitting

_CODE_SUFFIX = re.compile(
    r"bash|c|cc|cljs|cpp|cs|css|dart|erl|exs?|fs|go|hp?p?|hs|html|java|jl|jsx?|kt|lua|m|mjs|mli?|mm|php|pl|proto|ps1|pyi?|"
    r"r|rb|rs|scala|sh|sql|svelte|swift|tf|tsx?|vue|zig|zsh",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w./-]+")
# In a prompt, at the beginning of a word: what begins with a slash may as well be the path of a web
# page.
_OUTSIDE = re.compile(
    r"(?<![^\s`])(?:/(?:bin|boot|dev|etc|home|lib|mnt|opt|proc|root|run|sbin|srv|sys|usr|var)(?=/)|~/|\.\./|(?:\./)?\.git/)"
    r"[^\s`'\"()<>]*"
)
_SUFFIX = re.compile(r"[A-Za-z0-9]{1,6}")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_BARE_COMMAND = re.compile(
    r"[A-Za-z0-9_][\w.+-]*"
)  # neither a path nor anything the shell would expand
# What bash looks up before PATH: `compgen -b; compgen -k` of 5.2, without its punctuation.
_SHELL_WORD = re.compile(
    "alias|bg|bind|break|builtin|caller|case|cd|command|compgen|complete|compopt|continue|coproc|declare|dirs|disown|do|done|"
    "echo|elif|else|enable|esac|eval|exec|exit|export|false|fc|fg|fi|for|function|getopts|hash|help|history|if|in|jobs|kill|"
    "let|local|logout|mapfile|popd|printf|pushd|pwd|read|readarray|readonly|return|select|set|shift|shopt|source|suspend|"
    "test|then|time|times|trap|true|type|typeset|ulimit|umask|unalias|unset|until|wait|while"
)


class Finding(NamedTuple):
    """One problem. `field` is a path such as steps[0].checks[1].timeout, `fix` what to do, `line`
    counts from 1.
    """

    code: str
    field: str
    message: str
    fix: str
    level: Level = "error"
    line: int | None = None

    def text(self, source: str | None = None) -> str:
        """The finding on one line, after the name of the file it is in."""
        parts = [
            f"{source}:{self.line}" if source and self.line else source,
            self.field,
            self.message,
        ]
        return ": ".join(part for part in parts if part)


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


def in_file(code: str, field: str, message: str, line: int | None = None) -> Finding:
    """A finding about a text that is no plan."""
    return Finding(
        code, field, message, _FIXES.get(code, "write it as 'git orch schema plan' says"), line=line
    )


class PlanFileError(UsageError):
    """A plan file, or a model's reply, is not a plan; `findings` has every problem, the cause names
    the first.
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
    """Findings about a well-formed plan; `available` says whether a command is on PATH. Only errors
    make it invalid.
    """
    return [
        *_missing(plan, available),
        *_size(plan),
        *_order(plan),
        *_paths(plan),
        *_overlaps(plan),
        *_duplicate_titles(plan),
        *_unchecked_code(plan),
        *_unavailable(plan, available),
    ]


def unavailable_dependencies(plan: Plan, available: Callable[[str], bool]) -> list[str]:
    """Commands the plan says it needs, or its author did not find, that are not on PATH now, each
    once.
    """
    return [
        name for name in dict.fromkeys([*plan.dependencies, *plan.missing]) if not available(name)
    ]


def _missing(plan: Plan, available: Callable[[str], bool]) -> Iterator[Finding]:
    for index, name in enumerate(plan.dependencies):
        if not available(name):
            fix = f"install '{name}', or take it out of 'dependencies'"
            yield Finding(
                "dependency-unavailable", f"dependencies[{index}]", f"'{name}' is not on PATH", fix
            )
    for index, name in enumerate(plan.missing):
        if available(name):
            continue  # it was installed since
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
        message = f"{len(plan.steps)} steps are more than {MANY_STEPS}, which is what one review can take in"
        yield Finding("many-steps", "steps", message, "make two plans of it", "warning")


def _order(plan: Plan) -> Iterator[Finding]:
    position = {step.id: number for number, step in enumerate(plan.steps, start=1)}
    for number, step in enumerate(plan.steps, start=1):
        for index, needed in enumerate(step.depends_on):
            if position[needed] > number:
                message = f"step {number} waits for step {position[needed]}, which stands after it"
                field = f"steps[{number - 1}].depends_on[{index}]"
                yield Finding(
                    "later-dependency",
                    field,
                    message,
                    "list the steps in the order they run",
                    "warning",
                )


def _paths(plan: Plan) -> Iterator[Finding]:
    """Paths out of the tree: declared ones are an error, those in a prompt may be meant as
    something else.
    """
    inside = "name it relative to the top of the tree"
    for index, step in enumerate(plan.steps):
        for number, path in enumerate(step.paths):
            refused = paths.problem(path.rstrip("/") or path)
            if refused is not None:
                message = f"'{path}' {paths.EXPLANATIONS[refused]}"
                yield Finding(_code(refused), f"steps[{index}].paths[{number}]", message, inside)
        outside = _OUTSIDE.search(step.prompt or "")
        if outside is not None:
            message = f"it names '{outside[0]}', which the step cannot write"
            yield Finding(
                "prompt-path-outside", f"steps[{index}].prompt", message, inside, "warning"
            )


def _code(constant: str) -> str:
    return constant.lower().replace("_", "-")


def _overlaps(plan: Plan) -> Iterator[Finding]:
    """Steps that could run at once but for a path in common; one finding a step, however many
    others there are.
    """
    position = {step.id: number for number, step in enumerate(plan.steps, start=1)}
    others: dict[str, list[int]] = {}
    for one, other in graph.conflicts(plan):
        others.setdefault(other.id, []).append(position[one.id])
    for step_id, numbers in others.items():
        index = position[step_id] - 1
        shown = ", ".join(str(number) for number in numbers[:_OTHERS]) + (
            " ..." if len(numbers) > _OTHERS else ""
        )
        message = f"step {index + 1} changes a path that step {shown} changes too, and neither waits for the other"
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
    """A step that makes code is verified by its own checks, or by a later step that has checks or
    is a command.
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


def _makes_code(step: Step) -> bool:
    """Whether a file it writes looks like code; an agent step that names no file may write
    anything, so it counts.
    """
    if step.kind == "run":
        return False
    if step.kind == "files":
        return any(content is not None and _is_code(path) for path, content in step.files.items())
    words = _WORD.findall(f"{step.title} {step.prompt or ''}")
    named = step.paths or [word for word in words if _suffix(word) is not None]
    return any(_is_code(path) for path in named) or (step.kind == "agent" and not named)


def _is_code(path: str) -> bool:
    suffix = _suffix(path)
    return suffix is not None and _CODE_SUFFIX.fullmatch(suffix) is not None


def _suffix(path: str) -> str | None:
    """What stands after the last dot of a file's name; None for a word that is no such name."""
    stem, dot, suffix = path.rstrip(".").rpartition(".")
    return suffix if stem and dot and _SUFFIX.fullmatch(suffix) else None


def _unavailable(plan: Plan, available: Callable[[str], bool]) -> Iterator[Finding]:
    for field, command, _ in commands(plan):
        name = first_word(command)
        if name is not None and name not in plan.dependencies and not available(name):
            fix = f"install '{name}', or name it in 'dependencies' so that the plan waits for it"
            yield Finding("command-unavailable", field, f"'{name}' is not on PATH", fix, "warning")


class Placed(NamedTuple):
    """A command of a plan, the field it stands in, and whether it asks for the network."""

    field: str
    command: Command
    network: bool


def commands(plan: Plan) -> Iterator[Placed]:
    """Every command of a plan: what run steps run, and the checks."""
    for index, step in enumerate(plan.steps):
        if step.command is not None:
            field = f"steps[{index}].{'argv' if step.command.argv else 'run'}"
            yield Placed(field, step.command, step.network)
        for number, item in enumerate(step.checks):
            name = "argv" if item.command.argv else "command"
            yield Placed(f"steps[{index}].checks[{number}].{name}", item.command, network=False)


def first_word(command: Command) -> str | None:
    """The program a command line looks up on PATH first; None for shell syntax, builtins, paths and
    expansions.
    """
    if command.argv is not None:
        return command.argv[0] if _BARE_COMMAND.fullmatch(command.argv[0]) else None
    try:
        words = shlex.split(command.shell or "", comments=True)
    except (
        ValueError
    ):  # an unfinished quotation, as in a here-document: bash will say what it thinks of it
        return None
    first = next((word for word in words if not _ASSIGNMENT.match(word)), None)
    if first is None or _SHELL_WORD.fullmatch(first) or not _BARE_COMMAND.fullmatch(first):
        return None
    return first
