"""A template from a plan: its texts, with variables in the place of some words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from git_orch.errors import UsageError
from git_orch.plans import plan_document, sentences
from git_orch.plans.file import emitter, source
from git_orch.plans.plan import Plan
from git_orch.templates import language, template

FIRST = """\
template: {name}
description: What plans of this template do.
variables:
  name:
    description: what the file is called
    pattern: "[a-z][a-z0-9_-]{{0,30}}"
    example: hello
title: Write {{{{ name }}}}
steps:
  - title: Write {{{{ name }}}}.txt
    kind: files
    files:
      "{{{{ name }}}}.txt": |
        This is {{{{ name }}}}.
    checks:
      - argv: [test, -s, "{{{{ name }}}}.txt"]
"""


def first(name: str) -> str:
    """A small template to change."""
    return FIRST.format(name=name)


def template_text(name: str, plan: Plan, words: Mapping[str, str]) -> str:
    """The file of a template that makes this plan again; `words` are the words by the names of
    variables that stand for them. Raises UsageError for a word that the plan does not hold, or one
    that stands where no variable can.
    """
    document = plan_document.to_document(plan)
    writing = _Writing(words)
    fields = template.converted(document, writing)
    absent = [variable for variable in words if variable not in writing.used]
    if absent:
        raise UsageError(
            f"no text of the plan holds {sentences.quoted(words[absent[0]])}",
            "git orch show",
        )
    variables = {
        variable: {"description": f"in the place of '{word}'", "example": word}
        for variable, word in words.items()
    }
    head: dict[str, object] = {"template": name, "description": plan.title}
    if variables:
        head["variables"] = variables
    text = emitter.document_yaml({**head, **(fields if isinstance(fields, dict) else {})})
    template.read(text, name)
    return text


class _Writing:
    """Puts variables in the place of words, and keeps all other text as it is."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {word: name for name, word in words.items()}
        longest_first = sorted(self._words, key=len, reverse=True)
        # A word ends where its letters do: `api` is none in `rapid`.
        ends = "|".join(
            rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])" for word in longest_first
        )
        self._pattern = re.compile(ends or r"(?!)")
        self.used: set[str] = set()

    def __call__(self, text: str, where: source.Location) -> str:
        if where[-1:] == ("name",) and (len(where) < 2 or where[-2] != "files"):
            return text
        if len(where) > 2 and where[0] == "steps" and where[2] in ("id", "depends_on", "kind"):
            return text
        is_shell = template.is_shell(where, text)
        parts: list[str] = []
        at = 0
        for match in self._pattern.finditer(text):
            name = self._words[match[0]]
            self.used.add(name)
            parts.append(language.literal(text[at : match.start()]))
            parts.append(f"{{{{ {name} | sh }}}}" if is_shell else f"{{{{ {name} }}}}")
            at = match.end()
        return "".join([*parts, language.literal(text[at:])])
