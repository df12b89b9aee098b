"""Used proofs of one process alone: two generations of names, each as old as a proof may become."""

from __future__ import annotations

from typing import Final

from auth.proofs.dpop import KEPT
from gateway.proofs.protocol import Answered, Use

_MOST: Final = 500_000  # names in one generation; some 50 MB


class MemoryProofs:
    def __init__(self, since: float) -> None:
        """`since`: when this process began; older proofs may have been used with the one before it."""
        self._since = since
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._turned = since

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def use(self, name: bytes, issued_at: float, now: float, answered: Answered) -> None:
        """See `UsedProofs.use`."""
        if now - self._turned >= KEPT:
            self._old, self._young, self._turned = self._young, set(), now
        if issued_at < self._since or len(self._young) >= _MOST:
            return answered(Use.UNKNOWN)
        if name in self._young or name in self._old:
            return answered(Use.AGAIN)
        self._young.add(name)
        return answered(Use.FIRST)
