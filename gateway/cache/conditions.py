"""Conditional requests (RFC 9110 section 13) against an answer that is kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.cache.freshness import Fields, moment

CONDITIONS: Final = frozenset(
    (b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range")
)
# RFC 9110, 15.4.5: what a 304 tells again; the rest is the client's already.
_TOLD_AGAIN: Final = frozenset(
    (b"cache-control", b"content-location", b"date", b"etag", b"expires", b"last-modified", b"vary", b"link")
)
_TAG: Final = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def not_modified(asked: Fields, kept: Fields) -> bool:
    """Does the client hold what is kept? If-None-Match decides alone when it is there (13.2.2)."""
    tags = asked.get(b"if-none-match")
    if tags is not None:
        return _matches(tags, kept.get(b"etag", ()))
    since, changed = moment(asked.get(b"if-modified-since", ())), moment(kept.get(b"last-modified", ()))
    return since is not None and changed is not None and changed <= since


def _matches(asked: Sequence[bytes], kept: Sequence[bytes]) -> bool:
    """Weak comparison (8.8.3.2)."""
    if list(asked) == [b"*"]:
        return True
    own = [match[1] for match in map(_TAG.fullmatch, kept) if match]
    return len(own) == 1 and own[0] in {match[1] for value in asked for match in _TAG.finditer(value)}


def shortened(lines: Sequence[bytes]) -> list[bytes]:
    """The header lines of a 304 for a kept answer."""
    return [line for line in lines if line.partition(b":")[0].lower() in _TOLD_AGAIN]


def refreshed(kept: Sequence[bytes], news: Sequence[bytes]) -> list[bytes]:
    """The kept header lines with those of a 304 in their place (RFC 9111, 3.2); both without status line."""
    taken = [line for line in news if not line.lower().startswith((b"content-", b"transfer-"))]
    names = {line.partition(b":")[0].lower() for line in taken}
    return [*(line for line in kept if line.partition(b":")[0].lower() not in names), *taken]


def revalidation(kept: Fields) -> bytes:
    """The lines that ask the service whether a kept answer still holds; empty when it gave nothing to ask by."""
    lines = b""
    if len(kept.get(b"etag", ())) == 1:
        lines += b"If-None-Match: %b\r\n" % kept[b"etag"][0]
    if len(kept.get(b"last-modified", ())) == 1:
        lines += b"If-Modified-Since: %b\r\n" % kept[b"last-modified"][0]
    return lines
