"""The header lines the gateway adds, as bytes ready to be joined to a head.

To the upstream: Forwarded (RFC 7239), X-Forwarded-Prefix (the public base below which links must lie, DIGG
HYP.08), traceparent, Request-Id and who is calling. To the client: RateLimit fields, traceparent, Request-Id,
and the end of a version's life. Whatever the client sent under these names is gone before: the edge drops it in
every spelling.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime

from auth.principal import Principal
from gateway.access_log import Who
from gateway.catalog.answers.brownouts import end_of_day
from gateway.catalog.model import Api
from gateway.edge.request import Request
from quota.counters.protocol import Decision
from quota.headers import rate_limit
from quota.plans import Limits

Field = tuple[bytes, bytes]

# What the gateway says of a version's life and an upstream must not say otherwise. Link is a list: both may speak.
LIFE_NAMES = frozenset((b"deprecation", b"sunset"))


def lines_of(fields: Iterable[Field]) -> bytes:
    return b"".join(b"%b: %b\r\n" % field for field in fields)


def arrival_lines(request: Request, prefix: bytes, identity: bytes) -> bytes:
    """Where the call came in and whose it is. `prefix` and `identity` are ready lines or empty.

    In Forwarded an IPv6 address and a host with a port must be quoted (RFC 7239, 6).
    """
    return b'Forwarded: for=%b;host="%b";proto=%b\r\n%b%b' % (
        (f'"[{request.peer}]"' if ":" in request.peer else request.peer).encode(),
        request.authority,
        b"https" if request.secure else b"http",
        prefix,
        identity,
    )


def control_lines(request: Request) -> bytes:
    """The same for the control plane, with the client's certificate (RFC 9440): clients prove themselves by it there.
    What a client sends under these names never passes the edge, so that they are ours alone.
    """
    shown = request.client_certificate
    if shown is None:
        return arrival_lines(request, b"", b"")
    lines = b"Client-Cert: :%b:\r\n" % b64encode(shown.der)
    if shown.chain:
        lines += b"Client-Cert-Chain: %b\r\n" % b", ".join(b":%b:" % b64encode(der) for der in shown.chain)
    return arrival_lines(request, b"", lines)


def fields_of(lines: bytes) -> list[Field]:
    """Ready lines taken apart again, for an answer of our own."""
    pairs = (line.partition(b": ") for line in lines.split(b"\r\n") if line)
    return [(name, value) for name, _, value in pairs]


def prefix_line(base: str) -> bytes:
    return b"X-Forwarded-Prefix: %b\r\n" % base.encode("ascii")


def identity_fields(principal: Principal) -> list[Field]:
    """Who is calling; `auth.authenticate` has made sure that no value breaks a line."""
    return [
        (b"Sluss-Organisation", principal.organisation_id.encode("ascii")),
        (b"Sluss-App", principal.app_id.encode("ascii")),
        (b"Sluss-Subject", principal.subject.encode("ascii")),
        (b"Sluss-Scope", " ".join(sorted(principal.scopes)).encode("ascii")),
        (b"Sluss-Environment", principal.environment.encode("ascii")),
    ]


def limit_lines(decision: Decision, limits: Limits) -> bytes:
    if not limits.policy:
        return b""
    return b"RateLimit-Policy: %b\r\nRateLimit: %b\r\n" % (limits.policy, rate_limit(decision))


def limit_fields(decision: Decision, limits: Limits) -> list[Field]:
    """The same as fields, for an answer of our own."""
    if not limits.policy:
        return []
    return [(b"RateLimit-Policy", limits.policy), (b"RateLimit", rate_limit(decision))]


def life_fields(api: Api, successor: Api | None, issuer: str) -> list[Field]:
    """Deprecation (RFC 9745, a structured date) and Sunset (RFC 8594, an HTTP date) of a version on its way
    out, with links (RFC 8288) to its page (`deprecation`, `sunset`) and to the version after it (RFC 5829).

    A coming deprecation is told too. Sunset is the last second of the last day, Swedish time.
    """
    fields, links = [], []
    page = f"<{issuer}{api.documentation}>"
    if api.status.callable and api.deprecated:
        fields.append((b"Deprecation", b"@%d" % int(_midnight(api.deprecated).timestamp())))
        links.append(f'{page}; rel="deprecation"; type="text/html"')
    if api.sunset:
        fields.append((b"Sunset", format_datetime(_last(api.sunset), usegmt=True).encode()))
        links.append(f'{page}; rel="sunset"; type="text/html"')
    if successor is not None and (fields or not api.status.callable):
        links.append(f'<{successor_address(successor, issuer)}>; rel="successor-version"')
    return [*fields, (b"Link", ", ".join(links).encode("ascii"))] if links else []


def successor_address(successor: Api, issuer: str) -> str:
    """What to read about the version after."""
    return f"{issuer}{successor.base}/api-info"


def _midnight(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _last(text: str) -> datetime:
    return datetime.fromtimestamp(end_of_day(text) - 1, UTC)


class Caller:
    """What of a principal goes into heads and records, written once."""

    __slots__ = ("identity", "lines", "principal", "who")

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.identity = identity_fields(principal)
        self.lines = lines_of(self.identity)
        self.who = Who(principal.organisation_id, principal.app_id, principal.environment)


class Callers:
    """The callers met lately, by token. At most `most`; then it begins anew."""

    def __init__(self, most: int = 10_000) -> None:
        self._known: dict[str, Caller] = {}
        self._most = most

    def of(self, principal: Principal) -> Caller:
        known = self._known.get(principal.token_id)
        # The very principal, not only its token's id: two tokens may bear one id, by a fault or on purpose.
        if known is not None and known.principal is principal:
            return known
        if len(self._known) >= self._most:
            self._known.clear()
        made = self._known[principal.token_id] = Caller(principal)
        return made
