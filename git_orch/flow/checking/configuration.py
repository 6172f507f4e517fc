"""Faults in git's configuration: what would delete logs, write over them, or slow down every
`git log`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from git_orch.plans import refspecs, sentences
from git_orch.plans.faults import Fault

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository
    from git_orch.repo.scopes import Scoped

_SCOPES = {"global": "--global ", "system": "--system ", "worktree": "--worktree "}
_TRUE = frozenset({"", "true", "yes", "on", "1"})


def faults(repository: Repository) -> Iterator[Fault]:
    """The faults of git's configuration as it counts here, in its order."""
    settings = repository.scoped_settings
    for setting in settings:
        name, key = setting.name, setting.name.lower()
        remote = name.split(".", 1)[1].rpartition(".")[0] if name.count(".") > 1 else ""
        if key.startswith("remote.") and key.endswith(".mirror"):
            yield from _of_mirror(setting, remote)
        elif key.startswith("remote.") and key.endswith((".fetch", ".push")):
            others = tuple(other.value or "" for other in settings if other.name == name)
            yield from _of_refspec(setting, remote, others)
        elif key in ("notes.displayref", "notes.rewriteref", "core.notesref"):
            yield from _of_notes(setting, key)


def _of_mirror(setting: Scoped, remote: str) -> Iterator[Fault]:
    if setting.value is not None and setting.value.lower() not in _TRUE:
        return
    what = f"the remote {sentences.quoted(remote)} is a mirror: a push deletes the logs that only it has"
    yield Fault("remote-mirror", what, f"git config {_in(setting)}{_word(setting.name)} false")


def _of_refspec(setting: Scoped, remote: str, others: tuple[str, ...]) -> Iterator[Fault]:
    text = setting.value or ""
    is_fetch = setting.name.lower().endswith(".fetch")
    if not is_fetch and not refspecs.read(text).forced:
        return
    place = refspecs.written_over(text, others)
    if place is None:
        return
    shown = f"'{setting.name} = {text}'"
    if is_fetch:
        what = f"{shown} writes over {place} at a fetch, and deletes there with --prune"
        yield Fault("fetch-refspec", what, _replacement(setting, refspecs.moved_away(text, remote)))
    else:
        what = f"{shown} forces a push of {place}: it writes over what others added"
        yield Fault("push-refspec", what, _replacement(setting, text.removeprefix("+")))


def _of_notes(setting: Scoped, key: str) -> Iterator[Fault]:
    value = setting.value or ""
    if not refspecs.takes_logs(value):
        return
    shown = f"'{setting.name} = {value}'"
    repair = _replacement(setting, "refs/notes/commits")
    if key == "notes.displayref":
        if refspecs.is_glob(value):
            what = f"{shown} makes every git log read the logs of all plans"
            yield Fault("notes-display", what, repair)
    elif key == "notes.rewriteref":
        what = f"{shown} has amend and rebase write to logs, and lose events of others"
        yield Fault("notes-rewrite", what, repair)
    else:
        what = f"{shown} has git notes write to a log, and lose events of others"
        yield Fault("notes-ref", what, repair)


def _replacement(setting: Scoped, value: str) -> str:
    """The command that puts another value in the place of this one."""
    words = ("--fixed-value", "--replace-all", setting.name, value, setting.value or "")
    return f"git config {_in(setting)}{shlex.join(words)}"


def _in(setting: Scoped) -> str:
    return _SCOPES.get(setting.scope, "")


def _word(text: str) -> str:
    return shlex.quote(text)
