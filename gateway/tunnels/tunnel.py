"""One open WebSocket between a client and an upstream: frames pass as they come, messages when they are paid for.

Owns what moves, what waits, and how the tunnel ends. What a frame is, is `frames`; what a message costs,
`messages`; the sockets are the exchange's.

    open ──both have closed, or one is gone──────────────────────────────▶ over
    open ──limit, fault, end of access, silence, drain──▶ closing ──time──▶ over

Closing: a close frame goes to each side that stands at the end of a frame; a side that does not is cut, so
that nobody takes half a message for a whole one. Then both have a moment to close for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from gateway.edge.errors import AnswerCut, BadUpstreamAnswer, Draining, EdgeFault
from gateway.edge.order import Order, TunnelOrder
from gateway.proxy.connection import UpstreamConnection
from gateway.proxy.response import Answer
from gateway.tunnels.errors import (
    AccessEnded,
    MalformedFrame,
    MessageTooLarge,
    TooManyControls,
    TunnelIdle,
)
from gateway.tunnels.frames import PROTOCOL_ERROR, TOO_BIG, Frames, Part, close_frame
from gateway.tunnels.handshake import Handshake, agreed
from gateway.tunnels.limits import TunnelLimits
from gateway.tunnels.messages import POLICY, Messages, Refused

if TYPE_CHECKING:
    from gateway.edge.connection import ClientConnection
    from gateway.edge.exchange import Exchange
    from gateway.edge.order import Terms

GOING_AWAY = 1001
INTERNAL = 1011


class Tunnel:
    """Made before the handshake is passed on; the exchange opens it when the upstream has agreed."""

    __slots__ = (
        "_asked", "_began", "_client", "_closing", "_controls", "_controls_since", "_down", "_exchange", "_fault",
        "_handshake", "_idle", "_later", "_limits", "_most", "_part", "_pumping", "_since", "_until", "_up",
        "_upstream", "_upstream_blocked", "messages", "subscription_id",
    )  # fmt: skip

    _began: Callable[[], None]
    _up: Frames
    _down: Frames
    _exchange: Exchange
    _client: ClientConnection
    _upstream: UpstreamConnection | None

    def __init__(
        self,
        handshake: Handshake,
        messages: Messages,
        terms: Terms,
        limits: TunnelLimits,
        subscription_id: str,
    ) -> None:
        self._handshake = handshake
        self.messages = messages
        self._most = terms.body_limit
        self._idle = terms.idle_timeout
        self._limits = limits
        self.subscription_id = subscription_id
        self._asked = False  # a message waits for its decision, in `_part`
        self._part: Part | None = None
        self._pumping = False
        self._later = [False, False]  # up, down: the rest of the buffer waits for its turn
        self._upstream_blocked = False
        self._closing = False
        self._fault: EdgeFault | None = None
        self._since = self._until = 0.0
        self._controls = 0
        self._controls_since = 0.0

    def order(self, order: Order, began: Callable[[], None]) -> TunnelOrder:
        """The same order with this tunnel's handshake. `began` is called when the tunnel stands."""
        self._began = began
        order.injected += self._handshake.lines
        return TunnelOrder(order, self)

    @property
    def counts(self) -> tuple[int, int]:
        """Whole messages from the client and to it; zeros before it began."""
        return (self._up.messages, self._down.messages) if hasattr(self, "_up") else (0, 0)

    # --- the exchange's side

    def accept(self, answer: Answer) -> None:
        """The upstream's 101. Raises BadUpstreamAnswer."""
        deflate = agreed(self._handshake, answer)
        limits = self._limits
        self._up = Frames(
            masked=True, compressed=deflate, most=self._most, fragments=limits.fragments, single=True, turn=limits.turn
        )  # fmt: skip
        self._down = Frames(masked=False, compressed=deflate, turn=limits.turn)

    def opened(
        self, exchange: Exchange, client: ClientConnection, upstream: UpstreamConnection, data: bytes
    ) -> None:
        """The client has its 101; `data` came with it."""
        self._exchange = exchange
        self._client = client
        self._upstream = upstream
        self._since = self._controls_since = client.clock.now
        self._began()
        if data:
            self.from_upstream(data)

    def from_client(self, data: bytes) -> None:
        self._since = self._client.clock.now
        if not self._closing:
            self._up.feed(data)
            self._pump_up()

    def from_upstream(self, data: bytes) -> None:
        self._since = self._client.clock.now
        if not self._closing:
            self._down.feed(data)
            self._pump_down()

    def upstream_ended(self) -> None:
        """The upstream closed its connection, or lost it: clean only after its close frame."""
        self._upstream = None
        while not self._closing and (part := self._down.next()) is not None:
            self._client.write(part.data)  # what waited for its turn
        if self._closing or self._down.closed:
            self._over()
        else:
            self._close(INTERNAL, AnswerCut.code, AnswerCut("upstream left without a close frame"))

    def client_gone(self) -> None:
        self.messages.over()
        self._exchange.tunnel_over(self._fault, cut=False)

    def upstream_blocked(self, blocked: bool) -> None:
        self._upstream_blocked = blocked
        self.rest()

    def rest(self) -> None:
        """Who may be read now: nobody whose bytes could not go on, or must wait."""
        if not self._closing:
            self._client.rest(self._asked or self._later[0] or self._upstream_blocked)
            if self._upstream is not None:
                self._upstream.rest(self._later[1] or self._client.blocked)

    def sweep(self, now: float) -> None:
        limits = self._limits
        if self._closing:
            if now > self._until:
                self._over()
            return
        if now - self._since > self._idle + self._client.server.limits.tick_seconds:
            self._close(GOING_AWAY, TunnelIdle.code, TunnelIdle())
        elif now - self._controls_since > limits.controls_seconds:
            self._controls_since = now
            self._controls = self._up.controls

    def drain(self) -> None:
        self._close(GOING_AWAY, Draining.code, Draining())

    def end_access(self, code: str) -> None:
        """The caller may no longer: `code` is that of the refusal a new call would get."""
        self._close(POLICY, code, AccessEnded(code))

    # --- client to upstream

    def _pump_up(self) -> None:
        """Passes on what is there until it is empty, a message waits for its units, or the turn is over."""
        if self._pumping or self._asked:
            return
        self._pumping = True
        for _ in range(self._limits.turn):
            part = self._up.next()
            if part is None:
                break
            if part.begins and self.messages.units:
                self._asked = True
                self._part = part
                self.messages.ask(self._decided)
                if self._asked:
                    break
            else:
                self._pass_up(part)
            if self._closing:
                break
        else:
            self._later[0] = True
            asyncio.get_running_loop().call_soon(partial(self._again, 0))
        self._pumping = False
        self._judge_client()
        self.rest()

    def _decided(self, refused: Refused | None) -> None:
        """The counters have answered for the message in `_part`."""
        part, self._part = self._part, None
        self._asked = False
        if self._closing or part is None:
            return
        if refused is not None:
            reason = f"{refused.fault.code} retry-after={refused.retry_after}"
            self._close(refused.close, reason, refused.fault)
            return
        self._pass_up(part)
        if not self._pumping:
            self._pump_up()

    def _pass_up(self, part: Part) -> None:
        if self._upstream is not None:
            self._upstream.write(part.data)
            if part.ends:
                self.messages.whole()

    def _judge_client(self) -> None:
        """After the lawful part of what came: was there something that is not?"""
        broken = self._up.broken
        if self._closing or self._asked:
            return
        if broken is not None:
            kind = MessageTooLarge if broken.close == TOO_BIG else MalformedFrame
            self._close(broken.close, kind.code, kind(broken.why))
        elif self._up.controls - self._controls > self._limits.controls:
            self._close(POLICY, TooManyControls.code, TooManyControls())

    # --- upstream to client

    def _pump_down(self) -> None:
        part = self._down.next()
        if part is not None:
            self._client.write(part.data)
        broken = self._down.broken
        if broken is not None:
            fault = BadUpstreamAnswer(f"frame: {broken.why}")
            self._close(INTERNAL, BadUpstreamAnswer.code, fault, upstream=PROTOCOL_ERROR)
        elif part is not None and self._down.waiting:
            self._later[1] = True
            asyncio.get_running_loop().call_soon(partial(self._again, 1))
        self.rest()

    def _again(self, direction: int) -> None:
        """The turn has come round."""
        self._later[direction] = False
        if not self._closing:
            if direction:
                self._pump_down()
            else:
                self._pump_up()

    # --- the end

    def _close(self, code: int, reason: str, fault: EdgeFault, upstream: int = 0) -> None:
        """Tells both sides, each with a close frame where one can stand; `upstream`: its own close code."""
        if self._closing:
            return
        up_whole = (
            self._part is not None or self._up.at_boundary
        )  # what waits in `_part` has not been written
        self._closing = True
        self._fault = fault
        self._part = None
        self.messages.over()
        self._until = self._client.clock.now + self._limits.close_seconds
        if self._upstream is not None:
            if up_whole and not self._up.closed:
                self._upstream.write(close_frame(upstream or code, reason, masked=True))
            elif not up_whole:
                self._upstream = None
                self._exchange.cut_upstream()
            self._resume()
        if not self._down.at_boundary:
            self._exchange.tunnel_over(fault, cut=True)
            return
        if not self._down.closed:
            self._client.write(close_frame(code, reason, masked=False))
        if self._upstream is None:
            self._over()

    def _resume(self) -> None:
        """Reads on, so that the other side's close is seen; what it says is thrown away."""
        self._client.rest(False)
        if self._upstream is not None:
            self._upstream.rest(False)

    def _over(self) -> None:
        self.messages.over()
        self._exchange.tunnel_over(self._fault, cut=False)
