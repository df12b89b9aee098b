"""Reads an OAuth request's form, once and strictly, before anything looks at it (RFC 6749, 3.2, appendix B).

What two parsers could read differently is refused: a repeated parameter, a query beside the body, another
content type, bytes that are not UTF-8. Owns no meaning of any parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from auth.server.faults import (
    FormTooLarge,
    QueryParameters,
    RepeatedParameter,
    UnreadableForm,
    WrongContentType,
)

LARGEST = 16 * 1024  # octets; a token takes at most half of it
_MOST_FIELDS = 32
_FORM = "application/x-www-form-urlencoded"

Form = Mapping[str, str]


async def read_form(request: Request) -> Form:
    """The parameters that have a value. Raises subclasses of OAuthFault."""
    # A query is logged by every proxy on the way, so no parameter may be there, secret or not.
    if request.url.query:
        raise QueryParameters
    _check_type(request)
    return parsed(await _body(request))


def _check_type(request: Request) -> None:
    given = request.headers.getlist("content-type")
    if len(given) != 1:
        raise WrongContentType
    media, _, parameters = given[0].partition(";")
    charset = parameters.strip().lower()
    if media.strip().lower() != _FORM or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise WrongContentType


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and len(announced) < 20 and int(announced) > LARGEST:
        raise FormTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise FormTooLarge
    return bytes(body)


def parsed(body: bytes) -> Form:
    """Pure. An empty value counts as left out (RFC 6749, 3.2)."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise UnreadableForm from None  # the fault would carry what was sent
    form = dict(pairs)
    if len(form) != len(pairs):
        raise RepeatedParameter
    return {name: value for name, value in form.items() if value}
