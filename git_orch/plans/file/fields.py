"""The fields of a plan file: their types, ranges and purposes. Rules over several fields are in
`rules`.

Numbers and flags may be texts, because the YAML reader gives every scalar as a text.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from git_orch.plans import agents, hosts, ids, one_line, paths, requirements
from git_orch.plans.plan import (
    CHECK_TIMEOUT,
    LONGEST_TIMEOUT,
    MOST_TIMES,
    UNTIL_TIMES,
    CheckType,
    Shell,
    StepKind,
)
from git_orch.plans.waits import EVERY, LONGEST, SHORTEST

MAX_STEPS = 1000


def _number(value: object) -> object:
    """A whole number for its text in YAML; any other value as it is."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value, re.ASCII):
        return int(value)
    return value


def _flag(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _network(value: object) -> object:
    """A flag, or hosts in their one spelling, each once; an empty list is false. Raises ValueError."""
    value = _flag(value)
    if isinstance(value, bool):
        return value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("expected true, false or a list of hosts")
    if len(value) > hosts.MOST:
        raise ValueError(f"has more than {hosts.MOST} entries")
    return tuple(dict.fromkeys(map(_one_host, value))) or False


def _one_host(value: str) -> str:
    try:
        return hosts.one_spelling(value)
    except ValueError as wrong:
        raise ValueError(f"'{value[:60]}' {wrong}") from wrong


def _file(value: object) -> object:
    return {"content": value} if isinstance(value, str) else value


def _check(value: object) -> object:
    return {"command": value} if isinstance(value, str) else value


def _reference(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _require_one_line(value: str) -> str:
    """`value`, which becomes a commit's subject, and git prints it as it is. Raises ValueError."""
    problem = one_line.problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


def _require_text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return _refuse_nul(value)


def _refuse_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character")
    return value


def _require_inside(value: str) -> str:
    reason = paths.problem(value)
    if reason is not None:
        raise ValueError(paths.EXPLANATIONS[reason])
    return value


def _require_program(value: list[str]) -> list[str]:
    _require_text(value[0])
    return value


def _require_match(pattern: re.Pattern[str], otherwise: str) -> AfterValidator:
    def validate(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise ValueError(f"'{value[:60]}' {otherwise}")
        return value

    return AfterValidator(validate)


_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}")
_REFERENCE = re.compile(rf"[0-9]+|{ids.STEP_ID.pattern}", re.ASCII)
_ID_JSON = {"type": "string", "pattern": f"^{ids.STEP_ID.pattern}$"}

_Text = Annotated[str, AfterValidator(_require_text)]
_Line = Annotated[str, Field(max_length=one_line.LONGEST), AfterValidator(_require_one_line)]
_Name = Annotated[str, _require_match(_NAME, "is not one word")]
_AGENTS = sorted([agents.OWN, *agents.PROGRAMS])


def _require_agent(value: str) -> str:
    if not agents.is_name(value):
        raise ValueError(f"'{value[:60]}' is none of {', '.join(_AGENTS)}")
    return value


_Agent = Annotated[
    str,
    AfterValidator(_require_agent),
    WithJsonSchema({"type": "string", "enum": _AGENTS}),
]
_StepId = Annotated[
    str, _require_match(ids.STEP_ID, "is not a step ID such as s1"), WithJsonSchema(_ID_JSON)
]
_CommitId = Annotated[
    str,
    _require_match(
        ids.COMMIT_ID, "is not the full ID of a commit: 40 (or 64) hexadecimal digits, a to f small"
    ),
]
_Flag = Annotated[bool, BeforeValidator(_flag)]
_Network = Annotated[
    bool | tuple[str, ...],
    BeforeValidator(_network),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "boolean"},
                {"type": "array", "items": {"type": "string"}, "maxItems": hosts.MOST},
            ]
        }
    ),
]
_Yes = Annotated[Literal[True], BeforeValidator(_flag)]
_FilePath = Annotated[str, AfterValidator(_require_inside)]
_TreePath = Annotated[
    str, AfterValidator(lambda value: _require_inside(value.rstrip("/") or value))
]
_Argv = Annotated[
    list[Annotated[str, AfterValidator(_refuse_nul)]],
    Field(min_length=1),
    AfterValidator(_require_program),
]
_Seconds = Annotated[int, Field(ge=1, le=LONGEST_TIMEOUT), BeforeValidator(_number)]
_Times = Annotated[int, Field(ge=1, le=MOST_TIMES), BeforeValidator(_number)]
_Every = Annotated[int, Field(ge=SHORTEST, le=LONGEST), BeforeValidator(_number)]
_Status = Annotated[int, Field(ge=0, le=255), BeforeValidator(_number)]
_Reference = Annotated[
    str,
    BeforeValidator(_reference),
    _require_match(_REFERENCE, "is neither the number of a step nor its ID"),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, _ID_JSON]}),
]


def _require_pattern(value: str) -> str:
    problem = requirements.pattern_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


_REQUIREMENT_JSON = {"type": "string", "pattern": f"^{requirements.ID.pattern}$"}
_RequirementId = Annotated[
    str,
    _require_match(requirements.ID, "is not the ID of a requirement such as R1"),
    WithJsonSchema(_REQUIREMENT_JSON),
]
_Pattern = Annotated[str, AfterValidator(_require_pattern)]


_SHELL = "How bash runs the line: strict (default) as with `set -euo pipefail`, plain without."


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FileModel(_Model):
    """A file with more to say than its text, or a submodule; `rules` says what goes together."""

    content: str | None = Field(default=None, description="The whole text of the file.")
    executable: _Flag | None = Field(
        default=None,
        description="Whether the file may be run as a program. If missing, it stays as it is.",
    )
    submodule: _CommitId | None = Field(
        default=None, description="The full ID of the commit to which the submodule moves."
    )


_FileValue = Annotated[
    FileModel | None,
    BeforeValidator(_file),
    WithJsonSchema(
        {
            "description": (
                "The whole text of the file, an object, or null, which deletes the file. The "
                "object moves a submodule where it has 'submodule', the full ID of a commit."
            ),
            "anyOf": [
                {"type": "string"},
                {"type": "null"},
                {
                    "type": "object",
                    "properties": {
                        "content": {"type": "string"},
                        "executable": {"type": "boolean"},
                    },
                    "required": ["content"],
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "properties": {
                        "submodule": {"type": "string", "pattern": f"^{ids.COMMIT_ID.pattern}$"}
                    },
                    "required": ["submodule"],
                    "additionalProperties": False,
                },
            ],
        }
    ),
]


class CheckModel(_Model):
    """A command that verifies a step, by 'command' or 'argv'; or with 'review' a model that judges
    the step's change, which is never the only check.
    """

    type: CheckType = Field(
        "run", description="What the command does: compile, unit tests, integration tests, or run."
    )
    command: _Text | None = Field(None, description="A command line for bash.")
    argv: _Argv | None = Field(
        None, description="A program and its arguments, run without a shell."
    )
    shell: Shell | None = Field(None, description=_SHELL)
    expected_exit: _Status = Field(0, description="The exit status that passes.")
    timeout: _Seconds = Field(
        CHECK_TIMEOUT, description="Seconds after which the check has failed."
    )
    review: _Text | None = Field(
        None,
        description=(
            "Criteria by which another model judges the change of the step, once all its commands "
            "have passed. Such a check has no other field but 'model'."
        ),
    )
    model: _Name | None = Field(None, description="The model that reviews.")


class UntilModel(_Model):
    """A check for which a step is repeated, and how often at most."""

    check: Annotated[
        CheckModel, BeforeValidator(_check, json_schema_input_type=str | CheckModel)
    ] = Field(description="A text is a check with that command.")
    times: _Times = Field(UNTIL_TIMES, description="The most repetitions, the first one included.")


class WaitModel(_Model):
    """The event that a step waits for: one of the first six fields."""

    command: _Text | None = Field(None, description="A command line for bash that exits 0.")
    time: _Line | None = Field(None, description="A time with its zone: 2027-01-31T08:00Z.")
    file: _Line | None = Field(
        None, description="A path that exists, from the top of the user's checkout."
    )
    person: _Line | None = Field(
        None, description="What a person has to see to before they type git orch done."
    )
    ci: _Yes | None = Field(None, description="true: the CI runs of the plan's own commit pass.")
    pull_request: _Yes | None = Field(
        None, description="true: the pull request of the plan's own commit is green or merged."
    )
    every: _Every = Field(EVERY, description="Seconds between two looks.")


_CheckValue = Annotated[
    CheckModel, BeforeValidator(_check, json_schema_input_type=str | CheckModel)
]


class StepModel(_Model):
    """A step. Its kind decides which of prompt, run, argv, files, model, timeout and network it may
    have.
    """

    id: _StepId | None = Field(
        None,
        description=(
            "s1, s2 ...: given by git-orch; kept when a plan is edited, so that a step stays the "
            "same step."
        ),
    )
    title: _Line = Field(
        description="What the step does, on one line; it becomes the subject of the step's commit."
    )
    kind: StepKind | None = Field(
        None,
        description=(
            "agent: a model works on the prompt; run: a command; files: literal files; manual: a "
            "person; wait: an event. Default: files if there are files, wait if there is wait, run "
            "if there is run or argv, else agent."
        ),
    )
    why: _Text | None = Field(
        None, description="Why the step is done, in a sentence or two: the body of its commit."
    )
    prompt: _Text | None = Field(
        None, description="What an agent is asked to do (required), or a person (optional)."
    )
    run: _Text | None = Field(
        None, description="A command line for bash. Steps of kind run have either run or argv."
    )
    argv: _Argv | None = Field(
        None, description="A program and its arguments, run without a shell."
    )
    shell: Shell | None = Field(None, description=_SHELL)
    files: dict[_FilePath, _FileValue] | None = Field(
        None,
        description="Paths relative to the top of the tree, and what each file or submodule becomes.",
    )
    paths: list[_TreePath] | None = Field(
        None, description="Files and directories the step is meant to change."
    )
    produces: list[_TreePath] | None = Field(
        None,
        description=(
            "Ignored files and directories that the command of a run step makes and its checks "
            "need: it runs once more on the tree that lands, before the checks."
        ),
    )
    depends_on: list[_Reference] | None = Field(
        None,
        description=(
            "Numbers (1 is the first step of this file) or IDs of steps that must be done before "
            "this one. A step without the field keeps its place in the file: it waits for the "
            "manual steps before it, as a manual step does for all before it. With several workers "
            "only manual steps do. [] says that the step needs none."
        ),
    )
    checks: list[_CheckValue] | None = Field(
        None,
        description="All must pass before the step lands; a text is a check with that command.",
    )
    agent: _Agent | None = Field(
        None,
        description=(
            "The program that does this agent step; git-orch: a model with the tools of git-orch."
        ),
    )
    wait: WaitModel | None = Field(
        None, description="The event that this step waits for; it changes no file."
    )
    until: UntilModel | None = Field(
        None,
        description=(
            "Repeats this agent or run step until the check passes. Every repetition goes on from "
            "the files of the one before, and its model sees what failed."
        ),
    )
    model: _Name | None = Field(None, description="The model for this agent step.")
    timeout: _Seconds | None = Field(None, description="Seconds after which the step has failed.")
    network: _Network | None = Field(
        None,
        description=(
            "Whether this run or agent step asks for the network, or the hosts that it asks for, "
            "such as api.example.com (port 443) or example.com:8443; `git orch approve --network` "
            "grants it. Its checks never have it."
        ),
    )
    may_be_empty: _Flag | None = Field(
        None,
        description=(
            "Whether this agent step is done also where it changed no file: a report, a search. "
            "Others have done nothing then, and fail."
        ),
    )
    requirements: list[_RequirementId] | None = Field(
        None,
        max_length=requirements.MOST_NAMES,
        description="IDs of the requirements that the step serves; its commit carries them.",
    )


class RequirementModel(_Model):
    """A requirement: what has to hold, the checks that prove it, and the paths that it watches."""

    id: _RequirementId = Field(description="Its name, such as R1; commits of its steps carry it.")
    text: _Line = Field(description="What has to hold, on one line.")
    checks: list[_Text] | None = Field(
        None,
        max_length=requirements.MOST_NAMES,
        description=(
            "The checks that prove it: command lines of checks of steps, or STEP:N for check N of "
            "a step. Default: all checks of the steps that name it."
        ),
    )
    watch: list[_Pattern] | None = Field(
        None,
        max_length=requirements.MOST_NAMES,
        description=(
            "Paths whose change puts it in doubt: files, directories, and patterns with * within a "
            "name and ** for directories. Default: what the steps that name it changed."
        ),
    )


class IdeaModel(_Model):
    """The idea of a plan, which has no steps yet."""

    title: _Line = Field(description="The idea on one line.")
    objective: _Text | None = Field(None, description="What will be true. Default: the title.")
    body: str | None = Field(None, description="The idea in Markdown, kept byte for byte.")


class PlanModel(_Model):
    """A plan: a task in ordered steps, each of which becomes one verified commit."""

    title: _Line = Field(description="The plan on one line.")
    objective: _Text | None = Field(
        None, description="What will be true when all is done. Default: the title."
    )
    body: str | None = Field(
        None, description="The idea behind it in Markdown, kept byte for byte."
    )
    approach: _Text | None = Field(None, description="How the objective is reached.")
    design: _Text | None = Field(None, description="The technical design behind the steps.")
    criteria: list[_Line] | None = Field(
        None, description="By what a person accepts the result, one criterion a line."
    )
    requirements: list[RequirementModel] | None = Field(
        None,
        max_length=requirements.MOST,
        description="What has to hold when all is done, and which checks prove it.",
    )
    dependencies: list[_Name] | None = Field(None, description="Commands the plan needs on PATH.")
    missing: list[_Name] | None = Field(
        None, description="Commands it needs that its author did not find; it cannot run."
    )
    shell: Shell | None = Field(
        None, description="How bash runs the command lines that do not say so themselves."
    )
    network: _Network | None = Field(
        None, description="The network of the run and agent steps that do not say it themselves."
    )
    steps: list[StepModel] = Field(
        min_length=1, max_length=MAX_STEPS, description="The steps, in the order they run."
    )
