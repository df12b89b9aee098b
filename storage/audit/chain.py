"""What an entry is and what its hash is. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

# The hash before the first entry.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    seq: int  # 1, 2, 3 … without gaps
    at: int  # epoch seconds
    actor_kind: str  # person, app, operator, system, anonymous
    actor_id: str
    act: str  # "subscription.approve"
    object_kind: str
    object_id: str
    organisation_id: str | None
    request_id: str
    ip: str
    before: str | None  # canonical JSON, so that its text never changes under the hash
    after: str | None
    hash: str  # SHA-256, hexadecimal


def canonical(value: Mapping[str, object] | None) -> str | None:
    """JSON with sorted keys, no spaces and ASCII only: one text for one value."""
    if value is None:
        return None
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def storable(text: str) -> str:
    """Any text as both databases can hold it: NUL and lone surrogates written out.

    An act must be recorded whatever a client sent; on PostgreSQL a NUL would refuse the entry, and with it
    the act.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def hash_of(entry: Entry, previous: str) -> str:
    """SHA-256 over the canonical JSON of every field but the hash, and of the hash before."""
    content: dict[str, object] = {
        field.name: getattr(entry, field.name) for field in fields(entry) if field.name != "hash"
    }
    text = canonical({**content, "previous": previous})
    assert text is not None
    return hashlib.sha256(text.encode("ascii")).hexdigest()
