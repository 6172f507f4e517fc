"""Plans from values that people and models wrote, and the JSON Schema of such values.

`fields` has types and ranges, `rules` the rules over several fields; this module turns both into
findings or a plan.
"""

from __future__ import annotations

import difflib
import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, ValidationError

from git_orch.errors import UsageError
from git_orch.plans import plan_document, revision
from git_orch.plans.file import rules, source
from git_orch.plans.file.fields import (
    MAX_STEPS,
    CheckModel,
    FileModel,
    IdeaModel,
    PlanModel,
    RequirementModel,
    StepModel,
    UntilModel,
    WaitModel,
)
from git_orch.plans.file.findings import Finding, PlanFileError, file_finding
from git_orch.plans.plan import (
    NETWORK_KINDS,
    Check,
    Command,
    FileContent,
    Plan,
    Pointer,
    Requirement,
    Review,
    Shell,
    Spec,
    Step,
)
from git_orch.plans.waits import WHATS, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

_REPLY_FIELDS = frozenset(
    ("title", "kind", "why", "prompt", "run", "argv", "paths", "depends_on", "checks", "network")
)
_MESSAGES = {
    "missing": "is required",
    "string_type": "expected a text",
    "string_unicode": "holds half of a surrogate pair, which is no character",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "dict_type": "expected an object",
    "model_type": "expected an object",
    "literal_error": "expected {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least one entry",
    "too_long": "has more than {max_length} entries",
    "string_too_long": "is longer than {max_length} characters",
    "value_error": "{error}",
}
_SHOWS_INPUT = re.compile(
    "(string|int|bool|list|dict|model)_type|int_from_float|literal_error|(greater|less)_than_equal"
)


# -- JSON Schema -----------------------------------------------------------------------------------


def plan_json_schema() -> dict[str, object]:
    """JSON Schema 2020-12 of a plan file."""
    return _json_schema(PlanModel, "git-orch plan file")


def schema(name: str) -> dict[str, object]:
    """The JSON Schema with that name. Raises UsageError."""
    schemas: Mapping[str, Callable[[], dict[str, object]]] = {
        "plan": plan_json_schema,
        "step": lambda: _json_schema(StepModel, "a step of a git-orch plan file"),
    }
    if name not in schemas:
        raise UsageError(
            f"there is no schema '{name}'",
            f"run 'git orch schema' with one of: {', '.join(schemas)}",
        )
    return schemas[name]()


def _json_schema(model: type[BaseModel], title: str) -> dict[str, object]:
    # An object stays an object.
    fields = cast("dict[str, object]", _without_titles(model.model_json_schema()))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **fields}


def _without_titles(value: object) -> object:
    """The schema without the titles that pydantic makes of the names of fields.

    A field with the name `title` stays: it is an object, not a text.
    """
    if isinstance(value, dict):
        kept = {
            name: item
            for name, item in value.items()
            if not (name == "title" and isinstance(item, str))
        }
        return {name: _without_titles(item) for name, item in kept.items()}
    return [_without_titles(item) for item in value] if isinstance(value, list) else value


# -- values ----------------------------------------------------------------------------------------


def plan_of(
    read: source.Source, name: str, used_ids: Iterable[str] = (), old: Plan | None = None
) -> Plan:
    """The plan in the values of a file; messages call the file `name`. Steps without an ID have that
    of the step of the `old` text which they are, if there is one.

    Raises PlanFileError with all findings.
    """
    value = read.value
    findings = list(read.findings)
    model: PlanModel | None = None
    try:
        model = PlanModel.model_validate(value)
    except ValidationError as error:
        findings += [_finding(details, read) for details in error.errors(include_url=False)]
    listed = value.get("steps") if isinstance(value, dict) else None
    steps: list[object] = listed if isinstance(listed, list) and len(listed) <= MAX_STEPS else []
    links, problems = rules.links(steps, used_ids)
    problems += [] if model is None else [*rules.requirement_problems(model, links.ids)]
    network = value.get("network") if isinstance(value, dict) else None
    for problem in [*rules.step_problems(steps, network), *problems]:
        field = source.path_text(problem.where)
        findings.append(
            file_finding(problem.code, field, problem.message, read.line(problem.where))
        )
    if model is None or findings:
        raise PlanFileError(name, _first_of_each_field(findings))
    plan = _plan(model, links)
    if old is None:
        return plan
    given = {step.id for step in model.steps if step.id is not None}
    return revision.with_old_ids(old, plan, frozenset(links.ids) - given)


def idea_of(read: source.Source, name: str, plan: str) -> Plan:
    """The idea in the values of a file. Raises PlanFileError with all findings, and UsageError for a
    file with steps.
    """
    value = read.value
    if isinstance(value, dict) and value.get("steps"):
        hint = f"git orch spec {plan} --from FILE  # takes the steps of the file"
        raise UsageError(f"{name} has steps, and '{plan}' is an idea without a spec", hint)
    if isinstance(value, dict):
        value.pop("steps", None)
    findings = list(read.findings)
    model: IdeaModel | None = None
    try:
        model = IdeaModel.model_validate(value)
    except ValidationError as error:
        findings += [_finding(details, read) for details in error.errors(include_url=False)]
    if model is None or findings:
        raise PlanFileError(name, _first_of_each_field(findings))
    return Plan(model.title, model.objective or model.title, (), body=model.body or None)


def _first_of_each_field(findings: list[Finding]) -> list[Finding]:
    """The first finding of every field: an alias, for example, is refused, and has no value
    either.
    """
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.field, finding)
    return list(first.values())


def _plan(model: PlanModel, links: rules.Links) -> Plan:
    return Plan(
        title=model.title,
        objective=model.objective or model.title,
        steps=tuple(
            _step(step, step_id, needs, model)
            for step, step_id, needs in zip(model.steps, links.ids, links.depends_on, strict=True)
        ),
        dependencies=tuple(model.dependencies or ()),
        missing=tuple(model.missing or ()),
        body=model.body or None,
        spec=_spec(model, links.ids),
    )


def _spec(model: PlanModel, step_ids: Sequence[str]) -> Spec | None:
    checks = rules.NamedChecks(model, step_ids)
    spec = Spec(
        model.approach or "",
        model.design or "",
        tuple(model.criteria or ()),
        tuple(_requirement(item, checks) for item in model.requirements or ()),
    )
    return spec if spec != Spec() else None


def _requirement(model: RequirementModel, checks: rules.NamedChecks) -> Requirement:
    """The requirement, whose checks are command lines."""
    texts = [checks.find(name) for name in model.checks or ()]
    named = tuple(dict.fromkeys(text for text in texts if text is not None))
    return Requirement(model.id, model.text, named, tuple(model.watch or ()))


def _step(model: StepModel, step_id: str, needs: tuple[str, ...], plan: PlanModel) -> Step:
    """The step; the `plan` says how command lines run, and what network steps have, that do not say
    it themselves.
    """
    kind, shell = rules.kind_of(model.__dict__), plan.shell
    network = plan.network if model.network is None and kind in NETWORK_KINDS else model.network
    return Step(
        id=step_id,
        title=model.title,
        kind=kind,
        why=model.why,
        prompt=model.prompt,
        command=_command(model.run, model.argv, model.shell or shell)
        if kind == "run"
        else plan_document.wait_command(_wait(model)),
        files=MappingProxyType(
            {path: _content(file) for path, file in (model.files or {}).items()}
        ),
        paths=tuple(model.paths or ()),
        depends_on=needs,
        checks=tuple(
            _commanded(check, shell)
            for check in (*(model.checks or ()), *([model.until.check] if model.until else []))
            if check.review is None
        ),
        agent=model.agent,
        times=model.until.times if model.until is not None else 0,
        wait=_wait(model),
        model=model.model,
        timeout=model.timeout,
        network=network or False,
        produces=tuple(model.produces or ()),
        may_be_empty=model.may_be_empty is True,
        independent=model.depends_on == [],
        requirements=tuple(dict.fromkeys(model.requirements or ())),
        reviews=tuple(
            Review(check.review, check.model)
            for check in model.checks or ()
            if check.review is not None
        ),
    )


def _wait(model: StepModel) -> Wait | None:
    """The event that the step waits for."""
    if model.wait is None:
        return None
    [what] = [what for what in WHATS if getattr(model.wait, what) is not None]
    value = getattr(model.wait, what)
    return Wait(what, value if isinstance(value, str) else "", model.wait.every)


def _commanded(check: CheckModel, shell: Shell | None) -> Check:
    command = _command(check.command, check.argv, check.shell or shell)
    return Check(check.type, command, check.expected_exit, check.timeout)


def _command(text: str | None, argv: list[str] | None, shell: Shell | None) -> Command:
    if argv is not None:
        return Command(argv=tuple(argv))
    return Command(shell=text, plain=shell == "plain")


def _content(file: FileModel | None) -> FileContent | Pointer | None:
    if file is None:
        return None
    if file.submodule is not None:
        return Pointer(file.submodule)
    return FileContent(file.content or "", executable=file.executable)


# -- findings --------------------------------------------------------------------------------------


def _finding(details: ErrorDetails, read: source.Source) -> Finding:
    where = tuple(part for part in details["loc"] if part != "[key]")
    kind = details["type"]
    message = details["msg"]
    if kind == "extra_forbidden":
        message = "unknown field" + _suggestion(where)
    elif kind in _MESSAGES:
        message = _MESSAGES[kind].format(**details.get("ctx", {}))
    if _SHOWS_INPUT.fullmatch(kind):
        message += f", not {_excerpt(details['input'])}"
    return file_finding(kind.replace("_", "-"), source.path_text(where), message, read.line(where))


def _suggestion(where: source.Location) -> str:
    model: type[BaseModel] = PlanModel
    for name, inner in (
        ("steps", StepModel),
        ("requirements", RequirementModel),
        ("checks", CheckModel),
        ("files", FileModel),
    ):
        if len(where) > 2 and where[-3] == name:
            model = inner
    fields: dict[str, type[BaseModel]] = {"until": UntilModel, "wait": WaitModel}
    model = fields.get(str(where[-2]) if len(where) > 1 else "", model)
    close = difflib.get_close_matches(str(where[-1])[:40], model.model_fields, n=1, cutoff=0.65)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _excerpt(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return f"'{value if len(value) <= 40 else value[:37] + '...'}'"
        case _:
            return json.dumps(value)


# -- a model's reply -------------------------------------------------------------------------------


def reply_plan(text: str) -> Plan:
    """The plan in a model's reply: JSON, perhaps in a code fence or in prose, with "" and [] in
    fields that a step does not have.

    Raises PlanFileError with all findings.
    """
    read = read_reply(text)
    findings: list[Finding] = []
    steps = read.value.get("steps") if isinstance(read.value, dict) else None
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if not isinstance(step, dict):
            continue  # its type is a finding of the schema
        for problem in reply_problems(step, ("steps", index), ("requirements",)):
            field, line = source.path_text(problem.where), read.line(problem.where)
            findings.append(file_finding(problem.code, field, problem.message, line))
    return plan_of(read._replace(findings=(*read.findings, *findings)), "reply")


def reply_value(text: str) -> object:
    """The value of a model's reply as it is, with empty fields."""
    return source.read_json(_json_part(text), "reply").value


def read_reply(text: str) -> source.Source:
    """The values of a model's reply, without fields that are empty."""
    read = source.read_json(_json_part(text), "reply")
    value = _without_absent(read.value)
    steps = value.get("steps") if isinstance(value, dict) else None
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict):
            _take_review(step)
    return read._replace(value=value)


def _take_review(step: dict[str, object]) -> None:
    """Make a check of the criteria that a reply has beside the checks of a step, where every check
    has all fields of a command.
    """
    checks = step.get("checks", [])
    if isinstance(step.get("review"), str) and isinstance(checks, list):
        step["checks"] = [*checks, {"review": step.pop("review")}]


def reply_problems(
    step: Mapping[str, object], where: source.Location, more: Iterable[str] = ()
) -> Iterator[rules.Problem]:
    """Fields and kinds of steps that a plan file may have and a reply may not; `more` are fields
    that this one may have.
    """
    for name in sorted(step.keys() - _REPLY_FIELDS - {*more}):
        place = (*where, name)
        is_field = name in StepModel.model_fields
        message = "is not for a reply" if is_field else f"unknown field{_suggestion(place)}"
        yield rules.Problem(place, "extra-forbidden", message)
    if step.get("kind") in ("files", "manual", "wait"):
        message = f"expected 'agent' or 'run', not '{step['kind']}'"
        yield rules.Problem((*where, "kind"), "literal-error", message)


def _json_part(text: str) -> str:
    """The longest JSON object in `text`; without one, the text from the first brace to the last, so
    that the error is about that.
    """
    best, start = "", text.find("{")
    first = start
    for _ in range(20):  # enough for prose with braces, and a limit for a flood of braces
        if start < 0:
            break
        try:
            _, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):  # `read_json` reports the error if no object follows
            end = start + 1
        if end - start > max(len(best), 1):
            best = text[start:end]
        start = text.find("{", end)
    return best or text[max(first, 0) : text.rfind("}") + 1 or None]


def _without_absent(value: object) -> object:
    if isinstance(value, dict):
        kept = {name: _without_absent(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in ("", [])}
    return [_without_absent(item) for item in value] if isinstance(value, list) else value
