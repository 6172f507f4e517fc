"""The fields of a plan file: their types, ranges and purposes. Rules over several fields are in
`rules`.

Numbers and flags may be texts, because the YAML reader gives every scalar as a text.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from git_orch.plans import ids, paths
from git_orch.plans.plan import CHECK_TIMEOUT, LONGEST_TIMEOUT, CheckType, Shell, StepKind

MAX_STEPS = 1000

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _number(value: object) -> object:
    """A whole number for its text in YAML; any other value as it is."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value, re.ASCII):
        return int(value)
    return value


def _flag(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _file(value: object) -> object:
    return {"content": value} if isinstance(value, str) else value


def _check(value: object) -> object:
    return {"command": value} if isinstance(value, str) else value


def _reference(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _require_one_line(value: str) -> str:
    """`value`, which becomes a commit's subject, and git prints it as it is. Raises ValueError."""
    control = _CONTROL.search(_require_text(value))
    if control is not None:
        if control[0] in "\r\n":
            raise ValueError("must be one line")
        raise ValueError(f"holds the control character U+{ord(control[0]):04X}")
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
_Line = Annotated[str, Field(max_length=200), AfterValidator(_require_one_line)]
_Name = Annotated[str, _require_match(_NAME, "is not one word")]
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
_Status = Annotated[int, Field(ge=0, le=255), BeforeValidator(_number)]
_Reference = Annotated[
    str,
    BeforeValidator(_reference),
    _require_match(_REFERENCE, "is neither the number of a step nor its ID"),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, _ID_JSON]}),
]


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
    """A command that verifies a step; give either 'command' or 'argv'."""

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
            "person. Default: files if there are files, run if there is run or argv, else agent."
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
    model: _Name | None = Field(None, description="The model for this agent step.")
    timeout: _Seconds | None = Field(None, description="Seconds after which the step has failed.")
    network: _Flag | None = Field(
        None,
        description=(
            "Whether this run or agent step asks for the network, which `git orch approve "
            "--network` grants. Its checks never have it."
        ),
    )
    may_be_empty: _Flag | None = Field(
        None,
        description=(
            "Whether this agent step is done also where it changed no file: a review, a search. "
            "Others have done nothing then, and fail."
        ),
    )


class PlanModel(_Model):
    """A plan: a task in ordered steps, each of which becomes one verified commit."""

    title: _Line = Field(description="The plan on one line.")
    objective: _Text | None = Field(
        None, description="What will be true when all is done. Default: the title."
    )
    dependencies: list[_Name] | None = Field(None, description="Commands the plan needs on PATH.")
    missing: list[_Name] | None = Field(
        None, description="Commands it needs that its author did not find; it cannot run."
    )
    shell: Shell | None = Field(
        None, description="How bash runs the command lines that do not say so themselves."
    )
    steps: list[StepModel] = Field(
        min_length=1, max_length=MAX_STEPS, description="The steps, in the order they run."
    )
