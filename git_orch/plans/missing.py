"""The thing that a command lacked, by its status and the end of its output.

Output is anybody's: all that it can do is choose one of the sentences that stand here.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable

from git_orch.plans.history.status import CheckResult

_NOT_EXECUTABLE, _NOT_THERE = 126, 127  # the statuses a shell gives, see EXIT STATUS in bash(1)
_LOOKED_AT = 20_000  # characters of output, from its end


class Missing(enum.Enum):
    """Something that a command needs and does not have; its value says so to people."""

    NETWORK = "it asked for a host of the network, which commands do not have"
    PACKAGE = "a package that it needs is not on this machine"
    MODULE = "a module that it loads is not installed where commands run"
    PROGRAM = "a program that it starts is not on the PATH of commands"

    @property
    def hint(self) -> str:
        """The next command, and why."""
        return f"git orch setup  # {self.value}"


# Most of the tools that fetch speak of the network as their library does.
_NETWORK = (
    "temporary failure in name resolution",
    "temporary failure resolving",
    "name or service not known",
    "nodename nor servname provided",
    "no address associated with hostname",
    "failed to lookup address information",
    "could not resolve host",
    "couldn't resolve host",
    "unable to resolve host",
    "could not resolve proxy",
    "getaddrinfo",
    "eai_again",
    " enotfound",
    "enetunreach",
    "network is unreachable",
    "unknownhostexception",
    "dial tcp: lookup ",
    "bad address '",  # of busybox
)
_PACKAGE = (
    "enotcached",  # npm
    "err_pnpm_no_offline_",
    "in offline mirror",  # yarn 1
    "couldn't find the offline mirror",
    "has been blocked because of your configuration settings",  # yarn 2 and later
    "the network was disabled",  # uv
    "network connectivity is disabled",  # uv
    "no matching distribution found",  # pip
    "could not find a version that satisfies the requirement",  # pip
    "you're using offline mode",  # cargo
    "you may want to run without `--offline`",  # cargo
    "but --offline was specified",  # cargo
    "can't checkout from",  # cargo
    "module lookup disabled by goproxy=off",
    "no required module provides package",
    "cannot find module providing package",
    "missing go.sum entry",
    "in offline mode",  # maven
    "pluginresolutionexception",
    "dependencyresolutionexception",
    "available for offline mode",  # gradle
    "bundler::gemnotfound",
    "in locally installed gems",
    "in any of the sources",
    "network disabled, request canceled",  # composer
)
_MODULE = (
    "modulenotfounderror",
    "no module named",
    "module_not_found",
    "cannot find module",
    "cannot find package",
    "can't resolve '",  # webpack
    "failed to resolve import",  # vite
    "cannot load such file",  # ruby
    "failed opening required",  # php
    "can't locate ",  # perl
    "there is no package called",  # R
    "can't find crate for",
    "use of undeclared crate or module",
    "use of unresolved module or unlinked crate",
)
_KINDS = ((Missing.NETWORK, _NETWORK), (Missing.PACKAGE, _PACKAGE), (Missing.MODULE, _MODULE))
# What shells, env and make say of a program, where they end with a status of their own.
_NO_PROGRAM = re.compile(
    r": command not found$|^(?:\S*/)?(?:[bd]?a?sh|make): (?:line )?\d+: .*: not found$|\bError 127$"
    r"|\bspawn \S{1,200} ENOENT\b",
    re.MULTILINE,
)


def of(status: int, output: str, *, network: bool = False) -> Missing | None:
    """The thing that a command lacked which ended with this status; None where nothing says so.
    With `network` it had the network.
    """
    end = output[-_LOOKED_AT:]
    lowered = end.lower()
    for missing, phrases in _KINDS:
        if any(phrase in lowered for phrase in phrases):
            return None if missing is Missing.NETWORK and network else missing
    if status in (_NOT_EXECUTABLE, _NOT_THERE) or _NO_PROGRAM.search(end):
        return Missing.PROGRAM
    return None


def hint_of(failed: Iterable[CheckResult]) -> str | None:
    """The hint for checks that failed, of the first that says what it lacked."""
    lacking = (of(result.exit, result.output) for result in failed)
    return next((lacked.hint for lacked in lacking if lacked is not None), None)
