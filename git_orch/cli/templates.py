"""git orch templates: list the templates of plans, and write templates of documents."""

from __future__ import annotations

import click

from git_orch.cli import here, template
from git_orch.repo import template_files
from git_orch.views import console


@click.command("templates")
@click.option("--init", is_flag=True, help="Write plan.md and spec.md for you to change.")
@here.json_option
def command(*, init: bool, as_json: bool) -> None:
    """List the templates of plans, as git orch template ls does. With --init write the templates of
    ideas and specs into .claude/templates (orch.templatesDir), over no file.
    """
    if init:
        _write(as_json=as_json)
    else:
        template.print_list(as_json=as_json)


def _write(*, as_json: bool) -> None:
    from git_orch.templates import render

    repository = here.find_repository()
    texts = {
        name: render.document_text(name) for name in (template_files.PLAN, template_files.SPEC)
    }
    files = template_files.write_first(repository, texts)
    if as_json:
        here.print_json([{"file": file, "written": is_written} for file, is_written in files])
        return
    for file, is_written in files:
        console.out(f"{'Created' if is_written else 'kept'}: {file}")
