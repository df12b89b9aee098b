"""The opening handshake (RFC 6455 section 4): the client's is judged and written anew, the upstream's answer too.

The upstream gets one line of each kind, in one spelling, and of extensions only the one whose frames are
understood here: permessage-deflate (RFC 7692). What the upstream agrees to must have been asked for.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

from gateway.edge.errors import BadUpstreamAnswer
from gateway.edge.request import Request
from gateway.proxy.response import Answer
from gateway.tunnels.errors import MalformedHandshake, UpgradeRequired

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OWN: Final = b"sec-websocket-"
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PROTOCOL: Final = re.compile(_TOKEN)
_PARAMETER: Final = rb'[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|"%b"))?' % (_TOKEN, _TOKEN, _TOKEN)
_EXTENSION: Final = re.compile(rb"(%b)((?:%b)*)" % (_TOKEN, _PARAMETER))
_DEFLATE: Final = b"permessage-deflate"
_DEFLATE_PARAMETERS: Final = frozenset(
    (b"server_no_context_takeover", b"client_no_context_takeover", b"server_max_window_bits", b"client_max_window_bits")
)  # fmt: skip
_MOST_ITEMS: Final = 32


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client asked for. `lines` go to the upstream, each with its line end."""

    accept: bytes  # the only right Sec-WebSocket-Accept
    protocols: tuple[bytes, ...]
    deflate: bool  # compression was offered
    lines: bytes


def read(request: Request) -> Handshake:
    """Takes the handshake's own lines out of the request. Raises UpgradeRequired, MalformedHandshake."""
    if request.upgrade is None:
        raise UpgradeRequired("no handshake")
    own: list[bytes] = []
    other: list[bytes] = []
    for line in request.forwarded_lines:
        (own if line[: len(_OWN)].lower() == _OWN else other).append(line)
    if _values(own, b"sec-websocket-version") != [b"13"]:
        raise UpgradeRequired("version")
    key = _key(_values(own, b"sec-websocket-key"))
    protocols = _protocols(_values(own, b"sec-websocket-protocol"))
    offers = [offer for name, offer in _extensions(own, MalformedHandshake) if name == _DEFLATE]
    request.forwarded_lines = other
    lines = [b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + key]
    if protocols:
        lines.append(b"Sec-WebSocket-Protocol: " + b", ".join(protocols))
    if offers:
        lines.append(b"Sec-WebSocket-Extensions: " + b", ".join(offers))
    accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
    return Handshake(accept, protocols, bool(offers), b"".join(line + b"\r\n" for line in lines))


def agreed(handshake: Handshake, answer: Answer) -> bool:
    """Was compression agreed? Raises BadUpstreamAnswer for a 101 that no client may believe."""
    if answer.length is not None or answer.chunked:
        raise BadUpstreamAnswer("101 with content")
    if _values(answer.lines, b"sec-websocket-accept") != [handshake.accept]:
        raise BadUpstreamAnswer("Sec-WebSocket-Accept")
    protocols = _values(answer.lines, b"sec-websocket-protocol")
    if len(protocols) > 1 or (protocols and protocols[0] not in handshake.protocols):
        raise BadUpstreamAnswer("a subprotocol nobody asked for")
    extensions = list(_extensions(answer.lines, BadUpstreamAnswer))
    if not extensions:
        return False
    [(name, whole), *more] = extensions
    parameters = [part.partition(b"=")[0].strip() for part in whole.split(b";")[1:]]
    known = _DEFLATE_PARAMETERS.issuperset(parameters) and len(set(parameters)) == len(parameters)
    if more or name != _DEFLATE or not handshake.deflate or not known:
        raise BadUpstreamAnswer("an extension nobody asked for")
    return True


def _values(lines: Iterable[bytes], name: bytes) -> list[bytes]:
    """The values of all lines of that name, in order."""
    split = (line.partition(b":") for line in lines)
    return [value.strip(b" \t") for found, _, value in split if found.lower() == name]


def _key(values: Sequence[bytes]) -> bytes:
    if len(values) != 1 or len(values[0]) != 24:
        raise MalformedHandshake("Sec-WebSocket-Key")
    try:
        nonce = b64decode(values[0], validate=True)
    except ValueError:
        raise MalformedHandshake("Sec-WebSocket-Key") from None
    if len(nonce) != 16 or b64encode(nonce) != values[0]:
        raise MalformedHandshake("Sec-WebSocket-Key")
    return values[0]


def _protocols(values: Sequence[bytes]) -> tuple[bytes, ...]:
    found = tuple(item.strip(b" \t") for value in values for item in value.split(b","))
    sound = all(_PROTOCOL.fullmatch(item) for item in found)
    if not sound or len(set(found)) != len(found) or len(found) > _MOST_ITEMS:
        raise MalformedHandshake("Sec-WebSocket-Protocol")
    return found


def _extensions(
    lines: Iterable[bytes], fault: type[MalformedHandshake | BadUpstreamAnswer]
) -> Iterable[tuple[bytes, bytes]]:
    """Name in lower case, and the whole offer or agreement. A quoted value is a token in quotes: no comma in it."""
    items = [item for value in _values(lines, b"sec-websocket-extensions") for item in value.split(b",")]
    if len(items) > _MOST_ITEMS:
        raise fault("Sec-WebSocket-Extensions")
    for item in items:
        found = _EXTENSION.fullmatch(item.strip(b" \t"))
        if found is None:
            raise fault("Sec-WebSocket-Extensions")
        yield found[1].lower(), found[0]
