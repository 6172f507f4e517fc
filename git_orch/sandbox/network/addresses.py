"""The addresses of hosts: a name that leads to this machine or to its neighbours is refused, whoever
answers for that name.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import NamedTuple

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # an IPv4 address stands at its end (NAT64)
_GLOBAL = ipaddress.IPv6Network("2000::/3")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


class Place(NamedTuple):
    """An address as a socket of this family takes it."""

    family: int
    at: tuple[str, int]


def resolve(name: str, port: int) -> list[Place]:
    """The addresses of a name. Raises OSError."""
    answers = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    places = [Place(family, (str(at[0]), int(at[1]))) for family, _, _, _, at in answers]
    return list(dict.fromkeys(places))


def is_public(address: str) -> bool:
    """Whether an address, as `resolve` gives it, is one of the Internet's, through all forms that
    hold another one.
    """
    if "%" in address:  # the name of an interface: it is an address of a link
        return False
    return all(map(_is_public, _readings(ipaddress.ip_address(address))))


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if address.version == 6 and (address not in _GLOBAL or address in _TEREDO):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def _readings(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The address that a packet to this one may end at; the address itself where it holds none."""
    if address.version == 4:
        yield address
        return
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None or address in _COMPATIBLE:
        yield last
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address in _TRANSLATED:
        yield last
    else:
        yield address
