"""Key sets that clients publish at an address of theirs: fetched when needed, remembered, and asked for seldom.

A set is fresh for `FRESH` seconds. A key that is not in it has it fetched anew, at most once in `COOLDOWN`, so that a
storm of unknown keys costs one call (T15). When the address does not answer, the keys known so far go on for `STALE`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from auth.errors import InvalidProof, RefusedAddress
from auth.proofs.key_sets import Key, keys_of

FRESH: Final = 600
COOLDOWN: Final = 10
STALE: Final = 24 * 3600
_MOST: Final = 500  # addresses
_log = logging.getLogger("sluss.auth")


class Documents(Protocol):
    """`auth.proofs.fetching.Fetcher`."""

    async def text(self, url: str) -> str: ...


class _Known:
    __slots__ = ("fetched_at", "keys", "lock", "tried_at")

    def __init__(self) -> None:
        self.keys: Sequence[Key] = ()
        self.fetched_at = self.tried_at = float("-inf")
        self.lock = asyncio.Lock()


class RemoteKeys:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def keys(self, uri: str, sufficient: Callable[[Sequence[Key]], bool], now: float) -> Sequence[Key]:
        """The set at `uri`, anew if the one we have is old or not `sufficient`; empty when there is none to be had."""
        known = self._entry(uri)
        async with known.lock:  # all who wait for one address share one call
            old = not now - known.fetched_at < FRESH
            if (old or not sufficient(known.keys)) and not now - known.tried_at < COOLDOWN:
                await self._fetch(uri, known, now)
            return known.keys if now - known.fetched_at < STALE else ()

    def _entry(self, uri: str) -> _Known:
        known = self._known.setdefault(uri, _Known())
        self._known.move_to_end(uri)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return known

    async def _fetch(self, uri: str, known: _Known, now: float) -> None:
        known.tried_at = now
        try:
            known.keys = keys_of(await self._documents.text(uri))
            known.fetched_at = now
        except (RefusedAddress, InvalidProof) as fault:
            # The address is the client's own word: it stays out of the log.
            _log.warning("a client's key set cannot be read: %s", fault.detail)
