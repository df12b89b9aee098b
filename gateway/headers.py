"""The header lines the gateway adds, as bytes ready to be joined to a head.

To the upstream: Forwarded (RFC 7239), X-Forwarded-Prefix (the public base below which links must lie, DIGG
HYP.08), traceparent, Request-Id and who is calling. To the client: RateLimit fields, traceparent, Request-Id.
Whatever the client sent under these names is gone before: the edge drops it in every spelling.
"""

from __future__ import annotations

from datetime import UTC, datetime

from auth.principal import Principal
from gateway.catalog.model import Api, Status
from gateway.edge.request import Request
from gateway.trace import Trace
from quota.counters.protocol import Decision
from quota.headers import rate_limit
from quota.plans import Limits


def origin_lines(request: Request, base: str) -> bytes:
    """Where the call came in. An IPv6 address and a host with a port must be quoted (RFC 7239, 6)."""
    peer = f'"[{request.peer}]"' if ":" in request.peer else request.peer
    line = b'Forwarded: for=%b;host="%b";proto=%b\r\n' % (
        peer.encode(),
        request.authority,
        b"https" if request.secure else b"http",
    )
    return line + b"X-Forwarded-Prefix: %b\r\n" % base.encode() if base else line


def trace_lines(trace: Trace) -> bytes:
    return b"traceparent: %b\r\nRequest-Id: %b\r\n" % (trace.parent, trace.request_id)


def identity_lines(principal: Principal) -> bytes:
    return (
        f"Sluss-Organisation: {principal.organisation_id}\r\nSluss-App: {principal.app_id}\r\n"
        f"Sluss-Subject: {principal.subject}\r\nSluss-Scope: {' '.join(sorted(principal.scopes))}\r\n"
        f"Sluss-Environment: {principal.environment}\r\n"
    ).encode("ascii")


def limit_lines(decision: Decision, limits: Limits) -> bytes:
    if not limits.policy:
        return b""
    return b"RateLimit-Policy: %b\r\nRateLimit: %b\r\n" % (limits.policy, rate_limit(decision))


def limit_fields(decision: Decision, limits: Limits) -> list[tuple[bytes, bytes]]:
    """The same as fields, for an answer of our own."""
    if not limits.policy:
        return []
    return [(b"RateLimit-Policy", limits.policy), (b"RateLimit", rate_limit(decision))]


def life_lines(api: Api) -> bytes:
    """Deprecation (RFC 9745, a structured date) and Sunset (RFC 8594, an HTTP date) of a version on its way out."""
    lines = b""
    if api.status is Status.DEPRECATED and api.deprecated:
        lines += b"Deprecation: @%d\r\n" % _day(api.deprecated).timestamp()
    if api.sunset:
        lines += b"Sunset: %b\r\n" % _day(api.sunset).strftime("%a, %d %b %Y %H:%M:%S GMT").encode()
    return lines


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
