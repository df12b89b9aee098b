"""The one frozen value the line reads: catalogue, access, limits and keys, joined.

Built whole from files and rows, then swapped; nothing on the line asks the database. `SnapshotKeeper`
watches the database's change number and the catalogue's files. A faulty catalogue or an unreachable
database leaves the running snapshot in place and shows in `KeeperState`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auth.policy import AccessTable, AppAccess, Demand, Grant
from auth.tokens.keys import VerificationKeys
from gateway.catalog import served
from gateway.catalog.errors import CatalogFaults
from gateway.catalog.model import Api, AtEnd, Catalog, CountersAway, Operation, Plan, Upstream
from gateway.catalog.watch import Watcher
from gateway.route import ApiRoutes, Routes, compile_routes
from quota.plans import Limits
from storage import access as access_rows
from storage import changes
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger("sluss.snapshot")

POLL_SECONDS = 0.5  # the bound of revocation is this, plus one rebuild


@dataclass(frozen=True, slots=True)
class Published:
    """What a route leads to: one operation of one API, ready for the line."""

    api: Api
    operation: Operation
    demand: Demand
    upstreams: Mapping[str, tuple[Upstream, ...]]  # by environment
    template: str  # "/behov/v1/needs/{needId}": what logs and metrics show


@dataclass(frozen=True, slots=True)
class Document:
    """A file the edge answers with itself: the OpenAPI document, api-info."""

    media_type: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    version: int  # the database's change number
    built_at: float  # epoch seconds
    catalog: Catalog
    routes: Routes[Published]
    documents: Mapping[str, Document]
    keys: VerificationKeys
    access: AccessTable
    limits: Mapping[str, Limits]  # by subscription id


def build(
    catalog: Catalog, rows: access_rows.AccessRows, issuer: str, now: float, before: Snapshot | None = None
) -> Snapshot:
    """Join files and rows; what comes from files alone is taken over from the snapshot `before` when they are
    the same. A subscription to a plan version that is no longer published has no limits and is therefore
    refused by the line, never let through unlimited."""
    same = before is not None and before.catalog is catalog
    return Snapshot(
        version=rows.version,
        built_at=now,
        catalog=catalog,
        routes=before.routes
        if before is not None and same
        else Routes({api.key: _routes(api) for api in catalog.apis.values()}),
        documents=before.documents if before is not None and same else _documents(catalog, issuer),
        keys=VerificationKeys.from_rows(rows.keys),
        access=_access(rows),
        limits=_limits(catalog, rows),
    )


def _routes(api: Api) -> ApiRoutes[Published]:
    upstreams = {str(environment): found for environment, found in api.upstreams.items()}
    return compile_routes(
        (
            operation.method,
            operation.path,
            Published(
                api,
                operation,
                Demand(api.key, operation.scopes, api.status.callable),
                upstreams,
                api.base + operation.path,
            ),
        )
        for operation in api.operations
    )


def _documents(catalog: Catalog, issuer: str) -> dict[str, Document]:
    documents: dict[str, Document] = {}
    for api in catalog.apis.values():
        json_body = served.openapi_json(api, issuer, "en")
        yaml_body = served.openapi_yaml(api, issuer, "en")
        documents[f"{api.base}/openapi.json"] = Document(b"application/json", json_body)
        documents[f"{api.base}/openapi.yaml"] = Document(b"application/yaml", yaml_body)
        documents[f"{api.base}/api-info"] = Document(b"application/json", served.api_info(api, issuer))
    return documents


def _access(rows: access_rows.AccessRows) -> AccessTable:
    off = rows.organisations_disabled
    apps = {
        app.client_id: AppAccess(
            app_id=app.id,
            client_id=app.client_id,
            organisation_id=app.organisation_id,
            environment=app.environment,
            active=app.state == "active",
            tokens_valid_from=app.tokens_valid_from,
            organisation_active=app.organisation_id not in off,
        )
        for app in rows.apps
    }
    environments = {app.app_id: app.environment for app in apps.values()}
    grants = {
        (row.app_id, row.api): Grant(
            subscription_id=row.id,
            organisation_id=row.organisation_id,
            app_id=row.app_id,
            api=row.api,
            environment=environments[row.app_id],
            plan=row.plan,
            plan_version=row.plan_version,
            active=row.state == "active",
        )
        for row in rows.subscriptions
        if row.app_id in environments
    }
    return AccessTable(apps, grants, rows.revoked)


def limits_of(plan: Plan, subscription_id: str) -> Limits:
    rate = plan.rate
    return Limits.of(
        subscription_id=subscription_id,
        plan=plan.key,
        requests=rate.requests if rate else 0,
        seconds=rate.seconds if rate else 1,
        burst=rate.burst if rate else 0,
        per_day=plan.per_day,
        per_month=plan.per_month,
        refuse_at_end=plan.at_end is AtEnd.REFUSE,
        open_when_away=plan.counters_away is CountersAway.OPEN,
    )


def _limits(catalog: Catalog, rows: access_rows.AccessRows) -> dict[str, Limits]:
    found: dict[str, Limits] = {}
    for row in rows.subscriptions:
        plan = catalog.plans.get(f"{row.plan}@{row.plan_version}")
        if plan is not None:
            found[row.id] = limits_of(plan, row.id)
    return found


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
        self._issuer = issuer
        self._clock = clock
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.state = KeeperState()
        self.current: Snapshot | None = None
        self.listeners: list[Callable[[Snapshot], None]] = []

    async def start(self) -> None:
        """Load everything once; faults here stop the start. Raises CatalogFaults, StorageError."""
        await self._rebuild(self._watcher.load())
        self._task = asyncio.create_task(self._watch(), name="snapshot")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def nudge(self) -> None:
        """Look now: a change notice has come."""
        self._wake.set()

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            self._wake.clear()
            await self._look()

    async def _look(self) -> None:
        assert self.current is not None
        self._waiting = await self._changed_files() or self._waiting
        catalog = self._waiting or self.current.catalog
        try:
            async with self._database.read() as session:
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
        async with self._database.read() as session:
            rows = await access_rows.load(session, int(now))
        self.current = build(catalog, rows, self._issuer, now, self.current)
        self._waiting = None
        self.state.swaps += 1
        self.state.checked_at = self._clock()
        for listener in self.listeners:
            listener(self.current)
