"""Making a worktree ready: the user's own setup command, and ignored files of theirs that they want
in it.

Both come from the user's own configuration only. What they leave in the worktree is not part of any
step.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import stat
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.attempt import checks
from git_orch.flow.reports import Phase, Printed, Reporter
from git_orch.plans import ids, missing, redact, sentences
from git_orch.plans.approval import Setup
from git_orch.plans.missing import Missing
from git_orch.plans.plan import Command
from git_orch.repo import ask, settings, temporary
from git_orch.repo.local import phases
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import gate, snapshot
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox import secrecy
from git_orch.sandbox.files import PathRefused, Tree
from git_orch.sandbox.process.outcome import Outcome

_HINT = "git orch setup --command COMMAND"  # without one it would try the same again
# With the offline switches tools say that they lack a package, and do not ask for the network.
OF_NETWORK = (Missing.NETWORK, Missing.PACKAGE)
LIST = ".worktreeinclude"
_LARGEST = 64 * 1024**2  # bytes of one file
_MOST = 20_000  # files
_SHOWN = 2_000  # characters of what a failed setup printed
# Names that hold secrets in most projects; what is in a file is looked at as well.
_SECRET_NAME = re.compile(
    r"\.env(?:rc)?(?:[._-].*)?|.*\.env|\.?netrc|\.npmrc|\.pypirc|\.pgpass|\.htpasswd|\.my\.cnf|\.s3cfg|\.boto|\.dockercfg|"
    r"id_(?:rsa|dsa|ecdsa|ed25519).*|.*\.(?:pem|key|p12|pfx|ppk|jks|keystore|kdbx|asc|gpg|tfvars|tfstate)(?:\.[^.]*)?|"
    r".*(?:secret|credential|passw|token).*|.*service.?account.*\.json|kubeconfig|wp-config\.php",
    re.IGNORECASE | re.DOTALL,
)
_SECRET_DIRECTORY = re.compile(
    r"\.(?:ssh|aws|gnupg|azure|kube|docker|gcloud)|\.?(?:secrets?|credentials?|passwords?)",
    re.IGNORECASE,
)


class SetupFailed(errors.StepFailed):
    """The setup command did not end well; no step was tried. `lacked` is what it did not have."""

    def __init__(self, cause: str, hint: str, lacked: Missing | None = None) -> None:
        super().__init__(cause, hint)
        self.lacked = lacked


class Ran(NamedTuple):
    """The end of the setup command, and the ignored files and directories that it left."""

    outcome: Outcome
    ignored: tuple[str, ...]


class Furnishing(NamedTuple):
    """Settings for the worktrees of a plan: the time for the setup command in seconds, and paths of
    the user's files. `origin` is the commit that a plan of the user's own starts from.
    """

    place: PlanPlace
    timeout: float
    paths: tuple[str, ...] = ()
    origin: str | None = None


def furnishing(place: PlanPlace, commit: str | None) -> Furnishing:
    """The furnishing by the user's own settings. The list of files comes from `commit`, not from a
    work tree.
    """
    repository = place.repository
    chosen = settings.of_user(repository)
    copies = chosen.worktreeInclude and repository.top is not None and commit is not None
    return Furnishing(
        place, chosen.setupTimeout, _files_to_copy(repository, commit or "") if copies else ()
    )


def run(
    of: Furnishing,
    worktree: Worktree,
    setup: Setup,
    output: Path,
    stop: threading.Event,
    reporter: Reporter,
) -> Ran:
    """Run the setup command in a worktree; ignored files that it makes stay. It sees caches of the
    user's tools, and no dependencies of theirs.

    Raises SetupFailed, also where it changes something that git does not ignore.
    """
    tree = worktree.git.line("write-tree")
    launcher = worktree.enclosure.launcher
    caches = tuple(share for share in launcher.shares if share.cache)
    shown = redact.redacted(setup.command, secrecy.secrets())
    reporter.emit(Phase(None, "setup", shown))
    hear = functools.partial(_hear, reporter)
    try:
        with phases.of_run(of.place, "setup"):
            outcome = replace(launcher, shares=caches, hear=hear).run(
                Command(shell=setup.command),
                worktree=worktree.path,
                timeout=of.timeout,
                output_path=output,
                stop=stop,
                network=setup.network,
            )
    finally:
        reporter.emit(Phase(None, phases.BETWEEN))
    if outcome.reason != "exited" or outcome.status != 0:
        output_shown = redact.redacted(outcome.excerpt(_SHOWN).strip(), secrecy.secrets())
        failure = f"orch.setup ('{setup.command}') {checks.ended(outcome, of.timeout)}"
        lacked = missing.of(outcome.status, output_shown, network=setup.network)
        hint = _HINT if lacked is None else f"{_HINT}  # {lacked.value}"
        if lacked in OF_NETWORK and not setup.network:
            hint = f"git orch approve {ids.short(of.place.id)} --setup-network"
        place = "\n" if "\n" in output_shown else ": "
        raise SetupFailed(
            failure + (f"{place}{output_shown}" if output_shown else ""), hint, lacked
        )
    look = snapshot.look(worktree, tree)
    if look.disturbed:
        raise _not_ignored(setup, look.disturbed, ask.tracked(worktree.git))
    return Ran(outcome, look.ignored)


def _hear(reporter: Reporter, data: bytes) -> None:
    reporter.emit(Printed(None, data))


def _not_ignored(setup: Setup, changed: Sequence[str], tracked: Sequence[str]) -> SetupFailed:
    """The failure of a setup that changed files which git does not ignore."""
    cause = (
        f"orch.setup ('{setup.command}') changed files that git does not ignore: "
        f"{sentences.quoted_names(changed)}"
    )
    before = set(tracked).union(*(_above(path) for path in tracked))
    new = [path for path in changed if path not in before]
    if not new:
        return SetupFailed(cause, f"{_HINT}  # one that keeps to the lock files")
    outermost = dict.fromkeys(_outermost(path, before) for path in new)
    return SetupFailed(
        cause, f"git commit .gitignore  # once it names {sentences.quoted_names(list(outermost))}"
    )


def _above(path: str) -> Iterator[str]:
    """The directories above a path."""
    for place, letter in enumerate(path):
        if letter == "/":
            yield path[:place]


def _outermost(path: str, before: Collection[str]) -> str:
    """What is new of a path: a directory that was not there, with a slash, or the file."""
    return next((f"{above}/" for above in _above(path) if above not in before), path)


def copy(of: Furnishing, worktree: Worktree) -> None:
    """Copy the user's files into a worktree; what is there already stays."""
    top = of.place.repository.top
    if top is None:
        return
    tree = Tree(worktree.path)
    for path in of.paths:
        try:
            if tree.kind(path) == "absent":
                _copy_one(top, tree, worktree.path, path)
        except PathRefused:
            continue  # the commit has a file where the path needs a directory


def _copy_one(top: Path, tree: Tree, worktree: Path, path: str) -> None:
    if (top / path).is_symlink():
        target = os.readlink(top / path)
        if gate.leaves_tree(path, os.fsencode(target)):
            raise _not_copied(path, "is a link out of the tree")
        tree.write(path, b"")  # makes the directories
        os.unlink(worktree / path)
        os.symlink(target, worktree / path)
        return
    data, executable = _private_copy(top, path)
    tree.write(path, data, executable=executable)


def _not_copied(path: str, reason: str) -> errors.Refused:
    return errors.Refused(
        f"{sentences.quoted(path)} of {LIST} {reason}: it is not copied",
        f"echo {shlex.quote(f'!/{path}')} >> {LIST}  # and commit that; or take it out there",
    )


def _files_to_copy(repository: Repository, commit: str) -> tuple[str, ...]:
    """Untracked files that both the commit's list and git's ignore rules name. Raises Refused where
    one looks like a secret, or where there are too many.
    """
    listed = ask.file(repository.git, commit, LIST)
    if listed is None:
        return ()
    ignored = _others(repository, "--exclude-standard")
    with temporary.directory(repository.state_dir) as directory:
        patterns = directory / "patterns"
        patterns.write_bytes(listed)
        candidates = _others(repository, f"--exclude-from={patterns}")
    chosen = [path for path in candidates if path in ignored]
    secret = next(filter(looks_secret, chosen), None)
    if secret is not None:
        raise _not_copied(secret, "looks like a secret")
    if len(chosen) > _MOST:
        raise errors.Refused(
            f"{LIST} names {len(chosen)} files: at most {_MOST} are copied",
            "git config --global --add orch.share DIRECTORY  # shows a directory without copies",
        )
    return tuple(chosen)


def _others(repository: Repository, rules: str) -> dict[str, None]:
    listed = repository.quiet_git.run("ls-files", "-z", "--others", "--ignored", rules)
    return dict.fromkeys(ask.names(listed))


def looks_secret(path: str) -> bool:
    """Whether a file of that name usually holds a secret."""
    *directories, name = path.split("/")
    return _SECRET_NAME.fullmatch(name) is not None or any(
        map(_SECRET_DIRECTORY.fullmatch, directories)
    )


def _private_copy(top: Path, path: str) -> tuple[bytes, bool]:
    """The bytes of a plain file, and whether it is a program. Raises Refused for any other, and
    where it is too large or holds a secret.
    """
    try:
        descriptor = os.open(top / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as failed:
        raise _not_copied(path, f"cannot be read ({failed.strerror})") from failed
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
            raise _not_copied(path, f"is no plain file of at most {_LARGEST} bytes")
        data = file.read(_LARGEST)
    if redact.holds_secret(data.decode("utf-8", "replace"), secrecy.secrets()):
        raise _not_copied(path, "holds what looks like a secret")
    return data, bool(facts.st_mode & stat.S_IXUSR)
