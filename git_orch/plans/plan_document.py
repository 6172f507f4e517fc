"""A plan as the document that the log stores, and back.

The log may come from a remote, so that reading a document checks every type and raises BadDocument.
Files that people write go through `file.schema`, which has better messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType

from git_orch.plans import ids, paths
from git_orch.plans.document import (
    BadDocument,
    Document,
    flag,
    mapping,
    optional_integer,
    optional_text,
    sequence,
    text,
    texts,
)
from git_orch.plans.plan import (
    CHECK_TIMEOUT,
    CHECK_TYPES,
    LONGEST_TIMEOUT,
    NETWORK_KINDS,
    SHELLS,
    STEP_KINDS,
    Check,
    Command,
    FileContent,
    Plan,
    Pointer,
    Step,
    StepKind,
)


def to_document(plan: Plan) -> Document:
    """The plan as JSON-ready values, without empty fields."""
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
        "why": step.why,
        "prompt": step.prompt,
        **command,
        "files": {path: _file_document(content) for path, content in step.files.items()},
        "paths": list(step.paths),
        "depends_on": list(step.depends_on),
        "checks": [_check_document(check) for check in step.checks],
        "model": step.model,
        "timeout": step.timeout,
        "network": True if step.network else None,
        "produces": list(step.produces),
        "may_be_empty": True if step.may_be_empty else None,
    }
    declared = ("depends_on",) if step.independent else ()
    return _without_empty(document, keep=("id", "title", "kind", *declared))


def _check_document(check: Check) -> Document:
    return {
        "type": check.type,
        **_command_document(check.command, shell_name="command"),
        "expected_exit": check.expected_exit,
        "timeout": check.timeout,
    }


def _command_document(command: Command, shell_name: str) -> Document:
    if command.shell is not None:
        return {shell_name: command.shell, **({"shell": "plain"} if command.plain else {})}
    return {"argv": list(command.argv or ())}


def _file_document(content: FileContent | Pointer | None) -> object:
    if content is None:
        return None
    if isinstance(content, Pointer):
        return {"submodule": content.commit}
    if content.executable is not None:
        return {"content": content.text, "executable": content.executable}
    return content.text


def _without_empty(document: Document, keep: tuple[str, ...]) -> Document:
    return {
        name: value
        for name, value in document.items()
        if name in keep or value not in (None, [], {})
    }


def from_document(document: object) -> Plan:
    """The plan in a stored document. Raises BadDocument."""
    fields = mapping(document, "plan")
    steps = tuple(
        _step(item, f"steps[{index}]") for index, item in enumerate(sequence(fields, "steps"))
    )
    _refuse_impossible(steps)
    return Plan(
        title=text(fields, "title"),
        objective=text(fields, "objective"),
        steps=steps,
        dependencies=texts(fields, "dependencies"),
        missing=texts(fields, "missing"),
    )


def _refuse_impossible(steps: tuple[Step, ...]) -> None:
    """Raise BadDocument for IDs, titles and files that commits and worktrees cannot hold, and for
    steps without an order.
    """
    step_ids = {step.id for step in steps}
    if len(step_ids) != len(steps):
        raise BadDocument("steps: two steps have the same id")
    for step in steps:
        if not ids.STEP_ID.fullmatch(step.id):
            raise BadDocument(f"steps: '{step.id}' is not a step id")
        if len(step.title.splitlines()) > 1:
            raise BadDocument(f"{step.id}.title: expected one line")
        if any(paths.problem(path) for path in step.files):
            raise BadDocument(f"{step.id}.files: names a file outside the tree")
        if step.pointers and step.kind != "files":
            raise BadDocument(f"{step.id}.files: a step of kind '{step.kind}' moves no submodule")
        if not step_ids.issuperset(step.depends_on):
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
        why=optional_text(fields, "why"),
        prompt=optional_text(fields, "prompt"),
        command=_command(fields, "run", where) if kind == "run" else None,
        files=MappingProxyType(
            {
                path: _file(value, f"{where}.files")
                for path, value in mapping(fields.get("files", {}), where).items()
            }
        ),
        paths=texts(fields, "paths"),
        depends_on=texts(fields, "depends_on"),
        checks=tuple(_check(check, f"{where}.checks") for check in sequence(fields, "checks")),
        model=optional_text(fields, "model"),
        timeout=optional_integer(fields, "timeout", least=1, most=LONGEST_TIMEOUT),
        network=_network(fields, kind, where),
        produces=_produces(fields, kind, where),
        may_be_empty=_may_be_empty(fields, kind, where),
        independent=fields.get("depends_on") == [],
    )


def _network(fields: Mapping[str, object], kind: StepKind, where: str) -> bool:
    network = flag(fields, "network")
    if network and kind not in NETWORK_KINDS:
        raise BadDocument(f"{where}.network: a step of kind '{kind}' cannot ask for it")
    return network


def _may_be_empty(fields: Mapping[str, object], kind: StepKind, where: str) -> bool:
    may_be_empty = flag(fields, "may_be_empty")
    if may_be_empty and kind != "agent":
        raise BadDocument(f"{where}.may_be_empty: a step of kind '{kind}' cannot have it")
    return may_be_empty


def _produces(fields: Mapping[str, object], kind: StepKind, where: str) -> tuple[str, ...]:
    produces = texts(fields, "produces")
    if any(paths.problem(path) for path in produces):
        raise BadDocument(f"{where}.produces: names a file outside the tree")
    if produces and kind != "run":
        raise BadDocument(f"{where}.produces: a step of kind '{kind}' cannot have it")
    return produces


def _check(item: object, where: str) -> Check:
    fields = mapping(item, where)
    kind = text(fields, "type")
    if kind not in CHECK_TYPES:
        raise BadDocument(f"{where}.type: '{kind}' is not a type of check")
    return Check(
        type=kind,
        command=_command(fields, "command", where),
        expected_exit=optional_integer(fields, "expected_exit", least=0, most=255) or 0,
        timeout=optional_integer(fields, "timeout", least=1, most=LONGEST_TIMEOUT) or CHECK_TIMEOUT,
    )


def _command(fields: Mapping[str, object], shell_name: str, where: str) -> Command:
    shell = optional_text(fields, shell_name)
    argv = texts(fields, "argv")
    if (shell is None) == (not argv):
        raise BadDocument(f"{where}: needs either argv or {shell_name}")
    if any("\0" in word for word in (shell or "", *argv)):
        raise BadDocument(f"{where}: no command holds a NUL character")
    kind = optional_text(fields, "shell")
    if kind not in (None, *SHELLS):
        raise BadDocument(f"{where}.shell: '{kind}' is not a way to run a command line")
    return Command(shell=shell, plain=kind == "plain") if shell is not None else Command(argv=argv)


def _file(value: object, where: str) -> FileContent | Pointer | None:
    if value is None:
        return None
    if isinstance(value, str):
        return FileContent(value)
    fields = mapping(value, where)
    if "submodule" in fields:
        commit = text(fields, "submodule")
        if not ids.COMMIT_ID.fullmatch(commit):
            raise BadDocument(f"{where}: '{commit[:80]}' is not the full ID of a commit")
        return Pointer(commit)
    executable = flag(fields, "executable") if "executable" in fields else None
    return FileContent(text(fields, "content"), executable=executable)
