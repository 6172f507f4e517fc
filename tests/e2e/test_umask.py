"""Whatever the umask: every flow works, and git-orch's own files are closed to others."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import forking
import pytest
from conftest import Repo, writing

UMASKS = (0o000, 0o002, 0o077)

LIFE = {
    "title": "Do a bit of everything",
    "steps": [
        {"title": "Files", "files": {"a.txt": "a\n", "e/b.txt": "b\n"}},
        {
            "title": "Run",
            "run": "mkdir n && echo n > n/n && ./tool > t.txt && echo log > z.log && git status",
            "checks": [{"command": "./tool && test -f n/n"}],
        },
        {
            "title": "By hand",
            "kind": "manual",
            "prompt": "Write m.txt",
            "depends_on": [2],
            "checks": [{"command": "test -f m.txt"}],
        },
    ],
}


class User:
    """Somebody with a umask, in a repository of theirs."""

    def __init__(self, path: Path, umask: int) -> None:
        self.path, self.umask = path, umask

    def run(self, *words: str, expect: int = 0, stdin: str = "", cwd: Path | None = None) -> str:
        """Standard output of a command."""
        done = subprocess.run(
            words,
            cwd=cwd or self.path,
            umask=self.umask,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def orch(self, *words: str, expect: int = 0, stdin: str = "") -> str:
        """Standard output of git-orch."""
        variables = dict(os.environ)
        whose = {"user": os.geteuid(), "group": os.getegid(), "umask": self.umask}
        done = forking.forks(variables).run(words, str(self.path), variables, stdin, whose)
        assert done.returncode == expect, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def plan(self, document: dict[str, Any]) -> str:
        made = self.orch("plan", "--from", "-", stdin=json.dumps(document))
        return made.split()[0]

    def live(self) -> None:
        """The life of some plans, with every command that keeps something."""
        failing = {"title": "Fail", "steps": [{"title": "Fail", "run": "echo half > h; exit 3"}]}
        self.orch("doctor")
        self.orch("caps")
        plan = self.plan(LIFE)
        self.orch("exec", plan, expect=9)
        [worktree] = (Path(line) for line in self.worktrees() if Path(line) != self.path)
        self.run("sh", "-c", "echo m > m.txt", cwd=worktree)
        self.orch("done", plan)
        self.orch("verify", plan)
        self.orch("rollback", plan, "--last", "1")
        self.orch("rollback", plan, "--undo")
        self.orch("redo", plan, "2")
        self.orch("exec", plan)
        self.orch("land", plan)
        failed = self.plan(failing)
        self.orch("exec", failed, expect=1)
        self.orch("archive", failed)
        self.orch("unarchive", failed)
        self.orch("reject", failed, "--why", "it fails")
        self.orch("exec", "--no-git", "--from", "-", stdin=json.dumps(writing("o.txt")))

    def worktrees(self) -> Iterator[str]:
        for line in self.run("git", "worktree", "list", "--porcelain").splitlines():
            if line.startswith("worktree "):
                yield line.removeprefix("worktree ")


@pytest.fixture(params=UMASKS, ids="{:03o}".format)
def user(request: pytest.FixtureRequest, repo: Repo) -> User:
    repo.write({"tool": "#!/bin/sh\necho tool\n", ".gitignore": "*.log\n"})
    (repo.path / "tool").chmod(0o755)
    repo.commit({})
    return User(repo.path, request.param)


def test_flows_work_and_files_of_git_orch_are_closed_to_others(user: User, hermetic: Path) -> None:
    user.live()
    places = (hermetic / ".local", hermetic / ".cache", user.path / ".git/orch")
    assert [f"{place.stat().st_mode & 0o777:o}" for place in places] == ["700"] * 3
    user.orch("exec", user.plan(writing("p.txt", "q.txt", chained=False)))
