"""Between Starlette and the core: the caller's address on the way in, the answer on the way out.

The control plane stands behind our edge on loopback, so the address comes from the edge's `Forwarded` header
(RFC 7239), which the edge writes itself and never passes on from a client. From any other peer the header is
not believed.
"""

from __future__ import annotations

import ipaddress
import json
import re
from base64 import b64decode
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from auth.origin import Origin
from auth.proofs.certificates import Certificate
from auth.server.core import Answer

_FOR = re.compile(r"(?:^|[;,\s])for=(\"[^\"]*\"|[^;,\s]*)", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def respond(answer: Answer) -> Response:
    return _json(answer.status, answer.body, dict(answer.headers))


def public(document: Mapping[str, object], *, max_age: int) -> Response:
    """A document that any page may read: without credentials, so the star is safe."""
    headers = {"Cache-Control": f"public, max-age={max_age}", "Access-Control-Allow-Origin": "*"}
    return _json(200, document, headers)


def _json(status: int, body: Mapping[str, object], headers: dict[str, str]) -> Response:
    headers = {**headers, "X-Content-Type-Options": "nosniff"}
    return Response(json.dumps(body), status, headers, media_type="application/json")


def origin(request: Request) -> Origin:
    """The unauthenticated caller: where from, and under which request id."""
    given = request.headers.get("request-id", "")
    return Origin(
        actor_kind="nobody",
        actor_id="",
        ip=caller(request.client.host if request.client else "", request.headers.getlist("forwarded")),
        request_id=given if _REQUEST_ID.fullmatch(given) else "",
    )


def certificate(request: Request) -> Certificate | None:
    """The client's certificate as the edge hands it over (RFC 9440). The edge removes what a client sends under these
    names and writes its own; from any other peer, or written twice, they are not believed.
    """
    leaf = request.headers.getlist("client-cert")
    if len(leaf) != 1 or not is_loopback(request.client.host if request.client else ""):
        return None
    chain = ",".join(request.headers.getlist("client-cert-chain"))
    try:
        return Certificate(_octets(leaf[0]), tuple(_octets(each) for each in chain.split(",") if each))
    except ValueError:
        return None


def _octets(text: str) -> bytes:
    """A structured field's byte sequence (RFC 9651, 3.3.5)."""
    text = text.strip()
    if len(text) < 2 or text[0] != ":" or text[-1] != ":":
        raise ValueError("no byte sequence")
    return b64decode(text[1:-1], validate=True)


def caller(peer: str, forwarded: list[str]) -> str:
    """The caller's address; the peer's own when nothing better is known."""
    if not is_loopback(peer) or len(forwarded) != 1:
        return peer
    named = _FOR.findall(forwarded[0])
    # The last element is the edge's; it replaces what came before, but this holds even if it did not.
    return _address(named[-1].strip('"')) or peer if named else peer


def is_loopback(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False


def _address(node: str) -> str:
    """`192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80` → the address; empty for `unknown` and `_hidden`."""
    if node.startswith("["):
        host = node[1:].partition("]")[0]
    elif node.count(":") == 1:
        host = node.partition(":")[0]
    else:
        host = node
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
