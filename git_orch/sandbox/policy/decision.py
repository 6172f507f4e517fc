"""The policy for command lines, with good messages. The sandbox is the boundary, not this."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from git_orch.plans.plan import Command
from git_orch.sandbox.policy import programs, shell, verdict
from git_orch.sandbox.policy.rules import Surroundings
from git_orch.sandbox.policy.verdict import Code, Span, Verdict
from git_orch.sandbox.policy.whitelist import Whitelist
from git_orch.sandbox.policy.words import Word

# Denials that hold where there is no sandbox. In it such a command can do no harm, and what it
# cannot do it says itself.
_HELD: frozenset[Code] = frozenset({
    "PARSE", "TOO_LONG", "DYNAMIC_NAME", "WRAPPER", "EXEC_OPTION", "ENV_VAR", "BUILTIN",
    "BACKGROUND", "REDIRECT_OUTSIDE", "PATH_OUTSIDE",
})  # fmt: skip


class Policy(NamedTuple):
    """The policy for the commands of one run in one tree; `sandboxed`: they run in a sandbox."""

    whitelist: Whitelist
    root: str
    sandboxed: bool

    def refusal(self, command: Command) -> Verdict | None:
        """The verdict against running the command here; None when it may run."""
        if self.sandboxed:
            return refused_in_sandbox(command, self.whitelist, self.root)
        verdict = decide(command, self.whitelist, self.root)
        if verdict.decision == "allow":
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
    return verdict.strictest(_parts(command, whitelist, root))


def refused_in_sandbox(command: Command, whitelist: Whitelist, root: str = "") -> Verdict | None:
    """The verdict against a command that the sandbox does not answer better by itself: it would
    show a secret to a model, or cannot do there what it is for.
    """
    refused = [
        part
        for part in _parts(command, whitelist, root)
        if part.decision == "deny" and part.code not in _HELD
    ]
    return verdict.strictest(refused) if refused else None


def _parts(command: Command, whitelist: Whitelist, root: str) -> Iterator[Verdict]:
    around = Surroundings(whitelist, root, programs.judge, _judge_text)
    if command.shell is not None:
        return _judge_text(command.shell, around)
    return _judge_argv(command.argv or (), around)


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
