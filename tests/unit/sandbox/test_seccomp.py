"""The system calls that the sandbox forbids: what the program decides, and what a real kernel does
with it.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from git_orch.sandbox.walls import seccomp

# "uname -m": (AUDIT_ARCH_* of <linux/audit.h>, lines of <asm/unistd_64.h> and
# <asm-generic/unistd.h> of Linux 6.1)
MACHINES = {
    "x86_64": (
        0xC000003E,
        """
        read 0, ioctl 16, shmget 29, socket 41, socketpair 53, clone 56, syslog 103, pivot_root 155, acct 163,
        settimeofday 164, mount 165, umount2 166, swapon 167, swapoff 168, reboot 169, iopl 172,
        ioperm 173, init_module 175, delete_module 176, clock_settime 227, kexec_load 246,
        add_key 248, request_key 249, keyctl 250, unshare 272, perf_event_open 298,
        open_by_handle_at 304, setns 308, finit_module 313, kexec_file_load 320, bpf 321,
        userfaultfd 323, io_uring_setup 425, io_uring_enter 426, io_uring_register 427,
        open_tree 428, move_mount 429, fsopen 430, fsconfig 431, fsmount 432, fspick 433,
        clone3 435, mount_setattr 442
        """,
    ),
    "aarch64": (
        0xC00000B7,
        """
        ioctl 29, umount2 39, mount 40, pivot_root 41, read 63, acct 89, unshare 97, kexec_load 104,
        init_module 105, delete_module 106, clock_settime 112, syslog 116, reboot 142,
        settimeofday 170, shmget 194, socket 198, socketpair 199, add_key 217, request_key 218, keyctl 219,
        clone 220, swapon 224, swapoff 225, perf_event_open 241, open_by_handle_at 265, setns 268,
        finit_module 273, bpf 280, userfaultfd 282, kexec_file_load 294, io_uring_setup 425,
        io_uring_enter 426, io_uring_register 427, open_tree 428, move_mount 429, fsopen 430,
        fsconfig 431, fsmount 432, fspick 433, clone3 435, mount_setattr 442
        """,
    ),
}
NUMBERS = {
    machine: {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", lines)}
    for machine, (_, lines) in MACHINES.items()
}
ON_ARGUMENTS = {"ioctl", "socket", "socketpair", "clone", "unshare", "shmget"}
ALWAYS = [
    (machine, name)
    for machine, numbers in NUMBERS.items()
    for name in numbers
    if name not in ON_ARGUMENTS | {"read", "clone3"}
]
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000  # SECCOMP_RET_* of <linux/seccomp.h>
NEW_USER = 0x10000000  # CLONE_NEWUSER
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
HERE = os.uname().machine


def decision(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the program returns for a call: the machine of <linux/filter.h>, as far as seccomp knows
    it.
    """
    program = seccomp.program(machine)
    assert program is not None
    arguments += (0,) * (6 - len(arguments))
    arch = MACHINES[machine][0] if architecture is None else architecture
    data = struct.pack("=IIQ6Q", number, arch, 0, *arguments)
    instructions = list(struct.iter_unpack("=HBBI", program))
    at = loaded = 0
    while True:
        code, if_so, if_not, value = instructions[at]
        if code == 0x06:
            return int(value)
        if code == 0x20:
            loaded = struct.unpack_from("=I", data, value)[0]
            at += 1
            continue
        holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
        at += 1 + (if_so if holds else if_not)


@pytest.mark.parametrize(("machine", "name"), ALWAYS)
def test_a_forbidden_call_is_not_permitted(machine: str, name: str) -> None:
    assert decision(machine, NUMBERS[machine][name]) == ERRNO | errno.EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_no_other_call_is_forbidden_without_looking_at_its_arguments(machine: str) -> None:
    named = {
        number for name, number in NUMBERS[machine].items() if name not in ON_ARGUMENTS | {"read"}
    }
    denied = {number for number in range(600) if decision(machine, number, 1) != ALLOW}
    assert denied == named


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["unshare", "clone"])
def test_a_process_gets_no_new_user_namespace(machine: str, name: str) -> None:
    number = NUMBERS[machine][name]
    assert decision(machine, number, NEW_USER | 17) == ERRNO | errno.EPERM
    # CLONE_FS | CLONE_FILES | SIGCHLD
    assert decision(machine, number, 0x00000200 | 0x00000400 | 17) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_clone3_seems_not_to_exist(machine: str) -> None:
    assert decision(machine, NUMBERS[machine]["clone3"]) == ERRNO | errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    "request_code", [TIOCSTI, TIOCLINUX, TIOCSTI | 1 << 32, TIOCLINUX | 1 << 63]
)
def test_nothing_is_typed_into_a_terminal(machine: str, request_code: int) -> None:
    """The kernel looks at the low half of the request only."""
    assert decision(machine, NUMBERS[machine]["ioctl"], 0, request_code) == ERRNO | errno.EPERM
    assert decision(machine, NUMBERS[machine]["ioctl"], TIOCSTI, request_code + 1) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["socket", "socketpair"])
def test_sockets_are_of_the_families_that_programs_need(machine: str, name: str) -> None:
    number = NUMBERS[machine][name]
    allowed = [family for family in range(64) if decision(machine, number, family, 1) == ALLOW]
    assert allowed == [1, 2, 10, 16]  # UNIX, INET, INET6, NETLINK
    assert decision(machine, number, 40 | 1 << 32) == ERRNO | errno.EAFNOSUPPORT  # VSOCK


@pytest.mark.parametrize("machine", MACHINES)
def test_shared_memory_that_no_process_maps_stays_small(machine: str) -> None:
    sizes = [0, 56, 1 << 16, (1 << 16) + 1, 1 << 31, 1 << 32, (1 << 63) + 56]
    decisions = [decision(machine, NUMBERS[machine]["shmget"], 0, size, 0o1600) for size in sizes]
    assert decisions == [ALLOW] * 3 + [ERRNO | errno.EINVAL] * 4


@pytest.mark.parametrize("machine", MACHINES)
def test_a_call_of_another_architecture_kills(machine: str) -> None:
    assert decision(machine, NUMBERS[machine]["read"], architecture=0x40000003) == KILL  # i386
    assert decision(machine, NUMBERS[machine]["read"]) == ALLOW


def test_x32_seems_not_to_exist() -> None:
    assert decision("x86_64", 0x40000000) == ERRNO | errno.ENOSYS


def test_an_unknown_machine_has_no_program() -> None:
    assert seccomp.program("riscv64") is None


# -- in a real kernel ------------------------------------------------------------------------------

SYSTEM_CALLS = """
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def error(number, *arguments):
    ctypes.set_errno(0)
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, arguments)) >= 0:
        return 0
    return ctypes.get_errno()
print(json.dumps([error(*call) for call in json.loads(sys.argv[1])]))
"""


def confine(argv: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    """A command in a sandbox that has little more than the filter; it may write in `directory`."""
    program = seccomp.program()
    assert program is not None
    reader, writer = os.pipe()
    os.write(writer, program)
    os.close(writer)
    options = [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-net",
        "--die-with-parent",
        "--cap-drop",
        "ALL",
    ]
    places = [
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--bind",
        str(directory),
        str(directory),
    ]
    try:
        return subprocess.run(
            [
                "bwrap",
                "--seccomp",
                str(reader),
                *options,
                *places,
                "--chdir",
                str(directory),
                "--",
                *argv,
            ],
            pass_fds=[reader],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(reader)


def errors(calls: list[list[int]], directory: Path) -> list[int]:
    """The error number of each call, tried in the sandbox; 0 for one that was done."""
    done = confine([sys.executable, "-c", SYSTEM_CALLS, json.dumps(calls)], directory)
    assert done.returncode == 0, done.stderr
    found: list[int] = json.loads(done.stdout)
    return found


def test_the_kernel_refuses_every_forbidden_call(tmp_path: Path) -> None:
    names = [name for machine, name in ALWAYS if machine == HERE]
    found = errors([[NUMBERS[HERE][name], 0, 0, 0, 0, 0] for name in names], tmp_path)
    assert dict(zip(names, found, strict=True)) == dict.fromkeys(names, errno.EPERM)


def test_the_kernel_refuses_forbidden_arguments(tmp_path: Path) -> None:
    numbers = NUMBERS[HERE]
    calls = {
        "a user namespace": [numbers["unshare"], NEW_USER],
        "a child in one": [numbers["clone"], NEW_USER | 17, 0, 0, 0, 0],
        "clone3": [numbers["clone3"], 0, 0],
        "typing": [numbers["ioctl"], 0, TIOCSTI | 1 << 32, 0],
        "the host of the virtual machine": [numbers["socket"], 40, 1, 0],
        "ciphers": [numbers["socket"], 38, 5, 0],
        "the internet": [numbers["socket"], 2, 1, 0],
        "interfaces": [numbers["socket"], 16, 3, 0],
        "open files of its own": [numbers["unshare"], 0x400],
        "little shared memory": [numbers["shmget"], 0, 56, 0o1600],
        "much shared memory": [numbers["shmget"], 0, 1 << 32, 0o1600],
    }
    found = dict(zip(calls, errors(list(calls.values()), tmp_path), strict=True))
    refused, unknown, absent = errno.EPERM, errno.EAFNOSUPPORT, errno.ENOSYS
    answers = [refused, refused, absent, refused, unknown, unknown, 0, 0, 0, 0, errno.EINVAL]
    assert list(found.values()) == answers, found


THREADS = """
import subprocess, threading
child = threading.Thread(target=subprocess.run, args=(["true"],))
child.start()
child.join()
"""
SERVER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
server.accept()[0].send(b"x")
assert client.recv(1) == b"x"
socket.socketpair()
"""
ORDINARY = {
    "a pipeline": ["bash", "-c", "seq 1000 | sort -rn | head -1 | grep 1000"],
    "threads and children": [sys.executable, "-c", THREADS],
    "a server and its client": [sys.executable, "-c", SERVER],
    "git": [
        "bash",
        "-c",
        "git init -q r && git -C r -c user.name=a -c user.email=a@b commit -q --allow-empty -m x",
    ],
    "an archive": [
        "bash",
        "-c",
        "echo x > f && tar czf f.tgz f && rm f && tar xzf f.tgz && test -f f",
    ],
}
INSTALLED = {
    "gcc": ["bash", "-c", "echo 'int main(){return 0;}' > a.c && gcc a.c -o a && ./a"],
    "node": ["node", "-e", "new (require('worker_threads').Worker)('0', {eval: true})"],
}


@pytest.mark.parametrize("argv", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_programs_work(argv: list[str], tmp_path: Path) -> None:
    done = confine(argv, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_compilers_and_runtimes_that_are_here_work(tmp_path: Path) -> None:
    done = {name: confine(argv, tmp_path) for name, argv in INSTALLED.items() if shutil.which(name)}
    assert {name: one.stderr for name, one in done.items() if one.returncode or one.stderr} == {}
