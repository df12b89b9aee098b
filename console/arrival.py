"""What every request to the control plane carries with it: its id, the caller's address and the language.

The edge sets `Request-Id` and `Forwarded` (RFC 7239) and removes the client's own. Values are still checked for form:
they end in the audit log.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from starlette.requests import Request

from auth.server.adapter import caller

# The form of our ids in addresses. What has another form names nothing, and never reaches a query.
ID = re.compile(r"[a-z]{2,4}_[0-9a-f]{32}")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LANGUAGES = ("sv", "en")
LANGUAGE_COOKIE = "sluss_lang"
# The first that is found counts: browsers name those they descend from as well.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-httpx/", "Python"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    request_id: str
    ip: str
    language: str
    agent: str = ""  # browser and system in words


def read(request: Request) -> Arrival:
    """Never fails: a missing or malformed value gives a fresh id, an empty address, Swedish."""
    given = request.headers.get("request-id", "")
    request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    peer = request.client.host if request.client else ""
    return Arrival(
        request_id,
        caller(peer, request.headers.getlist("forwarded")),
        language_of(request),
        agent_words(request.headers.get("user-agent", "")),
    )


def language_of(request: Request) -> str:
    """`?lang=`, then the cookie, then Accept-Language; Swedish first."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if chosen in LANGUAGES:
            return str(chosen)
    return preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> str:
    """The better of our two languages by RFC 9110, 12.5.4; Swedish when the header names neither."""
    best, weight = "sv", 0.0
    for item in accept_language[:500].split(","):
        tag, _, quality = item.strip().partition(";")
        base = tag.strip().lower().partition("-")[0]
        if base in LANGUAGES and (found := _quality(quality)) > weight:
            best, weight = base, found
    return best


def _quality(text: str) -> float:
    match = re.fullmatch(r"\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)\s*", text)
    if match is None:
        return 1.0 if not text else 0.0
    return float(match.group(1))


def agent_words(user_agent: str) -> str:
    """`Firefox, Linux`, so that people know their own sessions again; empty when nothing is known.

    The header itself is never stored: it is long, it is a fingerprint, and it is the caller's own text."""
    text = user_agent[:500]
    found = [next((name for mark, name in table if mark in text), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found))
