"""What a command lacked, by its status and output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import missing
from git_orch.plans.history.status import CheckResult
from git_orch.plans.missing import Missing

_SAID = [
    (Missing.NETWORK, "curl: (6) Could not resolve host: pypi.org"),
    (Missing.NETWORK, "npm error request to https://a/b failed, reason: getaddrinfo EAI_AGAIN a"),
    (Missing.NETWORK, "socket.gaierror: [Errno -3] Temporary failure in name resolution"),
    (Missing.NETWORK, "fatal: unable to access 'https://x/': Could not resolve host: x"),
    (Missing.NETWORK, "error: failed to lookup address information: Name or service not known"),
    (Missing.NETWORK, "dial tcp: lookup proxy.golang.org: no such host"),
    (Missing.NETWORK, "java.net.UnknownHostException: repo.maven.apache.org"),
    (Missing.NETWORK, "connect: Network is unreachable"),
    (Missing.PACKAGE, "npm error code ENOTCACHED"),
    (Missing.PACKAGE, "ERROR: No matching distribution found for six"),
    (Missing.PACKAGE, "As a reminder, you're using offline mode (--offline)"),
    (Missing.PACKAGE, "a.go:3:8: no required module provides package example.com/x; to add it:"),
    (Missing.PACKAGE, "go: example.com/x@v1.0.0: module lookup disabled by GOPROXY=off"),
    (Missing.PACKAGE, "  hint: Packages were unavailable because the network was disabled."),
    (Missing.PACKAGE, "ERR_PNPM_NO_OFFLINE_TARBALL  A package is missing"),
    (Missing.PACKAGE, "Could not find rake-13.0.6 in locally installed gems"),
    (Missing.PACKAGE, "Cannot access central (https://x) in offline mode"),
    (Missing.PACKAGE, "No cached version of junit:junit:4.13 available for offline mode."),
    (Missing.MODULE, "ModuleNotFoundError: No module named 'flask'"),
    (Missing.MODULE, "/usr/bin/python3: No module named pytest"),
    (Missing.MODULE, "Error: Cannot find module 'express'"),
    (Missing.MODULE, "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'vite' imported from"),
    (Missing.MODULE, "cannot load such file -- rspec (LoadError)"),
    (Missing.MODULE, "Can't locate Test/More.pm in @INC"),
    (Missing.PROGRAM, "sh: 1: jest: not found"),
    (Missing.PROGRAM, "bash: line 1: pytest: command not found"),
    (Missing.PROGRAM, "make: *** [Makefile:2: test] Error 127"),
    (Missing.PROGRAM, "Error: spawn tsc ENOENT"),
]


@pytest.mark.parametrize(("lacked", "output"), _SAID, ids=[output for _, output in _SAID])
def test_what_tools_print_says_what_they_lacked(lacked: Missing, output: str) -> None:
    assert missing.of(1, f"collecting\n{output}\nmore of it\n") is lacked


@pytest.mark.parametrize("status", [126, 127])
def test_a_shell_that_starts_no_program_lacks_one(status: int) -> None:
    assert missing.of(status, "") is Missing.PROGRAM


@pytest.mark.parametrize(
    "output",
    ["", "1 failed, 3 passed", "AssertionError: 404: Not Found", "key 'x' not found", "offline"],
)
def test_an_ordinary_failure_lacks_nothing(output: str) -> None:
    assert missing.of(1, output) is None


def test_a_command_with_the_network_does_not_lack_it() -> None:
    assert missing.of(6, "Could not resolve host: x", network=True) is None


@given(status=st.integers(-64, 255), output=st.text(), network=st.booleans())
def test_output_only_chooses_one_of_our_sentences(
    status: int, output: str, *, network: bool
) -> None:
    assert missing.of(status, output, network=network) in {None, *Missing}


@given(output=st.text(), kind=st.sampled_from(Missing))
def test_the_hint_has_nothing_of_the_output(output: str, kind: Missing) -> None:
    phrase = next(said for lacked, said in _SAID if lacked is kind)
    result = CheckResult("run", "x", 1, False, 0.1, f"{output}\n{phrase}\n{output}")
    assert missing.hint_of([result]) in {lacked.hint for lacked in Missing}


def test_long_output_is_looked_at_from_its_end() -> None:
    text = "No module named x\n" + "." * 1_000_000
    assert missing.of(1, text) is None
