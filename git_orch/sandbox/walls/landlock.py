"""The second wall of Linux: Landlock, which a process puts around itself and its children.

bubblewrap decides what is mounted; Landlock decides, by another part of the kernel, what of that
may be opened, and scopes signals and abstract sockets to the sandbox. A process that Landlock holds
cannot mount, so it has to come after bubblewrap, as the last program before the command. No program
of util-linux does that before 2.40, so perl makes the three system calls: it starts in 1.5 ms,
Python in 9 ms.

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
OLDEST_ABI = 2  # Linux 5.19; before, no file can be moved to another directory
SCOPED_ABI = 6  # Linux 6.12; from here on signals and abstract sockets, too

# Rights: 0 execute, 1 write, 2 read, 3 list; 13 move to another directory (ABI 2), 14 truncate (3),
# 15 ioctl of devices (5). To a file only 0, 1, 2, 14, 15 apply. From ABI 6 on, the third field
# scopes abstract sockets and signals. A kernel without Landlock answers -1. Arguments: 0 or 1, how
# much to say; the number of paths to read; them; the number of paths to write; them; the command.
_SCRIPT = r"""
delete $ENV{PERL_BADLANG};
my $tell = shift;
my @readable = splice(@ARGV, 0, shift);
my @writable = splice(@ARGV, 0, shift);
my $abi = syscall(444, 0, 0, 1);
if ($tell) { print "$abi\n"; }
sub fail { print STDERR "git-orch: Landlock: $_[0]: $!\n"; exit 126; }
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


class Wall(NamedTuple):
    """Landlock put up by the perl at `program`."""

    program: str

    def before(self, readable: Sequence[str], writable: Sequence[str]) -> tuple[str, ...]:
        """The words in front of a command: it may read the ones and change the others, and list
        any directory that is mounted. It needs no_new_privs, see prctl(2).
        """
        return self._words("0", readable, writable)

    def telling(self, readable: Sequence[str], writable: Sequence[str]) -> tuple[str, ...]:
        """The same words, which print the version of Landlock first: -1 where there is none."""
        return self._words("1", readable, writable)

    def _words(
        self, tell: str, readable: Sequence[str], writable: Sequence[str]
    ) -> tuple[str, ...]:
        places = (str(len(readable)), *readable, str(len(writable)), *writable)
        return (self.program, *_PLAIN, "-e", _SCRIPT, tell, *places)


@functools.cache
def find(path: str = _SYSTEM_PATH) -> Wall | None:
    """The wall of this machine; None without a perl of the system's own, which every sandbox
    shows.
    """
    program = environment.program("perl", path)
    if program is None or not os.path.realpath(program).startswith(("/usr/", "/bin/")):
        return None
    return Wall(program)
