"""The request as the line and the relay see it, and what each header's value does to it (RFC 9110).

Owns the meaning of single values. How a head is cut into lines and what is refused as a whole is in
``reader``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.edge import fields
from gateway.edge.door.client_certificate import ClientCertificate
from gateway.edge.errors import (
    AmbiguousLength,
    ExpectationFailed,
    MalformedField,
    UnknownCoding,
)
from gateway.edge.framing import content_length

OWS: Final = b" \t"
METHODS: Final = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}


class Remembered:
    """What the line keeps with a head that is repeated; the line's own class is derived from it."""

    __slots__ = ()


class Request:
    """One request head as the line and the relay use it.

    ``target`` is what goes upstream: the path (``path`` is the same bytes as text) and ``?`` with ``query``
    if any. ``trusted``: the socket's peer is a proxy of ours, whose word about another request is believed;
    ``peer`` may be the client before it. ``host`` is in lower case without port, ``authority`` as sent.
    ``forwarded_lines`` are header lines without their line end, ready for the upstream; ``removed_lines``
    those taken away by name, for decision mode.

    A head that comes again with the same request line is the same request, to all the calls that send it: nobody
    changes one after it was read. Who wants other lines takes ``with_lines``; only a WebSocket's handshake, which is
    never kept, gives up lines of its own.

    ``remembered`` is what the line has found out about this very request, ``memory`` what it has found out about
    its head, under keys of the line's own; None while the head has come but once.
    """

    __slots__ = (
        "accept", "accept_language", "announced", "authority", "authorization", "chunked", "client_certificate",
        "cookies", "expect_continue", "forwarded_for", "forwarded_lines", "forwarded_proto", "has_body", "host",
        "keep_alive", "length", "memory", "method", "minor", "nominated", "path", "peer", "query", "remembered",
        "removed_lines", "secure", "target", "traceparent", "trailers_wanted", "trusted", "upgrade", "verb",
        "wants_upgrade",
    )  # fmt: skip

    def __init__(
        self, method: str, verb: bytes, target: bytes, *, minor: int, peer: str, secure: bool
    ) -> None:
        self.method = method
        self.verb = verb
        self.target = target
        self.minor = minor
        self.peer = peer
        self.secure = secure
        self.trusted = False
        self.path = ""
        self.query = b""
        self.host = ""
        self.authority: bytes = b""
        self.length: int | None = None
        self.chunked = False
        self.has_body = False
        self.keep_alive = minor == 1
        self.expect_continue = False
        self.upgrade: bytes | None = None
        self.wants_upgrade = False
        self.authorization: bytes | None = None
        self.traceparent: bytes | None = None
        self.accept: bytes | None = None
        self.accept_language: bytes | None = None
        self.forwarded_lines: list[bytes] = []
        self.removed_lines: list[bytes] | None = None
        self.cookies: list[bytes] | None = None
        self.client_certificate: ClientCertificate | None = None
        self.trailers_wanted = False
        self.announced = b""
        self.nominated: set[bytes] | None = None
        self.forwarded_for: list[bytes] | None = None
        self.forwarded_proto: bytes | None = None
        self.memory: dict[object, Remembered] | None = None
        self.remembered: Remembered | None = None

    def traced(self, traceparent: bytes | None) -> Request:
        """The same, in another trace."""
        other = self.again(self.method, self.verb, traceparent)
        other.target, other.path, other.query = self.target, self.path, self.query
        return other

    def with_lines(self, lines: list[bytes]) -> Request:
        """The same for one call alone, with these lines for the upstream in place of its own."""
        other = self.traced(self.traceparent)
        other.forwarded_lines = lines
        return other

    def again(self, method: str, verb: bytes, traceparent: bytes | None) -> Request:
        """This head after another request line, whose target is still to be read. Every attribute by name: a
        loop over the slots takes five times as long.
        """
        other = _blank(Request)
        other.method = method
        other.verb = verb
        other.traceparent = traceparent
        other.minor = self.minor
        other.peer = self.peer
        other.secure = self.secure
        other.trusted = self.trusted
        other.host = self.host
        other.authority = self.authority
        other.length = self.length
        other.chunked = self.chunked
        other.has_body = self.has_body
        other.keep_alive = self.keep_alive
        other.expect_continue = self.expect_continue
        other.upgrade = self.upgrade
        other.wants_upgrade = self.wants_upgrade
        other.authorization = self.authorization
        other.accept = self.accept
        other.accept_language = self.accept_language
        other.forwarded_lines = self.forwarded_lines
        other.removed_lines = self.removed_lines
        other.cookies = self.cookies
        other.client_certificate = self.client_certificate
        other.trailers_wanted = self.trailers_wanted
        other.announced = self.announced
        other.nominated = self.nominated
        other.forwarded_for = self.forwarded_for
        other.forwarded_proto = self.forwarded_proto
        other.memory = self.memory
        other.remembered = None
        return other

    def field(self, name: bytes) -> bytes | None:
        """The first value of a header that goes upstream; ``name`` in lower case. For rare use: it
        searches.
        """
        return next(iter(_find(self.forwarded_lines, name)), None)

    def fields(self, name: bytes) -> list[bytes]:
        """All its values, where two would be one too many."""
        return _find(self.forwarded_lines, name)

    def removed_fields(self, name: bytes) -> list[bytes]:
        """All values of a header that was removed by name. They are the client's word and nothing more."""
        return _find(self.removed_lines or (), name)


_blank: Final[Callable[[type[Request]], Request]] = object.__new__


def _drop(request: Request, line: bytes, value: bytes) -> None:
    if request.removed_lines is None:
        request.removed_lines = []
    request.removed_lines.append(line)


def _refuse(request: Request, line: bytes, value: bytes) -> None:
    raise MalformedField("name")


def _length(request: Request, line: bytes, value: bytes) -> None:
    request.length = content_length(value, request.length, AmbiguousLength)
    request.has_body = request.length > 0


def _coding(request: Request, line: bytes, value: bytes) -> None:
    """Only ``chunked``, once. A list or a spelling another reader may skip is how two framings come to
    exist.
    """
    if request.chunked:
        raise AmbiguousLength("two Transfer-Encoding lines")
    coding = value.strip(OWS).lower()
    if coding != b"chunked":
        raise (
            AmbiguousLength("transfer-encoding")
            if b"chunked" in coding or not coding
            else UnknownCoding("coding")
        )
    request.chunked = request.has_body = True


def _connection(request: Request, line: bytes, value: bytes) -> None:
    for item in value.lower().split(b","):
        option = item.strip(OWS)
        if option == b"close":
            request.keep_alive = False
        elif option == b"upgrade":
            request.wants_upgrade = True
        elif option and option != b"keep-alive":
            if fields.TOKEN.fullmatch(option) is None:
                raise MalformedField("connection option")
            if request.nominated is None:
                request.nominated = set()
            request.nominated.add(option)


def _expect(request: Request, line: bytes, value: bytes) -> None:
    if request.minor == 0:
        return  # RFC 9110 section 10.1.1: a 1.0 client cannot mean it
    if value.strip(OWS).lower() != b"100-continue":
        raise ExpectationFailed("expectation")
    request.expect_continue = True


def _te(request: Request, line: bytes, value: bytes) -> None:
    """Of the codings a client would take only the word about trailers matters; chunked it takes anyway."""
    if request.minor == 1:
        items = (item.partition(b";")[0].strip(OWS) for item in value.lower().split(b","))
        request.trailers_wanted = request.trailers_wanted or b"trailers" in items


def _trailer(request: Request, line: bytes, value: bytes) -> None:
    names = fields.announced(value)
    if names:
        request.announced = b"%b, %b" % (request.announced, names) if request.announced else names


def _upgrade(request: Request, line: bytes, value: bytes) -> None:
    offered = value.strip(OWS).lower()
    request.upgrade = offered if request.upgrade is None else request.upgrade + b"," + offered


def _traceparent(request: Request, line: bytes, value: bytes) -> None:
    # Two of them are none (W3C Trace Context 4.2): an empty one cannot be valid, so the line starts its own.
    request.traceparent = value.strip(OWS) if request.traceparent is None else b""


def _accept(request: Request, line: bytes, value: bytes) -> None:
    request.forwarded_lines.append(line)
    value = value.strip(OWS)
    request.accept = value if request.accept is None else request.accept + b", " + value


def _language(request: Request, line: bytes, value: bytes) -> None:
    request.forwarded_lines.append(line)
    value = value.strip(OWS)
    request.accept_language = (
        value if request.accept_language is None else request.accept_language + b", " + value
    )


def _cookie(request: Request, line: bytes, value: bytes) -> None:
    # Kept apart: the console's session lives on the same host and must not reach an API's upstream.
    if request.cookies is None:
        request.cookies = []
    request.cookies.append(line)


def _forwarded_for(request: Request, line: bytes, value: bytes) -> None:
    _drop(request, line, value)
    if request.forwarded_for is None:
        request.forwarded_for = []
    request.forwarded_for.append(value)


def _forwarded_proto(request: Request, line: bytes, value: bytes) -> None:
    _drop(request, line, value)
    # Of several, the last is the one the nearest proxy wrote.
    request.forwarded_proto = value.rpartition(b",")[2].strip(OWS).lower()


TAKE: Final[Mapping[int, Callable[[Request, bytes, bytes], None]]] = {
    fields.DROP: _drop,
    fields.LENGTH: _length,
    fields.CODING: _coding,
    fields.CONNECTION: _connection,
    fields.EXPECT: _expect,
    fields.UPGRADE: _upgrade,
    fields.TE: _te,
    fields.TRAILER: _trailer,
    fields.TRACEPARENT: _traceparent,
    fields.ACCEPT: _accept,
    fields.LANGUAGE: _language,
    fields.COOKIE: _cookie,
    fields.FORWARDED_FOR: _forwarded_for,
    fields.FORWARDED_PROTO: _forwarded_proto,
    fields.REFUSE: _refuse,
    fields.INVALID: _refuse,
}
"""What a header that does not simply pass does to the request: called with the whole line and its value."""


def _find(lines: list[bytes] | tuple[()], name: bytes) -> list[bytes]:
    return [
        value.strip(OWS)
        for found, _, value in (line.partition(b":") for line in lines)
        if found.lower() == name
    ]
