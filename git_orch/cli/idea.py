"""The part of git orch plan that writes down an idea: a plan without steps, and without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.cli import here, planning, reading
from git_orch.plans import ids, one_line
from git_orch.plans.documents import idea as ideas
from git_orch.repo import template_files
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.cli.planning import Typed
    from git_orch.flow.documents.draft import Idea
    from git_orch.repo.repository import Repository

_USAGE = 'git orch plan "TITLE" --draft'


def make(title: str | None, typed: Typed) -> None:
    """Store an idea. Raises UsageError for options that go with a model, or with steps."""
    _refuse_others(typed)
    repository = here.find_repository()
    idea = _typed_idea(repository, title, typed)
    from git_orch.flow.documents import draft
    from git_orch.views.progress import ConsoleReporter

    plan_id = draft.store_idea(repository, idea, ConsoleReporter())
    if typed.as_json:
        with reading.open_objects(repository) as database:
            here.print_plan(repository, reading.status_of(repository, database, plan_id))
        return
    name = ids.short(plan_id)
    console.out(f"Created: {plan_id}")
    console.out(f"Status: {'ready' if idea.ready else 'draft'}")
    console.out(f"next: git orch {'spec' if idea.ready else 'ready'} {name}")


def _refuse_others(typed: Typed) -> None:
    """Raises UsageError for what an idea does not have."""
    others = {
        "--from": typed.source is not None,
        "--part": typed.part is not None,
        "--var": bool(typed.variables),
        "--base": typed.base is not None,
        "--include-dirty": typed.include_dirty,
        "--model": typed.model is not None,
        "--again": typed.again is not None,
        "--revise": typed.revise is not None,
        "--estimate-only": typed.estimate_only,
        "--no-look": typed.no_look,
        "--tool": typed.tools is not None,
        "-m": bool(typed.remarks),
        "--max-usd": typed.max_usd is not None,
        "--wait-limits": typed.wait_limits is not None,
    }
    given = [name for name, is_typed in others.items() if is_typed]
    if given:
        raise errors.UsageError(
            f"--{typed.first_state} cannot be used with {' and '.join(given)}: "
            "an idea has no steps yet",
            _USAGE,
        )


def _typed_idea(repository: Repository, title: str | None, typed: Typed) -> Idea:
    """The idea that was typed. Without a title the first line of standard input is one."""
    from git_orch.flow.documents.draft import Idea

    if typed.body is not None and typed.template is not None:
        raise errors.UsageError("--body cannot be used with --template", _USAGE)
    body = planning.standard_input() if typed.body == "-" else typed.body
    if title is None:
        body = body if body is not None else planning.standard_input()
        title = ideas.title_in(body)
    owner = planning.owner(repository, typed.owner)
    idea = Idea(checked_title(title), body or None, owner, ready=typed.first_state == "ready")
    if typed.template is not None:
        return idea._replace(template=template_files.named(repository, typed.template))
    return idea if body else idea._replace(template=template_files.of_plan(repository))


def checked_title(text: str) -> str:
    """A title. Raises UsageError for what cannot be one."""
    problem = one_line.problem(text)
    if problem is None and len(text) > one_line.LONGEST:
        problem = f"is longer than {one_line.LONGEST} characters"
    if problem is not None:
        raise errors.UsageError(f"the title {problem}", f"{_USAGE} --body TEXT")
    if "\ud800" <= max(text) <= "\udfff":
        raise errors.UsageError("the title is not UTF-8", _USAGE)
    return text
