"""Many things at once in one repository: collections of garbage beside runs, readers beside plans
that come and go, and process groups that are killed. Bounded forms run always, longer ones with
GIT_ORCH_SOAK=1.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Any

import pytest
from conftest import Repo

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
STEPS = 40 if SOAK else 5
RUNS = 4
KINDS: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda name: {"files": {f"{name}.txt": f"{name}\n", f"{name}/inner.txt": f"{name}\n"}},
    lambda name: {
        "run": f"echo {name} >{name}.txt",
        "checks": [{"command": f"test -f {name}.txt"}],
    },
)


def plan_of(number: int, steps: int) -> dict[str, Any]:
    """A plan of steps that follow each other, of every kind in turn."""
    made = []
    for index in range(steps):
        name = f"p{number}s{index}"
        kind = KINDS[(number + index) % len(KINDS)]
        made.append(
            {"title": f"Make {name}", **kind(name)} | ({"depends_on": [index]} if index else {})
        )
    return {"title": f"Plan {number}", "steps": made}


@contextlib.contextmanager
def repeated(act: Callable[[], None], most: int = 100_000) -> Iterator[None]:
    """Do something again and again beside what is done meanwhile, once at least; its exception is
    ours.
    """
    over = threading.Event()

    def loop() -> int:
        for times in range(most):
            act()
            if over.is_set():
                return times
        return most

    with futures.ThreadPoolExecutor(1) as executor:
        going = executor.submit(loop)
        try:
            yield
        finally:
            over.set()
        going.result()


def events_of(repo: Repo, plan: str) -> list[dict[str, Any]]:
    """The events of a plan's log, read with git alone."""
    notes = repo.git("notes", f"--ref=orch/{plan}", "list").splitlines()
    blobs = [repo.git("cat-file", "blob", note.split()[0]) for note in notes]
    return [json.loads(line) for blob in blobs for line in blob.splitlines()]


def past_events(repo: Repo, plan: str) -> set[str]:
    """The IDs of all events that any commit of a plan's log has ever held."""
    listed = repo.git("rev-list", "--objects", "--no-object-names", f"refs/notes/orch/{plan}")
    kinds = repo.git("cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=listed + "\n")
    blobs = [line.split()[1] for line in kinds.splitlines() if line.startswith("blob ")]
    texts = [repo.git("cat-file", "blob", blob) for blob in blobs]
    return {json.loads(line)["id"] for text in texts for line in text.splitlines()}


def refuse_losses(repo: Repo, plan: str) -> None:
    """No event and no commit that the log says has landed is lost."""
    events = events_of(repo, plan)
    assert {event["id"] for event in events} == past_events(repo, plan)
    landed = {event["commit"] for event in events if event["event"] == "step.landed"}
    assert landed <= set(repo.git("rev-list", "--all").split())


def collected(repo: Repo, *options: str) -> Callable[[], None]:
    """A collection of garbage as the user would start it; it has to succeed."""

    def collect() -> None:
        repo.git("gc", "--quiet", *options)

    return collect


@pytest.mark.parametrize("options", [(), ("--prune=now",)], ids=["default", "now"])
@pytest.mark.parametrize("walls", ["sandboxed", "unsandboxed"])
def test_garbage_is_collected_beside_four_runs_and_nothing_fails_or_is_lost(
    repo: Repo, options: Sequence[str], walls: str
) -> None:
    if walls == "unsandboxed":
        repo.git("config", "--global", "orch.sandbox", "none")
    plans = [repo.plan(plan_of(number, STEPS)) for number in range(RUNS)]
    with repeated(collected(repo, *options)), futures.ThreadPoolExecutor(RUNS) as executor:
        ended = list(executor.map(lambda plan: repo.orch("exec", plan, expect=None), plans))
    assert [done.returncode for done in ended] == [0] * RUNS, [done.stderr for done in ended]
    for plan in plans:
        assert repo.step_states(plan) == ["done"] * STEPS
        refuse_losses(repo, plan)
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
    collected(repo, "--prune=now")()
    assert [repo.step_states(plan) for plan in plans] == [["done"] * STEPS] * RUNS


READERS = (
    ("ls",), ("ls", "--all"), ("ls", "--all", "--json"), ("show", "PLAN"),
    ("show", "PLAN", "--json"), ("status",), ("status", "PLAN"), ("status", "PLAN", "--json"),
    ("log", "PLAN"), ("log", "PLAN", "--json"),
)  # fmt: skip


def test_readers_beside_plans_that_are_archived_and_brought_back_never_fail(repo: Repo) -> None:
    """Whatever they read, the plan is there: live or in the archive."""
    plans = [repo.plan(plan_of(number, 1)) for number in range(2)]
    for plan in plans:
        repo.orch("exec", plan)
    over = threading.Event()

    def come_and_go(plan: str) -> None:
        while not over.is_set():
            repo.orch("archive", plan)
            repo.orch("unarchive", plan)

    def read(plan: str) -> list[str]:
        failures = []
        for _ in range(100 if SOAK else 6):
            for words in READERS:
                argv = [plan if word == "PLAN" else word for word in words]
                done = repo.orch(*argv, expect=None)
                listed = done.stdout.splitlines()
                missed = argv[:2] == ["ls", "--all"] and len(listed) < len(plans)
                if done.returncode != 0 or done.stderr or missed:
                    failures.append(f"{argv}: {done.returncode} {done.stderr}")
        return failures

    with futures.ThreadPoolExecutor(4) as executor:
        movers = [executor.submit(come_and_go, plan) for plan in plans]
        readers = [executor.submit(read, plan) for plan in plans]
        futures.wait(readers)
        over.set()
    assert [reader.result() for reader in readers] == [[], []]
    for mover in movers:
        mover.result()


# -- kills -----------------------------------------------------------------------------------------

KILLS = 200 if SOAK else 10
LONGEST = 1.5  # seconds before the kill
# What is killed, and what is to work afterwards with one of these exit codes: 5 is "not archived",
# 3 "archived already".
ROUNDS: tuple[tuple[tuple[str, ...], tuple[tuple[tuple[str, ...], set[int]], ...]], ...] = (
    (("exec",), ((("exec",), {0}),)),
    (("rollback", "--to-step", "1"), ((("exec",), {0}),)),
    (("rollback",), ((("exec",), {0}),)),
    (("redo", "2"), ((("exec",), {0}),)),
    (("archive",), ((("archive",), {0, 3}), (("unarchive",), {0}))),
    (("unarchive",), ((("unarchive",), {0, 5}), (("exec",), {0}))),
)


def killed(repo: Repo, argv: Sequence[str], seconds: float) -> None:
    """Run git-orch, and after so many seconds kill it with all that stands in its process group."""
    process = subprocess.Popen(
        [sys.executable, "-m", "git_orch", *argv],
        cwd=repo.path, start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def with_plan(argv: Sequence[str], plan: str) -> list[str]:
    """The command line with the plan in its place."""
    return [argv[0], plan, *argv[1:]]


def test_whatever_is_killed_the_next_command_goes_on_and_nothing_is_lost(repo: Repo) -> None:
    """At random moments; a lock on packed-refs is anybody's and the only thing a person removes."""
    chance = random.Random(os.urandom(8) if SOAK else 9)
    plan = repo.plan(plan_of(0, 3))
    seen: set[str] = set()
    for number in range(KILLS):
        victim, rest = ROUNDS[number % len(ROUNDS)]
        if victim == ("unarchive",):
            repo.orch("archive", plan)
        killed(repo, with_plan(victim, plan), chance.uniform(0.1, LONGEST))
        (repo.path / ".git/packed-refs.lock").unlink(missing_ok=True)
        for argv, statuses in rest:
            done = repo.orch(*with_plan(argv, plan), expect=None)
            assert done.returncode in statuses, f"{victim} killed, {argv}: {done.stderr}"
        assert repo.step_states(plan) in (["done"] * 3, ["pending"] * 3)
        refuse_losses(repo, plan)
        ids = {event["id"] for event in events_of(repo, plan)}
        assert seen <= ids, f"{victim} lost events"
        seen = ids
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


# Commands that use a plan up: killed, each is given again. 3 is "landed" or "archived already", 5
# "no such step any more".
ONCE: dict[str, tuple[str, ...]] = {
    "land": ("land",),
    "pick": ("pick", "1,2", "--onto", "beside"),
    "drop": ("drop", "3"),
    "reorder": ("reorder", "2,1,3"),
    "edit": ("edit", "--from", "edited.json"),
}


@pytest.mark.parametrize("name", ONCE)
def test_a_killed_change_of_a_plan_can_be_given_again(repo: Repo, name: str) -> None:
    """At random moments: the plan's events stay, and the command works or was done."""
    chance = random.Random(os.urandom(8) if SOAK else name)
    repo.git("branch", "beside")
    for number in range(KILLS // 10):
        plan = repo.plan(plan_of(3 * number, 3))
        repo.orch("exec", plan)
        edited = plan_of(3 * number, 3)
        (repo.path / "edited.json").write_text(json.dumps({**edited, "title": f"Edited {number}"}))
        before = {event["id"] for event in events_of(repo, plan)}
        killed(repo, given(ONCE[name], plan), chance.uniform(0.1, LONGEST))
        (repo.path / ".git/packed-refs.lock").unlink(missing_ok=True)
        done = repo.orch(*given(ONCE[name], plan), expect=None)
        assert done.returncode in {0, 3, 5}, f"{name} killed: {done.stderr}"
        repo.orch("unarchive", plan, expect=None)  # what landed is archived
        assert before <= {event["id"] for event in events_of(repo, plan)}, f"{name} lost events"
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def given(argv: Sequence[str], plan: str) -> list[str]:
    """The command line for this plan: steps come before it where they name a change."""
    verb, *rest = argv
    return [verb, plan, *rest]
