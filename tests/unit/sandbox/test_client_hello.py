"""The name in the first message of TLS clients."""

from __future__ import annotations

import ssl

import pytest

from git_orch.sandbox.network import client_hello
from git_orch.sandbox.network.client_hello import BadHello


def hello(name: str | None, protocols: list[str] | None = None) -> bytes:
    """What a real client says first."""
    context = ssl.create_default_context()
    context.check_hostname = name is not None
    if protocols:
        context.set_alpn_protocols(protocols)
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def field(size: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return len(data).to_bytes(size) + data


def made(*extensions: tuple[int, bytes]) -> bytes:
    """A ClientHello with these extensions alone."""
    listed = b"".join(kind.to_bytes(2) + field(2, content) for kind, content in extensions)
    body = b"\3\3" + bytes(32) + field(1) + field(2, b"\x13\x01") + field(1, b"\0")
    message = b"\1" + field(3, body, field(2, listed))
    return b"\x16\3\1" + field(2, message)


def name(*names: bytes, kind: bytes = b"\0") -> tuple[int, bytes]:
    return 0, field(2, *(kind + field(2, one) for one in names))


def test_a_real_client_names_its_host() -> None:
    assert client_hello.server_name(hello("Api.Example.com")) == "api.example.com"
    assert client_hello.server_name(hello("localhost", ["h2", "http/1.1"])) == "localhost"


def test_a_hello_may_come_in_pieces() -> None:
    whole = hello("api.example.com")
    assert {client_hello.server_name(whole[:at]) for at in range(len(whole))} == {None}
    assert client_hello.server_name(whole + b"more") == "api.example.com"


def test_a_hello_may_come_in_records_of_one_byte() -> None:
    message = hello("api.example.com")[5:]
    records = b"".join(b"\x16\3\1\0\1" + message[at : at + 1] for at in range(len(message)))
    assert client_hello.server_name(records) == "api.example.com"
    assert client_hello.server_name(records[:-1]) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n", "does not speak TLS"),
        (b"SSH-2.0-x\r\n", "does not speak TLS"),
        (b"\x80\x2e\x01\x03\x01", "does not speak TLS"),  # SSL 2
        (b"\x15\3\1\0\2\1\0", "does not speak TLS"),
        (b"\x16\2\1\0\5\1\0\0\0\0", "does not speak TLS"),
        (b"\x16\3\1\0\0", "not one of TLS"),
        (b"\x16\3\1\xff\xff", "not one of TLS"),
        (b"\x16\3\1\0\4\2\0\0\0", "not one of TLS"),
        (b"\x16\3\1\0\4\1\xff\xff\xff", "does not end"),
        (b"\x16\3\1\0\4\1\0\0\0", "not one of TLS"),
        (made(), "names no host"),
        (made((0xFE0D, b"\0" * 20), name(b"a.example")), "encrypts the name"),
        (made(name(b"a.example"), name(b"b.example")), "names two hosts"),
        (made(name(b"a.example", b"b.example")), "names two hosts"),
        (made((0, field(2))), "not one of TLS"),
        (made(name(b"a.example", kind=b"\1")), "names no host"),
        (made(name(b"b\xfccher.example")), "names a host that is none"),
        (made(name(b"a.example"))[:-1] + b"\x16", None),
    ],
)  # fmt: skip
def test_what_hides_its_host_is_no_hello(data: bytes, why: str | None) -> None:
    if why is None:
        assert client_hello.server_name(data) != "a.example"
        return
    with pytest.raises(BadHello, match=why):
        client_hello.server_name(data)


def test_a_hello_without_a_name_names_no_host() -> None:
    with pytest.raises(BadHello, match="names no host"):
        client_hello.server_name(hello(None))
