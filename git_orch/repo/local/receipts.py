"""Receipts: that a check passed on a tree, on this machine, so that the same tree is not verified
twice.

They are local files that no one but us writes; commands in the sandbox cannot, and none is ever
taken from a log. Each is sealed with a secret that lies outside of the repository, beside the
approvals, so that a repository that was unpacked brings none along.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import document as documents
from git_orch.plans.document import BadDocument, Document
from git_orch.plans.history.status import CheckResult
from git_orch.plans.plan import Check
from git_orch.repo import localfiles, own_files, places

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

MOST = 10_000  # files; beyond it the oldest tenth goes
LOOK_AT = "00"  # the directory is counted when a receipt's name begins so: every 256th time


Seal = Callable[[Mapping[str, object]], str]


class Receipt(NamedTuple):
    """A passed check; `products`: ignored files, such as build products, were there afterwards."""

    result: CheckResult
    products: bool


class Book(NamedTuple):
    """The receipts for one tree. `environment` is the digest of all else that results depend on."""

    repository: Repository
    environment: str
    tree: str

    def find(self, check: Check, before: Sequence[Check] = ()) -> Receipt | None:
        """The receipt of a check that ran in a clean worktree after the checks `before`, which had
        left products.
        """
        path = self._path(check, before)
        try:
            content = own_files.read_bytes(path)
        except (OSError, own_files.NotOurs):
            return None
        return _parse(check, content, seal(self.repository, path.name))

    def put(self, check: Check, before: Sequence[Check], receipt: Receipt, when: str) -> None:
        """Write a receipt down. `when` is the time (UTC) when the check passed."""
        result = receipt.result
        document: Document = {
            "since": when,
            "command": result.command,
            "exit": result.exit,
            "seconds": round(result.seconds, 3),
            "output": result.output,
            "note": result.note,
            "products": receipt.products,
            "tree": self.tree,
            "check": _digest(check),
        }
        path = self._path(check, before)
        document["seal"] = seal(self.repository, path.name)(document)
        localfiles.write(path, json.dumps(document).encode("ascii"), synced=False)
        if path.name.startswith(LOOK_AT):
            prune(path.parent)

    def forget(self, check: Check, before: Sequence[Check]) -> None:
        """Remove the receipts of a check that has failed after `before`: the one for that place,
        and the one for the check alone.
        """
        for earlier in (before, ()):
            localfiles.remove(self._path(check, earlier))

    def _path(self, check: Check, before: Sequence[Check]) -> Path:
        content = {
            "tree": self.tree,
            "environment": self.environment,
            "before": [_canonical(earlier) for earlier in before],
            "check": _canonical(check),
        }
        name = hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()
        return self.repository.state_dir / "receipts" / name


def seal(repository: Repository, name: str) -> Seal:
    """The seal of a record of this machine with that name."""
    secret = _secret(repository)

    def sealed(document: Mapping[str, object]) -> str:
        fields = {key: value for key, value in document.items() if key != "seal"}
        text = json.dumps([name, fields], sort_keys=True)
        return hmac.new(secret, text.encode("ascii"), hashlib.sha256).hexdigest()

    return sealed


def _canonical(check: Check) -> Document:
    """The part of a check that decides whether it passes; after it passed, its time limit does
    not.
    """
    command: Document = {"shell": check.command.shell, "plain": check.command.plain}
    if check.command.argv is not None:
        command = {"argv": list(check.command.argv)}
    made: Document = {"produces": list(check.produces)} if check.produces else {}
    return {**command, **made, "expected_exit": check.expected_exit}


def _digest(check: Check) -> str:
    content = json.dumps(_canonical(check), sort_keys=True)
    return hashlib.sha256(content.encode("ascii")).hexdigest()


def trees_of(repository: Repository, checks: Sequence[Check]) -> dict[Check, list[str]]:
    """The trees on which these checks passed on this machine, whoever asked for it: those of the
    last receipts first. All receipts are looked at.
    """
    asked = {_digest(check): check for check in checks}
    passed = dict[Check, list[tuple[str, str]]]()
    directory = repository.state_dir / "receipts"
    try:
        names = os.listdir(directory)
    except OSError:
        return {}
    for name in names:
        try:
            content = own_files.read_bytes(directory / name)
            fields = documents.parse(content, "receipt")
            check = asked.get(documents.optional_text(fields, "check") or "")
            if check is None or _parse(check, content, seal(repository, name)) is None:
                continue
            when, tree = documents.text(fields, "since"), documents.text(fields, "tree")
        except (OSError, own_files.NotOurs, BadDocument):
            continue
        passed.setdefault(check, []).append((when, tree))
    return {
        check: list(dict.fromkeys(tree for _, tree in sorted(listed, reverse=True)))
        for check, listed in passed.items()
    }


def _secret(repository: Repository) -> bytes:
    """The secret of this copy of the repository on this machine, made when first asked for. Raises
    NotOurs, UnfitRepository.
    """
    path = places.place_of(repository, "approvals") / "seal"
    try:
        return own_files.read_bytes(path)
    except FileNotFoundError:
        localfiles.create(path, os.urandom(32))
        return own_files.read_bytes(path)


def _parse(check: Check, content: bytes, sealed: Seal) -> Receipt | None:
    """The receipt in a file; None for one that a power cut has left without its content, or that
    has another seal.
    """
    try:
        fields = documents.parse(content, "receipt")
        if not hmac.compare_digest(documents.text(fields, "seal"), sealed(fields)):
            return None
        result = CheckResult(
            type=check.type,
            command=documents.text(fields, "command"),
            exit=documents.optional_integer(fields, "exit") or 0,
            passed=True,
            seconds=documents.optional_number(fields, "seconds") or 0.0,
            output=documents.optional_text(fields, "output") or "",
            reason="ok",
            since=documents.text(fields, "since"),
            note=documents.optional_text(fields, "note") or "",
        )
    except BadDocument:
        return None
    return Receipt(result, products=fields.get("products") is not False)


def prune(directory: Path, most: int = MOST) -> None:
    """Remove the oldest receipts when there are more than `most`, and a tenth of them more."""
    with os.scandir(directory) as entries:
        paths = [entry.path for entry in entries]
    if len(paths) <= most:
        return
    dated = sorted((_change_time(path), path) for path in paths)
    for _, path in dated[: len(paths) - most + most // 10]:
        localfiles.remove(Path(path))


def _change_time(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0  # another process prunes as well
