"""A proxy for the commands of one step, to the hosts of a list and nowhere else.

Commands are in a network namespace that has a loopback and nothing more, so that a program which
knows of no proxy reaches nothing. Before a command starts, a program inside opens a socket that
listens on that loopback and hands it out (`walls/landlock.py`). The proxy accepts on it out here:
nothing of it runs in the sandbox, and nothing is left when git-orch is killed.

The proxy sees the name that a TLS client asks for (SNI), which has to be the one of the list; it does
not see what goes through the encrypted connection.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from git_orch.plans import hosts
from git_orch.plans.hosts import Host, Lacks, Verdict, Visit
from git_orch.sandbox.network import addresses, client_hello, head
from git_orch.sandbox.network.head import Refusal
from git_orch.sandbox.network.relay import Pipe
from git_orch.sandbox.process.outcome import Outcome

PORT = 47_080  # in the namespace of a command, where nothing else listens when it starts

_MOST_CONNECTIONS = 64  # at once; others wait
_MOST_VISITS = 500  # different ones that are written down
_MOST_ADDRESSES = 4  # of a name, that a connection tries
_HEAD_SECONDS = 15.0
_CONNECT_SECONDS = 15.0
_IDLE_SECONDS = 900.0  # a model may think for minutes between two bytes
_CHUNK = 16 * 1024
_LAST_BYTES = 256 * 1024  # that a refused program still sends
_END_SECONDS = 2.0
_MORE = "others"
_MOST_TOLD = 10  # lines below the output of a command

_ANSWER = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Lists(NamedTuple):
    """The `allowed` hosts of a step. Of them only those that the user calls `private` may have an
    address that is not public.
    """

    allowed: frozenset[Host]
    private: frozenset[Host] = frozenset()

    @classmethod
    def of(cls, allowed: Sequence[str], private: Sequence[str] = ()) -> Lists:
        """The lists of hosts in one spelling. Raises ValueError."""
        return cls(frozenset(map(hosts.parse, allowed)), frozenset(map(hosts.parse, private)))


_Key = tuple[str, Verdict, str, Lacks]


class Proxy:
    """The proxy of one command. It serves while the context `serving` is open."""

    port = PORT

    def __init__(self, lists: Lists) -> None:
        self.lists = lists
        self._lock = threading.Lock()
        self._visits: dict[_Key, int] = {}
        self._open: set[socket.socket] = set()
        self._slots = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._ended = threading.Event()

    def variables(self) -> dict[str, str]:
        """The variables that tell programs of the proxy, in the two cases that they look for."""
        url = f"http://127.0.0.1:{PORT}"
        local = {host.name for host in self.lists.allowed}
        direct = ",".join(name for name in ("localhost", "127.0.0.1", "::1") if name not in local)
        values = {"HTTPS_PROXY": url, "HTTP_PROXY": url, "ALL_PROXY": url, "NO_PROXY": direct}
        lowered = {name.lower(): value for name, value in values.items()}
        return {**values, **lowered, "NODE_USE_ENV_PROXY": "1"}

    def told(self, ended: Outcome) -> Outcome:
        """The outcome of a command with its visits. Where it failed, the hosts that it was denied stand
        at the end of its output.
        """
        visits = self.visits()
        text = ""
        if ended.reason != "exited" or ended.status != 0:
            denied = [visit for visit in visits if visit.verdict == "denied"]
            text = "".join(visit.line() for visit in denied[:_MOST_TOLD])
        data = text.encode()
        return replace(
            ended, visits=visits, output=ended.output + data, total=ended.total + len(data)
        )

    def visits(self) -> tuple[Visit, ...]:
        """What commands have asked for so far, in the order that they first did."""
        with self._lock:
            return tuple(Visit(*key, times) for key, times in self._visits.items())

    @contextlib.contextmanager
    def serving(self, channel: socket.socket) -> Iterator[None]:
        """Serve on the listening socket that comes through `channel`, if one does."""
        thread = threading.Thread(target=self._serve, args=(channel,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            with self._lock:
                still_open = list(self._open)
            for one in (channel, *still_open):
                _shut(one)
            thread.join(_END_SECONDS)

    # -- connections -------------------------------------------------------------------------------

    def _serve(self, channel: socket.socket) -> None:
        try:
            _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        except OSError:
            return
        for descriptor in descriptors:
            listening = socket.socket(fileno=descriptor)
            with listening, contextlib.suppress(OSError), self._held(listening):
                listening.setblocking(True)
                self._accept(listening)

    def _accept(self, listening: socket.socket) -> None:
        while not self._ended.is_set():
            if not self._slots.acquire(timeout=0.5):
                continue
            try:
                client, _ = listening.accept()
            except OSError:
                self._slots.release()
                raise
            threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    @contextlib.contextmanager
    def _held(self, one: socket.socket) -> Iterator[None]:
        """A socket that the end of the proxy shuts down. Raises OSError where that has come."""
        with self._lock:
            self._open.add(one)
        try:
            if self._ended.is_set():
                raise OSError("the command has ended")
            yield
        finally:
            with self._lock:
                self._open.discard(one)

    def _attend(self, client: socket.socket) -> None:
        try:
            with client, contextlib.suppress(OSError), self._held(client):
                try:
                    self._answer(client)
                except Refusal as refused:
                    verdict: Verdict = "failed" if refused.status == 502 else "denied"
                    self._note(refused.target, verdict, refused.why, refused.lacks)
                    client.settimeout(_END_SECONDS)
                    client.sendall(refused.answer())
                    _end(client)
        finally:
            self._slots.release()

    def _answer(self, client: socket.socket) -> None:
        data, after = _read_head(client)
        request = head.parse(data)
        target = f"{request.host.name}:{request.host.port}"
        self._require_listed(request, target)
        with self._connect(request.host, target) as server, self._held(server):
            if not request.tunnel:
                self._note(target, "allowed")
                server.sendall(request.head + after[: request.body])
                left = max(request.body - len(after), 0)
                Pipe(client, server, left).run(_IDLE_SECONDS)
                _end(client)
                return
            client.sendall(_ANSWER)
            try:
                first = _first_bytes(client, server, request.host, after)
            except Refusal as refused:  # within TLS there is no answer to give
                self._note(target, "denied", refused.why)
                _end(client)
                return
            self._note(target, "allowed")
            server.sendall(first)
            Pipe(client, server).run(_IDLE_SECONDS)

    def _require_listed(self, request: head.Request, target: str) -> None:
        """Raises Refusal for a host that is not on the list."""
        if request.host not in self.lists.allowed:
            raise Refusal(403, "is not in the step's list 'network'", target, "network")
        if not request.tunnel and request.host.port == hosts.HTTPS:
            raise Refusal(403, "is asked for without TLS", target)

    def _connect(self, host: Host, target: str) -> socket.socket:
        """A connection to an address that was looked at. Raises Refusal."""
        try:
            places = addresses.resolve(host.name, host.port)
        except (OSError, UnicodeError) as error:
            raise Refusal(502, f"has no address: {_cause(error)}", target) from error
        for place in places if host not in self.lists.private else ():
            if not addresses.is_public(place.at[0]):
                raise Refusal(403, f"has the private address {place.at[0]}", target, "private")
        failed: Exception = OSError("it has none")
        for place in places[:_MOST_ADDRESSES]:
            try:
                return _connected(place)
            except OSError as error:
                failed = error
        raise Refusal(502, f"cannot be reached: {_cause(failed)}", target)

    def _note(self, target: str, verdict: Verdict, why: str = "", lacks: Lacks = "") -> None:
        if self._ended.is_set():  # what the end cut off says nothing
            return
        with self._lock:
            key: _Key = (target, verdict, why, lacks)
            if key not in self._visits and len(self._visits) >= _MOST_VISITS:
                key = (_MORE, verdict, "", "")
            self._visits[key] = self._visits.get(key, 0) + 1


def _connected(place: addresses.Place) -> socket.socket:
    made = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        made.settimeout(_CONNECT_SECONDS)
        made.connect(place.at)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        made.close()
        raise
    return made


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and what came after it. Raises Refusal, OSError."""
    deadline, data = time.monotonic() + _HEAD_SECONDS, b""
    while head.END not in data:
        if len(data) > head.LONGEST:
            raise Refusal(431, "is longer than a request may be", head.shown(data[:40]))
        more = _receive(client, deadline)
        if not more:
            raise Refusal(408, "does not end", head.shown(data[:40]))
        data += more
    at = data.index(head.END) + len(head.END)
    return data[:at], data[at:]


def _first_bytes(client: socket.socket, server: socket.socket, host: Host, data: bytes) -> bytes:
    """What the client says first, once it is known to be for this host. On a port that is not the one
    of HTTPS it may be something else than TLS. Raises Refusal, OSError.
    """
    deadline = time.monotonic() + _HEAD_SECONDS
    target = f"{host.name}:{host.port}"
    while True:
        other = host.port != hosts.HTTPS and (data[:1] != bytes([client_hello.HANDSHAKE]))
        if other and (data or _speaks_first(client, server)):
            return data
        try:
            name = client_hello.server_name(data)
        except client_hello.BadHello as bad:
            raise Refusal(403, str(bad), target) from bad
        if name == host.name:
            return data
        if name is not None:
            asked = head.shown(name.encode())
            raise Refusal(403, f"is not the host that TLS asks for: {asked} (SNI)", target)
        more = _receive(client, deadline)
        if not more:
            raise Refusal(403, "its client does not speak TLS", target)
        data += more


def _speaks_first(client: socket.socket, server: socket.socket) -> bool:
    """Whether the server does, as those of mail do: then it is not one of TLS."""
    poll = select.poll()
    poll.register(client, select.POLLIN)
    poll.register(server, select.POLLIN)
    ready = [number for number, _ in poll.poll(_HEAD_SECONDS * 1000)]
    return client.fileno() not in ready


def _receive(client: socket.socket, deadline: float) -> bytes:
    """The next bytes; none at its end, and none after the deadline."""
    left = deadline - time.monotonic()
    if left <= 0:
        return b""
    client.settimeout(left)
    try:
        return client.recv(_CHUNK)
    except TimeoutError:
        return b""


def _end(client: socket.socket) -> None:
    """End a connection after the last answer, and read what is still on its way: one that ends over
    unread bytes takes the answer with it.
    """
    client.shutdown(socket.SHUT_WR)
    deadline, read = time.monotonic() + _END_SECONDS, 0
    while read < _LAST_BYTES:
        data = _receive(client, deadline)
        if not data:
            return
        read += len(data)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _cause(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:1].lower() + text[1:]
