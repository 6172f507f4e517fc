"""Many things at once in one repository. Bounded forms run always, longer ones with
GIT_ORCH_SOAK=1.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

from conftest import Repo

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
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
                missed = argv[:2] == ["ls", "--all"] and done.stdout.count("PLAN-") < len(plans)
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
