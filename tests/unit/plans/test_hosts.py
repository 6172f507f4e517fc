"""Names of hosts in one spelling."""

from __future__ import annotations

import pytest

from git_orch.plans import hosts
from git_orch.plans.hosts import Host


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("api.example.com:443", "api.example.com"),
        ("api.example.com.:8443", "api.example.com:8443"),
        ("localhost:8080", "localhost:8080"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("_dmarc.example.com", "_dmarc.example.com"),
    ],
)
def test_a_host_has_one_spelling(text: str, spelling: str) -> None:
    assert hosts.one_spelling(text) == spelling
    assert hosts.one_spelling(spelling) == spelling


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "a..b", ".example.com", "example.com..", "-a.example", "a-.example",
        "exa mple.com", "example.com\n", "example.com\0", "example.com%2e", "ex\\ample.com",
        "https://example.com", "example.com/path", "user@example.com", "example.com:443@evil.example",
        "*.example.com", "*", "bücher.example", "example。com", "ｅxample.com",  # noqa: RUF001
        "1.2.3.4", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "1.2.3.0x4", "127.0.0.1.",
        "[::1]", "[::1]:443", "::1", "fe80::1%eth0", "::ffff:127.0.0.1",
        "example.com:", "example.com:0", "example.com:0443", "example.com:65536", "example.com:+443",
        "example.com:443:443", "example.com:4_43", "example.com: 443", "example.com:٤٤٣",
        f"{'a' * 64}.example", f"{'a.' * 127}example",
    ],
)  # fmt: skip
def test_what_could_be_read_as_something_else_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(has|is|names) "):
        hosts.parse(text)


def test_a_host_without_a_port_is_one_of_https() -> None:
    assert hosts.parse("a.example") == Host("a.example", 443)
    with pytest.raises(ValueError, match="names no port"):
        hosts.parse("a.example", None)


def test_a_step_asks_for_hosts_by_their_names() -> None:
    assert hosts.asking(False) == ""
    assert hosts.asking(True) == "asks for the network"
    assert hosts.asking(("a.example", "b.example:8443")) == "asks for a.example, b.example:8443"
