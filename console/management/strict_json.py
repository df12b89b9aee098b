"""Reads a JSON body the strict way (RFC 8259 with the SHOULDs made MUSTs).

Refuses: duplicate names (two readers would pick different ones), NaN and infinities, invalid UTF-8, a byte order
mark, lone surrogates (they cannot be stored), nesting deeper than 32 and bodies over 256 KiB.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from typing import NoReturn, TypeAlias

from console.errors import MalformedJson, TooLarge

MOST_BYTES = 256 * 1024
MOST_DEPTH = 32
MOST_DIGITS = 64

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


async def collect(chunks: AsyncIterator[bytes], most: int = MOST_BYTES) -> bytes:
    """The whole body, refused as soon as it is over the limit, whatever Content-Length said."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > most:
            raise TooLarge(f"over {most} bytes")
    return bytes(body)


def parse(body: bytes) -> Json:
    """The value, or MalformedJson."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson("not UTF-8") from error
    # Before the parser: its own guard against depth is the interpreter's stack.
    if _depth(text) > MOST_DEPTH:
        raise MalformedJson("too deep")
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded_int,
        )
    except ValueError as error:
        raise MalformedJson("no JSON") from error
    _refuse_surrogates(value)
    return value


def _depth(text: str) -> int:
    """The deepest nesting of brackets outside strings."""
    deepest = depth = 0
    inside = escaped = False
    for character in text:
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("a name stands twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedJson(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedJson("number out of range")
    return value


def _bounded_int(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise MalformedJson("number out of range")
    return int(text)


def _refuse_surrogates(value: Json) -> None:
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise MalformedJson("lone surrogate")
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_surrogates(name)
            _refuse_surrogates(item)
