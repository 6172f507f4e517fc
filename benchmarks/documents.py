"""(h) The documents: what each command takes, and a thousand ideas."""

from __future__ import annotations

import functools
import json
import shutil
import sys
import time
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Case, Samples, Table
from benchmarks.scratch import Scratch
from git_orch.flow.documents import draft
from git_orch.flow.documents.draft import Idea
from git_orch.repo.repository import discover
from git_orch.views.progress import ConsoleReporter

_MANY = 1_000
# An earlier tool with these commands took 300 ms for each, 3.2 s for the specs of 1,000 ideas, and
# 0.4 s to see that there was nothing to do, where an empty Python program takes some 15 ms.
_COMMAND, _SPECS, _IDLE = 300 / 15, 3_200 / 15, 400 / 15


def table(scratch: Scratch, *, quick: bool) -> Table:
    """The commands of documents, and `orchestrate` of many ideas, beside an empty Python program."""
    few = scratch.repository("few", 10)
    scratch.run("git", "orch", "plan", "The first idea", "--ready", cwd=few)
    scratch.run("git", "orch", "orchestrate", "--offline", cwd=few)
    run = functools.partial(scratch.seconds, "git", "orch", cwd=few)
    cases: dict[str, Case] = {
        "plan --ready": functools.partial(_idea, scratch, few),
        "ready": functools.partial(_of_an_idea, scratch, few, "ready"),
        "spec --offline": functools.partial(_of_an_idea, scratch, few, "spec", "--offline"),
        "orchestrate": functools.partial(run, "orchestrate", "--offline"),
        "scout": functools.partial(run, "scout"),
        "owner who": functools.partial(run, "owner", "who"),
        "status": functools.partial(run, "status"),
        "do": functools.partial(run, "do", "who is the owner"),
        "docs": functools.partial(run, "docs"),
    }
    python = functools.partial(scratch.seconds, sys.executable, "-c", "pass", cwd=few)
    times = measure.side_by_side({**cases, "python": python}, 5 if quick else 15)
    rows = [measure.compared(name, times[name], times["python"], _COMMAND) for name in cases]
    ideas = _ideas(scratch)
    many: dict[str, Case] = {
        "specs": functools.partial(_specs, scratch, ideas),
        "idle": functools.partial(_idle, scratch, ideas),
        "python": python,
    }
    times = measure.side_by_side(many, 1 if quick else 3)
    rows += [
        measure.compared(f"orchestrate, {_MANY:,} ideas", times["specs"], times["python"], _SPECS),
        measure.compared(f"orchestrate, {_MANY:,} specs", times["idle"], times["python"], _IDLE),
    ]
    return Table("(h) documents, beside `python -c pass`", rows)


def _idea(scratch: Scratch, place: Path) -> Samples:
    """Making an idea, which is rejected afterwards: no command has more of them to read than others."""
    begun = time.perf_counter()
    made = scratch.run("git", "orch", "plan", "An idea", "--ready", "--json", cwd=place)
    taken = time.perf_counter() - begun
    scratch.run("git", "orch", "reject", json.loads(made)["data"]["id"], "--why", "x", cwd=place)
    return [taken]


def _of_an_idea(scratch: Scratch, place: Path, command: str, *options: str) -> Samples:
    """A command with a new idea, which is rejected afterwards."""
    made = scratch.run("git", "orch", "plan", "An idea", "--draft", "--json", cwd=place)
    plan = json.loads(made)["data"]["id"]
    taken = scratch.seconds("git", "orch", command, plan, *options, cwd=place)
    scratch.run("git", "orch", "reject", plan, "--why", "x", cwd=place)
    return taken


def _ideas(scratch: Scratch) -> Path:
    """A repository with ideas that are ready."""
    path = scratch.repository("ideas", 10)
    found = discover(path, scratch.variables)
    for number in range(_MANY):
        draft.store_idea(found, Idea(f"Idea {number}", None, "Ada", ready=True), ConsoleReporter())
    return path


def _specs(scratch: Scratch, ideas: Path) -> Samples:
    """Writing the specs of all ideas, in a repository that is put back afterwards."""
    kept = ideas.with_name("kept")
    shutil.copytree(ideas, kept, symlinks=True)
    taken = scratch.seconds("git", "orch", "orchestrate", "--offline", cwd=ideas)
    scratch.remove(ideas)
    kept.rename(ideas)
    return taken


def _idle(scratch: Scratch, ideas: Path) -> Samples:
    """Looking again when all ideas have their specs."""
    done = ideas.with_name("done")
    if not done.exists():
        shutil.copytree(ideas, done, symlinks=True)
        scratch.run("git", "orch", "orchestrate", "--offline", cwd=done)
    return scratch.seconds("git", "orch", "orchestrate", "--offline", cwd=done)
