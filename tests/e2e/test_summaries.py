"""What `ls` and `status` remember between two calls: it is never seen but by its speed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Repo, writing

LISTS = (("status",), ("ls",), ("ls", "--open"), ("ls", "--all"))


def remembered(repo: Repo) -> Path:
    return repo.path / ".git" / "orch" / "summaries"


def shown(repo: Repo) -> list[str]:
    """What each of the lists prints, of plans as they are remembered."""
    return [repo.orch(*words).stdout for words in LISTS]


def anew(repo: Repo) -> list[str]:
    """The same with nothing remembered."""
    printed = []
    for words in LISTS:
        remembered(repo).unlink(missing_ok=True)
        printed.append(repo.orch(*words).stdout)
    return printed


def gits(repo: Repo, tmp_path: Path, *words: str) -> int:
    """How many git processes a command starts."""
    trace = tmp_path / "trace"
    trace.unlink(missing_ok=True)
    repo.orch(*words, env={"GIT_TRACE": str(trace)})
    return trace.read_text().count("trace: built-in: git")


def done(repo: Repo, *names: str) -> str:
    plan = repo.plan(writing(*names))
    repo.orch("exec", plan)
    return plan


@pytest.mark.parametrize("words", LISTS[:3], ids=" ".join)
def test_the_second_call_asks_git_twice(repo: Repo, tmp_path: Path, words: tuple[str, ...]) -> None:
    plan = repo.plan(writing("a.txt", "b.txt"))
    repo.orch(*words)
    assert gits(repo, tmp_path, *words) == 2
    repo.orch("exec", plan)
    repo.orch(*words)
    assert gits(repo, tmp_path, *words) == 2


def test_ideas_are_remembered_as_well_and_their_commands_start_few_gits(
    repo: Repo, tmp_path: Path
) -> None:
    plan = repo.orch("plan", "Think", "--draft").stdout.split()[1]
    repo.orch("reject", repo.orch("plan", "Forget", "--draft").stdout.split()[1], "--why", "x")
    repo.orch("status")
    assert gits(repo, tmp_path, "status") == 2
    assert gits(repo, tmp_path, "ready", plan) <= 7
    assert gits(repo, tmp_path, "plan", "Think again", "--draft") <= 7


def _reset(repo: Repo, plan: str) -> None:
    repo.git("update-ref", f"refs/heads/orch/{plan}", f"orch/{plan}~1")


def _delete(repo: Repo, plan: str) -> None:
    repo.git("branch", "-D", f"orch/{plan}")


def _merge(repo: Repo, plan: str) -> None:
    repo.git("merge", "-q", "--no-edit", f"orch/{plan}")


def _squash(repo: Repo, plan: str) -> None:
    repo.git("merge", "-q", "--squash", f"orch/{plan}")
    repo.git("commit", "-q", "-m", "all of it")


def _merge_and_delete(repo: Repo, plan: str) -> None:
    _merge(repo, plan)
    _delete(repo, plan)


def _delete_then_merge(repo: Repo, plan: str) -> None:
    tip = repo.git("rev-parse", f"orch/{plan}")
    _delete(repo, plan)
    shown(repo)
    repo.git("merge", "-q", "--no-edit", tip)


def _merge_and_take_back(repo: Repo, plan: str) -> None:
    before = repo.git("rev-parse", "HEAD")
    _merge_and_delete(repo, plan)
    shown(repo)
    repo.git("reset", "-q", "--hard", before)


def _revert(repo: Repo, plan: str) -> None:
    repo.git("switch", "-q", f"orch/{plan}")
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("switch", "-q", "-")


def _rebase(repo: Repo, plan: str) -> None:
    _squash(repo, plan)
    repo.git("rebase", "-q", "main", f"orch/{plan}")
    repo.git("switch", "-q", "main")


ACTS: dict[str, Callable[[Repo, str], object]] = {
    "reset": _reset,
    "delete": _delete,
    "merge": _merge,
    "squash": _squash,
    "merge and delete": _merge_and_delete,
    "delete, then merge": _delete_then_merge,
    "merge, and take it back": _merge_and_take_back,
    "revert": _revert,
    "rebase onto a squash": _rebase,
    "land": lambda repo, plan: repo.orch("land", plan),
    "rollback": lambda repo, plan: repo.orch("rollback", plan),
    "reject": lambda repo, plan: (
        repo.orch("rollback", plan),
        repo.orch("reject", plan, "--why", "no"),
    ),
    "archive": lambda repo, plan: repo.orch("archive", plan),
    "lose the log": lambda repo, plan: repo.git("update-ref", "-d", f"refs/notes/orch/{plan}"),
    "another plan": lambda repo, _: repo.plan(writing("z.txt")),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_is_remembered_follows_what_is_done(
    repo: Repo, act: Callable[[Repo, str], object]
) -> None:
    plan = done(repo, "a.txt", "b.txt")
    before = shown(repo)
    act(repo, plan)
    now = shown(repo)
    assert now == shown(repo) == anew(repo)
    assert now != before


def test_whether_somebody_runs_a_plan_is_not_remembered(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))
    shown(repo)
    lock = repo.path / ".git" / "orch" / "locks" / plan
    lock.parent.mkdir(exist_ok=True)
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        status, ls, *_ = shown(repo)
    assert "  running " in ls
    assert status.endswith(f"next: git orch wait {repo.handle(plan)}\n")
    assert "running" not in "".join(shown(repo))


def _other(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        document = json.loads(path.read_bytes())
        change(document)
        path.write_text(json.dumps(document))

    return write


def _lie(document: dict[str, object]) -> None:
    text = json.dumps(document).replace("COMPLETE", "FAILED")
    document.clear()
    document.update(json.loads(text))


def _linked(path: Path) -> None:
    _other(_lie)(path)
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _foreign(path: Path) -> None:
    _other(_lie)(path)
    path.chmod(0o620)


def _unpacked(path: Path) -> None:
    """As an archive of a repository would bring it."""
    _other(_lie)(path)
    shutil.copytree(path.parent, path.parent.with_name("copy"))
    shutil.rmtree(path.parent)
    path.parent.with_name("copy").rename(path.parent)


def _lying(**also: object) -> Callable[[Path], None]:
    def change(document: dict[str, object]) -> None:
        _lie(document)
        document.update(also)

    return _other(change)


def _shapes(value: object) -> Callable[[Path], None]:
    """A file whose plans have such a summary."""

    def change(document: dict[str, object]) -> None:
        for part in ("lines", "wholes"):
            plans = document[part]
            assert isinstance(plans, dict)
            for each in plans.values():
                each[-1] = value

    return _other(change)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


FILES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "a list": lambda path: path.write_bytes(b"[]"),
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
    "other types": _other(lambda document: document.update(lines=[1], wholes="x")),
    "other keys": _other(lambda document: document.update(lines={"x": [1, 2]})),
    "a number for a summary": _shapes(7),
    "a short summary": _shapes(["x"]),
    "a whole of other parts": _shapes([["x"], [["y", ["z", "blink"]]], 3]),
    "another format": _lying(format=1),
    "another version": _lying(version="0.0.1"),
    "a link": _linked,
    "not private": _foreign,
    "another place": _unpacked,
    "a pipe": _pipe,
    "a directory": _directory,
}


@pytest.mark.parametrize("spoil", FILES.values(), ids=FILES)
def test_a_file_that_is_none_of_ours_is_ignored(
    repo: Repo, spoil: Callable[[Path], object]
) -> None:
    done(repo, "a.txt")
    right = shown(repo)
    for number, words in enumerate(LISTS):
        spoil(remembered(repo))
        assert repo.orch(*words).stdout == right[number]
        if remembered(repo).is_dir():
            remembered(repo).rmdir()
        repo.orch("ls")


def test_a_right_file_is_believed(repo: Repo) -> None:
    """So that the tests above say something."""
    done(repo, "a.txt")
    shown(repo)
    _other(_lie)(remembered(repo))
    assert "FAILED" in repo.orch("ls").stdout


def test_no_escape_sequence_comes_out_of_the_file(repo: Repo) -> None:
    done(repo, "a.txt")
    shown(repo)
    remembered(repo).write_text(remembered(repo).read_text().replace("COMPLETE", "\\u001b[2J"))
    assert "\\x1b[2J" in repo.orch("ls").stdout


def test_it_is_private_and_whole(repo: Repo) -> None:
    done(repo, "a.txt")
    shown(repo)
    assert remembered(repo).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in remembered(repo).parent.glob(".summaries*")] == []


def test_where_no_plan_is_nothing_is_remembered(repo: Repo) -> None:
    assert shown(repo)[0].startswith("no plan is open")
    assert not (repo.path / ".git" / "orch").exists()


def test_a_log_that_cannot_be_read_is_named_each_time(repo: Repo) -> None:
    plan, other = repo.plan(writing("a.txt")), repo.plan(writing("b.txt"))
    blob = repo.git("hash-object", "-w", "--stdin", stdin="no commit")
    path = repo.path / ".git" / "refs" / "notes" / "orch" / plan
    path.write_text(f"{blob}\n")
    for _ in range(2):
        listed = repo.orch("ls")
        assert f"the log of '{plan}' cannot be read" in listed.stderr
        assert repo.handle(other) in listed.stdout


def test_a_shallow_repository_remembers_nothing(repo: Repo) -> None:
    """What is above the cut may come, and no ref moves."""
    done(repo, "a.txt")
    (repo.path / ".git" / "shallow").write_text(f"{repo.git('rev-parse', 'HEAD')}\n")
    shown(repo)
    assert not remembered(repo).exists()


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_the_parser_reads_the_same(repo: Repo, words: tuple[str, ...]) -> None:
    """An option that changes nothing makes the command line one for the parser."""
    done(repo, "a.txt")
    repo.plan(writing("b.txt"))
    assert repo.orch(*words, "--").stdout == repo.orch(*words).stdout
