"""One request on one client connection: answered here, or relayed to an upstream and back.

Owns the relay: when heads and bodies move, backpressure, deadlines of the upstream, the one ``Ending``. Not
the client's socket (``connection``), not the upstream's (``gateway.proxy.connection``), and nothing about who
may ask what: that is the line's.

    deciding ──reply───────────────────────────────────────────▶ ended
    deciding ──collect──▶ collecting ──whole, too large──▶ deciding
                              └──────────fault──▶ failed ──reply──▶ ended
    deciding ──forward──▶ connecting ──▶ waiting ──▶ answering ──▶ ended
                              │  ▲           │
                              │  └─ another ─┤
                              └─────fault────┴──▶ failed ──reply──▶ ended
    waiting ──101──▶ tunnel ──▶ ended      (what happens within it is ``gateway.tunnels.tunnel``)

Longer than other files because a state machine is checked by reading all its transitions together.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from gateway.edge.door.unread import of_request
from gateway.edge.errors import (
    BodyTooLarge,
    ClientFault,
    ClientGone,
    EdgeFault,
    LineFailed,
    SlowClient,
    TooManyBodies,
    UpstreamBusy,
    UpstreamFailing,
    UpstreamFault,
    UpstreamTimeout,
)
from gateway.edge.heads import (
    answer_head,
    chunks,
    early_hints,
    is_event_stream,
    local_answer,
    switching_head,
    upstream_head,
)
from gateway.edge.order import (
    Collected,
    Collecting,
    Ending,
    Inspection,
    Order,
    TunnelOrder,
    watch_begin,
    watch_content,
    watch_end,
)
from gateway.edge.request import Request
from gateway.proxy.connection import UpstreamConnection
from gateway.proxy.response import Answer
from gateway.tunnels.errors import AccessEnded

if TYPE_CHECKING:
    from gateway.edge.connection import ClientConnection
    from gateway.proxy.pool import Upstream
    from gateway.tunnels.tunnel import Tunnel

__all__ = ["Ending", "Exchange", "Order"]

DECIDING: Final = 0
CONNECTING: Final = 1
WAITING: Final = 2
ANSWERING: Final = 3
TUNNEL: Final = 4
FAILED: Final = 5
ENDED: Final = 6
COLLECTING: Final = 7

CROWDED: Final = "as many long-lived calls as may be"
_REPEATABLE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_log = logging.getLogger("sluss.edge")


class Exchange:
    """See the module's drawing. The line calls ``reply`` or ``forward``, once, now or later."""

    __slots__ = (
        "_ahead", "_blocked", "_chunk", "_client", "_collecting", "_done", "_inspection", "_keep", "_order", "_since",
        "_spoilt", "_started", "_state", "_trailing", "_tried", "_tunnel", "_upstream", "answered", "bytes_in",
        "bytes_out", "gone", "number", "reached", "request", "upstream_status",
    )  # fmt: skip

    _collecting: Collecting
    _order: Order
    _trailing: Answer
    _done: Callable[[Ending], None]
    _tunnel: Tunnel

    def __init__(self, client: ClientConnection, request: Request, number: int) -> None:
        self._client = client
        self.request = request
        self.number = number
        self._state = DECIDING
        self._upstream: UpstreamConnection | None = None
        self._blocked = False
        self._tried: tuple[Upstream, ...] = ()
        self._spoilt = False
        self._keep = False
        self._chunk = False
        self._ahead = b""
        self._inspection: Inspection | None = None
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
        client, keep = self._client, self._keeps(close)
        date, head_only = client.clock.date, self.request.method == "HEAD"
        hsts = client.server.hsts if self.request.secure else b""
        client.write(
            local_answer(status, headers, body, date=date, keep=keep, head_only=head_only, hsts=hsts)
        )
        self._state = ENDED
        client.finished(keep)

    def replay(self, head: bytes, body: bytes) -> None:
        """A whole answer that was kept: ``head`` is its lines, each with CRLF, framing among them."""
        if self.gone or self._state not in (DECIDING, FAILED):
            return
        client, keep = self._client, self._keeps(False)
        client.write(b"%b%b\r\n%b" % (head, b"" if keep else b"Connection: close\r\n", body))
        self._state = ENDED
        client.finished(keep)

    def forward(self, order: Order, done: Callable[[Ending], None]) -> None:
        """Relays to the upstream; ``done`` is called exactly once, possibly before this returns."""
        if self._state != DECIDING:
            raise RuntimeError("an exchange is forwarded once")
        self._order = order
        self._done = done
        self._started = self._client.clock.now
        self._state = CONNECTING
        if self.gone:
            self._fail(ClientGone("before the decision"))
        elif self.request.length is not None and self.request.length > order.terms.body_limit:
            self._fail(BodyTooLarge("by its Content-Length"))
        else:
            self._take(False)

    def collect(self, limit: int, done: Collected) -> None:
        """Gathers the whole body first; ``done`` is called exactly once, possibly before this returns.

        Then the line replies or forwards as ever; what was collected goes upstream with the head. After
        BodyTooLarge or TooManyBodies both are still open: what came so far is kept and the rest streams.
        After any other fault only ``reply`` is.
        """
        if self._state != DECIDING:
            raise RuntimeError("a body is collected before anything else happens to it")
        client, request = self._client, self.request
        self._collecting = Collecting(limit, client.server.collected, done)
        self._state = COLLECTING
        if self.gone:
            self._gathered(ClientGone("before its body was read"))
        elif client.body_complete:
            self._gathered(None)
        elif request.length is not None and request.length > limit:
            self._gathered(BodyTooLarge("by its Content-Length"))
        else:
            client.start_body(b"")

    def inspect(self, inspection: Inspection) -> None:
        """Each piece of the body is shown to it before it goes upstream; a fault ends the exchange there."""
        self._inspection = inspection

    # --- the upstream's side

    def connected(self, connection: UpstreamConnection) -> None:
        self._upstream = connection
        self._state = WAITING
        self._since = self._client.clock.now
        request = self.request
        order = self._order
        if order.terms.lasting:
            connection.upstream.outlives(connection)
        head = upstream_head(request, order)
        if order.sending is not None:
            order.sending()
        if request.has_body:
            if self._client.body_complete:
                self.begin_body(head, b"", True)  # it has been collected
            else:
                self._client.start_body(head)
        else:
            self.reached = True
            connection.begin(
                self, request.method, request.upgrade if order.terms.allow_upgrade else None, head
            )
            connection.request_sent = True

    def unavailable(self, fault: EdgeFault) -> None:
        if not self._elsewhere(fault):
            self._fail(fault)

    def answer(self, answer: Answer, content: bytes, complete: bool) -> None:
        client = self._client
        request = self.request
        if answer.status >= 500 and self._order.declines is not None and self._order.declines(answer.status):
            self.upstream_status = answer.status
            if complete:
                self._upstream = None  # it is the pool's again
            self._fail(UpstreamFailing(f"answered {answer.status}"))
            return
        if not complete and answer.length is None and is_event_stream(answer) and not self._outlives():
            self._fail(UpstreamBusy(CROWDED))
            return
        self.answered = True
        self._state = ANSWERING
        self._since = client.clock.now
        if self._order.watch is not None:
            answer, content = watch_begin(self._order, answer, content, complete)
        self.upstream_status = answer.status
        self.bytes_out = len(content)
        # An answer that begins before the request has ended is the last one here: what the client still sends
        # could not be told from its next request.
        complete_request = not request.has_body or client.body_complete
        keep = request.keep_alive and complete_request and not client.server.draining
        framing = b""
        if answer.length is not None:
            if answer.status != 204:
                framing = b"Content-Length: %d\r\n" % answer.length
        elif not answer.has_no_body(request.method):
            if request.minor == 1:
                self._chunk = True
                framing = b"Transfer-Encoding: chunked\r\n"
                if request.trailers_wanted:
                    self._trailing = answer
                    if answer.announced:
                        framing += b"Trailer: %b\r\n" % answer.announced
                content = chunks(content, complete, self._trailers(complete))
            else:
                keep = False
        self._keep = keep
        hsts = client.server.hsts if request.secure else b""
        client.write(answer_head(answer, self._order, framing, client.clock.date, keep, hsts) + content)
        if complete:
            self._end(None)

    def content(self, data: bytes, complete: bool) -> None:
        client = self._client
        if self._state == TUNNEL:
            self.bytes_out += len(data)
            if data:
                self._tunnel.from_upstream(data)
            if complete:
                self._upstream = None
                self._tunnel.upstream_ended()
            return
        self._since = client.clock.now
        self.bytes_out += len(data)
        if self._order.watch is not None:
            watch_content(self._order, data, complete)
        if self._chunk:
            data = chunks(data, complete, self._trailers(complete))
        if data:
            client.write(data)
        if complete:
            self._end(None)

    def interim(self, answer: Answer) -> None:
        """Early hints, to a client that can know what they are."""
        if self.request.minor == 1 and self._state == WAITING:
            hints = early_hints(answer, self._order)
            if hints:
                self._client.write(hints)

    def switched(self, answer: Answer, data: bytes) -> None:
        client, order, connection = self._client, self._order, self._upstream
        assert isinstance(order, TunnelOrder)
        assert connection is not None
        if not connection.upstream.outlives(connection):
            raise UpstreamBusy(CROWDED)
        tunnel = order.tunnel
        tunnel.accept(answer)  # raises before anything is written: then the line answers
        self._tunnel = tunnel
        self.upstream_status = 101
        self.answered = True
        self._state = TUNNEL
        self.bytes_out = len(data)
        client.write(switching_head(answer, order))
        tunnel.opened(self, client, connection, data)
        client.start_tunnel()
        if client.server.draining:
            tunnel.drain()

    def lost(self, fault: EdgeFault, untouched: bool) -> None:
        """Repeats a request of which no byte of an answer came, when its method is safe and it has no body: once on
        the same upstream when a kept connection closed as we wrote, else on another.
        """
        connection, self._upstream = self._upstream, None
        request, order = self.request, self._order
        if self._state == TUNNEL:
            self._tunnel.upstream_ended()
        elif not untouched or request.method not in _REPEATABLE or request.has_body or connection is None:
            self._fail(fault)
        elif not self._tried and connection.reused and (order.group is None or order.group.may_repeat()):
            self._tried = (order.upstream,)
            self._state = CONNECTING
            self._take(True)
        elif not self._elsewhere(fault):
            self._fail(fault)

    def upstream_blocked(self, blocked: bool) -> None:
        if self._state == TUNNEL:
            self._tunnel.upstream_blocked(blocked)
            return
        self._blocked = blocked
        self._since = self._client.clock.now
        self._client.rest(blocked)

    # --- the client's side

    def begin_body(self, head: bytes, content: bytes, complete: bool) -> bool:
        """Writes the head with the first of the body; False when the exchange ended over it."""
        if self._state == COLLECTING:
            return self._gather(content, complete)
        if self._ahead:
            content, self._ahead = self._ahead + content, b""
        data = self._encode(content, complete)
        if data is None or self._upstream is None:
            return False
        self.reached = True
        self._upstream.begin(self, self.request.method, None, head + data)
        self._upstream.request_sent = complete
        return True

    def request_content(self, content: bytes, complete: bool) -> None:
        """Content of the request's body as it arrives, after ``begin_body``."""
        self._since = self._client.clock.now
        if self._upstream is None:
            if self._state == COLLECTING:
                self._gather(content, complete)
            return
        data = self._encode(content, complete)
        if data is None:
            return
        if data:
            self._upstream.write(data)
        self._upstream.request_sent = complete

    def tunnel_data(self, data: bytes) -> None:
        self.bytes_in += len(data)
        self._tunnel.from_client(data)

    def body_failed(self, fault: EdgeFault) -> None:
        if self._state in (CONNECTING, WAITING, ANSWERING):
            self._fail(fault)
        elif self._state == COLLECTING:
            self._gathered(fault)

    def client_blocked(self, blocked: bool) -> None:
        self._since = self._client.clock.now
        if self._state == TUNNEL:
            self._tunnel.rest()
        elif self._upstream is not None:
            self._upstream.rest(blocked)

    def client_gone(self) -> None:
        self.gone = True
        if self._state == TUNNEL:
            self._tunnel.client_gone()
        elif self._state in (CONNECTING, WAITING, ANSWERING):
            self._fail(ClientGone("while the upstream worked"))
        elif self._state == COLLECTING:
            self._gathered(ClientGone("while its body was read"))

    def abandon(self) -> None:
        """The line raised: whatever it had begun is given up. It gets no answer in, but its ``done`` is
        called.
        """
        state = self._state
        self.gone = True
        if state in (CONNECTING, WAITING, ANSWERING, TUNNEL):
            self._fail(LineFailed("the line raised"))
        elif state == COLLECTING:
            self._gathered(LineFailed("the line raised"))

    def broken(self) -> None:
        """To be called where an exception of the line is caught: the client gets the answer for it."""
        _log.exception("the line failed")
        if self._client.exchange is self:
            self.abandon()
            self._client.fail(LineFailed("the line raised"), of_request(self.request))

    # --- the end from outside

    def drain(self) -> None:
        """The process is leaving: a tunnel would never end by itself."""
        if self._state == TUNNEL:
            self._tunnel.drain()

    def end_access(self, code: str, expired: bool) -> None:
        """The caller may no longer. ``code`` is that of the refusal a new call would get; ``expired``: because its
        token's time is over.

        A request that may have changed something gets its answer all the same, and what was begun in time and has
        a stated length may end.
        """
        state = self._state
        if state == TUNNEL:
            self._tunnel.end_access(code)
        elif state == ANSWERING:
            if not expired or self._chunk or self.request.minor == 0:
                self._fail(AccessEnded(code))
        elif state in (CONNECTING, WAITING) and not expired and self.request.method in _REPEATABLE:
            self._fail(AccessEnded(code))

    def tunnel_over(self, fault: EdgeFault | None, *, cut: bool) -> None:
        """Both sides are closed, in their time; ``cut``: the client stands inside a frame."""
        connection, self._upstream = self._upstream, None
        if connection is not None:
            connection.end(self._client.server.limits.linger_seconds)
        self._state = ENDED
        self._report(fault)
        if cut:
            self._client.cut(framed=True)
        else:
            self._client.finished(False)

    def cut_upstream(self) -> None:
        self._drop_upstream()

    @property
    def waiter(self) -> Callable[[Ending], None] | None:
        """Who is told of the ending; None before it is forwarded and when it is over."""
        return getattr(self, "_done", None)

    def sweep(self, now: float) -> None:
        """Deadlines of the upstream. ``_since`` is up to one tick old, so one tick is added."""
        if self._state == TUNNEL:
            self._tunnel.sweep(now)
            return
        if self._state not in (CONNECTING, WAITING, ANSWERING):
            return
        terms = self._order.terms
        now -= self._client.server.limits.tick_seconds
        if now - self._since > self._patience():
            self._late()
        elif now - self._started > terms.total_timeout:
            uploading = self._state == WAITING and not self._client.body_complete and not self._blocked
            self._fail(SlowClient("total time") if uploading else UpstreamTimeout("total time"))
        elif self._state == ANSWERING and now - self._started > self._order.upstream.limits.long_seconds:
            self._outlives()  # without room it keeps its place among the others: what has begun may end

    # --- within

    def _keeps(self, close: bool) -> bool:
        """May the connection go on after an answer of our own?"""
        client = self._client
        return (
            client.settle_body()
            and self.request.keep_alive
            and not (close or self._spoilt or client.server.draining)
        )

    def _patience(self) -> float:
        """How long the upstream may be silent now. While it waits for the client, that is no matter of its
        own.
        """
        terms = self._order.terms
        if self._state == CONNECTING:
            return terms.connect_timeout
        if self._state == WAITING:
            if self._client.body_complete and not self._blocked:
                return terms.first_byte_timeout
            return terms.idle_timeout if self._blocked else terms.total_timeout
        if self._state == ANSWERING and self._client.blocked:
            return terms.total_timeout
        return terms.idle_timeout

    def _outlives(self) -> bool:
        """The exchange lasts long: its connection takes no place from ordinary calls. False: there is no room."""
        connection = self._upstream
        return connection is None or connection.upstream.outlives(connection)

    def _take(self, fresh: bool) -> None:
        self._since = self._client.clock.now
        upstream = self._order.upstream
        try:
            if self._order.terms.lasting and upstream.crowded:
                raise UpstreamBusy(CROWDED)
            connection = upstream.take(self, fresh)
        except UpstreamFault as fault:
            if not self._elsewhere(fault):
                self._fail(fault)
            return
        if connection is not None:
            self.connected(connection)

    def _gather(self, content: bytes, complete: bool) -> bool:
        """One more piece while collecting; False when it was the last that is taken."""
        self.bytes_in += len(content)
        fault = self._collecting.add(content)
        if fault is None and not complete:
            return True
        if fault is not None and not complete:
            self._client.hold_body()
        self._gathered(fault)
        return False

    def _gathered(self, fault: EdgeFault | None) -> None:
        """The body is here, or will not be: back to the line."""
        collecting = self._collecting
        del self._collecting  # as with ``_done``: no cycle is left for the collector
        body = collecting.take()
        self.bytes_in = 0  # counted again as it goes upstream
        if fault is None or isinstance(fault, BodyTooLarge | TooManyBodies):
            self._ahead = body
            self._state = DECIDING
        else:
            self._spoilt = True
            self._state = ENDED if self.gone else FAILED
        try:
            collecting.done(body if fault is None else fault)
        except Exception:  # unforeseen by definition
            self.broken()

    def _elsewhere(self, fault: EdgeFault) -> bool:
        """Another upstream takes what this one could not; False when there is none or enough was repeated."""
        order = self._order
        if order.group is None or not isinstance(fault, UpstreamFault):
            return False
        tried = (*self._tried, order.upstream)
        other = order.group.another(tried)
        if other is None:
            return False
        if not isinstance(fault, UpstreamBusy):
            order.upstream.failed(fault)
        self._tried = tried
        order.upstream = other
        self._state = CONNECTING
        self._take(False)
        return True

    def _late(self) -> None:
        """The upstream has been silent too long. A place in a queue that does not move is no fault of the way."""
        if self._state != CONNECTING:
            self._fail(UpstreamTimeout(f"silent in state {self._state}"))
            return
        upstream = self._order.upstream
        upstream.leave(self)
        kind = UpstreamBusy if upstream.saturated else UpstreamTimeout
        fault = kind("waited for a connection")
        if not self._elsewhere(fault):
            self._fail(fault)

    def _encode(self, content: bytes, complete: bool) -> bytes | None:
        """The content framed for the upstream; None when it went past the route's limit and the exchange
        ended.
        """
        self.bytes_in += len(content)
        if self.bytes_in > self._order.terms.body_limit:
            self._fail(BodyTooLarge("while it streamed"))
            return None
        if self._inspection is not None and (fault := self._inspection(content, complete)) is not None:
            self._fail(fault)
            return None
        if not self.request.chunked:
            return content
        return chunks(content, complete, self._client.trailers() if complete else b"")

    def _trailers(self, complete: bool) -> bytes:
        """What passes after the answer's body: to a client that has asked for it."""
        return self._trailing.trailers if complete and self.request.trailers_wanted else b""

    def _drop_upstream(self) -> None:
        connection, self._upstream = self._upstream, None
        if connection is not None:
            connection.abort()
        elif self._state == CONNECTING:
            self._order.upstream.leave(self)

    def _fail(self, fault: EdgeFault) -> None:
        """Ends the relay. Before an answer the line replies; within one the client's connection is cut."""
        self._drop_upstream()
        if self._state == ANSWERING and self._order.watch is not None:
            watch_end(self._order, False)
        self._spoilt = isinstance(fault, ClientFault)
        if isinstance(fault, UpstreamFault) and not isinstance(fault, UpstreamBusy | UpstreamFailing):
            self._order.upstream.failed(fault)
        self._state = ENDED if self.answered or self.gone else FAILED
        self._report(fault)
        if self.answered and not self.gone:
            self._client.cut(framed=self._chunk or self.request.minor == 1)

    def _end(self, fault: EdgeFault | None) -> None:
        self._upstream = None
        self._state = ENDED
        self._report(fault)
        self._client.finished(self._keep)

    def _report(self, fault: EdgeFault | None) -> None:
        ending = Ending(
            self.upstream_status,
            self.bytes_in,
            self.bytes_out,
            self.answered,
            self.reached,
            fault,
        )
        done = self._done
        del self._done  # once; and no cycle of exchange and callback is left for the collector
        try:
            done(ending)
        except Exception:
            # The line's fault must not leave sockets behind: it is logged, and the exchange ends all the
            # same.
            _log.exception("the line failed after an exchange")
            if self._state == FAILED:
                self._state = ENDED
                self._client.fail(LineFailed("the line raised"), of_request(self.request))
