"""What a trusted proxy says about the client before it: address, scheme, certificate.

Two notations of one fact invite a client to use the one that the proxy does not overwrite: one is read, the other
removed unread. Owns what is believed, and the grammar of ``Forwarded`` (RFC 7239); who is trusted, and the walk
from proxy to proxy, is `gateway.edge.peer`'s.

A ``Forwarded`` that breaks the grammar is refused and never read in part: a quotation mark that the client leaves
open swallows what the proxy appends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.edge.door.client_certificate import HeaderReader
from gateway.edge.errors import MalformedField
from gateway.edge.peer import Hop, TrustedProxies

if TYPE_CHECKING:
    from gateway.edge.request import Request


class Notation(StrEnum):
    X_FORWARDED = "x-forwarded"
    FORWARDED = "forwarded"


_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR: Final = re.compile(rf'({_WORD})=(?:({_WORD})|"((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*)")')
_MOST: Final = 32


class Testimony:
    """Believes the proxies of one server, in the one notation that its operator has chosen."""

    def __init__(
        self,
        trusted: TrustedProxies,
        notation: Notation = Notation.X_FORWARDED,
        client_cert_header: bool = False,
    ) -> None:
        self._trusted = trusted
        self._notation = notation
        self._certificates = HeaderReader() if client_cert_header else None

    def believe(self, request: Request) -> None:
        """Sets what the trusted peer of this request says of the client. MalformedField."""
        if self._notation is Notation.FORWARDED:
            self._by_rfc_7239(request)
        else:
            if request.forwarded_proto is not None:
                request.secure = request.forwarded_proto == b"https"
            if request.forwarded_for is not None:
                request.peer = self._trusted.client(request.peer, request.forwarded_for)
        if self._certificates is not None:
            request.client_certificate = self._certificates.read(
                request.removed_fields(b"client-cert"), request.removed_fields(b"client-cert-chain")
            )

    def _by_rfc_7239(self, request: Request) -> None:
        values = request.removed_fields(b"forwarded")
        if values:
            request.peer, proto = self._trusted.client_by_hops(request.peer, hops(values))
            if proto:
                request.secure = proto == "https"


def hops(values: Sequence[bytes]) -> list[Hop]:
    """The elements of all lines, the client's side first (RFC 7239 section 4). MalformedField."""
    text = ",".join(value.decode("latin-1") for value in values)
    found: list[Hop] = []
    at = 0
    while True:
        at, hop = _element(text, at)
        if hop is not None:
            found.append(hop)
        if at >= len(text):
            return found[-_MOST:]
        at += 1  # the comma


def _element(text: str, at: int) -> tuple[int, Hop | None]:
    """One element and where it ends; None for an empty one (RFC 9110 section 5.6.1)."""
    pairs: dict[str, str] = {}
    at = _blank(text, at)
    while at < len(text) and text[at] != ",":
        match = _PAIR.match(text, at)
        if match is None or match.group(1).lower() in pairs:
            raise MalformedField("Forwarded")
        name, token, quoted = match.groups()
        pairs[name.lower()] = token if token is not None else re.sub(r"\\(.)", r"\1", quoted)
        at = _blank(text, match.end())
        if at < len(text) and text[at] == ";":
            at = _blank(text, at + 1)
            if at >= len(text) or text[at] == ",":
                raise MalformedField("Forwarded")
        elif at < len(text) and text[at] != ",":
            raise MalformedField("Forwarded")
    return at, Hop(pairs.get("for", ""), pairs.get("proto", "").lower()) if pairs else None


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at
