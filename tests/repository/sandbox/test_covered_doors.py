"""Sockets, FIFOs and devices in what a sandbox shows lead nowhere; those of a step's own work."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import Repo

from git_orch.flow.machine import sandbox
from git_orch.plans.plan import Command
from git_orch.repo.repository import discover
from git_orch.repo.worktree import worktrees
from git_orch.sandbox.walls.doors import Doors

LONG = 60.0  # seconds
PLAN = "PLAN-20261121-0000000000-x"
KINDS = {
    "stream": socket.SOCK_STREAM,
    "datagram": socket.SOCK_DGRAM,
    "packets": socket.SOCK_SEQPACKET,
}
# Tries each door, and says which let it through.
KNOCK = r"""
import os, socket, sys
for path in sys.argv[1:]:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as door:
            try:
                os.chdir(os.path.dirname(path))
                door.connect(os.path.basename(path))
                print("reached", path)
            except OSError:
                pass
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        print("wrote", path, os.write(fd, b"x")) if not os.path.samefile(path, os.devnull) else None
    except OSError:
        pass
print("end")
"""


class Shown(NamedTuple):
    """A repository with places beside its worktree that a command may read."""

    repo: Repo
    places: dict[str, Path]

    def run(self, *argv: str) -> str:
        """What a command says in a worktree of the repository."""
        found = discover(self.repo.path)
        worktree = worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
        started = worktree.enclosure.launcher
        outcome = started.run(Command(argv=argv), worktree=worktree.path, timeout=LONG)
        return outcome.output.decode()


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with a name that leaves room in the 108 bytes of a socket's address."""
    with tempfile.TemporaryDirectory(prefix="d", dir="/var/tmp") as place:
        yield Path(place)


@pytest.fixture
def shown(repo: Repo, short: Path, hermetic: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    tools, readable = short / "tools/bin", short / "readable"
    environment = short / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").touch()
    (environment / "lib/deep").mkdir(parents=True)
    for place in (tools, readable / "below", hermetic / ".cargo/registry"):
        place.mkdir(parents=True)
    repo.git("config", "--global", "--add", "orch.readable", str(readable))
    monkeypatch.setenv("PATH", f"{tools}:{environment}/bin:{os.environ['PATH']}")
    return Shown(
        repo,
        {
            "the git directory": repo.path / ".git",
            "below the git directory": repo.path / ".git/info",
            "a directory on PATH": tools,
            "an environment on PATH": environment / "lib/deep",
            "a readable directory": readable,
            "below a readable directory": readable / "below",
            "a cache of the home directory": hermetic / ".cargo/registry",
        },
    )


# What a toolchain has is not looked through: its sockets are known by their full names.
TOOLCHAINS = ("a directory on PATH", "an environment on PATH", "a cache of the home directory")


@contextlib.contextmanager
def listening(
    path: Path, kind: int = socket.SOCK_STREAM, *, full_name: bool
) -> Iterator[socket.socket]:
    """A socket at that path, with its full name or one that nobody else can resolve."""
    with socket.socket(socket.AF_UNIX, kind) as listener:
        directory = os.open(path.parent, os.O_PATH)
        listener.bind(str(path) if full_name else f"/proc/self/fd/{directory}/{path.name}")
        os.close(directory)
        if kind != socket.SOCK_DGRAM:
            listener.listen()
        yield listener


def with_all_doors(shown: Shown, stack: contextlib.ExitStack) -> list[str]:
    """Make a door of each kind in each place."""
    doors: list[str] = []
    for what, place in shown.places.items():
        for name, kind in KINDS.items():
            stack.enter_context(listening(place / name, kind, full_name=what in TOOLCHAINS))
            doors.append(str(place / name))
        if what in TOOLCHAINS:
            continue
        os.mkfifo(place / "fifo")
        stack.callback(os.close, os.open(place / "fifo", os.O_RDONLY | os.O_NONBLOCK))
        doors.append(str(place / "fifo"))
    return doors


def test_no_door_in_anything_shown_is_open(shown: Shown) -> None:
    with contextlib.ExitStack() as stack:
        doors = with_all_doors(shown, stack)
        assert shown.run("python3", "-c", KNOCK, *doors) == "end\n"


def test_the_doors_of_the_test_are_open_outside_of_a_sandbox(shown: Shown) -> None:
    with contextlib.ExitStack() as stack:
        doors = with_all_doors(shown, stack)
        done = subprocess.run(
            [sys.executable, "-c", KNOCK, *doors], capture_output=True, text=True, check=True
        )
    assert len(done.stdout.splitlines()) == len(doors) + 1


def test_a_socket_with_its_full_name_is_covered_from_the_next_command_on(shown: Shown) -> None:
    """The places were looked through for an earlier command."""
    path = shown.places["a readable directory"] / "late"
    assert shown.run("true") == ""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert shown.run("python3", "-c", KNOCK, str(path)) == "end\n"


def test_a_door_that_has_gone_stops_no_command(shown: Shown) -> None:
    path = shown.places["a readable directory"] / "gone"
    os.mkfifo(path)
    shown.run("true")
    path.unlink()
    assert shown.run("echo", "ran") == "ran\n"


def test_a_step_has_sockets_and_fifos_of_its_own(shown: Shown) -> None:
    script = """
import os, socket, threading
for path in ("own", "/tmp/own"):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path); server.listen(); client.connect(path)
        os.unlink(path)
with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
    server.bind("\\0own"); server.listen(); client.connect("\\0own")
os.mkfifo("fifo")
thread = threading.Thread(target=lambda: open("fifo", "w").write("x"))
thread.start()
print(open("fifo").read())
"""
    assert shown.run("python3", "-c", script) == "x\n"


@pytest.mark.parametrize("relative", [False, True], ids=["full name", "relative name"])
def test_a_socket_that_somebody_listens_at_in_a_worktree_is_a_door(
    *, relative: bool, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(short)
    (short / "below").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("below/app" if relative else f"{short}/below/app")
        assert Doors.of_now().in_worktree(str(short)) == [f"{short}/below/app"]
    assert Doors.of_now().in_worktree(str(short)) == []


def test_no_door_in_a_repository_below_the_worktree_is_open(repo: Repo, short: Path) -> None:
    """It is mounted once more, read-only, where somebody uses git."""
    repo.git("init", "-q", str(short / "nested"))
    inside = short / "nested/.git"
    os.mkfifo(inside / "fifo")
    reader = os.open(inside / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    started = sandbox.boundary(discover(repo.path)).launcher
    started = replace(started, git=None, keeps_repositories=True)
    with listening(inside / "fsmonitor--daemon.ipc", full_name=True):
        knock = ("python3", "-c", KNOCK, f"{inside}/fsmonitor--daemon.ipc", f"{inside}/fifo")
        outcome = started.run(Command(argv=knock), worktree=short, timeout=LONG)
    os.close(reader)
    assert outcome.output == b"end\n"


def test_doors_are_named_as_the_place_is_that_shows_them(short: Path) -> None:
    (short / "real").mkdir()
    (short / "link").symlink_to("real")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{short}/link/s")
        doors = Doors.of_now()
        assert doors.in_programs(f"{short}/real") == [f"{short}/real/s"]
        assert doors.in_programs(f"{short}/link") == [f"{short}/link/s"]


def test_a_deep_directory_is_looked_through(short: Path) -> None:
    place = os.open(short, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.mkfifo("fifo", dir_fd=place)
    os.close(place)
    try:
        assert len(Doors((), frozenset()).in_shown(str(short))) == 1
    finally:
        subprocess.run(["rm", "-rf", short / "d"], check=True)


def test_the_headings_of_the_kernels_table_are_no_socket(tmp_path: Path) -> None:
    """A worktree is looked through for sockets of relative names only while there are some."""
    table = tmp_path / "table"
    table.write_text("Num       RefCount Protocol Flags    Type St Inode Path\n")
    assert Doors.of_now(str(table)) == Doors((), frozenset())


def test_a_socket_is_a_door_whatever_its_name(short: Path) -> None:
    for name in ("a\nb", "a\n0 1 2 3 4 5 6 7", " a ", "@a", "\udcff"):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(short / name))
            assert Doors.of_now().in_worktree(str(short)) == [str(short / name)], name
