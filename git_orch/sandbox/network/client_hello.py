"""The name that a TLS client asks for: it stands in its first message in the clear, see RFC 8446 4.1.2
and RFC 6066 3.
"""

from __future__ import annotations

from typing import NamedTuple

HANDSHAKE = 22  # the type of a record
_CLIENT_HELLO = 1
_SERVER_NAME, _ENCRYPTED_HELLO = 0, 0xFE0D  # extensions
_HOST_NAME = 0
_LONGEST = 64 * 1024  # bytes; with keys that withstand quantum computers it has some 2,000
_LONGEST_RECORD = 16 * 1024


class BadHello(ValueError):
    """The first bytes are no ClientHello that a TLS server would take, or hide whom they are for."""


class _Short(Exception):
    """There is more to read."""


class _Reader(NamedTuple):
    """Reads fields of bytes from the front."""

    data: bytes

    def take(self, count: int) -> tuple[bytes, _Reader]:
        if len(self.data) < count:
            raise _Short
        return self.data[:count], _Reader(self.data[count:])

    def number(self, size: int) -> tuple[int, _Reader]:
        data, rest = self.take(size)
        return int.from_bytes(data), rest

    def field(self, size: int) -> tuple[bytes, _Reader]:
        """A field with its length in `size` bytes before it."""
        length, rest = self.number(size)
        return rest.take(length)


def server_name(data: bytes) -> str | None:
    """The name in the ClientHello that `data` begins with; None while it is not complete. Raises
    BadHello.
    """
    try:
        message = _message(data)
    except _Short:
        if len(data) > _LONGEST:
            raise BadHello("its first message does not end") from None
        return None
    try:
        return _name(message)
    except _Short:
        raise BadHello("its first message is not one of TLS") from None


def _message(data: bytes) -> bytes:
    """The body of the ClientHello, which may come in several records. Raises _Short."""
    gathered, rest = b"", _Reader(data)
    while True:
        kind, after = rest.number(1)
        if kind != HANDSHAKE:
            raise BadHello("it does not speak TLS")
        major, after = after.number(1)
        if major != 3:
            raise BadHello("it does not speak TLS")
        _, after = after.number(1)
        length, _ = after.number(2)
        if not 0 < length <= _LONGEST_RECORD:
            raise BadHello("its first message is not one of TLS")
        record, rest = after.field(2)
        gathered += record
        if gathered[0] != _CLIENT_HELLO:
            raise BadHello("its first message is not one of TLS")
        if len(gathered) >= 4:
            size = int.from_bytes(gathered[1:4])
            if size > _LONGEST:
                raise BadHello("its first message does not end")
            if len(gathered) >= 4 + size:
                return gathered[4 : 4 + size]


def _name(message: bytes) -> str:
    rest = _Reader(message)
    _, rest = rest.take(2 + 32)  # version, random
    _, rest = rest.field(1)  # session
    _, rest = rest.field(2)  # ciphers
    _, rest = rest.field(1)  # compression
    if not rest.data:
        raise BadHello("it names no host (SNI)")
    extensions, rest = rest.field(2)
    if rest.data:
        raise BadHello("its first message is not one of TLS")
    names, rest = [], _Reader(extensions)
    while rest.data:
        kind, rest = rest.number(2)
        content, rest = rest.field(2)
        if kind == _ENCRYPTED_HELLO:
            raise BadHello("it encrypts the name of its host (ECH)")
        if kind == _SERVER_NAME:
            names.append(content)
    if len(names) != 1:
        raise BadHello("it names no host (SNI)" if not names else "it names two hosts (SNI)")
    return _only_name(names[0])


def _only_name(content: bytes) -> str:
    listed, after = _Reader(content).field(2)
    kind, rest = _Reader(listed).number(1)
    name, rest = rest.field(2)
    if after.data or rest.data:
        raise BadHello("it names two hosts (SNI)")
    if kind != _HOST_NAME:
        raise BadHello("it names no host (SNI)")
    try:
        return name.decode("ascii").lower()
    except UnicodeDecodeError:
        raise BadHello("it names a host that is none (SNI)") from None
