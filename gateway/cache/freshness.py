"""The arithmetic of RFC 9111: directives, how long an answer is fresh, how old it is. Pure: the time is given.

Where the RFC leaves a choice, the answer is the shorter life: two values of one directive are the smaller one, a
value that is no number is nought, and nothing is guessed for an answer that says nothing of its freshness.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

Directives = Mapping[str, str | None]
Fields = Mapping[bytes, Sequence[bytes]]

LONGEST: Final = 2**31  # RFC 9111, 1.2.2: what is more is this
_DIRECTIVE: Final = re.compile(
    r"[\t ]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:\"((?:[^\"\\]|\\.)*)\"|([^,\"\t ]*)))?)?[\t ]*(?:,|$)"
)
_LISTED: Final = ("no-cache", "private")  # with or without names of fields: here they mean the whole answer


def fields_of(lines: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """Values by name in lower case; the status line is left out."""
    found: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon:
            found.setdefault(name.lower(), []).append(value.strip(b" \t"))
    return found


def directives(values: Iterable[bytes]) -> dict[str, str | None]:
    """Cache-Control as names and arguments. What cannot be read makes the rest unread: `no-store` then."""
    found: dict[str, str | None] = {}
    text = b",".join(values).decode("latin-1")
    end = 0
    while end < len(text):
        match = _DIRECTIVE.match(text, end)
        if match is None or match.end() == end:
            return {"no-store": None}
        end = match.end()
        name, quoted, plain = match.groups()
        if name is None:
            continue
        name, argument = name.lower(), quoted if quoted is not None else plain
        if name in found and name not in _LISTED:
            argument = str(min(seconds(found[name]), seconds(argument)))
        found[name] = argument
    return found


def seconds(argument: str | None) -> int:
    """A number of seconds; anything else is nought."""
    if argument is None or not argument.isascii() or not argument.isdigit():
        return 0
    return min(int(argument[:12]), LONGEST)


def moment(values: Sequence[bytes]) -> float | None:
    """Epoch seconds of an HTTP date (RFC 9110, 5.6.7); None when there is not exactly one that can be read."""
    if len(values) != 1:
        return None
    try:
        found = parsedate_to_datetime(values[0].decode("latin-1"))
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def lifetime(said: Directives, fields: Fields, received: float) -> int | None:
    """Seconds an answer is fresh in a shared cache (4.2.1); None when it does not say. `received` is epoch."""
    if "no-cache" in said:
        return 0
    for name in ("s-maxage", "max-age"):
        if name in said:
            return seconds(said[name])
    if b"expires" in fields:
        until = moment(fields[b"expires"])
        since = moment(fields.get(b"date", ())) or received
        return 0 if until is None else max(0, min(int(until - since), LONGEST))
    return None


def initial_age(fields: Fields, received: float, delay: float) -> float:
    """How old an answer was when it came (4.2.3); `delay` is the time it took, `received` epoch seconds."""
    dated = moment(fields.get(b"date", ()))
    apparent = max(0.0, received - dated) if dated is not None else 0.0
    told = max((seconds(value.decode("latin-1")) for value in fields.get(b"age", ())), default=0)
    return max(apparent, told + max(0.0, delay))


def current_age(initial: float, born: float, now: float) -> float:
    """`born` and `now` by one clock that never jumps."""
    return initial + max(0.0, now - born)
