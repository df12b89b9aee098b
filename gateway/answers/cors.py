"""Whose pages may call an API in a browser: the CORS protocol of the Fetch standard, at the gateway.

An origin is allowed by exact comparison or not at all, and never reflected because it looks right. Credentials
mode is never allowed: a token travels in Authorization, which a page sets itself, so an allowed page gains nothing
by the cookies of whoever looks at it. A preflight has no token; it is answered before anybody is known, says
nothing but what the publication says, and costs nothing.
"""

from __future__ import annotations

from typing import Final

from gateway.catalog.answers import values
from gateway.edge.request import Request
from gateway.errors import OriginNotAllowed
from gateway.headers import Field, lines_of

# What every page of an allowed origin may send and read, whatever the publication adds.
ALWAYS_SENT: Final = (
    "Authorization", "Content-Type", "If-Match", "If-Modified-Since", "If-None-Match", "traceparent",
)  # fmt: skip
ALWAYS_READ: Final = (
    "Age", "Allow", "Cache-Status", "Deprecation", "ETag", "Link", "Location", "RateLimit", "RateLimit-Policy",
    "Request-Id", "Retry-After", "Sunset", "traceparent", "WWW-Authenticate",
)  # fmt: skip
_VARY: Final[Field] = (b"Vary", b"Origin")


def asked(request: Request) -> str | None:
    """The method a preflight asks about; None when the request is no preflight."""
    methods = request.fields(b"access-control-request-method")
    if len(methods) != 1 or not request.fields(b"origin"):
        return None
    return methods[0].decode("latin-1")


class Cors:
    """What one API allows, with its headers written out for each origin."""

    __slots__ = ("_fields", "_lines", "_others", "_permission")

    def __init__(self, said: values.Cors) -> None:
        read = ", ".join(dict.fromkeys((*ALWAYS_READ, *said.expose))).encode("ascii")
        sent = ", ".join(dict.fromkeys((*ALWAYS_SENT, *said.headers))).encode("ascii")
        every = said.origins == ("*",)
        vary = [] if every else [_VARY]
        self._fields = {
            origin.encode("ascii"): [
                (b"Access-Control-Allow-Origin", origin.encode("ascii")),
                (b"Access-Control-Expose-Headers", read),
                *vary,
            ]
            for origin in said.origins
        }
        self._lines = {origin: lines_of(fields) for origin, fields in self._fields.items()}
        self._others = b"*" if every else b""
        self._permission = [
            (b"Access-Control-Allow-Headers", sent),
            (b"Access-Control-Max-Age", b"%d" % said.max_age),
        ]

    def _origin(self, request: Request) -> bytes:
        """The key of the origin that asks; two of them are none."""
        origins = request.fields(b"origin")
        return origins[0] if len(origins) == 1 and origins[0] in self._fields else self._others

    def fields(self, request: Request) -> list[Field]:
        """What an answer of our own says to the page that asked."""
        return self._fields.get(self._origin(request), [_VARY])

    def lines(self, request: Request) -> bytes:
        """The same as lines, for an answer that is relayed."""
        return self._lines.get(self._origin(request), b"Vary: Origin\r\n")

    def permission(self, request: Request, method: str) -> list[Field]:
        """The headers that allow a call with `method`, an operation that exists. Raises OriginNotAllowed."""
        origin = self._origin(request)
        if not origin:
            raise OriginNotAllowed
        allowed = (b"Access-Control-Allow-Methods", method.encode("ascii"))
        return [*self._fields[origin], allowed, *self._permission]
