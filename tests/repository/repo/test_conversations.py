"""Conversations that go on: local, redacted, and believed only where they are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Repo

from git_orch.repo import repository
from git_orch.repo.local import conversations
from git_orch.repo.local.conversations import Saved
from git_orch.repo.plan_place import PlanPlace

TREE, COMMIT = "a" * 40, "b" * 40
SECRET = "canary-0123456789"


def message(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


SAVED = Saved(
    "A1", COMMIT, TREE, "pool-1", "told", (message("user", text(f"say {SECRET}")),), 1, 0.25
)


@pytest.fixture
def place(repo: Repo) -> PlanPlace:
    return PlanPlace(repository.discover(repo.path), "PLAN-20261121-0NG7F5ZAWN-x")


def file_of(place: PlanPlace) -> Path:
    return place.conversations / "s1.json"


def test_a_conversation_is_for_its_owner_alone_and_without_secrets(place: PlanPlace) -> None:
    conversations.write(place, "s1", SAVED, [SECRET])
    assert file_of(place).stat().st_mode & 0o777 == 0o600
    assert SECRET not in file_of(place).read_text()
    stored = conversations.read(place, "s1")
    assert stored is not None
    assert stored._replace(messages=SAVED.messages) == SAVED


def test_a_conversation_with_a_secret_in_its_signed_parts_is_not_kept(place: PlanPlace) -> None:
    thinking = {"type": "thinking", "thinking": f"so {SECRET}", "signature": "x"}
    conversations.write(place, "s1", SAVED, [])
    signed = SAVED._replace(messages=(*SAVED.messages, message("assistant", thinking)))
    conversations.write(place, "s1", signed, [SECRET])
    assert conversations.read(place, "s1") is None


def test_the_providers_own_words_stay_as_they_are(place: PlanPlace) -> None:
    key = "sk-ant-api03-" + "x" * 40
    call = {"type": "tool_use", "id": key, "name": "bash", "input": {"command": f"echo {key}"}}
    saved = SAVED._replace(messages=(*SAVED.messages, message("assistant", call)))
    conversations.write(place, "s1", saved, [])
    stored = conversations.read(place, "s1")
    assert stored is not None
    content: Any = stored.messages[1]["content"]
    block = content[0]
    assert block["id"] == key
    assert key not in block["input"]["command"]


def test_arguments_hide_no_secret_under_a_name_of_the_providers(place: PlanPlace) -> None:
    arguments = {"id": SECRET, SECRET: "x", "more": [{"data": SECRET}]}
    call = {"type": "tool_use", "id": "t1", "name": "bash", "input": arguments}
    saved = SAVED._replace(messages=(*SAVED.messages, message("assistant", call)))
    conversations.write(place, "s1", saved, [SECRET])
    assert SECRET not in file_of(place).read_text()


@pytest.mark.parametrize(
    "damage",
    [{"messages": []}, {"base": "--upload-pack=x"}, {"format": 2}, {"usd": -1}, {"turns": "x"}],
    ids=str,
)
def test_a_damaged_conversation_is_none(place: PlanPlace, damage: dict[str, Any]) -> None:
    conversations.write(place, "s1", SAVED, [])
    file_of(place).write_text(json.dumps(json.loads(file_of(place).read_text()) | damage))
    assert conversations.read(place, "s1") is None


def test_only_the_attempt_that_wrote_it_ends_a_conversation(place: PlanPlace) -> None:
    conversations.write(place, "s1", SAVED, [])
    conversations.close(place, "s1", "A2", TREE, None)
    assert conversations.read(place, "s1") is not None
    assert conversations.read(place, "s1").tree is None  # type: ignore[union-attr]  # asserted above
    conversations.close(place, "s1", "A1", TREE, COMMIT)
    ended = conversations.read(place, "s1")
    assert ended is not None
    assert (ended.tree, ended.commit) == (TREE, COMMIT)


@pytest.mark.parametrize(
    ("worktree", "base", "tree"),
    [("pool-1", COMMIT, TREE), ("pool-2", COMMIT, None), ("pool-1", TREE, None)],
)
def test_what_a_killed_attempt_left_belongs_to_the_conversation_in_that_worktree(
    place: PlanPlace, worktree: str, base: str, tree: str | None
) -> None:
    conversations.write(place, "s1", SAVED, [])
    conversations.close_left(place, worktree, base, TREE, None)
    stored = conversations.read(place, "s1")
    assert stored is not None
    assert stored.tree == tree
