"""What the line asks of the relay, and what the relay reports back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.edge.errors import EdgeFault
from gateway.edge.watch import Watch
from gateway.proxy.pool import Upstream


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


STANDARD: Final = Terms()


class Order:
    """How one request is to be forwarded. Lines in ``injected`` and ``response_lines`` end with CRLF each.

    ``target`` follows the upstream's own base path. ``host`` replaces the upstream's authority in the Host
    line. ``sending`` is called when a connection is there and the first byte is about to be written; again when
    the request is repeated. It should not hold the exchange: that would be a cycle for every request. ``watch``
    sees the answer pass.
    """

    __slots__ = ("host", "injected", "response_lines", "sending", "target", "terms", "upstream", "watch")

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
    ) -> None:
        self.upstream = upstream
        self.target = target
        self.terms = terms
        self.injected = injected
        self.response_lines = response_lines
        self.sending = sending
        self.host = host
        self.watch = watch


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
