"""The programs that a run may use: those of every machine, and those installed on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_orch.sandbox.policy.words import word_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_orch.sandbox.capabilities import Capabilities
    from git_orch.sandbox.policy.verdict import Code

# Every machine has these; the rules in `rules` and `programs` limit them.
BASE = word_set("""
    ls cat grep find head tail wc echo pwd date [ : awk base64 basename break bunzip2 bzip2 cd chmod
    cksum cmp column comm command continue cp cut dd df diff dirname du egrep env exit expand expr
    false fgrep file fmt fold gunzip gzip id install join kill ln md5sum mkdir mktemp mv nice nl
    nohup nproc od paste patch printf read readlink realpath rev rm rmdir sed seq set sh sha1sum
    sha256sum sha512sum sleep sort split stat stdbuf tac tar tee test time timeout touch tr tree
    true truncate type uname unexpand uniq unzip wait which whoami xargs xxd xz zcat zip
""")
_NETWORK = word_set("""
    curl wget ssh scp sftp rsync nc ncat netcat socat telnet ftp ping dig nslookup host gh glab aws
    gcloud az kubectl docker podman nerdctl helm
""")
_PRIVILEGE = word_set("""
    sudo su doas pkexec runuser chown chgrp chroot mount umount sysctl insmod modprobe systemctl
    service crontab at batch useradd usermod passwd setcap iptables nft reboot shutdown halt
    poweroff unshare nsenter launchctl osascript
""")
_BUILTINS = word_set("""
    eval source . exec builtin export declare typeset local readonly unset alias unalias trap shopt
    enable hash bind let mapfile readarray getopts ulimit umask pushd popd dirs history fc complete
    compgen compopt coproc caller bg fg disown logout suspend return shift times jobs help
""")
_WRAPPERS = word_set("""
    setsid busybox toybox parallel watch script flock strace ltrace gdb ionice chrt taskset screen
    tmux xvfb-run unbuffer expect dbus-run-session systemd-run prlimit setarch
""")

_DOWNLOADS = frozenset(("curl", "wget"))

# No capability and no plan brings these onto a whitelist.
REFUSED: dict[str, Code] = {
    **dict.fromkeys(_NETWORK, "NETWORK"),
    **dict.fromkeys(_PRIVILEGE, "PRIVILEGE"),
    **dict.fromkeys(_BUILTINS, "BUILTIN"),
    **dict.fromkeys(_WRAPPERS, "WRAPPER"),
}


def _nothing(_name: str) -> bool:
    return False


class Whitelist(NamedTuple):
    """The programs of a run by name, as they are typed: case counts. Besides these `names` it has
    what is `reachable` when somebody asks.
    """

    names: frozenset[str] = BASE
    reachable: Callable[[str], bool] = _nothing

    def has(self, name: str) -> bool:
        """Whether a program is on the list."""
        return name in self.names or (name not in REFUSED and self.reachable(name))

    def document(self) -> dict[str, bool]:
        """JSON-ready: name to true."""
        return dict.fromkeys(sorted(self.names), True)


def of(
    capabilities: Capabilities,
    dependencies: Iterable[str] = (),
    *,
    network: bool = False,
    reachable: Callable[[str], bool] = _nothing,
) -> Whitelist:
    """The programs of this machine and `dependencies`, which the plan lists and its reader has
    seen.

    With `network`, which a step asks for and an approval gives, programs that only download are on
    the list, too.
    """
    installed = {info.name for info in capabilities.commands if info.available}
    return Whitelist(
        BASE
        | ((installed | set(dependencies)) - REFUSED.keys())
        | (_DOWNLOADS if network else frozenset()),
        reachable,
    )
