"""Levels of assurance: which `acr` values say how sure it is who a person is, and which satisfies which.

The values are those of the Swedish framework (Sweden Connect, "Registry for identifiers", and Sambi). A value that is
not in the table satisfies itself alone. What somebody typed at sign-up proves nothing about who they are, so our own
sign-in is level 1, whatever its methods; a higher level comes from an identity provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_LOA = "http://id.elegnamnden.se/loa/1.0/"

LEVELS: Mapping[str, int] = MappingProxyType(
    {
        **{f"{_LOA}loa{level}": level for level in (1, 2, 3, 4)},
        # Its nonresident twins were proofed in another way, and the same authority lets them count the same.
        **{f"http://id.swedenconnect.se/loa/1.0/loa{level}-nonresident": level for level in (2, 3, 4)},
        f"{_LOA}eidas-nf-low": 2,
        f"{_LOA}eidas-nf-sub": 3,
        f"{_LOA}eidas-nf-high": 4,
        "http://id.sambi.se/loa/loa3": 3,
    }
)
OWN = f"{_LOA}loa1"


@dataclass(frozen=True, slots=True)
class Authentication:
    """How and when a person showed who they are."""

    at: int  # epoch seconds
    acr: str
    amr: tuple[str, ...]  # RFC 8176


def acr_of(level: int) -> str:
    """The value that asks for a level: 1 to 4."""
    return f"{_LOA}loa{level}"


def satisfies(held: str, wanted: str) -> bool:
    """Whether who has signed in as `held` meets a demand for `wanted`."""
    if held == wanted:
        return True
    return held in LEVELS and wanted in LEVELS and LEVELS[held] >= LEVELS[wanted]


def meets(held: str, wanted: Iterable[str]) -> bool:
    """Whether any of the wanted values is met; none wanted is met by everything."""
    values = tuple(wanted)
    return not values or any(satisfies(held, value) for value in values)
