"""git orch do: run the command that a sentence means."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here, meaning
from git_orch.cli import words as typed_words
from git_orch.plans.phrases import old_words, sentence
from git_orch.views import console

_HINT = """git orch do "plan 'Add user authentication' and mark it ready\""""
_SHOWN = 60  # characters of a sentence in an error


@click.command("do", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, metavar="SENTENCE")
@click.option("-n", "--dry-run", is_flag=True, help="Print the command; do not run it.")
@click.pass_context
def command(context: click.Context, words: tuple[str, ...], *, dry_run: bool) -> object:
    """Run the command that SENTENCE means; - is standard input. No model reads it. A sentence that
    git-orch does not understand changes nothing. A plan is an ID, a handle, or words of its title.
    """
    if words == ("-",):
        typed = typed_words.standard_input("there is no sentence", _HINT, "surrogateescape")
    else:
        typed = old_words.words_of(words)
    if not typed.strip():
        raise errors.UsageError("there is no sentence", _HINT)
    shown = " ".join(typed[:_SHOWN].split()) + ("..." if len(typed) > _SHOWN else "")
    cause = f"git-orch does not understand the sentence '{shown}'"
    argv = meaning.require_command(meaning.understood(typed), cause)
    if not dry_run:
        return meaning.run(context, argv)
    console.out(sentence.shown(argv))
    here.give({"command": sentence.shown(argv), "argv": ["git", "orch", *argv]})
    return 0
