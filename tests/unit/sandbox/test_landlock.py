"""The second wall: what Landlock alone refuses, without bubblewrap around it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import users

from git_orch.sandbox.walls import landlock

SYSTEM = [
    path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc", "/proc") if os.path.exists(path)
]
ATTEMPTS = r"""
import os, signal, socket, sys
place, pid, name = sys.argv[1:]
def attempt(what, deed):
    try:
        deed()
    except OSError:
        return
    print(what)
def connect(address):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
os.chdir(f"{place}/work")
attempt("read outside", lambda: open("../secret").read())
attempt("write outside", lambda: open("../new", "w"))
attempt("write shown", lambda: open("../shown/file", "w"))
attempt("append shown", lambda: open("../shown/file", "a"))
attempt("truncate shown", lambda: os.truncate("../shown/file", 0))
attempt("remove shown", lambda: os.unlink("../shown/file"))
attempt("move out", lambda: os.rename("own", "../shown/own"))
attempt("move in", lambda: os.rename("../shown/file", "file"))
attempt("link in", lambda: os.link("../shown/file", "file"))
attempt("link out", lambda: os.link("own", "../shown/own"))
attempt("symlink out", lambda: os.symlink("own", "../shown/link"))
attempt("directory out", lambda: os.mkdir("../shown/new"))
attempt("fifo out", lambda: os.mkfifo("../shown/fifo"))
attempt("socket out", lambda: socket.socket(socket.AF_UNIX).bind("../shown/socket"))
attempt("write a fifo", lambda: os.open("../shown/pipe", os.O_WRONLY | os.O_NONBLOCK))
attempt("signal", lambda: os.kill(int(pid), 0))
attempt("abstract socket", lambda: connect("\0" + name))
print("-")
attempt("read", lambda: open("../shown/file").read())
attempt("write", lambda: open("new", "w"))
attempt("move", lambda: (os.mkdir("below"), os.rename("new", "below/new")))
attempt("list the root", lambda: os.listdir("/"))
attempt("nothing", lambda: open(os.devnull, "w"))
attempt("fifo", lambda: os.mkfifo("fifo"))
attempt("own signal", lambda: os.kill(os.getpid(), 0))
"""
# No new rights: without that only root may build the wall.
AS_BUBBLEWRAP = ("setpriv", "--no-new-privs")
ALLOWED = ["read", "write", "move", "list the root", "nothing", "fifo", "own signal"]


@pytest.fixture(params=users.USERS, ids=users.name)
def user(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def place(user: int) -> Iterator[Path]:
    """A directory of the user's: `work` to change, `shown` to read, and a secret."""
    with users.directory_of(user) as directory:
        for name in ("work", "shown"):
            (directory / name).mkdir()
        for name in ("secret", "shown/file", "work/own"):
            (directory / name).write_text(f"{name}\n")
        os.mkfifo(directory / "shown/pipe")
        for path in directory.rglob("*"):
            os.chown(path, user, -1)
        pipe = os.open(directory / "shown/pipe", os.O_RDONLY | os.O_NONBLOCK)
        yield directory
        os.close(pipe)


def wall() -> landlock.Wall:
    found = landlock.find()
    assert found is not None, "perl is missing"
    return found


def started(user: int, argv: tuple[str, ...], **variables: str) -> str:
    done = subprocess.run(
        [*users.as_user(user), *AS_BUBBLEWRAP, *argv],
        env={"PATH": "/usr/bin:/bin", landlock.QUIET: "0", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_second_wall_holds_by_itself(user: int, place: Path) -> None:
    name = f"git-orch-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        words = wall().telling([*SYSTEM, str(place / "shown")], [str(place / "work")])
        parent = str(os.getppid() if user == os.geteuid() else os.getpid())
        command = (users.PYTHON, "-c", ATTEMPTS, str(place), parent, name)
        version, *told = started(user, (*words, *command)).splitlines()
    outside = told[: told.index("-")]
    if int(version) >= landlock.SCOPED_ABI:
        assert outside == []
    elif int(version) >= landlock.OLDEST_ABI:  # an ordinary user signals only processes of his own
        assert set(outside) <= {"signal", "abstract socket"}
    assert told[told.index("-") + 1 :] == ALLOWED


def test_the_status_and_the_words_of_a_command_are_its_own() -> None:
    words = wall().before(SYSTEM, [])
    done = subprocess.run(
        [
            *AS_BUBBLEWRAP,
            *words,
            "/bin/sh",
            "-c",
            'printf "%s|" "$@"; exit 42',
            "sh",
            "a b",
            "$HOME",
            "",
            "é\n",
        ],
        env={"LANG": "xx_YY.UTF-8", landlock.QUIET: "0"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout.decode(), done.stderr) == (42, "a b|$HOME||é\n|", b"")


def test_the_variable_that_keeps_perl_quiet_is_not_passed_on() -> None:
    assert landlock.QUIET not in started(os.geteuid(), (*wall().before(SYSTEM, []), "/usr/bin/env"))


@pytest.mark.parametrize("option", ["-MPlanted", "-MNo::Such", "-w", "-T", "-d"])
def test_what_a_command_gives_its_own_perl_is_not_for_the_wall(option: str, tmp_path: Path) -> None:
    (tmp_path / "Planted.pm").write_text('print "before the wall\\n"; 1;\n')
    words = (*wall().before(SYSTEM, []), "/bin/sh", "-c", 'echo "$PERL5OPT $PERL5LIB"')
    told = started(os.geteuid(), words, PERL5OPT=option, PERL5LIB=str(tmp_path))
    assert told == f"{option} {tmp_path}\n"


def test_a_perl_that_sandboxes_do_not_show_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/perl").touch(0o755)
    (tmp_path / "perl").symlink_to("home/perl")
    assert landlock.find(str(tmp_path)) is None


@pytest.mark.parametrize(("program", "status"), [("/no/such/program", 127), ("/etc/passwd", 126)])
def test_a_program_that_cannot_start_ends_as_in_a_shell(program: str, status: int) -> None:
    done = subprocess.run(
        [*AS_BUBBLEWRAP, *wall().before(SYSTEM, []), program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert done.stderr.startswith(f"{program}: ")


def test_a_place_that_is_not_there_is_left_out() -> None:
    words = wall().before([*SYSTEM, "/no/such/place"], ["/no/such/place"])
    assert started(os.geteuid(), (*words, "/bin/echo", "ran")) == "ran\n"
