"""Redirect URIs: whether one is registered, and the answers that are sent to it.

Exact string match (RFC 9700, 2.1): no prefix, no pattern, no normalisation. The one exception is the port of a
loopback address, which a native app gets from its system (RFC 8252, 7.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

# By address, never by the name localhost, which may resolve to something else (RFC 8252, 8.3).
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?((?:/.*)?)")
_MOST_PORT = 65535
# The policy's grammar has no addresses in brackets (CSP 3, 2.3.1): those are named by their scheme.
_HOST = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?=[/?]|$)")


def registered(given: str, known: Iterable[str]) -> bool:
    """Whether `given` is one of the client's own."""
    own = tuple(known)
    if given in own:
        return True
    wanted = _without_port(given)
    return wanted is not None and any(_without_port(one) == wanted for one in own)


def _without_port(uri: str) -> tuple[str, str] | None:
    match = _LOOPBACK.fullmatch(uri)
    if match is None or int(match[2] or 80) > _MOST_PORT:
        return None
    return match[1], match[3]


def answer_to(redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """The address with the answer in its query (RFC 6749, 4.1.2); what it had in its query stays."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    base, mark, kept = redirect_uri.partition("?")
    return f"{base}?{kept}&{query}" if mark and kept else f"{base}?{query}"


def origin_of(redirect_uri: str) -> str:
    """How a content security policy names where it leads: scheme and host, or the scheme alone."""
    match = _HOST.match(redirect_uri)
    return match[0] if match is not None else redirect_uri.partition(":")[0] + ":"
