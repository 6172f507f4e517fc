"""Words that people type for a command that has another name; none of them is run."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Sequence

_WORDS = {
    "plan": "new create make generate draft",
    "exec": "run resume start continue execute go proceed retry",
    "stop": "abort cancel kill interrupt pause",
    "status": "st state-of progress info where watch tail",
    "ls": "list plans all",
    "show": "view cat inspect describe print tasks",
    "log": "history events",
    "edit": "change modify amend update revise",
    "approve": "allow-plan confirm grant trust ok",
    "rollback": "revert reset back unwind",
    "redo": "rerun again repeat",
    "land": "merge finish apply ship deliver",
    "pick": "cherry-pick cherrypick",
    "archive": "rm remove delete del drop-plan close discard",
    "archive --undo": "restore reopen unreject",
    "archive --why REASON": "deny decline",
    "verify": "test recheck",
    "check": "validate lint",
    "fix": "mend repair",
    "done": "submit complete hand-in",
    "answer": "reply respond",
    "adopt": "accept take",
    "prune --dry-run": "gc clean cleanup tidy purge",
    "cost": "price spend usage budget",
    "setup": "install bootstrap",
    "doctor": "diagnose probe selftest",
    "config": "settings options",
    "tour": "demo tutorial walkthrough learn example",
    "help": "man commands",
    "--version": "version",
}
_COMMANDS = {word: command for command, words in _WORDS.items() for word in words.split()}


def suggestion(typed: Sequence[str], commands: Collection[str]) -> str:
    """The command line for what was typed, whose first word is no command: what follows it stays."""
    word, *rest = typed
    command = _COMMANDS.get(word.lower())
    if command is None or command.split()[0] not in (*commands, "--version"):
        near = difflib.get_close_matches(word, commands, n=1)
        return f"git orch {near[0]}" if near else "git orch help"
    if command == "plan" and not rest:
        return 'git orch plan "what to do"'
    return " ".join(["git orch", command, *map(shlex.quote, rest)])
