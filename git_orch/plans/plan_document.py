"""A plan as the document that the log stores, and back.

The log may come from a remote, so that reading a document checks every type and raises BadDocument.
Files that people write go through `file.schema`, which has better messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType

from git_orch.plans import agents, hosts, ids, one_line, paths, requirements, waits
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
from git_orch.plans.hosts import Network
from git_orch.plans.plan import (
    CHECK_TIMEOUT,
    CHECK_TYPES,
    LONGEST_TIMEOUT,
    MOST_TIMES,
    NETWORK_KINDS,
    SHELLS,
    STEP_KINDS,
    UNTIL_KINDS,
    Check,
    Command,
    FileContent,
    Plan,
    Pointer,
    Requirement,
    Review,
    Spec,
    Step,
    StepKind,
)
from git_orch.plans.waits import LONGEST, SHORTEST, WHATS, Wait

# The fields that tell people about a plan, and decide nothing of what runs.
DESCRIPTIVE = ("body", "approach", "design", "criteria", "requirements")


def to_document(plan: Plan) -> Document:
    """The plan as JSON-ready values, without empty fields."""
    spec = plan.spec or Spec()
    return _without_empty(
        {
            "title": plan.title,
            "objective": plan.objective,
            "body": plan.body or None,
            "approach": spec.approach or None,
            "design": spec.design or None,
            "criteria": list(spec.criteria),
            "requirements": [requirement_document(item) for item in spec.requirements],
            "dependencies": list(plan.dependencies),
            "missing": list(plan.missing),
            "steps": [step_document(step) for step in plan.steps],
        },
        keep=("title", "objective", "steps"),
    )


def approved_document(plan: Plan) -> Document:
    """The part of the plan that an approval covers, as JSON-ready values."""
    document = to_document(plan)
    steps = [step_document(step._replace(requirements=())) for step in plan.steps]
    approved = {name: value for name, value in document.items() if name not in DESCRIPTIVE}
    return {**approved, "steps": steps}


def requirement_document(requirement: Requirement) -> Document:
    """One requirement as JSON-ready values."""
    document: Document = {
        "id": requirement.id,
        "text": requirement.text,
        "checks": list(requirement.checks),
        "watch": list(requirement.watch),
    }
    return _without_empty(document, keep=("id", "text"))


def step_document(step: Step) -> Document:
    """One step as JSON-ready values."""
    is_run = step.command is not None and step.kind == "run"
    command = (
        {}
        if step.command is None or not is_run
        else _command_document(step.command, shell_name="run")
    )
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
        "checks": [
            *(check_document(check) for check in step.own_checks),
            *(review_document(review) for review in step.reviews),
        ],
        "agent": step.agent,
        "until": _until_document(step),
        "wait": _wait_document(step),
        "model": step.model,
        "timeout": step.timeout,
        "network": hosts.as_value(step.network) or None,
        "produces": list(step.produces),
        "may_be_empty": True if step.may_be_empty else None,
        "requirements": list(step.requirements),
    }
    declared = ("depends_on",) if step.independent else ()
    return _without_empty(document, keep=("id", "title", "kind", *declared))


def _wait_document(step: Step) -> Document | None:
    if step.wait is None:
        return None
    what: object = step.wait.value
    if step.wait.what in ("ci", "pull_request"):
        what = True
    elif step.wait.what == "command" and step.command is not None:
        what = step.command.text()
    return {step.wait.what: what, "every": step.wait.every}


def _until_document(step: Step) -> Document | None:
    if step.until is None:
        return None
    return {"check": check_document(step.until), "times": step.times}


def check_document(check: Check) -> Document:
    """A check as JSON-ready values."""
    return {
        "type": check.type,
        **_command_document(check.command, shell_name="command"),
        "expected_exit": check.expected_exit,
        "timeout": check.timeout,
    }


def review_document(review: Review) -> Document:
    """A review as JSON-ready values."""
    model = {} if review.model is None else {"model": review.model}
    return {"review": review.criteria, **model}


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
        body=optional_text(fields, "body"),
        spec=_spec(fields),
    )


def _spec(fields: Mapping[str, object]) -> Spec | None:
    """The spec in the fields of a plan; None where it has no such field."""
    approach, design = optional_text(fields, "approach"), optional_text(fields, "design")
    spec = Spec(approach or "", design or "", texts(fields, "criteria"), _requirements(fields))
    return spec if spec != Spec() else None


def _requirements(fields: Mapping[str, object]) -> tuple[Requirement, ...]:
    items = sequence(fields, "requirements")
    if len(items) > requirements.MOST:
        raise BadDocument(f"requirements: more than {requirements.MOST}")
    read = tuple(_requirement(item, f"requirements[{at}]") for at, item in enumerate(items))
    if len({requirement.id for requirement in read}) != len(read):
        raise BadDocument("requirements: two requirements have the same id")
    return read


def _requirement(item: object, where: str) -> Requirement:
    fields = mapping(item, where)
    requirement = Requirement(
        text(fields, "id"), text(fields, "text"), texts(fields, "checks"), texts(fields, "watch")
    )
    if not requirements.ID.fullmatch(requirement.id):
        raise BadDocument(f"{where}.id: '{requirement.id[:60]}' is not the id of a requirement")
    if one_line.problem(requirement.text) or len(requirement.text) > one_line.LONGEST:
        raise BadDocument(f"{where}.text: expected one line of {one_line.LONGEST} characters")
    if max(len(requirement.checks), len(requirement.watch)) > requirements.MOST_NAMES:
        raise BadDocument(f"{where}: more than {requirements.MOST_NAMES} checks or patterns")
    if any(requirements.pattern_problem(pattern) for pattern in requirement.watch):
        raise BadDocument(f"{where}.watch: names a file outside the tree")
    return requirement


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
    commands, reviews = _checks(fields, f"{where}.checks")
    until, times = _until(fields, kind, where)
    wait = _wait(fields, kind, where)
    return Step(
        id=text(fields, "id"),
        title=text(fields, "title"),
        kind=kind,
        why=optional_text(fields, "why"),
        prompt=optional_text(fields, "prompt"),
        command=_command(fields, "run", where) if kind == "run" else wait_command(wait),
        files=MappingProxyType(
            {
                path: _file(value, f"{where}.files")
                for path, value in mapping(fields.get("files", {}), where).items()
            }
        ),
        paths=texts(fields, "paths"),
        depends_on=texts(fields, "depends_on"),
        agent=_agent(fields, kind, where),
        checks=(*commands, *until),
        model=optional_text(fields, "model"),
        timeout=optional_integer(fields, "timeout", least=1, most=LONGEST_TIMEOUT),
        network=_network(fields, kind, where),
        produces=_produces(fields, kind, where),
        may_be_empty=_may_be_empty(fields, kind, where),
        independent=fields.get("depends_on") == [],
        reviews=reviews,
        requirements=_named_requirements(fields, where),
        times=times,
        wait=wait,
    )


def _agent(fields: Mapping[str, object], kind: str, where: str) -> str | None:
    name = optional_text(fields, "agent")
    if name is not None and (kind != "agent" or not agents.is_name(name)):
        raise BadDocument(f"{where}.agent: '{name[:60]}' is not an agent that a plan can name")
    return name


def wait_command(wait: Wait | None) -> Command | None:
    """The command that a step waits for."""
    return Command(shell=wait.value) if wait is not None and wait.what == "command" else None


def _wait(fields: Mapping[str, object], kind: StepKind, where: str) -> Wait | None:
    """What the step waits for."""
    if (kind == "wait") != (fields.get("wait") is not None):
        raise BadDocument(f"{where}.wait: a step of kind '{kind}' cannot be so")
    if kind != "wait":
        return None
    where = f"{where}.wait"
    values = mapping(fields["wait"], where)
    named = [what for what in WHATS if what in values]
    every = optional_integer(values, "every", least=SHORTEST, most=LONGEST)
    if len(named) != 1 or every is None:
        raise BadDocument(f"{where}: expected one event to wait for")
    what = named[0]
    value = "" if what in ("ci", "pull_request") else text(values, what)
    wait = Wait(what, value, every)
    if waits.problem(wait) is not None:
        raise BadDocument(f"{where}: {waits.problem(wait)}")
    return wait


def _until(
    fields: Mapping[str, object], kind: StepKind, where: str
) -> tuple[tuple[Check, ...], int]:
    """The check that a step is repeated for, if there is one, and how often at most."""
    if fields.get("until") is None:
        return (), 0
    where = f"{where}.until"
    until = mapping(fields["until"], where)
    times = optional_integer(until, "times", least=1, most=MOST_TIMES)
    if kind not in UNTIL_KINDS or times is None:
        raise BadDocument(f"{where}: a step of kind '{kind}' is not repeated so")
    return (_check(mapping(until.get("check"), where), where),), times


def _named_requirements(fields: Mapping[str, object], where: str) -> tuple[str, ...]:
    named = texts(fields, "requirements")
    if len(named) > requirements.MOST_NAMES:
        raise BadDocument(f"{where}.requirements: more than {requirements.MOST_NAMES}")
    if not all(requirements.ID.fullmatch(name) for name in named):
        raise BadDocument(f"{where}.requirements: not the id of a requirement")
    return named


def _network(fields: Mapping[str, object], kind: StepKind, where: str) -> Network:
    value = fields.get("network")
    network: Network = _hosts(fields, where) if isinstance(value, list) else flag(fields, "network")
    if network and kind not in NETWORK_KINDS:
        raise BadDocument(f"{where}.network: a step of kind '{kind}' cannot ask for it")
    return network


def _hosts(fields: Mapping[str, object], where: str) -> tuple[str, ...]:
    """The hosts of a list, which are in the one spelling."""
    names = texts(fields, "network")
    if not 0 < len(names) <= hosts.MOST:
        raise BadDocument(f"{where}.network: expected 1 to {hosts.MOST} hosts")
    for name in names:
        try:
            spelling = hosts.one_spelling(name)
        except ValueError as wrong:
            raise BadDocument(f"{where}.network: '{name[:60]}' {wrong}") from wrong
        if spelling != name:
            raise BadDocument(f"{where}.network: '{name[:60]}' is spelled '{spelling}'")
    return names


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


def _checks(
    fields: Mapping[str, object], where: str
) -> tuple[tuple[Check, ...], tuple[Review, ...]]:
    """The commands among the checks of a step, and its reviews."""
    items = [mapping(item, where) for item in sequence(fields, "checks")]
    commands = tuple(_check(item, where) for item in items if "review" not in item)
    return commands, tuple(_review(item, where) for item in items if "review" in item)


def _review(fields: Mapping[str, object], where: str) -> Review:
    criteria = text(fields, "review")
    if not criteria.strip() or not fields.keys().isdisjoint(("command", "argv")):
        raise BadDocument(f"{where}: a review needs criteria, and has no command")
    return Review(criteria, optional_text(fields, "model"))


def _check(fields: Mapping[str, object], where: str) -> Check:
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
