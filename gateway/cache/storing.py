"""Which answers are kept, and for whom: RFC 9111 section 3, and the promise that nothing unkeyed decides (H38).

Pure. A request's headers reach the service; what it answers may hang on any of them. So an answer is kept only
when every header of its request is in the key, is named by Vary, or is one that services do not answer by.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.cache.freshness import Directives, Fields
from gateway.catalog.answers.values import Shared
from gateway.edge.request import Request

KEPT_STATUSES: Final = frozenset((200, 203, 204, 300, 301, 308, 404, 410))
FAILURES: Final = frozenset((500, 502, 503, 504))  # RFC 5861, 4: for these a stale answer may stand in
# With these a request asks for a part, or for a change only if something holds: the service answers itself.
PASSED_BY: Final = frozenset((b"range", b"if-match", b"if-unmodified-since", b"if-range"))
# RFC 5861 lets a stale answer stand for a failed service, unless one of these demands to be asked first.
DEMANDING: Final = ("must-revalidate", "proxy-revalidate", "s-maxage", "no-cache")
# RFC 9111, 3.5: what lets a shared cache keep the answer to a request with Authorization.
_ALLOWED_FOR_ALL: Final = ("public", "s-maxage", "must-revalidate")
# Names that change from call to call, or that the gateway answers for: an answer that varies by them is nobody else's.
_NOT_VARIED: Final = frozenset(
    (b"*", b"authorization", b"cookie", b"forwarded", b"traceparent", b"tracestate", b"request-id", b"host")
)
_HARMLESS: Final = frozenset(
    (b"accept", b"accept-encoding", b"accept-language", b"cache-control", b"content-type", b"date", b"dnt",
     b"if-match", b"if-modified-since", b"if-none-match", b"if-unmodified-since", b"origin", b"pragma", b"priority",
     b"referer", b"save-data", b"tracestate", b"upgrade-insecure-requests", b"user-agent", b"via",
     b"x-correlation-id", b"x-request-id", b"x-requested-with")
)  # fmt: skip


def varied(fields: Fields) -> tuple[bytes, ...] | None:
    """The names of Vary in lower case, in order; None when no other request can be given the answer."""
    names = sorted(
        {
            name.strip(b" \t").lower()
            for value in fields.get(b"vary", ())
            for name in value.split(b",")
            if name.strip(b" \t")
        }
    )
    if any(name in _NOT_VARIED or name.startswith(b"x-forwarded") for name in names):
        return None
    if b"content-encoding" in fields and b"accept-encoding" not in names:
        return None  # a coding that not every client reads, chosen by a header the service does not own up to
    return tuple(names)


def may_keep(status: int, said: Directives, shared: Shared) -> bool:
    """By status and Cache-Control alone."""
    if status not in KEPT_STATUSES or "no-store" in said or "private" in said:
        return False
    return shared is not Shared.EVERYONE or any(name in said for name in _ALLOWED_FOR_ALL)


def is_keyed(lines: Iterable[bytes], vary: tuple[bytes, ...]) -> bool:
    """Is every header of the request one that cannot have decided the answer unseen?"""
    names = (line.partition(b":")[0].lower() for line in lines)
    return all(name in _HARMLESS or name in vary or name.startswith(b"sec-") for name in names)


def may_lead(request: Request) -> bool:
    """Can others hope for the answer to this request? Else nobody should wait for it."""
    return request.cookies is None and is_keyed(request.forwarded_lines, ())


def has_validator(fields: Fields) -> bool:
    return len(fields.get(b"etag", ())) == 1 or len(fields.get(b"last-modified", ())) == 1
