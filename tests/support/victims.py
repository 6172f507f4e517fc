"""Whom attacks are tried on: a user with secrets, a repository with a worktree beside it, and doors
to knock on.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
import users
from model_server import ModelServer, Turn, turn

from git_orch.sandbox.process import table

CANARY = "CANARY"  # part of every secret
SECRETS = {
    "ANTHROPIC_API_KEY": "sk-ant-api03-CANARY0CANARY0CANARY0",
    "LLM_API_KEY": "CANARY1-llm-key",
    "GITHUB_TOKEN": "CANARY2-github-token",
    "FOO_PASSWORD": "CANARY3-password",
}
HOME_SECRETS = (
    ".ssh/id_rsa", ".aws/credentials", ".netrc", ".npmrc", ".config/gh/hosts.yml",
    ".git-credentials", ".bash_history", ".docker/config.json", ".kube/config",
    ".gnupg/private-keys-v1.d/a.key", ".mozilla/firefox/a/logins.json",
)  # fmt: skip

# The command line with lower limits, and what it used at most, in KiB, in a file.
_PROGRAM = """
import atexit, json, os, re, sys
sys.path[:0] = os.environ.pop("VICTIM_PATH").split(os.pathsep)
from pathlib import Path
from git_orch.cli.main import main
from git_orch.sandbox.process import limits
limits.use(limits.Limits(**json.loads(os.environ.pop("VICTIM_LIMITS"))))
used = Path(os.environ.pop("VICTIM_USED"))
# ru_maxrss would have what the tests used that started this.
peak = lambda: re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]
atexit.register(lambda: used.write_text(peak()))
main()
"""


class Ran(NamedTuple):
    """How a git-orch ended, all it wrote, and the memory it used at most, in MiB (children do not
    count).
    """

    status: int
    said: bytes
    used: float


class Victim:
    """A user at `place`, which is theirs: `home`, `repo`, `linked` (a worktree of it) and
    `outside`.
    """

    def __init__(self, user: int, place: Path, server: ModelServer) -> None:
        self.user = user
        self.place = place
        self.server = server
        self.home = place / "home"
        self.repo = place / "repo"
        self.linked = place / "linked"
        self.outside = place / "outside"
        self.mark = place / "MARK"
        self.word = (
            f"left-{os.urandom(6).hex()}"  # in the command line of processes that must not be left
        )
        self.said: list[bytes] = []
        python, self._path = _importable(user, place)
        self._start = [python, "-c", _PROGRAM]
        self._variables = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "NO_PROXY": "127.0.0.1",
            "SSH_AUTH_SOCK": str(place / "agent.sock"),
            "DOCKER_HOST": f"unix://{place}/docker.sock",
        }

    # -- what they have ----------------------------------------------------------------------------

    def write(self, files: dict[str, str], *, executable: bool = False) -> None:
        """Files of theirs, by their paths below `place`."""
        script = 'mkdir -p "$(dirname "$1")"; cat > "$1"; test -z "$2" || chmod +x "$1"'
        for name, content in files.items():
            self.does(
                "bash",
                "-c",
                script,
                "-",
                str(self.place / name),
                "x" if executable else "",
                stdin=content,
            )

    def does(self, *argv: str, stdin: str = "", cwd: Path | None = None) -> str:
        """What a command of theirs prints, without any sandbox."""
        done = subprocess.run(
            [*users.as_user(self.user), *argv], cwd=cwd or self.place, env=self._variables,
            input=stdin.encode(), capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout.decode("utf-8", "backslashreplace")

    def git(self, *args: str) -> str:
        """What git prints in their repository."""
        return self.does("git", *args, cwd=self.repo)

    def control(self) -> dict[str, bytes]:
        """What tells git what to do, byte for byte, and what git makes of it."""
        git_dir = self.repo / ".git"
        files = [
            git_dir / "config",
            *git_dir.glob("**/config.worktree"),
            *git_dir.glob("worktrees/*/gitdir"),
        ]
        files += [
            path
            for name in ("hooks", "info")
            for path in (git_dir / name).rglob("*")
            if path.is_file()
        ]
        ours = b"git-orch/worktrees"
        found = {str(path): path.read_bytes() for path in files}
        found = {path: data for path, data in found.items() if ours not in data}  # they come and go
        return {
            **found,
            "list": self.git("config", "--list", "--show-origin", "--show-scope").encode(),
        }

    # -- git-orch ----------------------------------------------------------------------------------

    def start(
        self,
        *args: str,
        cwd: Path | None = None,
        limits: dict[str, int] | None = None,
        terminal: int | None = None,
        output: int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """git-orch as a process that goes on; `limits` are fields of launcher.Limits.

        `terminal` is its own one, and `output` takes what it prints.
        """
        variables = {
            **self._variables,
            **SECRETS,
            "VICTIM_PATH": self._path,
            "ANTHROPIC_BASE_URL": self.server.url,
            "VICTIM_LIMITS": json.dumps(limits or {}),
            "VICTIM_USED": str(self.place / "used"),
        }
        session = ["setsid", "--ctty"] if terminal is not None else []
        return subprocess.Popen(
            [*users.as_user(self.user), *session, *self._start, *args],
            cwd=cwd or self.repo,
            env=variables,
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def used(self) -> float:
        """The memory that the latest git-orch used at most, in MiB (children do not count)."""
        return int((self.place / "used").read_text()) / 1024

    def orch(self, *args: str, expect: int = 0, **more: Any) -> Ran:
        """How git-orch ended; all it says is remembered."""
        with self.start(*args, **more) as started:
            said = started.communicate()[0]
        self.said.append(said)
        assert b"Traceback" not in said
        assert started.returncode == expect, said.decode("utf-8", "replace")
        return Ran(started.returncode, said, self.used())

    def plan(self, *steps: dict[str, Any], cwd: Path | None = None) -> str:
        """The ID of a new plan of these steps."""
        document = json.dumps(
            {
                "title": "Attack",
                "shell": "plain",  # an attack goes on where one of its ways is closed
                "steps": [{"title": f"Step {len(steps)}", **each} for each in steps],
            }
        )
        self.write({"plan.json": document})
        return (
            self.orch("plan", "--from", str(self.place / "plan.json"), cwd=cwd)
            .said.split()[0]
            .decode()
        )

    def outputs(self) -> list[Path]:
        """The files with all that the commands of `run` steps printed, the latest last."""
        return sorted((self.repo / ".git/orch/output").glob("*/run.txt"))

    def model(
        self, calls: dict[str, dict[str, Any]], end: Turn, **more: Any
    ) -> tuple[dict[str, dict[str, Any]], Ran]:
        """The answers to the calls of a model that makes them all at once, and how `exec` ended;
        `end` is next.
        """
        self.server.script(turn(*calls.values()), end)
        ran = self.orch("exec", self.plan({"prompt": "Attack."}), **more)
        said = self.server.calls[-1].messages[-1]["content"]
        answers = {block["tool_use_id"]: block for block in said if "tool_use_id" in block}
        return {name: answers[call["id"]] for name, call in calls.items()}, ran

    # -- what became of it -------------------------------------------------------------------------

    def everything_kept(self) -> bytes:
        """All that git-orch said, wrote, committed or sent: terminal, files, traces, objects,
        notes, requests.
        """
        roots = [self.repo, self.linked, self.home / ".local", self.home / ".cache"]
        files = [
            path
            for root in roots
            for path in root.rglob("*")
            if path.is_file() and not path.is_symlink()
        ]
        objects = self.git("cat-file", "--batch-all-objects", "--batch", "--buffer")
        sent = json.dumps([request.body for request in self.server.calls])
        parts = [
            *self.said,
            *(path.read_bytes() for path in files),
            objects.encode(),
            sent.encode(),
        ]
        return b"\0".join([*parts, *(str(path).encode() for path in files)])


# -- how they come to be ---------------------------------------------------------------------------


def _importable(user: int, place: Path) -> tuple[str, str]:
    """A Python that the user can run, and where it finds git-orch and what it needs, which they can
    read.
    """
    if user == os.geteuid():
        return sys.executable, os.pathsep.join(filter(None, sys.path))
    site = str(Path(click.__file__).parent.parent)
    shutil.copytree(users.compiled(), place / "lib/git_orch")
    python, site = (
        _python_of(user),
        site if _may(user, "test", "-r", f"{site}/click/core.py") else _copied(site),
    )
    return python, os.pathsep.join([str(place / "lib"), site])


def _may(user: int, *argv: str) -> bool:
    """`env` starts the program: the first one that setpriv starts is still opened with root's
    rights.
    """
    argv = (*users.as_user(user), "env", *argv)
    return subprocess.run(argv, cwd="/", capture_output=True, check=False).returncode == 0


@functools.cache
def _python_of(user: int) -> str:
    """Compiled modules are for one version of Python: another interpreter has to have the same."""
    same = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    return next(path for path in (sys.executable, users.PYTHON) if _may(user, path, "-c", same))


@functools.cache
def _copied(site: str) -> str:
    place = tempfile.TemporaryDirectory()
    _copies.append(place)
    os.chmod(place.name, 0o755)  # noqa: S103 - another user reads it
    shutil.copytree(site, f"{place.name}/site")
    return f"{place.name}/site"


_copies: list[tempfile.TemporaryDirectory[str]] = []  # gone when the tests are


@contextmanager
def victim(user: int) -> Iterator[Victim]:
    """Such a user, with a repository of one commit and a worktree of it."""
    with users.directory_of(user) as place, ModelServer() as server:
        found = Victim(user, place, server)
        found.write({
            "home/.gitconfig": "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n",
            "outside/file": f"{CANARY}-outside\n",
            **{f"home/{name}": f"{CANARY}-{name}\n" for name in HOME_SECRETS},
            # Without a token commands see it.
            "home/.npmrc": f"//npm.example.com/:_authToken={CANARY}-.npmrc\n",
        })  # fmt: skip
        found.does("git", "init", "-q", "repo")
        yield found


def commit(found: Victim, files: dict[str, str], *, executable: bool = False) -> None:
    """Files of their repository, committed."""
    found.write({f"repo/{name}": content for name, content in files.items()}, executable=executable)
    found.git("add", "-A")
    found.git("commit", "-q", "-m", "project")


def link(found: Victim) -> None:
    """Give them the worktree beside their repository."""
    found.git("worktree", "add", "-q", "-b", "beside", str(found.linked))


# -- doors -----------------------------------------------------------------------------------------


class Doors:
    """Listeners on this machine: TCP, UDP, an abstract socket, and at paths those of an agent of
    keys and of docker.
    """

    def __init__(self, found: Victim, stack: ExitStack) -> None:
        self._stack = stack
        self._listeners: dict[str, socket.socket] = {}
        self._open("tcp", socket.AF_INET, ("127.0.0.1", 0))
        self._open("udp", socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM)
        self._open("abstract", socket.AF_UNIX, f"\0git-orch-{os.urandom(6).hex()}")
        self._open("agent", socket.AF_UNIX, str(found.place / "agent.sock"))
        self._open("docker", socket.AF_UNIX, str(found.place / "docker.sock"))
        os.chmod(found.place / "agent.sock", 0o777)  # noqa: S103 - nothing but the sandbox is in the way
        os.chmod(found.place / "docker.sock", 0o777)  # noqa: S103

    def _open(self, name: str, family: int, address: Any, kind: int = socket.SOCK_STREAM) -> None:
        made = self._stack.enter_context(socket.socket(family, kind))
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen()
        self._listeners[name] = made

    def addresses(self) -> list[tuple[int, int, object]]:
        """Family, kind and address of each, as Python's socket module takes them."""
        found = [
            (int(each.family), int(each.type), each.getsockname())
            for each in self._listeners.values()
        ]
        return [
            (family, kind, at.decode() if isinstance(at, bytes) else at)
            for family, kind, at in found
        ]

    def knocked(self) -> list[str]:
        """Where something arrived."""
        return [name for name, each in self._listeners.items() if _arrived(each)]


def _arrived(listener: socket.socket) -> bool:
    listener.setblocking(False)
    try:
        if listener.type == socket.SOCK_DGRAM:
            listener.recv(10)
        else:
            listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


class Terminal(NamedTuple):
    """A terminal: `inner` is for programs, `outer` where a person would sit."""

    inner: int
    outer: int

    def arrived(self) -> bytes:
        """What has been written to it or typed into it, without waiting."""
        os.set_blocking(self.outer, False)
        os.set_blocking(self.inner, False)
        return _all_of(self.outer) + _all_of(self.inner)


def _all_of(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b""


@contextmanager
def terminal() -> Iterator[Terminal]:
    """A terminal that shows nothing yet."""
    outer, inner = os.openpty()
    try:
        yield Terminal(inner, outer)
    finally:
        os.close(inner)
        os.close(outer)


# -- processes -------------------------------------------------------------------------------------


def running(word: str) -> list[int]:
    """The living processes with that word on their command line."""
    lines = table.processes().values()
    return [
        each.pid
        for each in lines
        if not each.dead and word.encode() in table._contents(f"/proc/{each.pid}/cmdline")
    ]


def sleeping(word: str) -> list[int]:
    """Those of which the word is the name: a shell that is going to start one is not among them."""
    return [
        pid
        for pid in running(word)
        if table._contents(f"/proc/{pid}/cmdline").startswith(word.encode())
    ]


def until(true: Callable[[], object]) -> bool:
    """Whether it became true within 20 seconds."""
    deadline = time.monotonic() + 20
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true())
