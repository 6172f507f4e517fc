"""Attacks on the repositories below a directory, as a program of a user's: it makes the directory
anew, runs a script in the sandbox there, and does then what the user would do. It reads scripts and
prints answers, one in a line.

`python keeping.py PLACE` works in PLACE, which has a copy of git_orch.sandbox.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from git_orch import errors
from git_orch.plans.plan import Command
from git_orch.sandbox import trees
from git_orch.sandbox.trees import Directory
from git_orch.sandbox.walls import launcher, repositories, sandboxes

# The user's directory: a work tree, a repository in it, a submodule, one with its git directory beside
# it in the tree, a worktree of another, a bare one, one made by git-new-workdir, and a pointer to
# nothing.
SETUP = """
set -e
git init -q . && echo a > a && git add a && git commit -q -m a
git init -q nested && echo b > nested/b && git -C nested add b && git -C nested commit -q -m b
mkdir -p .git/modules linked plain/deep store
git init -q sub && mv sub/.git .git/modules/sub && echo 'gitdir: ../.git/modules/sub' > sub/.git
git init -q --separate-git-dir store/out out
echo 'gitdir: ../store/out' > out/.git
git -C nested worktree add -q ../linked/tree
git init -q --bare bare.git
git init -q newwd && mkdir -p parts/of && mv newwd/.git/config newwd/.git/hooks parts/of/
ln -s ../../parts/of/config ../../parts/of/hooks newwd/.git/
mkdir dangling && echo 'gitdir: ../missing/place' > dangling/.git
"""

_DEEP = 20  # directories: where a person may go
_INNER = frozenset({".git", "objects", "refs", "hooks", "info", "branches", "logs"})


def main(place: Path) -> None:
    """Answer scripts until there are no more."""
    top, template, mark = place / "top", place / "template", place / "MARK"
    evil = place / "evil.sh"
    evil.write_text(f"#!/bin/sh\necho ran >> '{mark}'\n")
    evil.chmod(0o755)
    top.mkdir()
    subprocess.run(["sh", "-c", SETUP], cwd=top, check=True)
    shutil.copytree(top, template, symlinks=True)
    sandbox = sandboxes.choose("auto", os.environ["PATH"])
    for line in sys.stdin:
        script, prepare, keeps = json.loads(line)
        runner = launcher.Launcher(os.environ, place / "home", sandbox, keeps_repositories=keeps)
        subprocess.run(["chmod", "-R", "u+rwx", top], check=True)
        subprocess.run(["rm", "-rf", top, mark], check=True)
        subprocess.run(["cp", "-a", template, top], check=True)
        subprocess.run(["sh", "-ec", prepare], cwd=top, check=True)
        before = described(top)
        command = Command(shell=script.replace("EVIL", str(evil)))
        changes: list[str] | None = None
        text = ""
        try:
            outcome = runner.run(command, worktree=top, timeout=60)
            text = outcome.output.decode("utf-8", "backslashreplace")
        except repositories.RepositoriesChanged as changed:
            changes = [change.path for change in changed.changes]
            text = changed.cause
        except errors.OrchError as other:
            text = f"{type(other).__name__}: {other.cause}"
        top.chmod(0o755)  # a user who finds the directory closed opens it
        after = described(top)
        used(top)
        same = {path: facts for path, facts in after.items() if path in before} == before
        answer = {"changes": changes, "text": text, "ran": mark.exists(), "same": same,
                  "special": special(top)}  # fmt: skip
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def directories(top: Path) -> Iterator[Directory]:
    """The directories in which somebody may stand: not those inside of a git directory."""
    for directory in trees.walk(top):
        for name in _INNER.intersection(directory.inner):
            directory.inner.remove(name)
        if len(directory.names) > _DEEP:
            directory.inner.clear()
        yield directory


def used(top: Path) -> None:
    """The user looks around: git in every directory, as a prompt would start it."""
    for directory in directories(top):
        subprocess.run(
            ["git", "status"], cwd=top / directory.path, capture_output=True, check=False
        )


def described(top: Path) -> dict[str, str]:
    """What there is of git in each directory, and what tells it what to run."""
    described = {}
    for directory in directories(top):
        place = top / directory.path
        own = ("config", "HEAD", "commondir", "hooks") if (place / "HEAD").exists() else ()
        for name in (".git", ".git/config", ".git/hooks", *own):
            path = place / name
            shown = os.path.realpath(path) if path.is_symlink() else ""
            if path.is_file():
                shown += path.read_text()
            elif path.is_dir():
                shown += str(sorted(os.listdir(path)))
            if os.path.lexists(path):
                described[f"{directory.path}/{name}"] = shown
    return described


def special(top: Path) -> list[str]:
    """Files and directories with special bits."""
    done = subprocess.run(
        ["find", ".", "-perm", "/7000", "-not", "-path", "./.git/*"],
        cwd=top, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return sorted(done.stdout.splitlines())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
