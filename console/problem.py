"""A refusal as a problem document (RFC 9457), in the same shape as the edge's own."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import orjson
from starlette.responses import Response

from console import errors
from console.arrival import Arrival
from console.statuses import status_of

MEDIA_TYPE = "application/problem+json"


def render(error: errors.ConsoleError, arrival: Arrival, issuer: str) -> Response:
    """`instance` names this very answer by its request id: the caller's URL may hold what must not be echoed."""
    status = status_of(type(error))
    language = arrival.language
    folder = "/portal/en/problems/" if language == "en" else "/portal/problems/"
    body: dict[str, object] = {
        "type": f"{issuer}{folder}{error.code}/",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.text(language),
        "instance": f"urn:sluss:request:{arrival.request_id}",
        "code": error.code,
    }
    if error.fields:
        body["errors"] = [
            {"field": fault.name, "code": fault.code, "detail": fault.text(language)}
            for fault in error.fields
        ]
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={
            "Content-Language": language,
            "Cache-Control": "no-store",
            "Request-Id": arrival.request_id,
            **dict(extra_headers(error)),
        },
    )


def dump(value: object) -> bytes:
    """JSON of plain values."""
    return orjson.dumps(value)


def extra_headers(error: errors.ConsoleError) -> Iterator[tuple[str, str]]:
    """What some classes owe in headers: RFC 6750 (3), RFC 9110 (15.5.6, 10.2.3)."""
    if isinstance(error, errors.TooManyTries | errors.Unavailable):
        yield "Retry-After", str(error.retry_after)
    elif isinstance(error, errors.NotSignedIn):
        yield "WWW-Authenticate", 'Bearer realm="sluss-management"'
    elif isinstance(error, errors.MethodNotAllowed):
        yield "Allow", ", ".join(error.allowed)
