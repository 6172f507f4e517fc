"""Commits whose text is not UTF-8 keep author and message byte for byte where they are made again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import Repo, writing

NAME = "J\N{LATIN SMALL LETTER O WITH DIAERESIS}rg"


def kept(repo: Repo, commit: str) -> tuple[bytes, bytes, bytes]:
    """The author, the encoding and the message of a commit, as they are stored."""
    argv = ["git", "cat-file", "commit", commit]
    data = subprocess.run(argv, cwd=repo.path, capture_output=True, check=True).stdout
    head, _, message = data.partition(b"\n\n")
    lines = dict(line.partition(b" ")[::2] for line in head.split(b"\n"))
    return lines[b"author"], lines.get(b"encoding", b""), message


@pytest.fixture(params=["ISO-8859-1", "UTF-8", "unknown-8bit"])
def branched(repo: Repo, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Repo, str, str]:
    """A plan that is done, with a commit of the user's own in an encoding on its branch; and both
    their names.
    """
    plan = repo.plan(writing("a.txt", "b.txt", chained=False))
    repo.orch("exec")
    branch = f"orch/{plan}"
    repo.git("switch", "-q", branch)
    (repo.path / "own").write_text("own\n")
    repo.git("add", "own")
    message = tmp_path / "message"
    message.write_bytes("Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n\n\nbody\n".encode("latin-1"))
    author = f"{NAME} <j@example.com>".encode("latin-1")
    words: list[str | bytes] = ["-c", f"i18n.commitEncoding={request.param}", "commit", "-q"]
    words += ["-F", str(message), b"--author=" + author]
    subprocess.run(["git", *words], cwd=repo.path, check=True, capture_output=True)
    own = repo.git("rev-parse", "HEAD")
    repo.git("switch", "-q", "main")
    repo.commit({"main.txt": "main\n"})
    return repo, plan, own


def named(repo: Repo, where: str) -> str:
    """The commit that adds the user's own file."""
    return repo.git("log", "-1", "--format=%H", where, "--", "own")


@pytest.mark.parametrize(
    ("words", "branch"),
    [
        (["rebase"], "orch/{plan}"),
        (["reorder", "2,1"], "orch/{plan}"),
        (["drop", "1"], "orch/{plan}"),
        (["land", "--rebase"], "main"),
    ],
)
def test_a_commit_that_is_made_again_keeps_author_encoding_and_message(
    branched: tuple[Repo, str, str], words: list[str], branch: str
) -> None:
    repo, plan, own = branched
    repo.orch(*words)
    again = named(repo, branch.format(plan=plan))
    assert again != own
    assert kept(repo, again) == kept(repo, own)


def test_a_squash_has_the_subject_in_utf_8(branched: tuple[Repo, str, str]) -> None:
    repo, _, _ = branched
    repo.orch("land", "--squash")
    assert "Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n" in repo.git("log", "-1", "--format=%B")


def test_a_commit_that_is_signed_again_keeps_them(
    branched: tuple[Repo, str, str], hermetic: Path
) -> None:
    repo, _, own = branched
    key = str(hermetic / "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    for name, value in {
        "gpg.format": "ssh", "user.signingKey": f"{key}.pub", "commit.gpgSign": "true",
    }.items():  # fmt: skip
        repo.git("config", "--global", name, value)
    repo.orch("land", "--rebase")
    again = named(repo, "main")
    assert "gpgsig" in repo.git("cat-file", "commit", f"{again}~")
    assert kept(repo, again) == kept(repo, own)
