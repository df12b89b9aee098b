"""The head of an upstream's answer: bytes in, ``Answer`` out, or BadUpstreamAnswer (RFC 9112 sections 4 to
6).

Owns what is believed of an upstream and which of its headers reach the client. An answer that two readers
could frame differently is never relayed: the second reading is how one caller's bytes reach another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from gateway.edge import fields
from gateway.edge.errors import BadUpstreamAnswer
from gateway.edge.framing import content_length

DATE: Final = 16
APART: Final = 17
_CONTROLS: Final = bytes(octet for octet in range(32) if octet != 9) + b"\x7f"
_OWS: Final = b" \t"
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_BEGINNING: Final = b"HTTP/1."
_REMEMBERED_LINES: Final = 256
_KEPT_HEAD: Final = 2 * 1024

RULES: Final[Mapping[bytes, int]] = {
    b"content-length": fields.LENGTH,
    b"transfer-encoding": fields.CODING,
    b"connection": fields.CONNECTION,
    b"upgrade": fields.UPGRADE,
    b"date": DATE,
    b"set-cookie": APART,
    b"x-content-type-options": APART,
    b"set-cookie2": fields.DROP,
    b"trailer": fields.TRAILER,
    # hop by hop
    b"keep-alive": fields.DROP,
    b"te": fields.DROP,
    b"proxy-connection": fields.DROP,
    b"proxy-authenticate": fields.DROP,
    b"proxy-authentication-info": fields.DROP,
    # what runs behind the gateway is nobody's business, nor may it lead clients past the gateway
    b"server": fields.DROP,
    b"x-powered-by": fields.DROP,
    b"alt-svc": fields.DROP,
    # holds for the whole host, which is the gateway's to promise
    b"strict-transport-security": fields.DROP,
    # names the gateway speaks under
    b"sluss": fields.DROP,
    b"request-id": fields.DROP,
    b"traceparent": fields.DROP,
    # instructions to a proxy, not to a client
    b"x-accel-redirect": fields.DROP,
    b"x-accel-buffering": fields.DROP,
}
DROPPED_PREFIXES: Final = (b"sluss-", b"ratelimit", b"x-ratelimit")
_COMMON: Final = (
    b"content-type", b"cache-control", b"etag", b"last-modified", b"expires", b"location", b"vary", b"link",
    b"content-encoding", b"content-language", b"content-disposition", b"accept-ranges", b"age",
    b"content-range", b"retry-after", b"www-authenticate", b"content-security-policy", b"x-content-type-options",
    b"referrer-policy", b"deprecation", b"sunset", b"allow", b"content-location",
)  # fmt: skip


class Answer:
    """``lines`` are the status line and the header lines for the client, without line ends and without
    framing. ``apart`` are those that only the control plane may send: an API's upstream sets no cookie on the host
    of the console's session, and what browsers may do with its answers stands in its publication. ``block`` is
    ``lines`` joined, once a head has been met twice. None of the lists is changed in place.
    """

    __slots__ = (
        "announced",
        "apart",
        "block",
        "chunked",
        "dated",
        "keep_alive",
        "length",
        "lines",
        "nominated",
        "status",
        "trailers",
        "upgrade",
    )

    def __init__(self, status: int, line: bytes, keep_alive: bool) -> None:
        self.status = status
        self.lines = [line]
        self.block = b""
        self.keep_alive = keep_alive
        self.length: int | None = None
        self.chunked = False
        self.dated = False
        self.apart: list[bytes] | None = None
        self.upgrade: bytes | None = None
        self.nominated: set[bytes] | None = None
        self.announced = b""
        self.trailers = b""

    def has_no_body(self, method: str) -> bool:
        """RFC 9112 section 6.3, rule 1; a final answer."""
        return method == "HEAD" or self.status in (204, 304)


class Known:
    """The last head of one upstream and what it says. An upstream that answers alike within one second
    sends the same bytes again: one comparison, 0.1 µs, takes the place of the reading of all lines, 2.
    """

    __slots__ = ("answer", "head", "size")

    def __init__(self, head: bytes, answer: Answer) -> None:
        self.head = head  # with its empty line, so that nothing longer begins like it
        self.size = len(head)
        self.answer = answer


def known_head(head: bytes, answer: Answer) -> Known | None:
    """What to keep of a final head. Only one with a stated length: a chunked answer has its own trailers, and what is
    kept serves several callers.
    """
    if len(head) > _KEPT_HEAD or answer.length is None:
        return None
    answer.block = b"\r\n".join(answer.lines)
    return Known(head, answer)


class AnswerReader:
    """Reads answer heads; one for the whole process."""

    def __init__(self, head_limit: int = 64 * 1024, field_limit: int = 200) -> None:
        self.head_limit = head_limit
        self._field_limit = field_limit
        self._names = fields.NameTable(RULES, _COMMON, _judge)
        self._lines: dict[bytes, tuple[int, bytes, bool]] = {}

    def unfinished(self, data: bytes) -> None:
        """Raises when what has come of a head can no longer become one. Waiting for its end would only turn an answer
        that cannot be read into one that came too late.
        """
        if len(data) > self.head_limit:
            raise BadUpstreamAnswer("head is too large")
        if not data.startswith(_BEGINNING[: len(data)]):
            raise BadUpstreamAnswer("not the beginning of an answer")
        if data.count(b"\n") != data.count(b"\r\n"):
            raise BadUpstreamAnswer("bare line end in the head")

    def read(self, head: bytes) -> Answer:
        lines = head.splitlines()
        # The same count as for requests: every line end is CRLF and no other control character occurs.
        if len(head) - len(head.translate(None, _CONTROLS)) != 2 * len(lines) - 2:
            raise BadUpstreamAnswer("control character or bare line end in the head")
        if len(head) > self.head_limit or len(lines) > self._field_limit:
            raise BadUpstreamAnswer("head is too large")
        answer = self._status_line(lines[0])
        known = self._names.codes.get
        passed = answer.lines
        del lines[0]
        for line in lines:
            name, colon, value = line.partition(b":")
            code = known(name)
            if code is None:
                code = self._names.classify(name)
            if not colon:
                raise BadUpstreamAnswer("no colon in a header line")
            if code == fields.PASS:
                passed.append(line)
            elif code == fields.LENGTH:
                answer.length = content_length(value, answer.length, BadUpstreamAnswer)
            elif code == DATE:
                answer.dated = True
                passed.append(line)
            elif code == APART:
                answer.apart = [*(answer.apart or ()), line]
            elif code != fields.DROP and (code != fields.CONNECTION or value != b" keep-alive"):
                _take(answer, code, value)
        if answer.chunked and (answer.length is not None or head.startswith(b"HTTP/1.0")):
            raise BadUpstreamAnswer("Transfer-Encoding with Content-Length, or in HTTP/1.0")
        if answer.nominated is not None:
            _remove_nominated(answer, answer.nominated)
        return answer

    def _status_line(self, line: bytes) -> Answer:
        known = self._lines.get(line)
        if known is None:
            match = _STATUS_LINE.fullmatch(line)
            if match is None:
                raise BadUpstreamAnswer("status line")
            status = int(match.group(2))
            known = status, status_line(status), match.group(1) == b"1"
            if len(self._lines) < _REMEMBERED_LINES:
                self._lines[line] = known
        return Answer(*known)


def status_line(status: int) -> bytes:
    """The status line with the registered phrase: what an upstream writes there is not passed on."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}".encode("ascii")


def _take(answer: Answer, code: int, value: bytes) -> None:
    if code == fields.CODING:
        if answer.chunked or value.strip(_OWS).lower() != b"chunked":
            raise BadUpstreamAnswer("transfer-encoding")
        answer.chunked = True
    elif code == fields.CONNECTION:
        for item in value.lower().split(b","):
            option = item.strip(_OWS)
            if option == b"close":
                answer.keep_alive = False
            elif option and option not in (b"keep-alive", b"upgrade"):
                if answer.nominated is None:
                    answer.nominated = set()
                answer.nominated.add(option)
    elif code == fields.TRAILER:
        answer.announced = fields.announced(value)
    elif code == fields.UPGRADE:
        answer.upgrade = value.strip(_OWS).lower()
    else:
        raise BadUpstreamAnswer("header name")


def _remove_nominated(answer: Answer, nominated: set[bytes]) -> None:
    status, *rest = answer.lines
    answer.lines = [status, *(line for line in rest if line.partition(b":")[0].lower() not in nominated)]
    if b"date" in nominated:
        answer.dated = False


def _judge(lower: bytes) -> int:
    if lower.startswith(b"access-control-"):
        return APART
    return fields.DROP if lower.startswith(DROPPED_PREFIXES) else fields.PASS
