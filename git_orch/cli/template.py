"""git orch template: list, show, make and check templates of plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, planning, reading
from git_orch.plans.history import life
from git_orch.repo import template_files
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.plans.document import Document
    from git_orch.plans.file.findings import Finding
    from git_orch.plans.plan import Plan
    from git_orch.repo.repository import Repository
    from git_orch.templates.shelf import Entry
    from git_orch.templates.variables import Variable

_ACTS = ("ls", "show", "new", "check")


@click.command("template")
@click.argument("act", type=click.Choice(_ACTS), default="ls", metavar="[ls|show|new|check]")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--from", "plan", metavar="PLAN", help="With new: the plan that it makes again.")
@click.option(
    "--var",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="With check: the value to try. With new: the word that becomes the variable NAME.",
)
@here.json_option
def command(
    act: str, name: str | None, plan: str | None, variables: tuple[str, ...], *, as_json: bool
) -> int:
    """List the templates of plans, show one with its variables and steps, write one of your own to
    change or from a PLAN, or check one. NAME is repo:NAME for one of the repository.
    """
    if act != "new" and plan is not None:
        raise errors.UsageError("--from goes with new", "git orch template new NAME --from PLAN")
    if act in ("ls", "show") and variables:
        raise errors.UsageError(
            "--var goes with new and check", "git orch plan --template NAME --var name=hello"
        )
    if act == "ls":
        if name is not None:
            raise errors.UsageError("'ls' takes no name", f"git orch template show {name}")
        print_list(as_json=as_json)
        return 0
    if act == "check":
        return _check(name, planning.pairs(variables), as_json=as_json)
    if name is None:
        raise errors.UsageError("no name given", f"git orch template {act} NAME")
    if act == "show":
        _show(name, as_json=as_json)
    else:
        _new(name, plan, planning.pairs(variables), as_json=as_json)
    return 0


def _repository() -> Repository | None:
    """The repository; None outside of one, where the built-in templates are."""
    try:
        return here.find_repository()
    except errors.UnfitRepository:
        return None


# -- ls and show -----------------------------------------------------------------------------------


def print_list(*, as_json: bool) -> None:
    """Print all templates of plans, with their variables and a command to try."""
    from git_orch.templates import shelf

    entries = shelf.listing(_repository())
    if as_json:
        here.print_json([_entry_document(entry) for entry in entries])
        return
    for entry in entries:
        if entry.template is None:
            console.out(console.Styled(entry.name, "bold"), f"  broken: {entry.problem}")
            continue
        template = entry.template
        origin = "" if template.origin == "built in" else f" ({template.origin})"
        console.out(console.Styled(template.name, "bold"), f"  {template.description}{origin}")
        for variable in template.variables:
            console.out(f"  {variable.name}: {variable.description}{_default(variable)}")
        console.out(f"  {template.example()}")


def _default(variable: Variable) -> str:
    return "" if variable.default is None else f" (default {_shown(variable.default)})"


def _shown(value: object) -> object:
    from git_orch.templates import language

    return language.shown(value)


def _entry_document(entry: Entry) -> Document:
    template = entry.template
    if template is None:
        return {"name": entry.name, "problem": str(entry.problem)}
    return {
        "name": template.name,
        "description": template.description,
        "origin": template.origin,
        "needs": template.needs,
        "needs_approval": not template.is_own,
        "variables": {item.name: _variable_document(item) for item in template.variables},
    }


def _variable_document(variable: Variable) -> Document:
    return {
        "description": variable.description,
        "type": variable.kind,
        "required": variable.is_required,
        "default": variable.default,
        "choices": list(variable.choices) or None,
        "example": variable.example,
    }


def _show(name: str, *, as_json: bool) -> None:
    from git_orch.templates import shelf

    template = shelf.named(_repository(), name)
    if as_json:
        here.print_json(template.document())
        return
    console.out(console.Styled(template.name, "bold"), f"  {template.description}")
    console.out(f"from:  {template.origin}{'' if template.is_own else ', needs an approval'}")
    if template.needs is not None:
        console.out(f"needs: {template.needs}")
    for variable in template.variables:
        kind = variable.kind_text()
        console.out(
            f"  {variable.name}: {variable.description}; {kind}"
            f"{_default(variable) or ('' if variable.is_optional else ' (required)')}"
        )
    console.out("steps:")
    for number, title in enumerate(template.step_titles(), start=1):
        console.out(f"  {number}. {title}")
    console.out(template.example())


# -- new and check ---------------------------------------------------------------------------------


def _new(name: str, plan: str | None, words: dict[str, str], *, as_json: bool) -> None:
    from git_orch.templates import from_plan, shelf

    if words and plan is None:
        raise errors.UsageError(
            "--var goes with --from", f"git orch template new {name} --from PLAN"
        )
    repository = here.find_repository()
    if name.startswith(shelf.PREFIX):
        directory = template_files.of_repository(repository)
        bare = name.removeprefix(shelf.PREFIX)
    else:
        directory, bare = template_files.of_user(repository), name
    if directory is None:
        raise errors.UnfitRepository("a bare repository has no files", "git worktree add ../tree")
    made = None if plan is None else _plan(repository, plan)
    text = from_plan.first(bare) if made is None else from_plan.template_text(bare, made, words)
    file = template_files.write_plan_template(directory, bare, text)
    if as_json:
        here.print_json({"name": name, "file": file})
        return
    console.out(f"Created: {file}")
    console.out(f"check: git orch template check {name}")


def _plan(repository: Repository, plan: str) -> Plan:
    """The text of a plan, whatever became of it. Raises NotFound, and Refused for an idea."""
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    life.require_steps(status)
    return status.plan._replace(missing=())


def _check(name: str | None, typed: dict[str, str], *, as_json: bool) -> int:
    from git_orch.templates import shelf

    repository = _repository()
    if name is None and typed:
        raise errors.UsageError("--var goes with a NAME", "git orch template check NAME --var a=b")
    named = None if name is None else [shelf.Entry(name, shelf.named(repository, name))]
    entries = shelf.listing(repository) if named is None else named
    answers = [_checked(repository, entry, typed) for entry in entries]
    if as_json:
        here.print_json(answers)
    return 1 if any(answer["problem"] or answer["errors"] for answer in answers) else 0


def _checked(repository: Repository | None, entry: Entry, typed: dict[str, str]) -> Document:
    """Print the findings about a template, and about its plan with the examples as values."""
    from git_orch.flow.planning import validate
    from git_orch.plans.file import findings
    from git_orch.templates import template as templates

    listed: list[Finding] = []
    problem = entry.problem
    if entry.template is not None:
        try:
            plan = templates.plan_from(entry.template, {**entry.template.sample(), **typed})
            listed = (
                findings.check(plan, lambda _command: True)
                if repository is None
                else validate.findings_of_plan(repository, plan)
            )
        except errors.UsageError as wrong:
            problem = wrong
    state = "no findings" if not listed and problem is None else ""
    console.out(console.Styled(entry.name, "bold"), f"  {problem or state}")
    here.print_findings(listed)
    count = sum(finding.level == "error" for finding in listed)
    return {"name": entry.name, "problem": str(problem) if problem else None, "errors": count}
