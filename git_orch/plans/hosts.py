"""The hosts that a step may reach: names in one spelling, each with a port."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

# No network, all of it, or these hosts, each in the spelling that `Host.text` gives.
Network = bool | tuple[str, ...]
Verdict = Literal["allowed", "denied", "failed"]
# Where a host would have to stand: in the step's list, or among the user's private hosts.
Lacks = Literal["", "network", "private"]

HTTPS = 443
MOST = 100  # hosts of a step
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# Resolvers take such a last label for the end of an address: 127.1, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_LONGEST = 253  # characters of a name


class Host(NamedTuple):
    """A host by its name, in lower case and without a dot at its end, and a port of TCP."""

    name: str
    port: int = HTTPS

    def text(self) -> str:
        """The one spelling of it; the port of HTTPS goes without saying."""
        return self.name if self.port == HTTPS else f"{self.name}:{self.port}"


class Visit(NamedTuple):
    """A host that commands asked for, as `HOST:PORT`, the verdict on it and why, and how often. One
    that `lacks` an entry in a list would be allowed with it.
    """

    target: str
    verdict: Verdict
    why: str = ""
    lacks: Lacks = ""
    times: int = 1

    def line(self) -> str:
        """The visit for the output of the command."""
        return f"git-orch: {self.target} {self.why}\n"


def parse(text: str, port: int | None = HTTPS) -> Host:
    """The host in `NAME` or `NAME:PORT`; `port` is that of one without (None: it has to have one).
    Raises ValueError, which says what a list cannot hold.
    """
    name, colon, digits = text.partition(":")
    if not text.isascii():
        raise ValueError("has characters that are not ASCII; write the name as DNS has it, xn--...")
    if "://" in text or "/" in text:
        raise ValueError("is a URL; name the host alone, such as api.example.com")
    if "@" in text:
        raise ValueError("names a user; name the host alone, such as api.example.com")
    if "*" in text:
        raise ValueError("is a pattern; name every host by itself")
    if text.startswith("[") or digits.count(":"):
        raise ValueError("is an address; name the host")
    if colon:
        if not _PORT.fullmatch(digits) or int(digits) > 65_535:
            raise ValueError("has a port that is no number from 1 to 65535")
        port = int(digits)
    if port is None:
        raise ValueError("names no port; write NAME:PORT")
    return Host(_name(name), port)


def _name(text: str) -> str:
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _LONGEST or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("is not the name of a host, such as api.example.com")
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError("is an address; name the host")
    return name


def one_spelling(text: str) -> str:
    """The entry of a list in the spelling that approvals hash. Raises ValueError."""
    return parse(text).text()


def as_value(network: Network) -> bool | list[str]:
    """What a step asks for as a JSON-ready value."""
    return network if isinstance(network, bool) else list(network)


def asking(network: Network) -> str:
    """The words for a step that asks for the network or for hosts; "" for one that asks for none."""
    return f"asks for {words(network)}" if network else ""


def words(network: Network) -> str:
    """What a step asks for, in words: the network, or hosts by their names."""
    return "the network" if isinstance(network, bool) else ", ".join(network)
