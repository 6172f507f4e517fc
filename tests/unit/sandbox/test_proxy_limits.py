"""The limits of the proxy, over sockets of this process: no program can hold it up or fill it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from git_orch.sandbox.network import proxy as proxies
from git_orch.sandbox.network.proxy import Lists, Proxy

LONG = 60.0  # seconds


@contextlib.contextmanager
def served(proxy: Proxy) -> Iterator[int]:
    """The port at which the proxy listens while the context is open."""
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as listening, proxy.serving(ours):
        port = listening.getsockname()[1]
        socket.send_fds(theirs, [b"!"], [listening.fileno()])
        yield port


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(LONG)
    return client


def read_all(client: socket.socket) -> bytes:
    """All that comes until the end, also one that a reset makes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65536):
            parts.append(data)
    return b"".join(parts)


def asked(port: int, data: bytes) -> bytes:
    """The whole answer to these bytes."""
    with connect(port) as client:
        client.sendall(data)
        return read_all(client)


@pytest.fixture
def proxy() -> Proxy:
    return Proxy(Lists.of(("a.example",)))


def test_a_head_has_a_longest_length(proxy: Proxy) -> None:
    with served(proxy) as port:
        answer = asked(port, b"CONNECT a.example:443 HTTP/1.1\r\nX: " + b"x" * 40_000)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert [visit.verdict for visit in proxy.visits()] == ["denied"]


def test_a_head_that_does_not_end_is_given_up(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "_HEAD_SECONDS", 0.05)
    with served(proxy) as port, connect(port) as client:
        client.sendall(b"CONNECT a.example:443 HT")
        assert read_all(client).startswith(b"HTTP/1.1 408 ")


def test_more_connections_than_the_limit_wait_for_one_that_ends(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "_MOST_CONNECTIONS", 2)
    proxy = Proxy(proxy.lists)
    with served(proxy) as port, contextlib.ExitStack() as stack:
        first, second, third = (stack.enter_context(connect(port)) for _ in range(3))
        for client in (first, second):  # each is being attended to
            client.sendall(b"x\r\n\r")
        third.sendall(b"x\r\n\r\n")
        first.sendall(b"\n")
        assert b"is not a request to a proxy" in read_all(first)
        first.close()
        assert b"is not a request to a proxy" in read_all(third)
        second.sendall(b"\n")
        assert b"is not a request to a proxy" in read_all(second)


def test_different_visits_that_are_written_down_have_a_limit(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "_MOST_VISITS", 3)
    with served(proxy) as port:
        for number in range(6):
            asked(port, b"CONNECT b%d.example:443 HTTP/1.1\r\n\r\n" % number)
    assert [(visit.target, visit.times) for visit in proxy.visits()] == [
        ("b0.example:443", 1), ("b1.example:443", 1), ("b2.example:443", 1), ("others", 3),
    ]  # fmt: skip


def test_the_end_of_a_command_ends_what_it_has_open(proxy: Proxy) -> None:
    with served(proxy) as port:
        clients = [connect(port) for _ in range(3)]
        clients[0].sendall(b"CONNECT a.")
    for client in clients:
        with client:
            read_all(client)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and "_attend" in thread.name:
            thread.join(LONG)
    assert not [thread for thread in threading.enumerate() if "_attend" in thread.name]
    assert proxy.visits() == ()


def test_both_ways_flow_at_once_until_both_sides_have_ended() -> None:
    size = 8 * 1024 * 1024
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"localhost:{server.getsockname()[1]}"
        proxy = Proxy(Lists.of((host,), (host,)))
        with served(proxy) as port, connect(port) as client:
            client.sendall(f"CONNECT {host} HTTP/1.1\r\n\r\n".encode() + b"SSH-")
            accepted, _ = server.accept()
            assert client.recv(1024).startswith(b"HTTP/1.1 200 ")
            with accepted:
                one = threading.Thread(target=_send, args=(client, size))
                other = threading.Thread(target=_send, args=(accepted, size))
                received: dict[str, int] = {}
                third = threading.Thread(
                    target=lambda: received.update(server=len(read_all(accepted)))
                )
                for thread in (one, other, third):
                    thread.start()
                received["client"] = len(read_all(client))
                for thread in (one, other, third):
                    thread.join()
    assert received == {"client": size, "server": size + 4}


def _send(side: socket.socket, size: int) -> None:
    side.sendall(bytes(size))
    side.shutdown(socket.SHUT_WR)


def test_a_server_that_speaks_first_is_heard_where_its_port_is_listed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"localhost:{server.getsockname()[1]}"
        proxy = Proxy(Lists.of((host,), (host,)))
        with served(proxy) as port, connect(port) as client:
            client.sendall(f"CONNECT {host} HTTP/1.1\r\n\r\n".encode())
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(b"220 ready\r\n")
            assert read_all(client).endswith(b"\r\n\r\n220 ready\r\n")


def test_a_port_of_https_takes_tls_alone() -> None:
    """Its name resolves to nothing here, and what is asked for in plain does not get as far."""
    proxy = Proxy(Lists.of(("a.example",)))
    with served(proxy) as port:
        answer = asked(port, b"GET http://a.example:443/ HTTP/1.1\r\n\r\n")
    assert b"is asked for without TLS" in answer
