"""Runs git-orch in processes that are forked from one which has imported it: most of a short
command is its imports.

Started by `Forks` as a program of its own, it answers on a socket: a line of JSON with arguments,
directory and environment comes with three descriptors, and the exit status goes back.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import unsynced

_IMPORTED = (
    "pydantic",
    "yaml",
    "tree_sitter_bash",
    "graphlib",
    "ctypes",
    "encodings.ascii",  # a fork may have the rights of a user who cannot read Python's files
)
_AT_START = ("PYTHON", "LC_", "LANG")  # what Python looks at when it starts, and not again


class Forks:
    """The program that forks, started for whoever asks first and ended with us.

    A fork costs the more the larger the program is: what runs without a model has one that cannot
    ask one without more imports.
    """

    def __init__(self, *, model: bool) -> None:
        self._name = f"\0git-orch-tests-{os.getpid()}-{os.urandom(4).hex()}"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._name)
            listener.listen(32)
            self._program = subprocess.Popen(
                [sys.executable, __file__, *(["model"] if model else [])],
                stdin=listener.fileno(), stdout=subprocess.DEVNULL,
            )  # fmt: skip
        atexit.register(self._end)

    def _end(self) -> None:
        self._program.kill()
        self._program.wait()

    def run(
        self,
        args: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        stdin: str,
        whose: Mapping[str, int] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """git-orch with these arguments, run to its end; `whose` gives another `user`, `group` and
        `umask`.
        """
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin.encode())
            given.seek(0)
            asked = {"args": list(args), "cwd": cwd, "env": dict(env), "whose": dict(whose or {})}
            request = json.dumps(asked).encode() + b"\n"
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(self._name)
                socket.send_fds(asking, [b"!"], [given.fileno(), out.fileno(), err.fileno()])
                asking.sendall(request)
                status = int(asking.makefile().readline())
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return subprocess.CompletedProcess(list(args), status, *texts)


@functools.cache
def _forks(*, model: bool) -> Forks:
    return Forks(model=model)


def forks(env: Mapping[str, str]) -> Forks:
    """The one of this process for runs with that environment."""
    return _forks(model="ANTHROPIC_BASE_URL" in env)


def fits(env: Mapping[str, str]) -> bool:
    """Whether a fork can stand for a new interpreter with that environment."""
    return all(env.get(name) == os.environ.get(name) for name in env if name.startswith(_AT_START))


# -- the program -----------------------------------------------------------------------------------


def _serve(listener: socket.socket) -> dict[str, Any]:
    """Answer for ever; comes back in a forked process that is to become git-orch, with what was
    asked.
    """
    signal.signal(signal.SIGCHLD, lambda *_: None)  # the default is to hear nothing of it
    ended, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    asking = dict[int, socket.socket]()
    while True:
        for ready in select.select([listener, ended], [], [])[0]:
            if ready is ended:
                ended.recv(4096)
                _tell(asking)
                continue
            connection, _ = listener.accept()
            _, files, _, _ = socket.recv_fds(connection, 1, 3)
            asked: dict[str, Any] = json.loads(connection.makefile().readline())
            child = os.fork()
            if child:
                asking[child] = connection
                for file in files:
                    os.close(file)
                continue
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (listener, ended, told, connection, *asking.values()):
                each.close()
            for number, file in enumerate(files):
                os.dup2(file, number)
                os.close(file)
            return asked


def _tell(asking: dict[int, socket.socket]) -> None:
    """Answer those whose runs have ended."""
    while asking:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        with asking.pop(child) as connection, contextlib.suppress(BrokenPipeError):
            connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def become(whose: Mapping[str, int]) -> None:
    """Let this process be one of another user, group and umask, if any are given."""
    if whose:
        os.umask(whose["umask"])
    if whose and whose["user"] != os.geteuid():
        os.setgroups([])
        os.setgid(whose["group"])
        os.setuid(whose["user"])


def main() -> NoReturn:
    """Serve; in a fork, be git-orch."""
    listener = socket.socket(fileno=os.dup(0))
    for name in _IMPORTED:
        importlib.import_module(name)
    unsynced.import_all(but=None if "model" in sys.argv else unsynced.MODEL)
    assert threading.active_count() == 1, "a fork has only one of them"
    gc.freeze()
    asked = _serve(listener)
    become(asked["whose"])
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["git-orch", *asked["args"]]
    from git_orch.cli.main import main as git_orch

    status: object = 0
    try:
        git_orch()
    except SystemExit as ended:
        status = ended.code
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    threading._shutdown()  # type: ignore[attr-defined] # as an interpreter that ends: waits for threads
    atexit._run_exitfuncs()
    # Taking all modules apart takes longer than the command.
    os._exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
