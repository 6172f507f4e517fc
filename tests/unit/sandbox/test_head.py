"""Heads of requests to the proxy."""

from __future__ import annotations

import pytest

from git_orch.plans.hosts import Host
from git_orch.sandbox.network import head
from git_orch.sandbox.network.head import Refusal


def request(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "target", ["api.example.com:443", "API.EXAMPLE.com:443", "api.example.com.:443"]
)
def test_connect_names_a_host_in_any_case(target: str) -> None:
    asked = head.parse(request(f"CONNECT {target} HTTP/1.1", f"Host: {target}"))
    assert asked == head.Request(Host("api.example.com"), tunnel=True)


@pytest.mark.parametrize(
    "first",
    [
        "CONNECT api.example.com HTTP/1.1",
        "CONNECT 1.2.3.4:443 HTTP/1.1",
        "CONNECT [::1]:443 HTTP/1.1",
        "CONNECT 0x7f.1:443 HTTP/1.1",
        "CONNECT user@api.example.com:443 HTTP/1.1",
        "CONNECT api.example.com:443@evil.example:443 HTTP/1.1",
        "CONNECT https://api.example.com:443 HTTP/1.1",
        "CONNECT api.example.com:443/ HTTP/1.1",
        "CONNECT api%2eexample.com:443 HTTP/1.1",
        "CONNECT b\xfccher.example:443 HTTP/1.1",
        "CONNECT  api.example.com:443 HTTP/1.1",
        "CONNECT api.example.com:443  HTTP/1.1",
        "CONNECT\tapi.example.com:443 HTTP/1.1",
        "CONNECT api.example.com:443 HTTP/2",
        "CONNECT api.example.com:443",
        "connect api.example.com:443 HTTP/1.1",
        " CONNECT api.example.com:443 HTTP/1.1",
        "",
        "GET / HTTP/1.1",
        "GET //api.example.com/ HTTP/1.1",
        "GET https://api.example.com/ HTTP/1.1",
        "GET ftp://api.example.com/ HTTP/1.1",
        "GET http:/api.example.com/ HTTP/1.1",
        "GET http:///path HTTP/1.1",
        "GET http://user:pw@api.example.com/ HTTP/1.1",
        "GET http://api.example.com:80:90/ HTTP/1.1",
        "GET http://api.example.com\\@evil.example/ HTTP/1.1",
    ],
)
def test_an_ambiguous_request_is_refused(first: str) -> None:
    with pytest.raises(Refusal):
        head.parse(request(first))


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: evil.example"],
        ["Host: api.example.com", "Host: evil.example"],
        ["Host: api.example.com:8080"],
        ["Content-Length: 1", "Content-Length: 2"],
        ["Content-Length: +1"],
        ["Content-Length: 1, 1"],
        ["Transfer-Encoding: chunked"],
        ["Content-Length: 1", "transfer-encoding: identity"],
        ["X: a", " folded"],
        ["X : a"],
        [": a"],
        ["X: a\nHost: evil.example"],
        ["X: a\rHost: evil.example"],
        ["X: a\0"],
    ],
)
def test_a_head_that_two_servers_could_read_in_two_ways_is_refused(lines: list[str]) -> None:
    with pytest.raises(Refusal):
        head.parse(request("POST http://api.example.com/ HTTP/1.1", *lines))


def test_a_plain_request_reaches_its_server_without_what_was_for_the_proxy() -> None:
    asked = head.parse(
        request(
            "POST http://API.example.com:8080?x=1 HTTP/1.1",
            "Host: api.example.com:8080",
            "Proxy-Authorization: Basic eA==",
            "Connection: keep-alive, X-Keep",
            "Upgrade: h2c",
            "X-Own: 1",
            "Content-Length: 3",
        )
    )
    assert asked == head.Request(
        Host("api.example.com", 8080),
        False,
        request(
            "POST /?x=1 HTTP/1.1",
            "Host: api.example.com:8080",
            "X-Own: 1",
            "Content-Length: 3",
            "Connection: close",
        ),
        3,
    )


def test_the_answer_to_a_refused_request_is_one_line_for_people() -> None:
    answer = Refusal(403, "is refused", head.shown(b"\x1b[31m\xff" + b"a" * 500)).answer()
    first, _, text = answer.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert text.startswith(b"git-orch: ?[31m\\xff")
    assert len(text) < 160
