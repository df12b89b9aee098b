"""The end of TLS on one client connection: ciphertext on the wire's side, a transport on the connection's.

Owns the handshake with its deadline, and the end of a TLS connection. Which certificate is shown is
`certificates`'s; what the bytes inside mean is the connection's.

Own, on `ssl.MemoryBIO`, because neither uvloop's nor asyncio's TLS can end one direction: after a last answer
`close()` of theirs resets the connection when the client still sends, and the reset may overtake the answer
(RFC 9112 section 9.6). Here `write_eof` sends close_notify and ends the stream, and what still comes is read and
counted, as over plain TCP. The handshake costs no task either, its deadline no timer, and each connection takes
the certificate that is current when it comes.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from gateway.edge.connection import ClientConnection
    from gateway.edge.server import EdgeServer

# What the connection is doing.
SHAKING: Final = 0
OPEN: Final = 1
ENDED: Final = 2  # our side has said its last word

_RECORDS: Final = 64 * 1024


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """``due`` is when the sweeper looks here, while hands are shaken."""

    __slots__ = (
        "_context",
        "_incoming",
        "_inner",
        "_outgoing",
        "_server",
        "_state",
        "_tls",
        "due",
        "transport",
    )

    def __init__(self, server: EdgeServer, context: ssl.SSLContext, inner: ClientConnection) -> None:
        super().__init__()
        self._server = server
        self._context = context
        self._inner = inner
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._state = SHAKING
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.due = 0.0

    # --- the wire's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        limits = self._server.limits
        self.due = self._server.clock.now + limits.handshake_seconds + limits.tick_seconds
        if not self._server.enter(self):
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._state == ENDED:
            self._inner.data_received(data)  # nobody reads it any more: it is counted and thrown away
            return
        self._incoming.write(data)
        if self._state == OPEN or self._shake():
            self._read()

    def eof_received(self) -> None:
        if self._state != SHAKING:
            self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._state == SHAKING:
            self._server.forget(self)
        else:
            self._state = ENDED
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._state != SHAKING:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._state != SHAKING:
            self._inner.resume_writing()

    # --- the connection's side

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._state != OPEN:
            return
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._tls.write(rest) :]
        except ssl.SSLError:
            self.abort()
            return
        self._flush()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._say_goodbye()
        if not self.transport.is_closing():
            self.transport.write_eof()

    def close(self) -> None:
        self._say_goodbye()
        self.transport.close()

    def abort(self) -> None:
        self._state = ENDED if self._state == OPEN else self._state
        self.transport.abort()

    def is_closing(self) -> bool:
        return self.transport.is_closing()

    def pause_reading(self) -> None:
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        self.transport.resume_reading()

    def is_reading(self) -> bool:
        return self.transport.is_reading()

    def get_write_buffer_size(self) -> int:
        return self.transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.transport.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return self._tls
        return self._context if name == "sslcontext" else self.transport.get_extra_info(name, default)

    # --- the server's side

    def sweep(self, now: float) -> None:
        """The time for the handshake is over."""
        self._turn_away("handshake-timeout")

    def drain(self) -> None:
        """The process is leaving: who is already shaking hands may finish, within the deadline it has."""

    # --- within

    def _shake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError:
            self._turn_away("tls-handshake")
            return False
        self._flush()
        self._state = OPEN
        self._server.forget(self)
        self._inner.connection_made(self)
        return True

    def _read(self) -> None:
        """All that has come whole, in one piece; it is bounded by what the loop reads at once."""
        pieces: list[bytes] = []
        ended = broken = False
        tls, incoming = self._tls, self._incoming
        try:
            while True:
                piece = tls.read(_RECORDS)
                if not piece:
                    ended = True
                    break
                pieces.append(piece)
                if not incoming.pending and not tls.pending():
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            broken = True
        if self._outgoing.pending:
            self._flush()  # the answer to a key update, or an alert
        if pieces:
            self._inner.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if broken:
            self.abort()
        elif ended and self._state == OPEN:
            self._inner.eof_received()
            self.close()

    def _turn_away(self, reason: str) -> None:
        self._server.turn_away(reason)
        self._flush()  # the alert that says why
        self.transport.close()

    def _say_goodbye(self) -> None:
        if self._state == OPEN:
            self._state = ENDED
            with suppress(ssl.SSLError):  # the other side has not said goodbye yet; we do not wait for it
                self._tls.unwrap()
            self._flush()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self.transport.write(data)
