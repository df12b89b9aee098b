"""The PROXY protocol, version 2: a load balancer says whose connection it hands over (HAProxy, proxy-protocol.txt).

Owns the header in front of everything else, TLS included. It is demanded of every connection or of none, and only
from the trusted proxies: one that may be left out is one that a client may write. Version 1, the text, is refused:
whoever speaks it speaks version 2 too. `LOCAL` is the proxy's own call, such as a health check. Of the additions
(TLV) only the one that says whether the client came over TLS is read; all must be well-formed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from gateway.edge.peer import parse_address

if TYPE_CHECKING:
    from gateway.edge.server import EdgeServer

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED: Final = struct.Struct("!12sBBH")
_LOCAL: Final = 0x20  # version 2 with the command
_PROXY: Final = 0x21
_TCP4: Final = 0x11
_TCP6: Final = 0x21
_SIZES: Final = {_TCP4: 12, _TCP6: 36}
_ABOUT_TLS: Final = 0x20
_CAME_OVER_TLS: Final = 0x01


class BadProxyHeader(Exception):
    """Not a PROXY header of version 2, or one that says something else than it should. Answered to nobody."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What the proxy says of the client; ``address`` is empty for the proxy's own calls."""

    address: str = ""
    secure: bool = False


def read(data: bytes, limit: int) -> tuple[Announced, int] | None:
    """What is announced, and where the header ends; None when more must come. BadProxyHeader."""
    if not SIGNATURE.startswith(data[:12]):
        raise BadProxyHeader("signature")
    if len(data) < _FIXED.size:
        if len(data) > 12 and data[12] not in (_LOCAL, _PROXY):
            raise BadProxyHeader("version or command")
        return None
    _, command, family, length = _FIXED.unpack_from(data)
    if command not in (_LOCAL, _PROXY):
        raise BadProxyHeader("version or command")
    end = _FIXED.size + length
    if end > limit:
        raise BadProxyHeader("too long")
    if command == _PROXY and length < _SIZES.get(family, limit):
        # A client on another kind of socket has no address that limits or audit could use.
        raise BadProxyHeader("address family or length")
    if len(data) < end:
        return None
    if command == _LOCAL:
        return Announced(), end
    payload, size = data[_FIXED.size : end], _SIZES[family]
    address = payload[:4] if family == _TCP4 else payload[:16]
    parsed = parse_address(str(ipaddress.ip_address(address)))
    return Announced(str(parsed), _came_over_tls(payload[size:])), end


def _came_over_tls(additions: bytes) -> bool:
    at, secure = 0, False
    while at < len(additions):
        if at + 3 > len(additions):
            raise BadProxyHeader("addition cut short")
        kind, length = additions[at], int.from_bytes(additions[at + 1 : at + 3], "big")
        value = additions[at + 3 : at + 3 + length]
        if len(value) != length:
            raise BadProxyHeader("addition longer than the header")
        if kind == _ABOUT_TLS:
            if length < 5:
                raise BadProxyHeader("addition about TLS")
            secure = bool(value[0] & _CAME_OVER_TLS)
        at += 3 + length
    return secure


class ProxyHeader(asyncio.Protocol):
    """Reads the header of one connection, then hands the socket to what ``then`` makes for that client."""

    __slots__ = ("_buffer", "_server", "_then", "due", "transport")

    def __init__(self, server: EdgeServer, then: Callable[[Announced], asyncio.Protocol]) -> None:
        self._server = server
        self._then = then
        self._buffer = b""
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        server = self._server
        self.due = server.clock.now + server.limits.handshake_seconds + server.limits.tick_seconds
        peername = transport.get_extra_info("peername")
        if not server.enter(self) or not isinstance(peername, tuple):
            self.transport.abort()  # too many; or gone before it was looked at, as balancers' probes do
        elif not server.trusted.trusts(str(peername[0])):
            self._turn_away("untrusted-proxy")

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._buffer += data
        try:
            found = read(self._buffer, self._server.limits.proxy_header)
        except BadProxyHeader:
            self._turn_away("proxy-header")
            return
        if found is None:
            return
        announced, end = found
        rest, self._buffer = self._buffer[end:], b""
        self._server.forget(self)
        protocol = self._then(announced)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if rest and not self.transport.is_closing():
            protocol.data_received(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)

    def sweep(self, now: float) -> None:
        self._turn_away("handshake-timeout")

    def drain(self) -> None:
        """The process is leaving: a header that is on its way may come, within the deadline it has."""

    def _turn_away(self, reason: str) -> None:
        self._server.turn_away(reason)
        self.transport.abort()
