"""Commits signed as the user's own `git commit` would sign them, by git itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.repo import sync
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw
from git_orch.sandbox.process import programs as host_programs

if TYPE_CHECKING:
    from git_orch.repo.objects.objects import Objects
    from git_orch.repo.objects.raw import CommitObject, Original
    from git_orch.repo.repository import Repository

_TIMEOUT = 60.0  # seconds for a person to type a passphrase or touch a key


def wanted(repository: Repository) -> bool:
    """Whether the user has commits signed (commit.gpgSign)."""
    asked = repository.user_git.run(
        "config", "--type=bool", "--get", "commit.gpgSign", expect=(0, 1)
    )
    return asked.strip() == b"true"


class NotSigned(errors.UnfitRepository):
    """The user's key did not sign; `hint` is for whoever knows the command."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"a commit could not be signed (commit.gpgSign): {why}", "git config --get-regexp sign"
        )


def signed(repository: Repository, objects: Objects, commits: Sequence[str]) -> dict[str, str]:
    """The signed twin of each commit, parents before children; a child's parent is the twin of its
    own.

    Raises NotSigned when the key does not sign within a minute.
    """
    objects.flush()
    found: dict[str, str] = {}
    git = Git(repository.git_dir, repository.top, _variables(repository))
    for oid in commits:
        data = odb.read(objects, oid, "commit")
        fields = raw.commit_object(data)
        fields = fields._replace(
            parents=tuple(found.get(parent, parent) for parent in fields.parents)
        )
        found[oid] = _signed(git, fields, raw.original(data))
        objects.write("commit", odb.read(objects, found[oid], "commit"))
    return found


def _signed(git: Git, fields: CommitObject, original: Original) -> str:
    encoding = f"i18n.commitEncoding={original.encoding or 'UTF-8'}"
    options = [*sync.options(), "-c", encoding, "commit-tree", "-S"]
    parents = [word for parent in fields.parents for word in ("-p", parent)]
    author = original.author.decode("utf-8", "surrogateescape")
    people = {**_person("AUTHOR", author), **_person("COMMITTER", fields.committer)}
    try:
        done = git.finished(
            *options,
            *parents,
            "-F",
            "-",
            fields.tree,
            stdin=original.message,
            variables=people,
            timeout=_TIMEOUT,
        )
    except GitFailed as failed:
        said = [
            line
            for line in failed.stderr.splitlines()
            if line.strip() and "failed to write commit" not in line
        ]
        raise NotSigned(said[-1].removeprefix("error: ") if said else failed.cause) from failed
    except TimeoutError as hung:
        raise NotSigned(f"the key was not unlocked within {_TIMEOUT:g} s") from hung
    return done.stdout.decode("ascii").strip()


def _person(role: str, line: str) -> dict[str, str]:
    """The variables that make git write this `Name <email> seconds zone`."""
    person, seconds, zone = line.rsplit(" ", 2)
    name, _, email = person.partition(" <")
    return {
        f"GIT_{role}_NAME": name,
        f"GIT_{role}_EMAIL": email.rstrip(">"),
        f"GIT_{role}_DATE": f"@{seconds} {zone}",
    }


def _variables(repository: Repository) -> Mapping[str, str]:
    path = host_programs.host_path(repository.variables.get("PATH", ""))
    return {**repository.variables, "PATH": path}
