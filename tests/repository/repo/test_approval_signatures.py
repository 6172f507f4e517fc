"""Signatures with real keys: made as git would, believed only for keys that the user trusts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.repo import approval_signatures, settings
from git_orch.repo.approval_signatures import NotTrusted, Signature
from git_orch.repo.repository import Repository, discover

CONTENT = approval_signatures.message(b'{"id":"PLAN-1"}', 1_800_000_000)


def config(name: str, value: str | Path) -> None:
    subprocess.run(["git", "config", "--global", name, str(value)], check=True)


def ssh_key(path: Path) -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True
    )
    return path


@pytest.fixture
def repository(repo: Repo) -> Repository:
    """The repository as a command finds it."""
    return discover(repo.path)


@pytest.fixture
def ssh(hermetic: Path) -> Path:
    """The user signs with this SSH key and trusts it as Ada's."""
    key = ssh_key(hermetic / "key")
    config("gpg.format", "ssh")
    config("user.signingKey", "~/key.pub")
    config("orch.allowedSigners", hermetic / "signers")
    (hermetic / "signers").write_text(f"ada@example.com {key.with_suffix('.pub').read_text()}")
    return key


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A GnuPG home with a key without a passphrase; its path is short, as its agent's socket wants
    it.
    """
    import tempfile

    home = Path(tempfile.mkdtemp(prefix="gpg", dir="/tmp"))
    parameters = """\
        %no-protection
        Key-Type: eddsa
        Key-Curve: ed25519
        Key-Usage: sign
        Expire-Date: 1y
        Name-Email: ada@example.com
        %commit
    """
    argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--generate-key"]
    subprocess.run(argv, input=parameters.encode(), check=True, capture_output=True)
    yield home
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def gpg(keyring: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The user signs with this OpenPGP key and trusts it; its fingerprint."""
    monkeypatch.setenv("GNUPGHOME", str(keyring))
    listed = subprocess.run(
        ["gpg", "--list-keys", "--with-colons"], capture_output=True, text=True, check=True
    ).stdout
    fingerprint = next(
        line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")
    )
    config("user.signingKey", fingerprint)
    config("orch.allowedKeys", fingerprint)
    return fingerprint


def sign(repository: Repository, content: bytes = CONTENT) -> Signature:
    return approval_signatures.sign(repository, content, "Ada Tester <ada@example.com>")


def signer(repository: Repository, signature: Signature, content: bytes = CONTENT) -> str:
    found = discover(repository.git_dir.parent)  # as the next command finds it
    return approval_signatures.signer(found, settings.of_user(found), signature, content)


# -- SSH -------------------------------------------------------------------------------------------


def test_an_ssh_signature_names_its_principal(repository: Repository, ssh: Path) -> None:
    assert signer(repository, sign(repository)) == "ada@example.com"


def test_a_byte_more_is_not_signed(repository: Repository, ssh: Path) -> None:
    with pytest.raises(NotTrusted, match="has not signed this"):
        signer(repository, sign(repository), CONTENT + b" ")


def test_a_signature_for_something_else_does_not_approve(repository: Repository, ssh: Path) -> None:
    """The namespace: what ssh-keygen signed for git or a file cannot be passed off as an approval."""
    made = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", ssh],
        input=CONTENT,
        capture_output=True,
        check=True,
    )
    with pytest.raises(NotTrusted):
        signer(repository, Signature("ssh", made.stdout.decode()))


def test_a_key_that_nobody_trusts_does_not_approve(
    repository: Repository, ssh: Path, hermetic: Path
) -> None:
    ssh_key(hermetic / "other")
    config("user.signingKey", hermetic / "other.pub")
    with pytest.raises(NotTrusted, match="is not in"):
        signer(repository, sign(repository))


def test_a_key_that_is_trusted_for_something_else_does_not_approve(
    repository: Repository, ssh: Path, hermetic: Path
) -> None:
    (hermetic / "signers").write_text(
        f'ada@git namespaces="git" {ssh.with_suffix(".pub").read_text()}'
    )
    with pytest.raises(NotTrusted, match="has not signed this"):
        signer(repository, sign(repository))


def test_without_a_file_of_signers_no_signature_counts(repository: Repository, ssh: Path) -> None:
    made = sign(repository)
    subprocess.run(["git", "config", "--global", "--unset", "orch.allowedSigners"], check=True)
    with pytest.raises(NotTrusted, match=r"orch\.allowedSigners"):
        signer(repository, made)


def test_a_file_of_signers_in_the_repository_does_not_count(
    repository: Repository, ssh: Path, hermetic: Path
) -> None:
    assert repository.top is not None
    shutil.copy(hermetic / "signers", repository.top / "signers")
    config("orch.allowedSigners", repository.top / "signers")
    with pytest.raises(NotTrusted, match="lies in the repository"):
        signer(repository, sign(repository))


def test_signers_that_the_repository_names_do_not_count(
    repo: Repo, ssh: Path, hermetic: Path
) -> None:
    repository = discover(repo.path)
    made = sign(repository)
    subprocess.run(["git", "config", "--global", "--unset", "orch.allowedSigners"], check=True)
    repo.git("config", "orch.allowedSigners", str(hermetic / "signers"))
    with pytest.raises(NotTrusted):
        signer(repository, made)


def test_a_signing_program_that_the_repository_names_is_not_run(
    repo: Repo, ssh: Path, tmp_path: Path
) -> None:
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/MARK\n")
    evil.chmod(0o755)
    for name in ("gpg.ssh.program", "gpg.program", "gpg.openpgp.program"):
        repo.git("config", name, str(evil))
    repository = discover(repo.path)
    assert signer(repository, sign(repository)) == "ada@example.com"
    assert not (tmp_path / "MARK").exists()


def test_a_key_that_stands_in_the_configuration_is_used(repository: Repository, ssh: Path) -> None:
    """As git takes it: `key::` and the public key, whose private half an agent holds; here none
    does.
    """
    config("user.signingKey", f"key::{ssh.with_suffix('.pub').read_text().strip()}")
    with pytest.raises(errors.StepFailed, match="could not be signed"):
        sign(repository)


def test_without_a_key_there_is_a_hint_how_to_name_one(repository: Repository) -> None:
    config("gpg.format", "ssh")
    with pytest.raises(errors.UsageError, match="no key to sign with"):
        sign(repository)


def test_a_program_that_hangs_is_ended(
    repository: Repository, ssh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 600\n")
    hangs.chmod(0o755)
    config("gpg.ssh.program", hangs)
    monkeypatch.setattr(approval_signatures, "_SIGN_TIMEOUT", 0.1)
    with pytest.raises(errors.StepFailed, match=r"did not end within 0\.1 s"):
        sign(repository)


def test_a_flood_in_place_of_a_signature_is_refused(repository: Repository, ssh: Path) -> None:
    with pytest.raises(NotTrusted):
        signer(repository, Signature("ssh", "-" * 1_000_000))


# -- OpenPGP ---------------------------------------------------------------------------------------


def test_an_openpgp_signature_names_its_fingerprint(repository: Repository, gpg: str) -> None:
    assert signer(repository, sign(repository)) == gpg


def test_a_byte_more_is_not_signed_with_openpgp_either(repository: Repository, gpg: str) -> None:
    with pytest.raises(NotTrusted, match="not good"):
        signer(repository, sign(repository), CONTENT + b" ")


def test_the_last_digits_of_a_fingerprint_are_not_enough(repository: Repository, gpg: str) -> None:
    config("orch.allowedKeys", gpg[-16:])
    with pytest.raises(NotTrusted, match="whole fingerprint"):
        signer(repository, sign(repository))


def test_a_key_in_the_keyring_that_is_not_named_does_not_approve(
    repository: Repository, gpg: str
) -> None:
    config("orch.allowedKeys", "A" * 40)
    with pytest.raises(NotTrusted, match=f"the key {gpg} that signed it"):
        signer(repository, sign(repository))


def test_a_key_that_has_expired_does_not_approve(repository: Repository, gpg: str) -> None:
    made = sign(repository)
    config("gpg.program", _with_time_passed())
    with pytest.raises(NotTrusted, match="not good"):
        signer(repository, made)


def _with_time_passed() -> Path:
    """gpg, for which it is two years later: no test waits for a key to expire."""
    path = Path.home() / "later-gpg"
    path.write_text('#!/bin/sh\nexec gpg --faked-system-time "$(($(date +%s) + 63072000))" "$@"\n')
    path.chmod(0o755)
    return path
