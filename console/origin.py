"""Did a mutation come from our own pages? (CSRF; promises T26 and Z13)

Browsers tell it twice: Fetch Metadata (`Sec-Fetch-Site`) and `Origin`. Every one that is present must agree, and one
must be present: a request with a session cookie and neither header is no browser of ours.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def same_origin(headers: Headers, issuer: str) -> bool:
    """`issuer` is the public base URL. A loopback issuer accepts its other spellings on the same port, since a
    developer may well have typed 127.0.0.1."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return False
    if site is not None and site != "same-origin":
        return False
    return origin is None or _equal(origin, issuer)


def _equal(origin: str, issuer: str) -> bool:
    try:
        given, own = urlsplit(origin), urlsplit(issuer)
        ports = (given.port, own.port)
    except ValueError:
        return False
    if given.scheme != own.scheme or given.path or given.query or given.username is not None:
        return False
    default = 443 if own.scheme == "https" else 80
    if (ports[0] or default) != (ports[1] or default):
        return False
    return given.hostname == own.hostname or (given.hostname in LOOPBACK and own.hostname in LOOPBACK)
