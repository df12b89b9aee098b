"""Which pool a call goes to: one pool per upstream address, shared by every API that names it.

Owns the choice among several addresses by weight, and the closing of pools that no publication names any more.
The pools themselves are `gateway.proxy`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from gateway.catalog.model import Catalog
from gateway.catalog.model import Upstream as Place
from gateway.proxy.pool import Upstream


class Upstreams:
    """`pool` makes the pool of one address; `control_url` is the control plane."""

    def __init__(self, control_url: str, pool: Callable[[str], Upstream]) -> None:
        self._pool = pool
        self._pools: dict[str, Upstream] = {}
        self._random = random.Random().random  # noqa: S311 - spreading load, not guarding anything
        self.control = pool(control_url)

    def pick(self, places: Sequence[Place]) -> Upstream:
        """The pool for one call, by weight; there is at least one place."""
        url = places[0].url if len(places) == 1 else self._weighted(places)
        found = self._pools.get(url)
        if found is None:
            found = self._pools[url] = self._pool(url)
        return found

    def _weighted(self, places: Sequence[Place]) -> str:
        point = self._random() * sum(place.weight for place in places)
        for place in places:
            point -= place.weight
            if point < 0:
                return place.url
        return places[-1].url

    def keep_only(self, catalog: Catalog) -> None:
        """Close the pools of addresses that left the catalogue; calls under way end undisturbed."""
        named = {
            place.url
            for api in catalog.apis.values()
            for places in api.upstreams.values()
            for place in places
        }
        for url in self._pools.keys() - named:
            self._pools.pop(url).close()

    def sweep(self, now: float) -> None:
        self.control.sweep(now)
        for pool in list(self._pools.values()):
            pool.sweep(now)

    def all(self) -> Sequence[Upstream]:
        return (self.control, *self._pools.values())

    def close(self) -> None:
        for pool in self.all():
            pool.close()
