"""The built-in templates of plans, and their plans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from git_orch.plans.plan import Plan
from git_orch.templates import template
from git_orch.templates.template import Template

_HOME = Path(__file__).parent
_SUFFIX = ".yaml"


def names() -> list[str]:
    """The built-in templates."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in _HOME.glob(f"*{_SUFFIX}"))


def document_text(name: str) -> str:
    """The template of a document that `git orch templates --init` writes."""
    return (_HOME / f"{name}.md").read_text(encoding="utf-8")


def text(name: str) -> str:
    """The file of a built-in template."""
    return (_HOME / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def describe(name: str) -> Template:
    """A built-in template."""
    return template.read(text(name), name)


def render(name: str, variables: Mapping[str, str]) -> Plan:
    """The plan of a built-in template with the values filled in. Raises UsageError."""
    return template.plan_from(describe(name), variables)
