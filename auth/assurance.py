"""Levels of assurance: which `acr` values say how sure it is who a person is, and which satisfies which.

The values are those of the Swedish framework (Sweden Connect, "Registry for identifiers", and Sambi). A value that is
not in the table satisfies itself alone. Our own sign-in says by REFEDS' two profiles whether it took one factor or
several. What somebody typed at sign-up proves nothing about who they are, so either is level 1; a higher level comes
from an identity provider.
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
SINGLE_FACTOR = "https://refeds.org/profile/sfa"
MULTI_FACTOR = "https://refeds.org/profile/mfa"
_OWN_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Authentication:
    """How and when a person showed who they are."""

    auth_time: int  # epoch seconds
    amr: tuple[str, ...]  # RFC 8176
    acr: str

    @property
    def multi_factor(self) -> bool:
        return "mfa" in self.amr


def acr_of(level: int) -> str:
    """The value that asks for a level: 1 to 4."""
    return f"{_LOA}loa{level}"


def satisfies(held: str, wanted: str) -> bool:
    """Whether who has signed in as `held` meets a demand for `wanted`."""
    if held == wanted or (held, wanted) == (MULTI_FACTOR, SINGLE_FACTOR):
        return True
    own = _OWN_LEVEL if held in (SINGLE_FACTOR, MULTI_FACTOR) else 0
    return wanted in LEVELS and LEVELS.get(held, own) >= LEVELS[wanted]


def meets(held: str, wanted: Iterable[str]) -> bool:
    """Whether any of the wanted values is met; none wanted is met by everything."""
    values = tuple(wanted)
    return not values or any(satisfies(held, value) for value in values)
