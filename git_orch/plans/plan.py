"""What a plan is: frozen values, and the plain document (JSON) they are stored as.

The log may come from a remote, so reading a document checks every type and raises `BadDocument`.
Files that people write go through `schema` first, which has better messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeGuard, cast, get_args

from git_orch.plans import ids, paths

StepKind = Literal["agent", "run", "files", "manual"]
CheckType = Literal["compile", "unit", "integration", "run"]

STEP_KINDS: tuple[StepKind, ...] = get_args(StepKind)
CHECK_TYPES: tuple[CheckType, ...] = get_args(CheckType)
NETWORK_KINDS = frozenset(("agent", "run"))  # steps that may ask for the network

CHECK_TIMEOUT = 900  # seconds; builds and test suites are slow, see the man page
RUN_TIMEOUT = 900  # seconds for a `run` step that names none
LONGEST_TIMEOUT = 86_400  # seconds: a day

_SURROGATE = re.compile("[\ud800-\udfff]")


class BadDocument(ValueError):
    """A stored plan or event does not have the documented form; the message names the field."""


class Command(NamedTuple):
    """A command line: `argv` runs as it is, `shell` is given to bash. Exactly one is set."""

    argv: tuple[str, ...] | None = None
    shell: str | None = None

    def text(self) -> str:
        """The command as people read it."""
        if self.shell is not None:
            return self.shell
        import shlex

        return shlex.join(self.argv or ())


class Check(NamedTuple):
    """A verification command; it passes when the command exits with `expected_exit` within `timeout` seconds."""

    type: CheckType
    command: Command
    expected_exit: int = 0
    timeout: int = CHECK_TIMEOUT


class FileContent(NamedTuple):
    """The whole text of a file that a `files` step writes."""

    text: str
    executable: bool = False


class Step(NamedTuple):
    """One step. `prompt` belongs to agent (and manual) steps, `command` to run steps, `files` to files steps.

    In `files`, None means that the path is deleted. `depends_on` holds step IDs. `timeout` is in seconds. `network`
    says that a run or agent step asks for the network, which only an approval gives; its checks never have it.
    """

    id: str
    title: str
    kind: StepKind
    prompt: str | None = None
    command: Command | None = None
    files: Mapping[str, FileContent | None] = MappingProxyType({})
    paths: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    model: str | None = None
    timeout: int | None = None
    network: bool = False


class Plan(NamedTuple):
    """A task in ordered steps. `dependencies` are commands it needs, `missing` those its author did not find."""

    title: str
    objective: str
    steps: tuple[Step, ...]
    dependencies: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def step(self, step_id: str) -> Step | None:
        """The step with that ID."""
        return next((step for step in self.steps if step.id == step_id), None)

    def position(self, step_id: str) -> int:
        """The number people type for a step: 1 for the first. Raises KeyError for an unknown ID."""
        for number, step in enumerate(self.steps, start=1):
            if step.id == step_id:
                return number
        raise KeyError(step_id)


# -- document ---------------------------------------------------------------------------------------------------------

Document = dict[str, object]


def to_document(plan: Plan) -> Document:
    """The plan as JSON-ready values; fields that hold nothing are left out."""
    return _without_empty(
        {
            "title": plan.title,
            "objective": plan.objective,
            "dependencies": list(plan.dependencies),
            "missing": list(plan.missing),
            "steps": [step_document(step) for step in plan.steps],
        },
        keep=("title", "objective", "steps"),
    )


def step_document(step: Step) -> Document:
    """One step as JSON-ready values."""
    command = {} if step.command is None else _command_document(step.command, shell_name="run")
    document: Document = {
        "id": step.id,
        "title": step.title,
        "kind": step.kind,
        "prompt": step.prompt,
        **command,
        "files": {path: _file_document(content) for path, content in step.files.items()},
        "paths": list(step.paths),
        "depends_on": list(step.depends_on),
        "checks": [_check_document(check) for check in step.checks],
        "model": step.model,
        "timeout": step.timeout,
        "network": True if step.network else None,
    }
    return _without_empty(document, keep=("id", "title", "kind"))


def _check_document(check: Check) -> Document:
    return {
        "type": check.type,
        **_command_document(check.command, shell_name="command"),
        "expected_exit": check.expected_exit,
        "timeout": check.timeout,
    }


def _command_document(command: Command, shell_name: str) -> Document:
    if command.shell is not None:
        return {shell_name: command.shell}
    return {"argv": list(command.argv or ())}


def _file_document(content: FileContent | None) -> object:
    if content is None:
        return None
    if content.executable:
        return {"content": content.text, "executable": True}
    return content.text


def _without_empty(document: Document, keep: tuple[str, ...]) -> Document:
    return {name: value for name, value in document.items() if name in keep or value not in (None, [], {})}


def from_document(document: object) -> Plan:
    """The plan a stored document describes. Raises BadDocument."""
    fields = mapping(document, "plan")
    steps = tuple(_step(item, f"steps[{index}]") for index, item in enumerate(sequence(fields, "steps")))
    _refuse_impossible(steps)
    return Plan(
        title=text(fields, "title"),
        objective=text(fields, "objective"),
        steps=steps,
        dependencies=texts(fields, "dependencies"),
        missing=texts(fields, "missing"),
    )


def _refuse_impossible(steps: tuple[Step, ...]) -> None:
    """IDs and titles stand in commit messages, files are written, and an order of the steps must exist."""
    known = {step.id for step in steps}
    if len(known) != len(steps):
        raise BadDocument("steps: two steps have the same id")
    for step in steps:
        if not ids.STEP_ID.fullmatch(step.id):
            raise BadDocument(f"steps: '{step.id}' is not a step id")
        if len(step.title.splitlines()) > 1:
            raise BadDocument(f"{step.id}.title: expected one line")
        if any(paths.refused(path) for path in step.files):
            raise BadDocument(f"{step.id}.files: names a file outside the tree")
        if not known.issuperset(step.depends_on):
            raise BadDocument(f"{step.id}.depends_on: names a step that does not exist")
    try:
        TopologicalSorter({step.id: step.depends_on for step in steps}).prepare()
    except CycleError as error:
        raise BadDocument("steps: the steps wait for each other") from error


def _step(item: object, where: str) -> Step:
    fields = mapping(item, where)
    kind = text(fields, "kind")
    if kind not in STEP_KINDS:
        raise BadDocument(f"{where}.kind: '{kind}' is not a kind of step")
    return Step(
        id=text(fields, "id"),
        title=text(fields, "title"),
        kind=kind,
        prompt=optional_text(fields, "prompt"),
        command=_command(fields, "run", where) if kind == "run" else None,
        files=MappingProxyType(
            {path: _file(value, f"{where}.files") for path, value in mapping(fields.get("files", {}), where).items()}
        ),
        paths=texts(fields, "paths"),
        depends_on=texts(fields, "depends_on"),
        checks=tuple(_check(check, f"{where}.checks") for check in sequence(fields, "checks")),
        model=optional_text(fields, "model"),
        timeout=_between(1, LONGEST_TIMEOUT, fields, "timeout"),
        network=_network(fields, kind, where),
    )


def _network(fields: Mapping[str, object], kind: StepKind, where: str) -> bool:
    asked = flag(fields, "network")
    if asked and kind not in NETWORK_KINDS:
        raise BadDocument(f"{where}.network: a step of kind '{kind}' cannot ask for it")
    return asked


def _check(item: object, where: str) -> Check:
    fields = mapping(item, where)
    kind = text(fields, "type")
    if kind not in CHECK_TYPES:
        raise BadDocument(f"{where}.type: '{kind}' is not a type of check")
    return Check(
        type=kind,
        command=_command(fields, "command", where),
        expected_exit=_between(0, 255, fields, "expected_exit") or 0,
        timeout=_between(1, LONGEST_TIMEOUT, fields, "timeout") or CHECK_TIMEOUT,
    )


def _between(lowest: int, highest: int, fields: Mapping[str, object], name: str) -> int | None:
    value = optional_number(fields, name)
    if value is not None and not lowest <= value <= highest:
        raise BadDocument(f"{name}: expected {lowest} to {highest}")
    return value


def _command(fields: Mapping[str, object], shell_name: str, where: str) -> Command:
    shell = optional_text(fields, shell_name)
    argv = texts(fields, "argv")
    if (shell is None) == (not argv):
        raise BadDocument(f"{where}: needs either argv or {shell_name}")
    if any("\0" in word for word in (shell or "", *argv)):
        raise BadDocument(f"{where}: no command holds a NUL character")
    return Command(shell=shell) if shell is not None else Command(argv=argv)


def _file(value: object, where: str) -> FileContent | None:
    if value is None:
        return None
    if isinstance(value, str):
        return FileContent(value)
    fields = mapping(value, where)
    return FileContent(text(fields, "content"), executable=fields.get("executable") is True)


# -- reading plain values: what a parser of hostile documents needs, and nothing more ---------------------------------


def _is_text(value: object) -> TypeGuard[str]:
    """JSON can spell half of a surrogate pair, which no terminal and no file can show."""
    return isinstance(value, str) and (value.isascii() or _SURROGATE.search(value) is None)


def mapping(value: object, where: str) -> Mapping[str, object]:
    """`value` if it is an object with string keys. Raises BadDocument."""
    if not isinstance(value, dict) or not all(_is_text(key) for key in value):
        raise BadDocument(f"{where}: expected an object")
    return cast("Mapping[str, object]", value)  # just checked


def sequence(fields: Mapping[str, object], name: str) -> list[object]:
    """The list under `name`; empty when absent. Raises BadDocument."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadDocument(f"{name}: expected a list")
    return cast("list[object]", value)  # just checked


def text(fields: Mapping[str, object], name: str) -> str:
    """The string under `name`. Raises BadDocument."""
    value = fields.get(name)
    if not _is_text(value):
        raise BadDocument(f"{name}: expected a string")
    return value


def optional_text(fields: Mapping[str, object], name: str) -> str | None:
    """The string under `name`, None when absent. Raises BadDocument."""
    return None if fields.get(name) is None else text(fields, name)


def texts(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The strings under `name`; none when absent. Raises BadDocument."""
    values = sequence(fields, name)
    if not all(_is_text(value) for value in values):
        raise BadDocument(f"{name}: expected a list of strings")
    return cast("tuple[str, ...]", tuple(values))  # just checked


def optional_number(fields: Mapping[str, object], name: str) -> int | None:
    """The integer under `name`, None when absent. Raises BadDocument."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadDocument(f"{name}: expected a whole number")
    return value


def flag(fields: Mapping[str, object], name: str) -> bool:
    """The truth value under `name`; false when absent. Raises BadDocument."""
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadDocument(f"{name}: expected true or false")
    return value
