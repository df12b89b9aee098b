"""The heads the edge writes: each put together once, as bytes (RFC 9112 sections 3, 4, 6 and 7.1).

Owns the wording of what goes out. Whether it goes out, and what follows, is the exchange's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.edge.order import Order
from gateway.edge.request import Request
from gateway.proxy.response import Answer, status_line

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


def upstream_head(request: Request, order: Order) -> bytes:
    """The request for the upstream: the client's passing lines, one framing line, what the line injects."""
    upstream, terms = order.upstream, order.terms
    lines = [upstream.host_line if order.host is None else b"Host: " + order.host]
    if order.unsent is None:
        lines += request.forwarded_lines
    else:
        unsent = order.unsent
        lines += [line for line in request.forwarded_lines if line.partition(b":")[0].lower() not in unsent]
    if request.chunked:
        lines.append(b"Transfer-Encoding: chunked")
        if request.announced:
            lines.append(b"Trailer: " + request.announced)
    elif request.length is not None:
        lines.append(b"Content-Length: %d" % request.length)
    if terms.pass_authorization and request.authorization is not None:
        lines.append(b"Authorization: " + request.authorization)
    if terms.pass_cookies and request.cookies is not None:
        lines += request.cookies
    if request.trailers_wanted:
        lines.append(b"Connection: TE\r\nTE: trailers")
    if terms.allow_upgrade and request.upgrade is not None:
        lines.append(b"Connection: Upgrade\r\nUpgrade: " + request.upgrade)
    line = request.verb, b" ", upstream.base, order.target, b" HTTP/1.1\r\n"
    return b"".join((*line, b"\r\n".join(lines), b"\r\n", order.injected, b"\r\n"))


def answer_head(
    answer: Answer, order: Order, framing: bytes, date: bytes, keep: bool, hsts: bytes = b""
) -> bytes:
    """The answer for the client: the upstream's passing lines, one framing line, what the line adds."""
    terms, ours = order.terms, framing
    if not answer.dated:
        ours = date + b"\r\n" + ours
    if not keep:
        ours += b"Connection: close\r\n"
    if hsts:
        ours += hsts + b"\r\n"
    if answer.block and not terms.replaced and answer.apart is None:
        return b"".join((answer.block, b"\r\n", ours, order.response_lines, b"\r\n"))
    lines = answer.lines
    if terms.replaced:
        lines = [line for line in lines if line.partition(b":")[0].lower() not in terms.replaced]
    if answer.apart is not None and terms.pass_cookies:
        lines = lines + answer.apart
    return b"%b\r\n%b%b\r\n" % (b"\r\n".join(lines), ours, order.response_lines)


def switching_head(answer: Answer, order: Order) -> bytes:
    lines = [*answer.lines, b"Connection: Upgrade", b"Upgrade: " + (answer.upgrade or b"")]
    return b"%b\r\n%b\r\n" % (b"\r\n".join(lines), order.response_lines)


def local_answer(
    status: int,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    *,
    date: bytes,
    keep: bool,
    head_only: bool,
    hsts: bytes = b"",
) -> bytes:
    """A complete answer with Date and, where the status has content, Content-Length."""
    lines = [status_line(status), date]
    for name, value in headers:
        line = name + b": " + value
        if b"\r" in line or b"\n" in line:
            raise ValueError("line break in a header of the gateway's own")
        lines.append(line)
    bodyless = status in (204, 304) or status < 200
    if not bodyless:
        lines.append(b"Content-Length: %d" % len(body))
    if not keep:
        lines.append(b"Connection: close")
    if hsts:
        lines.append(hsts)
    lines.append(b"")
    lines.append(b"" if bodyless or head_only else body)
    return b"\r\n".join(lines)


def early_hints(answer: Answer, order: Order) -> bytes:
    """A 103 for the client: the links that it may fetch ahead and nothing else (RFC 8297); empty without any."""
    links = [line for line in answer.lines if line[:5].lower() == b"link:"]
    if not links or b"link" in order.terms.replaced:
        return b""
    return b"%b\r\n%b\r\n\r\n" % (status_line(103), b"\r\n".join(links))


def is_event_stream(answer: Answer) -> bool:
    """An answer that has no end by its nature: server-sent events."""
    types = [
        line[13:].strip(b" \t").lower() for line in answer.lines if line[:13].lower() == b"content-type:"
    ]
    return any(value.startswith(b"text/event-stream") for value in types)


def chunks(content: bytes, complete: bool, trailers: bytes = b"") -> bytes:
    """One chunk of the content, and the last chunk with its trailers when it is complete (RFC 9112 section 7.1)."""
    if not complete:
        return b"%x\r\n%b\r\n" % (len(content), content) if content else b""
    if trailers:
        return b"%b0\r\n%b\r\n" % (chunks(content, False), trailers)
    if content:
        return b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    return b"0\r\n\r\n"
