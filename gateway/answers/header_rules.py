"""The publication's header rules as bytes, ready for every call, and what the gateway says on every answer.

Owns their wording. Which names a rule may touch is judged when the publication is read
(`gateway.catalog.answers.names`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.catalog.answers.values import HeaderRules
from gateway.headers import Field, lines_of

# On every answer of an API: an answer is what its Content-Type says, also when someone opens it in a browser
# (an uploaded text that looks like HTML must not become a page of the platform's origin). What else OWASP lists
# concerns pages; an API that serves such sets it with header rules.
SECURITY: Final[tuple[Field, ...]] = ((b"X-Content-Type-Options", b"nosniff"),)
SECURITY_LINES: Final = lines_of(SECURITY)


@dataclass(frozen=True, slots=True)
class Compiled:
    """Names are in lower case, lines end with CRLF."""

    request_lines: bytes = b""
    request_gone: frozenset[bytes] = frozenset()
    response_lines: bytes = b""
    response_gone: frozenset[bytes] = frozenset()


def compiled(rules: HeaderRules | None) -> Compiled:
    if rules is None:
        return Compiled()
    return Compiled(
        _lines(rules.request_set),
        _gone(rules.request_set, rules.request_remove),
        _lines(rules.response_set),
        _gone(rules.response_set, rules.response_remove),
    )


def _lines(given: tuple[tuple[str, str], ...]) -> bytes:
    return lines_of((name.encode("ascii"), value.encode("ascii")) for name, value in given)


def _gone(given: tuple[tuple[str, str], ...], removed: tuple[str, ...]) -> frozenset[bytes]:
    """What is set replaces what was there."""
    return frozenset(name.lower().encode("ascii") for name in (*removed, *(name for name, _ in given)))
