"""Runs git-orch again and again in forked processes, and kills it with SIGKILL at a chosen point.

A point is the moment before or after a git call, an object write, a move of a ref, a phase of a
landing, or a command of a step. They are counted by wrapping those functions here, in the process
of the test: production code has no hook. One JSON object a line on standard input asks for a run,
one on standard output answers it. Forking from a process that has imported everything saves the
start of Python at each of some hundred points.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import unsynced

from git_orch.cli import main as boundary
from git_orch.flow import open_plan
from git_orch.flow.attempt import attempt
from git_orch.flow.attempt import job as jobs
from git_orch.flow.attempt.site import Site, Work
from git_orch.flow.run import execute, preconditions, run
from git_orch.plans.history.events import Event
from git_orch.repo import git, refs
from git_orch.repo.log import results, spool
from git_orch.repo.objects import catfile, objects
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import pool, worktrees
from git_orch.sandbox.process import family
from git_orch.sandbox.walls import launcher

GC_STRIDE = (
    31  # points; collecting at each would leave nobody the time to write again what was taken
)


class Points:
    """Counts the points of a run, tells their labels to whoever holds the other end, and ends us at
    one of them.
    """

    def __init__(self, labels: int, fatal: int | None, gc_from: int | None) -> None:
        self._labels = labels
        self._fatal = fatal
        self._gc_from = gc_from
        self._count = 0
        self._guard = threading.Lock()

    def reached(self, label: str) -> None:
        """Die here if this is the point; collect garbage at some."""
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


def _wrapped(points: Points, owner: Any, name: str, label: Callable[..., str]) -> None:
    """Put a point before and after every call of `owner.name`; `label` makes its name from the
    call's arguments.
    """
    original = getattr(owner, name)

    @functools.wraps(original)
    def around(*args: Any, **options: Any) -> Any:
        told = label(*args, **options)
        points.reached(f"before {told}")
        result = original(*args, **options)
        points.reached(f"after {told}")
        return result

    setattr(owner, name, around)


def _git_label(argv: list[str], *_rest: object) -> str:
    words = iter(argv[1:])
    named = []
    for word in words:
        if word == "-c":
            next(words)
        elif not word.startswith("-"):
            named.append(word)
    return "git " + " ".join(named[:2] if named[0] == "worktree" else named[:1])


def _ref_label(_repository: object, ref: str, **_rest: object) -> str:
    return "move " + next(
        name for name in ("heads", "notes", "kept", "results") if f"/{name}/" in ref
    )


def _fixed(label: str) -> Callable[..., str]:
    return lambda *_args, **_options: label


def _wrap_all(points: Points) -> None:
    _wrapped(points, git, "start", _git_label)
    _wrapped(points, refs, "move", _ref_label)
    _wrapped(points, refs, "delete", _ref_label)
    for backend, name in ((objects.LibraryObjects, "library"), (catfile.CommandObjects, "command")):
        _wrapped(
            points, backend, "write", lambda _self, kind, _data, name=name: f"{name} write {kind}"
        )
    for phase in ("record", "move", "_intend", "_confirm_later", "keep", "abandon", "take_spool"):
        _wrapped(points, open_plan.OpenPlan, phase, _fixed(f"phase {phase}"))
    for phase in ("begun", "ended", "landed", "_record_failed", "forget_settled"):
        _wrapped(points, run.Run, phase, _fixed(f"phase {phase}"))
    _wrapped(points, preconditions, "keep_results", _fixed("phase keep_results"))
    _wrapped(points, execute, "_end", _fixed("phase _end"))
    for phase in ("store", "forget"):
        _wrapped(points, results, phase, _fixed(f"result {phase}"))
    for phase in ("own", "disown"):
        _wrapped(points, pool, phase, _fixed(f"pool {phase}"))
    _wrapped(points, spool, "clear", _fixed("phase clear the spool"))
    for name in ("hold", "clean", "point"):
        _wrapped(points, worktrees, name, _fixed(f"worktree {name}"))
    _wrapped(points, launcher.Launcher, "run", _fixed("command"))


def _tell_spooled(labels: int) -> None:
    """Say which events are on disk: from then on they must not get lost."""
    append = spool.append

    def told(repository: Repository, plan: str, attempt: str, event: Event) -> None:
        append(repository, plan, attempt, event)
        os.write(labels, f"+{event.id}\n".encode())

    setattr(spool, "append", told)  # noqa: B010 - to mypy a function is not to be assigned to


def _call_a_model() -> None:
    """Make each step use a model as far as the log is concerned: its usage must survive every kill."""
    done = attempt._done

    def with_usage(job: jobs.Job, site: Site) -> Work:
        site.spool(
            "model.called", purpose="step", step=job.step.id, attempt=job.attempt, model="m",
            usage={"input_tokens": 7}, usd=0.25, seconds=0.1,
        )  # fmt: skip
        return done(job, site)

    attempt._done = with_usage


def _child(asked: dict[str, Any], out: int, err: int, labels: int) -> NoReturn:
    os.chdir(asked["cwd"])
    os.environ.update(asked["env"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    # A run of its own: a token shared with the killed run would let that one's guard end our
    # commands.
    family.TRUSTED, family._TOKEN = os.urandom(8).hex(), os.urandom(8).hex()
    if asked["counted"]:
        _call_a_model()
        _tell_spooled(labels)
        _wrap_all(Points(labels, asked["point"], asked["gc_from"]))
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
    unsynced.import_all()  # SIGKILL loses nothing that was written
    for line in sys.stdin:
        answer = json.dumps(_answer(json.loads(line))) + "\n"
        os.write(sys.stdout.fileno(), answer.encode())


if __name__ == "__main__":
    main()
