"""The user's `orch.*` settings, with the rule of who may set them.

What runs a program, widens access, sends data or chooses an endpoint counts only from the user's own configuration
(system, global, command line), never from the repository's, which somebody else may have written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

_OWN_SCOPES = frozenset({"system", "global", "command"})

DEFAULT_MODEL = "claude-sonnet-5-5"


class Settings(NamedTuple):
    """Every setting that this version reads. `prices` is the path of a price table that adds to the built-in one."""

    model: str = DEFAULT_MODEL
    prices: str | None = None


def of_user(repository: Repository) -> Settings:
    """The settings in force."""
    listed = repository.user_git.run("config", "--list", "--show-scope", "-z").decode("utf-8", "surrogateescape")
    fields = listed.split("\0")
    own: dict[str, str] = {}
    for scope, item in zip(fields[::2], fields[1::2], strict=False):
        name, _, value = item.partition("\n")
        if scope in _OWN_SCOPES:
            own[name.lower()] = value
    return Settings(model=own.get("orch.model") or DEFAULT_MODEL, prices=own.get("orch.prices"))
