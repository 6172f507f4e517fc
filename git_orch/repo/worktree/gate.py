"""The gate: it refuses changes that a snapshot must not bring into the repository. It looks at the
difference to the base, before anything is stored.

Limits: a forge takes files of up to 100 MiB (github.com); the others are what one step can
reasonably be reviewed for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from git_orch import errors
from git_orch.plans import bare, codefiles, paths, redact, sentences

LARGEST_FILE = 100 * 1024**2  # bytes
LARGEST_STEP = 1024**3  # bytes of all changed files
MOST_FILES = 20_000
SEARCHED = 8 * 1024**2  # bytes; a larger file is not searched for secrets

_SHOWN = 5  # findings in a message
GITLINK = "160000"
REPOSITORY = "REPOSITORY"
_SYMLINK = "120000"
FILE, EXECUTABLE = "100644", "100755"
_NO_OBJECT = "0"


class Change(NamedTuple):
    """A path that differs between two trees; `status` is git's letter: A, M, D or T."""

    status: str
    path: str
    mode: str
    oid: str
    old_mode: str
    old_oid: str


class Finding(NamedTuple):
    """Why a change is refused. `fingerprint` is that of a text which looks like a secret, and is for
    the person alone: the message becomes a part of the log, which is pushed. `line` is its line; 0
    for a name.
    """

    code: str
    path: str
    message: str
    fingerprint: str = ""
    line: int = 0


def allowing(fingerprint: str) -> str:
    """The command that allows a text that looks like a secret: the end of a sentence."""
    command = f"git config --global --add orch.allowSecret {fingerprint}"
    return f"is no secret (fingerprint {fingerprint}): {command}"


class GateRefused(errors.StepFailed):
    """A snapshot holds what must not enter the repository; nothing of it has been stored. `listing`
    is the first findings as people read them, `allowing` how they allow those that are no secrets.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        shown = [
            f"{sentences.quoted(finding.path)} {finding.message}" for finding in findings[:_SHOWN]
        ]
        more = [f"and {len(findings) - _SHOWN} more"] if len(findings) > _SHOWN else []
        self.listing = "; ".join([*shown, *more])
        self.findings = tuple(findings)
        self.allowing = _ways_out(findings)
        super().__init__(f"the result is refused: {self.listing}", "git orch show --attempts")


def _ways_out(findings: Sequence[Finding]) -> str:
    """How the user allows what looks like a secret, each text once; empty where there is none."""
    firsts: dict[str, Finding] = {}
    for finding in findings:
        if finding.fingerprint:
            firsts.setdefault(finding.fingerprint, finding)
    return "; ".join(
        f"if {f'line {finding.line} of ' if finding.line else ''}{sentences.quoted(finding.path)} "
        f"{allowing(fingerprint)}"
        for fingerprint, finding in firsts.items()
    )


class Directory(NamedTuple):
    """The names in a directory, in the base and in the new tree; each with whether it is a directory
    itself.
    """

    before: Mapping[str, bool]
    after: Mapping[str, bool]


def _none_known(_texts: Sequence[str]) -> frozenset[str]:
    return frozenset()


class Contents(NamedTuple):
    """How to read what is not in the repository yet: blobs, of which a missing one has no size and no
    bytes, and directories by their paths. `known` gives those of some texts that the base has in
    any file, `allowed` are fingerprints of texts that look like secrets and are none.
    """

    sizes: Callable[[Sequence[str]], Mapping[str, int]]
    read: Callable[[Sequence[str]], Mapping[str, bytes]]
    directories: Callable[[Sequence[str]], Mapping[str, Directory]]
    known: Callable[[Sequence[str]], frozenset[str]] = _none_known
    allowed: frozenset[str] = frozenset()


def inspect(
    changes: Sequence[Change],
    contents: Contents,
    secrets: Iterable[str],
    pointers: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """The changed files that run code where somebody uses the tree; `pointers` are the submodules
    that may move, each with the commit (None: any). Raises GateRefused.
    """
    if len(changes) > MOST_FILES:
        message = (
            f"and the others are {len(changes)} changed files: at most {MOST_FILES} fit in a step"
        )
        raise GateRefused([Finding("TOO_MANY_FILES", changes[0].path, message)])
    blobs = [change for change in changes if change.status != "D" and change.mode != GITLINK]
    sizes = contents.sizes(list(dict.fromkeys(change.oid for change in blobs)))
    hidden = tuple(secrets)
    findings = [*_names(changes, hidden, contents), *_repositories(changes, contents)]
    if pointers is not None:
        findings += _undeclared_moves(changes, pointers)
    findings += _too_large(blobs, sizes)
    if not findings:
        findings = list(_inside(blobs, sizes, contents, hidden))
    if findings:
        raise GateRefused(findings)
    return code_files(changes, contents.read)


def _names(
    changes: Sequence[Change], secrets: tuple[str, ...], contents: Contents
) -> Iterator[Finding]:
    for change in changes:
        if change.status == "D":
            continue
        if any(paths.is_control_directory(name) for name in change.path.split("/")):
            yield Finding(
                paths.PATH_GIT_CONTROL,
                change.path,
                "is a name that some file systems take for git's own",
            )
        if change.mode == GITLINK and change.old_mode != GITLINK:
            yield Finding("GITLINK", change.path, "is a repository inside the tree")
        if change.status == "A":
            for text in sorted(redact.secrets_in(change.path, secrets)):
                fingerprint = redact.fingerprint(text)
                if fingerprint not in contents.allowed:
                    message = "is a name that looks like a key or a secret"
                    yield Finding("SECRET", change.path, message, fingerprint)


def _undeclared_moves(changes: Sequence[Change], pointers: Mapping[str, str]) -> Iterator[Finding]:
    for change in changes:
        moves = change.mode == GITLINK and change.old_mode == GITLINK
        if moves and pointers.get(change.path) != change.oid:
            message = "is a submodule, and only 'submodule' in a files step moves one"
            yield Finding("SUBMODULE_MOVED", change.path, message)


def _repositories(changes: Sequence[Change], contents: Contents) -> Iterator[Finding]:
    """Directories that became repositories without a `.git`, whichever steps brought their parts;
    and what runs programs in those that the base has.
    """
    present = [change.path for change in changes if change.status != "D"]
    touched = bare.places(present)
    listings = contents.directories(list(touched)) if touched else {}
    for directory, path in touched.items():
        listing = listings.get(directory, Directory({}, {}))
        if not bare.is_repository(listing.after):
            continue
        if not bare.is_repository(listing.before):
            message = "is a repository inside the tree: it has HEAD, objects and refs"
            yield Finding(REPOSITORY, directory or path, message)
            continue
        prefix = f"{directory}/" if directory else ""
        for inner in present:
            name = inner.removeprefix(prefix).partition("/")[0]
            if inner.startswith(prefix) and bare.part(name) in bare.RUNNING:
                yield Finding(REPOSITORY, inner, "runs programs in a repository inside the tree")


def _too_large(blobs: Sequence[Change], sizes: Mapping[str, int]) -> Iterator[Finding]:
    for change in blobs:
        size = sizes.get(change.oid, 0)
        if size > LARGEST_FILE:
            yield Finding(
                "FILE_TOO_LARGE",
                change.path,
                f"has {size} bytes: at most {LARGEST_FILE} fit in a commit",
            )
    total = sum(sizes.values())
    if total > LARGEST_STEP:
        largest = max(blobs, key=lambda change: sizes.get(change.oid, 0))
        message = f"and the others have {total} bytes: at most {LARGEST_STEP} fit in a step"
        yield Finding("STEP_TOO_LARGE", largest.path, message)


def _inside(
    blobs: Sequence[Change], sizes: Mapping[str, int], contents: Contents, secrets: tuple[str, ...]
) -> Iterator[Finding]:
    for some in _portions(
        [change for change in blobs if sizes.get(change.oid, 0) <= SEARCHED], sizes
    ):
        stored = contents.read(
            [
                oid
                for change in some
                for oid in (change.oid, change.old_oid)
                if oid.strip(_NO_OBJECT)
            ]
        )
        for change in some:
            new, old = stored.get(change.oid, b""), stored.get(change.old_oid, b"")
            if change.mode == _SYMLINK and leaves_tree(change.path, new):
                target = new.decode("utf-8", "surrogateescape")
                yield Finding(
                    "SYMLINK_OUTSIDE",
                    change.path,
                    f"is a symbolic link out of the tree: to {sentences.quoted(target)}",
                )
            else:
                yield from _secrets(change.path, new, old, secrets, contents)


def _portions(blobs: Sequence[Change], sizes: Mapping[str, int]) -> Iterator[list[Change]]:
    """The blobs in groups that fit into memory together with what they replace."""
    group: list[Change] = []
    size = 0
    for change in blobs:
        if group and size + sizes.get(change.oid, 0) > SEARCHED:
            yield group
            group, size = [], 0
        group.append(change)
        size += sizes.get(change.oid, 0)
    if group:
        yield group


def leaves_tree(path: str, target: bytes) -> bool:
    """Whether a symbolic link at `path` may lead out of the tree.

    Only `..` at the beginning of a target is sure to mean the link's own directories: after a name
    it is the parent of whatever that name links to. Each link on the way is judged by itself.
    """
    names = [name for name in target.split(b"/") if name != b"."]
    # git cuts the target of a link at a NUL.
    if target.startswith(b"/") or not target or b"\0" in target:
        return True
    up = 0
    while up < len(names) and names[up] in (b"..", b""):
        up += 1
    climbed = sum(1 for name in names[:up] if name == b"..")
    if b".." in names[up:]:
        return True
    inner = [name.decode("utf-8", "replace") for name in names[up:]]
    return climbed > path.count("/") or any(
        paths.is_control_directory(name) for name in inner if name
    )


def _secrets(
    path: str, new: bytes, old: bytes, secrets: tuple[str, ...], contents: Contents
) -> Iterator[Finding]:
    """The secrets in a file that are neither in its old version, nor in any file of the base, nor
    allowed.
    """
    text = new.decode("utf-8", "replace")
    brought = redact.secrets_in(text, secrets)
    if brought:
        brought -= redact.secrets_in(old.decode("utf-8", "replace"), secrets)
    if brought:
        brought -= contents.known(sorted(brought))
    for secret in sorted(brought, key=text.index):
        fingerprint = redact.fingerprint(secret)
        if fingerprint not in contents.allowed:
            line = text.count("\n", 0, text.index(secret)) + 1
            message = f"holds what looks like a key or a secret in line {line}"
            yield Finding("SECRET", path, message, fingerprint, line)


def code_files(
    changes: Sequence[Change],
    read: Callable[[Sequence[str]], Mapping[str, bytes]],
    *,
    existing: bool = False,
) -> tuple[str, ...]:
    """The changed files that run code where somebody uses the tree; with `existing` also those that
    were executable before.
    """
    packages = [
        change
        for change in changes
        if change.path.rpartition("/")[2].casefold() == codefiles.PACKAGE
    ]
    oids = [
        oid for change in packages for oid in (change.oid, change.old_oid) if oid.strip(_NO_OBJECT)
    ]
    manifests = read(oids) if packages else {}
    scripts = {oid: codefiles.package_scripts(data) for oid, data in manifests.items()}
    changed = {
        change.path for change in packages if scripts.get(change.oid) != scripts.get(change.old_oid)
    }
    executable = {
        change.path
        for change in changes
        if change.mode == EXECUTABLE and (existing or change.old_mode != EXECUTABLE)
    }
    return tuple(
        change.path
        for change in changes
        if codefiles.runs_code(change.path) or change.path in changed or change.path in executable
    )
