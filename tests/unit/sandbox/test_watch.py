"""Memory, processes and disk: what a command may use, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import users

from git_orch.sandbox.process import table

MB = 1 << 20
LONG = 30  # seconds; a test that waits this long fails by its reason, not by a clock

DRIVER = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from git_orch.sandbox.process import command, limits
wanted = json.loads(sys.argv[3])
if "growing" in wanted:
    wanted["growing"] = (Path(wanted["growing"]),)
outcome = command.run(
    json.loads(sys.argv[2]), env={"PATH": os.environ["PATH"]}, cwd=Path.cwd(), bounds=limits.Bounds(**wanted)
)
print(json.dumps([outcome.status, outcome.reason, outcome.output.decode()]))
"""


class Ended(NamedTuple):
    """How the command ended."""

    status: int
    reason: str
    output: str


class Site:
    """Where a user runs commands: `work` is his, and so is what is beside it."""

    def __init__(self, user: int, place: Path) -> None:
        self.user = user
        self.place = place
        self.work = place / "work"

    def run(self, argv: list[str], **bounds: Any) -> Ended:
        """How a command ended that the user ran within bounds."""
        bounds = {"timeout": LONG, "grace": 0, **bounds}
        done = subprocess.run(
            [*users.as_user(self.user), users.PYTHON, "-B", "-c", DRIVER, str(self.place), json.dumps(argv),
             json.dumps(bounds)],
            cwd=self.work, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return Ended(*json.loads(done.stdout))

    def bash(self, script: str, **bounds: Any) -> Ended:
        """How a script ended that may write to the directory it runs in."""
        return self.run(["bash", "-c", script], growing=str(self.work), **bounds)


@pytest.fixture(params=users.USERS, ids=users.name)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Each user that we can be has one."""
    with users.directory_of(request.param) as place:
        users.give_sandbox(place)
        subprocess.run(
            [*users.as_user(request.param), "mkdir", place / "work", place / "beside"], check=True
        )
        yield Site(request.param, place)


def running(word: str) -> list[int]:
    """The living processes with that word on their command line."""
    lines = table.processes().values()
    return [
        line.pid
        for line in lines
        if word.encode() in table._contents(f"/proc/{line.pid}/cmdline") and not line.dead
    ]


FORKING = """
import os, time, errno
for number in range(2000):
    try:
        child = os.fork()
    except OSError as error:
        print(errno.errorcode[error.errno], number)
        raise SystemExit(3)
    if not child:
        time.sleep(300)
        os._exit(0)
time.sleep(300)
"""


def test_a_fork_bomb_stops_at_the_limit(site: Site) -> None:
    """A17: the kernel refuses the next one where there is a control group, else the watch ends the
    command.
    """
    word = f"bomb-{os.urandom(6).hex()}"
    with subprocess.Popen([*users.as_user(site.user), "sleep", "300"]) as other:
        try:
            ended = site.run([users.PYTHON, "-c", FORKING, word], processes=50)
            assert other.poll() is None
        finally:
            other.kill()
    refused = ended.output.split()
    assert ended.reason == "process-limit" or (refused[0] == "EAGAIN" and int(refused[1]) < 50)
    assert running(word) == []


THREADS = """
import threading, time
for _ in range(200):
    threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
time.sleep(300)
"""


def test_threads_count_as_processes(site: Site) -> None:
    ended = site.run([users.PYTHON, "-c", THREADS], processes=50)
    assert ended.reason == "process-limit" or "can't start new thread" in ended.output


ALLOCATING = """
import os, time
held = []
for step in range(256):
    held.append(b"x" * (16 << 20))
    print(step, flush=True)
    time.sleep(0.02)
"""


def test_a_memory_hog_is_ended_and_nobody_else(site: Site) -> None:
    """A17: 4 GiB in steps of 16 MiB, with 200 MB allowed."""
    ended = site.run([users.PYTHON, "-c", ALLOCATING], memory=200 * MB)
    assert (ended.reason, ended.status) == ("memory-limit", -9)
    assert 3 < len(ended.output.split()) < 100


def test_the_memory_of_all_processes_counts_together(site: Site) -> None:
    hog = f"{users.PYTHON} -c 'import time; held = b\"x\" * ({80 * MB}); time.sleep(300)'"
    ended = site.bash(f"{hog} & {hog} & {hog} & wait -n; exit 9", memory=200 * MB)
    assert ended.reason == "memory-limit"


def test_memory_that_processes_share_counts_once(site: Site) -> None:
    sharing = (
        "import os, time; held = b'x' * (120 << 20); [os.fork() for _ in range(3)]; time.sleep(0.4)"
    )
    assert site.run([users.PYTHON, "-c", sharing], memory=200 * MB) == Ended(0, "exited", "")


HOLDING = """
import mmap, os, sys, time
held = [os.memfd_create("held") for _ in range(4)]
maps = []
for fd in held:
    for _ in range(int(sys.argv[1]) // 4):
        os.write(fd, bytes(1 << 20))
    if sys.argv[2] == "map":
        maps.append(mmap.mmap(fd, 0))
        maps[-1].read()
time.sleep(float(sys.argv[3]))
"""


@pytest.mark.parametrize("how", ["hold", "map"])
def test_files_in_memory_count_as_memory(site: Site, how: str) -> None:
    ended = site.run([users.PYTHON, "-c", HOLDING, "300", how, "300"], memory=200 * MB)
    assert ended.reason == "memory-limit"


def test_a_file_in_memory_that_is_mapped_counts_once(site: Site) -> None:
    ended = site.run([users.PYTHON, "-c", HOLDING, "120", "map", "0.6"], memory=200 * MB)
    assert ended == Ended(0, "exited", "")


FILLING = "dd if=/dev/zero bs=1M count=4 status=none"


@pytest.mark.parametrize(
    "script",
    [
        f"while :; do {FILLING} >> big; done",
        f"while n=$((n + 1)); do {FILLING} > small$n; done",
        f"mkdir -m 300 closed; while n=$((n + 1)); do {FILLING} > closed/$n; done",
        f"exec 3> removed; rm removed; while :; do {FILLING} >&3; done",
        f"echo x > one; ln one two; while :; do {FILLING} >> two; done",
    ],
    ids=["one file", "many files", "closed directory", "removed file", "hard link"],
)
def test_a_disk_filler_is_stopped_at_the_limit(script: str, site: Site) -> None:
    """A18: also one that hides what it writes."""
    ended = site.bash(f"ulimit -f {2 * 1024 * 1024}; {script}", growth=20 * MB)
    assert (ended.reason, ended.status) == ("disk-limit", -9)


def test_too_many_files_stop_a_command(site: Site) -> None:
    """A18: empty ones."""
    assert site.bash("while :; do : > x$((n++)); done", new_files=1000).reason == "disk-limit"


def test_what_was_there_and_what_others_write_does_not_count(site: Site) -> None:
    before = "head -c 30M /dev/zero > before; mkdir old; for n in $(seq 300); do : > old/$n; done"
    subprocess.run([*users.as_user(site.user), "bash", "-c", before], cwd=site.work, check=True)
    others = "head -c 40M /dev/zero > ../beside/file; cp -r old ../beside"
    others += "; cp -r old ../beside/old; ln -s ../beside link"
    ended = site.bash(f"sleep 0.1; {others}; sleep 0.4", growth=20 * MB, new_files=200)
    assert ended == Ended(0, "exited", "")


def test_a_command_may_remove_the_directory_that_is_watched(site: Site) -> None:
    assert site.bash("rm -rf ../work; sleep 0.4; echo done", growth=MB) == Ended(
        0, "exited", "done\n"
    )


def test_a_command_within_its_limits_is_left_alone(site: Site) -> None:
    script = "head -c 5M /dev/zero > a; for n in $(seq 50); do : > f$n; done; sleep 0.4; echo done"
    bounds = {"memory": 500 * MB, "processes": 100, "growth": 20 * MB, "new_files": 1000}
    assert site.bash(script, **bounds) == Ended(0, "exited", "done\n")


def test_the_kernel_takes_a_command_first_when_memory_runs_out(site: Site) -> None:
    """Also a child that was there before anybody could ask."""
    asked = 'until [ "$(cat /proc/$pid/oom_score_adj)" = 1000 ]; do sleep 0.01; done'
    assert site.bash(f"sleep 300 & pid=$!; {asked}; pid=$$; {asked}").reason == "exited"
