"""Signed approvals: signed with the user's own SSH or OpenPGP key, verified against keys that the
user trusts.

Keys, programs and trust come from the user's own configuration (system, global, command line). A
signed message begins with a line that no other signature has, and names the end of the approval.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import settings
from git_orch.repo.repository import Repository
from git_orch.repo.settings import Settings
from git_orch.sandbox.process import programs, tools
from git_orch.sandbox.walls import environment

NAMESPACE = "git-orch-approval"

Format = Literal["ssh", "openpgp"]

_SIGN_TIMEOUT = 60.0  # seconds for a person to type a passphrase or touch a key
_VERIFY_TIMEOUT = 10.0  # seconds
_LARGEST = 64 * 1024  # characters of a signature
# The whole of it: short key IDs can be forged.
_FINGERPRINT = re.compile("[0-9A-F]{40}(?:[0-9A-F]{24})?")
_NOT_GOOD = frozenset({"BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "NO_PUBKEY"})


class Signature(NamedTuple):
    """An armoured signature."""

    format: Format
    text: str


class NotTrusted(errors.Refused):
    """A signature is bad, or the user does not trust its key."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause, "git orch config --list")


def message(content: bytes, expires: int) -> bytes:
    """The message to sign: the canonical bytes of the approved content, and the end of the approval
    (seconds since 1970).
    """
    return f"{NAMESPACE} 1 expires {expires}\n".encode("ascii") + content


def sign(repository: Repository, content: bytes, committer: str) -> Signature:
    """Sign a message as `git commit -S` would. Raises UsageError without a key, StepFailed when
    signing fails.
    """
    own = settings.of_own_scopes(repository, "gpg.", "user.signingkey")

    def last(name: str) -> str | None:
        return own.get(name, [None])[-1] or None

    key = last("user.signingkey")
    match (last("gpg.format") or "openpgp").lower():
        case "ssh":
            return _sign_ssh(content, key, last("gpg.ssh.program"))
        case "openpgp":
            program = last("gpg.openpgp.program") or last("gpg.program") or "gpg"
            return _sign_openpgp(content, key or committer, program)
        case other:
            raise errors.UsageError(f"'gpg.format' is '{other}': approvals are signed with ssh or openpgp",
                                    "git -c gpg.format=ssh orch approve --sign")  # fmt: skip


def _sign_ssh(content: bytes, key: str | None, program: str | None) -> Signature:
    if key is None:
        raise errors.UsageError(
            "there is no key to sign with",
            "git config --global user.signingKey ~/.ssh/id_ed25519.pub",
        )
    with tempfile.TemporaryDirectory(prefix="git-orch-") as place:
        argv = ["-Y", "sign", "-n", NAMESPACE, "-f", _key_file(key, place)]
        done = _run(program or "ssh-keygen", argv, content, _SIGN_TIMEOUT)
    return _signature("ssh", done)


def _key_file(key: str, place: str) -> str:
    """The file of a key; git-config(1) lets the key itself stand there too, which then an SSH agent
    holds.
    """
    literal = key.removeprefix("key::")
    if literal != key or key.startswith("ssh-"):
        path = os.path.join(place, "key.pub")
        Path(path).write_text(f"{literal}\n", encoding="utf-8")
        return path
    path = os.path.expanduser(key)
    if not os.path.isabs(path):
        raise errors.UsageError(
            f"'user.signingKey' is '{key}': it must be an absolute path or a key",
            "git -c user.signingKey=/PATH/TO/KEY.pub orch approve --sign",
        )
    return path


def _sign_openpgp(content: bytes, key: str, program: str) -> Signature:
    argv = ["--status-fd=2", "--detach-sign", "--armor", "--local-user", key]
    return _signature("openpgp", _run(program, argv, content, _SIGN_TIMEOUT))


def _signature(kind: Format, done: tools.Finished) -> Signature:
    text = done.stdout.decode("ascii", "replace")
    if done.status != 0 or "-----BEGIN " not in text:
        lines = [
            line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()
        ]
        plain = [line for line in lines if not line.startswith("[GNUPG:]")]
        why = plain[-1] if plain else f"exit status {done.status}"
        raise errors.StepFailed(
            f"the approval could not be signed: {why}", "git config --global user.signingKey"
        )
    return Signature(kind, text)


# -- checking --------------------------------------------------------------------------------------


def signer(repository: Repository, chosen: Settings, signature: Signature, content: bytes) -> str:
    """The trusted signer of the message. Raises NotTrusted."""
    if len(signature.text) > _LARGEST or not signature.text.isascii():
        raise NotTrusted("its signature is none")
    with tempfile.TemporaryDirectory(prefix="git-orch-") as place:
        file = os.path.join(place, "signature")
        Path(file).write_text(signature.text, encoding="ascii")
        if signature.format == "ssh":
            return _ssh_signer(repository, _allowed_signers(repository, chosen), file, content)
        return _openpgp_signer(repository, chosen, file, content)


def _allowed_signers(repository: Repository, chosen: Settings) -> str:
    path = chosen.allowedSigners
    if path is None:
        raise NotTrusted(
            "it is signed, and 'orch.allowedSigners' names no file of trusted SSH keys"
        )
    places = [repository.common_dir, *([repository.top] if repository.top is not None else [])]
    if any(environment.inside(path, place) for place in places):
        raise NotTrusted(
            f"it is signed, and {sentences.quoted(path)} does not count: it lies in the repository"
        )
    if not os.path.isfile(path):
        raise NotTrusted(f"it is signed, and the file {sentences.quoted(path)} is not there")
    return path


def _ssh_signer(repository: Repository, allowed: str, file: str, content: bytes) -> str:
    program = _own_value(repository, "gpg.ssh.program") or "ssh-keygen"
    search = _run(
        program,
        ["-Y", "find-principals", "-f", allowed, "-s", file],
        None,
        _VERIFY_TIMEOUT,
    )
    principals = search.stdout.decode("utf-8", "replace").splitlines()
    if search.status != 0 or not principals:
        raise NotTrusted(f"the key that signed it is not in '{allowed}'")
    argv = ["-Y", "verify", "-f", allowed, "-I", principals[0], "-n", NAMESPACE, "-s", file]
    if _run(program, argv, content, _VERIFY_TIMEOUT).status != 0:
        raise NotTrusted(f"'{principals[0]}' has not signed this")
    return principals[0]


def _openpgp_signer(repository: Repository, chosen: Settings, file: str, content: bytes) -> str:
    trusted = {key.upper() for key in chosen.allowedKeys}
    if not any(_FINGERPRINT.fullmatch(key) for key in trusted):
        raise NotTrusted(
            "it is signed, and 'orch.allowedKeys' has no whole fingerprint of a trusted OpenPGP key"
        )
    program = (
        _own_value(repository, "gpg.openpgp.program")
        or _own_value(repository, "gpg.program")
        or "gpg"
    )
    argv = ["--batch", "--no-auto-key-retrieve", "--status-fd=1", "--verify", file, "-"]
    done = _run(program, argv, content, _VERIFY_TIMEOUT)
    output = done.stdout.decode("utf-8", "replace").splitlines()
    lines = [line.split()[1:] for line in output if line.startswith("[GNUPG:] ")]
    words = {line[0] for line in lines if line}
    valid = [line for line in lines if line and line[0] == "VALIDSIG"]
    if done.status != 0 or "GOODSIG" not in words or words & _NOT_GOOD or len(valid) != 1:
        raise NotTrusted("its OpenPGP signature is not good")
    # Of the key and its primary.
    prints = {word for word in (valid[0][1], valid[0][-1]) if _FINGERPRINT.fullmatch(word)}
    if not prints & trusted:
        raise NotTrusted(f"the key {valid[0][-1]} that signed it is not in 'orch.allowedKeys'")
    return valid[0][-1]


def _own_value(repository: Repository, name: str) -> str | None:
    return settings.of_own_scopes(repository, name).get(name, [None])[-1] or None


def _run(program: str, argv: Sequence[str], stdin: bytes | None, timeout: float) -> tools.Finished:
    """Run a signing program that is not the repository's. Raises StepFailed when there is none or
    it hangs.
    """
    executable = programs.find(os.path.expanduser(program), os.environ.get("PATH", ""))
    if executable is None:
        raise errors.StepFailed(
            f"{sentences.quoted(program)} is not on PATH", f"apt-cache search {program}"
        )
    variables = {**os.environ, "LC_ALL": "C"}
    try:
        return tools.capture(
            [executable, *argv], env=variables, cwd="/", stdin=stdin, timeout=timeout
        )
    except FileNotFoundError as missing:
        raise errors.StepFailed(
            f"there is no program {sentences.quoted(executable)}", "git config --global --list"
        ) from missing
    except TimeoutError as hung:
        raise errors.StepFailed(str(hung), "unlock your key, and try again") from hung
