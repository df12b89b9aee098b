"""JSON text that every reader understands alike (RFC 8259), read within bounds.

Owns what two readers could take differently, which is refused whatever the schema says: a name twice in one
object, NaN, a number beyond what a double holds, half a surrogate pair, a byte order mark, bytes that are no
UTF-8. Depth and the number of values are counted before anything is built, so the cost is bounded by the size.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

MOST_VALUES: Final = 100_000
DEEPEST: Final = 64

# One that never ends goes to the end of the text: were it tried anew from each quotation mark in it, 40 KB of them
# would take 18 seconds.
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_BRACKETS: Final = bytes(octet for octet in range(256) if octet not in b"[]{}")
_HALF_PAIR: Final = re.compile(r"\\u[dD][89abAB]")
_LONE: Final = re.compile(r"[\ud800-\udfff]")


class JsonFault(Exception):
    """`code` names the sentence in `faults`; nothing of the text is kept."""

    def __init__(self, code: str, *values: str) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True)
class Bounds:
    depth: int = DEEPEST
    values: int = MOST_VALUES


def read(data: bytes, bounds: Bounds) -> Any:
    """The value. Raises JsonFault."""
    _check_size(data, bounds)
    if data.startswith(b"\xef\xbb\xbf"):
        raise JsonFault("byte-order-mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise JsonFault("not-utf8") from None
    try:
        value = _DECODER.decode(text)
    except JsonFault:
        raise
    except RecursionError:
        raise JsonFault("too-deep", str(bounds.depth)) from None
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            raise JsonFault("not-json", str(error.lineno), str(error.colno)) from None
        raise JsonFault("number-too-large") from None  # Python reads no integer of more than 4300 digits
    if _HALF_PAIR.search(text) is not None and _LONE.search(json.dumps(value, ensure_ascii=False)):
        raise JsonFault("half-character")
    return value


def values_in(data: bytes) -> int:
    """About how many values a text has, never too few: cheap, and counts what stands in strings too."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") + 1


def _check_size(data: bytes, bounds: Bounds) -> None:
    openings = data.count(b"[") + data.count(b"{")
    if openings <= bounds.depth and values_in(data) <= bounds.values:
        return
    bare = _STRING.sub(b"", data)
    if values_in(bare) > bounds.values:
        raise JsonFault("too-many-values", str(bounds.values))
    depth = deepest = 0
    for octet in bare.translate(None, _BRACKETS):
        if octet in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    if deepest > bounds.depth:
        raise JsonFault("too-deep", str(bounds.depth))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise JsonFault("repeated-name")
    return made


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise JsonFault("number-too-large")
    return number


def _constant(name: str) -> NoReturn:
    raise JsonFault("not-a-number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
