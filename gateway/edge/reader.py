"""The request head: bytes in, ``Request`` out, or the fault that refuses it (RFC 9112 sections 2 to 6).

Owns the reading of one complete head. Knows no sockets, no routes and no tokens. What a header's name alone
decides is in ``fields``, what its value does in ``request``, what the target may look like in ``target``.

What can already be seen to be wrong in an unfinished head is refused before its end has come, so that a line ended
by a lone LF is a 400 and not a timeout.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gateway.edge import fields
from gateway.edge.door.testimony import Testimony
from gateway.edge.errors import (
    AmbiguousLength,
    EdgeFault,
    HeadTooLarge,
    MalformedField,
    MalformedHost,
    MalformedLine,
    MalformedRequest,
    MalformedTarget,
    RefusedMethod,
    TargetTooLong,
    UnknownHost,
    UnknownMethod,
    UnknownVersion,
)
from gateway.edge.limits import EdgeLimits
from gateway.edge.peer import TrustedProxies
from gateway.edge.request import METHODS, OWS, TAKE, Request
from gateway.edge.target import check_authority, check_path, check_query, split_absolute

_REFUSED: Final = frozenset((b"CONNECT", b"TRACE", b"TRACK"))
# With only these in a target, nothing is left that ``target`` could refuse but ``//`` and segments of dots.
_PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/?"
_VERSIONS: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}
# All control characters but the tab; CR and LF among them, so that one pass over the head finds every stray
# one.
_CONTROLS: Final = bytes(octet for octet in range(32) if octet != 9) + b"\x7f"
_REMEMBERED_HOSTS: Final = 256
_END: Final = b"\r\n\r\n"
# A line feed without its carriage return, the reverse, or any other control character.
_STRAY: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class RequestReader:
    """Reads heads for one server: its limits, its trusted proxies, its host names."""

    def __init__(
        self,
        limits: EdgeLimits,
        trusted: TrustedProxies,
        hosts: Callable[[str], bool] | None = None,
        testimony: Testimony | None = None,
    ) -> None:
        self.limits = limits
        # Below both, no single line can be too long and the head need not be measured line by line.
        self._small = min(limits.request_line, limits.field_line, limits.head)
        self._most = limits.fields + 1
        self._trusted = trusted
        self._proxied = bool(trusted)
        self._testimony = testimony or Testimony(trusted)
        self._hosts = hosts
        self._names = fields.request_names()
        self._authorities: dict[bytes, str] = {}

    def read(self, head: bytes, peer: str, secure: bool) -> Request:  # noqa: PLR0912 - one pass, no calls
        """The request of a head without its empty line, or an EdgeFault. Nothing else is ever raised."""
        lines = head.splitlines()
        # splitlines() takes a lone CR or LF for a line end too. Every line end of a proper head is two
        # characters and no other control character occurs: when the count agrees, both are true of every
        # line.
        if len(head) - len(head.translate(None, _CONTROLS)) != 2 * len(lines) - 2:
            raise MalformedRequest("control character or bare line end")
        if len(head) > self._small or len(lines) > self._most:
            self._check_size(head, lines)
        request = _request_line(lines[0], peer, secure)
        classify = self._names.classify
        known = self._names.codes.get
        passed = request.forwarded_lines
        host = authorization = None
        special = False
        del lines[0]
        for line in lines:
            name, colon, value = line.partition(b":")
            code = known(name)
            if code is None:
                code = classify(name)
            if not colon:
                raise MalformedField("no colon")
            if code == fields.PASS:
                passed.append(line)
            elif code == fields.HOST:
                if host is not None:
                    raise MalformedHost("two Host lines")
                host = value.strip(OWS)
            elif code == fields.ACCEPT and request.accept is None:
                passed.append(line)
                request.accept = value.strip(OWS)
            elif code == fields.AUTHORIZATION:
                if authorization is not None:
                    raise MalformedField("two Authorization lines")
                authorization = value.strip(OWS)
            else:
                TAKE[code](request, line, value)
                special = True
        request.authorization = authorization
        self._decide_host(request, host)
        if self._proxied:
            request.trusted = self._trusted.trusts(peer)
        if special:
            self._decide_special(request)
        return request

    def _decide_special(self, request: Request) -> None:
        """What can only be judged when all lines have been read."""
        if request.chunked:
            _check_chunked(request)
        if request.nominated is not None:
            _remove_nominated(request, request.nominated)
        if request.wants_upgrade or request.upgrade is not None:
            _decide_upgrade(request)
        if request.trusted and request.removed_lines is not None:
            self._testimony.believe(request)

    def _check_size(self, head: bytes, lines: list[bytes]) -> None:
        limits = self.limits
        if len(lines) - 1 > limits.fields:
            raise HeadTooLarge("too many fields")
        if len(head) > limits.request_line or len(head) > limits.field_line:
            if len(lines[0]) > limits.request_line:
                raise TargetTooLong("request line")
            if len(head) > limits.head or max(map(len, lines)) > max(limits.field_line, len(lines[0])):
                raise HeadTooLarge("head or field")

    def _decide_host(self, request: Request, host: bytes | None) -> None:
        """Sets host and authority; in absolute form the target decides (RFC 9112 section 3.2.2)."""
        if host is None:
            raise MalformedHost("no Host line")
        name = self._authorities.get(host) or self._authority(host)
        if request.authority:
            name = self._authority(request.authority)
        else:
            request.authority = host
        request.host = name
        if self._hosts is not None and not self._hosts(name):
            raise UnknownHost(name)

    def _authority(self, value: bytes) -> str:
        name = check_authority(value)
        if len(self._authorities) < _REMEMBERED_HOSTS:
            self._authorities[value] = name
        return name


def _request_line(line: bytes, peer: str, secure: bool) -> Request:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise MalformedLine("not three parts")
    verb, target, version = parts
    minor = _VERSIONS.get(version)
    if minor is None:
        _refuse_version(version)
        raise MalformedLine("version")
    method = METHODS.get(verb)
    if method is None:
        refuse_method(verb)
        raise UnknownMethod("method")
    request = Request(method, verb, target, minor=minor, peer=peer, secure=secure)
    if target[:1] != b"/":
        if not secure and target[:6].lower() == b"https:":
            raise MalformedTarget("https on a plain connection")
        request.authority, target = split_absolute(target)
        if not request.authority:
            raise MalformedHost("no authority in the target")
    read_target(request, target)
    return request


def read_target(request: Request, target: bytes) -> None:
    """A target in origin form: sets what is routed on and goes upstream."""
    path, _, query = target.partition(b"?")
    request.target = target
    request.query = query
    if target.translate(None, _PLAIN) or b"//" in path or b"/." in path:
        check_query(query)
        request.path = check_path(path)
    else:
        request.path = path.decode("ascii")


def _refuse_version(version: bytes) -> None:
    if (
        len(version) == 8
        and version.startswith(b"HTTP/")
        and version[5:6].isdigit()
        and version[7:].isdigit()
    ):
        raise UnknownVersion("version")


def refuse_method(verb: bytes) -> None:
    """Raises for a method that is none at all, or one we never speak; returns for an unknown one."""
    if verb in _REFUSED:
        raise RefusedMethod("method")
    if fields.TOKEN.fullmatch(verb) is None:
        raise MalformedLine("method is no token")


def _check_chunked(request: Request) -> None:
    if request.length is not None:
        raise AmbiguousLength("both Content-Length and Transfer-Encoding")
    if request.minor == 0:
        raise AmbiguousLength("Transfer-Encoding in HTTP/1.0")


def _remove_nominated(request: Request, nominated: set[bytes]) -> None:
    """Takes away what Connection names (RFC 9110 section 7.6.1).

    Only lines the client sent are touched, and only those on their way upstream: framing, Host and
    Authorization have been read by now, and what the gateway adds is added later.
    """
    request.forwarded_lines = [
        line for line in request.forwarded_lines if line.partition(b":")[0].lower() not in nominated
    ]


def _decide_upgrade(request: Request) -> None:
    """Leaves ``upgrade`` set only for a WebSocket handshake; h2c and the rest are stripped (RFC 6455 section
    4.1).
    """
    if not (
        request.upgrade == b"websocket"
        and request.wants_upgrade
        and request.method == "GET"
        and request.minor == 1
        and not request.has_body
    ):
        request.upgrade = None


def take_head(
    reader: RequestReader, data: bytes, seen: int, peer: str, secure: bool
) -> tuple[Request, bytes] | None:
    """The first request in ``data`` and the bytes after its head. The first ``seen`` bytes have been here
    before.

    Most often the data is one head and nothing else. Then its end need not be searched for: an empty line
    inside would be refused by the reader, and only then is the first one looked up.
    """
    if data.endswith(_END):
        try:
            return reader.read(data[:-4], peer, secure), b""
        except EdgeFault:
            pass  # judged below, on exactly the first head
    start = 2 if data.startswith(b"\r\n") else 0  # RFC 9112 section 2.2: one empty line before it is forgiven
    end = data.find(_END, max(seen - 3, start))
    if end < 0:
        check_partial(reader.limits, data, start, seen)
        return None
    return reader.read(data[start:end], peer, secure), data[end + 4 :]


def check_partial(limits: EdgeLimits, data: bytes, start: int, seen: int) -> None:
    """Returns when the beginning of a head can still become a good one; else raises what the whole would."""
    if _STRAY.search(data, max(seen - 2, 0)) is not None:
        raise MalformedRequest("control character or bare line end")
    if data.startswith(b"\r\n", start) or data.startswith((b" ", b"\t"), start):
        raise MalformedLine("no request line")
    if (
        len(data) - start > limits.request_line
        and data.find(b"\r\n", start, start + limits.request_line + 2) < 0
    ):
        raise TargetTooLong("request line")
    if len(data) - start > limits.head + 3:
        raise HeadTooLarge("head")
