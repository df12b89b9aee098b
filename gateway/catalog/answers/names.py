"""Which header names a publication may speak of, and how a header's value may look.

Owns the refusals. The edge has its own rules for what passes (`gateway.edge.fields`, `gateway.proxy.response`);
a test holds these lists to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

LONGEST_VALUE: Final = 4096
_TOKEN: Final = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]{1,100}")  # RFC 9110, 5.6.2, without the underscore
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")

_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "te", "trailer", "upgrade", "proxy", "http2-settings", "expect")
)
_FRAMING: Final = frozenset(("content-length", "transfer-encoding", "host"))
_IDENTITY: Final = frozenset(
    ("authorization", "cookie", "cookie2", "forwarded", "x-forwarded", "x-real-ip", "x-client-ip",
     "x-cluster-client-ip", "x-originating-ip", "x-remote-ip", "x-remote-addr", "x-remote-user", "remote-user",
     "true-client-ip", "cf-connecting-ip", "fastly-client-ip", "client-ip",
     "client-cert", "client-cert-chain", "x-client-cert", "x-ssl-cert", "x-arr-clientcert")
)  # fmt: skip
_ROUTING: Final = frozenset(
    ("x-host", "x-original-host", "x-original-url", "x-original-uri", "x-original-method", "x-rewrite-url",
     "x-override-url", "x-http-method", "x-http-method-override", "x-method-override", "x-http-host-override",
     "x-http-destinationurl")
)  # fmt: skip
_SECURITY: Final = frozenset(
    ("set-cookie", "set-cookie2", "www-authenticate", "authentication-info", "strict-transport-security",
     "x-content-type-options", "alt-svc", "clear-site-data", "server", "x-powered-by", "x-accel-redirect",
     "x-accel-buffering")
)  # fmt: skip
_OUR_WORD: Final = frozenset(
    ("request-id", "traceparent", "date", "age", "vary", "cache-status", "deprecation", "sunset", "retry-after",
     "etag", "last-modified", "content-encoding", "content-range", "content-location", "location", "allow",
     "link", "early-data")
)  # fmt: skip
_PREFIXES: Final = (
    "sluss", "proxy-", "x-forwarded-", "ssl-client-", "x-ssl-client-", "sec-", "ratelimit", "x-ratelimit",
    "access-control-",
)  # fmt: skip
# A browser sends or refuses these by itself; a page cannot ask for them.
_BROWSER_S: Final = frozenset(
    ("origin", "referer", "date", "dnt", "via", "accept-encoding", "accept-charset")
)


def fault_of_rule(name: str) -> str | None:
    """Why a header rule may not name `name`; None when it may."""
    lower = name.lower()
    if _TOKEN.fullmatch(name) is None:
        return "no header name: letters, digits and hyphens"
    if lower in _HOP_BY_HOP or lower in _FRAMING:
        return "it carries the message itself and is the gateway's"
    if lower in _IDENTITY or lower in _ROUTING or lower.startswith(_PREFIXES):
        return "it says who calls or how the call is routed, and is the gateway's"
    if lower in _SECURITY:
        return "it decides over the client's security; the gateway writes it, or nobody does"
    if lower in _OUR_WORD:
        return "caches, clients and the gateway rely on what the service says there"
    return None


def fault_of_asked(name: str) -> str | None:
    """Why a page may not be allowed to send `name`."""
    lower = name.lower()
    if name == "*":
        return "name each header; `*` does not cover Authorization and allows what nobody has thought of"
    if _TOKEN.fullmatch(name) is None:
        return "no header name: letters, digits and hyphens"
    if lower == "authorization":
        return "it is always allowed; take it away"
    gone = _HOP_BY_HOP | _FRAMING | _IDENTITY | _ROUTING | _BROWSER_S | {"request-id"}
    if lower in gone or lower.startswith(_PREFIXES):
        return "a browser or the edge takes it away; the service would never see it"
    return None


def fault_of_exposed(name: str) -> str | None:
    """Why a page may not be allowed to read `name`."""
    if name == "*":
        return "name each header"
    if _TOKEN.fullmatch(name) is None:
        return "no header name: letters, digits and hyphens"
    if name.lower() in ("set-cookie", "set-cookie2"):
        return "no page can read it"
    return None


def fault_of_value(value: str) -> str | None:
    """Why a header may not have this value: a line break in it would be a header of its own (RFC 9110, 5.5)."""
    if len(value) > LONGEST_VALUE:
        return f"longer than {LONGEST_VALUE} characters"
    if _VALUE.fullmatch(value) is None:
        return "only printable ASCII, no line break, no blank at either end, not empty"
    return None


def twice(names: Iterator[str]) -> Iterator[str]:
    """Names that differ from an earlier one in case alone, or not at all."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            yield name
        seen.add(name.lower())
