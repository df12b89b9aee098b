"""Answers for an API that has no service yet: the examples of its document (RFC 7240 `Prefer` chooses).

Owns the choice among what the document shows. Every answer says `Sluss-Mock: true`, so that nobody takes it for
real; no client and no service can write that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from gateway.catalog.model import Api, Operation
from gateway.catalog.openapi.examples import Shown, shown
from gateway.catalog.openapi.schemas import Schemas
from gateway.edge.request import Request
from gateway.errors import Rendered
from gateway.headers import fields_of
from gateway.validation import media

Fields = list[tuple[bytes, bytes]]

_PREFERENCE: Final = re.compile(
    rb'\s*(status|example)\s*=\s*"?([A-Za-z0-9_.-]{1,64})"?\s*(?:;.*)?', re.IGNORECASE
)
_HEADER: Final = re.compile(r"[!-~](?:[ -~]{0,1000}[!-~])?")
_NAME: Final = re.compile(
    r"(?!content-|transfer-|sluss|connection|date\b|request-id|ratelimit)[a-z][a-z0-9-]{0,63}", re.IGNORECASE
)
_ALWAYS: Final[Sequence[tuple[bytes, bytes]]] = (
    (b"Sluss-Mock", b"true"),
    (b"Cache-Control", b"no-store"),
    (b"Vary", b"Accept, Prefer"),
)


@dataclass(frozen=True, slots=True)
class MockAnswer:
    """One ready answer. `media` is empty where there is no content."""

    status: int
    media: str
    name: str
    fields: Fields
    body: bytes


@dataclass(frozen=True, slots=True)
class Mock:
    """The answers of one operation, those of the lowest good status first."""

    answers: Sequence[MockAnswer]

    def answer(self, request: Request, told: bytes) -> Rendered:
        """`told` are the lines that every answer bears. Wishes that cannot be met are left aside (RFC 7240, 2)."""
        wishes = _preferences(request)
        found = list(self.answers)
        applied = []
        status = wishes.get("status", "")
        named = [each for each in found if str(each.status) == status]
        if named:
            found, applied = named, [f"status={status}"]
        elif found:
            found = [each for each in found if each.status == found[0].status]
        named = [each for each in found if each.name and each.name == wishes.get("example")]
        if named:
            found = named
            applied.append(f"example={named[0].name}")
        if not found:
            return Rendered(HTTPStatus.NOT_IMPLEMENTED, [*_ALWAYS, *fields_of(told)], b"")
        kind = media.preferred(
            request.accept, list(dict.fromkeys(each.media for each in found if each.media))
        )
        chosen = next((each for each in found if each.media == kind), found[0])
        heard = [(b"Preference-Applied", ", ".join(applied).encode("ascii"))] if applied else []
        return Rendered(chosen.status, [*chosen.fields, *heard, *_ALWAYS, *fields_of(told)], chosen.body)


NO_MOCK: Final = Mock(())


def mock_of(api: Api, operation: Operation, schemas: Schemas) -> Mock:
    """`schemas` are those of answers."""
    found = shown(api.openapi, operation.path, operation.method.lower(), schemas)
    made = [_ready(each) for each in found]
    return Mock(sorted(made, key=lambda each: (not 200 <= each.status < 300, each.status)))


def _ready(each: Shown) -> MockAnswer:
    fields = [
        (name.encode("ascii"), value.encode("ascii"))
        for name, value in each.headers.items()
        if _NAME.fullmatch(name) and _HEADER.fullmatch(value)
    ]
    if not each.media:
        return MockAnswer(each.status, "", each.name, fields, b"")
    kind = (b"Content-Type", each.media.encode("ascii", "replace"))
    return MockAnswer(each.status, each.media, each.name, [kind, *fields], _text(each.media, each.value))


def _text(kind: str, value: Any) -> bytes:
    if isinstance(value, str) and not media.is_json(kind.partition(";")[0].strip().lower()):
        return value.encode()
    return orjson.dumps(value)


def _preferences(request: Request) -> Mapping[str, str]:
    """The first of each wish (RFC 7240, 2: later ones are ignored)."""
    found: dict[str, str] = {}
    for line in request.forwarded_lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"prefer":
            for part in value.split(b",")[:20]:
                match = _PREFERENCE.fullmatch(part)
                if match is not None:
                    found.setdefault(match.group(1).decode().lower(), match.group(2).decode())
    return found
