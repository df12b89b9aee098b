"""When the snapshot is renewed: built from files and rows, then swapped; the line never asks the database.

All rows are read at the start; then what has changed (`storage.changes`), and all of them again only when that is
not known.

`SnapshotKeeper` watches the database's change number and the catalogue's files. A faulty catalogue or an
unreachable database leaves the running snapshot in place and shows in `KeeperState`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.catalog.errors import CatalogFaults
from gateway.catalog.model import Catalog
from gateway.catalog.watch import Watcher
from gateway.snapshot.accounts import Accounts
from gateway.snapshot.build import Snapshot, build
from storage import access as access_rows
from storage import changes
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger("sluss.snapshot")

POLL_SECONDS = 0.5  # the bound of revocation is this, plus one rebuild
LOOK_SECONDS = 3.0  # without an answer for so long the database is away, whatever its connections say
EVERYTHING = frozenset(("",))
FILES_EVERY = 2  # polls; looking at the files of 200 publications takes 10 ms of the edge's core


@dataclass(slots=True)
class KeeperState:
    """What `/readyz`, `/snapshot` and the metrics show."""

    swaps: int = 0
    catalog_faults: int = 0  # faults in the files now on disk; 0 when they are what runs
    catalog_message: str = ""
    database_ok: bool = True
    checked_at: float = 0.0
    last_delay: float = 0.0  # seconds from a committed change to the swap that carries it
    longest_delay: float = 0.0


class SnapshotKeeper:
    """Holds `current` and renews it. `listeners` are told of each swap, on the loop."""

    def __init__(
        self,
        database: Database,
        folders: Sequence[Path],
        variables: Mapping[str, str],
        issuer: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._watcher = Watcher(folders, variables)
        self._waiting: Catalog | None = None  # read, but not yet in use: the database was away
        self._accounts: Accounts | None = None
        self._issuer = issuer
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self.state = KeeperState()
        self.current: Snapshot | None = None
        self.listeners: list[Callable[[Snapshot], None]] = []

    def deprecated(self) -> frozenset[str]:
        """Keys of the APIs on their way out, for the metrics."""
        return self.current.deprecated if self.current is not None else frozenset()

    async def start(self) -> None:
        """Load everything once; faults here stop the start. Raises CatalogFaults, StorageError."""
        await self._rebuild(self._watcher.load())
        self._task = asyncio.create_task(self._watch(), name="snapshot")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        for turn in itertools.count():
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._look(files=turn % FILES_EVERY == 0)
            except Exception:  # the next look may succeed; without this task nothing is revoked
                log.exception("the snapshot could not be renewed")

    async def _look(self, *, files: bool) -> None:
        assert self.current is not None
        if files:
            self._waiting = await self._changed_files() or self._waiting
        catalog = self._waiting or self.current.catalog
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._database.read() as session:
                version = await changes.current(session)
            if version != self.current.version or catalog is not self.current.catalog:
                await self._rebuild(catalog)
            self.state.database_ok = True
            self.state.checked_at = self._clock()
        except (StorageError, OSError) as error:
            if self.state.database_ok:
                log.warning("the database does not answer, the snapshot stays: %s", error)
            self.state.database_ok = False

    async def _changed_files(self) -> Catalog | None:
        """The new catalogue when files have changed and are sound, else None."""
        found = await asyncio.to_thread(self._watcher.poll)
        if isinstance(found, CatalogFaults):
            self.state.catalog_faults = len(found.faults)
            self.state.catalog_message = str(found)
            log.error("the catalogue on disk is faulty, the running one stays:\n%s", found)
            return None
        if found is not None:
            self.state.catalog_faults = 0
            self.state.catalog_message = ""
        return found

    async def _rebuild(self, catalog: Catalog) -> None:
        now = self._clock()
        before, accounts = self.current, self._accounts
        async with self._database.read() as session:
            few = await access_rows.rest(session, int(now))
            known = before.version if before is not None else few.version
            changed = await access_rows.changed(session, known, few.version) if accounts is not None else None
            if changed is None:
                accounts = await _load(session)
        # From here to the swap nothing waits: no call can see half of it.
        assert accounts is not None
        if changed is not None:
            accounts.put_apps(changed.apps)
            accounts.put_grants(changed.grants)
            accounts.keys.put(changed.keys, [app.id for app in changed.apps])
        # When it is not known what has changed, an answer may have been dropped too.
        purged = changed.purged if changed is not None else EVERYTHING if before is not None else frozenset()
        self._accounts = accounts
        self.current = build(catalog, accounts, few, self._issuer, now, before, purged)
        self._waiting = None
        self.state.swaps += 1
        self.state.checked_at = self._clock()
        if before is not None and few.version != before.version:
            self.state.last_delay = max(0.0, self.state.checked_at - few.changed_ms / 1000)
            self.state.longest_delay = max(self.state.longest_delay, self.state.last_delay)
        for listener in self.listeners:
            listener(self.current)


async def _load(session: AsyncSession) -> Accounts:
    """All accounts, in slices: other work of the loop goes on between them."""
    accounts = Accounts()
    async for apps in access_rows.apps_in_slices(session):
        accounts.put_apps(apps)
        await asyncio.sleep(0)
    async for grants in access_rows.grants_in_slices(session):
        accounts.put_grants(grants)
        await asyncio.sleep(0)
    async for keys in access_rows.keys_in_slices(session):
        accounts.keys.put(keys)
        await asyncio.sleep(0)
    return accounts
