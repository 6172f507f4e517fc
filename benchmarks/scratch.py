"""A place of our own: a home without anybody's configuration, repositories of a given size, and
timed commands.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import measure

FIRST_FILE = "d0000/f00.txt"  # the file that every step changes
_FILES_IN_DIRECTORY = 100

# What git-orch syncs of what it writes, in the form of options for the git that it is measured
# beside.
SYNCED = ("-c", "core.fsync=committed,reference", "-c", "core.fsyncMethod=batch")


class Scratch:
    """A directory with a home in it; commands started from here see no other configuration, key or
    proxy.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        home = path / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Ada Bench\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
            "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[advice]\n\tdetachedHead = false\n"
        )
        strange = ("GIT_", "ANTHROPIC_", "XDG_", "ORCH_", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
        kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
        self.variables = kept | {
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def run(
        self,
        *argv: str,
        cwd: Path,
        stdin: bytes | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> bytes:
        """Standard output of a command. Raises CalledProcessError, with what it said on standard
        error shown.
        """
        environment = {**self.variables, **(variables or {})}
        done = subprocess.run(
            argv, cwd=cwd, env=environment, input=stdin or b"", capture_output=True, check=False
        )
        if done.returncode != 0:
            sys.stderr.write(done.stderr.decode("utf-8", "replace"))
            raise subprocess.CalledProcessError(done.returncode, argv)
        return done.stdout

    def seconds(
        self, *argv: str, cwd: Path, variables: Mapping[str, str] | None = None
    ) -> list[float]:
        """One sample: a command from start to exit."""
        return measure.timed(lambda: self.run(*argv, cwd=cwd, variables=variables))

    def laps(
        self, *argv: str, cwd: Path, word: bytes, variables: Mapping[str, str] | None = None
    ) -> list[float]:
        """Seconds between the lines of standard error that begin with `word`: one sample less than
        lines.
        """
        child = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**self.variables, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        said, moments = [], []
        for line in child.stderr or ():
            said.append(line)
            if line.strip().startswith(word):
                moments.append(time.perf_counter())
        if child.wait() != 0:
            sys.stderr.write(b"".join(said).decode("utf-8", "replace"))
            raise subprocess.CalledProcessError(child.returncode, argv)
        return [later - earlier for earlier, later in itertools.pairwise(moments)]

    def repository(self, name: str, files: int) -> Path:
        """A repository with one commit of that many small files, checked out, its index settled."""
        path = self.path / name
        path.mkdir()
        self.run("git", "init", "-q", cwd=path)
        self.run("git", "fast-import", "--quiet", cwd=path, stdin=b"".join(_import(files)))
        self.run("git", "-c", "checkout.workers=2", "reset", "-q", "--hard", cwd=path)
        self.settle(path)
        return path

    def settle(self, tree: Path) -> None:
        """Let the index be younger than every file: until then git reads the files again, each
        time.
        """
        time.sleep(1.1)
        self.run("git", "update-index", "-q", "--really-refresh", cwd=tree)

    def remove(self, repository: Path) -> None:
        """Give the disk space back."""
        shutil.rmtree(repository)


def _import(files: int) -> Iterator[bytes]:
    yield b"commit refs/heads/main\ncommitter Ada Bench <ada@example.com> 1700000000 +0000\ndata 5\nfirst\n"
    for number in range(files):
        directory, name = divmod(number, _FILES_IN_DIRECTORY)
        content = f"the text of file {number}\n" * (number % 7 + 1)
        yield f"M 100644 inline d{directory:04}/f{name:02}.txt\ndata {len(content)}\n{content}\n".encode(
            "ascii"
        )


@contextmanager
def opened() -> Iterator[Scratch]:
    """A scratch place that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="git-orch-bench-") as directory:
        yield Scratch(Path(directory).resolve())


def program(names: Sequence[str]) -> str | None:
    """The first of the programs that is on PATH."""
    return next((found for found in map(shutil.which, names) if found is not None), None)
