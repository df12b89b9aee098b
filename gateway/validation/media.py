"""Media types: what a body says it is, and what a client would like to have (RFC 9110, 8.3 and 12.5.1).

Owns the reading and comparing of names. What is allowed where is the document's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's word
_TYPE: Final = re.compile(rf"({_TOKEN}/{_TOKEN})(.*)", re.DOTALL)
_PARAMETER: Final = re.compile(rf'[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*"))?')
_MOST_WISHES: Final = 50


class MediaType(NamedTuple):
    """`name` in lower case, without parameters."""

    name: str
    parameters: Mapping[str, str]

    @property
    def is_json(self) -> bool:
        return is_json(self.name)


def is_json(name: str) -> bool:
    return name == "application/json" or name.endswith("+json")


def parse(value: bytes) -> MediaType | None:
    """None for what is no media type."""
    match = _TYPE.fullmatch(value.strip(b" \t").decode("latin-1"))
    if match is None:
        return None
    parameters: dict[str, str] = {}
    rest, at = match.group(2), 0
    while at < len(rest):
        found = _PARAMETER.match(rest, at)
        if found is None:
            return None if rest[at:].strip(" \t") else MediaType(match.group(1).lower(), parameters)
        if found.group(1):
            name, text = found.group(1).lower(), found.group(2)
            if name in parameters:
                return None
            parameters[name] = re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
        at = found.end()
    return MediaType(match.group(1).lower(), parameters)


def matching(name: str, ranges: Iterable[str]) -> str | None:
    """The most telling of the document's ranges that a type falls under: exact, `+suffix`, `type/*`, `*/*`."""
    kind, _, sub = name.partition("/")
    suffix = sub.rpartition("+")[2] if "+" in sub else ""
    candidates = [name, *([f"{kind}/*+{suffix}"] if suffix else []), f"{kind}/*", "*/*"]
    known = {each.partition(";")[0].strip().lower(): each for each in reversed(list(ranges))}
    return next((known[candidate] for candidate in candidates if candidate in known), None)


def preferred(accept: bytes | None, offered: Sequence[str]) -> str | None:
    """What of `offered` the client likes best, the first among equals; None when it wants none of it."""
    if accept is None or not accept.strip():
        return offered[0] if offered else None
    wishes = [_wish(part) for part in accept.decode("latin-1").split(",")[:_MOST_WISHES]]
    best, most = None, 0.0
    for each in offered:
        quality = _quality(each.partition(";")[0].strip().lower(), wishes)
        if quality > most:
            best, most = each, quality
    return best


def _wish(part: str) -> tuple[str, float]:
    name, _, parameters = part.strip().lower().partition(";")
    quality = 1.0
    for parameter in parameters.split(";"):
        key, _, value = parameter.strip().partition("=")
        if key == "q":
            try:
                quality = min(max(float(value), 0.0), 1.0)
            except ValueError:
                quality = 0.0
            break
    return name.strip(), quality


def _quality(name: str, wishes: Sequence[tuple[str, float]]) -> float:
    """Of the most specific wish that fits. A document's own range (`image/*`) fits what lies in it."""
    kind, _, sub = name.partition("/")
    if sub == "*":
        fitting = [
            quality for wish, quality in wishes if wish == "*/*" or kind in ("*", wish.partition("/")[0])
        ]
        return max(fitting, default=0.0)
    # Who asks for application/json is content with a JSON format of a narrower name.
    wider = ["application/json"] if name.endswith("+json") else []
    for candidate in (name, *wider, f"{kind}/*", "*/*"):
        found = [quality for wish, quality in wishes if wish == candidate]
        if found:
            return max(found)
    return 0.0
