"""The dependencies of the checkout and the files of the user's tools that commands see, under the
user's settings.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import ask, places
from git_orch.repo import git as gits
from git_orch.repo.repository import discover
from git_orch.sandbox import configuration, secrecy
from git_orch.sandbox.shares import caches, choice, dependencies
from git_orch.sandbox.shares.caches import Tools
from git_orch.sandbox.shares.choice import Choice
from git_orch.sandbox.walls import environment
from git_orch.sandbox.walls.view import Share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_orch.repo.repository import Repository
    from git_orch.repo.settings import Settings

_NAMED = 8
_USUAL_ENVIRONMENTS = (".venv", "venv")


class Shares(NamedTuple):
    """The shares of a repository: dependencies of its checkout, what the user added, and their
    tools'.
    """

    dependencies: tuple[Share, ...] = ()
    tools: Tools = Tools()

    @property
    def all(self) -> tuple[Share, ...]:
        """All that is mounted."""
        return (*self.dependencies, *self.tools.caches)

    @property
    def programs(self) -> tuple[str, ...]:
        """The directories that come first on the PATH of commands, where they are on this machine."""
        return programs_of(self.all)

    def text(self) -> str:
        """The shares in words for people; empty where there are none."""
        # What lies elsewhere is never among the names that are only counted.
        first = sorted(self.dependencies, key=lambda share: not share.linked)
        names = [_name(share) for share in first]
        tools = dict.fromkeys(share.name for share in self.tools.caches)
        parts = [sentences.names(names, _NAMED)] if names else []
        parts += [f"caches of {sentences.names(list(tools), _NAMED)}"] if tools else []
        return "; ".join(parts)

    def hidden_text(self) -> str:
        """The files of configuration that commands do not see; empty where there is none."""
        home = os.path.expanduser("~")
        names = [path.replace(home, "~", 1) for path in self.tools.hidden]
        what = sentences.verb(len(names), "it may hold a secret", "they may hold a secret")
        return f"hidden: {sentences.names(names, _NAMED)}: {what}" if names else ""

    def line(self) -> str:
        """Both in one line."""
        return "; ".join(filter(None, (self.text(), self.hidden_text())))


def _name(share: Share) -> str:
    """The name of dependencies; of a link in the checkout with what it leads to."""
    if not share.linked:
        return share.name
    home = os.path.expanduser("~")
    return f"{share.name} (a link to {sentences.quoted(share.source.replace(f'{home}/', '~/', 1))})"


def programs_of(shares: Iterable[Share]) -> tuple[str, ...]:
    """The directories with the programs of shares."""
    return tuple(os.path.join(share.source, name) for share in shares for name in share.programs)


@functools.lru_cache(8)
def of(repository: Repository, user_settings: Settings) -> Shares:
    """The shares for the commands of a repository. Asks git once, if there is something to ask for."""
    home = environment.home(os.environ)
    own_home = str(home or "/nonexistent")
    chosen = choice.of_values(user_settings.share, own_home)
    if chosen.nothing:
        return Shares()
    secrets = secrecy.secrets()
    tools = caches.find(str(home), os.environ, secrets) if home is not None else Tools()
    tools = tools._replace(caches=tuple(share for share in tools.caches if chosen.has(share)))
    checkout = _of_checkout(repository)
    chosen = choice.within(chosen, str(checkout.top)) if checkout.top is not None else chosen
    own = [
        share
        for share in _dependencies(checkout, chosen)
        if chosen.has(share) and not _is_around(share.source, own_home)
    ]
    places = [*own, *_elsewhere(chosen, own_home)]
    hidden = [
        share._replace(hidden=tuple(configuration.secret_files(share.source, secrets)))
        for share in places
    ]
    return Shares(tuple(in_order(hidden)), tools)


def _of_checkout(repository: Repository) -> Repository:
    """The repository as it is seen from the user's checkout, which has the dependencies; they may
    stand in a worktree of git-orch's own.
    """
    checkout = places.checkout(repository)
    if checkout is None or os.path.realpath(str(repository.top)) == str(checkout):
        return repository
    try:
        return discover(checkout, gits.environment(os.environ))
    except errors.OrchError:
        return repository


def _dependencies(repository: Repository, chosen: Choice) -> Iterator[Share]:
    """The dependencies of the checkout, and directories of it that the user names."""
    if repository.top is None:
        return
    checkout = str(repository.top)

    def left_out(places: Sequence[str]) -> frozenset[str]:
        return _left_out(repository, places)

    usual = dependencies.find(checkout, left_out)
    yield from usual
    shared = {share.place for share in usual}
    named = [name for name in chosen.added if not os.path.isabs(name) and name not in shared]
    others = [dependencies.of_directory(checkout, name) for name in named if ".." not in name]
    present = [share for share in others if share is not None]
    if present:
        chosen_too = left_out([share.place for share in present])
        yield from (share for share in present if share.place in chosen_too)


def _left_out(repository: Repository, places: Sequence[str]) -> frozenset[str]:
    """Those of some paths of the checkout that are not the repository's: what git ignores, and
    directories that nobody ignored yet and in which it tracks nothing, as `python3 -m venv` leaves
    them.
    """
    ignored = ask.ignored(repository.quiet_git, places)
    others = {
        place
        for place in places
        if place not in ignored and os.path.isdir(os.path.join(str(repository.top), place))
    }
    for path in ask.tracked(repository.quiet_git, sorted(others)) if others else ():
        names = path.split("/")
        others.difference_update("/".join(names[:count]) for count in range(1, len(names) + 1))
    return ignored | others


def _elsewhere(chosen: Choice, home: str) -> Iterator[Share]:
    """Directories outside of the checkout that the user names."""
    for path in chosen.added:
        real = os.path.realpath(path)
        if os.path.isabs(path) and os.path.isdir(path) and not _is_around(real, home):
            yield Share(path, real, path)


def _is_around(path: str, home: str) -> bool:
    """Whether the home directory is there or below."""
    return f"{os.path.realpath(home)}/".startswith(f"{path.rstrip(os.sep)}/")


def in_order(shares: Iterable[Share]) -> Iterator[Share]:
    """The shares, the environment that commands work in first; the programs of other environments
    are not on PATH.
    """
    listed = list(shares)
    environments = [share for share in listed if share.environment]
    first = _environment(environments)
    if first is not None:
        yield first
    for share in listed:
        if share is not first:
            yield share._replace(programs=()) if share.environment else share


def _environment(environments: Sequence[Share]) -> Share | None:
    """The environment that commands work in; None where it is none of the checkout's. git-orch's own
    is activated for git-orch.
    """
    active = environment.activated(os.environ)
    if active is not None and active[1] != sys.prefix:
        real = os.path.realpath(active[1])
        return next(
            (share for share in environments if os.path.realpath(share.source) == real), None
        )
    for name in _USUAL_ENVIRONMENTS:
        for share in environments:
            if share.place == name:
                return share
    return environments[0] if len(environments) == 1 else None
