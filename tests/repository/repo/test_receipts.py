"""A check that passed on a tree is not run again there; anything its result may depend on makes it
run again.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Repo, data
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.history.status import CheckResult
from git_orch.plans.plan import Check, Command
from git_orch.repo import repository
from git_orch.repo.local import receipts
from git_orch.repo.local.receipts import Book, Receipt
from git_orch.sandbox.walls import fingerprint
from git_orch.sandbox.walls.launcher import Launcher

CHECK = Check("run", Command(argv=("true",)))
PASSED = Receipt(CheckResult("run", "true", 0, True, 1.5, "said", "ok"), products=False)
WHEN = "2026-11-21T07:00:00Z"


@pytest.fixture
def book(repo: Repo) -> Book:
    return Book(repository.discover(repo.path), "e", "t")


def test_receipts_say_on_which_trees_a_check_passed_whoever_asked(book: Book) -> None:
    other = Check("run", Command(argv=("false",)))
    for tree, environment, when in (("t1", "e", "1"), ("t2", "other", "2")):
        book._replace(tree=tree, environment=environment).put(CHECK, (), PASSED, when)
    (book.repository.state_dir / "receipts" / "damaged").write_bytes(b"{")

    assert receipts.trees_of(book.repository, [CHECK, other]) == {CHECK: ["t2", "t1"]}


def test_a_receipt_from_elsewhere_says_nothing_of_a_tree(book: Book) -> None:
    book.put(CHECK, (), PASSED, WHEN)
    [path] = (book.repository.state_dir / "receipts").iterdir()
    path.write_bytes(path.read_bytes().replace(b'"tree": "t"', b'"tree": "u"'))

    assert receipts.trees_of(book.repository, [CHECK]) == {}


@pytest.fixture
def counted(tmp_path: Path, unsandboxed: None) -> Callable[[str], int]:
    """How often checks with that letter have run: they write it to a file outside of every
    worktree.
    """
    ran = tmp_path / "ran"
    ran.touch()
    return lambda letter: ran.read_text().count(letter)


def checking(tmp_path: Path, *commands: str, run: str = "echo a > a") -> dict[str, object]:
    """A plan of one step, whose checks first say on `ran` which letter they have."""
    checks = [
        {"command": f"echo {letter} >> {tmp_path}/ran; {command}"}
        for letter, command in zip("xyz", commands, strict=False)
    ]
    return {"title": "Check", "steps": [{"title": "Make it", "run": run, "checks": checks}]}


# -- what runs again -------------------------------------------------------------------------------


def test_what_passed_is_not_run_again_on_the_same_tree(
    repo: Repo, tmp_path: Path, counted: Callable[[str], int]
) -> None:
    plan = repo.plan(checking(tmp_path, "test -f a"))
    repo.orch("exec", plan)
    before = counted("x")
    assert "ok, cached, 20" in repo.orch("verify", plan).stdout
    assert counted("x") == before


def test_no_cache_insists(repo: Repo, tmp_path: Path, counted: Callable[[str], int]) -> None:
    plan = repo.plan(checking(tmp_path, "test -f a"))
    repo.orch("exec", plan)
    before = counted("x")
    assert "cached" not in repo.orch("verify", plan, "--no-cache").stdout
    assert counted("x") == before + 1


def test_the_log_is_no_receipt(repo: Repo, tmp_path: Path, counted: Callable[[str], int]) -> None:
    plan = repo.plan(checking(tmp_path, "test -f a"))
    repo.orch("exec", plan)
    before = counted("x")
    for receipt in (repo.path / ".git/orch/receipts").iterdir():
        receipt.unlink()
    repo.orch("verify", plan)
    assert counted("x") == before + 1


@pytest.mark.parametrize(
    ("left", "check"),
    [
        ("echo > left.o", "test -f left.o"),
        ("echo > left.o", "rm left.o"),
        ("mkdir left", "test -d left"),
    ],
)
def test_a_check_of_what_its_step_left_and_no_commit_has_does_not_pass(
    repo: Repo, tmp_path: Path, left: str, check: str
) -> None:
    repo.commit({".gitignore": "*.o\n"})
    plan = repo.plan(checking(tmp_path, check, run=f"echo a > a; {left}"))
    repo.orch("exec", plan, "--no-tip-checks", expect=1)
    assert repo.step_states(plan) == ["failed"]


def test_a_build_is_run_again_for_a_check_that_needs_what_it_makes(
    repo: Repo, tmp_path: Path, counted: Callable[[str], int]
) -> None:
    repo.commit({".gitignore": "*.o\n"})
    plan = repo.plan(
        checking(tmp_path, "cp a built.o", f"test -f built.o && test -f {tmp_path}/outside")
    )
    (tmp_path / "outside").touch()
    repo.orch("exec", plan)
    (tmp_path / "outside").unlink()
    repo.orch("verify", plan, "--no-cache", expect=1)  # which leaves a receipt for the build alone
    for receipt in (repo.path / ".git/orch/receipts").iterdir():
        if "outside" in receipt.read_text():
            receipt.unlink()
    (tmp_path / "outside").touch()
    before = counted("x")
    repo.orch("verify", plan)
    assert counted("x") == before + 1


def test_a_build_and_the_check_that_needs_it_are_left_out_together(
    repo: Repo, tmp_path: Path, counted: Callable[[str], int]
) -> None:
    repo.commit({".gitignore": "*.o\n"})
    plan = repo.plan(checking(tmp_path, "cp a built.o", "test -f built.o"))
    repo.orch("exec", plan)
    repo.orch("verify", plan)
    before = counted("x"), counted("y")
    assert repo.orch("verify", plan).stdout.count("cached") == 2
    assert (counted("x"), counted("y")) == before


def test_what_fails_after_it_has_passed_has_no_receipt_any_more(
    repo: Repo, tmp_path: Path, unsandboxed: None
) -> None:
    plan = repo.plan(checking(tmp_path, f"test -f {tmp_path}/outside"))
    (tmp_path / "outside").touch()
    repo.orch("exec", plan)
    (tmp_path / "outside").unlink()
    repo.orch("verify", plan)  # nobody looked
    repo.orch("verify", plan, "--no-cache", expect=1)
    repo.orch("verify", plan, expect=1)


def test_what_failed_has_no_receipt(
    repo: Repo, tmp_path: Path, counted: Callable[[str], int]
) -> None:
    plan = repo.plan(checking(tmp_path, "false"))
    repo.orch("exec", plan, "--retries", "0", expect=1)
    assert not list((repo.path / ".git/orch").glob("receipts/*"))


# -- the files -------------------------------------------------------------------------------------


def test_a_receipt_says_how_and_when(book: Book) -> None:
    book.put(CHECK, (), PASSED, WHEN)
    assert book.find(CHECK) == PASSED._replace(result=PASSED.result._replace(since=WHEN))


def test_a_receipt_is_for_its_user_alone(book: Book) -> None:
    book.put(CHECK, (), PASSED, WHEN)
    [path] = (book.repository.common_dir / "orch/receipts").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    "other",
    [
        lambda book: book._replace(tree="t2").find(CHECK),
        lambda book: book._replace(environment="e2").find(CHECK),
        lambda book: book.find(CHECK._replace(expected_exit=1)),
        lambda book: book.find(CHECK._replace(command=Command(shell="true"))),  # noqa: S604 - a value
        lambda book: book.find(CHECK._replace(command=Command(argv=("true", "")))),
        lambda book: book.find(CHECK, (CHECK,)),
    ],
    ids=["tree", "environment", "expected exit", "shell", "arguments", "what ran before"],
)
def test_another_question_has_another_receipt(
    book: Book, other: Callable[[Book], Receipt | None]
) -> None:
    book.put(CHECK, (), PASSED, WHEN)
    assert other(book) is None


def test_a_receipt_does_not_ask_for_the_time_limit(book: Book) -> None:
    book.put(CHECK, (), PASSED, WHEN)
    assert book.find(CHECK._replace(timeout=1)) is not None


@given(
    content=st.one_of(
        st.binary(max_size=40), st.sampled_from([b"{}", b"[]", b'{"since": 1}', b"nan"])
    )
)
def test_a_damaged_receipt_is_none(book: Book, content: bytes) -> None:
    book.put(CHECK, (), PASSED, WHEN)
    [path] = (book.repository.common_dir / "orch/receipts").iterdir()
    path.write_bytes(content)
    assert book.find(CHECK) is None


def test_the_oldest_receipts_go_first(tmp_path: Path) -> None:
    for age in range(20):
        path = tmp_path / str(age)
        path.touch()
        os.utime(path, ns=(age, age))
    receipts.prune(tmp_path, most=10)
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == list(range(11, 20))


# -- what results depend on ------------------------------------------------------------------------


def machine(path: Path, **variables: str) -> Launcher:
    return Launcher(
        {"PATH": f"{path / 'bin'}:/usr/bin", **variables}, path / "home", extra=("EXTRA",)
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("bin", "home", "lib/python3.11/site-packages", "worktree"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("what", ["bin/tool", "lib/python3.11/site-packages/package"])
def test_whatever_is_installed_voids_receipts(place: Path, what: str) -> None:
    before = fingerprint.of(machine(place), place / "worktree")
    (place / what).mkdir()
    assert fingerprint.of(machine(place), place / "worktree") != before


def test_a_variable_that_commands_see_counts(place: Path) -> None:
    seen = {fingerprint.of(machine(place, EXTRA=value), place / "worktree") for value in ("1", "2")}
    assert len(seen) == 2


def test_a_variable_that_they_do_not_see_does_not_count(place: Path) -> None:
    seen = {
        fingerprint.of(machine(place, SESSION=value), place / "worktree") for value in ("1", "2")
    }
    assert len(seen) == 1


def test_paths_shown_to_commands_count(place: Path) -> None:
    shown = dataclasses.replace(machine(place), readable=(place / "lib",))
    assert fingerprint.of(shown, place / "worktree") != fingerprint.of(
        machine(place), place / "worktree"
    )


def test_every_worktree_has_the_same_environment(place: Path) -> None:
    (place / "other").mkdir()
    seen = {
        fingerprint.of(machine(place), place / name) for name in ("worktree", "other", "missing")
    }
    assert len(seen) == 1


def test_verify_tells_programs_what_came_from_a_receipt(repo: Repo) -> None:
    plan = repo.plan(
        {
            "title": "T",
            "steps": [{"title": "A", "files": {"a": ""}, "checks": [{"command": "test -f a"}]}],
        }
    )
    repo.orch("exec", plan)
    told = data(repo.orch("verify", plan, "--json").stdout)
    assert told[0]["checks"][0]["cached"].startswith("20")
