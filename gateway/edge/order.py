"""What the line asks of the relay, and what the relay reports back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from gateway.edge.errors import BodyTooLarge, EdgeFault, TooManyBodies
from gateway.proxy.group import Group
from gateway.proxy.pool import Upstream

if TYPE_CHECKING:
    from gateway.proxy.response import Answer
    from gateway.tunnels.tunnel import Tunnel

_log = logging.getLogger("sluss.edge")


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every request on one route: made once, shared by all its orders. Seconds and bytes."""

    body_limit: int = 1024 * 1024
    connect_timeout: float = 2.0
    first_byte_timeout: float = 30.0
    idle_timeout: float = 30.0
    total_timeout: float = 300.0
    allow_upgrade: bool = False
    pass_authorization: bool = False
    pass_cookies: bool = False
    replaced: frozenset[bytes] = frozenset()
    """Names, in lower case, of the upstream's answer headers that give way to ``response_lines``."""
    lasting: bool = False
    """The route's calls may last long: they take no places from others."""


STANDARD: Final = Terms()


class Watch(Protocol):
    """``begin`` with the head, ``content`` as it comes without its framing, ``end`` once after a ``begin``.

    ``begin`` may give another answer with its whole content, which the client then gets instead; only for an answer
    that has no content of its own (a 304).

    Nothing is called when no answer came, nor for a tunnel. ``answer.lines`` are what passes to the client, before
    the order's own lines and without framing; the list is the relay's, to be copied by who keeps it. ``whole`` is
    False when the answer was cut or the client left.
    """

    def begin(self, answer: Answer) -> tuple[Answer, bytes] | None: ...

    def content(self, data: bytes) -> None: ...

    def end(self, whole: bool) -> None: ...


class Order:
    """How one request is to be forwarded. Lines in ``injected`` and ``response_lines`` end with CRLF each.

    ``target`` follows the upstream's own base path. ``host`` replaces the upstream's authority in the Host
    line. ``group`` has those that may take over when ``upstream`` cannot; ``upstream`` then changes. ``sending`` is
    called when a connection is there and the first byte is about to be written; again when the request is repeated.
    It should not hold the exchange: that would be a cycle for every request. ``watch`` sees the answer pass.
    ``declines`` is asked about an answer of 500 or more: True makes it a fault of the upstream instead of relaying it.
    Of the client's lines those named in ``unsent``, in lower case, stay here.
    """

    __slots__ = (
        "declines", "group", "host", "injected", "response_lines", "sending", "target", "terms", "unsent", "upstream",
        "watch",
    )  # fmt: skip

    def __init__(
        self,
        upstream: Upstream,
        target: bytes,
        terms: Terms = STANDARD,
        injected: bytes = b"",
        response_lines: bytes = b"",
        sending: Callable[[], None] | None = None,
        host: bytes | None = None,
        watch: Watch | None = None,
        group: Group | None = None,
    ) -> None:
        self.upstream = upstream
        self.group = group
        self.target = target
        self.terms = terms
        self.injected = injected
        self.response_lines = response_lines
        self.sending = sending
        self.host = host
        self.watch = watch
        self.declines: Callable[[int], bool] | None = None
        self.unsent: frozenset[bytes] | None = None


class TunnelOrder(Order):
    """A request that is to become a tunnel; the terms allow the upgrade."""

    __slots__ = ("tunnel",)

    def __init__(self, order: Order, tunnel: Tunnel) -> None:
        super().__init__(
            order.upstream, order.target, order.terms, order.injected, order.response_lines, order.sending,
            watch=order.watch, group=order.group,
        )  # fmt: skip
        self.tunnel = tunnel


class Ending:
    """What became of a forwarded request.

    ``status`` is what the client got, 0 when nothing; ``answered``: the head of the answer was written to the
    client; ``upstream_reached``: bytes of the request were written to the upstream. ``bytes_in`` and
    ``bytes_out`` count content, not heads. With a ``fault`` and not ``answered``, the line replies itself,
    unless the fault is ClientGone.
    """

    __slots__ = (
        "answered",
        "bytes_in",
        "bytes_out",
        "fault",
        "status",
        "upstream_reached",
        "upstream_status",
    )

    def __init__(
        self,
        upstream_status: int,
        bytes_in: int,
        bytes_out: int,
        answered: bool,
        upstream_reached: bool,
        fault: EdgeFault | None,
    ) -> None:
        self.status = upstream_status if answered else 0
        self.answered = answered
        self.upstream_reached = upstream_reached
        self.upstream_status = upstream_status
        self.bytes_in = bytes_in
        self.bytes_out = bytes_out
        self.fault = fault


Inspection = Callable[[bytes, bool], EdgeFault | None]
"""Called with each piece of a request's content, and whether it is the last; a fault refuses the request."""

Collected = Callable[[bytes | EdgeFault], None]
"""Called once: with the whole body, or with why there is none."""


class Held:
    """Bytes of bodies under collection in the whole process. Each connection is bounded by its route; this
    bounds ten thousand of them together.
    """

    __slots__ = ("bytes", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0


class Collecting:
    """The pieces of one body so far."""

    __slots__ = ("_held", "_limit", "_pieces", "done", "size")

    def __init__(self, limit: int, held: Held, done: Collected) -> None:
        self._limit = limit
        self._held = held
        self._pieces: list[bytes] = []
        self.done = done
        self.size = 0

    def add(self, content: bytes) -> BodyTooLarge | TooManyBodies | None:
        """Keeps the content in any case: a fault leaves the choice between refusing and passing it on."""
        self._pieces.append(content)
        self.size += len(content)
        self._held.bytes += len(content)
        if self.size > self._limit:
            return BodyTooLarge("while it was collected")
        if self._held.bytes > self._held.limit:
            return TooManyBodies("bodies under collection")
        return None

    def take(self) -> bytes:
        """All of it, once: from here on it is no longer counted."""
        pieces, self._pieces = self._pieces, []
        self._held.bytes -= self.size
        self.size = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def watch_begin(order: Order, answer: Answer, content: bytes, complete: bool) -> tuple[Answer, bytes]:
    """What the client gets: the answer, or the one the observer gives instead."""
    if order.watch is None:
        return answer, content
    try:
        instead = order.watch.begin(answer)
    except Exception:  # the observer is not ours, and its fault no reason to lose the answer
        _dismiss(order)
        return answer, content
    if instead is not None and complete and not content:
        answer, content = instead
    watch_content(order, content, complete)
    return answer, content


def watch_content(order: Order, content: bytes, complete: bool) -> None:
    if order.watch is None:
        return
    try:
        if content:
            order.watch.content(content)
    except Exception:  # the observer is not ours, and its fault no reason to lose the answer
        _dismiss(order)
    if complete:
        watch_end(order, True)


def watch_end(order: Order, whole: bool) -> None:
    watch, order.watch = order.watch, None
    if watch is None:
        return
    try:
        watch.end(whole)
    except Exception:  # the observer is not ours, and its fault no reason to lose the answer
        _dismiss(order)


def _dismiss(order: Order) -> None:
    _log.exception("an observer of an answer failed")
    order.watch = None
