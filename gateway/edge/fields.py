"""What becomes of each request header, decided by its name alone (RFC 9110 section 5, 7.6.1).

Owns the classification of names; not the reading of values (``request``). The answer side has its own rules
in ``gateway.proxy.response`` on the same ``NameTable``.

The table maps the raw bytes of a name, in the spelling it came in, to a small code. A name in a new spelling
is validated once and remembered; the table is bounded, so a stream of invented names only makes itself
slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

PASS: Final = 0
DROP: Final = 1
HOST: Final = 2
AUTHORIZATION: Final = 3
LENGTH: Final = 4
CODING: Final = 5
CONNECTION: Final = 6
EXPECT: Final = 7
UPGRADE: Final = 8
TRACEPARENT: Final = 9
ACCEPT: Final = 10
LANGUAGE: Final = 11
FORWARDED_FOR: Final = 12
FORWARDED_PROTO: Final = 13
REFUSE: Final = 14
INVALID: Final = 15
COOKIE: Final = 16
TE: Final = 18
TRAILER: Final = 19

TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ODD: Final = re.compile(rb"[^a-z0-9]")

_LEARNED_NAMES: Final = 1024
_LEARNED_LENGTH: Final = 64

RULES: Final[Mapping[bytes, int]] = {
    b"host": HOST,
    b"authorization": AUTHORIZATION,
    b"content-length": LENGTH,
    b"transfer-encoding": CODING,
    b"connection": CONNECTION,
    b"expect": EXPECT,
    b"upgrade": UPGRADE,
    b"traceparent": TRACEPARENT,
    b"accept": ACCEPT,
    b"accept-language": LANGUAGE,
    b"cookie": COOKIE,
    b"cookie2": DROP,
    b"x-forwarded-for": FORWARDED_FOR,
    b"x-forwarded-proto": FORWARDED_PROTO,
    # hop by hop
    b"keep-alive": DROP,
    b"te": TE,
    b"trailer": TRAILER,
    b"http2-settings": DROP,
    # `Proxy:` becomes HTTP_PROXY in CGI-like upstreams (CVE-2016-5385)
    b"proxy": DROP,
    # who the client says it is
    b"forwarded": DROP,
    b"x-forwarded": DROP,
    b"x-real-ip": DROP,
    b"x-client-ip": DROP,
    b"x-cluster-client-ip": DROP,
    b"x-originating-ip": DROP,
    b"x-remote-ip": DROP,
    b"x-remote-addr": DROP,
    b"x-remote-user": DROP,
    b"client-cert": DROP,
    b"client-cert-chain": DROP,
    b"x-client-cert": DROP,
    b"x-ssl-cert": DROP,
    b"x-arr-clientcert": DROP,
    b"remote-user": DROP,
    b"true-client-ip": DROP,
    b"cf-connecting-ip": DROP,
    b"fastly-client-ip": DROP,
    b"client-ip": DROP,
    b"sluss": DROP,
    b"request-id": DROP,
    # what the client says it asked for
    b"x-host": DROP,
    b"x-original-host": DROP,
    b"x-original-url": DROP,
    b"x-original-uri": DROP,
    b"x-original-method": DROP,
    b"x-rewrite-url": DROP,
    b"x-override-url": DROP,
    b"x-http-method": DROP,
    b"x-http-method-override": DROP,
    b"x-method-override": DROP,
    b"x-http-host-override": DROP,
    b"x-http-destinationurl": DROP,
}
DROPPED_PREFIXES: Final = (b"sluss-", b"x-forwarded-", b"proxy-", b"ssl-client-", b"x-ssl-client-")

# Names that pass and are met every day: always in the table, so that invented names cannot crowd them out.
_COMMON: Final = (
    b"user-agent", b"accept-encoding", b"content-type", b"content-encoding", b"origin", b"referer",
    b"cache-control", b"pragma", b"if-none-match", b"if-match", b"if-modified-since", b"if-unmodified-since",
    b"range", b"prefer", b"tracestate", b"x-request-id", b"x-correlation-id", b"x-requested-with",
    b"idempotency-key", b"dpop", b"sec-websocket-key", b"sec-websocket-version", b"sec-fetch-mode",
    b"sec-fetch-site", b"sec-fetch-dest", b"dnt", b"priority", b"date", b"via",
)  # fmt: skip


# What may come after a body, in either direction: names that say something of the content or the time it took and
# that nobody frames, routes, authorises or identifies by (RFC 9110 section 6.5.1). All others are dropped.
TRAILERS: Final = frozenset((b"content-digest", b"repr-digest", b"digest", b"server-timing"))


def announced(value: bytes) -> bytes:
    """What of a Trailer header's names may come."""
    names = (name.strip(b" \t") for name in value.split(b","))
    return b", ".join(name for name in names if name.lower() in TRAILERS)


class NameTable:
    """Raw header name to code. ``codes`` is read directly on the fast path; ``classify`` answers for the
    rest.
    """

    __slots__ = ("_judge", "_room", "codes")

    def __init__(
        self, rules: Mapping[bytes, int], common: tuple[bytes, ...], judge: Callable[[bytes], int]
    ) -> None:
        known = {**dict.fromkeys(common, PASS), **rules}
        self.codes = {spelling: code for name, code in known.items() for spelling in _spellings(name)}
        self._judge = judge
        self._room = len(self.codes) + _LEARNED_NAMES

    def classify(self, name: bytes) -> int:
        """The code of a name in any spelling; ``INVALID`` when it is no token (RFC 9110 section 5.6.2)."""
        if TOKEN.fullmatch(name) is None:
            return INVALID
        lower = name.lower()
        code = self.codes.get(lower)
        if code is None:
            code = self._judge(lower)
        if len(name) <= _LEARNED_LENGTH and len(self.codes) < self._room:
            self.codes[name] = code
        return code


def judge_request_name(lower: bytes) -> int:
    """The code of a lower-case name that is not in ``RULES``.

    CGI, WSGI and their kin turn ``-`` into ``_`` (PHP other characters too), so ``Content_Length`` or
    ``X_Forwarded_For`` would meet the upstream as the real thing. Twins of names that decide framing, routing
    or the client's address are refused; ``Sluss_*`` and every other name with an underscore are removed.
    """
    plain = _ODD.sub(b"-", lower)
    if plain.startswith(DROPPED_PREFIXES[0]) or plain == b"sluss":
        return DROP
    if plain != lower:
        rule = RULES.get(plain, PASS)
        if rule != PASS or plain.startswith(DROPPED_PREFIXES):
            return REFUSE
        return DROP if b"_" in lower else PASS
    return DROP if lower.startswith(DROPPED_PREFIXES) else PASS


def request_names() -> NameTable:
    return NameTable(RULES, _COMMON, judge_request_name)


def _spellings(name: bytes) -> tuple[bytes, bytes]:
    return name, b"-".join(part.capitalize() for part in name.split(b"-"))
