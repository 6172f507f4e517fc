"""Whatever outlives a run changes at a border of its own, so that the kill tests try a kill between
any two changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections import Counter
from pathlib import Path

from conftest import Here
from model_server import ModelServer, tool, turn

from git_orch import checkpoints

# Deeds that change one thing, or are git's or a command's own.
SINGLE = {
    "append record", "hold pack", "name pack", "place worktree", "displace worktree", "release pack",
    "remove file", "remove pack", "spool event", "write trace", "write file",
}  # fmt: skip
OF_OTHERS = {"git", "run command", "move ref", "delete ref"}
# What no later run reads: files of worktrees, what has no name yet, and git's logs and locks. What
# commands print is written while they run.
SCRATCH = re.compile(
    r"git-orch/worktrees/|\.lock$|/tmp_[^/]*$|/\.[^/]*\.[0-9a-f]{8}$|/\.git/logs/"
    r"|/orch/(?:aside|packed|output)/"
)
WORKTREE = re.compile(r"(/\.git/worktrees/[^/]*)/.*")  # it comes and goes by one rename
STEPS = {
    "title": "Steps",
    "steps": [
        {"id": "s1", "title": "Write a", "files": {"a.txt": "a\n", "sub/a.txt": "a\n"}},
        {
            "id": "s2",
            "title": "Make b",
            "run": "echo b > b.txt",
            "checks": [{"command": "test -f b.txt"}],
        },
        {
            "id": "s3",
            "title": "Make more",
            "run": "seq 9 | split -l 1 - more-",
            "depends_on": [1, 2],
        },
        {
            "id": "s4",
            "title": "Write c",
            "prompt": "Write c.txt",
            "paths": ["c.txt"],
            "depends_on": [3],
        },
        {"id": "s5", "title": "Fail", "run": "false", "depends_on": [4]},
    ],
}
EDITED = {**STEPS, "steps": STEPS["steps"][:-1]}
COMMANDS = (
    ("plan", "--from", "plan.json"), ("ls",), ("status",), ("exec", "--jobs", "1", "PLAN"),
    ("edit", "PLAN", "--from", "edited.json"), ("exec", "PLAN"), ("drop", "PLAN", "4"),
    ("rollback", "--to-step", "1", "PLAN"), ("rollback", "--undo", "PLAN"), ("redo", "PLAN", "3"),
    ("archive", "PLAN"), ("unarchive", "PLAN"), ("pick", "PLAN", "1,2", "--onto", "beside"),
    ("land", "--partial", "--onto", "other", "PLAN"), ("undo", "PLAN"), ("undo", "PLAN"),
)  # fmt: skip


class Watch:
    """Looks at files whenever git-orch passes a border, and writes down what changed elsewhere."""

    def __init__(self, *places: Path) -> None:
        self.elsewhere: list[str] = []
        self._places = places
        self._guard = threading.Lock()
        self._open: Counter[str] = Counter()
        self._seen = self._look()

    def __call__(self, moment: checkpoints.Moment, deed: str, _about: object, /) -> None:
        """Look at a border."""
        with self._guard:
            self.look()
            self._open[deed] += 1 if moment == "before" else -1

    def look(self) -> None:
        """Compare the files with those of the last time."""
        before, now = self._seen, self._look()
        self._seen = now
        changed = {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
        deeds = {deed for deed, times in self._open.items() if times}
        if changed and not deeds & OF_OTHERS and (len(changed) > 1 or not deeds & SINGLE):
            self.elsewhere.append(f"{sorted(changed)} in {sorted(deeds)}")

    def _look(self) -> dict[str, tuple[int, ...]]:
        files: dict[str, tuple[int, ...]] = {}
        for place in self._places:
            for directory, _, names in os.walk(place):
                for path in (f"{directory}/{name}" for name in names):
                    if not SCRATCH.search(path):
                        name = WORKTREE.sub(r"\1", path)
                        files[name] = files.get(name, ()) + _facts(path)
        return {name: facts for name, facts in files.items() if facts}


def _facts(path: str) -> tuple[int, ...]:
    """What tells a file from another one; nothing for an empty one: that is a lock, or about to be
    written.
    """
    with contextlib.suppress(FileNotFoundError):
        facts = os.lstat(path)
        if facts.st_size or path.endswith(".keep"):
            return (facts.st_ino, facts.st_mtime_ns)
    return ()


def test_whatever_outlives_a_run_changes_at_a_border_of_its_own(
    here: Here, hermetic: Path, model_server: ModelServer
) -> None:
    for branch in ("beside", "other"):
        here.repo.git("branch", branch)
    here.repo.write({"plan.json": json.dumps(STEPS), "edited.json": json.dumps(EDITED)})
    model_server.script(
        turn(tool("write_file", path="c.txt", content="c\n")), turn(tool("step_done", summary="C."))
    )
    watch, plan = Watch(here.repo.path / ".git", hermetic), ""
    checkpoints.observe(watch)
    try:
        for command in COMMANDS:
            argv = [plan if word == "PLAN" else word for word in command]
            done = here(*argv, expect=1 if "--jobs" in command else 0)
            plan = plan or done.out.split()[0]
            watch.look()
            assert watch.elsewhere == [], argv
    finally:
        checkpoints.observe(None)
