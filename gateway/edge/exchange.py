"""One request on one client connection: answered here, or relayed to an upstream and back.

Owns the relay: heads out and in, bodies with backpressure, deadlines of the upstream, the one ``Ending``. Not
the client's socket (``connection``), not the upstream's (``gateway.proxy.connection``), and nothing about who
may ask what: that is the line's.

    deciding ──reply──────────────────────────────────────────▶ ended
    deciding ──forward──▶ connecting ──▶ waiting ──▶ answering ──▶ ended
                              └─────fault────┴──▶ failed ──reply──▶ ended
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.edge.errors import (
    BodyTooLarge,
    ClientGone,
    EdgeFault,
    UpstreamBusy,
    UpstreamTimeout,
)
from gateway.edge.request import Request
from gateway.proxy.connection import UpstreamConnection
from gateway.proxy.pool import Upstream
from gateway.proxy.response import Answer, status_line

if TYPE_CHECKING:
    from gateway.edge.connection import ClientConnection

DECIDING: Final = 0
CONNECTING: Final = 1
WAITING: Final = 2
ANSWERING: Final = 3
TUNNEL: Final = 4
FAILED: Final = 5
ENDED: Final = 6

_REPEATABLE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_log = logging.getLogger("sluss.edge")


@dataclass(slots=True)
class Order:
    """How one request is to be forwarded. Lines in ``injected`` and ``response_lines`` end with CRLF each.

    ``target`` follows the upstream's own base path. ``host`` replaces the upstream's authority in the Host
    line.
    """

    upstream: Upstream
    target: bytes
    injected: bytes = b""
    response_lines: bytes = b""
    body_limit: int = 1024 * 1024
    connect_timeout: float = 2.0
    first_byte_timeout: float = 30.0
    idle_timeout: float = 30.0
    total_timeout: float = 300.0
    allow_upgrade: bool = False
    pass_authorization: bool = False
    host: bytes | None = None


class Ending:
    """What became of a forwarded request.

    ``status`` is what the client got, 0 when nothing; ``answered``: the head of the answer was written to the
    client; ``upstream_reached``: bytes of the request were written to the upstream. ``bytes_in`` and
    ``bytes_out`` count content, not heads. With a ``fault`` and not ``answered``, the line replies itself,
    unless the fault is ClientGone.
    """

    __slots__ = (
        "answered", "bytes_in", "bytes_out", "fault", "status", "upstream_reached", "upstream_status",
    )  # fmt: skip

    def __init__(self, exchange: Exchange, fault: EdgeFault | None) -> None:
        self.status = exchange.upstream_status if exchange.answered else 0
        self.answered = exchange.answered
        self.upstream_reached = exchange.reached
        self.upstream_status = exchange.upstream_status
        self.bytes_in = exchange.bytes_in
        self.bytes_out = exchange.bytes_out
        self.fault = fault


class Exchange:
    """See the module's drawing. The line calls ``reply`` or ``forward``, once, now or later."""

    __slots__ = (
        "_chunk", "_client", "_done", "_keep", "_order", "_retried", "_since", "_started", "_state", "_upstream",
        "answered", "bytes_in", "bytes_out", "gone", "number", "reached", "request", "upstream_status",
    )  # fmt: skip

    _order: Order
    _done: Callable[[Ending], None]

    def __init__(self, client: ClientConnection, request: Request, number: int) -> None:
        self._client = client
        self.request = request
        self.number = number
        self._state = DECIDING
        self._upstream: UpstreamConnection | None = None
        self._retried = False
        self.gone = False
        self.answered = False
        self.reached = False
        self.upstream_status = 0
        self.bytes_in = 0
        self.bytes_out = 0

    # --- the line's side

    def reply(
        self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, close: bool = False
    ) -> None:
        """A whole local answer. An unread request body is discarded when short, else the connection
        closes.
        """
        if self.gone or self._state not in (DECIDING, FAILED):
            return
        self._state = ENDED
        client = self._client
        keep = client.settle_body() and self.request.keep_alive and not close and not client.server.draining
        date, head_only = client.clock.date, self.request.method == "HEAD"
        client.write(local_answer(status, headers, body, date=date, keep=keep, head_only=head_only))
        client.finished(keep)

    def forward(self, order: Order, done: Callable[[Ending], None]) -> None:
        """Relays to the upstream; ``done`` is called exactly once, possibly before this returns."""
        if self._state != DECIDING:
            raise RuntimeError("an exchange is forwarded once")
        self._order = order
        self._done = done
        self._started = self._since = self._client.clock.now
        self._state = CONNECTING
        if self.gone:
            self._fail(ClientGone("before the decision"))
        elif self.request.length is not None and self.request.length > order.body_limit:
            self._fail(BodyTooLarge("by its Content-Length"))
        else:
            self._take(False)

    # --- the upstream's side

    def connected(self, connection: UpstreamConnection) -> None:
        self._upstream = connection
        self._state = WAITING
        self._since = self._client.clock.now
        self.reached = True
        request = self.request
        head = self._upstream_head()
        if request.has_body:
            self._client.start_body(connection, head)
        else:
            connection.begin(self, request.method, self._switch(), head)
            connection.request_sent = True

    def unavailable(self, fault: EdgeFault) -> None:
        self._fail(fault)

    def answer(self, answer: Answer, content: bytes, complete: bool) -> None:
        client = self._client
        request = self.request
        self.upstream_status = answer.status
        self.answered = True
        self._state = ANSWERING
        self._since = client.clock.now
        self.bytes_out = len(content)
        keep = request.keep_alive and client.body_complete and not client.server.draining
        chunk = False
        lines = answer.lines
        if not answer.dated:
            lines.append(client.clock.date)
        if answer.has_no_body(request.method):
            if answer.length is not None and answer.status != 204:
                lines.append(b"Content-Length: %d" % answer.length)
        elif answer.length is not None:
            lines.append(b"Content-Length: %d" % answer.length)
        elif request.minor == 1:
            chunk = True
            lines.append(b"Transfer-Encoding: chunked")
            content = _chunks(content, complete)
        else:
            keep = False
        if not keep:
            lines.append(b"Connection: close")
        self._keep = keep
        self._chunk = chunk
        client.write(b"".join((b"\r\n".join(lines), b"\r\n", self._order.response_lines, b"\r\n", content)))
        if complete:
            self._upstream = None
            self._end(None)

    def content(self, data: bytes, complete: bool) -> None:
        client = self._client
        self._since = client.clock.now
        self.bytes_out += len(data)
        if self._chunk:
            data = _chunks(data, complete)
        if data:
            client.write(data)
        if complete:
            self._upstream = None
            self._end(None)

    def switched(self, answer: Answer, data: bytes) -> None:
        client = self._client
        self.upstream_status = 101
        self.answered = True
        self._keep = self._chunk = False
        self._state = TUNNEL
        self._since = client.clock.now
        self.bytes_out = len(data)
        lines = [*answer.lines, b"Connection: Upgrade", b"Upgrade: websocket"]
        head = b"".join((b"\r\n".join(lines), b"\r\n", self._order.response_lines, b"\r\n", data))
        client.write(head)
        client.start_tunnel()

    def lost(self, fault: EdgeFault, untouched: bool) -> None:
        """Repeats a request that provably nobody has worked on, once: a kept connection closed as we wrote to
        it.
        """
        connection = self._upstream
        self._upstream = None
        if (
            untouched
            and not self._retried
            and connection is not None
            and connection.reused
            and self.request.method in _REPEATABLE
            and not self.request.has_body
        ):
            self._retried = True
            self._state = CONNECTING
            self._take(True)
        else:
            self._fail(fault)

    def upstream_blocked(self, blocked: bool) -> None:
        self._since = self._client.clock.now
        self._client.rest(blocked)

    # --- the client's side

    def request_content(self, content: bytes, complete: bool) -> None:
        """Content of the request's body as it arrives, after ``start_body``."""
        connection = self._upstream
        if connection is None:
            return
        self._since = self._client.clock.now
        data = self.encode(content, complete)
        if data is None:
            return
        if data:
            connection.write(data)
        if complete:
            connection.request_sent = True

    def encode(self, content: bytes, complete: bool) -> bytes | None:
        """The content framed for the upstream; None when it went past the route's limit and the exchange
        ended.
        """
        self.bytes_in += len(content)
        if self.bytes_in > self._order.body_limit:
            self._fail(BodyTooLarge("while it streamed"))
            return None
        return _chunks(content, complete) if self.request.chunked else content

    def begin(self, connection: UpstreamConnection, data: bytes, complete: bool) -> None:
        connection.begin(self, self.request.method, None, data)
        connection.request_sent = complete

    def tunnel_data(self, data: bytes) -> None:
        self._since = self._client.clock.now
        self.bytes_in += len(data)
        if self._upstream is not None:
            self._upstream.write(data)

    def body_failed(self, fault: EdgeFault) -> None:
        self._fail(fault)

    def client_blocked(self, blocked: bool) -> None:
        self._since = self._client.clock.now
        if self._upstream is not None:
            self._upstream.rest(blocked)

    def client_gone(self) -> None:
        self.gone = True
        if self._state == TUNNEL:
            self._drop_upstream()
            self._end(None)
        elif self._state not in (DECIDING, FAILED, ENDED):
            self._fail(ClientGone("while the upstream worked"))

    def sweep(self, now: float) -> None:
        """Deadlines of the upstream. ``_since`` is up to one tick old, so one tick is added."""
        state = self._state
        if state not in (CONNECTING, WAITING, ANSWERING, TUNNEL):
            return
        order = self._order
        now -= self._client.server.limits.tick_seconds
        silent = now - self._since
        if state == CONNECTING:
            late = silent > order.connect_timeout
        elif state == WAITING and self._upstream is not None and self._upstream.request_sent:
            late = silent > order.first_byte_timeout
        elif state == ANSWERING:
            late = silent > order.idle_timeout and not self._client.blocked
        else:
            late = silent > order.idle_timeout
        if late or (state != TUNNEL and now - self._started > order.total_timeout):
            self._fail(UpstreamTimeout(f"state {state}"))

    # --- within

    def _take(self, fresh: bool) -> None:
        self._since = self._client.clock.now
        try:
            connection = self._order.upstream.take(self, fresh)
        except UpstreamBusy as fault:
            self._fail(fault)
            return
        if connection is not None:
            self.connected(connection)

    def _switch(self) -> bytes | None:
        return self.request.upgrade if self._order.allow_upgrade else None

    def _upstream_head(self) -> bytes:
        request = self.request
        order = self._order
        upstream = order.upstream
        lines = [
            b"".join((request.method.encode(), b" ", upstream.base, order.target, b" HTTP/1.1")),
            upstream.host_line if order.host is None else b"Host: " + order.host,
        ]
        lines += request.forwarded_lines
        if request.chunked:
            lines.append(b"Transfer-Encoding: chunked")
        elif request.length is not None:
            lines.append(b"Content-Length: %d" % request.length)
        if order.pass_authorization and request.authorization is not None:
            lines.append(b"Authorization: " + request.authorization)
        if order.allow_upgrade and request.upgrade is not None:
            lines.append(b"Connection: Upgrade\r\nUpgrade: " + request.upgrade)
        return b"".join((b"\r\n".join(lines), b"\r\n", order.injected, b"\r\n"))

    def _drop_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None
        elif self._state == CONNECTING:
            self._order.upstream.leave(self)

    def _fail(self, fault: EdgeFault) -> None:
        """Ends the relay. Before an answer the line replies; within one the client's connection is cut."""
        self._drop_upstream()
        if self.answered:
            self._state = ENDED
            self._report(fault)
            self._client.cut(framed=self._chunk or self.request.minor == 1)
        else:
            self._state = ENDED if self.gone else FAILED
            self._report(fault)

    def _end(self, fault: EdgeFault | None) -> None:
        self._state = ENDED
        self._report(fault)
        self._client.finished(self._keep)

    def _report(self, fault: EdgeFault | None) -> None:
        try:
            self._done(Ending(self, fault))
        except Exception:
            # The line's fault must not leave sockets behind: it is logged, and the exchange ends all the same.
            _log.exception("the line failed after an exchange")


def local_answer(
    status: int,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    *,
    date: bytes,
    keep: bool,
    head_only: bool,
) -> bytes:
    """A complete answer with Date and, where the status has content, Content-Length."""
    lines = [status_line(status), date]
    for name, value in headers:
        line = name + b": " + value
        if b"\r" in line or b"\n" in line:
            raise ValueError("line break in a header of the gateway's own")
        lines.append(line)
    bodyless = status in (204, 304) or status < 200
    if not bodyless:
        lines.append(b"Content-Length: %d" % len(body))
    if not keep:
        lines.append(b"Connection: close")
    lines.append(b"")
    lines.append(b"" if bodyless or head_only else body)
    return b"\r\n".join(lines)


def _chunks(content: bytes, complete: bool) -> bytes:
    """One chunk of the content, and the last chunk when it is complete (RFC 9112 section 7.1)."""
    if content:
        return b"%x\r\n%b\r\n%b" % (len(content), content, b"0\r\n\r\n" if complete else b"")
    return b"0\r\n\r\n" if complete else b""
