"""The conversations of steps that are not done: what the next attempt at a step goes on from.

A local file for each step, mode 0600 and redacted. It is written without a sync: after a power cut
it may be gone, and the step begins anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import document as documents
from git_orch.plans import ids, redact
from git_orch.plans.document import BadDocument
from git_orch.repo import localfiles, own_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_orch.repo.plan_place import PlanPlace

KEPT = "what a stopped step could go on from"
_LARGEST = 64 * 1024**2  # bytes
_FORMAT = 1
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SIGNED = frozenset({"thinking", "redacted_thinking"})
# The provider's own words: a changed one is refused.
_VERBATIM = frozenset({"signature", "data", "id", "tool_use_id", "type", "role", "name"})

_ARGUMENTS = "input"  # of a tool: the model's words


class Saved(NamedTuple):
    """The conversation of an attempt, as far as it went.

    `base` is the commit that the attempt began on and `base_tree` its tree, `worktree` the name of
    its worktree, `digest` that of what the model was told first. `summary` is there when the
    model had finished. `tree` is what the worktree held when the attempt ended, and `commit` what
    keeps it (None: nothing was changed); without a `tree` nobody knows that. The model was told
    `remarks` of a person.
    """

    attempt: str
    base: str
    base_tree: str
    worktree: str
    digest: str
    messages: tuple[Mapping[str, object], ...]
    turns: int
    usd: float
    summary: str | None = None
    tree: str | None = None
    commit: str | None = None
    remarks: tuple[str, ...] = ()


def read(place: PlanPlace, step: str) -> Saved | None:
    """The conversation of a step; None where there is none that can be read."""
    try:
        stored = own_files.read(*own_files.split(_file(place, step)), _LARGEST)
        return None if stored is None else _saved(documents.parse(stored, "conversation"))
    except (OSError, BadDocument):
        return None


def write(place: PlanPlace, step: str, saved: Saved, secrets: Iterable[str]) -> None:
    """Keep a conversation, without secrets. One in whose signed parts a secret is cannot go on: it is
    forgotten.
    """
    hidden = tuple(secrets)
    messages = [_clean(message, hidden) for message in saved.messages]
    if _signed(messages) != _signed(saved.messages):
        forget(place, step)
        return
    summary = redact.redacted(saved.summary, hidden) if saved.summary is not None else None
    _write(place, step, {**saved._asdict(), "messages": messages, "summary": summary})


def close(place: PlanPlace, step: str, attempt: str, tree: str, commit: str | None) -> None:
    """Write down what the worktree held when the attempt ended, if the conversation is its."""
    saved = read(place, step)
    if saved is not None and saved.attempt == attempt:
        _write(place, step, saved._replace(tree=tree, commit=commit)._asdict())


def close_left(place: PlanPlace, worktree: str, base: str, tree: str, commit: str | None) -> None:
    """Write down what a killed attempt left in a worktree, for the conversation that worked there."""
    with contextlib.suppress(OSError):
        for path in sorted(place.conversations.iterdir()):
            saved = read(place, path.stem) if ids.STEP_ID.fullmatch(path.stem) else None
            if saved is None or saved.tree is not None:
                continue
            if (saved.worktree, saved.base) == (worktree, base):
                close(place, path.stem, saved.attempt, tree, commit)


def forget(place: PlanPlace, step: str) -> None:
    """The step is done, or begins anew."""
    path = _file(place, step)
    if os.path.lexists(path):
        with contextlib.suppress(OSError):
            localfiles.remove(path)


def _file(place: PlanPlace, step: str) -> Path:
    return place.conversations / f"{step}.json"


def _write(place: PlanPlace, step: str, fields: Mapping[str, object]) -> None:
    data = json.dumps({"format": _FORMAT, **fields}).encode("ascii")
    localfiles.write(_file(place, step), data, synced=False)


def _clean(value: object, secrets: tuple[str, ...], name: str = "") -> object:
    """The value without secrets in its texts."""
    if isinstance(value, str):
        return value if name in _VERBATIM else redact.redacted(value, secrets)
    if isinstance(value, Mapping):
        if name == _ARGUMENTS:  # the model chose these names
            named = ((redact.redacted(str(key), secrets), item) for key, item in value.items())
            return {key: _clean(item, secrets, _ARGUMENTS) for key, item in named}
        return {str(key): _clean(item, secrets, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, secrets, name) for item in value]
    return value


def _signed(messages: Iterable[object]) -> list[object]:
    """The blocks that the provider signed."""
    return [block for block in _blocks(messages) if block.get("type") in _SIGNED]


def _blocks(messages: Iterable[object]) -> Iterator[Mapping[str, object]]:
    for message in messages:
        content = message.get("content") if isinstance(message, Mapping) else None
        for block in content if isinstance(content, list | tuple) else ():
            if isinstance(block, Mapping):
                yield block


def _saved(fields: Mapping[str, object]) -> Saved:
    if fields.get("format") != _FORMAT:
        raise BadDocument("format: of another version")
    messages = [
        documents.mapping(item, "messages") for item in documents.sequence(fields, "messages")
    ]
    if not messages or not all(isinstance(item.get("content"), list) for item in messages):
        raise BadDocument("messages: expected messages with content")
    return Saved(
        attempt=documents.text(fields, "attempt"),
        base=_oid(fields, "base"),
        base_tree=_oid(fields, "base_tree"),
        worktree=documents.text(fields, "worktree"),
        digest=documents.text(fields, "digest"),
        messages=tuple(messages),
        turns=documents.optional_integer(fields, "turns") or 0,
        usd=documents.number(fields, "usd", least=0.0),
        summary=documents.optional_text(fields, "summary"),
        tree=_oid(fields, "tree") if fields.get("tree") is not None else None,
        commit=_oid(fields, "commit") if fields.get("commit") is not None else None,
        remarks=documents.texts(fields, "remarks"),
    )


def _oid(fields: Mapping[str, object], name: str) -> str:
    value = documents.text(fields, name)
    if not _OID.fullmatch(value):
        raise BadDocument(f"{name}: expected an object ID")
    return value
