"""One client connection: heads cut from the stream, one exchange at a time, bodies handed on, a clean end.

Owns the client's socket and what its next bytes mean. The meaning of a head is in ``reader``, the relay of
one request in ``exchange``, the deadlines' figures in ``limits``. Longer than other files because a state
machine is checked by reading all its transitions together.

    head ──complete──▶ hold ──forward or collect, body──▶ body ──its end──▶ hold ──answered──▶ head
    hold ──reply, short body──▶ discard ──its end──▶ head
    hold ──101──▶ tunnel
    any  ──refused, or answered with Connection: close──▶ linger ──end of stream, deadline──▶ closed
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, cast

from gateway.edge.door.client_certificate import ClientCertificate, from_handshake
from gateway.edge.door.proxy_header import Announced
from gateway.edge.door.unread import Unread, of_head
from gateway.edge.errors import (
    EdgeFault,
    RequestBodyMalformed,
    SlowClient,
    TooManyConnections,
)
from gateway.edge.exchange import Exchange
from gateway.edge.framing import Body, ChunkedBody, LengthBody
from gateway.edge.heads import CONTINUE, local_answer
from gateway.edge.kernel import reset, unacknowledged
from gateway.edge.peer import parse_address
from gateway.edge.reader import take_head
from gateway.edge.repeat import LastHead
from gateway.edge.request import Request

if TYPE_CHECKING:
    from gateway.edge.server import EdgeServer

# What the next bytes are.
HEAD: Final = 0
HOLD: Final = 1
BODY: Final = 2
DISCARD: Final = 3
TUNNEL: Final = 4
LINGER: Final = 5

_PIPELINE_TURN: Final = 16
_ASK_AGAIN: Final = 31  # heads that are not kept after one that did not come again
_log = logging.getLogger("sluss.edge")


class ClientConnection(asyncio.Protocol):
    """``due`` is when the sweeper looks here next; 0 while an exchange is on, which it asks at every tick."""

    __slots__ = (
        "_body", "_buffer", "_certificate", "_last", "_looping", "_mark", "_partial", "_peer", "_reading",
        "_repeated", "_resting", "_secure", "_since", "_unlike", "_unsent", "blocked", "clock", "due",
        "exchange", "server", "transport",
    )  # fmt: skip

    def __init__(self, server: EdgeServer, announced: Announced | None = None) -> None:
        self.server = server
        self.clock = server.clock
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.exchange: Exchange | None = None
        self.blocked = False
        self.due = 0.0
        self._peer = announced.address if announced is not None else ""
        self._secure = announced.secure if announced is not None else False
        self._certificate: ClientCertificate | None = None
        self._reading = HEAD
        self._buffer = b""
        self._body: Body | None = None
        self._last: LastHead | None = None
        self._repeated = False
        self._unlike = 0
        self._looping = False
        self._partial = False
        self._resting = False
        self._since = 0.0
        self._mark = 0
        self._unsent = 0

    # --- the socket's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        server = self.server
        self.transport.set_write_buffer_limits(high=server.limits.buffer)
        if not self._peer:
            peername = transport.get_extra_info("peername")
            address = parse_address(str(peername[0])) if isinstance(peername, tuple) else None
            self._peer = "" if address is None else str(address)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._secure = True
            self._certificate = from_handshake(tls)
        self._since = self.clock.now
        self.due = self._since + server.limits.head_seconds + server.limits.tick_seconds
        if not server.admit(self):
            if server.crowded:  # so many that even telling them would cost what the others need
                self.transport.abort()
            else:
                self.refuse(TooManyConnections("limit of the process"))

    def data_received(self, data: bytes) -> None:
        reading = self._reading
        if reading == HEAD:
            if self.blocked:
                self._hold(data)  # answers nobody reads are answers nobody needs more of
                return
            seen = len(self._buffer)
            if self._last is not None and not seen:
                request = self._last.repeated(data)
                if request is not None:
                    self._repeated = True
                    self._begin(request)
                    return
            self._take_head(self._buffer + data if seen else data, seen)
            if self._buffer and self._reading == HEAD and not self._partial:
                self._next()
        elif reading == BODY:
            self._take_body(data)
        elif reading == HOLD:
            self._hold(data)
        elif reading == TUNNEL:
            if self.exchange is not None:
                self.exchange.tunnel_data(data)
        elif reading == DISCARD:
            self._discard(data)
        else:
            self._mark -= len(data)
            if self._mark < 0:
                self.transport.abort()

    def eof_received(self) -> None:
        """A client that ends its side has gone, as nginx, Envoy and Go see it: nobody waits for the
        answer.
        """
        self._gone()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reading = LINGER
        self._mark = 0
        self.server.forget(self)
        self._gone()

    def pause_writing(self) -> None:
        self.blocked = True
        self._since = self.clock.now
        self._unsent = unacknowledged(self.transport)
        if self.exchange is not None:
            self.exchange.client_blocked(True)

    def resume_writing(self) -> None:
        self.blocked = False
        if self.exchange is not None:
            self.exchange.client_blocked(False)
        elif self._reading == HEAD:
            self.rest(False)
            self._next()

    # --- heads

    def _take_head(self, data: bytes, seen: int) -> None:
        """Begins an exchange when ``data`` starts with a whole head; keeps the data when it may become
        one.
        """
        self._partial = False
        try:
            taken = take_head(self.server.reader, data, seen, self._peer, self._secure)
        except EdgeFault as fault:
            self.refuse(fault, data)
            return
        if taken is None:
            if not seen:
                limits = self.server.limits
                self.due = min(self.due, self.clock.now + limits.head_seconds + limits.tick_seconds)
            self._partial = True
            self._buffer = data
        else:
            request, self._buffer = taken
            if self._certificate is not None and not request.trusted:
                request.client_certificate = self._certificate
            self._keep_head(data, request)
            self._begin(request)

    def _keep_head(self, data: bytes, request: Request) -> None:
        """Who sends another head each time is asked ever more seldom: keeping one costs as much as reading it."""
        if self._unlike:
            self._unlike -= 1
            self._last = None
            return
        if self._last is not None and not self._repeated:
            self._unlike = _ASK_AGAIN
        self._repeated = False
        self._last = self.server.heads.keep(data, request, self._peer) if not self._buffer else None

    def _hold(self, data: bytes) -> None:
        """Keeps what came before its time; above the limit the socket rests and the client's sending
        stops.
        """
        self._buffer += data
        if len(self._buffer) > self.server.limits.held:
            self.rest(True)

    def _begin(self, request: Request) -> None:
        server = self.server
        server.requests += 1
        if request.chunked:
            limits = server.limits
            self._body = ChunkedBody(RequestBodyMalformed, limits.chunk_extensions, limits.trailers)
        elif request.length:
            self._body = LengthBody(request.length)
        self._reading = HOLD
        self.due = 0.0
        self.exchange = exchange = Exchange(self, request, server.requests)
        looping, self._looping = self._looping, True
        try:
            server.line(exchange)
        except Exception:  # unforeseen by definition
            exchange.broken()
        finally:
            self._looping = looping

    def _next(self) -> None:
        """Goes on with what the client sent ahead; at most some requests per turn of the loop, for
        fairness.
        """
        if self._looping:
            return
        for _ in range(_PIPELINE_TURN):
            if not self._buffer or self._reading != HEAD or self.blocked:
                return
            self._take_head(self._buffer, 0)
            if self._partial:
                return
        if self._buffer and self._reading == HEAD:
            asyncio.get_running_loop().call_soon(self._next)

    # --- bodies

    @property
    def body_complete(self) -> bool:
        return self._body is None or self._body.complete

    def trailers(self) -> bytes:
        """What may go upstream after the body that is complete."""
        body = self._body
        return body.trailers if isinstance(body, ChunkedBody) else b""

    def start_body(self, head: bytes) -> None:
        """The upstream is there: what has come of the body goes with the head, the rest as it arrives."""
        body, exchange = self._body, self.exchange
        if body is None or exchange is None:
            return
        data, self._buffer = self._buffer, b""
        try:
            content = body.feed(data) if data else b""
        except EdgeFault as fault:
            exchange.body_failed(fault)
            return
        if body.complete:
            self._buffer = body.rest
        else:
            self._reading = BODY
            self._since = self.clock.now
            self._mark = 0
        if exchange.begin_body(head, content, body.complete) and not body.complete:
            self.rest(False)
            if exchange.request.expect_continue and not data:
                self.write(CONTINUE)

    def hold_body(self) -> None:
        """The rest of a body that has begun waits for an upstream; its client needs no second 100."""
        self._reading = HOLD
        if self.exchange is not None:
            self.exchange.request.expect_continue = False

    def _take_body(self, data: bytes) -> None:
        body, exchange = self._body, self.exchange
        if body is None or exchange is None:
            return
        try:
            content = body.feed(data)
        except EdgeFault as fault:
            self._reading = HOLD
            exchange.body_failed(fault)
            return
        if body.complete:
            self._reading = HOLD
            self._buffer = body.rest
        exchange.request_content(content, body.complete)

    def settle_body(self) -> bool:
        """After a local answer: can the connection go on? Yes when the body is here, or short enough to
        discard.
        """
        body = self._body
        if body is None or body.complete:
            return True
        data, self._buffer = self._buffer, b""
        try:
            if data:
                body.feed(data)
        except EdgeFault:
            return False
        if body.complete:
            self._buffer = body.rest
            return True
        exchange = self.exchange
        if exchange is None or exchange.request.expect_continue or not isinstance(body, LengthBody):
            return False
        return body.remaining <= self.server.limits.discard_bytes

    def _discard(self, data: bytes) -> None:
        body = self._body
        assert body is not None
        body.feed(data)
        if body.complete:
            self._buffer = body.rest
            self._rearm()
            self._next()

    # --- the exchange's side

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def rest(self, resting: bool) -> None:
        """Stops or resumes the reading of the client's bytes."""
        if resting != self._resting and not self.transport.is_closing():
            self._resting = resting
            self._since = self.clock.now
            if resting:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def start_tunnel(self) -> None:
        self._reading = TUNNEL
        data, self._buffer = self._buffer, b""
        self.rest(False)
        if data and self.exchange is not None:
            self.exchange.tunnel_data(data)

    def finished(self, keep: bool) -> None:
        """The exchange is over and its answer written."""
        self.exchange = None
        if not keep:
            self._linger()
        elif self._body is not None and not self._body.complete:
            self._reading = DISCARD
            self._since = self.clock.now
            self.due = self._since + self.server.limits.body_grace_seconds + self.server.limits.tick_seconds
            self.rest(False)
        else:
            self._rearm()
            if self._buffer:
                self._next()

    def cut(self, framed: bool) -> None:
        """Ends an answer that cannot be completed so that nobody takes it for whole."""
        self.exchange = None
        self._close_soon(0)
        if framed:
            # The missing bytes or last chunk tell; what has been sent may still arrive.
            self.transport.close()
        else:
            # Its end is the end of the connection: only a reset says that this one is not it.
            reset(self.transport)

    def refuse(self, fault: EdgeFault, data: bytes = b"") -> None:
        """Answers a request that never reached the line, and closes. ``data`` is what has come of it."""
        self.server.count_refusal(fault)
        self.fail(fault, of_head(self._peer, data))

    def fail(self, fault: EdgeFault, unread: Unread) -> None:
        """Answers where the line cannot, and closes."""
        self.exchange = None
        try:
            status, headers, body = self.server.render_fault(fault, unread)
        except Exception:
            # The renderer is not ours; a client that broke the rules must not break the process.
            _log.exception("a refusal could not be rendered")
            self.transport.abort()
            return
        hsts = self.server.hsts if self._secure else b""
        self.write(
            local_answer(
                status,
                headers,
                body,
                date=self.clock.date,
                keep=False,
                head_only=unread.method == "HEAD",
                hsts=hsts,
            )
        )
        self._linger()

    # --- the end

    def _rearm(self) -> None:
        """Ready for the next head."""
        server = self.server
        self._body = None
        self._reading = HEAD
        patience = server.limits.drain_idle_seconds if server.draining else server.limits.idle_seconds
        self.due = self.clock.now + patience
        if self._resting:
            self.rest(False)

    def _linger(self) -> None:
        """Ends our side and reads on for a while: closing at once would reset the connection while the client
        still sends, and the reset can overtake the answer (RFC 9112 section 9.6).
        """
        self._close_soon(self.server.limits.linger_bytes)
        if self.transport.is_closing():
            return
        self.rest(False)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _close_soon(self, forgiven: int) -> None:
        self._reading = LINGER
        self._buffer = b""
        self._mark = forgiven
        self._since = self.clock.now
        self._unsent = unacknowledged(self.transport)
        self.due = self._since + self.server.limits.linger_seconds

    def drain(self) -> None:
        """The process is leaving: a connection without a request has a moment to send one, then it is
        closed.
        """
        if self.exchange is not None:
            self.exchange.drain()
        elif self._reading == LINGER or not self._buffer:
            self.due = min(self.due, self.clock.now + self.server.limits.drain_idle_seconds)

    def _gone(self) -> None:
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.client_gone()

    def sweep(self, now: float) -> None:
        """A deadline may have passed."""
        exchange = self.exchange
        if exchange is not None:
            exchange.sweep(now)
            if self.exchange is exchange:
                self._sweep_client(now, exchange)
        elif self._reading == HEAD and self._buffer:
            self.refuse(SlowClient("head"), self._buffer)
        elif self._reading == HEAD:
            self._close_soon(0)
            self.transport.close()
        else:
            self._sweep_closing(now)

    def _sweep_closing(self, now: float) -> None:
        """What has been written may leave as slowly as any answer; only then the lingering is counted."""
        if self.transport.get_write_buffer_size() and not self._stalled(now):
            self.due = now + self.server.limits.linger_seconds
        else:
            self.transport.abort()

    def _stalled(self, now: float) -> bool:
        """Has the client taken nothing of what is written for too long?"""
        if now - self._since <= self.server.limits.stall_seconds:
            return False
        unsent = unacknowledged(self.transport)
        stalled = unsent >= self._unsent
        self._unsent = unsent
        self._since = now
        return stalled

    def _sweep_client(self, now: float, exchange: Exchange) -> None:
        """The rate of a body, and the draining of our send buffer."""
        limits = self.server.limits
        now -= limits.tick_seconds
        if self.blocked:
            if self._stalled(now):
                self.transport.abort()
        elif self._reading == BODY and not self._resting and now - self._since > limits.body_grace_seconds:
            if exchange.bytes_in - self._mark < limits.body_rate * limits.body_grace_seconds:
                exchange.body_failed(SlowClient("body"))
            else:
                self._since = self.clock.now
                self._mark = exchange.bytes_in
