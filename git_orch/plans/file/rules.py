"""Rules of a plan file that span several fields: the fields of each kind of step, IDs and
dependencies.

They take values of any shape, so that a wrong type in one step does not hide the problems of
another.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import graph, ids, one_line, waits
from git_orch.plans.plan import STEP_KINDS, StepKind
from git_orch.plans.waits import WHATS, Wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from git_orch.plans.file.fields import PlanModel
    from git_orch.plans.file.source import Location

_EVERY_KIND = frozenset(("id", "title", "kind", "why", "depends_on", "checks", "requirements"))
_FIELDS: Mapping[StepKind, frozenset[str]] = {
    "agent": frozenset(
        ("prompt", "paths", "agent", "model", "timeout", "network", "may_be_empty", "until")
    ),
    "run": frozenset(("run", "argv", "shell", "paths", "produces", "timeout", "network", "until")),
    "files": frozenset(("files",)),
    "manual": frozenset(("prompt", "paths")),
    "wait": frozenset(("wait", "timeout", "network")),
}
_OF_COMMANDS = ("type", "command", "argv", "shell", "expected_exit", "timeout")
_ALL_FIELDS = _EVERY_KIND.union(*_FIELDS.values())


class Problem(NamedTuple):
    """A broken rule, and the field that breaks it."""

    where: Location
    code: str
    message: str


class Links(NamedTuple):
    """The IDs of the steps and, step by step, the IDs of their dependencies."""

    ids: tuple[str, ...]
    depends_on: tuple[tuple[str, ...], ...]


def kind_of(step: Mapping[str, object]) -> StepKind:
    """The kind of a step as the file names it, else as its fields imply: files, run, or agent."""
    for kind in STEP_KINDS:
        if step.get("kind") == kind:
            return kind
    if step.get("files") is not None:
        return "files"
    if step.get("wait") is not None:
        return "wait"
    return "agent" if step.get("run") is None and step.get("argv") is None else "run"


def step_problems(steps: Iterable[object], network: object = None) -> Iterator[Problem]:
    """Fields that a step of its kind lacks, or has and should not, step by step. `network` is that
    of steps which do not say it themselves.
    """
    for index, step in enumerate(steps):
        if not isinstance(step, dict):
            continue  # its type is a finding of the schema
        where: Location = ("steps", index)
        if step.get("kind") in (None, *STEP_KINDS):
            yield from _kind_problems(step, where)
            yield from _network_problems(step, where, network)
        until = step.get("until")
        if isinstance(until, dict) and isinstance(until.get("check"), dict):
            yield from _until_problems(until["check"], (*where, "until", "check"))
        checks = step.get("checks")
        for number, check in enumerate(checks if isinstance(checks, list) else ()):
            if isinstance(check, dict):
                yield from _check_problems(check, (*where, "checks", number))


def _kind_problems(step: dict[str, object], where: Location) -> Iterator[Problem]:
    kind = kind_of(step)
    for name in sorted(_ALL_FIELDS - _EVERY_KIND - _FIELDS[kind]):
        if step.get(name) is not None:
            yield Problem(
                (*where, name), "wrong-kind", f"does not belong to a step of kind '{kind}'"
            )
    if kind == "wait":
        yield from _wait_problems(step, where)
    if kind == "agent" and step.get("prompt") is None:
        yield Problem((*where, "prompt"), "required", "is required for a step of kind 'agent'")
    if kind == "files" and not step.get("files"):
        yield Problem(
            (*where, "files"), "required", "a step of kind 'files' needs at least one file"
        )
    files = step.get("files")
    for path, file in files.items() if isinstance(files, dict) else ():
        if isinstance(file, dict):
            yield from _file_problems(file, (*where, "files", path))
    if kind == "run":
        yield from _one_command(step, "run", where)


def _network_problems(
    step: dict[str, object], where: Location, default: object
) -> Iterator[Problem]:
    asked = step.get("network")
    asked = default if asked is None else asked
    if kind_of(step) == "run" and step.get("produces") and asked not in (None, False, "false", []):
        message = "is made again without the network, which the step asks for"
        yield Problem((*where, "produces"), "wrong-kind", message)


def _wait_problems(step: dict[str, object], where: Location) -> Iterator[Problem]:
    """A step waits for one event; its checks would have nothing to check."""
    if step.get("checks"):
        message = "does not belong to a step of kind 'wait': put it into the next step"
        yield Problem((*where, "checks"), "wrong-kind", message)
    wait = step.get("wait")
    if wait is None:
        yield Problem((*where, "wait"), "required", "is required for a step of kind 'wait'")
    named = [what for what in WHATS if isinstance(wait, dict) and wait.get(what) is not None]
    if isinstance(wait, dict) and len(named) != 1:
        listed = ", ".join(WHATS)
        yield Problem((*where, "wait"), "required", f"needs one of: {listed}")
    if isinstance(wait, dict) and isinstance(wait.get(named[0] if named else ""), str):
        problem = waits.problem(Wait(named[0], str(wait[named[0]])))
        if problem is not None:
            yield Problem((*where, "wait", named[0]), "value-error", problem)
    if step.get("network") is not None and named != ["command"]:
        message = "is for a step that waits for a command"
        yield Problem((*where, "network"), "wrong-kind", message)


def _file_problems(fields: dict[str, object], where: Location) -> Iterator[Problem]:
    """A file has its text, a submodule its commit and nothing else."""
    if fields.get("submodule") is None:
        if fields.get("content") is None:
            yield Problem((*where, "content"), "missing", "is required")
        return
    for name in ("content", "executable"):
        if fields.get(name) is not None:
            message = "belongs to a file, and 'submodule' moves a submodule"
            yield Problem((*where, name), "wrong-kind", message)


def _until_problems(check: dict[str, object], where: Location) -> Iterator[Problem]:
    """A step is repeated for a command: a model that judges would be asked again and again."""
    if check.get("review") is not None:
        yield Problem((*where, "review"), "wrong-kind", "needs a command, not a review")
        return
    yield from _check_problems(check, where)


def _check_problems(fields: dict[str, object], where: Location) -> Iterator[Problem]:
    """A check is a command, or a review by a model."""
    if "review" not in fields:
        if fields.get("model") is not None:
            yield Problem((*where, "model"), "wrong-kind", "belongs to 'review', not to a command")
        yield from _one_command(fields, "command", where)
        return
    if fields["review"] is None:
        yield Problem((*where, "review"), "required", "needs the criteria of the review")
    for name in _OF_COMMANDS:
        if fields.get(name) is not None:
            message = "belongs to a command, not to 'review'; make two checks of them"
            yield Problem((*where, name), "wrong-kind", message)


def _one_command(fields: dict[str, object], shell: str, where: Location) -> Iterator[Problem]:
    given = [name for name in (shell, "argv") if fields.get(name) is not None]
    if not given:
        yield Problem((*where, shell), "required", f"needs either '{shell}' or 'argv'")
    if fields.get("shell") is not None and given == ["argv"]:
        yield Problem((*where, "shell"), "wrong-kind", f"belongs to '{shell}', not to 'argv'")
    if len(given) > 1:
        yield Problem(
            (*where, "argv"), "both-commands", f"give either '{shell}' or 'argv', not both"
        )


_CHECK_OF_STEP = re.compile(r"([0-9]{1,6}|s[0-9]{1,6}):([0-9]{1,4})", re.ASCII)


class NamedChecks:
    """The command lines of the checks of a plan file, by the names that requirements have for them:
    the command line itself, or STEP:N.
    """

    def __init__(self, model: PlanModel, step_ids: Sequence[str]) -> None:
        self._by_step = {
            step_id: [
                check.command if check.argv is None else shlex.join(check.argv)
                for check in (*(step.checks or ()), *([step.until.check] if step.until else []))
                if check.review is None
            ]
            for step_id, step in zip(step_ids, model.steps, strict=True)
        }
        every = [text for texts in self._by_step.values() for text in texts if text is not None]
        self._by_text = {text.strip(): text for text in every}
        self._step_ids = step_ids

    def find(self, name: str) -> str | None:
        """The command line of the check with that name, None where no step has it."""
        if name.strip() in self._by_text:
            return self._by_text[name.strip()]
        numbered = _CHECK_OF_STEP.fullmatch(name.strip())
        if numbered is None:
            return None
        step, number = numbered[1], int(numbered[2])
        if step.isdigit():
            place = int(step)
            step = self._step_ids[place - 1] if 0 < place <= len(self._step_ids) else ""
        checks = self._by_step.get(step, ())
        return checks[number - 1] if 0 < number <= len(checks) else None

    def like(self, name: str) -> str | None:
        """The command line that somebody may have meant."""
        short = [text for text in self._by_text if len(text) <= _LONGEST_GUESS]
        close = difflib.get_close_matches(name.strip()[:_LONGEST_GUESS], short, n=1)
        return close[0] if close else None


_LONGEST_GUESS = 200  # characters of a command line; comparing takes long


def requirement_problems(model: PlanModel, step_ids: Sequence[str]) -> Iterator[Problem]:
    """Requirements with the same ID, steps that name one which is not there, and checks that no
    step has.
    """
    listed = model.requirements or ()
    times = Counter(requirement.id for requirement in listed)
    checks = NamedChecks(model, step_ids)
    for index, requirement in enumerate(listed):
        where: Location = ("requirements", index)
        if times[requirement.id] > 1:
            message = f"{times[requirement.id]} requirements have the id '{requirement.id}'"
            yield Problem((*where, "id"), "duplicate-id", message)
        for number, name in enumerate(requirement.checks or ()):
            if checks.find(name) is None:
                close = checks.like(name)
                meant = f" (did you mean '{close}'?)" if close is not None else ""
                message = f"no step has the check '{one_line.of(name)[:60]}'{meant}"
                yield Problem((*where, "checks", number), "unknown-check", message)
    for index, step in enumerate(model.steps):
        for number, name in enumerate(step.requirements or ()):
            if name not in times:
                message = f"the plan has no requirement '{name}'"
                place: Location = ("steps", index, "requirements", number)
                yield Problem(place, "unknown-requirement", message)


def links(steps: list[object], used: Iterable[str]) -> tuple[Links, list[Problem]]:
    """IDs and dependencies of the steps. `used` are all IDs that the plan ever had; no new step
    gets one of them.
    """
    problems = list(_id_problems(steps))
    step_ids = _step_ids(steps, used)
    problems += [
        Problem(
            ("steps", index, "id"),
            "no-id-left",
            "no step ID is left for it: the greatest is s999999",
        )
        for index, step_id in enumerate(step_ids)
        if not ids.STEP_ID.fullmatch(step_id) and _given_id(steps[index]) is None
    ]
    needs: list[tuple[str, ...]] = []
    for index, step in enumerate(steps):
        targets = []
        for where, reference in _references(step, index):
            target = _target(reference, index, step_ids)
            if isinstance(target, Problem):
                problems.append(target._replace(where=where))
            else:
                targets.append(target)
        needs.append(tuple(dict.fromkeys(targets)))
    problems += _cycles(step_ids, needs)
    return Links(tuple(step_ids), tuple(needs)), problems


def _given_id(step: object) -> str | None:
    given = step.get("id") if isinstance(step, dict) else None
    return given if isinstance(given, str) else None


def _id_problems(steps: list[object]) -> Iterator[Problem]:
    times = Counter(given for given in map(_given_id, steps) if given is not None)
    for index, step in enumerate(steps):
        given = _given_id(step)
        if given is not None and times[given] > 1:
            yield Problem(
                ("steps", index, "id"),
                "duplicate-id",
                f"{times[given]} steps have the id '{given}'",
            )


def _step_ids(steps: list[object], used: Iterable[str]) -> list[str]:
    given = [_given_id(step) for step in steps]
    latest = ids.next_step_id([*used, *(name for name in given if name is not None)])
    step_ids = []
    for name in given:
        step_ids.append(latest if name is None else name)
        if name is None:
            latest = f"s{int(latest[1:]) + 1}"
    return step_ids


def _references(step: object, index: int) -> Iterator[tuple[Location, str]]:
    references = step.get("depends_on") if isinstance(step, dict) else None
    for number, reference in enumerate(references if isinstance(references, list) else ()):
        if isinstance(reference, (str, int)) and not isinstance(reference, bool):
            yield ("steps", index, "depends_on", number), str(reference)


def _target(reference: str, index: int, step_ids: list[str]) -> str | Problem:
    """The ID of the step that `reference` names: a number (1 is the file's first step) or an ID."""
    target = reference
    if reference.isascii() and reference.isdigit():
        number = int(reference[:7])  # no plan has a step whose number has eight digits
        target = step_ids[number - 1] if 0 < number <= len(step_ids) else reference
    if target not in step_ids:
        message = f"there is no step '{reference}'; the plan has {len(step_ids)}"
        return Problem((), "unknown-step", message)
    if target == step_ids[index]:
        return Problem((), "self-dependency", "a step cannot depend on itself")
    return target


def _cycles(step_ids: list[str], needs: list[tuple[str, ...]]) -> Iterator[Problem]:
    """A problem for every cycle; no two of these cycles share a step."""
    edges = dict(zip(step_ids, needs, strict=True))
    while (ring := graph.cycle(edges)) is not None:
        numbers = " -> ".join(str(step_ids.index(step_id) + 1) for step_id in ring)
        where: Location = ("steps", step_ids.index(ring[0]), "depends_on")
        yield Problem(where, "cycle", f"the steps wait for each other: {numbers}")
        edges = {
            name: tuple(other for other in others if other not in ring)
            for name, others in edges.items()
        }
