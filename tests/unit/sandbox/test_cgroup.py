"""Control groups: where they are made, what is written there, and that none is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from git_orch.sandbox.process import cgroup, table

MOUNTS = """\
22 1 254:0 / / rw - ext4 /dev/vda rw
31 23 0:28 / {0} rw - tmpfs tmpfs rw,mode=755
32 31 0:29 {1} {0}/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 {1} {0}/memory rw,relatime shared:9 - cgroup cgroup rw,memory
39 31 0:36 {1} {0}/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 {1} {0}/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 {1} {0}/unified rw,relatime - cgroup2 cgroup2 rw
"""
NAMESPACE = os.stat("/proc/self/ns/pid").st_ino


def made(directory: Path, **files: str) -> Path:
    """A directory like one of the kernel's."""
    directory.mkdir(parents=True)
    for name, text in {"cgroup.procs": "", **files}.items():
        (directory / name.replace("__", ".")).write_text(text)
    return directory


def test_groups_of_version_1_are_made_below_our_own(tmp_path: Path) -> None:
    memory, pids = made(tmp_path / "memory/a/b"), made(tmp_path / "pids")
    own = "9:name=systemd:/\n8:pids:/\n4:memory:/a/b\n1:cpu,cpuacct:/\n0::/\n"
    assert list(cgroup._places_in(MOUNTS.format(tmp_path, "/"), own)) == [
        cgroup.Place(memory, frozenset({"memory"}), 1),
        cgroup.Place(pids, frozenset({"pids"}), 1),
    ]


def test_in_a_container_the_mount_begins_at_its_own_group(tmp_path: Path) -> None:
    pids = made(tmp_path / "pids/sub")
    own = "8:pids:/docker/1f/sub\n4:memory:/docker/1f/gone\n"
    assert [
        place.path for place in cgroup._places_in(MOUNTS.format(tmp_path, "/docker/1f"), own)
    ] == [pids]


def test_groups_of_version_2_are_made_where_the_controllers_are_on(tmp_path: Path) -> None:
    """Usually beside our own: a group with processes in it has none on for those below."""
    made(tmp_path / "unified", cgroup__subtree_control="cpu memory pids\n")
    beside = made(tmp_path / "unified/user", cgroup__subtree_control="memory pids\n")
    made(tmp_path / "unified/user/own", cgroup__subtree_control="\n")
    assert list(cgroup._places_in(MOUNTS.format(tmp_path, "/"), "0::/user/own\n")) == [
        cgroup.Place(beside, frozenset({"memory", "pids"}), 2)
    ]


def test_nothing_is_made_above_the_group_that_holds_ours(tmp_path: Path) -> None:
    """A limit that somebody set for it would be left."""
    made(tmp_path / "unified", cgroup__subtree_control="memory pids\n")
    made(tmp_path / "unified/a/b", cgroup__subtree_control="cpu\n")
    assert list(cgroup._places_in(MOUNTS.format(tmp_path, "/"), "0::/a/b\n")) == []


def test_the_limits_of_version_1(tmp_path: Path) -> None:
    places = [
        cgroup.Place(made(tmp_path / name), frozenset({name}), 1) for name in ("memory", "pids")
    ]
    group = cgroup._make_group(tuple(places), {"memory": 1000, "pids": 7})
    assert group is not None
    memory, pids = group.directories
    assert {file.name: file.read_text() for file in memory.iterdir()} == {
        "memory.limit_in_bytes": "1000", "memory.memsw.limit_in_bytes": "1000"
    }  # fmt: skip
    assert {file.name: file.read_text() for file in pids.iterdir()} == {"pids.max": "7"}


def test_the_limits_of_version_2(tmp_path: Path) -> None:
    place = cgroup.Place(made(tmp_path / "unified"), frozenset({"memory", "pids"}), 2)
    group = cgroup._make_group((place,), {"memory": 1000, "pids": 7})
    assert group is not None
    assert {file.name: file.read_text() for file in group.directories[0].iterdir()} == {
        "memory.max": "1000", "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": "7"
    }  # fmt: skip


def test_a_limit_that_is_not_asked_for_makes_no_group(tmp_path: Path) -> None:
    place = cgroup.Place(made(tmp_path / "memory"), frozenset({"memory"}), 1)
    assert cgroup._make_group((place,), {"pids": 7}) is None
    with cgroup.group(memory=None, processes=None) as group:
        assert group is None


def test_a_command_is_in_its_groups_before_it_runs(tmp_path: Path) -> None:
    group = cgroup.Group((made(tmp_path / "a"), made(tmp_path / "b")))
    script = 'echo "$$ $0 $1"; cat a/cgroup.procs b/cgroup.procs'
    done = subprocess.run(
        [*group.prefix, "sh", "-c", script, "x y", "*"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    pid = done.stdout.split()[0]
    assert done.stdout == f"{pid} x y *\n{pid}\n{pid}\n"


def test_a_command_that_cannot_enter_its_group_does_not_run(tmp_path: Path) -> None:
    group = cgroup.Group((made(tmp_path / "a"), tmp_path / "gone"))
    done = subprocess.run(
        [*group.prefix, "echo", "ran"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (126, "")


def test_a_thread_is_in_the_groups_while_it_starts_a_command(tmp_path: Path) -> None:
    places = [made(tmp_path / name, tasks="") for name in ("memory", "pids")]
    group = cgroup._make_group(
        tuple(cgroup.Place(path, frozenset({path.name}), 1) for path in places),
        {"memory": 1000, "pids": 7},
    )
    assert group is not None
    with group.enter() as prefix:
        assert prefix == ()
        assert [(path / "tasks").read_text() for path in group.directories] == ["0", "0"]
        assert [(path / "tasks").read_text() for path in places] == ["", ""]
    assert [(path / "tasks").read_text() for path in places] == ["0", "0"]


def test_a_shell_enters_where_a_thread_may_not(tmp_path: Path) -> None:
    for directory in ("home", "a"):
        made(tmp_path / directory, tasks="")
    (tmp_path / "b" / "tasks").mkdir(parents=True)
    group = cgroup.Group((tmp_path / "a", tmp_path / "b"), (tmp_path / "home",))
    with group.enter() as prefix:
        assert prefix == group.prefix
    assert (tmp_path / "home/tasks").read_text() == "0"


def test_a_shell_enters_a_group_of_version_2(tmp_path: Path) -> None:
    place = cgroup.Place(made(tmp_path / "unified"), frozenset({"memory", "pids"}), 2)
    group = cgroup._make_group((place,), {"memory": 1000, "pids": 7})
    assert group is not None
    with group.enter() as prefix:
        assert prefix == group.prefix


@pytest.mark.parametrize(
    ("name", "text", "killed"),
    [
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", True),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 1\noom_kill 0\n", False),
        ("memory.events", "low 0\nhigh 0\nmax 31\noom 1\noom_kill 1\noom_group_kill 1\n", True),
        ("memory.events", "low 0\nhigh 0\nmax 31\noom 0\noom_kill 0\noom_group_kill 0\n", False),
    ],
)
def test_the_kernel_tells_that_memory_ran_out(
    name: str, text: str, *, killed: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    assert cgroup.Group((tmp_path,)).ran_out_of_memory() is killed


def test_only_groups_of_our_dead_are_swept(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    kept = [
        f"{cgroup._owner(os.getpid())}.0",  # alive
        # Alive for all we know: its ID is one of another namespace.
        f"git-orch.{NAMESPACE + 1}.{dead.pid}.1.0",
        f"git-orch.{NAMESPACE}.{dead.pid}.1.0.x",
        f"git-orch.{NAMESPACE}.x.1.0",
        "git-orch",
        "somebody.1.2.3.4",
    ]
    swept = [f"git-orch.{NAMESPACE}.{dead.pid}.1.0", f"git-orch.{NAMESPACE}.{os.getpid()}.1.12"]
    for name in kept + swept:
        (tmp_path / name).mkdir()
    cgroup.sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


# -- in a real kernel, where it lets us: elsewhere there is no group to be left --------------------


def ours() -> list[Path]:
    """The groups of all runs in the places that we can use."""
    return [group for place in cgroup.find_places() for group in place.path.glob("git-orch.*")]


def test_root_gets_a_group_where_the_kernel_has_them_for_writing() -> None:
    own = dict(
        line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines()
    )
    writable = os.access(f"/sys/fs/cgroup/pids{own.get('pids', '/none')}/cgroup.procs", os.W_OK)
    with cgroup.group(memory=None, processes=50) as group:
        assert group is not None or not writable
        assert (
            [(path / "pids.max").read_text() for path in group.directories if writable] == ["50\n"]
            if group
            else True
        )


def test_a_group_is_removed_with_what_runs_in_it() -> None:
    left = []
    with cgroup.group(memory=1 << 30, processes=50) as group:
        for directory in group.directories if group is not None else ():
            argv = [*cgroup.Group((directory,)).prefix, "bash", "-c", "echo in; exec sleep 300"]
            left.append(subprocess.Popen(argv, stdout=subprocess.PIPE))
        assert [child.stdout.readline() for child in left if child.stdout is not None] == [
            b"in\n"
        ] * len(left)
    for child in left:
        child.communicate(timeout=20)
    assert [child.returncode for child in left] == [-signal.SIGKILL] * len(left)
    assert [path for path in ours() if path.name.startswith(cgroup._owner(os.getpid()))] == []


def test_what_is_started_is_in_the_group_and_its_starter_is_not() -> None:
    before = Path("/proc/thread-self/cgroup").read_text()
    with cgroup.group(memory=1 << 30, processes=50) as group:
        assert group is not None or not cgroup.find_places()
        if group is not None:
            with group.enter() as prefix:
                argv = [*prefix, "cat", "/proc/self/cgroup"]
                child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
            assert Path("/proc/thread-self/cgroup").read_text() == before
            shown = child.communicate()[0]
            assert all(f"/{directory.name}\n" in shown for directory in group.directories)


HOLDING = """
import sys
from git_orch.sandbox.process import cgroup
with cgroup.group(memory=1 << 30, processes=50) as group:
    print(*(group.directories if group else ()), flush=True)
    sys.stdin.read()
"""


def test_the_group_of_a_run_that_was_killed_is_swept_by_the_next() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        left = [Path(word) for word in program.stdout.readline().split()]
        assert all(path.is_dir() for path in left)
        for place in cgroup.find_places():
            cgroup.sweep(place.path)
        assert all(path.is_dir() for path in left)
        program.kill()
    for place in cgroup.find_places():
        cgroup.sweep(place.path)
    assert [path for path in left if path.exists()] == []
    assert table.process(program.pid) is None
