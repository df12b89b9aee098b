"""The present catalogue for a process that asks now and then: looks at the files at most once a second."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.catalog.errors import CatalogFaults
from gateway.catalog.model import Catalog
from gateway.catalog.watch import Watcher

LOOK_SECONDS = 1.0
log = logging.getLogger("sluss.catalog")


class LiveCatalog:
    """`clock` is a monotonic clock in seconds. Raises CatalogFaults at the first reading only."""

    def __init__(
        self, folders: Sequence[Path], variables: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self._watcher = Watcher(folders, variables)
        self._clock = clock
        self._catalog = self._watcher.load()
        self._looked = clock()

    def current(self) -> Catalog:
        """The newest sound catalogue."""
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            found = self._watcher.poll()
            if isinstance(found, Catalog):
                self._catalog = found
            elif isinstance(found, CatalogFaults):
                log.error("the catalogue on disk is faulty, the running one stays:\n%s", found)
        return self._catalog
