"""Reads the parameters of an authorization request, once and strictly (RFC 6749, 3.1 and appendix B).

Pure. What two parsers could read differently is refused: octets that are not UTF-8, a name twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from auth.errors import UnreadableRequest

LARGEST = 16 * 1024  # octets; the edge's own bound for addresses is lower
_MOST_FIELDS = 40


@dataclass(frozen=True, slots=True)
class Parameters:
    """Those that have a value (an empty one counts as left out), and the names that were given twice."""

    values: Mapping[str, str]
    repeated: frozenset[str] = frozenset()

    def get(self, name: str) -> str | None:
        return self.values.get(name)


def parsed(query: bytes) -> Parameters:
    """Raises UnreadableRequest."""
    if len(query) > LARGEST:
        raise UnreadableRequest("too long")
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise UnreadableRequest("query") from None  # the fault would carry what was sent
    names = [name for name, _ in pairs]
    repeated = frozenset(name for name in names if names.count(name) > 1)
    return Parameters({name: value for name, value in pairs if value}, repeated)
