"""Whether a DPoP proof is used for the first time: what every store of used proofs answers. No store here.

A store forgets a proof when it is refused for its age anyway. One that has lost its memory, or has just begun, knows
nothing of proofs made before that: it says `UNKNOWN` of them, and the call is refused. The same when it is away:
closed, whatever a plan says, because a copied proof must not pass then (promise F3).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol


class Use(IntEnum):
    AGAIN = 0
    FIRST = 1
    UNKNOWN = 2


Answered = Callable[[Use], None]


class UsedProofs(Protocol):
    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def use(self, name: bytes, issued_at: float, now: float, answered: Answered) -> None:
        """`answered` is called exactly once, at once or in a later turn of the loop. Times are epoch seconds."""
