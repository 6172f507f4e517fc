"""Runs git-orch again and again in forked processes, and kills it with SIGKILL at a chosen point.

A point is the moment before or after a deed that the product marks (git_orch/checkpoints.py): a git
call, an object write, a move of a ref, a file of ours, a phase of a landing, a command of a step.
One JSON object a line on standard input asks for a run, one on standard output answers it. Forking
from a process that has imported everything saves the start of Python at each of some hundred
points.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Any, NoReturn

import unsynced

from git_orch import checkpoints
from git_orch.cli import main as boundary
from git_orch.plans.history.events import Event

GC_STRIDE = (
    31  # points; collecting at each would leave nobody the time to write again what was taken
)


class Points:
    """Counts the points of a run, writes their labels down for whoever holds the other end, and
    ends us at one of them.
    """

    def __init__(self, labels: int, fatal: int | None, gc_from: int | None) -> None:
        self._labels = labels
        self._fatal = fatal
        self._gc_from = gc_from
        self._count = 0
        self._guard = threading.Lock()

    def __call__(self, moment: checkpoints.Moment, deed: str, about: object) -> None:
        """Die here if this is the point; collect garbage at some."""
        if (moment, deed) == ("after", "spool event") and isinstance(about, Event):
            os.write(self._labels, f"+{about.id}\n".encode())  # from now on it must not get lost
        self._reached(f"{moment} {_label(deed, about)}")
        if (moment, deed) == ("before", "do step"):
            _call_a_model(about)

    def _reached(self, label: str) -> None:
        with self._guard:
            os.write(self._labels, f"{label}\n".encode())
            if self._count == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            if self._gc_from is not None and self._count % GC_STRIDE == self._gc_from:
                # It fails where it finds an object missing that is about to be written again.
                subprocess.run(
                    ["git", "gc", "--quiet", "--prune=now"], check=False, stdin=subprocess.DEVNULL
                )
            self._count += 1


def _label(deed: str, about: Any) -> str:
    """What the deed is called in every run: IDs and paths differ from run to run."""
    match deed:
        case "git":
            return "git " + _verb(about)
        case "move ref" | "delete ref":
            kinds = ("heads", "notes", "kept", "results")
            return f"{deed[:-4]} " + next(kind for kind in kinds if f"/{kind}/" in about)
        case _:
            return deed


def _verb(argv: list[str]) -> str:
    """The git command without options; of `worktree` with the word that follows."""
    words = iter(argv[1:])
    named = []
    for word in words:
        if word == "-c":
            next(words)
        elif not word.startswith("-"):
            named.append(word)
    return " ".join(named[:2] if named[0] == "worktree" else named[:1])


def _call_a_model(attempt: Any) -> None:
    """Make each step use a model as far as the log is concerned: its usage must survive every kill."""
    job, site = attempt
    site.spool(
        "model.called", purpose="step", step=job.step.id, attempt=job.attempt, model="m",
        usage={"input_tokens": 7}, usd=0.25, seconds=0.1,
    )  # fmt: skip


def _child(asked: dict[str, Any], out: int, err: int, labels: int) -> NoReturn:
    os.chdir(asked["cwd"])
    os.environ.update(asked["env"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    if asked["counted"]:
        checkpoints.observe(Points(labels, asked["point"], asked["gc_from"]))
    status = 70
    try:
        boundary.main(asked["argv"])
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        atexit._run_exitfuncs()
        os._exit(status)


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.TemporaryFile() as labels,
    ):
        child = os.fork()
        if child == 0:
            _child(asked, out.fileno(), err.fileno(), labels.fileno())
        _, ended = os.waitpid(child, 0)
        texts = []
        for file in (out, err, labels):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    status = os.waitstatus_to_exitcode(ended)
    lines = texts[2].splitlines()
    points = [line for line in lines if not line.startswith("+")]
    spooled = [line[1:] for line in lines if line.startswith("+")]
    return {
        "status": status,
        "stdout": texts[0],
        "stderr": texts[1],
        "points": points,
        "spooled": spooled,
    }


def main() -> None:
    """Answer until the end of standard input."""
    unsynced.import_all(but=unsynced.MODEL)  # SIGKILL loses nothing that was written
    for line in sys.stdin:
        answer = json.dumps(_answer(json.loads(line))) + "\n"
        os.write(sys.stdout.fileno(), answer.encode())


if __name__ == "__main__":
    main()
