"""Logs of a remote that are small to fetch and large to read: they are named, and the others shown."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Repo, writing

from git_orch.plans.history.events import Event
from git_orch.repo import refs

BAD = "PLAN-20260101-0000000000-bad"
MEMORY = 700 << 20  # bytes of address space that git-orch and git may have


def blob(repo: Repo, data: bytes) -> str:
    """Store a blob; gives its ID."""
    return repo.git("hash-object", "-w", "--stdin", stdin=data.decode("utf-8"))


def tree(repo: Repo, *entries: str) -> str:
    """Store a tree; gives its ID."""
    return repo.git("mktree", "--missing", stdin="".join(f"{entry}\n" for entry in entries))


def log_of(repo: Repo, top: str, message: str = "log") -> None:
    """Make the tree a log."""
    commit = repo.git("commit-tree", top, "-F", "-", stdin=message)
    repo.git("update-ref", refs.LOGS + BAD, commit)


def lines(number: int) -> Iterator[bytes]:
    for count in range(number):
        yield Event(f"01K0000000{count:016d}", "run.started", "c", {"run": "r"}).line()


def one_letter(repo: Repo) -> None:
    """One line of 200 million letters: 200 kB in a pack."""
    log_of(repo, tree(repo, f"100644 blob {blob(repo, b'a' * 200_000_000)}\t{'0' * 40}"))


def many_events(repo: Repo) -> None:
    """More events than a log can have."""
    content = b"".join(lines(320_000))
    log_of(repo, tree(repo, f"100644 blob {blob(repo, content)}\t{'0' * 40}"))


def many_values(repo: Repo) -> None:
    """One event whose values take a hundred times the room that they have in the log."""
    [line] = lines(1)
    content = line[:-2] + b',"list":[' + b"[]," * 7_000_000 + b"0]}\n"
    log_of(repo, tree(repo, f"100644 blob {blob(repo, content)}\t{'0' * 40}"))


def one_blob_in_many_notes(repo: Repo) -> None:
    """A note of a million bytes that hangs on a thousand objects."""
    content = blob(repo, b"".join(lines(10_000)))
    log_of(repo, tree(repo, *(f"100644 blob {content}\t{number:040x}" for number in range(1_000))))


def one_tree_in_many_trees(repo: Repo) -> None:
    """Nineteen levels of trees that all have the same one 256 times: more notes than atoms."""
    inner = tree(repo, f"100644 blob {blob(repo, b'{}')}\t00")
    for _ in range(19):
        inner = tree(repo, *(f"040000 tree {inner}\t{number:02x}" for number in range(256)))
    log_of(repo, inner)


def long_message(repo: Repo) -> None:
    """A log commit with a message of a hundred million letters."""
    log_of(repo, tree(repo), "a" * 100_000_000)


def long_branch(repo: Repo) -> None:
    """A plan branch whose commit has such a message, and no log that says more."""
    content = b"".join(lines(1))
    log_of(repo, tree(repo, f"100644 blob {blob(repo, content)}\t{'0' * 40}"))
    commit = repo.git("commit-tree", tree(repo), "-F", "-", stdin="a" * 100_000_000)
    repo.git("update-ref", refs.BRANCHES + BAD, commit)


KINDS = (
    one_letter,
    many_events,
    many_values,
    one_blob_in_many_notes,
    one_tree_in_many_trees,
    long_message,
    long_branch,
)


def limited(repo: Repo, *args: str, memory: int = MEMORY) -> subprocess.CompletedProcess[str]:
    """git-orch, where neither it nor git may have much memory."""
    argv = ["prlimit", f"--as={memory}", sys.executable, "-m", "git_orch", *args]
    return subprocess.run(argv, cwd=repo.path, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_other_plans_are_shown_and_the_large_one_is_named(
    repo: Repo, kind: Callable[[Repo], None]
) -> None:
    good = repo.plan(writing("a"))
    kind(repo)
    done = limited(repo, "ls")
    assert done.returncode == 0
    assert repo.handle(good) in done.stdout
    assert BAD in done.stderr


def logs_at_their_limits(repo: Repo, number: int) -> None:
    """Logs of one plan each that have as many values as is read of them: 65 bytes for one."""
    plan = repo.plan(writing("a"))
    [note] = repo.git("ls-tree", "-r", refs.LOGS + plan).splitlines()
    events = repo.git("cat-file", "blob", note.split()[2])
    [line] = lines(1)
    values = ",".join(f'"{count:08}"' for count in range(950_000))
    content = f'{events}\n{line[:-2].decode()},"list":[{values}]}}\n'
    log = tree(repo, f"100644 blob {blob(repo, content.encode())}\t{'0' * 40}")
    commit = repo.git("commit-tree", log, "-m", "log")
    for count in range(number):
        repo.git("update-ref", f"{refs.LOGS}PLAN-20260101-{count:010}-large", commit)


def test_one_log_after_the_other_is_in_memory(repo: Repo) -> None:
    logs_at_their_limits(repo, 8)
    done = limited(repo, "ls", memory=MEMORY // 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 9


def test_a_signal_ends_the_reading_of_large_logs(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes as git begins to give the logs, and seconds before they are read."""
    logs_at_their_limits(repo, 8)
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    git = tmp_path / "bin/git"
    git.parent.mkdir()
    git.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *cat-file*) echo begun >{shlex.quote(str(begun))};; esac\n'
        f'exec {shlex.quote(shutil.which("git") or "git")} "$@"\n'
    )
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}{os.pathsep}{os.environ['PATH']}")
    told = os.open(begun, os.O_RDWR)  # who writes into it does not wait
    with repo.start("ls") as listing:
        assert os.read(told, 6) == b"begun\n"
        listing.send_signal(signal.SIGTERM)
        out, _ = listing.communicate()
    os.close(told)
    assert (listing.returncode, out) == (128 + signal.SIGTERM, "")


def test_what_can_be_done_about_a_large_log_is_said(repo: Repo) -> None:
    good = repo.plan(writing("a"))
    one_letter(repo)
    shown = repo.orch("show", BAD, expect=128)
    assert "has 200,000,000 bytes, and git-orch reads at most 16,777,216 of a log" in shown.stderr
    repo.follow(shown.stderr)
    listed = repo.orch("ls")
    assert (repo.handle(good) in listed.stdout, listed.stderr) == (True, "")


def test_a_large_log_is_not_written_to(repo: Repo) -> None:
    repo.plan(writing("a"))
    one_letter(repo)
    before = repo.git("rev-parse", refs.LOGS + BAD)
    done = repo.orch("reject", BAD, "--why", "large", expect=128)
    assert "is not read" in done.stderr
    assert repo.git("rev-parse", refs.LOGS + BAD) == before
