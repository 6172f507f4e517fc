"""The head of a request to the proxy: CONNECT, or plain HTTP with a whole URL (RFC 9112 3.2).

What a server might read in another way than we do is refused: it is what programs do that want to
slip through.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from git_orch.plans import hosts
from git_orch.plans.hosts import Host, Lacks

LONGEST = 32 * 1024  # bytes
END = b"\r\n\r\n"
_HTTP = 80
_LONGEST_NAMED = 100  # characters of a target in a message
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]+) (HTTP/1\.[01])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_URL = re.compile(r"http://([^/?#]*)(/[^#]*|\?[^#]*)?", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,15}")
# For one connection alone, see RFC 9110 7.6.1; the host is written anew.
_LEFT_OUT = frozenset(
    (b"connection", b"keep-alive", b"upgrade", b"te", b"trailer", b"http2-settings", b"host")
)
_STATUSES = {
    400: "Bad Request", 403: "Forbidden", 408: "Request Timeout", 411: "Length Required",
    431: "Request Header Fields Too Large", 502: "Bad Gateway",
}  # fmt: skip


class Refusal(Exception):
    """A request that goes nowhere: the status of the answer, and why, in words; `target` is what it
    asked for as far as one can tell. It `lacks` an entry in one of the lists, or nothing.
    """

    def __init__(self, status: int, why: str, target: str = "", lacks: Lacks = "") -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.target = target
        self.lacks = lacks

    def answer(self) -> bytes:
        """The answer that tells the program."""
        text = f"git-orch: {self.target or 'the request'} {self.why}\n".encode()
        lines = (
            f"HTTP/1.1 {self.status} {_STATUSES[self.status]}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(text)}",
            "Connection: close",
        )
        return "\r\n".join(lines).encode() + END + text


class Request(NamedTuple):
    """A request for a connection to `host`. A plain one (`tunnel` is false) has the `head` that goes
    to the server, and `body` bytes after it.
    """

    host: Host
    tunnel: bool
    head: bytes = b""
    body: int = 0


def parse(data: bytes) -> Request:
    """The request in a head, which ends with an empty line. Raises Refusal."""
    lines = data.removesuffix(END).split(b"\r\n")
    first = _LINE.fullmatch(lines[0])
    if first is None:
        raise Refusal(400, "is not a request to a proxy", shown(lines[0]))
    method, target = first[1], first[2].decode("ascii")
    fields = [_FIELD.fullmatch(line) for line in lines[1:]]
    if not all(fields):
        raise Refusal(400, "has a header field that is none", shown(first[2]))
    named = [(field[1], field[2]) for field in fields if field is not None]
    if method == b"CONNECT":
        return Request(_host(target, None, target), tunnel=True)
    return _plain((method, first[3]), target, named)


def _plain(line: tuple[bytes, bytes], target: str, fields: list[tuple[bytes, bytes]]) -> Request:
    """The request with what the server is to read; `line` has its method and version."""
    url = _URL.fullmatch(target)
    if url is None:
        raise Refusal(400, "is not a request to a proxy", shown(target.encode()))
    host = _host(url[1], _HTTP, target)
    path = url[2] or "/"
    path = path if path.startswith("/") else f"/{path}"
    values: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        values.setdefault(name.lower(), []).append(value)
    for value in values.get(b"host", []):
        if _host(value.decode("latin-1"), _HTTP, target) != host:
            raise Refusal(
                400, "has another host in its head than in its URL", shown(url[1].encode())
            )
    if b"transfer-encoding" in values:
        raise Refusal(411, "has a body of unknown length, which plain HTTP here cannot", target)
    lengths = values.get(b"content-length", [])
    if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        raise Refusal(400, "has a length that is none", shown(target.encode()))
    kept = [
        name + b": " + value
        for name, value in fields
        if name.lower() not in _LEFT_OUT and not name.lower().startswith(b"proxy-")
    ]
    authority = host.name if host.port == _HTTP else f"{host.name}:{host.port}"
    lines = [
        b" ".join((line[0], path.encode("ascii"), line[1])),
        f"Host: {authority}".encode(),
        *kept,
        b"Connection: close",
    ]
    return Request(host, False, b"\r\n".join(lines) + END, int(lengths[0]) if lengths else 0)


def _host(authority: str, port: int | None, target: str) -> Host:
    """The host in an authority, without a user and in one spelling. Raises Refusal."""
    try:
        return hosts.parse(authority, port)
    except ValueError as wrong:
        raise Refusal(403, str(wrong), shown(target.encode("latin-1", "replace"))) from wrong


def shown(target: bytes) -> str:
    """A target for messages: printable, and not too long."""
    text = target.decode("ascii", "backslashreplace")
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _LONGEST_NAMED else f"{text[:_LONGEST_NAMED]}..."
