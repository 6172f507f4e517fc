"""Plans from values that people and models wrote, and the JSON Schema that tells them how.

Types and ranges are in `fields`, rules over several fields in `rules`; here both become findings or
a plan.
"""

from __future__ import annotations

import difflib
import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, ValidationError

from git_orch.errors import UsageError
from git_orch.plans.file import rules, source
from git_orch.plans.file.fields import MAX_STEPS, CheckModel, FileModel, PlanModel, StepModel
from git_orch.plans.file.findings import Finding, PlanFileError, in_file
from git_orch.plans.plan import Check, Command, FileContent, Plan, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic_core import ErrorDetails

_REPLY_FIELDS = frozenset(
    ("title", "kind", "prompt", "run", "argv", "paths", "depends_on", "checks", "network")
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
    known: Mapping[str, Callable[[], dict[str, object]]] = {
        "plan": plan_json_schema,
        "step": lambda: _json_schema(StepModel, "a step of a git-orch plan file"),
    }
    if name not in known:
        raise UsageError(
            f"there is no schema '{name}'", f"run 'git orch schema' with one of: {', '.join(known)}"
        )
    return known[name]()


def _json_schema(model: type[BaseModel], title: str) -> dict[str, object]:
    described = cast(
        "dict[str, object]", _without_titles(model.model_json_schema())
    )  # an object stays one
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **described}


def _without_titles(value: object) -> object:
    """pydantic titles every field with its own name; a field that is called title is an object, not
    a text.
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


def plan_of(read: source.Source, name: str, used_ids: Iterable[str] = ()) -> Plan:
    """The plan in a file that was read; `name` is the file's, for messages. Raises PlanFileError
    with all findings.
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
    for problem in [*rules.step_problems(steps), *problems]:
        field = source.path_text(problem.where)
        findings.append(in_file(problem.code, field, problem.message, read.line(problem.where)))
    if model is None or findings:
        raise PlanFileError(name, _first_of_each_field(findings))
    return _plan(model, links)


def _first_of_each_field(findings: list[Finding]) -> list[Finding]:
    """An alias that is refused has no value either, which would only be said again."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.field, finding)
    return list(first.values())


def _plan(model: PlanModel, links: rules.Links) -> Plan:
    return Plan(
        title=model.title,
        objective=model.objective or model.title,
        steps=tuple(
            _step(step, step_id, needs)
            for step, step_id, needs in zip(model.steps, links.ids, links.depends_on, strict=True)
        ),
        dependencies=tuple(model.dependencies or ()),
        missing=tuple(model.missing or ()),
    )


def _step(model: StepModel, step_id: str, needs: tuple[str, ...]) -> Step:
    kind = rules.kind_of(model.__dict__)
    return Step(
        id=step_id,
        title=model.title,
        kind=kind,
        prompt=model.prompt,
        command=_command(model.run, model.argv) if kind == "run" else None,
        files=MappingProxyType(
            {path: _content(file) for path, file in (model.files or {}).items()}
        ),
        paths=tuple(model.paths or ()),
        depends_on=needs,
        checks=tuple(
            Check(
                check.type, _command(check.command, check.argv), check.expected_exit, check.timeout
            )
            for check in model.checks or ()
        ),
        model=model.model,
        timeout=model.timeout,
        network=model.network is True,
    )


def _command(shell: str | None, argv: list[str] | None) -> Command:
    return Command(shell=shell) if argv is None else Command(argv=tuple(argv))


def _content(file: FileModel | None) -> FileContent | None:
    return None if file is None else FileContent(file.content, executable=file.executable)


# -- findings --------------------------------------------------------------------------------------


def _finding(details: ErrorDetails, read: source.Source) -> Finding:
    where = tuple(part for part in details["loc"] if part != "[key]")
    kind = details["type"]
    if kind == "extra_forbidden":
        message = "unknown field" + _suggestion(where)
    else:
        message = (
            _MESSAGES[kind].format(**details.get("ctx", {}))
            if kind in _MESSAGES
            else details["msg"]
        )
    if _SHOWS_INPUT.fullmatch(kind):
        message += f", not {_shown(details['input'])}"
    return in_file(kind.replace("_", "-"), source.path_text(where), message, read.line(where))


def _suggestion(where: source.Location) -> str:
    model: type[BaseModel] = PlanModel
    for name, inner in (("steps", StepModel), ("checks", CheckModel), ("files", FileModel)):
        if len(where) > 2 and where[-3] == name:
            model = inner
    close = difflib.get_close_matches(str(where[-1])[:40], model.model_fields, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _shown(value: object) -> str:
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
    """The plan in a model's reply: JSON with "" and [] for what is absent, perhaps in a code fence
    or in prose.

    Raises PlanFileError with all findings.
    """
    read = source.read_json(_json_part(text), "reply")
    value = _without_absent(read.value)
    refused = []
    steps = value.get("steps") if isinstance(value, dict) else None
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        for name in sorted(step.keys() - _REPLY_FIELDS) if isinstance(step, dict) else ():
            where = ("steps", index, name)
            message = (
                f"unknown field{_suggestion(where)}"
                if name not in StepModel.model_fields
                else "is not for a reply"
            )
            refused.append(
                in_file("extra-forbidden", source.path_text(where), message, read.line(where))
            )
        if isinstance(step, dict) and step.get("kind") in ("files", "manual"):
            where = ("steps", index, "kind")
            message = f"expected 'agent' or 'run', not '{step['kind']}'"
            refused.append(
                in_file("literal-error", source.path_text(where), message, read.line(where))
            )
    return plan_of(source.Source(value, read.lines, (*read.findings, *refused)), "reply")


def _json_part(text: str) -> str:
    """The longest JSON object in `text`; without one, what begins like one, so that the error is
    about that.
    """
    best, start = "", text.find("{")
    first = start
    for _ in range(
        20
    ):  # enough for prose with braces in it, and no more than that for a flood of them
        if start < 0:
            break
        try:
            _, end = json.JSONDecoder().raw_decode(text, start)
        except (
            ValueError,
            RecursionError,
        ):  # not here; `read_json` will say what is wrong if it is nowhere
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
