"""The kept answers of one process: found by key and Vary, bounded in bytes.

When it is full, the organisation whose calls have filled most of it loses its least lately used answer. So nobody
pushes out the answers of one that holds less than an equal share, and who is alone has all of it.

Owns the memory. Whether an answer may be kept or used is judged in `visit`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Iterator
from typing import Final, Protocol

from gateway.cache.equals import Equals
from gateway.cache.key import Key
from gateway.catalog.model import Api, Catalog

MOST_VARIANTS: Final = 16  # of one address for one group of callers
ENTRY_SHARE: Final = 16  # one answer may take this part of all
FILLING_SHARE: Final = (
    4  # answers that are just being read may together take this part, one organisation's half of it
)
_OVERHEAD: Final = 1024  # what one entry costs beside its bytes


class Entry:
    """One kept answer. `lines` are its header lines without status line, Age and framing."""

    __slots__ = (
        "body", "born", "fields", "initial_age", "key", "lifetime", "lines", "owner", "selected", "size",
        "stale_if_error", "status", "vary",
    )  # fmt: skip

    def __init__(
        self,
        key: Key,
        status: int,
        lines: list[bytes],
        body: bytes,
        vary: tuple[bytes, ...],
        selected: tuple[bytes, ...],
    ) -> None:
        self.key = key
        self.status = status
        self.lines = lines
        self.body = body
        self.vary = vary
        self.selected = selected  # the request's values for `vary`
        # What the client chooses counts too: a long Accept must not be memory that nobody sees. Header lines and the
        # path are here twice, as they came and taken apart.
        chosen = (key.path, key.target, key.host, key.group, key.accept, key.language, *selected)
        self.size = len(body) + 2 * sum(map(len, lines)) + sum(map(len, chosen)) + _OVERHEAD
        self.fields: dict[bytes, list[bytes]] = {}
        self.lifetime = 0
        self.initial_age = 0.0
        self.born = 0.0
        self.stale_if_error = 0
        self.owner = ""  # the organisation whose call fetched it


class _Share:
    """What one organisation's calls have filled; the least lately used first."""

    __slots__ = ("bytes", "entries")

    def __init__(self) -> None:
        self.bytes = 0
        self.entries: OrderedDict[Entry, None] = OrderedDict()


class Filling(Protocol):
    """An answer under way that may come to be kept."""

    key: Key
    void: bool


class Store:
    """`limit` in bytes; 0 keeps nothing. Counters are plain integers, read at scrape time."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.entry_limit = limit // ENTRY_SHARE
        self.bytes = 0
        self.filling_bytes = 0
        self._filling_of: dict[str, int] = {}
        self.hits = 0
        self.misses = 0
        self.revalidations = 0
        self.evictions = 0
        self.equals = Equals()
        self._shares: dict[str, _Share] = {}
        self._entries: set[Entry] = set()
        self._by_key: dict[Key, list[Entry]] = {}
        self._by_path: dict[tuple[str, str], set[Key]] = {}
        self._filling: dict[tuple[str, str], set[Filling]] = {}
        self._known: dict[str, Api] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def gauges(self) -> Iterator[tuple[str, str, float]]:
        """Name, meaning and value of each figure."""
        yield "sluss_cache_bytes", "Memory taken by kept answers", self.bytes
        yield "sluss_cache_entries", "Kept answers", len(self._entries)
        yield "sluss_cache_hits", "Calls answered with a kept answer", self.hits
        yield "sluss_cache_misses", "Calls of kept operations that went to the service", self.misses
        yield "sluss_cache_revalidations", "Kept answers that the service said still hold", self.revalidations
        yield "sluss_cache_collapsed", "Calls that waited for an equal one", self.equals.waited
        yield "sluss_cache_evictions", "Kept answers that had to leave for others", self.evictions

    # --- finding

    def variants(self, key: Key) -> list[Entry]:
        return self._by_key.get(key, [])

    def used(self, entry: Entry) -> None:
        self._shares[entry.owner].entries.move_to_end(entry)

    # --- keeping

    def put(self, entry: Entry) -> None:
        """Keeps it in the place of the variant it replaces."""
        if entry.size > self.entry_limit:
            return
        variants = self._by_key.setdefault(entry.key, [])
        for other in list(variants):
            if other.vary == entry.vary and other.selected == entry.selected:
                self.drop(other)
        if len(variants) >= MOST_VARIANTS:
            owners = [each.owner for each in variants]
            self.drop(variants[owners.index(max(owners, key=owners.count))])
        self._by_key.setdefault(entry.key, variants).append(entry)
        self._by_path.setdefault((entry.key.api, entry.key.path), set()).add(entry.key)
        share = self._shares.setdefault(entry.owner, _Share())
        share.entries[entry] = None
        share.bytes += entry.size
        self._entries.add(entry)
        self.bytes += entry.size
        while self.bytes > self.limit:
            self.evictions += 1
            largest = max(self._shares.values(), key=lambda each: each.bytes)
            self.drop(next(iter(largest.entries)))

    def drop(self, entry: Entry) -> None:
        if entry not in self._entries:
            return
        self._entries.discard(entry)
        self.bytes -= entry.size
        share = self._shares[entry.owner]
        del share.entries[entry]
        share.bytes -= entry.size
        if not share.entries:
            del self._shares[entry.owner]
        variants = self._by_key[entry.key]
        variants.remove(entry)
        if not variants:
            del self._by_key[entry.key]
            place = (entry.key.api, entry.key.path)
            self._by_path[place].discard(entry.key)
            if not self._by_path[place]:
                del self._by_path[place]

    # --- answers under way

    def begin(self, filling: Filling) -> None:
        self._filling.setdefault((filling.key.api, filling.key.path), set()).add(filling)

    def end(self, filling: Filling) -> None:
        place = (filling.key.api, filling.key.path)
        under_way = self._filling.get(place)
        if under_way is not None:
            under_way.discard(filling)
            if not under_way:
                del self._filling[place]

    def fill(self, owner: str, more: int) -> bool:
        """So many bytes more of an answer under way (less when it is over); False when there is no room for them."""
        self.filling_bytes += more
        own = self._filling_of.get(owner, 0) + more
        if own:
            self._filling_of[owner] = own
        else:
            self._filling_of.pop(owner, None)
        room = self.limit // FILLING_SHARE
        return self.filling_bytes <= room and own <= room // 2

    # --- forgetting

    def invalidate(self, api: str, path: str) -> None:
        """A change was made at this address: nothing of it is kept, for nobody, nor what is just being read."""
        self._forget(lambda place: place == (api, path), [(api, path)])

    def purge(self, apis: Container[str]) -> None:
        """Nothing of these APIs is kept."""
        self._forget(lambda place: place[0] in apis, list(self._by_path))

    def follow(self, catalog: Catalog, purged: frozenset[str] = frozenset()) -> None:
        """A publication that was changed or withdrawn takes its kept answers with it; and those `purged` go, which are
        keys or ids of APIs, "" for all.
        """
        changed = {
            key
            for key, api in self._known.items()
            if catalog.apis.get(key) is not api or not purged.isdisjoint(("", key, api.id))
        }
        self._known = dict(catalog.apis)
        if changed:
            self.purge(changed)

    def _forget(self, wanted: Callable[[tuple[str, str]], bool], places: list[tuple[str, str]]) -> None:
        for place in places:
            if wanted(place):
                for key in list(self._by_path.get(place, ())):
                    for entry in list(self._by_key[key]):
                        self.drop(entry)
        for place, under_way in self._filling.items():
            if wanted(place):
                for filling in under_way:
                    filling.void = True
