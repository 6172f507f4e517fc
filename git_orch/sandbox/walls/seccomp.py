"""System calls that a command in the sandbox does not get: a classic BPF program for `bwrap
--seccomp FD`.

The walls are the namespaces and the missing capabilities. This closes what they leave open, and the
kernel's most attacked doors in case one of the walls has a hole. It lists what is forbidden, so
that programs nobody thought of go on working; a call that is newer than the list is allowed.

Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (aarch64) of
Linux 6.1; they are part of the kernel's ABI and never change. Instructions: <linux/filter.h>;
struct seccomp_data: <linux/seccomp.h>.
"""

from __future__ import annotations

import errno
import functools
import itertools
import os
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Call(NamedTuple):
    """The number of a system call by machine; None where there is no such call."""

    x86_64: int
    aarch64: int | None


_MACHINES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* of <linux/audit.h>
_X32 = 0x40000000  # __X32_SYSCALL_BIT: the same calls as of x86_64 under other numbers

_FORBIDDEN: Final = {
    # Keys are shared by all processes of a user, whatever namespace they are in: disk encryption,
    # Kerberos tickets.
    "add_key": _Call(248, 217),
    "request_key": _Call(249, 218),
    "keyctl": _Call(250, 219),
    # Programs and measurements inside the kernel, and page faults that wait for us: what most
    # exploits are made of.
    "bpf": _Call(321, 280),
    "perf_event_open": _Call(298, 241),
    "userfaultfd": _Call(323, 282),
    # A queue of calls that no filter sees: IORING_OP_SOCKET opens every family. Programs fall back
    # (libuv does).
    "io_uring_setup": _Call(425, 425),
    "io_uring_enter": _Call(426, 426),
    "io_uring_register": _Call(427, 427),
    # The whole machine's kernel, clock, swap and log. They need a capability, but for syslog on
    # many machines: it shows what all others do.
    "kexec_load": _Call(246, 104),
    "kexec_file_load": _Call(320, 294),
    "init_module": _Call(175, 105),
    "finit_module": _Call(313, 273),
    "delete_module": _Call(176, 106),
    "reboot": _Call(169, 142),
    "swapon": _Call(167, 224),
    "swapoff": _Call(168, 225),
    "acct": _Call(163, 89),
    "settimeofday": _Call(164, 170),
    "clock_settime": _Call(227, 112),
    "iopl": _Call(172, None),
    "ioperm": _Call(173, None),
    "syslog": _Call(103, 116),
    # Opens a file by its number on the disk, past every mount: how root got out of containers.
    "open_by_handle_at": _Call(304, 265),
    # What is mounted, and where: with these a read-only path becomes a writable one.
    "mount": _Call(165, 40),
    "umount2": _Call(166, 39),
    "pivot_root": _Call(155, 41),
    "open_tree": _Call(428, 428),
    "move_mount": _Call(429, 429),
    "fsopen": _Call(430, 430),
    "fsconfig": _Call(431, 431),
    "fsmount": _Call(432, 432),
    "fspick": _Call(433, 433),
    "mount_setattr": _Call(442, 442),
    "setns": _Call(308, 268),
}
_UNSHARE = _Call(272, 97)
_CLONE = _Call(56, 220)
_CLONE3 = _Call(435, 435)
_IOCTL = _Call(16, 29)
_SOCKET = _Call(41, 198)
_SOCKETPAIR = _Call(53, 199)
_SHMGET = _Call(29, 194)

# CLONE_NEW* of <linux/sched.h>: mount, cgroup, UTS, IPC, user, PID, network. In a new user
# namespace a process has all capabilities, and most holes of the last years need one of them.
# CLONE_NEWTIME is part of the exit signal for clone().
_NAMESPACES = (
    0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
)
_TIOCSTI = 0x5412  # types a character into the terminal, <asm-generic/ioctls.h>
_TIOCLINUX = 0x541C  # pastes the selection of the Linux console
# AF_UNIX, AF_INET, AF_INET6, and AF_NETLINK by which programs list interfaces. A network namespace
# does not hold all others: AF_VSOCK talks to the host of a virtual machine, AF_BLUETOOTH to the
# air. AF_ALG is a door to the kernel.
_FAMILIES = (1, 2, 10, 16)

# Memory that belongs to no process once it is detached (System V), so nobody could count it. What is
# left of it, 4,096 segments, is 256 MiB; PostgreSQL needs one of 56 bytes.
_SEGMENT_BYTES = 64 * 1024

_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, in bytes
_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45  # BPF_JMP | BPF_K with BPF_JEQ, BPF_JGE, BPF_JSET
_RETURN = 0x06  # BPF_RET | BPF_K
_ALLOW, _KILL = 0x7FFF0000, 0x80000000  # SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS


@functools.lru_cache
def program(machine: str = os.uname().machine) -> bytes | None:
    """The array of struct sock_filter for this kind of machine as uname(2) names it; None for any
    other kind.
    """
    if machine not in _MACHINES:
        return None
    instructions = [
        *_native_only_rules(machine),
        *_whole_call_rules(machine),
        *_argument_rules(machine),
        _return(_ALLOW),
    ]
    return b"".join(instructions)


def _native_only_rules(machine: str) -> list[bytes]:
    """The process is killed for a call of another architecture (`int 0x80`): its numbers mean other
    calls.

    x32 is answered as by a kernel without it.
    """
    other = _unless(_EQUAL, _MACHINES[machine], [_return(_KILL)])
    x32 = _when(_AT_LEAST, _X32, [_deny(errno.ENOSYS)]) if machine == "x86_64" else []
    return [_load(_ARCHITECTURE), *other, _load(_NUMBER), *x32]


def _whole_call_rules(machine: str) -> list[bytes]:
    denied = [
        _when(_EQUAL, number, [_deny(errno.EPERM)])
        for number in _numbers(_FORBIDDEN.values(), machine)
    ]
    # The flags of clone3 lie in memory that a filter cannot read. libc tries clone next, as on an
    # old kernel.
    unseen = [
        _when(_EQUAL, number, [_deny(errno.ENOSYS)]) for number in _numbers([_CLONE3], machine)
    ]
    return [*itertools.chain(*denied, *unseen)]


def _argument_rules(machine: str) -> list[bytes]:
    """The calls that are forbidden with some arguments only.

    The low half of an argument is enough, and right, where the kernel takes it as 32 bits: comparing
    all 64 bits lets TIOCSTI with a bit above through (CVE-2019-10063). A size has both halves.
    """
    namespaces = [_load(_FIRST_ARGUMENT), *_when(_ANY_BIT, _NAMESPACES, [_deny(errno.EPERM)])]
    requests = [_when(_EQUAL, request, [_deny(errno.EPERM)]) for request in (_TIOCSTI, _TIOCLINUX)]
    terminal = [_load(_FIRST_ARGUMENT + 8), *requests[0], *requests[1]]
    family_rules = [_when(_EQUAL, family, [_return(_ALLOW)]) for family in _FAMILIES]
    families = [
        _load(_FIRST_ARGUMENT),
        *itertools.chain(*family_rules),
        _deny(errno.EAFNOSUPPORT),
    ]
    too_large = [_deny(errno.EINVAL)]  # as above the kernel's own limit, see shmget(2)
    segments = [
        _load(_FIRST_ARGUMENT + 12),  # the upper half of a size
        *_when(_AT_LEAST, 1, too_large),
        _load(_FIRST_ARGUMENT + 8),
        *_when(_AT_LEAST, _SEGMENT_BYTES + 1, too_large),
    ]
    rules = {
        _UNSHARE: namespaces,
        _CLONE: namespaces,
        _IOCTL: terminal,
        _SOCKET: families,
        _SOCKETPAIR: families,
        _SHMGET: segments,
    }
    instructions: list[bytes] = []
    for call, rule in rules.items():
        for number in _numbers([call], machine):
            instructions += _when(_EQUAL, number, [*rule, _return(_ALLOW)])
    return instructions


def _numbers(calls: Iterable[_Call], machine: str) -> list[int]:
    numbers = [call.x86_64 if machine == "x86_64" else call.aarch64 for call in calls]
    return [number for number in numbers if number is not None]


def _when(comparison: int, value: int, then: list[bytes]) -> list[bytes]:
    """`then` where the loaded word compares; else the instruction after it."""
    return [_instruction(comparison, value, if_not=len(then)), *then]


def _unless(comparison: int, value: int, then: list[bytes]) -> list[bytes]:
    return [_instruction(comparison, value, if_so=len(then)), *then]


def _load(offset: int) -> bytes:
    return _instruction(_LOAD, offset)


def _return(action: int) -> bytes:
    return _instruction(_RETURN, action)


def _deny(error: int) -> bytes:
    return _return(0x00050000 | error)  # SECCOMP_RET_ERRNO


def _instruction(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    """struct sock_filter: the code, the number of instructions to jump over, the constant."""
    return struct.pack("=HBBI", code, if_so, if_not, value)
