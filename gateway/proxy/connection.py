"""One connection to an upstream: writes a request for a caller, reads the one answer to it (RFC 9112 section
9).

Owns the reading of answers and the decision whether the connection may serve again. Not the pool's bounds
(``pool``), nor what the client gets (``gateway.edge.exchange``).

The rule that everything here serves: bytes that came after a complete answer, or before a request, belong to
nobody. The connection that carried them is closed and they are given to no caller. Had they come a moment later,
after the next request was written, nothing in HTTP/1.1 would tell them from its answer: so an upstream that was
caught once gets each request on a connection of its own for a while.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from typing import TYPE_CHECKING, Final, Protocol, cast

from gateway.edge.errors import AnswerCut, BadUpstreamAnswer, EdgeFault, UpstreamInsecure, UpstreamUnreachable
from gateway.edge.framing import ChunkedBody
from gateway.proxy.response import Answer, known_head

if TYPE_CHECKING:
    from gateway.proxy.pool import Upstream

# What the next bytes are.
STRAY: Final = 0
HEAD: Final = 1
LENGTH: Final = 2
CHUNKED: Final = 3
UNTIL_CLOSE: Final = 4
TUNNEL: Final = 5

_INTERIM_LIMIT: Final = 16


class Caller(Protocol):
    """Who waits for an answer. Each call may end the exchange; ``complete`` means the connection is no longer
    its.
    """

    def connected(self, connection: UpstreamConnection) -> None: ...

    def unavailable(self, fault: EdgeFault) -> None: ...

    def answer(self, answer: Answer, content: bytes, complete: bool) -> None: ...

    def content(self, data: bytes, complete: bool) -> None: ...

    def interim(self, answer: Answer) -> None: ...

    def switched(self, answer: Answer, data: bytes) -> None: ...

    def lost(self, fault: EdgeFault, untouched: bool) -> None: ...

    def upstream_blocked(self, blocked: bool) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """``request_sent`` is set by the caller when the last byte of its request has been written; ``leaving`` by the
    pool when the connection is to serve nobody after this.
    """

    __slots__ = (
        "_answer", "_body", "_buffer", "_interim", "_method", "_paused", "_poll", "_reading", "_remaining", "_switch",
        "caller", "idle_since", "leaving", "remote", "request_sent", "reused", "transport", "upstream",
    )  # fmt: skip

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.caller: Caller | None = None
        self.reused = False
        self.remote = ""
        self.leaving = False
        self.request_sent = False
        self.idle_since = 0.0
        self._reading = STRAY
        self._method = ""
        self._switch: bytes | None = None
        self._buffer = b""
        self._body: ChunkedBody | None = None
        self._remaining = 0
        self._interim = 0
        self._paused = False

    # --- the caller's side

    def begin(self, caller: Caller, method: str, switch: bytes | None, data: bytes) -> None:
        """Writes the head, and what there is of the body; ``switch`` is the protocol offered in Upgrade."""
        self.caller = caller
        self.request_sent = False
        self._reading = HEAD
        self._method = method
        self._switch = switch
        self._interim = 0
        self.transport.write(data)

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def is_quiet(self) -> bool:
        """Is the connection open, with nothing to read? Asked of the kernel just before it is used again.

        What has arrived but not been read was sent before the next request: it is no answer to it. The end of the
        stream counts too, so that a request is not written to a connection the upstream has already left.
        """
        return not self._poll.poll(0)

    def rest(self, paused: bool) -> None:
        """Stops or resumes the reading of the answer: backpressure from the client."""
        if paused != self._paused:
            self._paused = paused
            if paused:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def abort(self) -> None:
        """Gives the connection up at once, without a word to the caller."""
        self.caller = None
        self._reading = STRAY
        self.transport.abort()

    def end(self, patience: float) -> None:
        """Closes after what has been written has left, which may take so many seconds: the end of a tunnel."""
        self.caller = None
        self._reading = STRAY
        self.transport.close()
        if self.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(patience, self.transport.abort)

    # --- the socket's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=self.upstream.limits.buffer)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        peer = transport.get_extra_info("peername")
        self.remote = peer[0] if isinstance(peer, tuple) else ""
        self.upstream.opened(self)

    def data_received(self, data: bytes) -> None:
        caller = self.caller
        if caller is None:
            self.upstream.distrust()
            self.transport.abort()
            return
        reading = self._reading
        try:
            if reading == HEAD:
                self._head(data, caller)
            elif reading == LENGTH:
                self._length(data, caller)
            elif reading == CHUNKED:
                self._chunked(data, caller)
            else:
                caller.content(data, False)
        except EdgeFault as fault:
            self.abort()
            caller.lost(fault, False)

    def _head(self, data: bytes, caller: Caller) -> None:
        known = self.upstream.known
        if known is not None and not self._buffer and data.startswith(known.head):
            self._final(known.answer, data[known.size :], caller)
            return
        if self._buffer:
            data = self._buffer + data
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.upstream.reader.unfinished(data)
                self._buffer = data
                return
            answer = self.upstream.reader.read(data[:end])
            if answer.status >= 200:
                self.upstream.known = known_head(data[: end + 4], answer)
                data = data[end + 4 :]
                break
            data = data[end + 4 :]
            if answer.status == 101:
                self._switched(answer, data, caller)
                return
            # 100 was given to the client when its body was wanted; 102 is a hint it can do without.
            self._interim += 1
            if self._interim > _INTERIM_LIMIT:
                raise BadUpstreamAnswer("too many interim answers")
            if answer.status == 103:
                caller.interim(answer)
        self._buffer = b""
        self._final(answer, data, caller)

    def _final(self, answer: Answer, data: bytes, caller: Caller) -> None:
        upstream = self.upstream
        if upstream.circuit.failures:
            upstream.succeeded()
        if answer.status >= 500:
            upstream.errors_total += 1
        if answer.has_no_body(self._method):
            self._complete(answer.keep_alive, bool(data))
            caller.answer(answer, b"", True)
            return
        length = answer.length
        if length is not None:
            remaining = length - len(data)
            if remaining > 0:
                self._reading = LENGTH
                self._remaining = remaining
                self._answer = answer
                caller.answer(answer, data, False)
                return
            self._complete(answer.keep_alive, remaining != 0)
            caller.answer(answer, data if remaining == 0 else data[:remaining], True)
        elif answer.chunked:
            self._reading = CHUNKED
            self._answer = answer
            self._body = body = ChunkedBody(BadUpstreamAnswer)
            content = body.feed(data) if data else b""
            if body.complete:
                answer.trailers = body.trailers
                self._complete(answer.keep_alive, bool(body.rest))
            caller.answer(answer, content, body.complete)
        else:
            self._reading = UNTIL_CLOSE
            caller.answer(answer, data, False)

    def _length(self, data: bytes, caller: Caller) -> None:
        remaining = self._remaining - len(data)
        if remaining > 0:
            self._remaining = remaining
            caller.content(data, False)
            return
        self._complete(self._answer.keep_alive, remaining != 0)
        caller.content(data if remaining == 0 else data[:remaining], True)

    def _chunked(self, data: bytes, caller: Caller) -> None:
        body = self._body
        assert body is not None
        content = body.feed(data)
        if body.complete:
            self._answer.trailers = body.trailers
            self._complete(self._answer.keep_alive, bool(body.rest))
        if content or body.complete:
            caller.content(content, body.complete)

    def _switched(self, answer: Answer, data: bytes, caller: Caller) -> None:
        if self._switch is None or answer.upgrade != self._switch:
            raise BadUpstreamAnswer("101 that nobody asked for")
        self._buffer = b""
        self._reading = TUNNEL
        caller.switched(answer, data)  # raises when the answer is not to be believed
        if self.upstream.circuit.failures:
            self.upstream.succeeded()

    def _complete(self, keep: bool, extra: bool) -> None:
        """The answer is whole: to the pool, or closed when anything is unfinished, or ``extra`` bytes came after."""
        self.caller = None
        self._reading = STRAY
        self._body = None
        if extra:
            self.upstream.distrust()
            self.transport.abort()
        elif keep and self.request_sent and not self.leaving and not self.transport.is_closing():
            if self._paused:
                self.rest(False)
            self.upstream.release(self)
        else:
            self.transport.abort()

    def pause_writing(self) -> None:
        if self.caller is not None:
            self.caller.upstream_blocked(True)

    def resume_writing(self) -> None:
        if self.caller is not None:
            self.caller.upstream_blocked(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.upstream.closed(self)
        caller, self.caller = self.caller, None
        if caller is None:
            return
        if self._reading == HEAD:
            if self._buffer or self._interim:
                caller.lost(BadUpstreamAnswer(f"closed inside a head: {exc}"), False)
            else:
                # With TLS 1.3 a certificate of ours that is refused shows only here.
                kind = UpstreamInsecure if isinstance(exc, ssl.SSLError) else UpstreamUnreachable
                caller.lost(kind(f"closed before an answer: {exc}"), True)
        elif self._reading in (UNTIL_CLOSE, TUNNEL) and exc is None:
            caller.content(b"", True)
        else:
            caller.lost(AnswerCut(f"closed inside an answer: {exc}"), False)
