"""The policy for command lines, with good messages. The sandbox is the boundary, not this."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from git_orch.plans.plan import Command
from git_orch.sandbox.policy import programs, shell, verdict
from git_orch.sandbox.policy.rules import Surroundings
from git_orch.sandbox.policy.verdict import Span, Verdict
from git_orch.sandbox.policy.whitelist import Whitelist
from git_orch.sandbox.policy.words import Word


class Policy(NamedTuple):
    """The policy for the commands of one run in one tree; `sandboxed`: they run in a sandbox."""

    whitelist: Whitelist
    root: str
    sandboxed: bool

    def refusal(self, command: Command) -> Verdict | None:
        """The verdict against running the command here; None when it may run."""
        verdict = decide(command, self.whitelist, self.root)
        if verdict.decision == "allow" or (verdict.decision == "sandbox-only" and self.sandboxed):
            return None
        if verdict.decision == "deny":
            return verdict
        return verdict._replace(
            code="NEEDS_SANDBOX", hint="there is no sandbox here: work with the file tools instead"
        )


def decide(command: Command, whitelist: Whitelist, root: str = "") -> Verdict:
    """The decision of the strictest part; never raises, looks at no disk and starts nothing.

    `root` is the absolute path of the tree the command runs in: names below it are inside. Without
    it every absolute name is outside.
    """
    around = Surroundings(whitelist, root, programs.judge, _judge_text)
    if command.shell is not None:
        return verdict.strictest(_judge_text(command.shell, around))
    return verdict.strictest(_judge_argv(command.argv or (), around))


def _judge_text(text: str, around: Surroundings) -> Iterator[Verdict]:
    unfit = shell.text_denial(text)
    if unfit is not None:
        yield unfit
    else:
        yield from shell.Script(text, around).parts()


def _judge_argv(argv: tuple[str, ...], around: Surroundings) -> Iterator[Verdict]:
    unfit = shell.text_denial(" ".join(argv) if argv and argv[0].strip() else "")
    if unfit is not None:
        text = shlex.join(argv)
        yield unfit._replace(span=Span(text, 0, len(text)))
        return
    argv_words, start = [], 0
    for text in argv:
        shown = shlex.quote(text)
        argv_words.append(Word(text, Span(shown, start, start + len(shown))))
        start += len(shown) + 1
    yield from programs.judge(argv_words[0], tuple(argv_words[1:]), around)
