"""Which tool wrote a file, by what stands in it, and the plan of its open tasks."""

from __future__ import annotations

import re

from git_orch.plans.file.fields import PlanModel
from git_orch.plans.imports import (
    assemble,
    beads,
    checklist,
    json_text,
    openspec,
    outline,
    spec_kit,
    task_master,
)
from git_orch.plans.imports.assemble import Imported
from git_orch.plans.imports.task import Files, Reading

_KEY = re.compile(r"[\"']?([A-Za-z_]+)[\"']?[ \t]*:(?:\s|$)")


def read(files: Files) -> Imported | None:
    """The plan of a file of another tool; None where the file is a plan of ours, or no plan at all.
    Raises UsageError for a file of another tool that makes no plan.
    """
    text = files.text.removeprefix("\ufeff")
    if not text.strip():
        return None
    files = Files(files.name, text, files.beside, files.part)
    if text.lstrip()[0] in "{[":
        return _read_json(files)
    if _is_plan_file(text):
        return None
    read = outline.read(text)
    if not read.items:
        _refuse_prose(files)
        return None
    return assemble.plan_of(files, _of_markdown(files, read))


def _of_markdown(files: Files, text: outline.Outline) -> Reading:
    if spec_kit.is_meant(text):
        return spec_kit.read(files, text)
    if openspec.is_meant(files, text):
        return openspec.read(files, text)
    return checklist.read(files, text)


def _read_json(files: Files) -> Imported | None:
    if beads.is_meant(files.text):
        return assemble.plan_of(files, beads.read(files))
    tagged = task_master.tags(json_text.value(files.text))
    if tagged is None:
        return None
    files, reading = task_master.read(files, tagged)
    return assemble.plan_of(files, reading)


def _is_plan_file(text: str) -> bool:
    """Whether the first line that is no comment is a field of a plan file."""
    body = text[outline.body_start(text) :] or text
    for line in body.splitlines():
        if not line.strip() or line.startswith("#") or line.rstrip() == "---":
            continue
        match = _KEY.match(line)
        return match is not None and match[1] in PlanModel.model_fields
    return False


def _refuse_prose(files: Files) -> None:
    """Raises UsageError for a text in Markdown without a box; a text that may be YAML is not ours."""
    if outline.first_heading(files.text) and files.name.lower().endswith((".md", ".markdown")):
        raise files.error(
            "it has no task: no line begins with '- [ ]'", f"git orch plan < {files.name}"
        )
