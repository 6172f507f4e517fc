"""Partial clones: what one lacks is fetched before git needs it, and never by git as it goes.

A fetch that git starts by itself takes its programs from the repository's configuration and has no
time limit. Ours runs in a git directory of its own, which has the address of the remote and nothing
else of the repository's: programs, keys and proxies are those of the user's own scopes.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from git_orch import errors, notices
from git_orch.plans import sentences
from git_orch.repo import ask, git_settings, own_files, scopes, sharing, sync, temporary
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.git_settings import Care

_WORDS = frozenset({b"promisor", b"partialclone", b"partialclonefilter"}) | git_settings.INCLUDING
_PROTOCOLS = "file:git:http:https:ssh"
_ROUNDS = 8  # a server sends all trees below one at once
_MOST_FOR_PATCHES = 2000  # objects to be fetched for a question beside the main one
_SPARSE = "info/sparse-checkout"


class NotFetched(GitFailed):
    """The remote did not give what a partial clone lacks."""

    def __init__(self, failed: GitFailed, count: int, hint: str) -> None:
        super().__init__("fetch", failed.status, failed.stderr)
        cause = f"the partial clone lacks {sentences.count(count, 'object')}, and {failed.cause}"
        errors.OrchError.__init__(self, cause, hint)


def complete(git: Git, commit: str) -> None:
    """Fetch what a checkout of the commit needs and the repository lacks. Raises GitFailed."""
    remote = _promisor(git)
    for _ in range(_ROUNDS if remote is not None else 0):
        missing = _missing(git, [commit])
        needed = _checked_out(git, commit) if missing else None
        _fetch(git, remote, missing if needed is None else missing & needed)
        if not missing or needed is not None:
            return


def complete_merge(git: Git, base: str, *sides: str) -> None:
    """Fetch what a merge of commits or trees with this base needs, or a move from the base to one.
    Raises GitFailed.
    """
    remote = _promisor(git)
    for _ in range(_ROUNDS if remote is not None else 0):
        missing = _missing(git, [base, *sides])
        needed = _differing(git, base, sides) if missing else None
        _fetch(git, remote, missing if needed is None else missing & needed)
        if not missing or needed is not None:
            return


def missing_of(git: Git, patches: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The missing ones of the files that the patches of these commits are between."""
    oids = frozenset(oid for patch in patches.values() for oid in patch)
    parents = git.run("rev-list", "--no-walk", "--parents", "--stdin", stdin=_stdin(patches))
    return _missing(git, parents.decode("ascii").split()) & oids


def fetch(git: Git, oids: frozenset[str]) -> None:
    """Fetch objects for a question beside the main one. Raises GitFailed, also for more of them than
    a person waits for.
    """
    if len(oids) > _MOST_FOR_PATCHES:
        raise GitFailed("fetch", 0, f"fatal: {len(oids)} objects are missing")
    _fetch(git, _promisor(git), oids)


def complete_trees(git: Git, *span: str) -> None:
    """Fetch the directories of the commits in a span that the repository lacks. Raises GitFailed."""
    remote = _promisor(git)
    look = ("rev-list", "--objects", "--filter=blob:none", "--no-object-names", "--missing=print")
    for _ in range(_ROUNDS if remote is not None else 0):
        missing = _printed_missing(git.run(*look, *span, "--"))
        _fetch(git, remote, missing)
        if not missing:
            return


def is_partial(git: Git) -> bool:
    """Whether the repository may lack objects that a remote has."""
    return _promisor(git) is not None


def _promisor(git: Git) -> str | None:
    """The remote that has what is missing here; None where the repository is no partial clone."""
    if not git.mentions(_WORDS):
        return None
    for setting in git.settings():
        if setting.name == "extensions.partialclone":
            return setting.value
        match = re.fullmatch(r"(?s:remote\.(.+)\.(?:promisor|partialclonefilter))", setting.name)
        if match is not None and (setting.value or "true").lower() not in ("false", "no", "0"):
            return match[1]
    return None


# -- what is missing -------------------------------------------------------------------------------


def _missing(git: Git, roots: Sequence[str]) -> frozenset[str]:
    """The trees and blobs below commits or trees that are not there, as far as trees lead."""
    options = ("--objects", "--no-walk", "--no-object-names", "--missing=print", "--stdin")
    return _printed_missing(git.run("rev-list", *options, stdin=_stdin(roots)))


def _stdin(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode("ascii")


def _printed_missing(listed: bytes) -> frozenset[str]:
    lines = listed.decode("ascii", "replace").splitlines()
    return frozenset(line[1:] for line in lines if line.startswith("?"))


def _checked_out(git: Git, commit: str) -> frozenset[str] | None:
    """The files of a commit that a checkout writes; None where trees are missing."""
    with tempfile.TemporaryDirectory(prefix="git-orch-") as directory:
        variables = {"GIT_INDEX_FILE": os.path.join(directory, "index")}
        if git.finished("read-tree", commit, expect=(0, 128), variables=variables).status != 0:
            return None
        patterns = os.path.join(git.directory, _SPARSE)
        asked = ("config", "--type=bool", "--get", "core.sparseCheckout")
        is_sparse = git.run(*asked, expect=(0, 1)).strip() == b"true" and os.path.isfile(patterns)
        chosen = ("--cached", "--ignored", f"--exclude-from={patterns}") if is_sparse else ()
        entries = ask.names(git.run("ls-files", "-s", "-z", *chosen, variables=variables))
    return frozenset(entry.split(" ", 2)[1] for entry in entries)


def _differing(git: Git, base: str, sides: Sequence[str]) -> frozenset[str] | None:
    """The files that differ between the base and the sides; None where trees are missing."""
    oids: set[str] = set()
    for side in sides:
        look = ("diff-tree", "-r", "-z", "--raw", "--abbrev=64", "--no-renames", base, side)
        done = git.finished(*look, expect=(0, 128))
        if done.status != 0:
            return None
        for field in ask.names(done.stdout)[::2]:
            oids.update(field.split(" ")[2:4])
    return frozenset(oids)


# -- fetching it -----------------------------------------------------------------------------------


class _Line(NamedTuple):
    """A line of a configuration file, in the section of the remote."""

    key: str
    value: str


def _fetch(git: Git, remote: str | None, oids: frozenset[str]) -> None:
    if remote is None or not oids:
        return
    _refuse_settings_of_the_repository(git)
    place = git.place()
    state = sharing.state_path(place.common_dir, sharing.of_git(git))
    own_files.make_directories(state)
    own_files.require(state)
    with temporary.directory(Path(state)) as directory:
        _make_git_directory(git, str(directory), remote)
        variables = {
            **git.variables,
            "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
            "GIT_OBJECT_DIRECTORY": os.path.join(place.common_dir, "objects"),
        }
        own = Git(str(directory), None, variables)
        # As git itself asks for what it lacks.
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no")
        asked = ("fetch", *options, "--filter=blob:none", "--stdin", "--", remote)
        wanted = _stdin(sorted(oids))
        alone = ("-c", "fetch.negotiationAlgorithm=noop", "-c", "fetch.bundleURI=")
        notices.tell(
            f"fetching {sentences.count(len(oids), 'object')} that the partial clone lacks"
        )
        try:
            own.run(*sync.options(), *alone, *asked, stdin=wanted)
        except GitFailed as failed:
            raise NotFetched(failed, len(oids), _hint(git, remote)) from failed


def _make_git_directory(git: Git, directory: str, remote: str) -> None:
    """Files that make a directory one where git can fetch from the remote."""
    settings = git.settings()
    formats = [each.value for each in settings if each.name == "extensions.objectformat"]
    lines = ["[core]", "\trepositoryFormatVersion = 1", "\tbare = true"]
    shared = [each.value for each in settings if each.name == sharing.NAME]
    lines += [f"\tsharedRepository = {_quoted(name or 'true')}" for name in shared[-1:]]
    lines.append("[extensions]")
    lines += [f"\tobjectFormat = {_quoted(name or '')}" for name in formats[-1:]]
    lines += [f"\tpartialClone = {_quoted(remote)}", f"[remote {_quoted(remote)}]"]
    lines += [f"\t{line.key} = {_quoted(line.value)}" for line in _remote(git, remote)]
    os.mkdir(os.path.join(directory, "refs"))
    texts = {"config": "\n".join(lines) + "\n", "HEAD": "ref: refs/heads/none\n"}
    for name, text in texts.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))


def _remote(git: Git, remote: str) -> Iterator[_Line]:
    """What the repository says of the remote that is an address, and no more."""
    place = git.place()
    top = place.top or os.path.dirname(place.common_dir)
    yield _Line("promisor", "true")
    for setting in git.settings():
        if setting.name == f"remote.{remote}.url" and setting.scope in ("local", "worktree"):
            url = setting.value or ""
            local = os.path.join(top, url)
            yield _Line("url", local if os.path.exists(local) else url)
        elif setting.name == f"remote.{remote}.partialclonefilter":
            yield _Line("partialCloneFilter", setting.value or "")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _foreign(git: Git) -> Mapping[str, scopes.Scoped]:
    """The settings of a fetch that are not the user's own, by name."""
    inside = git.place().inside()
    return {
        setting.name: setting
        for setting in git.settings()
        if git_settings.matches(setting.name, Care.FETCHED)
        and not scopes.is_own(setting, inside, git.variables)
    }


def _refuse_settings_of_the_repository(git: Git) -> None:
    """Raises Refused where the user's configuration includes a file of the repository that has a say
    in fetching: git would read it in any git directory.
    """
    for setting in _foreign(git).values():
        if setting.scope not in ("local", "worktree"):
            raise errors.Refused(
                f"'{setting.name}' comes from a file of the repository: nothing is fetched with it",
                f"git config --show-origin --get-all {setting.name}",
            )


def _hint(git: Git, remote: str) -> str:
    name = next(iter(_foreign(git)), None)
    if name is None:
        return f"git fetch {remote}"
    return (
        f"git config --local --get-all {name}  # counts only if you give it to git config --global"
    )
