"""Each kind of fault is found, named with its repair, and repaired where nothing can be lost; what
is whole has none.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import locks
import pytest
from conftest import Here, Prepared, Repo, data, writing

from git_orch.plans import ids
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover
from git_orch.repo.worktree import worktrees

GONE = "PLAN-20261101-0000000000-gone"


@pytest.fixture
def done(
    tmp_path: Path,
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[Here, str]:
    """A repository, and the ID of a plan in it whose two steps are done."""

    def build(repo: Repo) -> str:
        plan = repo.plan(writing("a.txt", "b.txt"))
        repo.orch("exec")
        return plan

    repo, plan = prepared.at(tmp_path / "repo", "two steps", build)
    return Here(repo, monkeypatch, capsys), plan


def faults(here: Here, *words: str) -> list[dict[str, Any]]:
    """What fsck finds, as a program reads it."""
    found: list[dict[str, Any]] = data(here("fsck", *words, "--json", expect=None).out)["faults"]
    return found


def codes(here: Here, *words: str) -> set[str]:
    return {fault["code"] for fault in faults(here, *words)}


# -- faults to be seeded ---------------------------------------------------------------------------


def append(repo: Repo, plan: str, line: str) -> None:
    """Have git itself add a line to the note on the cover commit."""
    notes = f"--ref=orch/{plan}"
    target = repo.git("notes", notes, "list").split()[1]
    repo.git("notes", notes, "append", "-m", line, target)


def add_event(repo: Repo, plan: str, name: str, body: Any, days: float = 0) -> None:
    """Add an event of this copy of the repository, dated so many days from now."""
    clone = (repo.path / ".git/orch/clone").read_text().strip()
    moment = time.time_ns() // 1_000_000 + int(days * 86_400_000)
    event = {"id": ids.ulid(moment, 1), "event": name, "clone": clone, **body}
    append(repo, plan, json.dumps(event))


def damage(repo: Repo, plan: str) -> None:
    append(repo, plan, "this is no event")


def misshape(repo: Repo, plan: str) -> None:
    add_event(repo, plan, "run.started", {"run": 7})


def repeat_id(repo: Repo, plan: str) -> None:
    log = repo.git("log", "--format=%N", f"--notes=orch/{plan}", f"orch/{plan}")
    first = json.loads(next(line for line in log.splitlines() if '"step.landed"' in line))
    append(repo, plan, json.dumps({**first, "seconds": 77}))


def lose_note(repo: Repo, plan: str) -> None:
    repo.loose(repo.git("notes", f"--ref=orch/{plan}", "list").split()[0]).unlink()


def lose_notes_tree(repo: Repo, plan: str) -> None:
    repo.loose(repo.git("rev-parse", f"refs/notes/orch/{plan}^{{tree}}")).unlink()


def lose_log_commit(repo: Repo, plan: str) -> None:
    repo.loose(repo.git("rev-parse", f"refs/notes/orch/{plan}")).unlink()


def lose_tip(repo: Repo, plan: str) -> None:
    repo.loose(repo.git("rev-parse", f"orch/{plan}")).unlink()


def date_ahead(repo: Repo, plan: str) -> None:
    body = {"purpose": "plan", "model": "m", "usage": {}, "usd": 0, "seconds": 0}
    add_event(repo, plan, "model.called", body, days=9)


def leave_intent(repo: Repo, plan: str) -> None:
    tip, before = repo.git("rev-parse", f"orch/{plan}", f"orch/{plan}~1").split()
    ref = f"refs/heads/orch/{plan}"
    body = {"ref": ref, "from": tip, "to": before, "why": "rollback", "kind": "rollback"}
    add_event(repo, plan, "move.intended", body)


def reset_branch(repo: Repo, plan: str) -> None:
    repo.git("branch", "-f", f"orch/{plan}", f"orch/{plan}~1")


def delete_branch(repo: Repo, plan: str) -> None:
    repo.git("branch", "-D", f"orch/{plan}")


def leave_branch(repo: Repo, plan: str) -> None:
    repo.git("branch", "-f", f"orch/{plan}", "main")


def invent_landing(repo: Repo, plan: str) -> None:
    reset_branch(repo, plan)
    oids = {"commit": "ab" * 20, "tree": "cd" * 20}
    attempt = {"step": "s2", "attempt": ids.ulid(6, 6), "run": ids.ulid(7, 7)}
    add_event(repo, plan, "step.landed", {**attempt, **oids, "seconds": 1, "checks": []})


def invent_claim(repo: Repo, plan: str) -> None:
    message = repo.git("log", "-1", "--format=%B", f"orch/{plan}")
    attempt = message.rpartition("@")[2].split()[0]
    forged = message.replace(attempt, ids.ulid(5, 5))
    tree, parent = repo.git("rev-parse", f"orch/{plan}^{{tree}}", f"orch/{plan}~1").split()
    commit = repo.git("commit-tree", tree, "-p", parent, "-m", forged)
    repo.git("branch", "-f", f"orch/{plan}", commit)


def lose_log(repo: Repo, plan: str) -> None:
    repo.git("update-ref", "-d", f"refs/notes/orch/{plan}")


def cut_archiving(repo: Repo, plan: str) -> None:
    body = {"plan": plan, "state": "COMPLETE", "done": ["s1", "s2"]}
    add_event(repo, plan, "plan.archived", body)


def archive_and_branch(repo: Repo, plan: str) -> None:
    tip = repo.git("rev-parse", f"orch/{plan}")
    repo.orch("archive", plan)
    repo.git("branch", f"orch/{plan}", tip)


def archive_and_log(repo: Repo, plan: str) -> None:
    refs = [f"refs/heads/orch/{plan}", f"refs/notes/orch/{plan}"]
    oids = repo.git("rev-parse", *refs).split()
    repo.orch("archive", plan)
    for ref, oid in zip(refs, oids, strict=True):
        repo.git("update-ref", ref, oid)


def spoil_archive(repo: Repo, plan: str) -> None:
    repo.git("notes", "--ref=orch/archive", "add", "-m", "no event", "main")


def leave_lock(repo: Repo, plan: str) -> None:
    path = repo.path / f".git/refs/heads/orch/{plan}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (1_000_000_000, 1_000_000_000))


def leave_spool(repo: Repo, plan: str) -> None:
    spool = repo.path / ".git/orch/spool" / plan
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    spool.parent.chmod(0o700)
    body = {"purpose": "step", "step": "s1", "model": "m", "usage": {}, "usd": 1, "seconds": 1}
    now = ids.ulid(time.time_ns() // 1_000_000, 3)
    line = {"id": now, "event": "model.called", "clone": "c", **body}
    (spool / ids.ulid(3, 3)).write_text(json.dumps(line) + "\n")
    (spool / ids.ulid(3, 3)).chmod(0o600)


def leave_foreign_spool(repo: Repo, plan: str) -> None:
    leave_spool(repo, GONE)


def keep_for_nobody(repo: Repo, plan: str) -> None:
    repo.git("update-ref", f"refs/orch/kept/{GONE}", "main")


def result_for_nobody(repo: Repo, plan: str) -> None:
    repo.git("update-ref", f"refs/orch/results/{GONE}/{ids.ulid(4, 4)}", "main")


def worktree_for_nobody(repo: Repo, plan: str) -> None:
    path = worktrees.path_of(discover(repo.path), GONE, "manual")
    path.parent.mkdir(parents=True, exist_ok=True)
    repo.git("worktree", "add", "-q", "--detach", "--lock", str(path))


def worktree_gone(repo: Repo, plan: str) -> None:
    worktree_for_nobody(repo, plan)
    shutil.rmtree(worktrees.path_of(discover(repo.path), GONE, "manual"))


def pool_for_nobody(repo: Repo, plan: str) -> None:
    pool = repo.path / ".git/orch/pool"
    pool.mkdir(mode=0o700, exist_ok=True)
    (pool / "pool-1").write_text(GONE)
    (pool / "pool-1").chmod(0o600)


def configured(*pairs: str) -> Callable[[Repo, str], None]:
    """A seed that adds settings, `name=value` each."""

    def seed(repo: Repo, plan: str) -> None:
        for pair in pairs:
            repo.git("config", "--add", *pair.split("=", 1))

    return seed


def branch_named_orch(repo: Repo, plan: str) -> None:
    delete_branch(repo, plan)
    repo.git("update-ref", "-d", f"refs/notes/orch/{plan}")
    repo.git("branch", "orch")


def symbolic(repo: Repo, plan: str) -> None:
    repo.git("symbolic-ref", f"refs/heads/orch/{GONE}", "refs/heads/main")


Seed = Callable[[Repo, str], None]
# Where the command that is printed is `git orch fsck --repair`, nothing stays.
SEEDS: dict[str, tuple[Seed, str]] = {
    "a line that is no event": (damage, "damaged-lines"),
    "an event without its form": (misshape, "damaged-lines"),
    "two events with one ID": (repeat_id, "damaged-lines"),
    "a note that is missing": (lose_note, "log-unreadable"),
    "a tree of notes that is missing": (lose_notes_tree, "log-unreadable"),
    "a log commit that is missing": (lose_log_commit, "commit-missing"),
    "a tip that is missing": (lose_tip, "commit-missing"),
    "an event of next week": (date_ahead, "dated-ahead"),
    "an intent without an end": (leave_intent, "intent-open"),
    "a branch that was reset": (reset_branch, "branch-moved"),
    "a branch that was deleted": (delete_branch, "branch-missing"),
    "a branch elsewhere": (leave_branch, "branch-foreign"),
    "a landing without its commit": (invent_landing, "landing-without-commit"),
    "a commit without its landing": (invent_claim, "claim-without-landing"),
    "a log that was deleted": (lose_log, "log-missing"),
    "an archiving that was cut off": (cut_archiving, "archive-unfinished"),
    "an archived plan with a branch": (archive_and_branch, "archived-branch"),
    "an archived plan that is live": (archive_and_log, "archive-left"),
    "a note of nobody in the archive": (spoil_archive, "archive-damaged"),
    "a lock": (leave_lock, "stale-lock"),
    "events of a killed run": (leave_spool, "spool-left"),
    "events of a plan that is gone": (leave_foreign_spool, "spool-left"),
    "kept commits of a plan that is gone": (keep_for_nobody, "kept-without-plan"),
    "a result of a plan that is gone": (result_for_nobody, "result-without-plan"),
    "a worktree of a plan that is gone": (worktree_for_nobody, "worktree-without-plan"),
    "a worktree of the pool that is gone, with its plan": (pool_for_nobody, "worktree-gone"),
    "a worktree that was deleted": (worktree_gone, "worktree-gone"),
    "a mirror": (configured("remote.o.url=x", "remote.o.mirror=true"), "remote-mirror"),
    "a fetch of everything": (
        configured("remote.o.url=x", "remote.o.fetch=+refs/*:refs/*"),
        "fetch-refspec",
    ),
    "a fetch of notes": (
        configured("remote.o.url=x", "remote.o.fetch=refs/notes/*:refs/notes/*"),
        "fetch-refspec",
    ),
    "a forced push of notes": (
        configured("remote.o.url=x", "remote.o.push=+refs/notes/*:refs/notes/*"),
        "push-refspec",
    ),
    "logs in every git log": (configured("notes.displayRef=refs/notes/*"), "notes-display"),
    "logs that git rewrites": (configured("notes.rewriteRef=refs/notes/orch/*"), "notes-rewrite"),
    "a log that git notes writes": (configured("core.notesRef=refs/notes/orch/x"), "notes-ref"),
    "a branch named orch": (branch_named_orch, "name-taken"),
    "a symbolic ref": (symbolic, "symbolic-ref"),
}


@pytest.mark.parametrize(("seed", "code"), SEEDS.values(), ids=SEEDS)
def test_a_seeded_fault_is_found_and_goes_by_the_command_that_is_printed(
    done: tuple[Here, str], seed: Seed, code: str
) -> None:
    """S2-119, S2-120, S2-121, S2-150."""
    here, plan = done
    seed(here.repo, plan)

    found = [fault for fault in faults(here) if fault["code"] == code]

    assert here("fsck", expect=1).out
    assert found, codes(here)
    if code in ("dated-ahead", "archive-damaged", "landing-without-commit", "branch-foreign"):
        return  # nothing to be done, or a run that needs its approval
    run(here, found[0]["repair"])
    assert code not in codes(here)


def run(here: Here, command: str) -> None:
    """Type a command that was printed, with the installed git-orch on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["sh", "-c", command], cwd=here.repo.path, env={**os.environ, "PATH": path}, check=False,
        capture_output=True,
    )  # fmt: skip


def test_the_command_for_a_commit_that_no_reflog_has_is_one_of_gits(done: tuple[Here, str]) -> None:
    here, plan = done
    lose_log_commit(here.repo, plan)
    shutil.rmtree(here.repo.path / ".git/logs")

    [repair] = [fault["repair"] for fault in faults(here) if fault["code"] == "commit-missing"]

    asked = subprocess.run(
        ["sh", "-c", repair], cwd=here.repo.path, check=False, capture_output=True
    )
    assert asked.returncode != 129, asked.stderr  # git's status for options that it does not have


def test_a_whole_road_leaves_no_faults(here: Here) -> None:
    """S2-150."""
    plan = here.plan(writing("a.txt", "b.txt"))
    assert codes(here) == set()
    for words in (
        ("exec", plan), ("rollback", "--to-step", "1", plan), ("exec", plan), ("redo", plan, "1"),
        ("undo", plan), ("land", plan), ("archive", "--undo", plan), ("archive", plan),
    ):  # fmt: skip
        here(*words)
        assert codes(here) == set(), words
    assert here("fsck").out == "no faults\n"


def test_repair_says_what_it_did_and_keeps_the_damaged_lines(done: tuple[Here, str]) -> None:
    here, plan = done
    damage(here.repo, plan)
    before = here.repo.git("rev-parse", f"refs/notes/orch/{plan}")

    said = here("fsck", "--repair").out

    assert "took 1 damaged line out of the log" in said
    assert here.repo.git("rev-parse", f"refs/notes/orch/{plan}~1") == before
    assert here.show(plan)["state"] == "COMPLETE"


def test_without_repair_nothing_is_written(done: tuple[Here, str]) -> None:
    here, plan = done
    damage(here.repo, plan)
    reset_branch(here.repo, plan)

    def present() -> dict[Path, tuple[int, int]]:
        git = here.repo.path / ".git"
        return {
            path: (path.stat().st_mtime_ns, path.stat().st_size)
            for path in git.rglob("*")
            if path.is_file()
        }

    before = present()
    here("fsck", expect=1)

    assert present() == before


def test_a_plan_that_somebody_works_on_is_not_broken(done: tuple[Here, str]) -> None:
    here, plan = done
    for seed in (leave_intent, leave_spool, reset_branch):
        seed(here.repo, plan)

    with localfiles.lock(PlanPlace(discover(here.repo.path), plan)):
        assert codes(here) == set()
    assert codes(here) == {"intent-open", "spool-left", "branch-moved"}


def test_a_lock_that_somebody_holds_is_none_of_the_stale_ones(done: tuple[Here, str]) -> None:
    here, plan = done
    with locks.held(here.repo.path / f".git/refs/heads/orch/{plan}.lock"):
        assert codes(here) == set()


def test_a_plan_alone_has_its_own_faults(done: tuple[Here, str]) -> None:
    here, plan = done
    damage(here.repo, plan)
    keep_for_nobody(here.repo, plan)

    assert codes(here, plan) == {"damaged-lines"}


def test_what_another_copy_of_the_repository_does_is_no_fault(done: tuple[Here, str]) -> None:
    here, plan = done
    leave_intent(here.repo, plan)
    clone = here.repo.path / ".git/orch/clone"
    clone.write_text("another\n")

    assert codes(here) == set()


def test_each_command_that_is_printed_is_one_line(done: tuple[Here, str]) -> None:
    here, plan = done
    for seed in (damage, reset_branch, keep_for_nobody, worktree_for_nobody):
        seed(here.repo, plan)

    for fault in faults(here):
        assert "\n" not in fault["repair"]
        assert shlex.split(fault["repair"], comments=True)[:1] == ["git"]


def test_many_plans_take_no_more_git_processes_than_one(done: tuple[Here, str]) -> None:
    here, _ = done
    one = programs(here)
    for _ in range(3):
        here.plan(writing("c.txt"))

    assert programs(here) == one


def programs(here: Here) -> int:
    """How many programs fsck starts."""
    traced = here.repo.path.parent / "traced"
    subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=execve", "-o", str(traced),
         sys.executable, "-m", "git_orch", "fsck"],
        cwd=here.repo.path, check=False, capture_output=True,
    )  # fmt: skip
    return sum(1 for line in traced.read_text("utf-8", "replace").splitlines() if "= 0" in line)
