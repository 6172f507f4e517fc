"""The second wall of Linux: Landlock, which a process puts around itself and its children.

bubblewrap decides what is mounted; Landlock decides, by another part of the kernel, what of that
may be opened, and scopes signals and abstract sockets to the sandbox. A process that Landlock holds
cannot mount, so it has to come after bubblewrap, as the last program before the command. No program
of util-linux does that before 2.40, so perl makes the three system calls: it starts in 1.5 ms,
Python in 9 ms.

For a command with a list of hosts it also opens the socket of the proxy, in the command's network
namespace, and hands it out (SCM_RIGHTS in unix(7)): `network/proxy.py` accepts on it.

Numbers: include/uapi/linux/landlock.h; the system calls have the same numbers on every machine.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import NamedTuple

from git_orch.sandbox.walls import environment

# perl warns of a locale that is not installed, before it reads the first line of a script.
QUIET = "PERL_BADLANG"
# In its taint mode perl loads nothing that PERL5OPT or PERL5LIB name, which are for the command: that
# would run before the wall stands. What it says of tainted data is not said.
_PLAIN = ("-X", "-t")
_SYSTEM_PATH = "/usr/bin:/bin"
_SENDMSG = {"x86_64": 46, "aarch64": 211}  # by machine, see seccomp.py
OLDEST_ABI = 2  # Linux 5.19; before, no file can be moved to another directory
SCOPED_ABI = 6  # Linux 6.12; from here on signals and abstract sockets, too

# Rights: 0 execute, 1 write, 2 read, 3 list; 13 move to another directory (ABI 2), 14 truncate (3),
# 15 ioctl of devices (5). To a file only 0, 1, 2, 14, 15 apply. From ABI 6 on, the third field
# scopes abstract sockets and signals. A kernel without Landlock answers -1. Arguments: 0 or 1, how
# much to say; the descriptor that takes a listening socket (-1: none is wanted), its port, and the
# number of sendmsg(2) here; the number of paths to read; them; the number of paths to write; them;
# the command. The message is one byte, and a control message of 20 bytes: SOL_SOCKET, SCM_RIGHTS.
_SCRIPT = r"""
delete $ENV{PERL_BADLANG};
my $tell = shift;
my ($channel, $port, $sendmsg) = map { $_ + 0 } splice(@ARGV, 0, 3);
my @readable = splice(@ARGV, 0, shift);
my @writable = splice(@ARGV, 0, shift);
my $abi = syscall(444, 0, 0, 1);
if ($tell) { print "$abi\n"; }
sub fail { print STDERR "git-orch: Landlock: $_[0]: $!\n"; exit 126; }
if ($channel >= 0) {
    my $at = pack("S n C4 x8", 2, $port, 127, 0, 0, 1);
    socket(my $proxy, 2, 1, 0) or fail("proxy");
    bind($proxy, $at) && listen($proxy, 64) or fail("proxy");
    my $byte = "!";
    my $vector = pack("P Q", $byte, 1);
    my $rights = pack("Q l l l x4", 20, 1, 1, fileno($proxy));
    my $message = pack("Q L x4 P Q P Q l x4", 0, 0, $vector, 1, $rights, 24, 0);
    syscall($sendmsg, $channel, $message, 0) == 1 or fail("proxy");
    open(my $done, "+<&=", $channel) or fail("proxy");
    close($done);
}
if ($abi >= 2) {
    my $all = (1 << 14) - 1;
    $all |= 1 << 14 if $abi >= 3;
    $all |= 1 << 15 if $abi >= 5;
    my $of_files = $all & (1 << 15 | 1 << 14 | 7);
    my $attributes = pack("QQQ", $all, 0, $abi >= 6 ? 3 : 0);
    my $rules = syscall(444, $attributes, 24, 0);
    fail("rules") if $rules < 0;
    sub allow {
        my ($path, $rights) = @_;
        sysopen(my $place, $path, 0x200000) or $! == 2 ? return : fail($path);
        $rights &= $of_files unless -d $place;
        my $rule = pack("Ql", $rights, fileno($place));
        syscall(445, $rules, 1, $rule, 0) == 0 or fail($path);
    }
    allow("/", 1 << 3);
    allow("/dev", $all & (1 << 15 | 1 << 14 | 15));
    allow($_, 13) for @readable;
    allow($_, $all) for @writable;
    syscall(446, $rules, 0) == 0 or fail("restrict");
}
exec { $ARGV[0] } @ARGV;
my $error = $!;
print STDERR "$ARGV[0]: $error\n";
exit($error == 2 ? 127 : 126);
"""


class Channel(NamedTuple):
    """The descriptor of a UNIX socket that takes a socket which listens at this port."""

    descriptor: int
    port: int

    def words(self) -> tuple[str, ...]:
        """What the script is told of it."""
        return (str(self.descriptor), str(self.port), str(_SENDMSG[os.uname().machine]))


_NO_CHANNEL = ("-1", "0", "0")


class Wall(NamedTuple):
    """Landlock put up by the perl at `program`."""

    program: str

    def before(
        self, readable: Sequence[str], writable: Sequence[str], channel: Channel | None = None
    ) -> tuple[str, ...]:
        """The words in front of a command: it may read the ones and change the others, and list
        any directory that is mounted. It needs no_new_privs, see prctl(2). A socket for a proxy goes
        through the `channel`.
        """
        words = channel.words() if channel is not None else _NO_CHANNEL
        return self._words(("0", *words), readable, writable)

    def telling(self, readable: Sequence[str], writable: Sequence[str]) -> tuple[str, ...]:
        """The same words, which print the version of Landlock first: -1 where there is none."""
        return self._words(("1", *_NO_CHANNEL), readable, writable)

    def _words(
        self, first: Sequence[str], readable: Sequence[str], writable: Sequence[str]
    ) -> tuple[str, ...]:
        places = (str(len(readable)), *readable, str(len(writable)), *writable)
        return (self.program, *_PLAIN, "-e", _SCRIPT, *first, *places)


def can_hand_out() -> bool:
    """Whether the script knows how to hand out a socket on this kind of machine."""
    return os.uname().machine in _SENDMSG


@functools.cache
def find(path: str = _SYSTEM_PATH) -> Wall | None:
    """The wall of this machine; None without a perl of the system's own, which every sandbox
    shows.
    """
    program = environment.program("perl", path)
    if program is None or not os.path.realpath(program).startswith(("/usr/", "/bin/")):
        return None
    return Wall(program)
